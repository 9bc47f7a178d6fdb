"""What a trial left, judged: database and provider in, the sentences on each property out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.incidents import fold
from config.schema import Project
from storage.records import DeliveryClass, Incident, IncidentEvent
from storage.store import Store
from tests.crash.matrix.provider import Copy, name_of

_FINAL = {"sent", "dead", "cancelled"}
_TO_DIGEST = "the digest carries it"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """All that is looked at: rows of the database, incidents with their events, accepted copies."""

    intents: Sequence[Row]
    deliveries: Sequence[Row]
    incidents: Sequence[Incident]
    events: Mapping[str, Sequence[IncidentEvent]]
    digests: Sequence[Row]
    copies: Sequence[Copy]
    altered: Sequence[str] = ()

    @property
    def written(self) -> Counter[tuple[Any, ...]]:
        """What deciding wrote: no fallbacks, and no notices about channels that refuse."""
        return Counter(
            (
                row["incident_id"],
                row["epoch"],
                row["kind"],
                row["step"],
                row["recipient_id"],
                row["intent_id"],
            )
            for row in self.intents
            if row["fallback_of"] is None and (row["incident_id"] or row["kind"] == "digest")
        )

    @property
    def history(self) -> dict[str, list[tuple[Any, ...]]]:
        """What happened to incidents, without instants."""
        return {
            incident_id: [(event.seq, event.kind, event.epoch, event.actor) for event in events]
            for incident_id, events in sorted(self.events.items())
        }


@dataclass(slots=True)
class Sentence:
    """What was found. Lists hold one line for each breach; the numbers are for the report."""

    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    renotices: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # order, fold, endings, what a restart changed
    extra: int = 0  # copies beyond the first
    ambiguous: int = 0  # attempts whose outcome nobody knows
    to_digest: int = 0  # raises of blue left to the digest

    @property
    def breaches(self) -> list[str]:
        """Every breach of a promise."""
        return [
            f"{name}: {line}"
            for name in ("lost", "duplicates", "renotices", "broken")
            for line in getattr(self, name)
        ]


def look(store: Store, copies: Sequence[Copy], altered: Sequence[str] = ()) -> Left:
    """Read what a trial left."""
    with store.read() as queries:
        incidents = queries.incidents()
        return Left(
            intents=queries.table_rows("intent"),
            deliveries=queries.table_rows("delivery"),
            incidents=incidents,
            events={one.incident_id: queries.incident_events(one.incident_id) for one in incidents},
            digests=queries.table_rows("digest_run"),
            copies=copies,
            altered=altered,
        )


def judge(left: Left, unbroken: Left, after: Left, project: Project) -> Sentence:
    """Judge what a killed run left against an unbroken one, and a clean restart `after` it."""
    sentence = Sentence()
    _judge_losses(left, project, sentence)
    _judge_copies(left, sentence)
    _judge_endings(left, sentence)
    _judge_order(left, sentence)
    _judge_state(left, unbroken, sentence)
    if len(after.copies) != len(left.copies):
        sentence.renotices.append(
            f"{len(after.copies) - len(left.copies)} more after a clean restart"
        )
    if after.written != left.written or after.history != left.history:
        sentence.renotices.append("a clean restart wrote more")
    return sentence


def _judge_losses(left: Left, project: Project, sentence: Sentence) -> None:
    """P1: every raise reached somebody, or something that is to reach somebody still lives."""
    seen = {(copy.channel, copy.incident_id) for copy in left.copies}
    rows = defaultdict(list)
    for row in left.intents:
        rows[row["incident_id"]].append(row)
    for incident_id, events in left.events.items():
        last = max(event.epoch for event in events)
        for epoch in range(1, last + 1):
            of_it = [row for row in rows[incident_id] if row["epoch"] == epoch]
            reachable = [row for row in of_it if project.owner(row["recipient_id"])]
            live = [row for row in of_it if row["status"] not in _FINAL]
            if {(row["channel_id"], incident_id) for row in reachable} & seen or live:
                continue
            if any(_TO_DIGEST in row["reason"] for row in of_it):
                sentence.to_digest += 1
            elif not any(_acted_on(event, epoch) for event in events):
                what = [(row["kind"], row["status"], row["reason"]) for row in of_it]
                if any(one == incident_id for _, one in seen) and not of_it:
                    continue  # a planted engine that keeps no rows: what it sent counts
                sentence.lost.append(f"{incident_id} epoch {epoch}: {what}")


def _acted_on(event: IncidentEvent, epoch: int) -> bool:
    """Say whether a person took it in hand; then unsent notices are rightly dropped."""
    hands_on = {"acknowledged", "handled", "confirmed", "merged", "dismissed"}
    return event.epoch == epoch and event.kind in hands_on


def _place(row: Row) -> tuple[str, str]:
    """Return the channel of a message and the name under which the provider shows it."""
    match str(row["channel_id"]).rstrip("0123456789"):
        case "bot":
            name = name_of(row["body"])
        case "app" if row["channel_id"] == "app1":
            name = row["intent_id"][:8]
        case _:
            name = row["intent_id"]
    return row["channel_id"], name


def _judge_copies(left: Left, sentence: Sentence) -> None:
    """P3: one copy of a key. P4: copies ≤ messages + attempts in doubt. P2: sent means accepted."""
    doubts: Counter[str] = Counter(
        row["intent_id"]
        for row in left.deliveries
        if row["outcome"] == DeliveryClass.AMBIGUOUS.value
    )
    sentence.ambiguous = doubts.total()
    groups: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in left.intents:
        groups[_place(row)].append(row)
    copies = Counter((copy.channel, copy.name) for copy in left.copies)
    for place in {*groups, *copies}:
        rows, found = groups[place], copies[place]
        sent = [row for row in rows if row["status"] == "sent"]
        doubt = sum(doubts[row["intent_id"]] for row in rows)
        tried = len(sent) or min(doubt, 1) or (not rows)  # a planted engine keeps no rows
        sentence.extra += max(0, found - max(1, len(sent)))
        if not place[0].startswith("bot"):
            if found > 1:
                sentence.duplicates.append(f"{found} copies of key {place}")
        elif found > tried + doubt:
            sentence.duplicates.append(f"{found} copies of {place}: {tried} sent, {doubt} in doubt")
        if found < len(sent):
            sentence.lost.append(f"{place}: {len(sent)} say sent, {found} arrived")
    sentence.broken += [f"key {key} came with two bodies" for key in left.altered]


def _judge_endings(left: Left, sentence: Sentence) -> None:
    """P2: every message ends, a dead one with its heir; every attempt has an outcome."""
    heirs = Counter(row["fallback_of"] for row in left.intents)
    for row in left.intents:
        if row["status"] not in _FINAL:
            sentence.broken.append(f"{row['intent_id']} rests at {row['status']}: {row['reason']}")
        if row["status"] == "dead" and heirs[row["intent_id"]] != 1:
            sentence.broken.append(f"dead {row['intent_id']} has {heirs[row['intent_id']]} heirs")
        if row["status"] == "cancelled" and not row["reason"]:
            sentence.broken.append(f"{row['intent_id']} was cancelled without a reason")
    open_ended = [row["intent_id"] for row in left.deliveries if row["ended_at"] is None]
    sentence.broken += [f"an attempt of {one} has no end" for one in open_ended]


def _judge_order(left: Left, sentence: Sentence) -> None:
    """P10, and what one person hears of one incident comes in the order in which it was decided."""
    first: dict[tuple[str, str], int] = {}
    for copy in left.copies:
        first.setdefault((copy.channel, copy.name), copy.number)
    last: dict[tuple[str, str, str], int] = {}
    for row in sorted(left.intents, key=lambda row: row["intent_no"]):
        if row["status"] != "sent" or row["fallback_of"] or row["incident_id"] is None:
            continue
        number = first.get(_place(row), 0)
        line = (row["incident_id"], row["recipient_id"], row["channel_id"])
        if number < last.get(line, 0):
            sentence.broken.append(f"{line}: {row['kind']} {row['step']} was heard too late")
        last[line] = max(number, last.get(line, 0))
    for incident_id, events in left.events.items():
        steps = [
            (event.epoch, int(event.data["step"])) for event in events if event.kind == "escalated"
        ]
        if steps != sorted(set(steps)):
            sentence.broken.append(f"{incident_id}: steps {steps}")


def _judge_state(left: Left, unbroken: Left, sentence: Sentence) -> None:
    """P6, and nothing was decided that an unbroken run did not decide, nor the other way round."""
    for incident in left.incidents:
        if fold(left.events[incident.incident_id]) != incident:
            sentence.broken.append(f"{incident.incident_id} is not the fold of its events")
    if left.history != unbroken.history:
        sentence.broken.append(f"history {left.history} instead of {unbroken.history}")
    if left.written != unbroken.written:
        differ = (left.written - unbroken.written) + (unbroken.written - left.written)
        sentence.broken.append(f"other messages than unbroken: {sorted(map(str, differ))}")
    if [(row["owner_id"], str(row["local_date"])) for row in left.digests] != [
        (row["owner_id"], str(row["local_date"])) for row in unbroken.digests
    ]:
        sentence.broken.append(f"digests {left.digests}")
