"""Silences: for what, from when, until when and up to which level notices are held.

They never change what an incident is, only what is said about it; see alerts.silences.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_one
from storage.incidents import OPEN_STATES
from storage.records import Incident, IncidentId, Silence
from storage.rows import Row, columns_of, incident_of, mappings

_silence = tables.silence
_MATCHERS = ("brand", "product", "issue", "region", "platform")


class Silences:
    """Transaction part: silences that people asked for."""

    connection: Connection

    def add_silence(self, silence: Silence) -> bool:
        """Write a silence down; False when one of that id is there already."""
        row = columns_of(silence, _silence)
        return insert_one(
            self.connection, _silence, row | {name: list(row[name]) for name in _MATCHERS}
        )

    def end_silence(self, silence_id: str, at: datetime, by: str) -> bool:
        """End a silence before its time; False when there is none, or it is over."""
        ended = (
            sa.update(_silence)
            .where(
                _silence.c.silence_id == silence_id,
                _silence.c.ended_at.is_(None),
                _silence.c.ends_at > at,
            )
            .values(ended_at=at, ended_by=by)
        )
        return self.connection.execute(ended).rowcount == 1

    def active_silences(self, now: datetime) -> tuple[Silence, ...]:
        """Return the silences that hold at an instant, the longest first."""
        query = (
            sa.select(_silence)
            .where(
                _silence.c.ends_at > now,
                _silence.c.starts_at <= now,
                _silence.c.ended_at.is_(None),
            )
            .order_by(_silence.c.ends_at.desc(), _silence.c.silence_id)
        )
        return tuple(silence_of(row) for row in mappings(self.connection.execute(query)))

    def silenced_incidents(self, silence_id: str) -> list[Incident]:
        """Return the open incidents whose notices this silence or maintenance window holds."""
        return [one for one in self.open_incidents() if one.muted_by == silence_id]

    def open_incidents(self) -> list[Incident]:
        """Return all incidents that have not ended, the gravest first."""
        incident = tables.incident
        query = (
            sa.select(incident.c.document)
            .where(incident.c.state.in_(sorted(OPEN_STATES)))
            .order_by(incident.c.level.desc(), incident.c.opened_at, incident.c.incident_id)
        )
        return [incident_of(row) for row in mappings(self.connection.execute(query))]


class SilenceQueries:
    """Query part: silences for people to look at."""

    connection: Connection

    def silence(self, silence_id: str) -> Silence | None:
        """Return a silence by its id."""
        query = sa.select(_silence).where(_silence.c.silence_id == silence_id)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else silence_of(row)

    def silences(self, since: datetime) -> list[Silence]:
        """Return the silences that end after an instant, those to come too, the next end first."""
        query = (
            sa.select(_silence)
            .where(_silence.c.ends_at > since)
            .order_by(_silence.c.ends_at, _silence.c.silence_id)
        )
        return [silence_of(row) for row in mappings(self.connection.execute(query))]


def silence_of(row: Row) -> Silence:
    """Return the record of a row."""
    named = row["incident_id"]
    return Silence(
        **{**row, "incident_id": None if named is None else IncidentId(named)}
        | {name: tuple(row[name]) for name in _MATCHERS}
    )
