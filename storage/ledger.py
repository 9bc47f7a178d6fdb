"""What the false-alarm ledger is made from: alarms with their logs, sources, answers, messages.

In: ids and ranges. Out: records and counts; judging them is alerts.ledger's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import ClusterId, Incident, IncidentEvent, IncidentId, Level, OwnerId, SourceId
from storage.rows import incident_event_of, incident_of, mappings

_incident = tables.incident
_event = tables.incident_event
_link = tables.incident_cluster
_assigned = tables.mention_cluster
_mention = tables.mention
_intent = tables.intent
_delivery = tables.delivery
_AT_ONCE = 500  # values in one IN list
_ARRIVED = ("ok", "ambiguous")
# What a budget counts: messages about incidents, and summaries of such.
_SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message that somebody was sent: copies on several devices of a person are one."""

    incident_id: IncidentId | None
    level: Level
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswer:
    """When an incident was first complained about, and when the brand first answered in public."""

    complained_at: datetime | None
    answered_at: datetime | None


class LedgerQueries:
    """Queries part: alarms and what became of them."""

    connection: Connection

    def alarms_since(
        self, since: datetime, limit: int = 5000
    ) -> list[tuple[Incident, list[IncidentEvent]]]:
        """Return the incidents on which something happened since then, each with its whole log."""
        query = (
            sa.select(_incident.c.document)
            .where(_incident.c.updated_at >= since)
            .order_by(_incident.c.opened_at.desc(), _incident.c.incident_id)
            .limit(limit)
        )
        found = [incident_of(row) for row in mappings(self.connection.execute(query))]
        logs: dict[IncidentId, list[IncidentEvent]] = defaultdict(list)
        for ids in _parts([one.incident_id for one in found]):
            log = sa.select(_event).where(_event.c.incident_id.in_(ids))
            ordered = log.order_by(_event.c.incident_id, _event.c.seq)
            for row in mappings(self.connection.execute(ordered)):
                event = incident_event_of(row)
                logs[event.incident_id].append(event)
        return [(one, logs[one.incident_id]) for one in found]

    def alarm_sources(
        self, incident_ids: Collection[IncidentId]
    ) -> dict[IncidentId, dict[SourceId, int]]:
        """Return per incident how many mentions of its clusters each source brought."""
        found: dict[IncidentId, dict[SourceId, int]] = defaultdict(dict)
        for ids in _parts(sorted(incident_ids)):
            query = (
                sa.select(_link.c.incident_id, _mention.c.source_id, sa.func.count())
                .join(_assigned, _assigned.c.cluster_id == _link.c.cluster_id)
                .join(_mention, _mention.c.mention_pk == _assigned.c.mention_pk)
                .where(_link.c.incident_id.in_(ids))
                .group_by(_link.c.incident_id, _mention.c.source_id)
            )
            for incident_id, source_id, n in self.connection.execute(query):
                found[IncidentId(incident_id)][SourceId(source_id)] = n
        return dict(found)

    def first_answers(self, incident_ids: Collection[IncidentId]) -> dict[IncidentId, FirstAnswer]:
        """Return per incident the first complaint and the first public answer after it.

        An answer counts when it is to the incident or to any mention of its clusters.
        """
        begun: dict[str, datetime] = {}
        answers: dict[str, list[datetime]] = defaultdict(list)
        for ids in _parts(sorted(incident_ids)):
            begun |= {row[0]: row[1] for row in self.connection.execute(_begins(ids))}
            for query in _answers(ids):
                for incident_id, at in self.connection.execute(query):
                    answers[incident_id].append(at)
        return {
            one: FirstAnswer(
                complained_at=begun.get(one),
                answered_at=min(
                    (at for at in answers[one] if one not in begun or at >= begun[one]),
                    default=None,
                ),
            )
            for one in incident_ids
        }

    def newcomers(self, cluster_ids: Sequence[ClusterId]) -> list[datetime]:
        """Return when each person was first heard of in these clusters, oldest first.

        Who is not named counts by his text: equal texts are one.
        """
        text_key = sa.cast(_assigned.c.text_key, sa.Text)
        who = sa.case((_assigned.c.author_key != "", _assigned.c.author_key), else_=text_key)
        first = sa.func.min(_assigned.c.published_at, type_=_assigned.c.published_at.type)
        query = (
            sa.select(first).where(_assigned.c.cluster_id.in_(sorted(cluster_ids))).group_by(who)
        )
        return sorted(self.connection.scalars(query))

    def incident_clusters(self, incident_id: IncidentId) -> list[ClusterId]:
        """Return the clusters whose mentions belong to an incident, in the order of their ids."""
        query = sa.select(_link.c.cluster_id).where(_link.c.incident_id == incident_id)
        return sorted(ClusterId(one) for one in self.connection.scalars(query))

    def heard_by(self, owner_id: OwnerId, since: datetime, until: datetime) -> list[Heard]:
        """Return what somebody was sent within [since, until) about incidents, oldest first."""
        return heard_of(self.connection, {owner_id: since}, until).get(owner_id, [])


