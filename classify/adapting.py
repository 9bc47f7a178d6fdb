"""Scores of one unlabelled source in, the same scores fitted to that source's share of negatives.

A model trained where half of the texts are negative says "negative" too often where a tenth is.
The share can be estimated from the scores alone, without a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MINIMUM_TEXTS = 50  # fewer say nothing about a share
_ROUNDS = 200
_CLOSE_ENOUGH = 1e-6
_LEAST, _MOST = 0.02, 0.98  # the estimate never leaves this range
# The training share counts like this many texts of the source, so that a small source, or one whose
# scores say little, stays near it.
_PRIOR_TEXTS = 20.0


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What was estimated: the share of negatives and the shift of every text's log-odds."""

    share: float
    shift: float
    rounds: int


def estimate(log_odds: Floats, trained_share: float) -> Adaptation:
    """Estimate the share of negatives of the source whose scores these are.

    Source: the EM of Saerens, Latinne and Decaestecker 2002 (Neural Computation 14:21-41), with a
    Beta prior on the share as guard. Fewer than MINIMUM_TEXTS scores leave everything as it is.
    """
    if len(log_odds) < MINIMUM_TEXTS:
        return Adaptation(trained_share, 0.0, 0)
    base = _logit(trained_share)
    share = trained_share
    rounds, moved = 0, 1.0
    while moved > _CLOSE_ENOUGH and rounds < _ROUNDS:
        rounds += 1
        expected = _sigmoid(log_odds + _logit(share) - base)
        refined = (expected.sum() + _PRIOR_TEXTS * trained_share) / (len(log_odds) + _PRIOR_TEXTS)
        refined = float(np.clip(refined, _LEAST, _MOST))
        moved, share = abs(refined - share), refined
    return Adaptation(share, _logit(share) - base, rounds)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _sigmoid(log_odds: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -40, 40)))
    return result
