"""Tables of understanding: facts, adaptation, corrections, models, drift, authors, the vault."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Document, Instant
from storage.table_shapes import at, count, flag, narrow, number, table, text

# What one mention states, towards one brand: what a defective batch is counted from. Rows are
# replaced with the mention's verdict; `published_at` is copied so that a window reads one index.
mention_fact = narrow(
    "mention_fact",
    text("brand_id", key=True),
    number("mention_pk", key=True),
    text("kind", key=True),
    text("value", key=True),
    at("published_at"),
    sa.Index(None, "brand_id", "published_at"),
    sa.Index(None, "mention_pk"),
)
# When each author wrote the first thing that we know of.
author_seen = narrow(
    "author_seen",
    text("author_key", key=True),
    at("first_at"),
)
# How far off the scores of an unlabelled source are; a verdict names the version it was made with.
source_adaptation = table(
    "source_adaptation",
    text("source_id", key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    text("model_version"),
    at("at"),
    count("n"),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("shift", sa.Float, nullable=False),
    sa.Column("delta", sa.LargeBinary),
    flag("is_current"),
)
# What people said a verdict should have been; append-only, the newest of a kind holds.
correction = table(
    "correction",
    number("correction_no", key=True),
    number("mention_pk"),
    text("brand_id"),
    text("kind"),
    text("value"),
    text("was"),
    text("actor"),
    text("door"),
    at("at"),
    text("note"),
    count("revision"),  # of the text that was judged: a later one may say something else
    text("asked"),  # why the review queue asked, "" when a person came by themselves
    sa.Index(None, "mention_pk"),
)
# What people are asked to look at on one local day, in the order that was chosen once.
review_item = table(
    "review_item",
    text("day", key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    number("mention_pk"),
    text("brand_id"),
    sa.Column("reasons", Document, nullable=False),
    text("state"),
    text("actor"),
)
# Which weights were trained, refused, put to work and taken back; the newest promotion is at work.
model_event = table(
    "model_event",
    number("event_no", key=True),
    text("kind"),
    text("version"),
    text("action"),
    text("actor"),
    at("at"),
    sa.Column("detail", Document, nullable=False),
)
drift_day = narrow(
    "drift_day",
    text("source_id", key=True),
    sa.Column("day", Instant, primary_key=True),
    text("model_version"),
    count("n"),
    sa.Column("histogram", Document, nullable=False),
    sa.Column("unsure_share", sa.Float, nullable=False),
    sa.Column("unknown_share", sa.Float, nullable=False),
)
# Clear personal data of customers, sealed with a key that is not in the database.
vault_entry = table(
    "vault_entry",
    number("entry_no", key=True),
    number("mention_pk"),
    text("kind"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    text("key_id"),
    text("door"),
    at("at"),
    at("expires_at"),
    sa.Index(None, "mention_pk"),
    sa.Index(None, "expires_at"),
)
