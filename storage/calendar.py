"""Calendar events that people added or imported; those of the program and the files are no rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import CalendarEvent
from storage.rows import Row, columns_of, mappings

_event = tables.calendar_event


class Calendar:
    """Transaction part: calendar events."""

    connection: Connection

    def put_events(self, events: Sequence[CalendarEvent]) -> int:
        """Write events; one of a known id takes its place. Return how many are new."""
        ids = [one.event_id for one in events]
        known = sa.select(sa.func.count()).where(_event.c.event_id.in_(ids)).select_from(_event)
        before: int = self.connection.scalar(known) or 0
        upsert(self.connection, _event, [_row_of(one) for one in events])
        return len(set(ids)) - before

    def remove_event(self, event_id: str) -> bool:
        """Delete an event; False when there is none of this id."""
        named = sa.delete(_event).where(_event.c.event_id == event_id)
        return self.connection.execute(named).rowcount == 1


class CalendarQueries:
    """Part of the queries: calendar events."""

    connection: Connection

    def calendar_events(
        self, since: date | None = None, until: date | None = None
    ) -> list[CalendarEvent]:
        """Return the stored events that touch the days from `since` to `until`, by first day."""
        query = sa.select(_event)
        if since is not None:
            query = query.where(_event.c.ends >= since.isoformat())
        if until is not None:
            query = query.where(_event.c.starts <= until.isoformat())
        rows = self.connection.execute(query.order_by(_event.c.starts, _event.c.event_id))
        return [_event_of(row) for row in mappings(rows)]


def _row_of(event: CalendarEvent) -> dict[str, Any]:
    days = {"starts": event.starts.isoformat(), "ends": event.ends.isoformat()}
    return columns_of(event, _event) | days


def _event_of(row: Row) -> CalendarEvent:
    days = {name: date.fromisoformat(row[name]) for name in ("starts", "ends")}
    return CalendarEvent(**{**row, **days})
