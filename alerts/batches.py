"""Is one batch worse than the rest: counts of complaints in, batch-defect signals out.

Disproportionality, as drug safety looks for it among reports: nobody knows how many things were
sold, but of those who complain, more of this batch complain of this symptom than of the others.

PRR and ROR with 95 % intervals after Evans, Waller and Davis 2001 (Pharmacoepidemiology and Drug
Safety 10:483-486). The shrunken ratio EBGM with EB05 and EB95 after DuMouchel 1999 (The American
Statistician 53:177-190): a count is Poisson around its expected number times a ratio, and ratios
come from a mixture of two gamma distributions that is fitted to the whole table, so that a small
count is pulled towards what is usual. That is also what keeps many comparisons from crying wolf.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from storage.records import BatchSignal, BrandId, FactCount

MIN_RATIO = 2.0  # EB05 from which a signal counts (Szarfman, Machado and O'Neill 2002)
MIN_AUTHORS = 3  # distinct authors; Evans et al. 2001 ask for three reports
# A product differs from other products by its nature (washing machines are the loud ones), and that
# is worth a look; only a group within one product is worth a call.
RAISING = ("batch", "month", "version", "model", "region")
MIN_OTHERS = 10  # authors to compare with: below, nobody knows what is usual
_PULL = 5.0  # few who state another batch are pulled to the rest of the product, as by so many
_Z95 = 1.959964
KINDS = ("product", "batch", "month", "version", "model", "region")


class Interval(NamedTuple):
    """A ratio and its 95 % interval."""

    value: float
    low: float
    high: float


class Prior(NamedTuple):
    """A mixture of two gamma distributions of ratios; `weight` is the share of the first."""

    alpha1: float
    beta1: float
    alpha2: float
    beta2: float
    weight: float


class Shrunken(NamedTuple):
    """The geometric mean of a ratio once shrunk, and between what it lies with 90 %."""

    ebgm: float
    eb05: float
    eb95: float


# DuMouchel's starting values: a third of all ratios scatter widely round 2, the rest lie round 0.5.
FIXED = Prior(0.2, 0.1, 2.0, 4.0, 1 / 3)
FEW_CELLS = 60  # with fewer the five numbers of a prior cannot be told apart: FIXED holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One product × group × symptom: the 2 × 2 table of distinct authors, and what was expected.

    `both` complain of the symptom of this group, `group` of anything of it, `symptom_all` of the
    symptom of any group, `all` of anything of any group.
    """

    product: str
    kind: str
    value: str
    symptom: str
    both: int
    group: int
    symptom_all: int
    all: int
    expected: float
    first_at: datetime
    last_at: datetime

    @property
    def others(self) -> int:
        """Authors who complain of anything else than this group."""
        return max(0, self.all - self.group)

    @property
    def others_both(self) -> int:
        """Of those, who complain of the symptom."""
        return min(self.others, max(0, self.symptom_all - self.both))


# --- the table ---------------------------------------------------------------------------------


def cells(counts: Iterable[FactCount]) -> list[Cell]:
    """Make the tables of all groups from counts with margins; combinations nobody told have 0.

    A product is compared with all other products; a batch, month, version, model or region with
    the rest of its product: with all of it, and with those who state another value of the kind.
    """
    table = {(row.product, row.kind, row.value, row.symptom): row for row in counts}
    symptoms: dict[str, list[str]] = {}
    groups: dict[str, list[tuple[str, str]]] = {}
    for product, kind, value, symptom in sorted(table):
        if not kind and symptom:
            symptoms.setdefault(product, []).append(symptom)
        if not symptom and (value or (product and not kind)):
            groups.setdefault(product, []).append((kind, value))
    found = []
    for product, of_product in groups.items():
        for kind, value in of_product:
            told = symptoms.get(product if kind else "", [])
            found += [_cell(table, (product, kind, value), symptom) for symptom in told]
    return found


def _cell(
    table: dict[tuple[str, str, str, str], FactCount], group: tuple[str, str, str], symptom: str
) -> Cell:
    product, kind, value = group
    base = product if kind else ""  # a product stands against all products

    def n(*key: str) -> int:
        row = table.get((key[0], key[1], key[2], key[3]))
        return row.authors if row else 0

    row = table.get((*group, symptom)) or table[(*group, "")]
    both, of_group = n(*group, symptom), n(*group, "")
    symptom_all, all_told = n(base, "", "", symptom), n(base, "", "", "")
    others = max(0, all_told - of_group)
    share = (min(others, max(0, symptom_all - both)) + 0.5) / (others + 1)
    if kind:
        # Who states no batch may have this one, and who states one at all may complain of other
        # things than who states none: the mean of the share in the whole rest of the product and
        # of the share among those who state another batch (measured in docs/adr/0021).
        stated = max(0, n(product, kind, "", "") - of_group)
        stated_both = min(stated, max(0, n(product, kind, "", symptom) - both))
        share = (share + (stated_both + _PULL * share) / (stated + _PULL)) / 2
    return Cell(
        product=product,
        kind=kind or "product",
        value=value or product,
        symptom=symptom,
        both=both,
        group=of_group,
        symptom_all=symptom_all,
        all=all_told,
        expected=of_group * share,
        first_at=row.first_at,
        last_at=row.last_at,
    )


