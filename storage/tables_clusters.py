"""Tables of clusters: their members, their journal, their hours, what is cold, what stays apart.

Distinct counts are recounted from `cluster_hour_author` and `cluster_hour_text` (decisions.md 21);
`brand_hour` is a cache of the same over all clusters of a brand.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Document, Instant, Words
from storage.table_shapes import at, count, flag, narrow, number, table, text

cluster = table(
    "cluster",
    text("cluster_id", key=True),
    text("shard_id"),
    text("brand_id"),
    text("state"),
    sa.Column("alias_of", Words),
    sa.Column("parent_id", Words),
    count("size"),
    count("n_duplicates"),
    at("first_at", optional=True),
    at("last_at", optional=True),
    text("label"),
    text("named_by"),  # who named it; "" is the program, which may name it anew
    flag("pinned"),  # a person wants it as it is: no automatic pass merges, splits or retires it
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
mention_cluster = narrow(
    "mention_cluster",
    number("mention_pk", key=True),
    text("brand_id", key=True),
    text("shard_id"),
    text("cluster_id"),
    sa.Column("home_id", Words),  # the cluster it joined, where a merge took it elsewhere
    number("seq"),
    sa.Column("score", sa.Float, nullable=False),
    number("fingerprint"),
    number("text_key"),  # the fingerprint of the original: near-duplicates are one text
    sa.Column("sketch", sa.LargeBinary, nullable=False),
    sa.Column("duplicate_of", sa.BigInteger),
    text("author_key"),
    at("published_at"),
    at("gathered_at"),  # the shard's clock: its newest arrival so far, never runs back
    flag("is_sure"),
    flag("history"),
    text("placed_by"),  # the person who put it there; "" is the program
    sa.Index("uq_mention_cluster_shard_id_seq", "shard_id", "seq", unique=True),
    sa.Index(None, "cluster_id", "published_at"),
    sa.Index(None, "brand_id", "published_at"),
)
cluster_event = table(
    "cluster_event",
    number("event_no", key=True),
    text("cluster_id"),
    text("kind"),
    at("at"),
    text("actor"),
    sa.Column("other_id", Words),
    sa.Column("mention_id", sa.BigInteger),
    sa.Column("undoes", sa.BigInteger),  # event_no of the row that this one takes back
    text("note"),
    text("was"),  # what a name was before
    sa.Index(None, "cluster_id"),
    sa.Index(
        "ix_cluster_event_other_id",
        "other_id",
        sqlite_where=sa.text("other_id IS NOT NULL"),
        postgresql_where=sa.text("other_id IS NOT NULL"),
    ),
    sa.Index(
        "ix_cluster_event_undoes",
        "undoes",
        sqlite_where=sa.text("undoes IS NOT NULL"),
        postgresql_where=sa.text("undoes IS NOT NULL"),
    ),
)
# Which mentions a split or a move took from one cluster to another, copies included.
cluster_moved = narrow(
    "cluster_moved",
    number("event_no", key=True),
    number("mention_pk", key=True),
    sa.Column("home_id", Words),  # the cluster it had joined before, where a merge took it
)
df_snapshot = table(
    "df_snapshot",
    text("shard_id", key=True),
    number("seq"),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)
cluster_hour_author = narrow(
    "cluster_hour_author",
    text("cluster_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    text("author_key", key=True),
    count("n"),
    count("n_live"),  # sure negatives that are not history: they may page
    count("n_watch"),  # those and the unsure ones
    count("n_negative"),  # sure negatives, history included
    count("n_public"),  # said in public: what a customer service ticket says is not spread
    sa.Index(None, "cluster_id", "author_key"),
)
cluster_hour_text = narrow(
    "cluster_hour_text",
    text("cluster_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    number("text_key", key=True),
    count("n"),
    sa.Index(None, "cluster_id", "text_key"),
)
cluster_hour_platform = narrow(
    "cluster_hour_platform",
    text("cluster_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    text("platform", key=True),
    count("n"),
)
# A cache of the three above, one row an hour.
cluster_hour = narrow(
    "cluster_hour",
    text("cluster_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    count("mentions"),
    count("authors"),
    count("texts"),
    count("live"),
    count("watch"),
    count("negative"),
    count("platforms"),
)
# All hours of a cluster in one row: evidence on a large one must not read its members.
cluster_total = narrow(
    "cluster_total",
    text("cluster_id", key=True),
    count("n"),
    count("n_negative"),
    count("authors"),
    count("public_authors"),
    count("texts"),
    number("reposts"),
    count("n_reposts"),  # public members whose reposts are known; 0: unknown, not none
    number("views"),
    count("n_views"),
)
# The heaviest features of clusters that left memory: how a newcomer finds the one to open again.
cold_feature = narrow(
    "cold_feature",
    text("shard_id", key=True),
    number("feature", key=True),
    text("cluster_id", key=True),
    sa.Index(None, "cluster_id"),
)
# Clusters that a person wants apart, the smaller id first.
cluster_apart = narrow(
    "cluster_apart",
    text("first_id", key=True),
    text("second_id", key=True),
    text("brand_id"),
    text("actor"),
    at("at"),
    sa.Index(None, "second_id"),
)
merge_proposal = table(
    "merge_proposal",
    text("first_id", key=True),
    text("second_id", key=True),
    text("brand_id"),
    sa.Column("score", sa.Float, nullable=False),
    text("why"),
    text("state"),
    at("at"),
    text("decided_by"),
    at("decided_at", optional=True),
    sa.Index(None, "brand_id", "state"),
)
# Which topic of the week each cluster was in when topics were last told: their ids stay.
cluster_topic = narrow(
    "cluster_topic",
    text("cluster_id", key=True),
    text("brand_id"),
    text("topic_id"),
    at("at"),
    sa.Index(None, "brand_id"),
)
# What the mentions of a cluster state, counted: platforms, tiers, regions, products, symptoms,
# issue classes and severity facts (per author: two posts of one person are one injury).
cluster_fact = narrow(
    "cluster_fact",
    text("cluster_id", key=True),
    text("kind", key=True),
    text("value", key=True),
    text("author_key", key=True),
    count("n"),
    count("n_watch"),
)
brand_hour = narrow(
    "brand_hour",
    text("brand_id", key=True),
    sa.Column("hour", Instant, primary_key=True),
    count("mentions"),
    count("authors"),
    count("texts"),
    count("live"),
    count("watch"),
)
