"""Labelled sources in, the adapter that needs no labels out: what training calls.

Each source is scored by a model that did not know it. As it is, and resampled to other shares of
negatives and other sizes, it tells three figures of its scores and the shift that would have been
right; ridge regression learns the one from the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.adapting import MINIMUM_TEXTS, Adapter, Line, summary
from classify.adapting_words import Cells, learn

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Points = NDArray[np.float64]

_SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)  # of negatives, that each source is resampled to
_SIZES = (500, 2_000)
_NATURAL = 6_000  # texts at most of a source as it is
_NATURAL_WEIGHT = 3.0  # of a source as it is, against one of its resamplings
_STRENGTH = 0.3  # of the ridge penalty, per unit of weight; .1 and .3 differ by .002 macro-F1
_FIRMNESS = 0.1  # of the penalty that keeps a calibration at slope 1, shift 0
# Of the shift that the line makes out, only so much is followed: all of it wins .001 calibration
# error at most and costs .006 macro-F1 (.025 where most talk is neutral).
_FOLLOWED = 0.5
_RIGHT_SLOPES = (0.2, 5.0)
_RIGHT_SHIFTS = (-4.0, 3.0)  # what lies beyond would pull the regression


@dataclass(frozen=True, slots=True)
class LabelledSource:
    """One source: log-odds from a model that never saw it, labels, and the n-grams of its texts."""

    log_odds: Floats
    labels: Bools
    cells: Cells

    def part(self, chosen: NDArray[np.int64]) -> LabelledSource:
        """Return the chosen texts, in the order given."""
        place = np.full(len(self.labels), -1)
        place[chosen] = np.arange(len(chosen))
        row = place[self.cells.row]
        inside = row >= 0
        order = np.argsort(row[inside], kind="stable")
        cells = Cells(row[inside][order], self.cells.bucket[inside][order], len(chosen))
        return LabelledSource(self.log_odds[chosen], self.labels[chosen], cells)


def plain_points(source: LabelledSource) -> Points:
    """Return figures, right shift and weight of a source and its resamplings. Shape: n × 5.

    Empty where the source is too small or holds one class only.
    """
    found = [
        (*summary(part.log_odds), right_shift(part.log_odds, part.labels), weight)
        for part, weight in _parts(source)
    ]
    return np.array(found).reshape(-1, 5)


def worded_points(source: LabelledSource, plain: Line) -> Points:
    """Return the same of the scores that the source's own words have corrected."""
    found = []
    for part, weight in _parts(source):
        learned = learn(part.cells, part.log_odds, plain.shift(part.log_odds))
        if learned is not None:
            corrected = part.log_odds + learned[1]
            found.append((*summary(corrected), right_shift(corrected, part.labels), weight))
    return np.array(found).reshape(-1, 5)


def fit_line(points: Sequence[Points]) -> Line:
    """Fit a line to the points of several sources; without any it shifts nothing."""
    table = np.concatenate([np.zeros((0, 5)), *points])
    if not len(table):
        return Line()
    features, wanted, weight = table[:, :3], _FOLLOWED * table[:, 3], table[:, 4]
    scale = features.std(axis=0) + 1e-9
    centre = (features * weight[:, None]).sum(axis=0) / weight.sum()
    middle = float((wanted * weight).sum() / weight.sum())
    design = (features - centre) / scale
    penalty = _STRENGTH * weight.sum() * np.eye(3)
    solved = np.linalg.solve(
        design.T @ (design * weight[:, None]) + penalty, design.T @ (weight * (wanted - middle))
    )
    slopes = solved / scale
    rounded = [round(float(value), 5) for value in (middle - slopes @ centre, *slopes)]
    return Line(*rounded)


def fit_adapter(plain: Sequence[Points], worded: Sequence[Points]) -> Adapter:
    """Fit the adapter to the points of labelled sources."""
    return Adapter(fit_line(plain), fit_line(worded))


def right_shift(log_odds: Floats, labels: Bools) -> float:
    """Return the shift that belongs to the logistic calibration of these scores (Platt 1999).

    Its slope is fitted beside it. Scores that separate badly (slope under 1) want a gentler shift
    than the share of negatives alone would give; where they separate better than they say, only
    the place where the calibrated probability is one half is taken over.
    """
    design = np.column_stack((log_odds, np.ones(len(log_odds))))
    solved = np.array([1.0, 0.0])
    for _ in range(30):  # Newton steps; ten are enough
        said = 1 / (1 + np.exp(-np.clip(design @ solved, -30, 30)))
        slope = design.T @ (said - labels) + _FIRMNESS * (solved - (1.0, 0.0))
        curve = (design * (said * (1 - said))[:, None]).T @ design + _FIRMNESS * np.eye(2)
        solved = solved - np.linalg.solve(curve, slope)
        solved[0] = np.clip(solved[0], *_RIGHT_SLOPES)
    return float(np.clip(solved[1] / max(solved[0], 1.0), *_RIGHT_SHIFTS))


def _parts(source: LabelledSource) -> Iterator[tuple[LabelledSource, float]]:
    """Give a source as it is and at other shares and sizes, each with its weight."""
    negative, other = np.flatnonzero(source.labels), np.flatnonzero(~source.labels)
    if len(source.labels) < MINIMUM_TEXTS or not len(negative) or not len(other):
        return
    chance = np.random.default_rng(0)
    yield source.part(_some(np.arange(len(source.labels)), _NATURAL, chance)), _NATURAL_WEIGHT
    for most in _SIZES:
        for share in _SHARES:
            size = min(len(negative) / share, len(other) / (1 - share), most)
            chosen = np.concatenate(
                (
                    _some(negative, int(size * share), chance),
                    _some(other, int(size * (1 - share)), chance),
                )
            )
            if len(chosen) >= MINIMUM_TEXTS:
                yield source.part(chance.permutation(chosen)), 1.0


def _some(places: NDArray[np.int64], size: int, chance: np.random.Generator) -> NDArray[np.int64]:
    return chance.choice(places, min(size, len(places)), replace=False)
