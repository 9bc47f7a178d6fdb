"""The append-only journal of clusters: every change of a mention's cluster has a row in it.

In: ClusterEvents. Out: rows of cluster_event with gapless numbers, and the events again.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.counters import take_numbers
from storage.records import ClusterEvent, ClusterId
from storage.rows import columns_of, mappings

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


def read_journal(connection: Connection, cluster_ids: Sequence[ClusterId]) -> list[ClusterEvent]:
    """Return the events that name any of these clusters, on either side, oldest first."""
    names = list(cluster_ids)
    query = (
        sa.select(_event)
        .where(sa.or_(_event.c.cluster_id.in_(names), _event.c.other_id.in_(names)))
        .order_by(_event.c.event_no)
    )
    return [ClusterEvent(**row) for row in mappings(connection.execute(query))]
