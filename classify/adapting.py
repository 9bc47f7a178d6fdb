"""Scores of one unlabelled source in, the shift that fits them to that source out.

Where most talk is neutral, scores crowd near the middle and a fixed threshold calls too much
negative; where reviews praise or damn, they spread and it calls too little. So the spread of a
source's unlabelled scores, and their mean, tell how far they are off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MINIMUM_TEXTS = 50  # fewer say nothing about a source
# No estimate moves scores farther (log-odds). Upward hardly at all: among left-out domains that
# won .06 macro-F1 once and cost up to .12.
_LOWEST, _HIGHEST = -2.5, 0.5
_CLIPPED = 8.0  # log-odds beyond say nothing more
_SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)  # of negatives, that each domain is resampled to
_RESAMPLED = 2000
_NATURAL_WEIGHT = 3.0  # of a domain as it is, against one of its resamplings
_STRENGTH = 0.3  # of the ridge penalty, per unit of weight; .02 to .3 differ by .005 macro-F1


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What was estimated for a source: its share of negatives and the shift of its log-odds."""

    share: float
    shift: float


@dataclass(frozen=True, slots=True)
class Adapter:
    """Estimates the shift of a source: intercept + spread × log(deviation) + mean × log-odds(mean).

    Fitted by ridge regression over the domains of the training sets, each scored by a model that
    did not know it, as it is and resampled to other shares of negatives. The EM of Saerens,
    Latinne and Decaestecker 2002 was measured first and left (docs/adr/0009-unlabelled-source.md):
    it takes a domain's different wording for a different share and runs off with it.
    """

    intercept: float = 0.0
    spread: float = 0.0
    mean: float = 0.0

    @classmethod
    def of(cls, saved: Mapping[str, float]) -> Adapter:
        """Return the adapter that a model card holds."""
        return cls(saved["intercept"], saved["spread"], saved["mean"])

    def estimate(self, log_odds: Floats) -> Adaptation:
        """Estimate the shift for the scores of one source; fewer than MINIMUM_TEXTS: no shift."""
        if len(log_odds) < MINIMUM_TEXTS:
            return Adaptation(float(_sigmoid(log_odds).mean()) if len(log_odds) else 0.5, 0.0)
        spread, mean = _summary(log_odds)
        wanted = self.intercept + self.spread * spread + self.mean * mean
        shift = float(np.clip(wanted, _LOWEST, _HIGHEST))
        return Adaptation(float(_sigmoid(log_odds + shift).mean()), shift)


def fit_adapter(sources: Sequence[tuple[Floats, Bools]]) -> Adapter:
    """Fit the adapter on labelled sources, each (log-odds from a model that never saw it, labels).

    Sources without both classes are left out; without any the adapter shifts nothing.
    """
    points = [point for log_odds, labels in sources for point in _points(log_odds, labels)]
    if not points:
        return Adapter()
    table = np.array(points)
    features, wanted, weight = table[:, :2], table[:, 2], table[:, 3]
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    design = np.column_stack(((features - centre) / scale, np.ones(len(table))))
    penalty = np.diag([_STRENGTH, _STRENGTH, 0.0]) * weight.sum()
    solved = np.linalg.solve(
        design.T @ (design * weight[:, None]) + penalty, design.T @ (weight * wanted)
    )
    slopes = solved[:2] / scale
    intercept = float(solved[2] - slopes @ centre)
    return Adapter(round(intercept, 5), round(float(slopes[0]), 5), round(float(slopes[1]), 5))


def _points(log_odds: Floats, labels: Bools) -> list[tuple[float, float, float, float]]:
    """Return (spread, mean, right shift, weight) of a source and of its resamplings."""
    negative, other = np.flatnonzero(labels), np.flatnonzero(~labels)
    if len(log_odds) < MINIMUM_TEXTS or not len(negative) or not len(other):
        return []
    chance = np.random.default_rng(0)
    points = [_point(log_odds, labels, _NATURAL_WEIGHT)]
    for share in _SHARES:
        size = min(len(negative) / share, len(other) / (1 - share), _RESAMPLED)
        chosen = np.concatenate(
            (
                chance.choice(negative, int(size * share), replace=False),
                chance.choice(other, int(size * (1 - share)), replace=False),
            )
        )
        if len(chosen) >= MINIMUM_TEXTS:
            points.append(_point(log_odds[chosen], labels[chosen], 1.0))
    return points


def _point(log_odds: Floats, labels: Bools, weight: float) -> tuple[float, float, float, float]:
    spread, mean = _summary(log_odds)
    return spread, mean, _right_shift(log_odds, labels), weight


def _right_shift(log_odds: Floats, labels: Bools) -> float:
    """Return the shift at which the mean probability equals the share of negatives, by bisection.

    Cut to ±3: what lies beyond would pull the regression.
    """
    share = float(np.clip(labels.mean(), 0.02, 0.98))
    low, high = -3.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        if _sigmoid(log_odds + middle).mean() < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _summary(log_odds: Floats) -> tuple[float, float]:
    clipped = np.clip(log_odds, -_CLIPPED, _CLIPPED)
    mean = float(np.clip(_sigmoid(clipped).mean(), 0.02, 0.98))
    return float(np.log(clipped.std() + 1e-3)), float(np.log(mean / (1 - mean)))


def _sigmoid(log_odds: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -40, 40)))
    return result
