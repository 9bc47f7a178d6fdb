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

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *parts)


def _narrow(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    # rows little wider than their key: SQLite then keeps them in the key's own tree, once
    return sa.Table(name, metadata, *parts, sqlite_with_rowid=False)


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, Words, primary_key=key, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, autoincrement=False, nullable=False)


def _at(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, Instant, nullable=optional)


# --- the house -------------------------------------------------------------------------------

meta = _table("meta", _text("key", key=True), _text("value"))
counter = _table("counter", _text("name", key=True), _number("value"))
lease = _table("lease", _text("name", key=True), _text("holder"), _at("expires_at"))
audit = _table(
    "audit",
    _number("audit_no", key=True),
    _at("at"),
    _text("actor"),
    _text("action"),
    _text("target"),
    _text("detail"),
)
account = _table(
    "account",
    _text("name", key=True),
    _text("password_hash"),
    _text("role"),
    _flag("must_change"),
)
session = _table(
    "session",
    _text("token_hash", key=True),
    sa.Column("user", Words, sa.ForeignKey("account.name", ondelete="CASCADE"), nullable=False),
    _at("expires_at"),
    _text("csrf"),
)
outcome_count = _narrow(
    "outcome_count",
    sa.Column("hour", Instant, primary_key=True),
    _text("stage", key=True),
    _text("source_id", key=True),
    _text("outcome", key=True),
    _number("n"),
)

# --- collect ---------------------------------------------------------------------------------

