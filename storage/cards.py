"""Cards of what was learnt from closed incidents, and replies that may be given as they stand.

In: Card and ApprovedReply. Out: the same. Nothing is deleted: what is not used any more is retired.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_one, upsert
from storage.records import ApprovedReply, BrandId, Card, IncidentId
from storage.rows import Row, columns_of, mappings

_card = tables.card
_reply = tables.approved_reply
_AT_ONCE = 2000  # cards or replies that are compared with an incident; the newest first


class Cards:
    """Transaction part: what was learnt, and what may be answered."""

    connection: Connection

    def add_card(self, card: Card) -> bool:
        """Write a new card; False when one of that id is there already."""
        return insert_one(self.connection, _card, _card_row(card))

    def save_card(self, card: Card) -> None:
        """Write a card as it stands now, over what it was."""
        upsert(self.connection, _card, [_card_row(card)])

    def save_reply(self, reply: ApprovedReply) -> bool:
        """Write an approved reply, over an earlier one of its id; False when it stood just so."""
        known = find_reply(self.connection, reply.reply_id)
        # approved once: the same line read again from the same file changes nothing
        if known is not None and replace(reply, approved_at=known.approved_at) == known:
            return False
        upsert(self.connection, _reply, [_reply_row(reply)])
        return True


class CardQueries:
    """Queries part: cards and approved replies."""

    connection: Connection

    def card(self, card_id: str) -> Card | None:
        """Return a card by its id."""
        query = sa.select(_card).where(_card.c.card_id == card_id)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else card_of(row)

    def cards(
        self, *, retired: bool = False, brands: Collection[str] = (), limit: int = _AT_ONCE
    ) -> list[Card]:
        """Return cards, newest first: those in use, or all; of some brands only when named."""
        query = sa.select(_card).order_by(_card.c.created_at.desc(), _card.c.card_id)
        if not retired:
            query = query.where(_card.c.retired_at.is_(None))
        if brands:
            query = query.where(_card.c.brand_id.in_(sorted(brands)))
        return [card_of(row) for row in mappings(self.connection.execute(query.limit(limit)))]

    def cards_of(self, incident_id: IncidentId) -> list[Card]:
        """Return the cards that were made of an incident, the newest first."""
        query = (
            sa.select(_card)
            .where(_card.c.incident_id == incident_id)
            .order_by(_card.c.epoch.desc(), _card.c.card_id)
        )
        return [card_of(row) for row in mappings(self.connection.execute(query))]

    def approved_reply(self, reply_id: str) -> ApprovedReply | None:
        """Return an approved reply by its id."""
        return find_reply(self.connection, reply_id)

    def approved_replies(
        self, *, retired: bool = False, brand_id: BrandId | None = None, limit: int = _AT_ONCE
    ) -> list[ApprovedReply]:
        """Return approved replies, newest first: those not retired, or all; expired ones, too."""
        query = sa.select(_reply).order_by(_reply.c.approved_at.desc(), _reply.c.reply_id)
        if not retired:
            query = query.where(_reply.c.retired_at.is_(None))
        if brand_id is not None:
            query = query.where(_reply.c.brand_id.in_(["", brand_id]))  # "": all brands
        return [reply_of(row) for row in mappings(self.connection.execute(query.limit(limit)))]


def find_reply(connection: Connection, reply_id: str) -> ApprovedReply | None:
    """Return an approved reply by its id."""
    query = sa.select(_reply).where(_reply.c.reply_id == reply_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else reply_of(row)


def is_offered(reply: ApprovedReply, today: date) -> bool:
    """Say whether a reply may still be given: neither retired nor past its last day."""
    return reply.retired_at is None and (reply.until is None or today <= reply.until)


def card_of(row: Row) -> Card:
    """Return the record of a row."""
    return Card(**{**row, "words": tuple(row["words"])})


def reply_of(row: Row) -> ApprovedReply:
    """Return the record of a row."""
    until: str = row["until"]
    return ApprovedReply(**{**row, "until": date.fromisoformat(until) if until else None})


def _card_row(card: Card) -> Mapping[str, Any]:
    return columns_of(card, _card) | {"words": list(card.words)}


def _reply_row(reply: ApprovedReply) -> Mapping[str, Any]:
    until: datetime | date | None = reply.until
    return columns_of(reply, _reply) | {"until": until.isoformat() if until else ""}
