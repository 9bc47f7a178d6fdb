"""What people sent back: each answer once, whom it came from and what became of it.

In: replies. Out: replies, and the incidents that a person was told of.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_one
from storage.records import ChannelId, IncidentId, IntentId, OwnerId, Reply
from storage.rows import Row, columns_of, mappings

_reply = tables.reply
_intent = tables.intent
_delivery = tables.delivery
_receipt = tables.receipt

# What was begun may have arrived, whatever became of it afterwards.
_MAY_HAVE_ARRIVED = ("sent", "ambiguous", "leased")


class Replies:
    """Transaction part: answers of people."""

    connection: Connection

    def add_reply(self, reply: Reply) -> bool:
        """Write an answer down; False when the provider's message was taken before."""
        return insert_one(self.connection, _reply, columns_of(reply, _reply))


class ReplyQueries:
    """Part of the queries: answers of people, and what they may answer to."""

    connection: Connection

    def reply(self, channel_id: ChannelId, message_id: str) -> Reply | None:
        """Return what became of a provider's message; None when it was not taken yet."""
        query = sa.select(_reply).where(
            _reply.c.channel_id == channel_id, _reply.c.message_id == message_id
        )
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else _reply_of(row)

    def replies(self, limit: int = 50) -> list[Reply]:
        """Return the newest answers, newest first."""
        query = sa.select(_reply).order_by(_reply.c.at.desc(), _reply.c.message_id).limit(limit)
        return [_reply_of(row) for row in mappings(self.connection.execute(query))]

    def replies_since(self, sender: str, since: datetime) -> int:
        """Return how many answers this sender has sent since then, on whatever channel."""
        return self._replies(_reply.c.sender == sender, since)

    def strange_replies_since(self, channel_id: ChannelId, since: datetime) -> int:
        """Return how many answers of nobody we know came in on a channel since then."""
        unknown = sa.and_(_reply.c.channel_id == channel_id, _reply.c.owner_id.is_(None))
        return self._replies(unknown, since)

    def told_of(self, owner_id: OwnerId, since: datetime) -> list[tuple[IncidentId, int]]:
        """Return incidents and epochs that a person has been told of since then, latest first."""
        query = (
            sa.select(_intent.c.incident_id, _intent.c.epoch)
            .where(
                _intent.c.recipient_id == owner_id,
                _intent.c.incident_id.is_not(None),
                _intent.c.created_at >= since,
                _intent.c.status.in_(_MAY_HAVE_ARRIVED),
            )
            .group_by(_intent.c.incident_id, _intent.c.epoch)
            .order_by(sa.func.max(_intent.c.intent_no).desc())
        )
        return [(IncidentId(found), epoch) for found, epoch in self.connection.execute(query)]

    def told_by(self, intent_id: IntentId) -> tuple[OwnerId, IncidentId | None, int] | None:
        """Return whom a message was for, its incident and epoch; None when there is none."""
        query = sa.select(_intent.c.recipient_id, _intent.c.incident_id, _intent.c.epoch)
        row = self.connection.execute(query.where(_intent.c.intent_id == intent_id)).one_or_none()
        if row is None:
            return None
        return OwnerId(row[0]), None if row[1] is None else IncidentId(row[1]), row[2]

    def last_heard(self, since: datetime) -> dict[tuple[OwnerId, ChannelId], dict[str, datetime]]:
        """Return per person and channel when what last happened, by its name.

        "sent": a provider took a message; "delivered", "answered": it reported so; "replied": the
        person wrote back.
        """
        taken = (
            sa.select(
                _intent.c.recipient_id,
                _delivery.c.channel_id,
                sa.literal("sent"),
                sa.func.max(_delivery.c.ended_at),
            )
            .join(_intent, _intent.c.intent_id == _delivery.c.intent_id)
            .where(_delivery.c.outcome == "ok", _delivery.c.started_at >= since)
            .group_by(_intent.c.recipient_id, _delivery.c.channel_id)
        )
        reported = (
            sa.select(
                _intent.c.recipient_id,
                _receipt.c.channel_id,
                _receipt.c.state,
                sa.func.max(_receipt.c.at),
            )
            .join(
                _delivery,
                sa.and_(
                    _delivery.c.channel_id == _receipt.c.channel_id,
                    _delivery.c.provider_message_id == _receipt.c.provider_message_id,
                ),
            )
            .join(_intent, _intent.c.intent_id == _delivery.c.intent_id)
            .where(_receipt.c.at >= since, _receipt.c.state != "failed")
            .group_by(_intent.c.recipient_id, _receipt.c.channel_id, _receipt.c.state)
        )
        written = (
            sa.select(
                _reply.c.owner_id,
                _reply.c.channel_id,
                sa.literal("replied"),
                sa.func.max(_reply.c.at),
            )
            .where(_reply.c.owner_id.is_not(None), _reply.c.at >= since)
            .group_by(_reply.c.owner_id, _reply.c.channel_id)
        )
        found: dict[tuple[OwnerId, ChannelId], dict[str, datetime]] = {}
        for query in (taken, reported, written):
            for owner_id, channel_id, name, at in self.connection.execute(query):
                found.setdefault((OwnerId(owner_id), ChannelId(channel_id)), {})[name] = at
        return found

    def _replies(self, which: sa.ColumnElement[bool], since: datetime) -> int:
        query = sa.select(sa.func.count()).select_from(_reply).where(which, _reply.c.at >= since)
        return int(self.connection.execute(query).scalar_one())


def _reply_of(row: Row) -> Reply:
    named, about = row["owner_id"], row["incident_id"]
    return Reply(
        **{
            **row,
            "channel_id": ChannelId(row["channel_id"]),
            "owner_id": None if named is None else OwnerId(named),
            "incident_id": None if about is None else IncidentId(about),
        }
    )
