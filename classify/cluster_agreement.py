"""Found and true clusters of the same rows in; how well they agree, and how sure that is, out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLED = 1000  # bootstrap draws: the ends of a 90 % interval are steady to the third decimal
_SEED = 5  # the same rows give the same interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well found clusters agree with true ones."""

    clusters: int
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    v_measure: float
    ari: float
    best_match_f1: float  # macro, over true clusters of 2 or more


def harmonic(left: float, right: float) -> float:
    """Return the harmonic mean, 0.0 of two zeros."""
    return 2 * left * right / (left + right) if left + right else 0.0


def _entropy(sizes: Sequence[int], n: int) -> float:
    return -sum(size / n * math.log(size / n) for size in sizes)


def _pairs(size: int) -> float:
    return size * (size - 1) / 2


def agreement(found: Sequence[str], truth: Sequence[str]) -> Agreement:
    """Compare two labellings of the same rows; linear in rows.

    Source: BCubed (Bagga and Baldwin 1998), V-measure (Rosenberg and Hirschberg 2007, equal to NMI
    with the arithmetic mean), adjusted Rand index (Hubert and Arabie 1985).
    """
    n = len(found)
    if not n:
        return Agreement(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    in_found, in_truth = Counter(found), Counter(truth)
    joint = Counter(zip(found, truth, strict=True))
    precision = sum(v * v / in_found[f] for (f, _), v in joint.items()) / n
    recall = sum(v * v / in_truth[t] for (_, t), v in joint.items()) / n
    mutual = sum(
        v / n * math.log(v * n / (in_found[f] * in_truth[t])) for (f, t), v in joint.items()
    )
    entropies = _entropy(list(in_found.values()), n) + _entropy(list(in_truth.values()), n)
    both = sum(_pairs(v) for v in joint.values())
    left = sum(_pairs(v) for v in in_found.values())
    right = sum(_pairs(v) for v in in_truth.values())
    chance = left * right / _pairs(n) if n > 1 else 0.0
    room = (left + right) / 2 - chance
    best: dict[str, float] = {}
    for (f, t), v in joint.items():
        best[t] = max(best.get(t, 0.0), 2 * v / (in_found[f] + in_truth[t]))
    several = [best[t] for t, size in in_truth.items() if size > 1]
    return Agreement(
        clusters=len(in_found),
        bcubed_precision=precision,
        bcubed_recall=recall,
        bcubed_f1=harmonic(precision, recall),
        v_measure=2 * mutual / entropies if entropies else 1.0,
        ari=(both - chance) / room if room else 1.0,
        best_match_f1=sum(several) / len(several) if several else 1.0,
    )


@dataclass(frozen=True, slots=True)
class Shares:
    """What each true cluster adds to the figures, so that true clusters can be drawn again.

    One row a true cluster, float64 [n, 5]: rows, sum of BCubed precision, sum of BCubed recall,
    1 when it has several rows, best-match F1 of those (else 0).
    """

    of_cluster: NDArray[np.float64]

    @property
    def several(self) -> int:
        """How many true clusters have two rows or more."""
        return int(self.of_cluster[:, 3].sum())

    def drawn(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (BCubed F1, best-match F1, their mean) [m, 3] for weights of true clusters [m, n].

        The mean is what thresholds are chosen by: BCubed alone is lifted by what stands alone,
        best-match alone does not see wrong joins of singles.
        """
        rows, precise, recalled, several, best = (weights @ self.of_cluster).T
        with np.errstate(divide="ignore", invalid="ignore"):
            p, r = precise / rows, recalled / rows
            bcubed = np.nan_to_num(2 * p * r / (p + r))
            matched = np.where(several > 0, best / several, bcubed)
        return np.stack((bcubed, matched, (bcubed + matched) / 2), axis=1)

    def figures(self) -> NDArray[np.float64]:
        """Return (BCubed F1, best-match F1, their mean) of all rows as they are."""
        found: NDArray[np.float64] = self.drawn(np.ones((1, len(self.of_cluster))))[0]
        return found


def shares_of(
    found: Sequence[str], truth: Sequence[str], judged: Collection[str] | None = None
) -> Shares:
    """Return what each true cluster adds; only those `judged` count (None: all), among all rows."""
    in_found, in_truth = Counter(found), Counter(truth)
    rows: dict[str, list[float]] = {
        t: [size, 0.0, 0.0, float(size > 1), 0.0]
        for t, size in in_truth.items()
        if judged is None or t in judged
    }
    for (f, t), v in Counter(zip(found, truth, strict=True)).items():
        one = rows.get(t)
        if one is None:
            continue
        one[1] += v * v / in_found[f]
        one[2] += v * v / in_truth[t]
        if one[3]:
            one[4] = max(one[4], 2 * v / (in_found[f] + in_truth[t]))
    return Shares(np.array([rows[t] for t in sorted(rows)], dtype=np.float64).reshape(-1, 5))


def resampled(n: int, draws: int = RESAMPLED) -> NDArray[np.float64]:
    """Return how often each of `n` true clusters is drawn, [draws, n]; the same at every call."""
    chance = np.random.default_rng(_SEED)
    return chance.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends between which nine of ten of the values lie."""
    if not len(values):
        return 0.0, 0.0
    low, high = np.quantile(values, (0.05, 0.95))
    return float(low), float(high)
