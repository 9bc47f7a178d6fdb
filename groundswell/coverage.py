"""Which platforms are seen, by which way, and what to do about the others.

In: the project, the states of its sources, what was brought lately. Out: a line per platform. What
is not seen is said, never left out: a quiet platform and an unseen one look alike otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from config.schema import Project, SourceConfig
from groundswell.platforms import HOT, PLATFORMS, Platform, platform_of
from storage.coverage import Brought, read_brought, read_last_heard
from storage.queries import Queries
from storage.records import SourceHealth, SourceId, SourceState

_MONTH = timedelta(days=30)
WEEK = timedelta(days=7)  # what "lately" means on this page and for imports
# A source that is asked once a day may be late by a day before it is called late.
_LATE = 3.0  # intervals without a success
_LATE_LEAST = timedelta(days=1)

DOORS = {"import": "导入", "push": "推送", "report": "门店上报", "manual": "手工添加"}
DOORS |= {"reporter": "门店上报", "person": "手工添加", "by hand": "手工添加", "mail": "邮件"}


class Sight(StrEnum):
    """How much of a platform is seen."""

    SEEN = "seen"
    PARTIAL = "partial"  # one way in works, another does not
    ILL = "ill"  # there is a way in, and it does not work
    STALE = "stale"  # it was imported once, and not lately
    WAITING = "waiting"  # there is a way in, which has brought nothing yet
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way in. `kind`: "source" or a door; `note` says what it is worth when that is little."""

    kind: str
    id: str
    name: str
    sight: Sight
    health: SourceHealth | None = None
    cause: str = ""
    last_at: datetime | None = None
    mentions: int = 0
    note: str = ""

    @property
    def is_source(self) -> bool:
        """Whether it has a page of its own among the sources."""
        return self.kind == "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One platform (or, under its own name, something that is none of them) and its ways in."""

    name: str
    group: str
    core: bool
    sight: Sight
    ways: tuple[Way, ...]
    mentions: int
    last_at: datetime | None
    advice: str = ""
    library: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The whole page: platforms in their order, then everything else that is configured."""

    lines: tuple[Line, ...]
    others: tuple[Line, ...]
    at: datetime

    def count(self, *sights: Sight) -> int:
        """Return how many of the core platforms are seen so."""
        return sum(line.core and line.sight in sights for line in self.lines)

    @property
    def total(self) -> int:
        """How many platforms every brand is asked about."""
        return sum(line.core for line in self.lines)


def survey(queries: Queries, project: Project, now: datetime) -> Coverage:
    """Read what there is and judge it."""
    return judge(
        project,
        {state.source_id: state for state in queries.sources()},
        read_brought(queries.connection, now - WEEK),
        read_last_heard(queries.connection),
        now,
    )


def never_connected(queries: Queries, project: Project, now: datetime) -> tuple[str, ...]:
    """Return the core platforms that nothing is connected to, for the digest of a day.

    An import counts by its name for ever, what a push names for a month. Empty for the demo, whose
    platforms are all invented.
    """
    if project.settings.demo:
        return ()
    doors = (_split(source_id) for source_id in read_last_heard(queries.connection))
    seen = {name for kind, name in doors if kind in DOORS}
    known = {source.id for source in project.sources}
    brought = read_brought(queries.connection, now - _MONTH)
    seen |= {item.platform for item in brought if item.source_id not in known}
    return missing(project, seen)


def missing(project: Project, seen_platforms: Collection[str]) -> tuple[str, ...]:
    """Return the core platforms that nothing is connected to, in the order of the page.

    Connected is a source that is switched on (whether it works just now is another matter) or a
    name in `seen_platforms`: what imports and pushes brought.
    """
    there = {platform.name for source in project.sources for platform in _served(source)}
    named = (platform_of(name) for name in seen_platforms)
    there |= {platform.name for platform in named if platform is not None}
    return tuple(item.name for item in PLATFORMS if item.core and item.name not in there)


def judge(
    project: Project,
    states: Mapping[SourceId, SourceState],
    brought: Sequence[Brought],
    last_heard: Mapping[SourceId, datetime],
    now: datetime,
) -> Coverage:
    """Put every way in to the platform that it leads to."""
    ways: dict[str, list[Way]] = {}
    for source in project.sources:
        for name, way in _source_ways(source, states, brought, now):
            ways.setdefault(name, []).append(way)
    known = {source.id for source in project.sources}
    for name, way in _door_ways(brought, last_heard, known, now):
        ways.setdefault(name, []).append(way)
    lines = tuple(_line(platform, ways.pop(platform.name, [])) for platform in PLATFORMS)
    others = tuple(_summed(name, "其他", found, core=False) for name, found in sorted(ways.items()))
    return Coverage(lines=lines, others=others, at=now)


def _line(platform: Platform, ways: list[Way]) -> Line:
    line = _summed(platform.name, platform.group, ways, core=platform.core)
    taken = {way.id for way in ways}
    ready = tuple(one for one in _library().get(platform.name, ()) if one not in taken)
    return replace(line, advice=platform.advice, library=ready)


def _summed(name: str, group: str, ways: Sequence[Way], *, core: bool) -> Line:
    order = list(Sight)
    ordered = tuple(sorted(ways, key=lambda way: (order.index(way.sight), way.name)))
    sight = ordered[0].sight if ordered else Sight.UNSEEN
    if sight is Sight.SEEN and any(way.sight is Sight.ILL for way in ways):
        sight = Sight.PARTIAL
    return Line(
        name=name,
        group=group,
        core=core,
        sight=sight,
        ways=ordered,
        mentions=sum(way.mentions for way in ways),
        last_at=max((way.last_at for way in ways if way.last_at), default=None),
    )


# --- sources ---------------------------------------------------------------------------------


def _served(source: SourceConfig) -> tuple[Platform, ...]:
    """Return the platform that a source is a way into: none when it is off or reads only us."""
    if not source.enabled or source.role == "official":
        return ()
    found = _platform(source)
    return () if found is None else (found,)


def _platform(source: SourceConfig) -> Platform | None:
    if source.role == "hot_search":
        return next(platform for platform in PLATFORMS if platform.name == HOT)
    return platform_of(source.platform, source.start)


def _source_ways(
    source: SourceConfig,
    states: Mapping[SourceId, SourceState],
    brought: Iterable[Brought],
    now: datetime,
) -> Iterator[tuple[str, Way]]:
    state = states.get(SourceId(source.id)) or SourceState(source_id=SourceId(source.id))
    mine = [item for item in brought if item.source_id == source.id]
    platform = _platform(source)
    sight, note = _sight_of(source, state, now)
    way = Way(
        kind="source",
        id=source.id,
        name=source.name,
        sight=sight,
        health=state.health,
        cause=state.cause_text or state.cause.value,
        last_at=state.last_ok_at,
        mentions=sum(item.mentions for item in mine),
        note=note,
    )
    yield (platform.name if platform else source.platform or "未写平台"), way


def _sight_of(source: SourceConfig, state: SourceState, now: datetime) -> tuple[Sight, str]:
    """Return how much one source lets us see, and what to know about it."""
    if not source.enabled:
        return Sight.UNSEEN, "已停用"
    if source.role == "official":
        return Sight.UNSEEN, "品牌自己的账号，不算提及"
    if state.last_ok_at is None:
        failed = state.health in {SourceHealth.DEGRADED, SourceHealth.QUARANTINED}
        return (Sight.ILL, "从未成功") if failed else (Sight.WAITING, "还没抓过")
    interval = max(source.schedule.every.total_seconds(), state.interval_s)
    allowed = max(_LATE_LEAST, timedelta(seconds=_LATE * interval))
    if state.health is SourceHealth.QUARANTINED or now - state.last_ok_at > allowed:
        return Sight.ILL, ""
    return Sight.SEEN, "不太稳定" if state.health is SourceHealth.DEGRADED else ""


# --- the other doors -------------------------------------------------------------------------


def _door_ways(
    brought: Sequence[Brought],
    last_heard: Mapping[SourceId, datetime],
    known: Collection[str],
    now: datetime,
) -> Iterator[tuple[str, Way]]:
    """Yield imports, pushes and people: by what they brought lately, else by their own name."""
    lately = {item.source_id for item in brought}
    for item in brought:
        if item.source_id not in known:
            way = _door(item.source_id, Sight.SEEN, item.last_at, item.mentions)
            yield _name_of(item.platform or _split(item.source_id)[1]), way
    for source_id, hour in sorted(last_heard.items()):
        kind, name = _split(source_id)
        if kind in DOORS and source_id not in lately:
            stale = now - hour > WEEK
            # Within the week and yet nothing of it is new: it came again, or was refused.
            yield _name_of(name), _door(source_id, Sight.STALE if stale else Sight.SEEN, hour, 0)


def _door(source_id: SourceId, sight: Sight, last_at: datetime, mentions: int) -> Way:
    kind, name = _split(source_id)
    known = kind in DOORS
    return Way(
        kind=kind if known else "gone",
        id=source_id,
        name=f"{DOORS[kind]}：{name}" if known else source_id,
        sight=sight if known else Sight.STALE,
        last_at=last_at,
        mentions=mentions,
        note="" if known else "信源已从配置中移除",
    )


def door_name(source_id: str) -> tuple[str, str]:
    """Return what people call the door that mentions came in by, and who brought them.

    Both are "" for a source that is no door ("push:NAME", "import:PLATFORM" and the like).
    """
    kind, name = _split(source_id)
    return (DOORS[kind], name) if kind in DOORS else ("", "")


def _split(source_id: str) -> tuple[str, str]:
    kind, separator, name = source_id.partition(":")
    return (kind, name) if separator else ("", source_id)


def _name_of(platform: str) -> str:
    found = platform_of(platform)
    return found.name if found else platform or "未写平台"


# --- the library -----------------------------------------------------------------------------


@cache
def _library() -> dict[str, tuple[str, ...]]:
    """Return the library's sources by platform, ready ones first; read once: it ships with us."""
    from config.library import entries

    found: dict[str, list[tuple[bool, int, str]]] = {}
    for entry in entries():
        platform = platform_of(HOT if entry.role == "hot_search" else entry.platform)
        if platform is not None and entry.role != "official":
            rank = (not entry.enabled, len(entry.needs), entry.id)
            found.setdefault(platform.name, []).append(rank)
    return {name: tuple(rank[-1] for rank in sorted(ranks)) for name, ranks in found.items()}
