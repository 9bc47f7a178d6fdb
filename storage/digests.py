"""What a digest is made of, and that each person gets one a day.

In: a range of instants. Out: DigestFacts, read and not worded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.schema import Project
from storage import tables
from storage.columns import insert_one
from storage.evidence import family, find_cluster
from storage.incidents import OPEN_STATES
from storage.records import (
    DigestFacts,
    Incident,
    IncidentEvent,
    IncidentId,
    OwnerId,
    SourceGap,
    SourceId,
)
from storage.rows import incident_event_of, incident_of, mappings, source_state_of

_incident = tables.incident
_event = tables.incident_event
_intent = tables.intent
_HOUR = timedelta(hours=1)


class DigestClaims:
    """Transaction part: one digest per person, kind and local day."""

    connection: Connection

    def claim_digest(self, owner_id: OwnerId, kind: str, local_date: date, now: datetime) -> bool:
        """Take a digest for oneself; False when it was taken before."""
        row = {"owner_id": owner_id, "kind": kind, "local_date": local_date, "at": now}
        return insert_one(self.connection, tables.digest_run, row)


def read_digest_facts(
    connection: Connection,
    day: date,
    since: datetime,
    until: datetime,
    *,
    project: Project | None = None,
    owner_id: OwnerId | None = None,
) -> DigestFacts:
    """Return everything a digest may say about the range from `since` up to `until`.

    With `owner_id` only incidents that this person owns or was told of. Names of sources come from
    `project`, and only sources that it still has can be blind.
    """
    incidents = _incidents(connection, since, until, owner_id)
    events = _events(connection, since, until, [item.incident_id for item in incidents])
    mentions, negative, unsure = _volume(connection, since, until)
    gaps, sources = _gaps(connection, since, until, project)
    return DigestFacts(
        day=day,
        since=since,
        until=until,
        incidents=tuple(incidents),
        events=tuple(events),
        counts={item.incident_id: _counts(connection, item, since, until) for item in incidents},
        outcomes=_outcomes(connection, since, until),
        mentions=mentions,
        negative=negative,
        unsure=unsure,
        gaps=gaps,
        sources=sources,
        undelivered=_undelivered(connection, since, until),
        would_have_been=_would_have_been(connection, since, until),
    )


def _incidents(
    connection: Connection, since: datetime, until: datetime, owner_id: OwnerId | None
) -> list[Incident]:
    open_now = _incident.c.state.in_(sorted(OPEN_STATES))
    moved = sa.and_(_incident.c.updated_at >= since, _incident.c.updated_at < until)
    rows = connection.execute(
        sa.select(_incident.c.document)
        .where(sa.or_(open_now, moved), _incident.c.opened_at < until)
        .order_by(_incident.c.level.desc(), _incident.c.opened_at, _incident.c.incident_id)
    )
    incidents = [incident_of(row) for row in mappings(rows)]
    if owner_id is None:
        return incidents
    return [item for item in incidents if owner_id in {item.owner_id, *item.told}]


def _events(
    connection: Connection, since: datetime, until: datetime, ids: Sequence[IncidentId]
) -> list[IncidentEvent]:
    rows = connection.execute(
        sa.select(_event)
        .where(_event.c.at >= since, _event.c.at < until, _event.c.incident_id.in_(ids))
        .order_by(_event.c.event_no)
    )
    return [incident_event_of(row) for row in mappings(rows)]


def _counts(
    connection: Connection, incident: Incident, since: datetime, until: datetime
) -> tuple[int, int, int]:
    """Return mentions, distinct authors and mentions published within the range."""
    assigned = tables.mention_cluster
    cluster = find_cluster(connection, incident.cluster_id)
    if cluster is None:
        return 0, 0, 0
    within = sa.and_(assigned.c.published_at >= since, assigned.c.published_at < until)
    row = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.distinct(assigned.c.author_key)),
            sa.func.count(sa.case((within, 1))),
        ).where(assigned.c.cluster_id.in_(family(connection, cluster)))
    ).one()
    return row[0], row[1], row[2]


def _volume(connection: Connection, since: datetime, until: datetime) -> tuple[int, int, int]:
    """Return mentions taken in within the range, and those negative or unsure to any brand."""
    mention, verdict = tables.mention, tables.verdict
    within = sa.and_(mention.c.observed_at >= since, mention.c.observed_at < until)
    total = connection.execute(sa.select(sa.func.count()).where(within)).scalar_one()
    judged = connection.execute(
        sa.select(verdict.c.polarity, sa.func.count(sa.distinct(verdict.c.mention_pk)))
        .join(mention, mention.c.mention_pk == verdict.c.mention_pk)
        .where(within, verdict.c.is_current)
        .group_by(verdict.c.polarity)
    )
    by_polarity: dict[str, int] = {row[0]: row[1] for row in judged}
    return total, by_polarity.get("negative", 0), by_polarity.get("unsure", 0)


def _outcomes(connection: Connection, since: datetime, until: datetime) -> dict[str, int]:
    table = tables.outcome_count
    rows = connection.execute(
        sa.select(table.c.outcome, sa.func.sum(table.c.n))
        .where(table.c.hour > since - _HOUR, table.c.hour < until)
        .group_by(table.c.outcome)
        .order_by(table.c.outcome)
    )
    return {row[0]: int(row[1]) for row in rows}


def _gaps(
    connection: Connection, since: datetime, until: datetime, project: Project | None
) -> tuple[tuple[SourceGap, ...], int]:
    """Return sources that did not answer for a whole hour or more, and how many there are."""
    state, hour = tables.source_state, tables.source_hour
    names = None if project is None else {item.id: item.name for item in project.sources}
    rows = mappings(connection.execute(sa.select(state).order_by(state.c.source_id)))
    states = {row["source_id"]: source_state_of(row) for row in rows}
    blind = connection.execute(
        sa.select(hour.c.source_id, sa.func.count())
        .where(hour.c.hour > since - _HOUR, hour.c.hour < until, hour.c.answered == 0)
        .group_by(hour.c.source_id)
        .order_by(hour.c.source_id)
    )
    gaps = tuple(
        SourceGap(
            source_id=SourceId(source_id),
            name=source_id if names is None else names[source_id],
            cause=states[source_id].cause_text or states[source_id].cause.value,
            blind_hours=float(hours),
            last_ok_at=states[source_id].last_ok_at,
        )
        for source_id, hours in blind
        if source_id in states and (names is None or source_id in names)
    )
    return gaps, len(states if names is None else names)


def _undelivered(connection: Connection, since: datetime, until: datetime) -> int:
    """Count messages of the range that are dead without a substitute, or wait an hour overdue."""
    substitute = _intent.alias("substitute")
    replaced = sa.exists().where(substitute.c.fallback_of == _intent.c.intent_id)
    dead = sa.and_(_intent.c.status == "dead", sa.not_(replaced))
    stuck = sa.and_(
        _intent.c.status.in_(("pending", "retry", "ambiguous", "leased")),
        _intent.c.due_at < until - _HOUR,
    )
    found: int = connection.execute(
        sa.select(sa.func.count()).where(
            _intent.c.created_at >= since, _intent.c.created_at < until, sa.or_(dead, stuck)
        )
    ).scalar_one()
    return found


def _would_have_been(connection: Connection, since: datetime, until: datetime) -> tuple[str, ...]:
    table = tables.would_have_been
    query = (
        sa.select(table.c.text)
        .where(table.c.at >= since, table.c.at < until)
        .order_by(table.c.at, table.c.cluster_id)
    )
    return tuple(connection.scalars(query))
