"""What a brand's rule would bring, tried on what was taken in lately; nothing is written.

In: the brands at work and, for a preview, one changed or new brand. Out: how many mentions each
name brings, where a name stood and did not count and why, and what a change would win and lose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from classify.matching import BrandMatcher, Judged
from config.schema import Brand
from storage.records import BrandId, Mention, MentionId
from storage.store import Store

DAYS = 7
_PAGE = 500  # mentions read at once
_AROUND = 18  # characters shown on either side of a name: about a clause
_SAMPLES = 20  # examples of what is won and of what is lost
_SAMPLES_REFUSED = 3  # examples of one reason
_REASONS = 12  # reasons shown, the most frequent first
_ABSENT = "没有出现名称"

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A place in a stored mention: the name with what stands around it, and why (not).

    `was` says what the rule at work made of it, "" when nothing is compared.
    """

    mention_id: MentionId
    observed_at: datetime
    platform: str
    before: str
    word: str
    after: str
    reason: str
    was: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUse:
    """How many mentions a name brings; `refused`: it stood there, but did not count.

    `now` is by the rule at work, `new` by the changed one; without a change both are the same.
    """

    alias: str
    product: str
    now: int
    new: int
    refused: int

    @property
    def brings(self) -> bool:
        """Whether the name stood anywhere at all."""
        return bool(self.now or self.new or self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a name that stood there did not count, how often, with examples."""

    code: str
    reason: str
    mentions: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one brand's rule brought."""

    brand_id: BrandId
    name: str
    matched: int
    names: tuple[NameUse, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the rules at work bring. `read` of `stored` mentions were looked at, newest first."""

    since: datetime
    until: datetime
    stored: int
    read: int
    brands: tuple[Use, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a changed rule would bring: `use` is by the changed one, `matched_now` by that at work.

    `is_new`: there is no such brand yet. `gained` and `lost` count mentions.
    """

    since: datetime
    until: datetime
    stored: int
    read: int
    use: Use
    is_new: bool
    matched_now: int
    gained: int
    lost: int
    gained_samples: tuple[Sample, ...]
    lost_samples: tuple[Sample, ...]


def survey(
    store: Store,
    brands: Sequence[Brand],
    now: datetime,
    *,
    days: int = DAYS,
    most: int | None = None,
    advance: Advance = lambda _: None,
) -> Survey:
    """Match the stored mentions of the last days by the rules at work.

    `most`: look at no more than the newest so many. `advance` hears how many were done.
    """
    reader = _Reader(store, now, days, most)
    matcher = BrandMatcher(brands)
    tallies = {BrandId(brand.id): _Tally(brand) for brand in brands}
    for mention in reader.mentions(advance):
        for brand_id, places in _by_brand(matcher, mention).items():
            tallies[brand_id].add(mention, (), places)
    return Survey(
        since=reader.since,
        until=now,
        stored=reader.stored,
        read=reader.read,
        brands=tuple(tally.use(compared=False) for tally in tallies.values()),
    )


def preview(
    store: Store,
    brands: Sequence[Brand],
    changed: Brand,
    now: datetime,
    *,
    days: int = DAYS,
    most: int | None = None,
    advance: Advance = lambda _: None,
) -> Preview:
    """Match the stored mentions of the last days by the rules at work and with `changed` in place.

    All brands take part in both, because of overlapping names the longest counts.
    """
    reader = _Reader(store, now, days, most)
    brand_id = BrandId(changed.id)
    others = [brand for brand in brands if brand.id != changed.id]
    before, after = BrandMatcher(brands), BrandMatcher([*others, changed])
    tally, compared = _Tally(changed), _Compared()
    for mention in reader.mentions(advance):
        old = _by_brand(before, mention).get(brand_id, ())
        new = _by_brand(after, mention).get(brand_id, ())
        if old or new:
            tally.add(mention, old, new)
            compared.add(mention, old, new)
    return Preview(
        since=reader.since,
        until=now,
        stored=reader.stored,
        read=reader.read,
        use=tally.use(compared=True),
        is_new=len(others) == len(brands),
        matched_now=compared.now,
        gained=compared.gained,
        lost=compared.lost,
        gained_samples=tuple(compared.gained_samples),
        lost_samples=tuple(compared.lost_samples),
    )


class _Reader:
    """Reads mentions page by page, newest first; no page holds the database while others work."""

    def __init__(self, store: Store, now: datetime, days: int, most: int | None) -> None:
        self._store = store
        self._until = now
        self.since = now - timedelta(days=days)
        with store.read() as queries:
            self.stored = queries.observed_count(self.since, now)
        self._wanted = self.stored if most is None else min(most, self.stored)
        self.read = 0

    def mentions(self, advance: Advance) -> Iterator[Mention]:
        last: Mention | None = None
        while self.read < self._wanted:
            size = min(_PAGE, self._wanted - self.read)
            with self._store.read() as queries:
                page = queries.observed(self.since, self._until, after=last, limit=size)
            if not page:
                return
            yield from page
            last = page[-1]
            self.read += len(page)
            advance(len(page))


def _by_brand(matcher: BrandMatcher, mention: Mention) -> dict[BrandId, Sequence[Judged]]:
    found: dict[BrandId, list[Judged]] = {}
    for one in matcher.judge(mention.title, mention.text, mention.url, mention.author):
        found.setdefault(one.hit.brand_id, []).append(one)
    return dict(found)


def _counts(places: Sequence[Judged]) -> bool:
    return any(one.counts for one in places)


class _Tally:
    """Counts what one brand's rule brings, by name and by reason of refusal."""

    def __init__(self, brand: Brand) -> None:
        self._brand = brand
        self._matched = 0
        self._now: Counter[tuple[str, str]] = Counter()
        self._new: Counter[tuple[str, str]] = Counter()
        self._not: Counter[tuple[str, str]] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._samples: dict[tuple[str, str], list[Sample]] = {}

    def add(self, mention: Mention, old: Sequence[Judged], new: Sequence[Judged]) -> None:
        """Count one mention by the places that two rules found in it."""
        self._matched += _counts(new)
        self._now.update(_names(old, counts=True))
        brought = _names(new, counts=True)
        self._new.update(brought)
        self._not.update(_names(new, counts=False) - brought)
        reasons = {(one.reason.code, one.reason.zh): one for one in reversed(new) if not one.counts}
        for key, one in reasons.items():
            self._reasons[key] += 1
            samples = self._samples.setdefault(key, [])
            if len(samples) < _SAMPLES_REFUSED:
                samples.append(_sample(mention, one))

    def use(self, *, compared: bool) -> Use:
        """Return what was counted. Without a comparison there is only one rule."""
        now = self._now if compared else self._new
        named = dict.fromkeys([*_configured(self._brand), *now, *self._new, *self._not])
        uses = [
            NameUse(
                alias=alias,
                product=product,
                now=now[alias, product],
                new=self._new[alias, product],
                refused=self._not[alias, product],
            )
            for alias, product in named
        ]
        uses.sort(key=lambda one: (-one.new, -one.now, -one.refused))
        refused = [
            Refused(code=key[0], reason=key[1], mentions=n, samples=tuple(self._samples[key]))
            for key, n in self._reasons.most_common(_REASONS)
        ]
        return Use(
            brand_id=BrandId(self._brand.id),
            name=self._brand.name,
            matched=self._matched,
            names=tuple(uses),
            refused=tuple(refused),
        )


class _Compared:
    """Counts what a change would win and lose, with examples."""

    def __init__(self) -> None:
        self.now = self.gained = self.lost = 0
        self.gained_samples: list[Sample] = []
        self.lost_samples: list[Sample] = []

    def add(self, mention: Mention, old: Sequence[Judged], new: Sequence[Judged]) -> None:
        """Compare one mention."""
        was, is_now = _counts(old), _counts(new)
        self.now += was
        if is_now and not was:
            self.gained += 1
            if len(self.gained_samples) < _SAMPLES:
                shown = next(one for one in new if one.counts)
                self.gained_samples.append(_sample(mention, shown, was=_why(old, counts=False)))
        if was and not is_now:
            self.lost += 1
            if len(self.lost_samples) < _SAMPLES:
                shown = next(one for one in old if one.counts)
                reason = _why(new, counts=False)
                self.lost_samples.append(
                    _sample(mention, shown, reason=reason, was=_why(old, counts=True))
                )


def _names(places: Sequence[Judged], *, counts: bool) -> set[tuple[str, str]]:
    return {(one.hit.alias, one.hit.product) for one in places if one.counts is counts}


def _configured(brand: Brand) -> Iterator[tuple[str, str]]:
    """Yield every name that is looked for with its product's id, also those that bring nothing."""
    for name in (brand.name, *brand.aliases):
        yield name, ""
    for line in brand.products:
        for name in (line.name, *line.aliases):
            yield name, line.id


def _why(places: Sequence[Judged], *, counts: bool) -> str:
    return next((one.reason.zh for one in places if one.counts is counts), _ABSENT)


def _sample(mention: Mention, one: Judged, *, reason: str = "", was: str = "") -> Sample:
    text = mention.title if one.hit.field == "title" else mention.text
    start, end = one.hit.start, one.hit.end
    return Sample(
        mention_id=mention.mention_id,
        observed_at=mention.observed_at,
        platform=mention.platform,
        before=text[max(0, start - _AROUND) : start],
        word=text[start:end],
        after=text[end : end + _AROUND],
        reason=reason or one.reason.zh,
        was=was,
    )
