"""Net sentiment (净情感): how much more praise than complaint, with what it rests on.

In: counts of current verdicts by brand, source and hour. Out: figures by brand, day or source, and
what was left out of them, with the reason. A source to which only one kind of voice comes says
nothing about a balance, so it is named and not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

from config.schema import Project
from groundswell.platforms import platform_of
from storage.queries import Queries
from storage.records import Opinions
from storage.sentiment import read_opinions

_FEWEST = 10  # mentions that are clear; below, the interval is wider than half the scale
_RATED_SHARE = 0.9  # of a source's mentions with stars: a place for reviews and nothing else
_RATED_FEWEST = 20
_Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """One figure. `net` = (positive − negative) / clear ones, in [−1, 1]; None below _FEWEST.

    `clear` are the mentions that are not unsure; `low` and `high` bound the net at 95 %.
    """

    key: str
    n: int
    negative: int
    positive: int
    unsure: int
    net: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def clear(self) -> int:
        """How many mentions take a side or are clearly neutral."""
        return self.n - self.unsure

    @property
    def unsure_share(self) -> float:
        """The share of mentions whose side is not clear."""
        return self.unsure / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A source whose voices are not counted, how many they are, and why."""

    source_id: str
    name: str
    n: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandSentiment:
    """One brand over a range: its figure, its days, its sources."""

    brand_id: str
    name: str
    competitor: bool
    whole: Net
    days: tuple[Net, ...]
    sources: tuple[Net, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """All brands over a range, and what was left out."""

    since: datetime
    until: datetime
    brands: tuple[BrandSentiment, ...]
    left_out: tuple[LeftOut, ...]
    noise: int


def survey_sentiment(queries: Queries, project: Project, now: datetime, days: int) -> Sentiment:
    """Count the last `days` local days, today included."""
    zone = project.settings.zone
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), zone).astimezone(now.tzinfo)
    rows = read_opinions(queries.connection, since, now)
    return judge(project, rows, since, now)


def judge(
    project: Project, rows: Sequence[Opinions], since: datetime, until: datetime
) -> Sentiment:
    """Sum counted rows into figures; sources of one kind of voice are set aside."""
    left_out = _left_out(project, rows)
    aside = {one.source_id for one in left_out}
    kept = [row for row in rows if row.source_id not in aside]
    names = {source.id: source.name for source in project.sources}
    zone = project.settings.zone
    brands = []
    for brand in project.brands:
        own = [row for row in kept if row.brand_id == brand.id]
        brands.append(
            BrandSentiment(
                brand_id=brand.id,
                name=brand.name,
                competitor=brand.competitor,
                whole=net_of(brand.id, own),
                days=tuple(_grouped(own, lambda row: _day(row, zone).isoformat())),
                sources=tuple(_grouped(own, lambda row: names.get(row.source_id, row.source_id))),
            )
        )
    return Sentiment(
        since=since,
        until=until,
        brands=tuple(brands),
        left_out=tuple(left_out),
        noise=sum(row.noise for row in rows),
    )


def net_of(key: str, rows: Iterable[Opinions]) -> Net:
    """Return the figure of some rows, with its interval where there are enough of them.

    The interval is that of a difference of two shares of one multinomial sample (Goodman 1965).
    """
    n = negative = positive = unsure = 0
    for row in rows:
        n, negative = n + row.n, negative + row.negative
        positive, unsure = positive + row.positive, unsure + row.unsure
    clear = n - unsure
    if clear < _FEWEST:
        return Net(key=key, n=n, negative=negative, positive=positive, unsure=unsure)
    net = (positive - negative) / clear
    spread = _Z * sqrt(max((positive + negative) / clear - net * net, 0.0) / clear)
    return Net(
        key=key,
        n=n,
        negative=negative,
        positive=positive,
        unsure=unsure,
        net=round(net, 4),
        low=round(max(-1.0, net - spread), 4),
        high=round(min(1.0, net + spread), 4),
    )


def why_not(kind: str, group: str, n: int, rated: int) -> str:
    """Say why a source's voices make no balance; "" when they do.

    `kind`: the source's kind, `group`: its platform's, `rated`: mentions of n that carry stars.
    """
    if group == "投诉":
        return "投诉平台，只有投诉"
    if kind == "app_reviews" or (n >= _RATED_FEWEST and rated >= _RATED_SHARE * n):
        return "只有带星级的评价，看评分更直接"
    return ""


def _left_out(project: Project, rows: Sequence[Opinions]) -> list[LeftOut]:
    by_source: dict[str, list[Opinions]] = {}
    for row in rows:
        by_source.setdefault(row.source_id, []).append(row)
    found = []
    for source_id, own in sorted(by_source.items()):
        source = project.source(source_id)
        platform = platform_of(source.platform if source else own[0].platform)
        n = sum(row.n for row in own)
        reason = why_not(
            source.kind if source else "",
            platform.group if platform else "",
            n,
            sum(row.rated for row in own),
        )
        if reason:
            name = source.name if source else source_id
            found.append(LeftOut(source_id=source_id, name=name, n=n, reason=reason))
    return found


def _grouped(rows: Iterable[Opinions], key_of: Callable[[Opinions], str]) -> list[Net]:
    groups: dict[str, list[Opinions]] = {}
    for row in rows:
        groups.setdefault(key_of(row), []).append(row)
    return [net_of(key, own) for key, own in sorted(groups.items())]


def _day(row: Opinions, zone: ZoneInfo) -> date:
    return row.hour.astimezone(zone).date()
