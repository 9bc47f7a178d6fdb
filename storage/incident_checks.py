"""Looks stored incidents over: each row is the fold of its log, no cluster has two open ones.

In: a store and the fold, which is deciding and lives above. Out: Faults. A row that differs is
written anew from its log, which is the truth; the rest needs people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import GroundswellError
from storage import tables
from storage.checking import Fault
from storage.evidence import find_cluster
from storage.incidents import OPEN_STATES
from storage.records import ClusterId, Incident, IncidentEvent
from storage.rows import incident_event_of, incident_of, incident_row, mappings
from storage.store import Store

_BATCH = 200  # incidents a transaction
_incident = tables.incident
_event = tables.incident_event
_link = tables.incident_cluster

Fold = Callable[[Sequence[IncidentEvent]], Incident]


def check_incidents(store: Store, fold: Fold, *, repair: bool = False) -> list[Fault]:
    """Return what is wrong with incidents, with `repair` after rows were written anew."""
    faults: list[Fault] = []
    last = ""
    while True:
        with store.transaction() as tx:
            query = (
                sa.select(_incident.c.document)
                .where(_incident.c.incident_id > last)
                .order_by(_incident.c.incident_id)
                .limit(_BATCH)
            )
            found = [incident_of(row) for row in mappings(tx.connection.execute(query))]
            for incident in found:
                faults += _check_fold(tx.connection, incident, fold, repair=repair)
        if not found:
            break
        last = found[-1].incident_id
    with store.transaction() as tx:
        return faults + _check_open(tx.connection) + _check_codes(tx.connection)


def _check_fold(
    connection: Connection, incident: Incident, fold: Fold, *, repair: bool
) -> list[Fault]:
    query = (
        sa.select(_event).where(_event.c.incident_id == incident.incident_id).order_by(_event.c.seq)
    )
    events = [incident_event_of(row) for row in mappings(connection.execute(query))]
    try:
        folded = fold(events)
    except (GroundswellError, KeyError, ValueError) as error:
        return [Fault(kind="log", where=incident.code, seen=str(error)[:200])]
    if folded == incident:
        return []
    named = [
        name for name in incident.__slots__ if getattr(incident, name) != getattr(folded, name)
    ]
    if repair:
        key = _incident.c.incident_id == incident.incident_id
        connection.execute(sa.update(_incident).where(key).values(incident_row(folded)))
    return [Fault(kind="fold", where=incident.code, seen="、".join(named), repaired=repair)]


def _check_open(connection: Connection) -> list[Fault]:
    """Find clusters of today that have more than one open incident."""
    query = (
        sa.select(_link.c.cluster_id, _incident.c.incident_id, _incident.c.code)
        .join(_incident, _incident.c.incident_id == _link.c.incident_id)
        .where(_incident.c.state.in_(sorted(state.value for state in OPEN_STATES)))
        .order_by(_incident.c.incident_id)
    )
    codes: dict[str, dict[str, str]] = {}
    for cluster_id, incident_id, code in connection.execute(query):
        cluster = find_cluster(connection, ClusterId(cluster_id))
        today = cluster.cluster_id if cluster else cluster_id
        codes.setdefault(today, {})[incident_id] = code
    return [
        Fault(kind="two_open", where=cluster_id, seen="、".join(named.values()))
        for cluster_id, named in sorted(codes.items())
        if len(named) > 1
    ]


def _check_codes(connection: Connection) -> list[Fault]:
    counted = Counter(connection.scalars(sa.select(_incident.c.code)))
    return [
        Fault(kind="code_twice", where=code, seen=f"{n} 个事件")
        for code, n in sorted(counted.items())
        if n > 1
    ]