source_state = _table(
    "source_state",
    _text("source_id", key=True),
    _text("config_digest"),
    _text("health"),
    _text("cause"),
    _text("cause_text"),
    _count("failures"),
    _count("polls"),
    _count("items"),
    _at("first_polled_at", optional=True),
    _at("last_poll_at", optional=True),
    _at("last_ok_at", optional=True),
    _at("last_item_at", optional=True),
    _at("next_poll_at", optional=True),
    sa.Column("cursors", Document, nullable=False),
    _flag("validators_lie"),
    sa.Column("seen", Document, nullable=False),
    sa.Column("interval_s", sa.Float, nullable=False),
    sa.Column("hint_s", sa.Float, nullable=False),
    _at("last_gap_at", optional=True),
    _at("last_backfill_at", optional=True),
    _count("good_polls"),
    sa.Column("history", Document, nullable=False),
    sa.Column("learned", Document, nullable=False),
    sa.Column("notice", Document, nullable=False),
    sa.Column("trial", Document, nullable=False),
)
host_state = _table(
    "host_state",
    _text("host", key=True),
    _at("not_before", optional=True),
    _text("reason"),
    sa.Column("latency_ms", sa.Float, nullable=False),
    sa.Column("last_status", sa.Integer),
    _count("failures"),
    sa.Column("crawl_delay_s", sa.Float, nullable=False),
    _at("updated_at", optional=True),
)
fetch_event = _table(
    "fetch_event",
    _number("event_no", key=True),
    _text("source_id"),
    _at("at"),
    _text("url"),
    _text("outcome"),
    sa.Column("http_status", sa.Integer),
    _number("size_bytes"),
    _number("duration_ms"),
    _count("items"),
    _count("new_items"),
    _text("text"),
    sa.Index(None, "source_id", "event_no"),
)
# How often a source answered in an hour's polls and how often not, after how many of them items may
# be missed, how many parts of nightly walks were read: what completeness is made of.
source_hour = _narrow(
    "source_hour",
    _text("source_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    _count("answered"),
    _count("failed"),
    _count("gaps"),
    _count("backfills"),
    sa.Index(None, "hour"),
)
raw_page = _table(
    "raw_page",
    _text("source_id", key=True),
    _text("kind", key=True),
    _text("url"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    _at("at"),
)
detail_link = _table(
    "detail_link",
    _text("url_hash", key=True),
    _text("source_id"),
    _text("url"),
    sa.Column("listed", Document, nullable=False),
    _count("attempts"),
    _at("found_at"),
    _flag("history"),
    _text("state"),
    _text("reason"),
    _number("link_no"),
    _at("lease_until", optional=True),
    _text("kind"),
    _at("due_at", optional=True),
    _at("until", optional=True),
    _count("page"),
    sa.Index(
        "ix_detail_link_open",
        "source_id",
        "link_no",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
)

# --- mentions --------------------------------------------------------------------------------

mention_key = _narrow(
    "mention_key",
    _text("item_key", key=True),
    _number("mention_pk"),
    _count("month"),
)
mention = _table(
    "mention",
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    _number("mention_pk", key=True),
    _text("item_key"),
    _text("source_id"),
    _text("platform"),
    _text("title"),
    _text("text"),
    _at("published_at"),
    _at("observed_at"),
    _text("url"),
    _text("author"),
    _text("lang"),
    _text("region"),
    _text("channel"),
    _text("tier"),
    sa.Column("reposts", sa.BigInteger),
    sa.Column("comments", sa.BigInteger),
    sa.Column("likes", sa.BigInteger),
    sa.Column("views", sa.BigInteger),
    sa.Column("rating", sa.Float),
    _count("revision"),
    _flag("history"),
    _text("parent_url"),
    _at("gone_at", optional=True),
    sa.Index(None, "mention_pk"),
    sa.Index(None, "observed_at"),
)
mention_queue = _table("mention_queue", _number("mention_pk", key=True))
sighting = _narrow(
    "sighting",
    _number("mention_pk", key=True),
    _text("source_id", key=True),
    _number("text_hash"),  # of what this source last said; a source that repeats itself is no news
    _at("at"),
)
revision = _table(
    "revision",
    _number("mention_pk", key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    _text("title"),
    _text("text"),
    _at("replaced_at"),
)

# Counters of spread as they were read again while the mention belonged to an open incident.
figure = _narrow(
    "figure",
    _number("mention_pk", key=True),
    sa.Column("at", Instant, primary_key=True),
    sa.Column("reposts", sa.BigInteger),
    sa.Column("comments", sa.BigInteger),
    sa.Column("likes", sa.BigInteger),
    sa.Column("views", sa.BigInteger),
)
attachment = _table(
    "attachment",
    _number("mention_pk", key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    _text("media_type"),
    _text("sha256"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    _at("at"),
)

# --- the brand's own words, rankings, doors --------------------------------------------------

official_post = _table(
    "official_post",
    _text("item_key", key=True),
    _text("brand_id"),
    _text("source_id"),
    _text("platform"),
    _text("author"),
    _text("title"),
    _text("text"),
    _text("url"),
    _at("published_at"),
    _at("observed_at"),
    _text("parent_url"),
    sa.Index(None, "brand_id", "published_at"),
)
public_response = _table(
    "public_response",
    _number("response_no", key=True),
    sa.Column("mention_pk", sa.BigInteger),
    sa.Column("incident_id", Words),
    sa.Column("official_key", Words),
    _at("at"),
    _text("url"),
    _text("actor"),
    _text("note"),
    sa.Index(None, "mention_pk"),
    sa.Index(None, "incident_id"),
)
hot_entry = _table(
    "hot_entry",
    _text("source_id", key=True),
    _text("title", key=True),
    _text("platform"),
    _text("url"),
    sa.Column("rank", sa.Integer),
    sa.Column("best_rank", sa.Integer),
    sa.Column("heat", sa.Float),
    _at("first_at"),
    _at("last_at"),
    sa.Index(None, "last_at"),
)
access_token = _table(
    "access_token",
    _text("token_hash", key=True),
    _text("kind"),
    _text("name"),
    _at("created_at"),
    _text("created_by"),
    _text("region"),
    _text("channel"),
    _at("expires_at", optional=True),
    _at("revoked_at", optional=True),
    _at("last_used_at", optional=True),
    _number("uses"),
    sa.UniqueConstraint("kind", "name"),
)
column_mapping = _table(
    "column_mapping",
    _text("name", key=True),
    sa.Column("headers", Document, nullable=False),
    sa.Column("columns", Document, nullable=False),
    _text("source"),
    _text("tz"),
    _text("channel"),
    _at("saved_at"),
    _text("saved_by"),
)

# --- verdicts --------------------------------------------------------------------------------

verdict = _narrow(
    "verdict",
    _number("mention_pk", key=True),
    _text("brand_id", key=True),
    _text("model_version", key=True),
    _flag("is_current"),
    sa.Column("negative", sa.Float, nullable=False),
    _text("polarity"),
    _text("issue_class"),
    _text("lang"),
    sa.Column("detail", Document, nullable=False),  # terms, hits, facts
    _at("at"),
    sa.Index(
        "uq_verdict_current",
        "mention_pk",
        "brand_id",
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    ),
)
gather_queue = _narrow("gather_queue", _text("shard_id", key=True), _number("mention_pk", key=True))

# --- clusters --------------------------------------------------------------------------------

cluster = _table(
    "cluster",
    _text("cluster_id", key=True),
    _text("shard_id"),
    _text("brand_id"),
    _text("state"),
    sa.Column("alias_of", Words),
    sa.Column("parent_id", Words),
    _count("size"),
    _count("n_duplicates"),
    _at("first_at", optional=True),
    _at("last_at", optional=True),
    _text("label"),
    sa.Column("keywords", Document, nullable=False),
    sa.Column("representative_id", sa.BigInteger),
    sa.Column("blob", sa.LargeBinary, nullable=False),
    sa.Index(None, "shard_id", "state"),
    sa.Index(None, "brand_id", "state"),
    sa.Index(None, "last_at"),
    sa.Index(
        "ix_cluster_alias_of",
        "alias_of",
        sqlite_where=sa.text("alias_of IS NOT NULL"),
        postgresql_where=sa.text("alias_of IS NOT NULL"),
    ),
)
mention_cluster = _narrow(
    "mention_cluster",
    _number("mention_pk", key=True),
    _text("brand_id", key=True),
    _text("shard_id"),
    _text("cluster_id"),
    sa.Column("home_id", Words),  # the cluster it joined, where a merge took it elsewhere
    _number("seq"),
    sa.Column("score", sa.Float, nullable=False),
    _number("fingerprint"),
    _number("text_key"),  # the fingerprint of the original: near-duplicates are one text
    sa.Column("sketch", sa.LargeBinary, nullable=False),
    sa.Column("duplicate_of", sa.BigInteger),
    _text("author_key"),
    _at("published_at"),
    _at("gathered_at"),  # the shard's clock: its newest arrival so far, never runs back
    _flag("is_sure"),
    _flag("history"),
    sa.Index("uq_mention_cluster_shard_id_seq", "shard_id", "seq", unique=True),
    sa.Index(None, "cluster_id", "published_at"),
    sa.Index(None, "brand_id", "published_at"),
)
cluster_event = _table(
    "cluster_event",
    _number("event_no", key=True),
    _text("cluster_id"),
    _text("kind"),
    _at("at"),
    _text("actor"),
    sa.Column("other_id", Words),
    _text("note"),
    sa.Index(None, "cluster_id"),
)
df_snapshot = _table(
    "df_snapshot",
    _text("shard_id", key=True),
    _number("seq"),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)
cluster_hour_author = _narrow(
    "cluster_hour_author",
    _text("cluster_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    _text("author_key", key=True),
    _count("n"),
    _count("n_live"),  # sure negatives that are not history: they may page
    _count("n_watch"),  # those and the unsure ones
)
cluster_hour_text = _narrow(
    "cluster_hour_text",
    _text("cluster_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    _number("text_key", key=True),
    _count("n"),
)
# What the mentions of a cluster state, counted: platforms, tiers, regions, products, symptoms,
# issue classes and severity facts (per author: two posts of one person are one injury).
cluster_fact = _narrow(
    "cluster_fact",
    _text("cluster_id", key=True),
    _text("kind", key=True),
    _text("value", key=True),
    _text("author_key", key=True),
    _count("n"),
    _count("n_watch"),
)
brand_hour = _narrow(
    "brand_hour",
    _text("brand_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    _count("mentions"),
    _count("authors"),
    _count("texts"),
    _count("live"),
    _count("watch"),
)

# --- incidents -------------------------------------------------------------------------------

incident = _table(
    "incident",
    _text("incident_id", key=True),
    _text("code"),
    _text("brand_id"),
    _text("cluster_id"),
    _text("state"),
    _count("level"),
    _count("epoch"),
    _text("owner_id"),
    _at("opened_at"),
    _at("updated_at"),
    _count("seq"),
    sa.Column("merged_into", Words),
    sa.Column("document", Document, nullable=False),  # the whole record (storage.codec)
    sa.Index(None, "state", "level"),
    sa.Index(None, "code"),
    sa.Index(None, "updated_at"),
)
incident_cluster = _table(
    "incident_cluster",
    _text("cluster_id", key=True),
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id"), primary_key=True),
)
incident_event = _table(
    "incident_event",
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    _number("event_no"),
    _text("kind"),
    _at("at"),
    _text("actor"),
    _count("epoch"),
    sa.Column("data", Document, nullable=False),
    _text("source_event_id"),
    sa.UniqueConstraint("event_no"),
    sa.Index(None, "at"),
    sa.Index(
        "uq_incident_event_source_event_id",
        "source_event_id",
        unique=True,
        sqlite_where=sa.text("source_event_id <> ''"),
        postgresql_where=sa.text("source_event_id <> ''"),
    ),
)
timer = _table(
    "timer",
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    _text("kind", key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    _at("due_at"),
    _text("status"),
    sa.Index(
        "ix_timer_due",
        "due_at",
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    ),
)
would_have_been = _table(
    "would_have_been",
    _text("cluster_id", key=True),
    _text("brand_id"),
    _text("text"),
    _at("at"),
)

# --- outbox and digest -----------------------------------------------------------------------

intent = _table(
    "intent",
    _text("intent_id", key=True),
    _number("intent_no"),
    sa.Column("incident_id", Words, sa.ForeignKey("incident.incident_id")),
    _count("epoch"),
    _text("kind"),
    _count("step"),
    _text("recipient_id"),
    _text("channel_id"),
    _count("level"),
    _text("subject"),
    _text("body"),
    _text("html"),
    _at("created_at"),
    _at("due_at"),
    _at("deadline_at", optional=True),
    _text("status"),
    _count("attempts"),
    _count("fence"),
    _text("reason"),
    sa.Column("fallback_of", Words),
    _at("lease_until", optional=True),
    sa.UniqueConstraint("intent_no"),
    sa.Index(None, "incident_id", "recipient_id"),
    sa.Index(None, "recipient_id", "intent_no"),
    sa.Index(
        "ix_intent_due",
        "due_at",
        sqlite_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
        postgresql_where=sa.text("status IN ('pending', 'retry', 'ambiguous', 'leased')"),
    ),
)
delivery = _table(
    "delivery",
    sa.Column("intent_id", Words, sa.ForeignKey("intent.intent_id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    _text("channel_id"),
    _at("started_at"),
    _at("ended_at", optional=True),
    sa.Column("outcome", Words),
    sa.Column("http_status", sa.Integer),
    _text("provider_code"),
    _text("provider_message_id"),
    sa.Column("retry_after_s", sa.Float),
    _number("size_bytes"),
    _text("text"),
    sa.Index(None, "channel_id", "started_at"),
)
digest_run = _table(
    "digest_run",
    _text("owner_id", key=True),
    _text("kind", key=True),
    sa.Column("local_date", sa.Date, primary_key=True),
    _at("at"),
)
