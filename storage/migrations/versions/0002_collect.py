"""Hosts, adaptive polling, links to visit again, official posts, hot lists, doors.

Validators move into one document per source: dropping the old ones costs one unconditional poll.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from storage import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WORDS = ("etag", "last_modified", "body_hash")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, columns.Words(), nullable=False, server_default="")


def _at(name: str) -> sa.Column[Any]:
    return sa.Column(name, columns.Instant(), nullable=True)


def _document(name: str, empty: str) -> sa.Column[Any]:
    return sa.Column(name, columns.Document(), nullable=False, server_default=sa.text(f"'{empty}'"))


def _number(name: str, kind: type[sa.types.TypeEngine[Any]] = sa.Float) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=sa.text("0"))


def _new_state_columns() -> list[sa.Column[Any]]:
    return [
        _document("cursors", "{}"),
        sa.Column("validators_lie", sa.Boolean(), nullable=False, server_default=sa.false()),
        _number("interval_s"),
        _number("hint_s"),
        _at("last_gap_at"),
        _at("last_backfill_at"),
        _number("good_polls", sa.Integer),
        _document("history", "[]"),
        _document("learned", "{}"),
        _document("notice", "{}"),
        _document("trial", "{}"),
    ]


def _new_link_columns() -> list[sa.Column[Any]]:
    kind: sa.Column[Any] = sa.Column("kind", columns.Words(), nullable=False, server_default="detail")
    page = sa.Column("page", sa.Integer(), nullable=False, server_default=sa.text("1"))
    return [kind, _at("due_at"), _at("until"), page]


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("source_state") as batch:
        for name in _WORDS:
            batch.drop_column(name)
        for column in _new_state_columns():
            batch.add_column(column)
    for column in _new_link_columns():
        op.add_column("detail_link", column)
    for name in ("gaps", "backfills"):
        op.add_column("source_hour", _number(name, sa.Integer))
    op.add_column("mention", _text("parent_url"))
    op.add_column("mention", _at("gone_at"))
    _make_tables()


def downgrade() -> None:
    """Take the schema back to the revision before."""
    for name in ("column_mapping", "access_token", "hot_entry", "public_response"):
        op.drop_table(name)
    for name in ("official_post", "attachment", "figure", "host_state"):
        op.drop_table(name)
    for name in ("gone_at", "parent_url"):
        op.drop_column("mention", name)
    # Links of the new kinds mean nothing to the program before.
    op.execute("DELETE FROM detail_link WHERE kind <> 'detail'")
    for column in reversed(_new_link_columns()):
        op.drop_column("detail_link", column.name)
    for name in ("backfills", "gaps"):
        op.drop_column("source_hour", name)
    with op.batch_alter_table("source_state") as batch:
        for column in _new_state_columns():
            batch.drop_column(column.name)
        for name in _WORDS:
            batch.add_column(_text(name))


def _make_tables() -> None:
    words, instant, big = columns.Words, columns.Instant, sa.BigInteger
    op.create_table(
        "host_state",
        sa.Column("host", words(), nullable=False),
        sa.Column("not_before", instant(), nullable=True),
        sa.Column("reason", words(), nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("crawl_delay_s", sa.Float(), nullable=False),
        sa.Column("updated_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("host", name="pk_host_state"),
    )
    op.create_table(
        "figure",
        sa.Column("mention_pk", big(), autoincrement=False, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("reposts", big(), nullable=True),
        sa.Column("comments", big(), nullable=True),
        sa.Column("likes", big(), nullable=True),
        sa.Column("views", big(), nullable=True),
        sa.PrimaryKeyConstraint("mention_pk", "at", name="pk_figure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attachment",
        sa.Column("mention_pk", big(), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("media_type", words(), nullable=False),
        sa.Column("sha256", words(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("mention_pk", "n", name="pk_attachment"),
    )
    op.create_table(
        "official_post",
        sa.Column("item_key", words(), nullable=False),
        *(
            sa.Column(name, words(), nullable=False)
            for name in ("brand_id", "source_id", "platform", "author", "title", "text", "url")
        ),
        sa.Column("published_at", instant(), nullable=False),
        sa.Column("observed_at", instant(), nullable=False),
        sa.Column("parent_url", words(), nullable=False),
        sa.PrimaryKeyConstraint("item_key", name="pk_official_post"),
    )
    op.create_index(
        "ix_official_post_brand_id_published_at", "official_post", ["brand_id", "published_at"]
    )
    op.create_table(
        "public_response",
        sa.Column("response_no", big(), autoincrement=False, nullable=False),
        sa.Column("mention_pk", big(), nullable=True),
        sa.Column("incident_id", words(), nullable=True),
        sa.Column("official_key", words(), nullable=True),
        sa.Column("at", instant(), nullable=False),
        sa.Column("url", words(), nullable=False),
        sa.Column("actor", words(), nullable=False),
        sa.Column("note", words(), nullable=False),
        sa.PrimaryKeyConstraint("response_no", name="pk_public_response"),
    )
    for name in ("mention_pk", "incident_id"):
        op.create_index(f"ix_public_response_{name}", "public_response", [name])
    op.create_table(
        "hot_entry",
        *(sa.Column(name, words(), nullable=False) for name in ("source_id", "title")),
        *(sa.Column(name, words(), nullable=False) for name in ("platform", "url")),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("best_rank", sa.Integer(), nullable=True),
        sa.Column("heat", sa.Float(), nullable=True),
        sa.Column("first_at", instant(), nullable=False),
        sa.Column("last_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "title", name="pk_hot_entry"),
    )
    op.create_index("ix_hot_entry_last_at", "hot_entry", ["last_at"])
    op.create_table(
        "access_token",
        *(sa.Column(name, words(), nullable=False) for name in ("token_hash", "kind", "name")),
        sa.Column("created_at", instant(), nullable=False),
        *(sa.Column(name, words(), nullable=False) for name in ("created_by", "region", "channel")),
        sa.Column("expires_at", instant(), nullable=True),
        sa.Column("revoked_at", instant(), nullable=True),
        sa.Column("last_used_at", instant(), nullable=True),
        sa.Column("uses", big(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_access_token"),
        sa.UniqueConstraint("kind", "name", name="uq_access_token_kind_name"),
    )
    op.create_table(
        "column_mapping",
        sa.Column("name", words(), nullable=False),
        sa.Column("headers", columns.Document(), nullable=False),
        sa.Column("columns", columns.Document(), nullable=False),
        *(sa.Column(name, words(), nullable=False) for name in ("source", "tz", "channel")),
        sa.Column("saved_at", instant(), nullable=False),
        sa.Column("saved_by", words(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_column_mapping"),
    )
