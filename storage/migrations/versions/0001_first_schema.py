"""First schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from storage import columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "account",
        sa.Column("name", columns.Words(), nullable=False),
        sa.Column("password_hash", columns.Words(), nullable=False),
        sa.Column("role", columns.Words(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=("pk_account")),
    )
    op.create_table(
        "audit",
        sa.Column("audit_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("actor", columns.Words(), nullable=False),
        sa.Column("action", columns.Words(), nullable=False),
        sa.Column("target", columns.Words(), nullable=False),
        sa.Column("detail", columns.Words(), nullable=False),
        sa.PrimaryKeyConstraint("audit_no", name=("pk_audit")),
    )
    op.create_table(
        "brand_hour",
        sa.Column("brand_id", columns.Words(), nullable=False),
        sa.Column("hour", columns.Instant(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("authors", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("watch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "hour", name=("pk_brand_hour")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster",
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("shard_id", columns.Words(), nullable=False),
        sa.Column("brand_id", columns.Words(), nullable=False),
        sa.Column("state", columns.Words(), nullable=False),
        sa.Column("alias_of", columns.Words(), nullable=True),
        sa.Column("parent_id", columns.Words(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("n_duplicates", sa.Integer(), nullable=False),
        sa.Column("first_at", columns.Instant(), nullable=True),
        sa.Column("last_at", columns.Instant(), nullable=True),
        sa.Column("label", columns.Words(), nullable=False),
        sa.Column("keywords", columns.Document(), nullable=False),
        sa.Column("representative_id", sa.BigInteger(), nullable=True),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", name=("pk_cluster")),
    )
    op.create_index(
        "ix_cluster_alias_of",
        "cluster",
        ["alias_of"],
        unique=False,
        sqlite_where=sa.text("alias_of IS NOT NULL"),
        postgresql_where=sa.text("alias_of IS NOT NULL"),
    )
    op.create_index(("ix_cluster_brand_id_state"), "cluster", ["brand_id", "state"], unique=False)
    op.create_index(("ix_cluster_last_at"), "cluster", ["last_at"], unique=False)
    op.create_index(("ix_cluster_shard_id_state"), "cluster", ["shard_id", "state"], unique=False)
    op.create_table(
        "cluster_event",
        sa.Column("event_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("actor", columns.Words(), nullable=False),
        sa.Column("other_id", columns.Words(), nullable=True),
        sa.Column("note", columns.Words(), nullable=False),
        sa.PrimaryKeyConstraint("event_no", name=("pk_cluster_event")),
    )
    op.create_index(("ix_cluster_event_cluster_id"), "cluster_event", ["cluster_id"], unique=False)
    op.create_table(
        "cluster_fact",
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("value", columns.Words(), nullable=False),
        sa.Column("author_key", columns.Words(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("n_watch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "cluster_id", "kind", "value", "author_key", name=("pk_cluster_fact")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster_hour_author",
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("hour", columns.Instant(), nullable=False),
        sa.Column("author_key", columns.Words(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("n_live", sa.Integer(), nullable=False),
        sa.Column("n_watch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "cluster_id", "hour", "author_key", name=("pk_cluster_hour_author")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster_hour_text",
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("hour", columns.Instant(), nullable=False),
        sa.Column("text_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", "hour", "text_key", name=("pk_cluster_hour_text")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter",
        sa.Column("name", columns.Words(), nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=("pk_counter")),
    )
    op.create_table(
        "detail_link",
        sa.Column("url_hash", columns.Words(), nullable=False),
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("url", columns.Words(), nullable=False),
        sa.Column("listed", columns.Document(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("found_at", columns.Instant(), nullable=False),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.Column("state", columns.Words(), nullable=False),
        sa.Column("reason", columns.Words(), nullable=False),
        sa.Column("link_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lease_until", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("url_hash", name=("pk_detail_link")),
    )
    op.create_index(
        "ix_detail_link_open",
        "detail_link",
        ["source_id", "link_no"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "df_snapshot",
        sa.Column("shard_id", columns.Words(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shard_id", name=("pk_df_snapshot")),
    )
    op.create_table(
        "digest_run",
        sa.Column("owner_id", columns.Words(), nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "kind", "local_date", name=("pk_digest_run")),
    )
    op.create_table(
        "fetch_event",
        sa.Column("event_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("url", columns.Words(), nullable=False),
        sa.Column("outcome", columns.Words(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("new_items", sa.Integer(), nullable=False),
        sa.Column("text", columns.Words(), nullable=False),
        sa.PrimaryKeyConstraint("event_no", name=("pk_fetch_event")),
    )
    op.create_index(
        ("ix_fetch_event_source_id_event_no"),
        "fetch_event",
        ["source_id", "event_no"],
        unique=False,
    )
    op.create_table(
        "gather_queue",
        sa.Column("shard_id", columns.Words(), nullable=False),
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shard_id", "mention_pk", name=("pk_gather_queue")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "incident",
        sa.Column("incident_id", columns.Words(), nullable=False),
        sa.Column("code", columns.Words(), nullable=False),
        sa.Column("brand_id", columns.Words(), nullable=False),
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("state", columns.Words(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner_id", columns.Words(), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("merged_into", columns.Words(), nullable=True),
        sa.Column("document", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=("pk_incident")),
    )
    op.create_index(("ix_incident_code"), "incident", ["code"], unique=False)
    op.create_index(("ix_incident_state_level"), "incident", ["state", "level"], unique=False)
    op.create_index(("ix_incident_updated_at"), "incident", ["updated_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", columns.Words(), nullable=False),
        sa.Column("holder", columns.Words(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=("pk_lease")),
    )
    op.create_table(
        "mention",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("item_key", columns.Words(), nullable=False),
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("platform", columns.Words(), nullable=False),
        sa.Column("title", columns.Words(), nullable=False),
        sa.Column("text", columns.Words(), nullable=False),
        sa.Column("published_at", columns.Instant(), nullable=False),
        sa.Column("observed_at", columns.Instant(), nullable=False),
        sa.Column("url", columns.Words(), nullable=False),
        sa.Column("author", columns.Words(), nullable=False),
        sa.Column("lang", columns.Words(), nullable=False),
        sa.Column("region", columns.Words(), nullable=False),
        sa.Column("channel", columns.Words(), nullable=False),
        sa.Column("tier", columns.Words(), nullable=False),
        sa.Column("reposts", sa.BigInteger(), nullable=True),
        sa.Column("comments", sa.BigInteger(), nullable=True),
        sa.Column("likes", sa.BigInteger(), nullable=True),
        sa.Column("views", sa.BigInteger(), nullable=True),
        sa.Column("rating", sa.Float(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("month", "mention_pk", name=("pk_mention")),
    )
    op.create_index(("ix_mention_mention_pk"), "mention", ["mention_pk"], unique=False)
    op.create_index(("ix_mention_observed_at"), "mention", ["observed_at"], unique=False)
    op.create_table(
        "mention_cluster",
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("brand_id", columns.Words(), nullable=False),
        sa.Column("shard_id", columns.Words(), nullable=False),
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("home_id", columns.Words(), nullable=True),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.Column("duplicate_of", sa.BigInteger(), nullable=True),
        sa.Column("author_key", columns.Words(), nullable=False),
        sa.Column("published_at", columns.Instant(), nullable=False),
        sa.Column("gathered_at", columns.Instant(), nullable=False),
        sa.Column("is_sure", sa.Boolean(), nullable=False),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("mention_pk", "brand_id", name=("pk_mention_cluster")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        ("ix_mention_cluster_brand_id_published_at"),
        "mention_cluster",
        ["brand_id", "published_at"],
        unique=False,
    )
    op.create_index(
        ("ix_mention_cluster_cluster_id_published_at"),
        "mention_cluster",
        ["cluster_id", "published_at"],
        unique=False,
    )
    op.create_index(
        "uq_mention_cluster_shard_id_seq", "mention_cluster", ["shard_id", "seq"], unique=True
    )
    op.create_table(
        "mention_key",
        sa.Column("item_key", columns.Words(), nullable=False),
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item_key", name=("pk_mention_key")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention_queue",
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("mention_pk", name=("pk_mention_queue")),
    )
    op.create_table(
        "meta",
        sa.Column("key", columns.Words(), nullable=False),
        sa.Column("value", columns.Words(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=("pk_meta")),
    )
    op.create_table(
        "outcome_count",
        sa.Column("hour", columns.Instant(), nullable=False),
        sa.Column("stage", columns.Words(), nullable=False),
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("outcome", columns.Words(), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hour", "stage", "source_id", "outcome", name=("pk_outcome_count")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "raw_page",
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("url", columns.Words(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "kind", name=("pk_raw_page")),
    )
    op.create_table(
        "revision",
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", columns.Words(), nullable=False),
        sa.Column("text", columns.Words(), nullable=False),
        sa.Column("replaced_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("mention_pk", "revision", name=("pk_revision")),
    )
    op.create_table(
        "sighting",
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("text_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("mention_pk", "source_id", name=("pk_sighting")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source_hour",
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("hour", columns.Instant(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "hour", name=("pk_source_hour")),
        sqlite_with_rowid=False,
    )
    op.create_index(("ix_source_hour_hour"), "source_hour", ["hour"], unique=False)
    op.create_table(
        "source_state",
        sa.Column("source_id", columns.Words(), nullable=False),
        sa.Column("config_digest", columns.Words(), nullable=False),
        sa.Column("health", columns.Words(), nullable=False),
        sa.Column("cause", columns.Words(), nullable=False),
        sa.Column("cause_text", columns.Words(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("first_polled_at", columns.Instant(), nullable=True),
        sa.Column("last_poll_at", columns.Instant(), nullable=True),
        sa.Column("last_ok_at", columns.Instant(), nullable=True),
        sa.Column("last_item_at", columns.Instant(), nullable=True),
        sa.Column("next_poll_at", columns.Instant(), nullable=True),
        sa.Column("etag", columns.Words(), nullable=False),
        sa.Column("last_modified", columns.Words(), nullable=False),
        sa.Column("body_hash", columns.Words(), nullable=False),
        sa.Column("seen", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=("pk_source_state")),
    )
    op.create_table(
        "verdict",
        sa.Column("mention_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("brand_id", columns.Words(), nullable=False),
        sa.Column("model_version", columns.Words(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("negative", sa.Float(), nullable=False),
        sa.Column("polarity", columns.Words(), nullable=False),
        sa.Column("issue_class", columns.Words(), nullable=False),
        sa.Column("lang", columns.Words(), nullable=False),
        sa.Column("detail", columns.Document(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("mention_pk", "brand_id", "model_version", name=("pk_verdict")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_verdict_current",
        "verdict",
        ["mention_pk", "brand_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "would_have_been",
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("brand_id", columns.Words(), nullable=False),
        sa.Column("text", columns.Words(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", name=("pk_would_have_been")),
    )
    op.create_table(
        "incident_cluster",
        sa.Column("cluster_id", columns.Words(), nullable=False),
        sa.Column("incident_id", columns.Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.incident_id"], name=("fk_incident_cluster_incident_id")
        ),
        sa.PrimaryKeyConstraint("cluster_id", "incident_id", name=("pk_incident_cluster")),
    )
    op.create_table(
        "incident_event",
        sa.Column("incident_id", columns.Words(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("actor", columns.Words(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("data", columns.Document(), nullable=False),
        sa.Column("source_event_id", columns.Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.incident_id"], name=("fk_incident_event_incident_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "seq", name=("pk_incident_event")),
        sa.UniqueConstraint("event_no", name=("uq_incident_event_event_no")),
    )
    op.create_index(("ix_incident_event_at"), "incident_event", ["at"], unique=False)
    op.create_index(
        "uq_incident_event_source_event_id",
        "incident_event",
        ["source_event_id"],
        unique=True,
        sqlite_where=sa.text("source_event_id <> ''"),
        postgresql_where=sa.text("source_event_id <> ''"),
    )
    op.create_table(
        "intent",
        sa.Column("intent_id", columns.Words(), nullable=False),
        sa.Column("intent_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("incident_id", columns.Words(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("recipient_id", columns.Words(), nullable=False),
        sa.Column("channel_id", columns.Words(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("subject", columns.Words(), nullable=False),
        sa.Column("body", columns.Words(), nullable=False),
        sa.Column("html", columns.Words(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("deadline_at", columns.Instant(), nullable=True),
        sa.Column("status", columns.Words(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("reason", columns.Words(), nullable=False),
        sa.Column("fallback_of", columns.Words(), nullable=True),
        sa.Column("lease_until", columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.incident_id"], name=("fk_intent_incident_id")
        ),
        sa.PrimaryKeyConstraint("intent_id", name=("pk_intent")),
        sa.UniqueConstraint("intent_no", name=("uq_intent_intent_no")),
    )
    op.create_index(
        "ix_intent_due",
        "intent",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
        postgresql_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
    )
    op.create_index(
        ("ix_intent_incident_id_recipient_id"),
        "intent",
        ["incident_id", "recipient_id"],
        unique=False,
    )
    op.create_index(
        ("ix_intent_recipient_id_intent_no"), "intent", ["recipient_id", "intent_no"], unique=False
    )
    op.create_table(
        "session",
        sa.Column("token_hash", columns.Words(), nullable=False),
        sa.Column("user", columns.Words(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("csrf", columns.Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user"], ["account.name"], name=("fk_session_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=("pk_session")),
    )
    op.create_table(
        "timer",
        sa.Column("incident_id", columns.Words(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", columns.Words(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("status", columns.Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.incident_id"], name=("fk_timer_incident_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "epoch", "kind", "step", name=("pk_timer")),
    )
    op.create_index(
        "ix_timer_due",
        "timer",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "delivery",
        sa.Column("intent_id", columns.Words(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel_id", columns.Words(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("outcome", columns.Words(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("provider_code", columns.Words(), nullable=False),
        sa.Column("provider_message_id", columns.Words(), nullable=False),
        sa.Column("retry_after_s", sa.Float(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", columns.Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["intent.intent_id"], name=("fk_delivery_intent_id")
        ),
        sa.PrimaryKeyConstraint("intent_id", "n", name=("pk_delivery")),
    )
    op.create_index(
        ("ix_delivery_channel_id_started_at"),
        "delivery",
        ["channel_id", "started_at"],
        unique=False,
    )


def downgrade() -> None:
    """Take this revision back."""
    op.drop_index(("ix_delivery_channel_id_started_at"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(
        "ix_timer_due",
        table_name="timer",
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_table("timer")
    op.drop_table("session")
    op.drop_index(("ix_intent_recipient_id_intent_no"), table_name="intent")
    op.drop_index(("ix_intent_incident_id_recipient_id"), table_name="intent")
    op.drop_index(
        "ix_intent_due",
        table_name="intent",
        sqlite_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
        postgresql_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
    )
    op.drop_table("intent")
    op.drop_index(
        "uq_incident_event_source_event_id",
        table_name="incident_event",
        sqlite_where=sa.text("source_event_id <> ''"),
        postgresql_where=sa.text("source_event_id <> ''"),
    )
    op.drop_index(("ix_incident_event_at"), table_name="incident_event")
    op.drop_table("incident_event")
    op.drop_table("incident_cluster")
    op.drop_table("would_have_been")
    op.drop_index(
        "uq_verdict_current",
        table_name="verdict",
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.drop_table("verdict")
    op.drop_table("source_state")
    op.drop_index(("ix_source_hour_hour"), table_name="source_hour")
    op.drop_table("source_hour")
    op.drop_table("sighting")
    op.drop_table("revision")
    op.drop_table("raw_page")
    op.drop_table("outcome_count")
    op.drop_table("meta")
    op.drop_table("mention_queue")
    op.drop_table("mention_key")
    op.drop_index("uq_mention_cluster_shard_id_seq", table_name="mention_cluster")
    op.drop_index(("ix_mention_cluster_cluster_id_published_at"), table_name="mention_cluster")
    op.drop_index(("ix_mention_cluster_brand_id_published_at"), table_name="mention_cluster")
    op.drop_table("mention_cluster")
    op.drop_index(("ix_mention_observed_at"), table_name="mention")
    op.drop_index(("ix_mention_mention_pk"), table_name="mention")
    op.drop_table("mention")
    op.drop_table("lease")
    op.drop_index(("ix_incident_updated_at"), table_name="incident")
    op.drop_index(("ix_incident_state_level"), table_name="incident")
    op.drop_index(("ix_incident_code"), table_name="incident")
    op.drop_table("incident")
    op.drop_table("gather_queue")
    op.drop_index(("ix_fetch_event_source_id_event_no"), table_name="fetch_event")
    op.drop_table("fetch_event")
    op.drop_table("digest_run")
    op.drop_table("df_snapshot")
    op.drop_index(
        "ix_detail_link_open",
        table_name="detail_link",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("detail_link")
    op.drop_table("counter")
    op.drop_table("cluster_hour_text")
    op.drop_table("cluster_hour_author")
    op.drop_table("cluster_fact")
    op.drop_index(("ix_cluster_event_cluster_id"), table_name="cluster_event")
    op.drop_table("cluster_event")
    op.drop_index(("ix_cluster_shard_id_state"), table_name="cluster")
    op.drop_index(("ix_cluster_last_at"), table_name="cluster")
    op.drop_index(("ix_cluster_brand_id_state"), table_name="cluster")
    op.drop_index(
        "ix_cluster_alias_of",
        table_name="cluster",
        sqlite_where=sa.text("alias_of IS NOT NULL"),
        postgresql_where=sa.text("alias_of IS NOT NULL"),
    )
    op.drop_table("cluster")
    op.drop_table("brand_hour")
    op.drop_table("audit")
    op.drop_table("account")
