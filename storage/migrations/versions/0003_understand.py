"""Positive probability and noise of a verdict; facts, adaptation, corrections, models, the vault.

Mentions judged before keep "not noise" and an unknown positive probability (0); promoting a model
judges the last days again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from storage import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, columns.Words(), nullable=False)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, columns.Instant(), nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _share(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=False)


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column(
        "verdict", sa.Column("positive", sa.Float(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("verdict", sa.Column("noise", columns.Words(), nullable=False, server_default=""))
    op.create_index("ix_mention_source_id_mention_pk", "mention", ["source_id", "mention_pk"])
    op.add_column(
        "account", sa.Column("permissions", columns.Words(), nullable=False, server_default="")
    )
    _make_facts()
    _make_learning()
    _make_vault()


def downgrade() -> None:
    """Take the schema back to the revision before."""
    for name in ("vault_entry", "drift_day", "model_event", "review_item", "correction"):
        op.drop_table(name)
    for name in ("source_adaptation", "author_seen", "mention_fact"):
        op.drop_table(name)
    op.drop_index("ix_mention_source_id_mention_pk", "mention")
    op.drop_column("account", "permissions")
    for name in ("noise", "positive"):
        op.drop_column("verdict", name)


def _make_facts() -> None:
    op.create_table(
        "mention_fact",
        _text("brand_id"),
        _big("mention_pk"),
        _text("kind"),
        _text("value"),
        _at("published_at"),
        sa.PrimaryKeyConstraint("brand_id", "mention_pk", "kind", "value", name="pk_mention_fact"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_mention_fact_brand_id_published_at", "mention_fact", ["brand_id", "published_at"]
    )
    op.create_index("ix_mention_fact_mention_pk", "mention_fact", ["mention_pk"])
    op.create_table(
        "author_seen",
        _text("author_key"),
        _at("first_at"),
        sa.PrimaryKeyConstraint("author_key", name="pk_author_seen"),
        sqlite_with_rowid=False,
    )


def _make_learning() -> None:
    op.create_table(
        "source_adaptation",
        _text("source_id"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        _text("model_version"),
        _at("at"),
        _count("n"),
        _share("share"),
        _share("shift"),
        sa.Column("delta", sa.LargeBinary(), nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "version", name="pk_source_adaptation"),
    )
    op.create_table(
        "correction",
        _big("correction_no"),
        _big("mention_pk"),
        *(_text(name) for name in ("brand_id", "kind", "value", "was", "actor", "door")),
        _at("at"),
        _text("note"),
        _count("revision"),
        _text("asked"),
        sa.PrimaryKeyConstraint("correction_no", name="pk_correction"),
    )
    op.create_index("ix_correction_mention_pk", "correction", ["mention_pk"])
    op.create_table(
        "review_item",
        _text("day"),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        _big("mention_pk"),
        _text("brand_id"),
        sa.Column("reasons", columns.Document(), nullable=False),
        _text("state"),
        _text("actor"),
        sa.PrimaryKeyConstraint("day", "place", name="pk_review_item"),
    )
    op.create_table(
        "model_event",
        _big("event_no"),
        *(_text(name) for name in ("kind", "version", "action", "actor")),
        _at("at"),
        sa.Column("detail", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("event_no", name="pk_model_event"),
    )
    op.create_table(
        "drift_day",
        _text("source_id"),
        _at("day"),
        _text("model_version"),
        _count("n"),
        sa.Column("histogram", columns.Document(), nullable=False),
        _share("unsure_share"),
        _share("unknown_share"),
        sa.PrimaryKeyConstraint("source_id", "day", name="pk_drift_day"),
        sqlite_with_rowid=False,
    )


def _make_vault() -> None:
    op.create_table(
        "vault_entry",
        _big("entry_no"),
        _big("mention_pk"),
        _text("kind"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        *(_text(name) for name in ("key_id", "door")),
        _at("at"),
        _at("expires_at"),
        sa.PrimaryKeyConstraint("entry_no", name="pk_vault_entry"),
    )
    for name in ("mention_pk", "expires_at"):
        op.create_index(f"ix_vault_entry_{name}", "vault_entry", [name])