# --- ratios ------------------------------------------------------------------------------------


def prr(both: int, group: int, others_both: int, others: int) -> Interval:
    """Return the proportional reporting ratio; with an empty cell 0.5 is added to all four."""
    a, b, c, d = _filled(both, group - both, others_both, others - others_both)
    ratio = (a / (a + b)) / (c / (c + d))
    return _interval(ratio, 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def ror(both: int, group: int, others_both: int, others: int) -> Interval:
    """Return the reporting odds ratio; with an empty cell 0.5 is added to all four."""
    a, b, c, d = _filled(both, group - both, others_both, others - others_both)
    return _interval(a * d / (b * c), 1 / a + 1 / b + 1 / c + 1 / d)


def _filled(*four: int) -> tuple[float, ...]:
    add = 0.5 if 0 in four else 0.0
    return tuple(max(0, n) + add for n in four)


def _interval(ratio: float, variance: float) -> Interval:
    width = math.exp(_Z95 * math.sqrt(max(0.0, variance)))
    return Interval(ratio, ratio / width, ratio * width)


# --- shrinking ---------------------------------------------------------------------------------


def shrink(n: int, expected: float, prior: Prior) -> Shrunken:
    """Shrink an observed count against its expected number; bounds by bisection on the mixture."""
    from scipy.special import gammainc, psi

    share = _share(n, expected, prior)
    parts = (
        (share, prior.alpha1 + n, prior.beta1 + expected),
        (1 - share, prior.alpha2 + n, prior.beta2 + expected),
    )
    ebgm = math.exp(sum(part * (float(psi(a)) - math.log(b)) for part, a, b in parts))

    def below(ratio: float) -> float:
        return sum(part * float(gammainc(a, b * ratio)) for part, a, b in parts)

    return Shrunken(ebgm, _quantile(below, 0.05, ebgm), _quantile(below, 0.95, ebgm))


def _quantile(below: Callable[[float], float], share: float, start: float) -> float:
    low, high = math.log(start) - 1, math.log(start) + 1
    while below(math.exp(low)) > share and low > -50:
        low -= 2
    while below(math.exp(high)) < share and high < 50:
        high += 2
    for _ in range(40):  # halves a width below 100 to 1e-10
        middle = (low + high) / 2
        low, high = (middle, high) if below(math.exp(middle)) < share else (low, middle)
    return math.exp((low + high) / 2)


def _share(n: int, expected: float, prior: Prior) -> float:
    """Return how likely a count came from the first part of the mixture."""
    first = math.log(prior.weight) + _log_count(n, expected, prior.alpha1, prior.beta1)
    second = math.log1p(-prior.weight) + _log_count(n, expected, prior.alpha2, prior.beta2)
    return 1 / (1 + math.exp(min(700.0, second - first)))


def _log_count(n: int, expected: float, alpha: float, beta: float) -> float:
    """Return log P(count) where the ratio is gamma distributed: a negative binomial."""
    return (
        math.lgamma(alpha + n)
        - math.lgamma(alpha)
        - math.lgamma(n + 1)
        + alpha * math.log(beta / (beta + expected))
        + n * math.log(expected / (beta + expected))
    )


def fit_prior(table: Iterable[tuple[int, float]]) -> Prior:
    """Fit the prior to (count, expected) of all cells by maximum likelihood; FIXED for few cells.

    A pattern search over the logarithms from DuMouchel's starting values: for five numbers it needs
    no derivative, and the same table gives the same prior everywhere.
    """
    import numpy as np
    from scipy.special import gammaln

    pairs = [(n, e) for n, e in table if e > 0]
    if len(pairs) < FEW_CELLS:
        return FIXED
    unique, times = np.unique(np.array(pairs, dtype=float), axis=0, return_counts=True)
    n, e = unique[:, 0], unique[:, 1]
    different, which = np.unique(n, return_inverse=True)

    def loss(at: Sequence[float]) -> float:
        prior = _prior(at)

        parts = [
            gammaln(alpha + different)[which]
            - (alpha + n) * np.log(beta + e)
            + (math.log(weight) - math.lgamma(alpha) + alpha * math.log(beta))
            for weight, alpha, beta in (
                (prior.weight, prior.alpha1, prior.beta1),
                (1 - prior.weight, prior.alpha2, prior.beta2),
            )
        ]
        return -float(np.sum(times * np.logaddexp(*parts)))

    start = [math.log(one) for one in FIXED[:4]] + [math.log(FIXED.weight / (1 - FIXED.weight))]
    return _prior(_search(loss, start))


_BOUNDS = (math.log(0.02), math.log(50.0))  # of gamma parameters; outside, nothing is told apart
_FINE = 0.04  # of a logarithm: ratios move by less than 1 % between such neighbours
_ODDS = 4.6  # a part of the mixture keeps at least 1 %


def _prior(at: Sequence[float]) -> Prior:
    alpha1, beta1, alpha2, beta2 = (
        math.exp(min(_BOUNDS[1], max(_BOUNDS[0], one))) for one in at[:4]
    )
    odds = min(_ODDS, max(-_ODDS, at[4]))
    return Prior(alpha1, beta1, alpha2, beta2, 1 / (1 + math.exp(-odds)))


def _search(loss: Callable[[Sequence[float]], float], at: list[float]) -> list[float]:
    """Walk downhill along one axis at a time; the step halves where no way leads down."""
    best, step = loss(at), 0.8
    while step > _FINE:
        moved = False
        for axis in range(len(at)):
            for way in (step, -step):
                trial = [*at]
                trial[axis] += way
                tried = loss(trial)
                if tried < best - 1e-9:
                    at, best, moved = trial, tried, True
                    break
        if not moved:
            step /= 2
    return at


# --- signals -----------------------------------------------------------------------------------


def signals(counts: Iterable[FactCount], brand_id: BrandId) -> tuple[BatchSignal, ...]:
    """Return the signals in a brand's counts, strongest (EB05) first."""
    table = cells(counts)
    if not any(_may_signal(cell) for cell in table):
        return ()
    prior = fit_prior((cell.both, cell.expected) for cell in table)
    found = [signal for cell in table if (signal := _signal(cell, prior, brand_id)) is not None]
    return tuple(
        sorted(
            found,
            key=lambda one: (-one.eb05, one.product, KINDS.index(one.kind), one.value, one.symptom),
        )
    )


def _may_signal(cell: Cell) -> bool:
    return (
        cell.both >= MIN_AUTHORS
        and cell.others >= MIN_OTHERS
        and cell.both > MIN_RATIO * cell.expected
    )


def _signal(cell: Cell, prior: Prior, brand_id: BrandId) -> BatchSignal | None:
    if not _may_signal(cell):
        return None
    shrunken = shrink(cell.both, cell.expected, prior)
    if shrunken.eb05 < MIN_RATIO:
        return None
    four = (cell.both, cell.group, cell.others_both, cell.others)
    proportional, odds = prr(*four), ror(*four)
    return BatchSignal(
        brand_id=brand_id,
        product=cell.product,
        kind=cell.kind,
        value=cell.value,
        symptom=cell.symptom,
        both=cell.both,
        group=cell.group,
        symptom_all=cell.both + cell.others_both,
        all=cell.group + cell.others,
        prr=proportional.value,
        prr_low=proportional.low,
        prr_high=proportional.high,
        ror=odds.value,
        ror_low=odds.low,
        ror_high=odds.high,
        ebgm=shrunken.ebgm,
        eb05=shrunken.eb05,
        eb95=shrunken.eb95,
        first_at=cell.first_at,
        last_at=cell.last_at,
    )


# --- words -------------------------------------------------------------------------------------

_GROUP_ZH = {
    "batch": "{} 批次",
    "month": "{} 生产批次",
    "version": "版本 {}",
    "model": "型号 {}",
    "region": "{}地区",
    "product": "",
}


GROUP_NAMES = {
    "batch": "批次",
    "month": "生产月份",
    "version": "版本",
    "model": "型号",
    "region": "地区",
    "product": "产品",
}


def group_words(signal: BatchSignal) -> str:
    """Name the group: 「拾光壶」2026-03 批次."""
    product = f"「{signal.name or signal.product}」"
    return product + _GROUP_ZH[signal.kind].format(signal.value)


def signal_words(signal: BatchSignal) -> str:
    """Say a signal in one line with its evidence."""
    rest, rest_all = signal.symptom_all - signal.both, signal.all - signal.group
    told, rest_of = ("该产品", "其他产品") if signal.kind == "product" else ("该组", "同款其余")
    return (
        f"{group_words(signal)}：{signal.symptom} {signal.both} 起 / {told} {signal.group} 起，"
        f"{rest_of} {rest}/{rest_all}，"
        f"EBGM {signal.ebgm:.1f}（下限 {signal.eb05:.1f}）"
    )


def raising(found: Iterable[BatchSignal], authors: int) -> BatchSignal | None:
    """Return the strongest signal that may set a level, None without one.

    `authors`: how many people wrote of it within seven days; what was said before pages nobody.
    """
    if authors < MIN_AUTHORS:
        return None
    return next((one for one in found if one.kind in RAISING), None)


def telling(found: Iterable[BatchSignal], limit: int) -> tuple[BatchSignal, ...]:
    """Return the strongest signals, of each product × symptom × kind one, at most `limit`."""
    first: dict[tuple[str, str, str], BatchSignal] = {}
    for one in found:
        first.setdefault((one.product, one.symptom, one.kind), one)
    return tuple(first.values())[:limit]
