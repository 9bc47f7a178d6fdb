"""What a rehearsal reads of the real database: members rewound to a checkpoint, logs, messages.

In: a store's queries and the checkpoint to begin at. Out: a Scene as it stood there, the database
in memory filled, and the changes of members between rounds, in order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.hours import stored_members
from storage.passes import Before, Content, content_of, instant_of
from storage.records import (
    ClusterEvent,
    Incident,
    IncidentEvent,
    Intent,
    Pass,
    Polarity,
)
from storage.rows import (
    cluster_of,
    columns_of,
    incident_event_of,
    incident_of,
    incident_row,
    intent_of,
    mappings,
)
from storage.scratch import RehearsalTransaction, Scene
from storage.world import Key, Member, member_of

_BACK = timedelta(days=35)  # evidence counts hours so far back (storage.evidence)
_AT_ONCE = 400
# Small tables that decide about incidents and are read as they are today.
_COPIED = (
    tables.meta,
    tables.trial_end,
    tables.customer,
    tables.mention_customer,
    tables.calendar_event,
)

Fold = Callable[[Sequence[IncidentEvent]], Incident]
Sure = Callable[[str, Content], Polarity | None]


@dataclass(slots=True)
class Step:
    """What a change between rounds made of members and aliases, or whom a gather brought."""

    members: dict[Key, Content | None] = field(default_factory=dict)
    aliases: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Past:
    """What really happened from a checkpoint on."""

    start: Pass
    passes: list[Pass]
    steps: dict[int, Step]  # by number, those of gathers among them
    first: dict[Key, Content]  # members at the start
    aliases: dict[str, str]
    journal: list[ClusterEvent]
    before: list[IncidentEvent]  # the log of incidents up to the start
    events: list[IncidentEvent]  # and from there on, in order
    told: list[Intent]  # messages written from there on, without their texts
    silences: list[Mapping[str, Any]]
    sent: dict[str, datetime]
    links: dict[str, set[str]]  # by incident, the clusters that were ever its own
    incidents: dict[str, Incident]  # as they stand today


def read_past(
    connection: Connection, passes: Sequence[Pass], before: Sequence[Before], until: datetime
) -> Past:
    """Read what happened since a checkpoint, the first of `passes`.

    `passes` and `before` reach to today: members are rewound from what they are now.
    """
    start = passes[0]
    contents, aliases = _read_members(connection, start.at - _BACK)
    steps = _rewind(contents, aliases, passes, before)
    number = start.data.get("event_no", 0)
    older, newer = _read_events(connection, number)
    return Past(
        start=start,
        passes=[one for one in passes if one.at <= until],
        steps=steps,
        first=contents,
        aliases={one: to for one, to in aliases.items() if to is not None},
        journal=_read_journal(connection),
        before=older,
        events=[one for one in newer if one.at <= until],
        told=_read_told(connection, start.at),
        silences=[dict(one) for one in mappings(connection.execute(sa.select(tables.silence)))],
        sent=_read_sent(connection, start.at),
        links=_read_links(connection),
        incidents=_read_incidents(connection),
    )


def _read_members(
    connection: Connection, since: datetime
) -> tuple[dict[Key, Content], dict[str, str | None]]:
    cluster, assigned = tables.cluster, tables.mention_cluster
    late = sa.select(cluster.c.cluster_id).where(cluster.c.last_at >= since)
    facts: dict[Key, list[list[str]]] = {}
    fact = tables.mention_fact
    query = sa.select(fact.c.brand_id, fact.c.mention_pk, fact.c.kind, fact.c.value).where(
        fact.c.published_at >= since
    )
    for brand_id, mention_pk, kind, value in connection.execute(query):
        facts.setdefault((brand_id, mention_pk), []).append([kind, value])
    found: dict[Key, Content] = {}
    for row in stored_members(connection, assigned.c.cluster_id.in_(late)):
        key = (row["brand_id"], row["mention_pk"])
        found[key] = content_of(row, facts.get(key, ()))
    aliased = sa.select(cluster.c.cluster_id, cluster.c.alias_of).where(
        cluster.c.alias_of.is_not(None)
    )
    return found, {row[0]: row[1] for row in connection.execute(aliased)}


def _rewind(
    contents: dict[Key, Content],
    aliases: dict[str, str | None],
    passes: Sequence[Pass],
    before: Sequence[Before],
) -> dict[int, Step]:
    """Walk back from today to the first round; return what each step will change on the way on."""
    seqs = _Seqs(contents)
    steps: dict[int, Step] = {}
    back: list[Pass | Before] = sorted([*passes, *before], key=lambda one: -one.pass_no)
    for one in back:
        step = Step()
        if isinstance(one, Pass):
            if one.kind != "gather" or not one.last_seq:
                continue
            for key in seqs.between(one.shard_id, one.first_seq, one.last_seq):
                content = step.members[key] = contents.pop(key)
                seqs.drop(content)
        else:
            _step_back(one, contents, aliases, step, seqs)
        steps[one.pass_no] = step
    return steps


def _step_back(
    one: Before,
    contents: dict[Key, Content],
    aliases: dict[str, str | None],
    step: Step,
    seqs: _Seqs,
) -> None:
    for mention, was in one.members.items():
        key = (one.brand_id, mention)
        now = contents.get(key)
        step.members[key] = now
        if now is not None:
            seqs.drop(now)
        contents[key] = (now or {}) | was
        seqs.put(key, contents[key])
    for mention in one.moved:
        key = (one.brand_id, mention)
        now = contents.get(key)
        if now is not None:  # who came with the same batch joins where the merge led
            step.members[key] = now
            contents[key] = now | {"cluster_id": one.loser}
    for cluster_id, target in one.aliased.items():
        step.aliases[cluster_id] = aliases.get(cluster_id)
        aliases[cluster_id] = target


class _Seqs:
    """Members of shards by their numbers."""

    def __init__(self, contents: Mapping[Key, Content]) -> None:
        self._keys: dict[str, dict[int, Key]] = {}
        self._order: dict[str, list[int]] = {}
        for key, content in contents.items():
            self._keys.setdefault(content["shard_id"], {})[content["seq"]] = key
        for shard_id, keys in self._keys.items():
            self._order[shard_id] = sorted(keys)

    def between(self, shard_id: str, first: int, last: int) -> list[Key]:
        """Return who has a number in [first, last]."""
        order, keys = self._order.get(shard_id, []), self._keys.get(shard_id, {})
        some = order[bisect_left(order, first) : bisect_right(order, last)]
        return [keys[one] for one in some if one in keys]

    def drop(self, content: Content) -> None:
        """Take a member out."""
        self._keys.get(content["shard_id"], {}).pop(content["seq"], None)

    def put(self, key: Key, content: Content) -> None:
        """Put a member in."""
        shard_id, seq = content["shard_id"], content["seq"]
        self._keys.setdefault(shard_id, {})[seq] = key
        order = self._order.setdefault(shard_id, [])
        place = bisect_left(order, seq)
        if place == len(order) or order[place] != seq:
            order.insert(place, seq)


def _read_events(
    connection: Connection, event_no: int
) -> tuple[list[IncidentEvent], list[IncidentEvent]]:
    event = tables.incident_event
    rows = mappings(connection.execute(sa.select(event).order_by(event.c.event_no)))
    older = [incident_event_of(row) for row in rows if row["event_no"] <= event_no]
    return older, [incident_event_of(row) for row in rows if row["event_no"] > event_no]


def _read_journal(connection: Connection) -> list[ClusterEvent]:
    event = tables.cluster_event
    rows = connection.execute(sa.select(event).order_by(event.c.event_no))
    return [ClusterEvent(**row) for row in mappings(rows)]


def _read_told(connection: Connection, since: datetime) -> list[Intent]:
    """Return messages about incidents, without their texts."""
    intent = tables.intent
    heavy = {"body", "html", "words", "actions"}
    columns = [column for column in intent.c if column.name not in heavy]
    query = (
        sa.select(*columns)
        .where(intent.c.created_at >= since, intent.c.incident_id.is_not(None))
        .where(intent.c.fallback_of.is_(None))
        .order_by(intent.c.intent_no)
    )
    rows = mappings(connection.execute(query))
    blank = {"body": "", "html": "", "words": {}, "actions": [], "status": "pending", "reason": ""}
    return [intent_of({**row, **blank}) for row in rows]


def _read_sent(connection: Connection, since: datetime) -> dict[str, datetime]:
    """Return when messages had left that were written since then; far off where they never did."""
    intent, delivery = tables.intent, tables.delivery
    query = (
        sa.select(delivery.c.intent_id, sa.func.min(delivery.c.ended_at))
        .join(intent, intent.c.intent_id == delivery.c.intent_id)
        .where(intent.c.status == "sent", delivery.c.ended_at.is_not(None))
        .group_by(delivery.c.intent_id)
    )
    never = since + timedelta(days=36_500)
    told = sa.select(intent.c.intent_id).where(intent.c.created_at >= since)
    found = dict.fromkeys(connection.scalars(told), never)
    # a minimum loses its type on the way through SQL
    found |= {
        one: at if isinstance(at, datetime) else instant_of(at)
        for one, at in connection.execute(query)
    }
    return found


def _read_links(connection: Connection) -> dict[str, set[str]]:
    link = tables.incident_cluster
    found: dict[str, set[str]] = {}
    for incident_id, cluster_id in connection.execute(
        sa.select(link.c.incident_id, link.c.cluster_id)
    ):
        found.setdefault(incident_id, set()).add(cluster_id)
    return found


def _read_incidents(connection: Connection) -> dict[str, Incident]:
    rows = connection.execute(sa.select(tables.incident.c.document))
    return {one.incident_id: one for one in map(incident_of, mappings(rows))}


# --- the scene at the start ----------------------------------------------------------------------


def name_scene(connection: Connection, past: Past, scene: Scene) -> None:
    """Name the clusters, where they led at the start, and since when brands are known."""
    rows = connection.execute(sa.select(tables.cluster))
    for row in mappings(rows):
        cluster = cluster_of({**row, "blob": b""})
        scene.clusters[cluster.cluster_id] = cluster
    hour = tables.brand_hour
    first = sa.select(hour.c.brand_id, hour.c.hour).order_by(hour.c.hour)
    for brand_id, at in connection.execute(first.where(hour.c.hour < past.start.at - _BACK)):
        scene.around.first_hours.setdefault(brand_id, at)
    scene.around.sent = past.sent
    scene.world.aliases |= past.aliases


def settle(past: Past, scene: Scene, sure: Sure) -> None:
    """Fill the World with who was there at the start."""
    for key, content in past.first.items():
        scene.world.put(key, made(key, content, sure))


def made(key: Key, content: Content, sure: Sure) -> Member | None:
    """Return the member of a content, as sure as these rules say; None: not negative by them."""
    polarity = sure(key[0], content)
    if polarity is None:
        return member_of(*key, content)
    if polarity is Polarity.NOT_NEGATIVE:
        return None
    return member_of(*key, content, polarity is Polarity.NEGATIVE)


def fill(
    connection: Connection, tx: RehearsalTransaction, past: Past, fold: Fold
) -> dict[str, Incident]:
    """Write the logs as they stood at the start into the database in memory."""
    run = tx.connection.execute
    for table in _COPIED:
        _insert(run, table, [dict(row) for row in mappings(connection.execute(sa.select(table)))])
    clusters = [
        {**_row(one), "alias_of": tx.scene.world.aliases.get(one.cluster_id)}
        for one in tx.scene.clusters.values()
    ]
    _insert(run, tables.cluster, clusters)
    _insert(run, tables.brand_hour, [_known(one) for one in _brands(tx.scene)])
    end = past.start.data.get("journal", 0)
    write_events(tx, [one for one in past.journal if one.event_no <= end])
    begun = [dict(row) for row in past.silences if row["created_at"] < past.start.at]
    for row in begun:
        if row["ended_at"] is not None and row["ended_at"] >= past.start.at:
            row |= {"ended_at": None, "ended_by": ""}
    _insert(run, tables.silence, begun)
    incidents = _write_incidents(tx, past.before, fold)
    timers = [
        dict(zip(("incident_id", "epoch", "kind", "step"), own, strict=True))
        | {"due_at": instant_of(due), "status": "pending"}
        for *own, due in past.start.data.get("timers", [])
        if own[0] in incidents
    ]
    _insert(run, tables.timer, timers)
    rows = connection.execute(
        sa.select(tables.complainant).where(tables.complainant.c.at < past.start.at)
    )
    _insert(run, tables.complainant, [dict(row) for row in mappings(rows)])
    _insert(run, tables.intent, _older_intents(connection, past, incidents))
    return incidents


def _older_intents(
    connection: Connection, past: Past, incidents: Mapping[str, Incident]
) -> list[dict[str, Any]]:
    intent = tables.intent
    query = sa.select(intent).where(intent.c.created_at < past.start.at)
    return [
        {**row, "body": "", "html": "", "words": {}, "actions": []}
        for row in mappings(connection.execute(query))
        if row["incident_id"] in incidents
    ]


def _row(cluster: Any) -> dict[str, Any]:
    return columns_of(cluster, tables.cluster)


def _brands(scene: Scene) -> set[str]:
    return {one.brand_id for one in scene.clusters.values()}


def _known(brand_id: str) -> dict[str, Any]:
    """Say that a brand was ever complained about; its hours are counted in the World."""
    counts = dict.fromkeys(("mentions", "authors", "texts", "live", "watch"), 0)
    return {"brand_id": brand_id, "hour": instant_of(0), **counts}


def _write_incidents(
    tx: RehearsalTransaction, events: Sequence[IncidentEvent], fold: Fold
) -> dict[str, Incident]:
    by_incident: dict[str, list[IncidentEvent]] = {}
    links: dict[tuple[str, str], None] = {}
    for event in events:
        by_incident.setdefault(event.incident_id, []).append(event)
        if event.kind in {"raised", "relapsed"} and "cluster_id" in event.data:
            links[event.data["cluster_id"], event.incident_id] = None
    found = {one: fold(own) for one, own in by_incident.items()}
    for incident in found.values():
        links[incident.cluster_id, incident.incident_id] = None
    run = tx.connection.execute
    _insert(run, tables.incident, [incident_row(one) for one in found.values()])
    rows = [
        columns_of(event, tables.incident_event) | {"event_no": n, "data": dict(event.data)}
        for n, event in enumerate(events, 1)
    ]
    _insert(run, tables.incident_event, rows)
    counter = [{"name": "incident_event", "value": len(rows)}] if rows else []
    _insert(run, tables.counter, counter)
    _insert(
        run,
        tables.incident_cluster,
        [{"cluster_id": one, "incident_id": incident} for one, incident in links],
    )
    tx.scene.linked |= {one for one, _ in links}
    return found


def write_events(tx: RehearsalTransaction, events: Sequence[ClusterEvent]) -> None:
    """Write rows of the journal of clusters."""
    _insert(
        tx.connection.execute,
        tables.cluster_event,
        [columns_of(one, tables.cluster_event) for one in events],
    )


def write_aliases(tx: RehearsalTransaction, aliases: Mapping[str, str | None]) -> None:
    """Let clusters point at others, or at none."""
    cluster = tables.cluster
    tx.forget()
    for cluster_id, target in aliases.items():
        if target is None:
            tx.scene.world.aliases.pop(cluster_id, None)
        else:
            tx.scene.world.aliases[cluster_id] = target
        is_it = cluster.c.cluster_id == cluster_id
        tx.connection.execute(sa.update(cluster).where(is_it).values(alias_of=target))


def _insert(run: Callable[..., Any], table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        run(sa.insert(table), list(rows[start : start + _AT_ONCE]))
