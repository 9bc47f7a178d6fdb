"""Tables of handling: complainants, cards and replies, trials, calendar, customers, sales, passes.

`complainant` is a cache of what incident events say of each; the events are the truth.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Document
from storage.table_shapes import at, count, narrow, number, table, text

complainant = table(
    "complainant",
    text("incident_id", key=True),
    text("complainant_id", key=True),
    text("platform"),
    text("author"),
    text("ticket"),
    text("url"),
    at("posted_at", optional=True),
    text("state"),
    text("assigned_to"),
    at("at", optional=True),
    text("by"),
    text("channel"),
    text("text"),
    at("responded_at", optional=True),
    count("seq"),
)
card = table(
    "card",
    text("card_id", key=True),
    text("incident_id"),
    count("epoch"),
    text("code"),
    text("brand_id"),
    text("product"),
    text("issue_class"),
    text("fingerprint"),
    text("title"),
    text("cause"),
    text("fix"),
    text("reply"),
    text("reply_url"),
    text("closed_how"),
    sa.Column("words", Document, nullable=False),
    at("created_at"),
    text("by"),
    at("edited_at", optional=True),
    text("edited_by"),
    at("retired_at", optional=True),
    sa.Index(None, "incident_id"),
    sa.Index(None, "brand_id", "fingerprint"),
)
approved_reply = table(
    "approved_reply",
    text("reply_id", key=True),
    text("brand_id"),
    text("product"),
    text("question"),
    text("answer"),
    text("approved_by"),
    at("approved_at"),
    text("until"),  # a day as ISO text; "" without an end
    text("origin"),
    at("retired_at", optional=True),
    sa.Index(None, "brand_id"),
)
trial_end = table(
    "trial_end",
    text("trial_id", key=True),
    at("at"),
    text("by"),
    at("since"),
    count("alerts"),
    count("incidents"),
    count("false_alarms"),
    count("judged"),
    text("note"),
)
calendar_event = table(
    "calendar_event",
    text("event_id", key=True),
    text("name"),
    text("kind"),
    text("starts"),  # days as ISO text
    text("ends"),
    text("brand_id"),
    text("note"),
    text("added_by"),
    at("added_at"),
    sa.Index(None, "starts"),
)
customer = narrow(
    "customer",
    text("key", key=True),
    text("origin", key=True),  # a list is replaced as a whole; two lists may name one customer
    text("kind"),
    text("tier"),
    at("imported_at"),
    sa.Index(None, "origin"),
)
# By what a mention is known to be a customer's, and the tier that whoever took it in named.
mention_customer = narrow(
    "mention_customer",
    number("mention_pk", key=True),
    text("kind", key=True),  # "number", "contact", "said"
    text("key"),  # a keyed digest; "" for "said"
    text("tier"),  # of "said"
)
sale = narrow(
    "sale",
    text("brand_id", key=True),
    text("product", key=True),
    text("day", key=True),  # ISO text
    count("units"),
)
grading_pass = table(
    "grading_pass",
    number("pass_no", key=True),
    text("kind"),
    at("at"),
    text("shard_id"),
    number("first_seq"),
    number("last_seq"),
    text("rules"),
    sa.Column("data", Document, nullable=False),  # what else it saw, where that had changed
    sa.Index(None, "at"),
)
# What members were before somebody changed them; numbered with the rounds, so that both can be
# walked back and forth.
member_was = table(
    "member_was",
    number("pass_no", key=True),
    sa.Column("data", Document, nullable=False),
)
rehearsal = table(
    "rehearsal",
    text("rehearsal_id", key=True),
    at("at"),
    text("by"),
    sa.Column("document", Document, nullable=False),
    sa.Index(None, "at"),
)
