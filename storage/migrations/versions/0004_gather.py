"""Growth by platform and by what is negative, cold clusters, people's word on clusters, proposals.

The new hour figures are counted from the members that are stored.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from storage import columns
from storage.migrations import gather_0004

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EVENT_INDEXES = ("other_id", "undoes")
_NEW = (
    "cluster_hour",
    "cluster_total",
    "cluster_moved",
    "cluster_topic",
    "merge_proposal",
    "cluster_apart",
    "cold_feature",
    "cluster_hour_platform",
)


def _text(name: str, *, default: bool = False) -> sa.Column[str]:
    return sa.Column(name, columns.Words(), nullable=False, server_default="" if default else None)


def _at(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, columns.Instant(), nullable=optional)


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("cluster", _text("named_by", default=True))
    op.add_column(
        "cluster", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("mention_cluster", _text("placed_by", default=True))
    op.add_column("cluster_event", sa.Column("mention_id", sa.BigInteger()))
    op.add_column("cluster_event", sa.Column("undoes", sa.BigInteger()))
    op.add_column("cluster_event", _text("was", default=True))
    for name in _EVENT_INDEXES:
        given = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_cluster_event_{name}",
            "cluster_event",
            [name],
            sqlite_where=given,
            postgresql_where=given,
        )
    for name in ("n_negative", "n_public"):
        op.add_column(
            "cluster_hour_author",
            sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")),
        )
    op.create_index(
        "ix_cluster_hour_author_cluster_id_author_key",
        "cluster_hour_author",
        ["cluster_id", "author_key"],
    )
    op.create_index(
        "ix_cluster_hour_text_cluster_id_text_key", "cluster_hour_text", ["cluster_id", "text_key"]
    )
    _make_tables()
    _make_totals()
    gather_0004.count_members(op.get_bind())


def downgrade() -> None:
    """Take the schema back to the revision before."""
    for name in _NEW:
        op.drop_table(name)
    for name in _EVENT_INDEXES:
        op.drop_index(f"ix_cluster_event_{name}", table_name="cluster_event")
    op.drop_index(
        "ix_cluster_hour_text_cluster_id_text_key", table_name="cluster_hour_text"
    )
    op.drop_index(
        "ix_cluster_hour_author_cluster_id_author_key", table_name="cluster_hour_author"
    )
    for name, column in (
        ("cluster_event", "was"),
        ("cluster_hour_author", "n_public"),
        ("cluster_hour_author", "n_negative"),
        ("cluster_event", "undoes"),
        ("cluster_event", "mention_id"),
        ("mention_cluster", "placed_by"),
        ("cluster", "pinned"),
        ("cluster", "named_by"),
    ):
        with op.batch_alter_table(name) as batch:
            batch.drop_column(column)


def _make_tables() -> None:
    op.create_table(
        "cluster_moved",
        sa.Column("event_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("home_id", columns.Words()),
        sa.PrimaryKeyConstraint("event_no", "mention_pk", name="pk_cluster_moved"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster_hour_platform",
        _text("cluster_id"),
        _at("hour"),
        _text("platform"),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", "hour", "platform", name="pk_cluster_hour_platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cold_feature",
        _text("shard_id"),
        sa.Column("feature", sa.BigInteger(), autoincrement=False, nullable=False),
        _text("cluster_id"),
        sa.PrimaryKeyConstraint("shard_id", "feature", "cluster_id", name="pk_cold_feature"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cold_feature_cluster_id", "cold_feature", ["cluster_id"])
    op.create_table(
        "cluster_apart",
        _text("first_id"),
        _text("second_id"),
        _text("brand_id"),
        _text("actor"),
        _at("at"),
        sa.PrimaryKeyConstraint("first_id", "second_id", name="pk_cluster_apart"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cluster_apart_second_id", "cluster_apart", ["second_id"])
    op.create_table(
        "merge_proposal",
        _text("first_id"),
        _text("second_id"),
        _text("brand_id"),
        sa.Column("score", sa.Float(), nullable=False),
        _text("why"),
        _text("state"),
        _at("at"),
        _text("decided_by"),
        _at("decided_at", optional=True),
        sa.PrimaryKeyConstraint("first_id", "second_id", name="pk_merge_proposal"),
    )
    op.create_index("ix_merge_proposal_brand_id_state", "merge_proposal", ["brand_id", "state"])
    op.create_table(
        "cluster_topic",
        _text("cluster_id"),
        _text("brand_id"),
        _text("topic_id"),
        _at("at"),
        sa.PrimaryKeyConstraint("cluster_id", name="pk_cluster_topic"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cluster_topic_brand_id", "cluster_topic", ["brand_id"])


def _make_totals() -> None:
    def count(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.Integer(), nullable=False)

    def number(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)

    op.create_table(
        "cluster_total",
        _text("cluster_id"),
        *(count(name) for name in ("n", "n_negative", "authors", "public_authors", "texts")),
        number("reposts"),
        count("n_reposts"),
        number("views"),
        count("n_views"),
        sa.PrimaryKeyConstraint("cluster_id", name="pk_cluster_total"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster_hour",
        _text("cluster_id"),
        _at("hour"),
        *(count(name) for name in ("mentions", "authors", "texts", "live", "watch")),
        count("negative"),
        count("platforms"),
        sa.PrimaryKeyConstraint("cluster_id", "hour", name="pk_cluster_hour"),
        sqlite_with_rowid=False,
    )
