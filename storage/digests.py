"""What a digest is made of, and that each person gets one a day.

In: a range of instants. Out: DigestFacts, read and not worded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.schema import Project
from storage import tables
from storage.columns import insert_one
from storage.complainants import count_complainants
from storage.completeness import read_completeness
from storage.evidence import family, find_cluster
from storage.incidents import OPEN_STATES
from storage.records import (
    BrandId,
    Contact,
    DigestFacts,
    Incident,
    IncidentEvent,
    IncidentId,
    OwnerId,
    Polarity,
    SourceGap,
)
from storage.rows import incident_event_of, incident_of, mappings
from storage.sentiment import is_positive, is_voice

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


def had_digest(connection: Connection, owner_id: OwnerId, kind: str, local_date: date) -> bool:
    """Say whether a person has had a digest."""
    run = tables.digest_run
    found = sa.select(run.c.at).where(
        run.c.owner_id == owner_id, run.c.kind == kind, run.c.local_date == local_date
    )
    return connection.execute(found).first() is not None


def last_digest(
    connection: Connection, owner_id: OwnerId, kind: str, before: date
) -> tuple[date, datetime] | None:
    """Return the day of a person's last digest before a day, and when it was claimed."""
    run = tables.digest_run
    query = (
        sa.select(run.c.local_date, run.c.at)
        .where(run.c.owner_id == owner_id, run.c.kind == kind, run.c.local_date < before)
        .order_by(run.c.local_date.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], row[1])


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

    With `owner_id` only incidents that this person owns or was told of. What was not seen is told
    of the sources of `project`.
    """
    incidents = _incidents(connection, since, until, owner_id)
    events = _events(connection, since, until, [item.incident_id for item in incidents])
    volume = _volume(connection, since, until)
    sight = _sight(connection, since, until, project)
    counts = {item.incident_id: _counts(connection, item, since, until) for item in incidents}
    return DigestFacts(
        day=day,
        since=since,
        until=until,
        incidents=tuple(incidents),
        events=tuple(events),
        counts=counts,
        people=_people(connection, counts),
        outcomes=_outcomes(connection, since, until),
        **volume,
        gaps=sight.gaps,
        sources=sight.sources,
        late=sight.late,
        shares=sight.shares,
        undelivered=_undelivered(connection, since, until),
        would_have_been=_would_have_been(connection, since, until),
        late_tasks=tuple(
            _with_late_tasks(connection, until, {one.incident_id for one in incidents})
        ),
    )


def _with_late_tasks(
    connection: Connection, until: datetime, known: Collection[IncidentId]
) -> Iterator[Incident]:
    """Yield incidents that ended before, with a task that is overdue: nobody else speaks of them.

    A task that has ended cancels the timer of its incident's tasks; one whose rounds are over has
    done with it.
    """
    timer = tables.timer
    waiting = sa.select(timer.c.incident_id).where(
        timer.c.kind == "task", timer.c.status.in_(("pending", "done"))
    )
    rows = connection.execute(
        sa.select(_incident.c.document)
        .where(
            _incident.c.state.not_in(sorted(OPEN_STATES)),
            _incident.c.opened_at < until,
            _incident.c.incident_id.in_(waiting),
        )
        .order_by(_incident.c.opened_at, _incident.c.incident_id)
    )
    for incident in map(incident_of, mappings(rows)):
        late = any(task.state == "open" and task.due_at <= until for task in incident.tasks)
        if late and incident.incident_id not in known:
            yield incident


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


def _people(
    connection: Connection, counts: Mapping[IncidentId, tuple[int, int, int]]
) -> dict[IncidentId, dict[Contact, int]]:
    """Return complainants by state; where nobody was moved yet, all authors wait."""
    row, incident = tables.complainant, tables.incident
    moved = {*connection.scalars(sa.select(row.c.incident_id).distinct())}
    merged = sa.select(incident.c.merged_into).where(incident.c.incident_id.in_(moved))
    moved |= {*connection.scalars(merged)}
    found = {
        named: count_complainants(connection, named)
        if named in moved
        else {Contact.WAITING: authors}
        for named, (_, authors, _) in counts.items()
    }
    return {named: states for named, states in found.items() if sum(states.values())}


def _volume(connection: Connection, since: datetime, until: datetime) -> dict[str, Any]:
    """Count mentions taken in within the range, and those of each side to any brand."""
    mention, verdict = tables.mention, tables.verdict
    within = sa.and_(mention.c.observed_at >= since, mention.c.observed_at < until)
    total = connection.execute(sa.select(sa.func.count()).where(within)).scalar_one()
    voice = is_voice(verdict)
    sides = {
        "noise": sa.not_(voice),
        "negative": sa.and_(voice, verdict.c.polarity == Polarity.NEGATIVE.value),
        "unsure": sa.and_(voice, verdict.c.polarity == Polarity.UNSURE.value),
        "positive": sa.and_(voice, is_positive(verdict)),
    }
    counted = connection.execute(
        sa.select(
            *(
                sa.func.count(sa.distinct(sa.case((side, verdict.c.mention_pk)))).label(name)
                for name, side in sides.items()
            )
        )
        .join(mention, mention.c.mention_pk == verdict.c.mention_pk)
        .where(within, verdict.c.is_current)
    )
    return {"mentions": total, **counted.mappings().one()}


def _outcomes(connection: Connection, since: datetime, until: datetime) -> dict[str, int]:
    table = tables.outcome_count
    rows = connection.execute(
        sa.select(table.c.outcome, sa.func.sum(table.c.n))
        .where(table.c.hour > since - _HOUR, table.c.hour < until)
        .group_by(table.c.outcome)
        .order_by(table.c.outcome)
    )
    return {row[0]: int(row[1]) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """How much of the range the sources saw, as DigestFacts wants it."""

    gaps: tuple[SourceGap, ...] = ()
    sources: int = 0
    late: tuple[SourceGap, ...] = ()
    shares: tuple[tuple[str, float], ...] = ()


def _sight(
    connection: Connection, since: datetime, until: datetime, project: Project | None
) -> _Sight:
    """Return the sources that lost hours, those that caught up, and what each brand was seen by."""
    if project is None:
        return _Sight()
    found = read_completeness(connection, project, since, until, until)
    gaps = [
        SourceGap(
            source_id=one.source_id,
            name=one.name,
            cause=one.cause,
            blind_hours=float(len(one.lost)),
            late_hours=float(len(one.late)),
            last_ok_at=one.last_ok_at,
        )
        for one in found.sources
        if one.lost or one.late
    ]
    shares = {brand.name: found.of_brand(BrandId(brand.id)) for brand in project.brands}
    return _Sight(
        gaps=tuple(gap for gap in gaps if gap.blind_hours),
        sources=sum(source.enabled for source in project.sources),
        late=tuple(gap for gap in gaps if not gap.blind_hours),
        shares=tuple((name, share) for name, share in shares.items() if share is not None),
    )


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
