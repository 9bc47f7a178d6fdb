"""The append-only journal of clusters: every change of a mention's cluster has a row in it.

In: ClusterEvents. Out: rows of cluster_event with gapless numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.counters import take_numbers
from storage.records import ClusterEvent
from storage.rows import columns_of

_event = tables.cluster_event


def write_journal(connection: Connection, events: Sequence[ClusterEvent]) -> list[int]:
    """Append events in their order; return their numbers."""
    if not events:
        return []
    numbers = list(take_numbers(connection, "cluster_event", len(events)))
    rows = [
        columns_of(event, _event) | {"event_no": number}
        for event, number in zip(events, numbers, strict=True)
    ]
    connection.execute(sa.insert(_event), rows)
    return numbers
