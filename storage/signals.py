"""What people found out about batch signals: parts called back, and verdicts.

In: nothing but the journal of incidents. Out: its events about them, in order.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import IncidentEvent
from storage.rows import incident_event_of, mappings

_event = tables.incident_event
# as the partial index says it, letter by letter: SQLite uses it only so
_OF_SIGNALS = sa.text("incident_event.kind IN ('recall_set', 'verdict_given')")


class SignalQueries:
    """Queries part: the labels of batch signals."""

    connection: Connection

    def signal_events(self) -> list[IncidentEvent]:
        """Return every task that calls parts back and every verdict, oldest first."""
        query = sa.select(_event).where(_OF_SIGNALS).order_by(_event.c.event_no)
        return [incident_event_of(row) for row in mappings(self.connection.execute(query))]
