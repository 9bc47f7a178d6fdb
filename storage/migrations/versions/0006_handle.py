"""Complainants, cards, approved replies, trials, calendar, customers, sales, passes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from storage import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NEW = (
    "rehearsal",
    "member_was",
    "grading_pass",
    "sale",
    "mention_customer",
    "customer",
    "calendar_event",
    "trial_end",
    "approved_reply",
    "card",
    "complainant",
)


def _text(name: str, *, default: bool = False) -> sa.Column[str]:
    return sa.Column(name, columns.Words(), nullable=False, server_default="" if default else None)


def _at(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, columns.Instant(), nullable=optional)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Bring the schema to this revision."""
    _people_and_cards()
    _the_rest()
    op.add_column("intent", _text("trial_id", default=True))
    op.add_column("intent", _text("meant_for", default=True))
    of_signals = sa.text("kind IN ('recall_set', 'verdict_given')")
    op.create_index(
        "ix_incident_event_signals",
        "incident_event",
        ["event_no"],
        sqlite_where=of_signals,
        postgresql_where=of_signals,
    )


def _people_and_cards() -> None:
    op.create_table(
        "complainant",
        *(_text(name) for name in ("incident_id", "complainant_id", "platform", "author")),
        *(_text(name) for name in ("ticket", "url")),
        _at("posted_at", optional=True),
        *(_text(name) for name in ("state", "assigned_to")),
        _at("at", optional=True),
        *(_text(name) for name in ("by", "channel", "text")),
        _at("responded_at", optional=True),
        _count("seq"),
        sa.PrimaryKeyConstraint("incident_id", "complainant_id", name="pk_complainant"),
    )
    op.create_table(
        "card",
        *(_text(name) for name in ("card_id", "incident_id")),
        _count("epoch"),
        *(_text(name) for name in ("code", "brand_id", "product", "issue_class", "fingerprint")),
        *(_text(name) for name in ("title", "cause", "fix", "reply", "reply_url", "closed_how")),
        sa.Column("words", columns.Document(), nullable=False),
        _at("created_at"),
        _text("by"),
        _at("edited_at", optional=True),
        _text("edited_by"),
        _at("retired_at", optional=True),
        sa.PrimaryKeyConstraint("card_id", name="pk_card"),
    )
    op.create_index("ix_card_incident_id", "card", ["incident_id"])
    op.create_index("ix_card_brand_id_fingerprint", "card", ["brand_id", "fingerprint"])
    op.create_table(
        "approved_reply",
        *(_text(name) for name in ("reply_id", "brand_id", "product", "question", "answer")),
        _text("approved_by"),
        _at("approved_at"),
        *(_text(name) for name in ("until", "origin")),
        _at("retired_at", optional=True),
        sa.PrimaryKeyConstraint("reply_id", name="pk_approved_reply"),
    )
    op.create_index("ix_approved_reply_brand_id", "approved_reply", ["brand_id"])


def _the_rest() -> None:
    op.create_table(
        "trial_end",
        _text("trial_id"),
        _at("at"),
        _text("by"),
        _at("since"),
        *(_count(name) for name in ("alerts", "incidents", "false_alarms", "judged")),
        _text("note"),
        sa.PrimaryKeyConstraint("trial_id", name="pk_trial_end"),
    )
    op.create_table(
        "calendar_event",
        *(_text(name) for name in ("event_id", "name", "kind", "starts", "ends", "brand_id")),
        *(_text(name) for name in ("note", "added_by")),
        _at("added_at"),
        sa.PrimaryKeyConstraint("event_id", name="pk_calendar_event"),
    )
    op.create_index("ix_calendar_event_starts", "calendar_event", ["starts"])
    op.create_table(
        "customer",
        *(_text(name) for name in ("key", "origin", "kind", "tier")),
        _at("imported_at"),
        sa.PrimaryKeyConstraint("key", "origin", name="pk_customer"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_customer_origin", "customer", ["origin"])
    op.create_table(
        "mention_customer",
        _number("mention_pk"),
        *(_text(name) for name in ("kind", "key", "tier")),
        sa.PrimaryKeyConstraint("mention_pk", "kind", name="pk_mention_customer"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sale",
        *(_text(name) for name in ("brand_id", "product", "day")),
        _count("units"),
        sa.PrimaryKeyConstraint("brand_id", "product", "day", name="pk_sale"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "grading_pass",
        _number("pass_no"),
        _text("kind"),
        _at("at"),
        _text("shard_id"),
        _number("first_seq"),
        _number("last_seq"),
        _text("rules"),
        sa.Column("data", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("pass_no", name="pk_grading_pass"),
    )
    op.create_index("ix_grading_pass_at", "grading_pass", ["at"])
    op.create_table(
        "member_was",
        _number("pass_no"),
        sa.Column("data", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("pass_no", name="pk_member_was"),
    )
    op.create_table(
        "rehearsal",
        _text("rehearsal_id"),
        _at("at"),
        _text("by"),
        sa.Column("document", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("rehearsal_id", name="pk_rehearsal"),
    )
    op.create_index("ix_rehearsal_at", "rehearsal", ["at"])


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_index("ix_incident_event_signals", "incident_event")
    op.drop_column("intent", "meant_for")
    op.drop_column("intent", "trial_id")
    for name in _NEW:
        op.drop_table(name)
