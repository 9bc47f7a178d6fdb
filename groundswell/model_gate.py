"""May new weights take over? Answers of the old and the new model in, a ruling with its reason out.

Pure. Promoted is what is better on labels of this installation that trained neither model, by more
than chance, and not worse on the rows that come with the program, which know other texts than ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the gate asks for. Judgement: chance among a few dozen labels moves F1 by some points.

    `draws` of the bootstrap put 25 means outside each end of the interval of 90 % by thousands;
    the interval's lower end above zero is a one-sided test at 5 %.
    """

    labels: int = 30
    labels_each: int = 5  # of the two most frequent answers
    own_f1: float = 0.02  # macro-F1 that may be lost on own labels although the loss falls
    shipped_f1: float = 0.01
    draws: int = 2000
    seed: int = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What two models said of the same rows, and what is true.

    Shape: one entry per row. Losses are log-losses; rows of one group are drawn together.
    """

    truth: Sequence[str]
    old: Sequence[str]
    new: Sequence[str]
    old_loss: Floats
    new_loss: Floats
    groups: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether new weights may take over, why, and the figures behind it.

    `reason`: "better", "too_few_labels", "not_better", "fewer_right" or "worse_on_shipped". `gain`
    is the mean fall of the log-loss on own labels, with its 90 % interval (paired bootstrap).
    """

    reason: str
    labels: int
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    own_f1: tuple[float, float] | None = None  # of the old and the new model
    shipped_f1: tuple[float, float] = (0.0, 0.0)
    shipped_rows: int = 0

    @property
    def promotes(self) -> bool:
        """Whether the new weights may take over."""
        return self.reason == "better"


def rule(own: Answers, shipped: Answers, limits: Limits | None = None) -> Ruling:
    """Decide. The first reason that speaks against the new weights is named."""
    asked = limits or Limits()
    shipped_f1 = (macro_f1(shipped.truth, shipped.old), macro_f1(shipped.truth, shipped.new))
    ruling = Ruling(
        reason="too_few_labels",
        labels=len(own.truth),
        shipped_f1=shipped_f1,
        shipped_rows=len(shipped.truth),
    )
    if _too_few(own.truth, asked):
        return ruling
    gain, low, high = bootstrap(own.old_loss - own.new_loss, own.groups, asked.draws, asked.seed)
    own_f1 = (macro_f1(own.truth, own.old), macro_f1(own.truth, own.new))
    if low <= 0:
        reason = "not_better"
    elif own_f1[1] < own_f1[0] - asked.own_f1:
        reason = "fewer_right"
    elif shipped_f1[1] < shipped_f1[0] - asked.shipped_f1:
        reason = "worse_on_shipped"
    else:
        reason = "better"
    return replace(ruling, reason=reason, gain=gain, gain_low=low, gain_high=high, own_f1=own_f1)


def bootstrap(gains: Floats, groups: Ints, draws: int, seed: int) -> tuple[float, float, float]:
    """Return the mean gain and its 90 % interval, whole groups drawn with replacement.

    Source: the percentile bootstrap of Efron 1979 over clusters of rows.
    """
    _, place = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(place, weights=gains), np.bincount(place)
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
    means = (drawn @ sums) / (drawn @ sizes)
    low, high = np.quantile(means, (0.05, 0.95))
    return round(float(gains.mean()), 4), round(float(low), 4), round(float(high), 4)


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Return the mean F1 over the answers that are true of some row."""
    figures = []
    for answer in sorted(set(truth)):
        both = sum(a == b == answer for a, b in zip(truth, said, strict=True))
        stated = sum(a == answer for a in truth) + sum(b == answer for b in said)
        figures.append(2 * both / stated)
    return round(sum(figures) / len(figures), 4) if figures else 0.0


def _too_few(truth: Sequence[str], asked: Limits) -> bool:
    counts = sorted((truth.count(answer) for answer in set(truth)), reverse=True)
    return len(truth) < asked.labels or len(counts) < 2 or counts[1] < asked.labels_each
