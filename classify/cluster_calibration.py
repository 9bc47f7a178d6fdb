"""Mentions of known issues in; from which likeness on they should go together, and why, out.

Each threshold is tried in one pass of the engine over all rows in time order. It is chosen by the
earlier rows, drawn back to the present one where these are few, and must prove itself on the later
rows. docs/adr/0027-evaluation.md says how the constants were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classify.cluster_agreement import Shares, agreement, interval, resampled, shares_of
from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.recall import Ledger
from classify.segment import segment
from classify.text import rewrite
from classify.vectors import Background, split_fields
from storage.records import BrandId, Mention, ShardId, Verdict

Reason = Literal["too_few", "no_gain", "raise", "lower"]
Setting = Literal["complaint", "complaint_merge", "post", "post_merge"]

SETTINGS: tuple[Setting, ...] = ("complaint", "complaint_merge", "post", "post_merge")
EARLIER = 0.6  # of the rows choose, the rest check
LEAST_EARLIER, LEAST_LATER = 10, 5  # issues of two rows or more; fewer say nothing
DRAWN_BACK = 20  # issues at which a threshold moves half of the way: chosen by 20 it is half chance
LEAST_STEP = 0.015  # less than two hundredths changes a handful of rows: not worth a file
JOINING = (-0.09, -0.06, -0.03, 0.03, 0.06, 0.09)  # beside the present value
MERGING = (-0.10, -0.05, 0.05, 0.10)
STEP, FURTHER = 0.06, 4  # beyond these, while the best lies at an end of what was tried
_LOWEST, _HIGHEST = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Sample:
    """A mention and the issue it tells of. `is_judged`: a person said so, or a label does."""

    shard_id: ShardId
    mention: Mention
    verdict: Verdict
    truth: str
    is_judged: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """What one threshold gave: on the earlier rows, with an interval, and on the later ones.

    The ends hold nine of ten drawings of the true issues; `worth` is the mean of BCubed F1 and
    best-match F1, by which thresholds are chosen.
    """

    value: float
    bcubed_f1: float
    bcubed_low: float
    bcubed_high: float
    best_match_f1: float
    ari: float
    worth: float
    later_bcubed_f1: float
    later_best_match_f1: float
    later_ari: float
    later_worth: float


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one setting. `gain` is in worth, on the later rows; its ends on all rows."""

    setting: Setting
    present: float
    best: float  # on the earlier rows
    advised: float
    reason: Reason
    issues: int  # of two rows or more, in the earlier part
    later_issues: int
    gain: float
    gain_low: float
    gain_high: float
    tried: tuple[Tried, ...]

    @property
    def pays(self) -> bool:
        """Say whether the setting should change."""
        return self.reason in {"raise", "lower"}


@dataclass(frozen=True, slots=True)
class _Run:
    earlier: Shares
    later: Shares
    tried: Tried


def score_of(rules: Rules, setting: Setting) -> float:
    """Return what a setting is by these rules."""
    match setting:
        case "complaint":
            return rules.complaint_score
        case "complaint_merge":
            return rules.complaint_merge
        case "post":
            return rules.post_score
        case "post_merge":
            return rules.post_merge


def with_score(rules: Rules, setting: Setting, value: float) -> Rules:
    """Return the rules with another value of a setting."""
    match setting:
        case "complaint":
            return replace(rules, complaint_score=value)
        case "complaint_merge":
            return replace(rules, complaint_merge=value)
        case "post":
            return replace(rules, post_score=value)
        case "post_merge":
            return replace(rules, post_merge=value)


def kind_of(mention: Mention) -> Literal["complaint", "post"]:
    """Return whose threshold holds for a mention."""
    fields = split_fields(rewrite(mention.title), rewrite(mention.text))
    return "complaint" if fields.is_complaint else "post"


