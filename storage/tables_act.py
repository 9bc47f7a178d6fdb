"""Tables of delivery: silences, channel states, receipts, replies, verified addresses."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Document, Words
from storage.table_shapes import at, count, narrow, table, text

silence = table(
    "silence",
    text("silence_id", key=True),
    at("starts_at"),
    at("ends_at"),
    text("up_to"),
    text("by"),
    text("reason"),
    at("created_at"),
    sa.Column("incident_id", Words),
    sa.Column("brand", Document, nullable=False),
    sa.Column("product", Document, nullable=False),
    sa.Column("issue", Document, nullable=False),
    sa.Column("region", Document, nullable=False),
    sa.Column("platform", Document, nullable=False),
    at("ended_at", optional=True),
    text("ended_by"),
    sa.Index(None, "ends_at"),
)
# One row per channel, written in the transaction that begins an attempt: all processes share it.
channel_state = narrow(
    "channel_state",
    text("channel_id", key=True),
    sa.Column("tokens", sa.Float, nullable=False),
    sa.Column("mild_tokens", sa.Float, nullable=False),
    at("refilled_at"),
    at("blocked_until", optional=True),
    count("failures"),
    text("reason"),
    at("last_ok_at", optional=True),
)
receipt = table(
    "receipt",
    text("channel_id", key=True),
    text("provider_message_id", key=True),
    text("state", key=True),
    at("at"),
    text("text"),
)
reply = table(
    "reply",
    text("channel_id", key=True),
    text("message_id", key=True),
    at("at"),
    text("sender"),
    sa.Column("owner_id", Words),
    text("text"),
    text("outcome"),
    sa.Column("incident_id", Words),
    sa.Index(None, "at"),
)
verified_address = table(
    "verified_address",
    text("owner_id", key=True),
    text("channel_id", key=True),
    text("address"),
    text("code_hash"),
    at("asked_at"),
    at("verified_at", optional=True),
    text("how"),
)
