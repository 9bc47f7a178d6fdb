"""How right the model is, as people see it, per source and brand; and whom to leave out.

In: what the model said beside what people said. Out: shares with n and a 95 % interval (Wilson
1927). Only mentions drawn by lot give an unbiased share: people otherwise look where the model is
unsure, and find more mistakes there than there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from alerts.intervals import wilson
from groundswell.labelling import RANDOM_NEGATIVE, RANDOM_OTHER
from storage.records import Noise, Polarity
from storage.review import Judged

_ENOUGH_STRANGERS = 5  # "5 of 5 were not about the brand": chance of that at even odds is 3 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`hits` of `n`, with the interval that holds the true share 95 times of a hundred."""

    hits: int
    n: int

    @property
    def share(self) -> float | None:
        """The share; None when nothing was counted."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; (0, 1) when nothing was counted."""
        low, high = wilson(self.hits, self.n)
        return (0.0, 1.0) if low is None or high is None else (low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What people found of one source and brand ("" for all of them).

    `precision`: of what the model calls negative, people do, too; `missed`: of what it does not
    call negative, people do. Those ending in `_by_lot` count only mentions drawn by lot.
    """

    source_id: str
    brand_id: str
    labels: int
    precision: Share
    precision_by_lot: Share
    missed: Share
    missed_by_lot: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An author or a page of which people said, every time, that it is not about the brand."""

    brand_id: str
    field: str  # "exclude.authors" or "exclude.urls": where it could be added
    value: str
    n: int

    @property
    def text(self) -> str:
        """The suggestion in one sentence; nothing is ever added by itself."""
        who = "这位作者" if self.field == "exclude.authors" else "这个站点栏目"
        return (
            f"{who} {self.value} 的 {self.n} 条里有 {self.n} 条都不是说品牌 {self.brand_id}："
            f"要不要写进该品牌的 {self.field}？({self.n} of {self.n} not about the brand)"
        )


def is_negative(one: Judged) -> bool | None:
    """Say whether people hold a mention to be a complaint about the brand; None: nobody said."""
    brand, noise, polarity = (one.said.get(kind) for kind in ("brand", "noise", "polarity"))
    if brand is not None and brand.value != one.brand_id:
        return False
    if noise is not None and Noise(noise.value):
        return False
    return None if polarity is None else polarity.value == "negative"


def figures(judged: Iterable[Judged]) -> list[Figures]:
    """Return the figures of everything first, then per source and brand, the most labels first."""
    counted = [one for one in judged if one.base is not None and is_negative(one) is not None]
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in counted:
        groups.setdefault((one.mention.source_id, one.brand_id), []).append(one)
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    every = [(("", ""), counted), *ordered]
    return [_figures(source, brand, found) for (source, brand), found in every]


def _figures(source: str, brand: str, judged: Sequence[Judged]) -> Figures:
    called = [one for one in judged if _called_negative(one)]
    others = [one for one in judged if not _called_negative(one)]
    return Figures(
        source_id=source,
        brand_id=brand,
        labels=len(judged),
        precision=_share(called),
        precision_by_lot=_share([one for one in called if one.asked == RANDOM_NEGATIVE]),
        missed=_share(others),
        missed_by_lot=_share([one for one in others if one.asked == RANDOM_OTHER]),
    )


def _called_negative(one: Judged) -> bool:
    base = one.base
    return base is not None and base.polarity is Polarity.NEGATIVE and not base.noise


def _share(judged: Sequence[Judged]) -> Share:
    return Share(hits=sum(is_negative(one) is True for one in judged), n=len(judged))


def suggestions(judged: Iterable[Judged]) -> list[Suggestion]:
    """Return authors and pages that could be left out: never about the brand, at least 5 times."""
    seen: Counter[tuple[str, str, str]] = Counter()
    strange: Counter[tuple[str, str, str]] = Counter()
    for one in judged:
        word = one.said.get("brand")
        is_strange = word is not None and word.value != one.brand_id
        if not is_strange and is_negative(one) is None:
            continue
        for field, value in (
            ("exclude.authors", one.mention.author),
            ("exclude.urls", _column(one.mention.url)),
        ):
            if value:
                seen[one.brand_id, field, value] += 1
                strange[one.brand_id, field, value] += is_strange
    return [
        Suggestion(brand_id=brand_id, field=field, value=value, n=n)
        for (brand_id, field, value), n in sorted(seen.items())
        if n >= _ENOUGH_STRANGERS and strange[brand_id, field, value] == n
    ]


def _column(url: str) -> str:
    """Return the host and first step of an address: the column of a site that a page stands in."""
    parts = urlsplit(url)
    steps = [step for step in parts.path.split("/") if step]
    return f"{parts.netloc}/{steps[0]}/" if parts.netloc and len(steps) > 1 else ""