def in_time_order(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples as they came; equal times keep their order."""
    return sorted(samples, key=lambda one: one.mention.observed_at)


def runs_of(settings: Sequence[Setting]) -> int:
    """Return how many passes at most the settings take."""
    return sum(len(_offsets(one)) + 2 + FURTHER for one in settings)


def calibrate(
    samples: Sequence[Sample],
    rules: Rules,
    settings: Sequence[Setting] = SETTINGS,
    advance: Callable[[], object] = lambda: None,
) -> list[Advice]:
    """Try thresholds around those of `rules`, one setting after the other; advise on each.

    `advance` is called after every pass. Settings of a kind of which there is too little are
    answered without a pass.
    """
    ordered = in_time_order(samples)
    found = []
    for setting in settings:
        advice = _Sweep(ordered, rules, setting, advance).advise()
        if advice.pays:
            rules = with_score(rules, setting, advice.advised)
        found.append(advice)
    return found


class _Sweep:
    """One setting, tried on the same samples."""

    def __init__(
        self,
        samples: Sequence[Sample],
        rules: Rules,
        setting: Setting,
        advance: Callable[[], object],
    ) -> None:
        self._samples, self._rules, self._setting = samples, rules, setting
        self._advance = advance
        self._present = score_of(rules, setting)
        self._border = int(len(samples) * EARLIER)
        self._truth = [one.truth for one in samples]
        self._judged = _of_kind(samples, setting)
        self._runs: dict[float, _Run] = {}

    def advise(self) -> Advice:
        border = self._border
        shapes = (
            shares_of(part, part, self._judged)
            for part in (self._truth[:border], self._truth[border:])
        )
        issues, later_issues = (one.several for one in shapes)
        made = partial(
            Advice, self._setting, self._present, issues=issues, later_issues=later_issues
        )
        if issues < LEAST_EARLIER or later_issues < LEAST_LATER:
            return made(
                best=self._present, advised=self._present, reason="too_few",
                gain=0.0, gain_low=0.0, gain_high=0.0, tried=(),
            )  # fmt: skip
        best = self._best()
        advised = drawn_back(self._present, best, issues)
        gain, low, high = self._gain(advised)
        reason = decide(self._present, advised, gain, low)
        return made(
            best=best,
            advised=advised if reason in {"raise", "lower"} else self._present,
            reason=reason,
            gain=gain,
            gain_low=low,
            gain_high=high,
            tried=tuple(self._runs[value].tried for value in sorted(self._runs)),
        )

    def _best(self) -> float:
        """Return what was best on the earlier rows; of equal ones that nearest to the present.

        While the best lies at an end of what was tried, one further step is tried.
        """
        values = [self._present]
        for offset in _offsets(self._setting):
            values += self._within(self._present + offset)
        best = self._best_of(values)
        for _ in range(FURTHER):
            if best == self._present or best not in {min(values), max(values)}:
                break
            further = self._within(best + (STEP if best > self._present else -STEP))
            if not further:
                break
            values += further
            best = self._best_of(values)
        return best

    def _within(self, value: float) -> list[float]:
        return [round(value, 3)] if _LOWEST <= value <= _HIGHEST else []

    def _best_of(self, values: Sequence[float]) -> float:
        worth = {value: round(self._run(value).tried.worth, 4) for value in values}
        return min(values, key=lambda value: (-worth[value], abs(value - self._present), value))

    def _gain(self, advised: float) -> tuple[float, float, float]:
        """Return the gain in worth on the later rows, and its interval over all rows."""
        if abs(advised - self._present) < LEAST_STEP:
            return 0.0, 0.0, 0.0
        now, then = self._run(self._present), self._run(advised)
        gain = float(then.later.figures()[2] - now.later.figures()[2])
        drawn = [_differences(now.earlier, then.earlier), _differences(now.later, then.later)]
        rows = [part.of_cluster[:, 0].sum() for part in (now.earlier, now.later)]
        low, high = interval(np.average(drawn, axis=0, weights=rows))
        return round(gain, 4), round(low, 4), round(high, 4)

    def _run(self, value: float) -> _Run:
        if value not in self._runs:
            rules = with_score(self._rules, self._setting, value)
            before, after = _gather(self._samples, rules, self._border)
            self._runs[value] = self._judge(value, before, after[self._border :])
            self._advance()
        return self._runs[value]

    def _judge(self, value: float, before: list[str], after: list[str]) -> _Run:
        border, judged = self._border, self._judged
        earlier = shares_of(before, self._truth[:border], judged)
        later = shares_of(after, self._truth[border:], judged)
        bcubed, matched, worth = earlier.figures().tolist()
        low, high = interval(earlier.drawn(resampled(len(earlier.of_cluster)))[:, 0])
        later_bcubed, later_matched, later_worth = later.figures().tolist()
        numbers = (
            bcubed, low, high, matched, _ari(before, self._truth[:border], judged), worth,
            later_bcubed, later_matched, _ari(after, self._truth[border:], judged), later_worth,
        )  # fmt: skip
        return _Run(earlier, later, Tried(value, *(round(one, 4) for one in numbers)))


def _offsets(setting: Setting) -> tuple[float, ...]:
    return MERGING if setting.endswith("_merge") else JOINING


def _of_kind(samples: Sequence[Sample], setting: Setting) -> frozenset[str]:
    """Return the judged issues whose rows are mostly of the kind that a setting holds for."""
    votes: Counter[str] = Counter()
    wanted = setting.removesuffix("_merge")
    for one in samples:
        if one.is_judged:
            votes[one.truth] += 1 if kind_of(one.mention) == wanted else -1
    return frozenset(truth for truth, vote in votes.items() if vote > 0)


def drawn_back(present: float, best: float, issues: int) -> float:
    """Return how far a threshold moves towards the best of a sample, rounded to a hundredth.

    By issues / (issues + 20): the mean of a prior that weighs as much as 20 issues.
    """
    return round(present + (best - present) * issues / (issues + DRAWN_BACK), 2)


def decide(present: float, advised: float, gain: float, low: float) -> Reason:
    """Say whether a change pays: better on the later rows, and surely better over all rows."""
    if abs(advised - present) < LEAST_STEP or gain <= 0 or low <= 0:
        return "no_gain"
    return "raise" if advised > present else "lower"


def _differences(now: Shares, then: Shares) -> NDArray[np.float64]:
    weights = resampled(len(now.of_cluster))
    found: NDArray[np.float64] = then.drawn(weights)[:, 2] - now.drawn(weights)[:, 2]
    return found


def _ari(found: Sequence[str], truth: Sequence[str], judged: frozenset[str]) -> float:
    pairs = [(f, t) for f, t in zip(found, truth, strict=True) if t in judged]
    return agreement([f for f, _ in pairs], [t for _, t in pairs]).ari


def _gather(samples: Sequence[Sample], rules: Rules, border: int) -> tuple[list[str], list[str]]:
    """Return where the samples before `border` were when it was reached, and all at the end."""
    shards: dict[ShardId, tuple[Shard, Ledger]] = {}
    before: list[str] = []
    for number, one in enumerate(samples):
        if number == border:
            before = _homes(samples[:border], shards)
        if one.shard_id not in shards:
            brand, _, language = one.shard_id.rpartition("/")
            ledger = Ledger(one.shard_id, BrandId(brand))
            shard = Shard.restore(ledger.state(), rules, Background.load(language), segment=segment)
            shards[one.shard_id] = (shard, ledger)
        shard, ledger = shards[one.shard_id]
        items = ((one.mention, one.verdict),)
        ledger.save(shard.gather(items, one.mention.observed_at, ledger), items)
    return before, _homes(samples, shards)


def _homes(samples: Sequence[Sample], shards: dict[ShardId, tuple[Shard, Ledger]]) -> list[str]:
    return [str(shards[one.shard_id][1].homes[one.mention.mention_id]) for one in samples]
