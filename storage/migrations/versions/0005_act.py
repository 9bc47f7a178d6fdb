"""Silences, shared channel state, receipts, replies, verified addresses; buttons on messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from storage import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NEW = ("verified_address", "reply", "receipt", "channel_state", "silence")


def _text(name: str, *, default: bool = False) -> sa.Column[str]:
    return sa.Column(name, columns.Words(), nullable=False, server_default="" if default else None)


def _at(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, columns.Instant(), nullable=optional)


def _list(name: str) -> sa.Column[object]:
    return sa.Column(name, columns.Document(), nullable=False)


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "silence",
        _text("silence_id"),
        _at("starts_at"),
        _at("ends_at"),
        *(_text(name) for name in ("up_to", "by", "reason")),
        _at("created_at"),
        sa.Column("incident_id", columns.Words()),
        *(_list(name) for name in ("brand", "product", "issue", "region", "platform")),
        _at("ended_at", optional=True),
        _text("ended_by"),
        sa.PrimaryKeyConstraint("silence_id", name="pk_silence"),
    )
    op.create_index("ix_silence_ends_at", "silence", ["ends_at"])
    op.create_table(
        "channel_state",
        _text("channel_id"),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("mild_tokens", sa.Float(), nullable=False),
        _at("refilled_at"),
        _at("blocked_until", optional=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        _text("reason"),
        _at("last_ok_at", optional=True),
        sa.PrimaryKeyConstraint("channel_id", name="pk_channel_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "receipt",
        *(_text(name) for name in ("channel_id", "provider_message_id", "state")),
        _at("at"),
        _text("text"),
        sa.PrimaryKeyConstraint("channel_id", "provider_message_id", "state", name="pk_receipt"),
    )
    op.create_table(
        "reply",
        *(_text(name) for name in ("channel_id", "message_id")),
        _at("at"),
        _text("sender"),
        sa.Column("owner_id", columns.Words()),
        *(_text(name) for name in ("text", "outcome")),
        sa.Column("incident_id", columns.Words()),
        sa.PrimaryKeyConstraint("channel_id", "message_id", name="pk_reply"),
    )
    op.create_index("ix_reply_at", "reply", ["at"])
    op.create_table(
        "verified_address",
        *(_text(name) for name in ("owner_id", "channel_id", "address", "code_hash")),
        _at("asked_at"),
        _at("verified_at", optional=True),
        _text("how"),
        sa.PrimaryKeyConstraint("owner_id", "channel_id", name="pk_verified_address"),
    )
    op.add_column(
        "intent", sa.Column("actions", columns.Document(), nullable=False, server_default="[]")
    )
    op.add_column(
        "intent", sa.Column("words", columns.Document(), nullable=False, server_default="{}")
    )
    op.add_column("intent", sa.Column("summary_id", columns.Words()))
    op.create_index(
        "ix_intent_summary",
        "intent",
        ["summary_id"],
        sqlite_where=sa.text("summary_id IS NOT NULL"),
        postgresql_where=sa.text("summary_id IS NOT NULL"),
    )
    op.create_index(
        "ix_intent_fallback",
        "intent",
        ["fallback_of"],
        sqlite_where=sa.text("fallback_of IS NOT NULL"),
        postgresql_where=sa.text("fallback_of IS NOT NULL"),
    )
    op.create_index(
        "ix_intent_dead",
        "intent",
        ["created_at"],
        sqlite_where=sa.text("status = 'dead'"),
        postgresql_where=sa.text("status = 'dead'"),
    )
    op.create_index(
        "ix_intent_open_summary",
        "intent",
        ["recipient_id"],
        sqlite_where=sa.text("kind = 'summary' AND status = 'pending'"),
        postgresql_where=sa.text("kind = 'summary' AND status = 'pending'"),
    )
    op.create_index("ix_delivery_started_at", "delivery", ["started_at"])
    op.add_column("incident", _text("fingerprint", default=True))
    op.create_index("ix_incident_fingerprint", "incident", ["fingerprint"])
    op.create_index("ix_incident_merged_into", "incident", ["merged_into"])


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_index("ix_incident_merged_into", "incident")
    op.drop_index("ix_incident_fingerprint", "incident")
    op.drop_column("incident", "fingerprint")
    op.drop_index("ix_delivery_started_at", "delivery")
    op.drop_index("ix_intent_open_summary", "intent")
    op.drop_index("ix_intent_dead", "intent")
    op.drop_index("ix_intent_fallback", "intent")
    op.drop_index("ix_intent_summary", "intent")
    op.drop_column("intent", "summary_id")
    op.drop_column("intent", "words")
    op.drop_column("intent", "actions")
    for name in _NEW:
        op.drop_table(name)
