"""All tables, as SQLAlchemy Core. Nothing flows here: this is the shape of what is remembered.

Two choices explain much of it. What is still to be done stands in narrow queue tables
(`mention_queue`, `gather_queue`), because clearing a flag would rewrite the whole wide row.
Children of a mention hold its integer key only, so that `mention` can be partitioned by month
(decisions.md 2). Distinct counts are recounted from `cluster_hour_author` and `cluster_hour_text`
(decisions.md 21); `brand_hour` is a cache of the same over all clusters of a brand.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Document, Instant, Words
from storage.table_shapes import at, count, flag, narrow, number, table, text
from storage.table_shapes import metadata as metadata  # noqa: PLC0414 - callers find it here
from storage.tables_act import channel_state as channel_state  # noqa: PLC0414
from storage.tables_act import receipt as receipt  # noqa: PLC0414
from storage.tables_act import reply as reply  # noqa: PLC0414
from storage.tables_act import silence as silence  # noqa: PLC0414
from storage.tables_act import verified_address as verified_address  # noqa: PLC0414
from storage.tables_clusters import (
    brand_hour as brand_hour,  # noqa: PLC0414 - all tables are found here
)
from storage.tables_clusters import cluster as cluster  # noqa: PLC0414
from storage.tables_clusters import cluster_apart as cluster_apart  # noqa: PLC0414
from storage.tables_clusters import cluster_event as cluster_event  # noqa: PLC0414
from storage.tables_clusters import cluster_fact as cluster_fact  # noqa: PLC0414
from storage.tables_clusters import cluster_hour as cluster_hour  # noqa: PLC0414
from storage.tables_clusters import cluster_hour_author as cluster_hour_author  # noqa: PLC0414
from storage.tables_clusters import cluster_hour_platform as cluster_hour_platform  # noqa: PLC0414
from storage.tables_clusters import cluster_hour_text as cluster_hour_text  # noqa: PLC0414
from storage.tables_clusters import cluster_moved as cluster_moved  # noqa: PLC0414
from storage.tables_clusters import cluster_topic as cluster_topic  # noqa: PLC0414
from storage.tables_clusters import cluster_total as cluster_total  # noqa: PLC0414
from storage.tables_clusters import cold_feature as cold_feature  # noqa: PLC0414
from storage.tables_clusters import df_snapshot as df_snapshot  # noqa: PLC0414
from storage.tables_clusters import mention_cluster as mention_cluster  # noqa: PLC0414
from storage.tables_clusters import merge_proposal as merge_proposal  # noqa: PLC0414
from storage.tables_handle import approved_reply as approved_reply  # noqa: PLC0414
from storage.tables_handle import calendar_event as calendar_event  # noqa: PLC0414
from storage.tables_handle import card as card  # noqa: PLC0414
from storage.tables_handle import complainant as complainant  # noqa: PLC0414
from storage.tables_handle import customer as customer  # noqa: PLC0414
from storage.tables_handle import grading_pass as grading_pass  # noqa: PLC0414
from storage.tables_handle import member_was as member_was  # noqa: PLC0414
from storage.tables_handle import mention_customer as mention_customer  # noqa: PLC0414
from storage.tables_handle import rehearsal as rehearsal  # noqa: PLC0414
from storage.tables_handle import sale as sale  # noqa: PLC0414
from storage.tables_handle import trial_end as trial_end  # noqa: PLC0414
from storage.tables_understand import (
    author_seen as author_seen,  # noqa: PLC0414 - all tables are found here
)
from storage.tables_understand import correction as correction  # noqa: PLC0414
from storage.tables_understand import drift_day as drift_day  # noqa: PLC0414
from storage.tables_understand import mention_fact as mention_fact  # noqa: PLC0414
from storage.tables_understand import model_event as model_event  # noqa: PLC0414
from storage.tables_understand import review_item as review_item  # noqa: PLC0414
from storage.tables_understand import source_adaptation as source_adaptation  # noqa: PLC0414
from storage.tables_understand import vault_entry as vault_entry  # noqa: PLC0414

# --- the house -------------------------------------------------------------------------------

meta = table("meta", text("key", key=True), text("value"))
counter = table("counter", text("name", key=True), number("value"))
lease = table("lease", text("name", key=True), text("holder"), at("expires_at"))
audit = table(
    "audit",
    number("audit_no", key=True),
    at("at"),
    text("actor"),
    text("action"),
    text("target"),
    text("detail"),
)
account = table(
    "account",
    text("name", key=True),
    text("password_hash"),
    text("role"),
    flag("must_change"),
    text("permissions"),
)
session = table(
    "session",
    text("token_hash", key=True),
    sa.Column("user", Words, sa.ForeignKey("account.name", ondelete="CASCADE"), nullable=False),
    at("expires_at"),
    text("csrf"),
)
outcome_count = narrow(
    "outcome_count",
    sa.Column("hour", Instant, primary_key=True),
    text("stage", key=True),
    text("source_id", key=True),
    text("outcome", key=True),
    number("n"),
)

# --- collect ---------------------------------------------------------------------------------

source_state = table(
    "source_state",
    text("source_id", key=True),
    text("config_digest"),
    text("health"),
    text("cause"),
    text("cause_text"),
    count("failures"),
    count("polls"),
    count("items"),
    at("first_polled_at", optional=True),
    at("last_poll_at", optional=True),
    at("last_ok_at", optional=True),
    at("last_item_at", optional=True),
    at("next_poll_at", optional=True),
    sa.Column("cursors", Document, nullable=False),
    flag("validators_lie"),
    sa.Column("seen", Document, nullable=False),
    sa.Column("interval_s", sa.Float, nullable=False),
    sa.Column("hint_s", sa.Float, nullable=False),
    at("last_gap_at", optional=True),
    at("last_backfill_at", optional=True),
    count("good_polls"),
    sa.Column("history", Document, nullable=False),
    sa.Column("learned", Document, nullable=False),
    sa.Column("notice", Document, nullable=False),
    sa.Column("trial", Document, nullable=False),
)
host_state = table(
    "host_state",
    text("host", key=True),
    at("not_before", optional=True),
    text("reason"),
    sa.Column("latency_ms", sa.Float, nullable=False),
    sa.Column("last_status", sa.Integer),
    count("failures"),
    sa.Column("crawl_delay_s", sa.Float, nullable=False),
    at("updated_at", optional=True),
)
fetch_event = table(
    "fetch_event",
    number("event_no", key=True),
    text("source_id"),
    at("at"),
    text("url"),
    text("outcome"),
    sa.Column("http_status", sa.Integer),
    number("size_bytes"),
    number("duration_ms"),
    count("items"),
    count("new_items"),
    text("text"),
    sa.Index(None, "source_id", "event_no"),
)
# How often a source answered in an hour's polls and how often not, after how many of them items may
# be missed, how many parts of nightly walks were read: what completeness is made of.
source_hour = narrow(
    "source_hour",
    text("source_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    count("answered"),
    count("failed"),
    count("gaps"),
    count("backfills"),
    sa.Index(None, "hour"),
)
raw_page = table(
    "raw_page",
    text("source_id", key=True),
    text("kind", key=True),
    text("url"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    at("at"),
)
detail_link = table(
    "detail_link",
    text("url_hash", key=True),
    text("source_id"),
    text("url"),
    sa.Column("listed", Document, nullable=False),
    count("attempts"),
    at("found_at"),
    flag("history"),
    text("state"),
    text("reason"),
    number("link_no"),
    at("lease_until", optional=True),
    text("kind"),
    at("due_at", optional=True),
    at("until", optional=True),
    count("page"),
    sa.Index(
        "ix_detail_link_open",
        "source_id",
        "link_no",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
)

# --- mentions --------------------------------------------------------------------------------

mention_key = narrow(
    "mention_key",
    text("item_key", key=True),
    number("mention_pk"),
    count("month"),
)
mention = table(
    "mention",
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    number("mention_pk", key=True),
    text("item_key"),
    text("source_id"),
    text("platform"),
    text("title"),
    text("text"),
    at("published_at"),
    at("observed_at"),
    text("url"),
    text("author"),
    text("lang"),
    text("region"),
    text("channel"),
    text("tier"),
    sa.Column("reposts", sa.BigInteger),
    sa.Column("comments", sa.BigInteger),
    sa.Column("likes", sa.BigInteger),
    sa.Column("views", sa.BigInteger),
    sa.Column("rating", sa.Float),
    count("revision"),
    flag("history"),
    text("parent_url"),
    at("gone_at", optional=True),
    sa.Index(None, "mention_pk"),
    sa.Index(None, "observed_at"),
    sa.Index(None, "source_id", "mention_pk"),
)
mention_queue = table("mention_queue", number("mention_pk", key=True))
sighting = narrow(
    "sighting",
    number("mention_pk", key=True),
    text("source_id", key=True),
    number("text_hash"),  # of what this source last said; a source that repeats itself is no news
    at("at"),
)
revision = table(
    "revision",
    number("mention_pk", key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    text("title"),
    text("text"),
    at("replaced_at"),
)

# Counters of spread as they were read again while the mention belonged to an open incident.
figure = narrow(
    "figure",
    number("mention_pk", key=True),
    sa.Column("at", Instant, primary_key=True),
    sa.Column("reposts", sa.BigInteger),
    sa.Column("comments", sa.BigInteger),
    sa.Column("likes", sa.BigInteger),
    sa.Column("views", sa.BigInteger),
)
attachment = table(
    "attachment",
    number("mention_pk", key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    text("media_type"),
    text("sha256"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    at("at"),
)

# --- the brand's own words, rankings, doors --------------------------------------------------

official_post = table(
    "official_post",
    text("item_key", key=True),
    text("brand_id"),
    text("source_id"),
    text("platform"),
    text("author"),
    text("title"),
    text("text"),
    text("url"),
    at("published_at"),
    at("observed_at"),
    text("parent_url"),
    sa.Index(None, "brand_id", "published_at"),
)
public_response = table(
    "public_response",
    number("response_no", key=True),
    sa.Column("mention_pk", sa.BigInteger),
    sa.Column("incident_id", Words),
    sa.Column("official_key", Words),
    at("at"),
    text("url"),
    text("actor"),
    text("note"),
    sa.Index(None, "mention_pk"),
    sa.Index(None, "incident_id"),
)
hot_entry = table(
    "hot_entry",
    text("source_id", key=True),
    text("title", key=True),
    text("platform"),
    text("url"),
    sa.Column("rank", sa.Integer),
    sa.Column("best_rank", sa.Integer),
    sa.Column("heat", sa.Float),
    at("first_at"),
    at("last_at"),
    sa.Index(None, "last_at"),
)
access_token = table(
    "access_token",
    text("token_hash", key=True),
    text("kind"),
    text("name"),
    at("created_at"),
    text("created_by"),
    text("region"),
    text("channel"),
    at("expires_at", optional=True),
    at("revoked_at", optional=True),
    at("last_used_at", optional=True),
    number("uses"),
    sa.UniqueConstraint("kind", "name"),
)
column_mapping = table(
    "column_mapping",
    text("name", key=True),
    sa.Column("headers", Document, nullable=False),
    sa.Column("columns", Document, nullable=False),
    text("source"),
    text("tz"),
    text("channel"),
    at("saved_at"),
    text("saved_by"),
)

# --- verdicts --------------------------------------------------------------------------------

verdict = narrow(
    "verdict",
    number("mention_pk", key=True),
    text("brand_id", key=True),
    text("model_version", key=True),
    flag("is_current"),
    sa.Column("negative", sa.Float, nullable=False),
    sa.Column("positive", sa.Float, nullable=False),
    text("noise"),
    text("polarity"),
    text("issue_class"),
    text("lang"),
    sa.Column("detail", Document, nullable=False),  # terms, hits, facts
    at("at"),
    sa.Index(
        "uq_verdict_current",
        "mention_pk",
        "brand_id",
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    ),
)
gather_queue = narrow("gather_queue", text("shard_id", key=True), number("mention_pk", key=True))

# --- incidents -------------------------------------------------------------------------------

incident = table(
    "incident",
    text("incident_id", key=True),
    text("code"),
    text("brand_id"),
    text("cluster_id"),
    text("fingerprint"),
    text("state"),
    count("level"),
    count("epoch"),
    text("owner_id"),
    at("opened_at"),
    at("updated_at"),
    count("seq"),
    sa.Column("merged_into", Words),
    sa.Column("document", Document, nullable=False),  # the whole record (storage.codec)
    sa.Index(None, "state", "level"),
    sa.Index(None, "code"),
    sa.Index(None, "updated_at"),
    sa.Index(None, "fingerprint"),
    sa.Index(None, "merged_into"),
)
incident_cluster = table(
    "incident_cluster",
    text("cluster_id", key=True),
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id"), primary_key=True),
)
incident_event = table(
    "incident_event",
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    number("event_no"),
    text("kind"),
    at("at"),
    text("actor"),
    count("epoch"),
    sa.Column("data", Document, nullable=False),
    text("source_event_id"),
    sa.UniqueConstraint("event_no"),
    sa.Index(None, "at"),
    sa.Index(
        "uq_incident_event_source_event_id",
        "source_event_id",
        unique=True,
        sqlite_where=sa.text("source_event_id <> ''"),
        postgresql_where=sa.text("source_event_id <> ''"),
    ),
    sa.Index(
        "ix_incident_event_signals",
        "event_no",
        sqlite_where=sa.text("kind IN ('recall_set', 'verdict_given')"),
        postgresql_where=sa.text("kind IN ('recall_set', 'verdict_given')"),
    ),
)
timer = table(
    "timer",
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    text("kind", key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    at("due_at"),
    text("status"),
    sa.Index(
        "ix_timer_due",
        "due_at",
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    ),
)
would_have_been = table(
    "would_have_been",
    text("cluster_id", key=True),
    text("brand_id"),
    text("text"),
    at("at"),
)

# --- outbox and digest -----------------------------------------------------------------------

intent = table(
    "intent",
    text("intent_id", key=True),
    number("intent_no"),
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id")),
    count("epoch"),
    text("kind"),
    count("step"),
    text("recipient_id"),
    text("channel_id"),
    count("level"),
    text("subject"),
    text("body"),
    text("html"),
    sa.Column("actions", Document, nullable=False),
    sa.Column("words", Document, nullable=False),
    at("created_at"),
    at("due_at"),
    at("deadline_at", optional=True),
    text("status"),
    count("attempts"),
    count("fence"),
    text("reason"),
    sa.Column("fallback_of", Words),
    text("trial_id"),
    text("meant_for"),
    sa.Column("summary_id", Words),  # the one message that says this one, too (alerts.storm)
    at("lease_until", optional=True),
    sa.UniqueConstraint("intent_no"),
    sa.Index(None, "incident_id", "recipient_id"),
    sa.Index(None, "recipient_id", "intent_no"),
    sa.Index(
        "ix_intent_summary",
        "summary_id",
        sqlite_where=sa.text("summary_id IS NOT NULL"),
        postgresql_where=sa.text("summary_id IS NOT NULL"),
    ),
    sa.Index(
        "ix_intent_fallback",
        "fallback_of",
        sqlite_where=sa.text("fallback_of IS NOT NULL"),
        postgresql_where=sa.text("fallback_of IS NOT NULL"),
    ),
    sa.Index(
        "ix_intent_dead",
        "created_at",
        sqlite_where=sa.text("status = 'dead'"),
        postgresql_where=sa.text("status = 'dead'"),
    ),
    sa.Index(
        "ix_intent_open_summary",
        "recipient_id",
        sqlite_where=sa.text("kind = 'summary' AND status = 'pending'"),
        postgresql_where=sa.text("kind = 'summary' AND status = 'pending'"),
    ),
    sa.Index(
        "ix_intent_due",
        "due_at",
        sqlite_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
        postgresql_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
    ),
)
delivery = table(
    "delivery",
    sa.Column("intent_id", Words, sa.ForeignKey("intent.intent_id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    text("channel_id"),
    at("started_at"),
    at("ended_at", optional=True),
    sa.Column("outcome", Words),
    sa.Column("http_status", sa.Integer),
    text("provider_code"),
    text("provider_message_id"),
    sa.Column("retry_after_s", sa.Float),
    number("size_bytes"),
    text("text"),
    sa.Index(None, "channel_id", "started_at"),
    sa.Index(None, "started_at"),
)
digest_run = table(
    "digest_run",
    text("owner_id", key=True),
    text("kind", key=True),
    sa.Column("local_date", sa.Date, primary_key=True),
    at("at"),
)
