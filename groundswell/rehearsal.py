"""`rules rehearse`: what the last days would have been like under another configuration.

In: the store, the project and another one. Out: a Rehearsal: alerts per day, incidents kept,
missed, new, delayed, and what the two configurations say differently. Writes nothing; verdicts and
clusters are taken as they were (docs/adr/0038).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from config.schema import Project
from groundswell.passes import rules_of
from groundswell.rehearsal_diff import differences, unrehearsed
from groundswell.rehearsal_share import FROM, walk_all
from groundswell.rehearsal_walk import Told
from storage.older_rounds import older_passes
from storage.past import Past, read_past
from storage.records import Incident, IncidentEvent, IncidentState, Level
from storage.store import Store

Advance = Callable[[int, int], None]
_BEGINS = frozenset({"raised", "reopened", "relapsed"})
_LEVELS = frozenset({"raised", "level_up", "level_down", "level_set", "reopened", "relapsed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One incident as it came about, in reality or in the rehearsal.

    `verdict` is what people found it to be in the end: "true" (a customer confirmed), "false"
    (dismissed as a false alarm), "" while nobody has said.
    """

    incident_id: str
    code: str
    title: str
    brand_id: str
    cluster_id: str
    level: int  # the highest that it reached in these days
    first_at: datetime
    verdict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An incident in reality and in the rehearsal; `delay_s` below nought: it came earlier."""

    real: Seen
    rehearsed: Seen

    @property
    def delay_s(self) -> float:
        """How much later it came in the rehearsal, in seconds."""
        return (self.rehearsed.first_at - self.real.first_at).total_seconds()

    @property
    def has_moved(self) -> bool:
        """Whether it reached another level."""
        return self.real.level != self.rehearsed.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of a rehearsal. Days are those of the project's zone, as ISO text.

    `alerts_before` and `alerts_after` count, per day, the occasions on which one person was told
    of one incident (by how many channels does not matter). `exact_since`: from here on every round
    is the one that took place; earlier ones were ten minutes apart. None: none was noted.
    """

    since: datetime
    until: datetime
    exact_since: datetime | None
    is_same: bool  # the configuration is the one that judged
    alerts_before: dict[str, int]
    alerts_after: dict[str, int]
    people_before: dict[str, int]
    people_after: dict[str, int]
    kept: tuple[Pair, ...]
    missed: tuple[Seen, ...]
    new: tuple[Seen, ...]
    differences: tuple[str, ...]
    unrehearsed: tuple[str, ...]
    dropped: int  # acts of people that had nothing to act on
    unlike: tuple[str, ...]  # of the same configuration: program-made events that differ
    mentions: int
    rounds: int
    took_s: float

    @property
    def delayed(self) -> tuple[Pair, ...]:
        """Those that came later, the latest first."""
        found = [one for one in self.kept if one.delay_s >= 1]
        return tuple(sorted(found, key=lambda one: -one.delay_s))

    @property
    def earlier(self) -> tuple[Pair, ...]:
        """Those that came earlier."""
        return tuple(one for one in self.kept if one.delay_s <= -1)

    @property
    def moved(self) -> tuple[Pair, ...]:
        """Those that reached another level."""
        return tuple(one for one in self.kept if one.has_moved)

    @property
    def false_avoided(self) -> tuple[Seen, ...]:
        """Missed ones that people had found to be false alarms."""
        return tuple(one for one in self.missed if one.verdict == "false")

    @property
    def true_missed(self) -> tuple[Seen, ...]:
        """Missed ones that were true."""
        return tuple(one for one in self.missed if one.verdict == "true")


def rehearse(
    project: Project,
    store: Store,
    other: Project,
    *,
    since: datetime,
    until: datetime,
    advance: Advance | None = None,
    thorough: bool = False,
    share_from: int = FROM,
) -> Rehearsal:
    """Let [since, until] happen again under `other`; `project` is the configuration at work.

    It begins at the last checkpoint up to `since` (one a UTC day). `advance` is told how many
    rounds of how many are done. `thorough`: judge every cluster of every round anew; without it
    what the same rules decided then is not asked again where nothing came of it, and other rules
    grade ten minutes of mentions together. `share_from`: from so many members on other rules judge
    brands in two processes.
    """
    began = time.monotonic()
    with store.read() as queries:
        start = queries.checkpoint(since)
        exact_since = start.at if start is not None and start.at <= until else None
        passes = queries.passes(start.pass_no) if start is not None else []
        before = queries.members_before(start.pass_no) if start is not None else []
        if start is None or start.at > since:
            ends = min(until, start.at) if start is not None else until
            passes = [*older_passes(queries.connection, since, ends), *passes]
        past = read_past(queries.connection, passes, before, until)
        is_same = rules_of(project) == rules_of(other)
        played = walk_all(
            queries,
            past,
            other,
            project,
            thorough=thorough,
            is_same=is_same,
            advance=advance or _nobody,
            share_from=share_from,
        )
    seen = max(since, past.start.at)
    zone = project.settings.zone
    real_told = [one for one in map(Told.of, past.told) if one.at >= seen]
    told = [one for one in played.told if one.at >= seen]
    real = _incidents(past, past.events, past.incidents, seen)
    made = _incidents(past, played.events, played.incidents, seen)
    kept, missed, new = _matched(real, made)
    is_exact = exact_since is not None and exact_since <= seen
    is_exact = is_exact and all(one.rules == rules_of(other) for one in past.passes)
    return Rehearsal(
        since=seen,
        until=until,
        exact_since=exact_since,
        is_same=is_same,
        alerts_before=_per_day(real_told, zone),
        alerts_after=_per_day(told, zone),
        people_before=_per_person(real_told),
        people_after=_per_person(told),
        kept=kept,
        missed=missed,
        new=new,
        differences=differences(project, other),
        unrehearsed=unrehearsed(project, other),
        dropped=played.dropped,
        unlike=_unlike(past.events, played.events, seen) if is_same and is_exact else (),
        mentions=played.mentions,
        rounds=played.rounds,
        took_s=time.monotonic() - began,
    )