def _begins(ids: Sequence[IncidentId]) -> sa.Select[Any]:
    """Return the first complaint of each of these incidents."""
    first = sa.func.min(tables.cluster.c.first_at, type_=tables.cluster.c.first_at.type)
    return (
        sa.select(_link.c.incident_id, first)
        .join(tables.cluster, tables.cluster.c.cluster_id == _link.c.cluster_id)
        .where(_link.c.incident_id.in_(ids), tables.cluster.c.first_at.is_not(None))
        .group_by(_link.c.incident_id)
    )


def _answers(ids: Sequence[IncidentId]) -> Iterator[sa.Select[Any]]:
    """Yield the answers to these incidents as a whole, and those to a mention of theirs."""
    response = tables.public_response
    yield sa.select(response.c.incident_id, response.c.at).where(response.c.incident_id.in_(ids))
    yield (
        sa.select(_link.c.incident_id, response.c.at)
        .join(_assigned, _assigned.c.cluster_id == _link.c.cluster_id)
        .join(response, response.c.mention_pk == _assigned.c.mention_pk)
        .where(_link.c.incident_id.in_(ids))
    )


def heard_of(
    connection: Connection, since: Mapping[OwnerId, datetime], until: datetime | None = None
) -> dict[OwnerId, list[Heard]]:
    """Return what each of these people was sent, or is being sent, from his own instant on.

    Counted are messages about incidents and summaries; digests and tests are not.
    """
    if not since:
        return {}
    begun = sa.func.min(_delivery.c.started_at, type_=_delivery.c.started_at.type).label("at")
    columns = (
        _intent.c.recipient_id,
        _intent.c.incident_id,
        _intent.c.epoch,
        _intent.c.kind,
        _intent.c.step,
        _intent.c.level,
    )
    of_summary = sa.case((_intent.c.kind == _SUMMARY, _intent.c.intent_id), else_="")
    query = (
        sa.select(*columns, begun)
        .join(_delivery, _delivery.c.intent_id == _intent.c.intent_id)
        .where(
            _delivery.c.started_at >= min(since.values()),
            sa.or_(_delivery.c.outcome.is_(None), _delivery.c.outcome.in_(_ARRIVED)),
            sa.or_(_intent.c.incident_id.is_not(None), _intent.c.kind == _SUMMARY),
            # not as it stands in an index: SQLite would walk through all that a person ever got
            _intent.c.recipient_id.concat("").in_(sorted(since)),
        )
        .group_by(*columns, of_summary)
        .order_by(begun)
    )
    found: dict[OwnerId, list[Heard]] = defaultdict(list)
    for row in mappings(connection.execute(query)):
        owner_id, at = OwnerId(row["recipient_id"]), row["at"]
        if since[owner_id] <= at and (until is None or at < until):
            found[owner_id].append(_heard(row))
    return dict(found)


def _heard(row: sa.RowMapping) -> Heard:
    named = row["incident_id"]
    return Heard(
        incident_id=None if named is None else IncidentId(named),
        level=Level(row["level"]),
        kind=row["kind"],
        at=row["at"],
    )


def _parts(ids: Sequence[IncidentId]) -> Iterator[Sequence[IncidentId]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
