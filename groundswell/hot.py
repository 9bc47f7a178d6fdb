"""Which brands stand on hot-search lists, and whether it is about a given cluster.

In: the lines of the sources whose role is "hot_search". Out: Evidence that knows of them, or says
why it does not: a list that was not read is unknown, never "not on it".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from classify.matching import BrandMatcher
from classify.severity import severity
from classify.symptoms import symptoms
from classify.text import rewrite
from config.schema import Brand, Project
from storage.queries import Queries
from storage.records import BrandId, Evidence, HotEntry, HotStanding, SourceId

FRESH = timedelta(hours=2)  # so long a line counts as standing on the list, and a list as read
PAST = timedelta(hours=24)  # so long "was on the list" is worth saying
_WORST = 1_000_000  # stands in for a rank that the list does not say


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that names a brand, read once for all clusters of that brand."""

    entry: HotEntry
    is_current: bool
    words: str  # the title in plain spelling
    facts: frozenset[str]  # what harm and which trouble the title tells of


@dataclass(frozen=True, slots=True)
class HotView:
    """The lists at one instant. `blind` says why nothing is known, "" when they were read."""

    blind: str = "not_connected"
    lines: dict[BrandId, list[_Line]] = field(default_factory=dict)


class HotLists:
    """Matches the lines of hot-search lists with brands and clusters."""

    def __init__(self, project: Project) -> None:
        self._sources = [
            source for source in project.sources if source.role == "hot_search" and source.enabled
        ]
        self._matcher = BrandMatcher(project.brands if self._sources else ())
        self._names = {BrandId(brand.id): _names(brand) for brand in project.brands}

    def look(self, queries: Queries, now: datetime) -> HotView:
        """Read the lists once, for as many clusters as are graded at this instant."""
        if not self._sources:
            return HotView("not_connected")
        answered = {
            source.id
            for source in self._sources
            if (state := queries.source(SourceId(source.id))) is not None
            and state.last_ok_at is not None
            and state.last_ok_at >= now - FRESH
        }
        if not answered:
            return HotView("no_answer")
        entries = queries.hot_entries([source.id for source in self._sources], now - PAST)
        newest: dict[str, datetime] = {}
        for entry in entries:
            newest.setdefault(entry.source_id, _seen(entry))  # the newest come first
        lines: dict[BrandId, list[_Line]] = {}
        for entry in entries:
            # an unchanged list is not stored again: its lines stand as long as it answers
            stands = entry.source_id in answered and _seen(entry) == newest[entry.source_id]
            for brand_id in self._matcher.match(entry.title, "", "", ""):
                is_current = stands or _seen(entry) >= now - FRESH
                lines.setdefault(brand_id, []).append(line_of(entry, is_current))
        return HotView("", lines)

    def see(self, evidence: Evidence, view: HotView) -> Evidence:
        """Tell the evidence on a cluster where its brand stands; the most telling line counts.

        A line is about the cluster when its title shares a trouble, a harm or a keyword with it.
        A product or the brand alone is not enough: brands are also talked about for good reasons.
        """
        brand_id = evidence.cluster.brand_id
        lines = view.lines.get(brand_id, ())
        known = {fact for fact, _ in (*evidence.severity, *evidence.symptoms)}
        telling = [
            word
            for keyword in evidence.cluster.keywords
            if len(word := rewrite(keyword)) > 1
            and not any(word in name or name in word for name in self._names.get(brand_id, ()))
        ]
        standings = [
            _standing(
                line,
                is_about=bool(line.facts & known) or any(word in line.words for word in telling),
            )
            for line in lines
        ]
        return replace(evidence, hot=best(standings), hot_blind=view.blind)


def best(standings: Sequence[HotStanding]) -> HotStanding | None:
    """Return the standing that says most: current, about the cluster, highest, newest."""
    return min(
        standings,
        key=lambda one: (
            not one.is_current,
            not one.is_about,
            one.rank if one.rank is not None else _WORST,
            -one.last_at.timestamp(),
            one.title,
        ),
        default=None,
    )


def line_of(entry: HotEntry, is_current: bool) -> _Line:
    """Read a line of a list for the brand that it names."""
    facts = frozenset((*severity(entry.title), *symptoms(entry.title)))
    return _Line(entry, is_current, rewrite(entry.title), facts)


def _standing(line: _Line, *, is_about: bool) -> HotStanding:
    entry = line.entry
    return HotStanding(
        platform=entry.platform or entry.source_id,
        title=entry.title,
        rank=entry.rank,
        best_rank=entry.best_rank,
        last_at=_seen(entry),
        is_current=line.is_current,
        is_about=is_about,
        url=entry.url,
    )


def _names(brand: Brand) -> tuple[str, ...]:
    words = [brand.name, *brand.aliases]
    for product in brand.products:
        words += [product.name, *product.aliases, *product.words]
    return tuple(rewrite(word) for word in words if word.strip())


def _seen(entry: HotEntry) -> datetime:
    assert entry.last_at is not None  # a stored line always was seen
    return entry.last_at