def _nobody(done: int, of: int) -> None:
    """Tell nobody how far it is."""
    del done, of


def _incidents(
    past: Past,
    events: Iterable[IncidentEvent],
    incidents: dict[str, Incident],
    since: datetime,
) -> dict[str, Seen]:
    """Return the incidents that were raised, or came back, in these days."""
    first: dict[str, datetime] = {}
    highest: dict[str, int] = {}
    for event in events:
        if event.at < since:
            continue
        if event.kind in _BEGINS:
            first.setdefault(event.incident_id, event.at)
        if event.kind in _LEVELS and "level" in event.data:
            level = int(event.data["level"])
            highest[event.incident_id] = max(level, highest.get(event.incident_id, 0))
    return {
        name: Seen(
            incident_id=name,
            code=incidents[name].code,
            title=incidents[name].title,
            brand_id=incidents[name].brand_id,
            cluster_id=incidents[name].cluster_id,
            level=highest.get(name, int(incidents[name].level)),
            first_at=at,
            verdict=_verdict(past.incidents.get(name)),
        )
        for name, at in first.items()
        if name in incidents
    }


def _verdict(incident: Incident | None) -> str:
    if incident is None or incident.was_emptied:
        return ""
    if incident.state is IncidentState.DISMISSED:
        return "false"
    return "true" if incident.state is IncidentState.CLOSED else ""


def _matched(
    real: dict[str, Seen], made: dict[str, Seen]
) -> tuple[tuple[Pair, ...], tuple[Seen, ...], tuple[Seen, ...]]:
    """Pair by id, else by cluster: one raised a second time has another id."""
    pairs = [Pair(real=real[name], rehearsed=made[name]) for name in real if name in made]
    left = {name: one for name, one in made.items() if name not in real}
    missed = []
    for name, one in real.items():
        if name in made:
            continue
        twin = next((k for k, two in left.items() if two.cluster_id == one.cluster_id), None)
        if twin is None:
            missed.append(one)
        else:
            pairs.append(Pair(real=one, rehearsed=left.pop(twin)))
    return (
        tuple(sorted(pairs, key=lambda one: one.real.first_at)),
        tuple(sorted(missed, key=_order)),
        tuple(sorted(left.values(), key=_order)),
    )


def _order(one: Seen) -> tuple[int, datetime, str]:
    return -one.level, one.first_at, one.incident_id


def _per_day(told: Iterable[Told], zone: object) -> dict[str, int]:
    days: Counter[str] = Counter()
    for at, _, _ in {(one.at, one.owner_id, one.incident_id) for one in told}:
        days[f"{at.astimezone(zone):%Y-%m-%d}"] += 1  # type: ignore[arg-type]
    return dict(sorted(days.items()))


def _per_person(told: Iterable[Told]) -> dict[str, int]:
    people = Counter(owner for _, owner, _ in {(t.at, t.owner_id, t.incident_id) for t in told})
    return dict(sorted(people.items(), key=lambda one: (-one[1], one[0])))


def program_made(events: Iterable[IncidentEvent]) -> list[tuple[str, int, str, datetime, str, str]]:
    """Return what identifies program-made events: incident, number, kind, instant, level, whom."""
    return [
        (
            one.incident_id,
            one.seq,
            one.kind,
            one.at.astimezone(UTC),
            str(one.data.get("level", "")),
            ",".join(one.data.get("told", ())),
        )
        for one in events
        if one.actor == "system"
    ]


def _unlike(
    real: Sequence[IncidentEvent], made: Sequence[IncidentEvent], since: datetime
) -> tuple[str, ...]:
    """Say which program-made events came about in one of the two only."""
    left = program_made(one for one in real if one.at >= since)
    right = program_made(one for one in made if one.at >= since)
    only_real, only_made = Counter(left) - Counter(right), Counter(right) - Counter(left)
    lines = [("实际有、预演没有", one) for one in only_real.elements()]
    lines += [("预演有、实际没有", one) for one in only_made.elements()]
    return tuple(
        f"{which}：{one[0]} #{one[1]} {one[2]} {one[3]:%m-%d %H:%M:%S} {one[4]} {one[5]}".rstrip()
        for which, one in sorted(lines, key=lambda line: line[1][3])
    )


def level_name(level: int) -> str:
    """Return how people call a level."""
    return f"{Level(level).zh}级" if level else "无"
