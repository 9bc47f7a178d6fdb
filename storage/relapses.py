"""What is known of troubles that were closed: their codes, their clusters, and who came back.

In: a connection. Out: incidents by fingerprint, the clusters of an incident, codes in use.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.evidence import find_cluster
from storage.records import ClusterId, Incident, IncidentId, IncidentState
from storage.rows import incident_of, mappings

# For so long a closed trouble that comes back is the same one. Judgement: half a year is about how
# long one batch of a product is sold and returned; what is older begins anew.
REMEMBERED = timedelta(days=180)

_incident = tables.incident
_link = tables.incident_cluster
_event = tables.cluster_event


def taken_codes(connection: Connection, codes: Iterable[str]) -> frozenset[str]:
    """Return which of these codes an incident has already."""
    found = sa.select(_incident.c.code).where(_incident.c.code.in_([*codes]))
    return frozenset(connection.scalars(found))


def clusters_of(connection: Connection, incident_id: IncidentId) -> list[ClusterId]:
    """Return the clusters of today whose mentions belong to an incident, those merged in too."""
    merged = sa.select(_incident.c.incident_id).where(_incident.c.merged_into == incident_id)
    linked = (
        sa.select(_link.c.cluster_id)
        .where(sa.or_(_link.c.incident_id == incident_id, _link.c.incident_id.in_(merged)))
        .order_by(_link.c.cluster_id)
    )
    found = (find_cluster(connection, ClusterId(one)) for one in connection.scalars(linked))
    return [*dict.fromkeys(one.cluster_id for one in found if one is not None)]


def closed_before(
    connection: Connection, fingerprint: str, cluster_id: ClusterId, now: datetime
) -> list[Incident]:
    """Return the closed incidents of this fingerprint that a new cluster may bring back.

    The last closed first. Left out are those closed too long ago, and those whose cluster a person
    has split or told apart from this one. Dismissed ones are no troubles.
    """
    query = (
        sa.select(_incident.c.document)
        .where(
            _incident.c.fingerprint == fingerprint,
            _incident.c.state == IncidentState.CLOSED.value,
            _incident.c.updated_at >= now - REMEMBERED,  # a note later moves it: only a first sieve
        )
        .order_by(_incident.c.updated_at.desc(), _incident.c.incident_id)
    )
    found = [incident_of(row) for row in mappings(connection.execute(query))]
    kept = [
        one
        for one in found
        if one.closed_at is not None
        and now - one.closed_at <= REMEMBERED
        and not _taken_apart(connection, one.incident_id, cluster_id)
    ]
    return sorted(kept, key=lambda one: (one.closed_at or now, one.incident_id), reverse=True)


def merged_at(connection: Connection, event_no: int) -> datetime | None:
    """Return when a row of the journal merged two clusters, None when it is no such row."""
    query = sa.select(_event.c.at).where(_event.c.event_no == event_no, _event.c.kind == "merge")
    found: datetime | None = connection.scalar(query)
    return found


def _taken_apart(connection: Connection, incident_id: IncidentId, cluster_id: ClusterId) -> bool:
    """Say whether a person split a cluster of the incident, or said it is not this other one."""
    undone = _event.alias()
    of_it = sa.select(_link.c.cluster_id).where(_link.c.incident_id == incident_id)
    stands = sa.not_(
        sa.select(undone.c.event_no).where(undone.c.undoes == _event.c.event_no).exists()
    )
    split = sa.and_(_event.c.kind == "split", _event.c.cluster_id.in_(of_it))
    apart = sa.and_(
        _event.c.kind == "apart",
        sa.or_(
            sa.and_(_event.c.cluster_id == cluster_id, _event.c.other_id.in_(of_it)),
            sa.and_(_event.c.other_id == cluster_id, _event.c.cluster_id.in_(of_it)),
        ),
    )
    by_person = sa.and_(_event.c.actor != "system", sa.or_(split, apart), stands)
    return connection.scalar(sa.select(_event.c.event_no).where(by_person).limit(1)) is not None
