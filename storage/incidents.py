"""Incidents: one Change in, everything it says written together, or nothing.

The event log is the truth; the row of `incident` equals its fold. Timers and intents are rows of
the same transaction, so nothing that must be said can be lost between two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import ChangedMeanwhileError, StoreError
from storage import tables
from storage.columns import insert_new, insert_one, upsert
from storage.counters import lock_counter, move_counter, take_numbers
from storage.evidence import family, find_cluster, gather_evidence
from storage.records import (
    BrandId,
    Change,
    ClusterId,
    Evidence,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Intent,
    OwnerId,
)
from storage.relapses import closed_before, clusters_of, merged_at, taken_codes
from storage.rows import columns_of, incident_of, incident_row, intent_row, mappings

_incident = tables.incident
_event = tables.incident_event
_timer = tables.timer
_intent = tables.intent

OPEN_STATES = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED})
# leased ones too: what is in flight may still land, but is not sent again after an acknowledge
_UNSENT = ("pending", "retry", "ambiguous", "leased")


class Incidents:
    """Transaction part: evidence, incidents, timers and what must be said."""

    connection: Connection

    def evidence(self, cluster_id: ClusterId, now: datetime, *, history: bool = False) -> Evidence:
        """Return all that grading may know of a cluster; see storage.evidence."""
        return gather_evidence(self.connection, cluster_id, now, history=history)

    def incident_of(self, cluster_id: ClusterId) -> Incident | None:
        """Return the incident that new mentions of a cluster belong to; see find_incident_of."""
        return find_incident_of(self.connection, cluster_id)

    def origin_of(self, cluster_id: ClusterId, now: datetime) -> tuple[Incident, bool] | None:
        """Return the incident of the cluster that one came out of; see find_origin_of."""
        return find_origin_of(self.connection, cluster_id, now)

    def clusters_of(self, incident_id: IncidentId) -> list[ClusterId]:
        """Return the clusters whose mentions belong to an incident; see storage.relapses."""
        return clusters_of(self.connection, incident_id)

    def relapse_of(self, fingerprint: str, cluster_id: ClusterId, now: datetime) -> Incident | None:
        """Return the closed incident that a new cluster of its fingerprint brings back, if any.

        None of its own clusters may have another open incident: there is never a second one.
        """
        for closed in closed_before(self.connection, fingerprint, cluster_id, now):
            own = clusters_of(self.connection, closed.incident_id)
            found = (find_incident_of(self.connection, one) for one in own)
            if not any(one is not None and one.state in OPEN_STATES for one in found):
                return closed
        return None

    def merged_at(self, event_no: int) -> datetime | None:
        """Return when a row of the journal merged two clusters, None when it did not."""
        return merged_at(self.connection, event_no)

    def taken_codes(self, codes: Sequence[str]) -> frozenset[str]:
        """Return which of these codes an incident has already."""
        return taken_codes(self.connection, codes)

    def open_incidents_of(self, cluster_id: ClusterId) -> list[Incident]:
        """Return all open incidents of a cluster and of those merged into it, oldest first."""
        return [one for one in _linked(self.connection, cluster_id) if one.state in OPEN_STATES]

    def ended_by_merge(
        self, absorbed: ClusterId, cluster_ids: Sequence[ClusterId]
    ) -> list[Incident]:
        """Return the incidents of these clusters that the merge of `absorbed` ended."""
        found = {
            one.incident_id: one
            for cluster_id in cluster_ids
            for one in _linked(self.connection, cluster_id)
            if one.state is IncidentState.MERGED
        }
        return [
            one
            for _, one in sorted(found.items())
            if _last_merge(self.connection, one).get("absorbed_cluster") == absorbed
        ]

    def unheard(self, incident_id: IncidentId) -> frozenset[OwnerId]:
        """Return who was to be told of an incident and never was: waiting or cancelled unsent."""
        of_it = _intent.c.incident_id == incident_id
        sent = sa.select(_intent.c.recipient_id).where(
            of_it, sa.or_(_intent.c.status == "sent", _intent.c.summary_id.is_not(None))
        )
        unsent = sa.select(_intent.c.recipient_id).where(
            of_it,
            _intent.c.status.in_([*_UNSENT, "cancelled"]),
            _intent.c.recipient_id.not_in(sent),
        )
        return frozenset(OwnerId(one) for one in self.connection.scalars(unsent))

    def incident(self, name: IncidentId | str) -> Incident | None:
        """Return an incident by its id or its code."""
        return find_incident(self.connection, name)

    def save_change(self, change: Change) -> bool:
        """Write a Change whole; False, and nothing is written, when it was written before.

        Errors: StoreError when the incident moved on since the Change was made from it.
        """
        if self._is_known(change.events):
            return False
        if change.events:
            self._write_incident(change)
            self._write_events(change.events)
            if change.events[0].seq == 1:
                self._refuse_second(change.incident)
        self._write_timers(change)
        if change.cancel_intents:
            self._cancel_intents(change)
        self.add_intents(change.intents)
        rows = [columns_of(one, tables.complainant) for one in change.complainants]
        upsert(self.connection, tables.complainant, rows)
        return True

    def add_intents(self, intents: Sequence[Intent]) -> int:
        """Put messages into the outbox; return how many were not there before."""
        if not intents:
            return 0
        last = first = lock_counter(self.connection, "intent")
        ids = [intent.intent_id for intent in intents]
        known = set(
            self.connection.scalars(
                sa.select(_intent.c.intent_id).where(_intent.c.intent_id.in_(ids))
            )
        )
        rows = []
        for intent in intents:
            if intent.intent_id in known:
                continue
            known.add(intent.intent_id)
            last += 1
            extra = {"intent_no": last, "lease_until": None}
            rows.append(intent_row(intent) | extra)
        if rows:
            self.connection.execute(sa.insert(_intent), rows)
            move_counter(self.connection, "intent", last)
        return last - first

    def note_would_have_been(
        self, cluster_id: ClusterId, brand_id: BrandId, text: str, at: datetime
    ) -> None:
        """Remember what history would have raised (decisions.md 5), one line per cluster.

        `at` is when it was noted; the first noting keeps its instant, the text is the newest.
        """
        row = {"cluster_id": cluster_id, "brand_id": brand_id, "text": text, "at": at}
        upsert(self.connection, tables.would_have_been, [row], keep=["at"])

    def _is_known(self, events: Sequence[IncidentEvent]) -> bool:
        keys = [event.source_event_id for event in events if event.source_event_id]
        if not keys:
            return False
        found = sa.select(_event.c.seq).where(_event.c.source_event_id.in_(keys)).limit(1)
        return self.connection.scalar(found) is not None

    def _write_incident(self, change: Change) -> None:
        incident = change.incident
        before = change.events[0].seq - 1
        row = incident_row(incident)
        if before == 0:
            written = insert_one(self.connection, _incident, row)
        else:
            key = _incident.c.incident_id == incident.incident_id
            update = sa.update(_incident).where(key, _incident.c.seq == before).values(row)
            written = self.connection.execute(update).rowcount == 1
        if not written:
            raise ChangedMeanwhileError(
                f"writing event {before + 1} of incident {incident.code}: somebody else changed it "
                "meanwhile; load it again and repeat"
            )
        link = {"cluster_id": incident.cluster_id, "incident_id": incident.incident_id}
        insert_new(self.connection, tables.incident_cluster, [link])

    def _refuse_second(self, raised: Incident) -> None:
        """Refuse a code that another process gave away meanwhile.

        Looked at behind the counter of events, on which all who write incidents wait.
        """
        other = sa.select(_incident.c.incident_id).where(
            _incident.c.code == raised.code, _incident.c.incident_id != raised.incident_id
        )
        if self.connection.scalar(other.limit(1)) is not None:
            raise StoreError(
                f"raising incident {raised.incident_id}: {raised.code} is another's code; "
                "grade the cluster again"
            )

    def _write_events(self, events: Sequence[IncidentEvent]) -> None:
        numbers = take_numbers(self.connection, "incident_event", len(events))
        rows = [
            columns_of(event, _event) | {"event_no": number, "data": dict(event.data)}
            for event, number in zip(events, numbers, strict=True)
        ]
        self.connection.execute(sa.insert(_event), rows)

    def _write_timers(self, change: Change) -> None:
        if change.cancel_timers:
            self.connection.execute(
                sa.update(_timer)
                .where(
                    _timer.c.incident_id == change.incident.incident_id,
                    _timer.c.kind.in_(change.cancel_timers),
                    _timer.c.status == "pending",
                )
                .values(status="cancelled")
            )
        upsert(self.connection, _timer, [columns_of(timer, _timer) for timer in change.timers])

    def _cancel_intents(self, change: Change) -> None:
        self.connection.execute(
            sa.update(_intent)
            .where(
                _intent.c.incident_id == change.incident.incident_id,
                _intent.c.status.in_(_UNSENT),
                _intent.c.kind.not_in(change.kept_intents),
            )
            .values(status="cancelled", reason=change.cancel_intents)
        )


def find_incident(connection: Connection, name: str) -> Incident | None:
    """Return an incident by id, else the newest with that code."""
    query = (
        sa.select(_incident.c.document)
        .where(sa.or_(_incident.c.incident_id == name, _incident.c.code == name))
        .order_by(
            sa.case((_incident.c.incident_id == name, 0), else_=1),
            _incident.c.opened_at.desc(),
            _incident.c.incident_id,
        )
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else incident_of(row)


def find_incident_of(connection: Connection, cluster_id: ClusterId) -> Incident | None:
    """Return the incident of a cluster, through merged clusters and merged incidents.

    An open one comes before one that ended, the surviving cluster's own before that of a cluster
    merged into it, then the newest.
    """
    cluster = find_cluster(connection, cluster_id)
    if cluster is None:
        return None
    found = {_follow_merges(connection, one) for one in _linked(connection, cluster_id)}

    def rank(incident: Incident) -> tuple[Any, ...]:
        is_open = incident.state in OPEN_STATES
        is_own = incident.cluster_id == cluster.cluster_id
        return is_open, is_own, incident.opened_at, incident.incident_id

    return max(found, key=rank, default=None)


def find_origin_of(
    connection: Connection, cluster_id: ClusterId, now: datetime
) -> tuple[Incident, bool] | None:
    """Return the incident of the cluster that one came out of, and whether it did so at `now`.

    It came out by a split, by the undoing of a merge, or, for the act in hand only, by moves.
    """
    event = tables.cluster_event
    undone, merge = event.alias(), event.alias()
    stands = sa.not_(
        sa.select(undone.c.event_no).where(undone.c.undoes == event.c.event_no).exists()
    )
    of_merge = sa.select(merge.c.event_no).where(
        merge.c.event_no == event.c.undoes, merge.c.kind == "merge"
    )
    came_out = sa.and_(
        event.c.other_id == cluster_id,
        sa.or_(
            sa.and_(event.c.kind == "split", stands),
            sa.and_(event.c.kind == "undo", of_merge.exists()),
        ),
    )
    columns = (event.c.event_no, event.c.cluster_id, event.c.other_id, event.c.at)
    rows = mappings(connection.execute(sa.select(*columns).where(came_out)))
    moved = sa.and_(
        event.c.cluster_id == cluster_id,
        event.c.kind.in_(["move", "undo"]),
        event.c.mention_id.is_not(None),
        event.c.at == now,
    )
    rows = [*rows, *mappings(connection.execute(sa.select(*columns).where(moved)))]
    last = max(rows, key=lambda row: row["event_no"], default=None)
    if last is None:
        return None
    source = last["other_id"] if last["cluster_id"] == cluster_id else last["cluster_id"]
    incident = find_incident_of(connection, ClusterId(source))
    return None if incident is None else (incident, last["at"] == now)


def _linked(connection: Connection, cluster_id: ClusterId) -> list[Incident]:
    """Return the incidents of a cluster and of those merged into it, as they are, oldest first."""
    cluster = find_cluster(connection, cluster_id)
    if cluster is None:
        return []
    link = tables.incident_cluster
    query = (
        sa.select(_incident.c.document)
        .join(link, link.c.incident_id == _incident.c.incident_id)
        .where(link.c.cluster_id.in_(family(connection, cluster)))
        .order_by(_incident.c.opened_at, _incident.c.incident_id)
    )
    return [incident_of(row) for row in mappings(connection.execute(query))]


def _last_merge(connection: Connection, incident: Incident) -> Mapping[str, Any]:
    """Return the data of the event by which an incident last ended in another one."""
    query = (
        sa.select(_event.c.data)
        .where(_event.c.incident_id == incident.incident_id, _event.c.kind == "merged")
        .order_by(_event.c.seq.desc())
        .limit(1)
    )
    found: Mapping[str, Any] = connection.scalar(query) or {}
    return found


def _follow_merges(connection: Connection, incident: Incident) -> Incident:
    seen = {incident.incident_id}
    while incident.state is IncidentState.MERGED and incident.merged_into not in {None, *seen}:
        target = find_incident(connection, str(incident.merged_into))
        if target is None:
            break
        incident = target
        seen.add(incident.incident_id)
    return incident
