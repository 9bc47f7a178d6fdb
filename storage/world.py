"""Members of clusters as they were at one instant of the past, in memory, walked forward.

In: contents of members that come, change and go (storage.passes). Out: what storage.evidence reads
of the tables, equal to it and without a query: a rehearsal judges some hundred thousand times.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from storage.instants import hour_of
from storage.passes import Content, instant_of
from storage.records import HourCount

_AUTHORS_FOR = timedelta(days=7)  # as in storage.evidence
_SLOT = timedelta(minutes=10)

Key = tuple[str, int]  # brand and mention
Authors = tuple[tuple[datetime, str], ...]


@dataclass(slots=True, eq=False)
class Member:
    """One mention in one cluster."""

    brand: str
    mention: int
    cluster: str
    shard: str
    seq: int
    author: str
    text: int
    at: datetime
    hour: datetime
    is_sure: bool
    history: bool
    copy: bool
    is_public: bool
    reposts: int | None
    views: int | None
    facts: tuple[tuple[str, str], ...]
    batch: tuple[tuple[str, str], ...]

    def __lt__(self, other: Member) -> bool:
        """Say whether this one was published before the other."""
        return (self.at, self.mention) < (other.at, other.mention)


def member_of(brand: str, mention: int, content: Content, sure: bool | None = None) -> Member:
    """Return a member of a content; `sure` is said in place of what was stored."""
    at = instant_of(content["published_at"])
    return Member(
        brand=brand,
        mention=mention,
        cluster=content["cluster_id"],
        shard=content["shard_id"],
        seq=content["seq"],
        author=content["author_key"],
        text=content["text_key"],
        at=at,
        hour=hour_of(at),
        is_sure=content["is_sure"] if sure is None else sure,
        history=content["history"],
        copy=content["duplicate_of"] is not None,
        is_public=content["is_public"],
        reposts=content["reposts"],
        views=content["views"],
        facts=tuple((kind, value) for kind, value in content["facts"]),
        batch=tuple((kind, value) for kind, value in content["batch"]),
    )


class _Hour:
    """Who wrote within one hour."""

    __slots__ = ("authors", "live", "mentions", "negative", "platforms", "texts", "watch")

    def __init__(self) -> None:
        self.mentions = self.negative = 0
        self.authors: Counter[str] = Counter()
        self.live: Counter[str] = Counter()
        self.watch: Counter[str] = Counter()
        self.texts: Counter[int] = Counter()
        self.platforms: Counter[str] = Counter()


def _count(counter: Counter[Any], key: Any, n: int) -> None:
    left = counter[key] + n
    if left:
        counter[key] = left
    else:
        del counter[key]


class Hours:
    """Counts of members per hour: of one cluster, or of a whole brand (`is_brand`)."""

    def __init__(self, *, is_brand: bool) -> None:
        self._is_brand = is_brand
        self._hours: dict[datetime, _Hour] = {}
        self._order: list[datetime] = []
        self._counts: dict[datetime, HourCount] = {}
        self._shown: tuple[datetime, datetime | None, tuple[HourCount, ...]] | None = None

    def add(self, member: Member, n: int) -> None:
        """Count a member in, or out with -1."""
        hour = self._hours.get(member.hour)
        if hour is None:
            hour = self._hours[member.hour] = _Hour()
            insort(self._order, member.hour)
        hour.mentions += n
        _count(hour.authors, member.author, n)
        _count(hour.texts, member.text, n)
        if member.is_sure:
            hour.negative += n
        if not member.history:
            _count(hour.watch, member.author, n)
            if member.is_sure:
                _count(hour.live, member.author, n)
        if not self._is_brand:
            for kind, value in member.facts:
                if kind == "platform":
                    _count(hour.platforms, value, n)
        if not hour.mentions:
            del self._hours[member.hour]
            self._order.remove(member.hour)
            self._counts.pop(member.hour, None)
        else:
            self._counts[member.hour] = self._counted(member.hour, hour)
        self._shown = None

    def first(self) -> datetime | None:
        """Return the first hour that holds something."""
        return self._order[0] if self._order else None

    def between(self, since: datetime, until: datetime | None) -> tuple[HourCount, ...]:
        """Return the hours in [since, until) that hold something, oldest first."""
        start = bisect_left(self._order, since)
        end = len(self._order) if until is None else bisect_left(self._order, until)
        if start == end:
            return ()
        first, last = self._order[start], self._order[end - 1]
        if self._shown is None or self._shown[:2] != (first, last):
            found = tuple(self._counts[one] for one in self._order[start:end])
            self._shown = (first, last, found)
        return self._shown[2]

    def _counted(self, at: datetime, hour: _Hour) -> HourCount:
        return HourCount(
            hour=at,
            mentions=hour.mentions,
            authors=len(hour.authors),
            texts=len(hour.texts),
            live=len(hour.live),
            watch=len(hour.watch),
            negative=0 if self._is_brand else hour.negative,
            platforms=0 if self._is_brand else len(hour.platforms),
        )


@dataclass(slots=True)
class _Recent:
    """Who wrote in the last days, as long as nobody comes or leaves."""

    start: int
    authors: tuple[Authors, Authors, frozenset[str]]


class Talk:
    """One cluster as it stands."""

    def __init__(self) -> None:
        self.hours = Hours(is_brand=False)
        self.members: list[Member] = []  # by when they were published
        self.fresh: list[Member] = []  # of them those that are no history
        self._authors: Counter[str] = Counter()
        self._public: Counter[str] = Counter()
        self._texts: Counter[int] = Counter()
        self._sums: Counter[str] = Counter()
        self._facts: Counter[tuple[str, str]] = Counter()
        self._stated: dict[str, Counter[str]] = {}
        self._recent: _Recent | None = None
        self._told: dict[str, Any] | None = None

    def add(self, member: Member, n: int) -> None:
        """Count a member in, or out with -1."""
        _put(self.members, member, n)
        if not member.history:
            _put(self.fresh, member, n)
        self.hours.add(member, n)
        _count(self._authors, member.author, n)
        _count(self._texts, member.text, n)
        if member.is_public:
            _count(self._public, member.author, n)
            for name, figure in (("reposts", member.reposts), ("views", member.views)):
                self._sums[name] += (figure or 0) * n
                self._sums[f"n_{name}"] += (figure is not None) * n
        if not member.history:
            for kind, value in member.facts:
                if kind == "severity":
                    _count(self._stated.setdefault(value, Counter()), member.author, n)
                else:
                    _count(self._facts, (kind, value), n)
        self._recent = self._told = None

    def authors(self, now: datetime) -> tuple[Authors, Authors, frozenset[str]]:
        """Return who wrote in 7 days: the sure, all, and who only copied; see storage.evidence."""
        start = _from(self.fresh, now - _AUTHORS_FOR)
        if self._recent is None or self._recent.start != start:
            self._recent = _Recent(start, authors_of(self.fresh[start:]))
        return self._recent.authors

    def totals(self) -> dict[str, Any]:
        """Return what the cluster adds up to."""
        return {
            "mentions": len(self.members),
            "authors": len(self._authors),
            "public_authors": len(self._public),
            "texts": len(self._texts),
            **{
                name: self._sums[name] if self._sums[f"n_{name}"] else None
                for name in ("reposts", "views")
            },
            "first_at": self.members[0].at if self.members else None,
            "last_at": self.members[-1].at if self.members else None,
        }

    def facts(self) -> dict[str, Any]:
        """Return what members state, most frequent first."""
        if self._told is not None:
            return self._told
        counts = {**self._facts}
        counts |= {("severity", value): len(who) for value, who in self._stated.items() if who}
        by_kind: dict[str, list[tuple[str, int]]] = {}
        for (kind, value), n in sorted(counts.items(), key=lambda one: (-one[1], one[0][1])):
            by_kind.setdefault(kind, []).append((value, n))
        names = {"platforms": "platform", "tiers": "tier", "regions": "region"}
        names["products"] = "product"
        kinds = {"issue_classes": "issue", "also_classes": "also", "sub_classes": "sub"}
        kinds |= {"severity": "severity", "symptoms": "symptom"}
        self._told = {
            **{name: tuple(v for v, _ in by_kind.get(kind, ())) for name, kind in names.items()},
            **{name: tuple(by_kind.get(kind, ())) for name, kind in kinds.items()},
        }
        return self._told

    def people(self, since: datetime, most: int) -> int:
        """Count distinct authors since an instant, at most so many."""
        found: set[str] = set()
        for member in self.members[_from(self.members, since) :]:
            found.add(member.author)
            if len(found) >= most:
                break
        return len(found)

    def face(self, limit: int) -> list[Member]:
        """Return the newest originals, then the newest copies."""
        newest = self.members[::-1]
        found = [one for one in newest if not one.copy][:limit]
        return [*found, *(one for one in newest if one.copy)][:limit]


class Whole:
    """The talk about one brand."""

    def __init__(self) -> None:
        self.hours = Hours(is_brand=True)
        self.members: list[Member] = []
        self.fresh: list[Member] = []
        self.stating: list[Member] = []  # originals that state something for batches
        self._slots: dict[datetime, Counter[str]] = {}
        self._told: tuple[datetime, datetime, tuple[int, ...]] | None = None

    def add(self, member: Member, n: int) -> None:
        """Count a member in, or out with -1."""
        self.hours.add(member, n)
        _put(self.members, member, n)
        if member.batch and not member.copy:
            _put(self.stating, member, n)
        if not member.history:
            _put(self.fresh, member, n)
            slot = member.at - (member.at - member.hour) % _SLOT
            _count(self._slots.setdefault(slot, Counter()), member.author, n)
            if self._told is not None and self._told[0] <= slot < self._told[1]:
                self._told = None

    def slots(self, first: datetime, end: datetime) -> tuple[int, ...]:
        """Return distinct authors per ten minutes in [first, end), whole hours."""
        if self._told is not None and self._told[:2] == (first, end):
            return self._told[2]
        n = max(0, (end - first) // _SLOT)
        counts = (self._slots.get(first + one * _SLOT) for one in range(n))
        self._told = (first, end, tuple(len(one) if one else 0 for one in counts))
        return self._told[2]

    def loudest(self, since: datetime, until: datetime, but: str | None, most: int) -> list[str]:
        """Return the clusters in which most distinct authors wrote in [since, until)."""
        found: dict[str, set[str]] = {}
        for member in self.within(since, until):
            if member.cluster != but:
                found.setdefault(member.cluster, set()).add(member.author)
        return sorted(found, key=lambda one: (-len(found[one]), one))[:most]

    def within(self, since: datetime, until: datetime) -> list[Member]:
        """Return the members published in [since, until) that are no history."""
        return between(self.fresh, since, until)


@dataclass(slots=True)
class World:
    """All members as they stand, by cluster and by brand."""

    members: dict[Key, Member] = field(default_factory=dict)
    talks: dict[str, Talk] = field(default_factory=dict)
    wholes: dict[str, Whole] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)  # merged clusters and where they are now
    alive: Counter[str] = field(default_factory=Counter)  # by brand, clusters that hold somebody

    def put(self, key: Key, member: Member | None) -> None:
        """Let a member be this from now on; None: it is in no cluster."""
        old = self.members.pop(key, None)
        if old is not None:
            self._count(old, -1)
        if member is not None:
            self.members[key] = member
            self._count(member, 1)

    def talk(self, cluster_id: str) -> Talk:
        """Return a cluster, an empty one where nobody is in it."""
        found = self.talks.get(cluster_id)
        if found is None:
            found = self.talks[cluster_id] = Talk()
        return found

    def whole(self, brand_id: str) -> Whole:
        """Return a brand."""
        found = self.wholes.get(brand_id)
        if found is None:
            found = self.wholes[brand_id] = Whole()
        return found

    def today(self, cluster_id: str) -> str:
        """Return where a cluster is now."""
        seen = set()
        while cluster_id in self.aliases and cluster_id not in seen:
            seen.add(cluster_id)
            cluster_id = self.aliases[cluster_id]
        return cluster_id

    def moved(self, since: datetime, authors: int) -> Iterator[str]:
        """Give the clusters in which so many people wrote since an instant."""
        for cluster_id, talk in self.talks.items():
            is_late = talk.members and talk.members[-1].at >= since
            if is_late and talk.people(since, authors) >= authors:
                yield cluster_id

    def _count(self, member: Member, n: int) -> None:
        talk = self.talk(member.cluster)
        was = bool(talk.members)
        talk.add(member, n)
        self.alive[member.brand] += bool(talk.members) - was
        self.whole(member.brand).add(member, n)


def authors_of(members: Iterable[Member]) -> tuple[Authors, Authors, frozenset[str]]:
    """List authors with their first post, the sure and all, and who only repeated a text.

    `members` in the order in which they were published.
    """
    first: dict[str, datetime] = {}
    sure: dict[str, datetime] = {}
    own: set[str] = set()
    for member in members:
        author = member.author
        if author not in first:
            first[author] = member.at
        if member.is_sure and author not in sure:
            sure[author] = member.at
        if not member.copy:
            own.add(author)
    live = tuple(sorted((at, author) for author, at in sure.items()))
    watch = tuple(sorted((at, author) for author, at in first.items()))
    return live, watch, frozenset(author for author in first if author not in own)


def between(members: list[Member], since: datetime, until: datetime | None = None) -> list[Member]:
    """Return the members published in [since, until), given in that order."""
    return members[_from(members, since) : None if until is None else _from(members, until)]


def _from(members: list[Member], at: datetime) -> int:
    return bisect_left(members, at, key=lambda one: one.at)


def _put(some: list[Member], member: Member, n: int) -> None:
    if n > 0:
        insort(some, member)
        return
    place = bisect_left(some, member)
    while some[place] is not member:
        place += 1
    del some[place]
