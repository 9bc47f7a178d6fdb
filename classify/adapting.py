"""Scores of one unlabelled source in, what fits them to that source out.

Two things are estimated, neither from a label. What the source's own words add
(`classify.adapting_words`). And a shift: where most talk is neutral, scores crowd near the middle
and a fixed threshold calls too much negative; so how wide the scores spread, how many lie above
zero and whether they fall into two heaps tell how far they are off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.adapting_words import Cells, Words, learn

Floats = NDArray[np.float64]

MINIMUM_TEXTS = 50  # fewer say nothing about a source
# No estimate moves scores farther (log-odds). Upward hardly at all: among left-out domains that
# won .06 macro-F1 once and cost up to .12; .25 does better than .5 for sources of any size.
# Downward, too: what a bolder bound wins in calibration it loses twice in macro-F1, as neutral
# sources are then called harmless altogether.
_LOWEST, _HIGHEST = -0.75, 0.25
_CLIPPED = 12.0  # log-odds beyond say nothing more
_SHARE_EDGE = 0.005
_NAMES = ("intercept", "spread", "above", "heaps")


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What was estimated for a source from `n` texts: log-odds = raw + words + shift.

    `share`: what it says of those texts is negative. `version`: its number once it is stored.
    """

    share: float = 0.5
    shift: float = 0.0
    words: Words | None = None
    n: int = 0
    version: int = 0

    def fit(self, log_odds: Floats, cells: Cells) -> Floats:
        """Return the fitted log-odds of texts that nothing was learned from."""
        added = self.words.log_odds(cells) if self.words else 0.0
        return log_odds + added + self.shift

    @property
    def constant(self) -> float:
        """Return what is added to the log-odds of every text, whatever it says."""
        return self.shift + (self.words.offset if self.words else 0.0)


@dataclass(frozen=True, slots=True)
class Line:
    """The shift of a source as a weighted sum of the three figures of its scores (`summary`)."""

    intercept: float = 0.0
    spread: float = 0.0
    above: float = 0.0
    heaps: float = 0.0

    def shift(self, log_odds: Floats) -> float:
        """Return the shift for these scores, within its bounds."""
        wanted = self.intercept + np.dot((self.spread, self.above, self.heaps), summary(log_odds))
        return float(np.clip(wanted, _LOWEST, _HIGHEST))


@dataclass(frozen=True, slots=True)
class Adapter:
    """Estimates what fits a model to a source; fitted by `classify.adapting_fit`.

    One line for the model's own scores, one for scores that the source's words have corrected
    (they spread wider). The EM of Saerens, Latinne and Decaestecker 2002 was measured first and
    left (docs/adr/0009-unlabelled-source.md): it takes a domain's different wording for a
    different share and runs off with it.
    """

    plain: Line = Line()
    worded: Line = Line()

    @classmethod
    def of(cls, saved: Mapping[str, Mapping[str, float]]) -> Adapter:
        """Return the adapter that a model card holds."""
        lines = (Line(*(saved[kind][name] for name in _NAMES)) for kind in ("plain", "worded"))
        return cls(*lines)

    def estimate(self, log_odds: Floats) -> Adaptation:
        """Estimate the shift alone; fewer than MINIMUM_TEXTS: no shift."""
        n = len(log_odds)
        if n < MINIMUM_TEXTS:
            return Adaptation(float(_sigmoid(log_odds).mean()) if n else 0.5, n=n)
        shift = self.plain.shift(log_odds)
        return Adaptation(float(_sigmoid(log_odds + shift).mean()), shift, n=n)

    def adapt(self, log_odds: Floats, cells: Cells) -> tuple[Adaptation, Floats]:
        """Estimate shift and words; return them and the fitted log-odds of these very texts.

        Each text is corrected by what the others say. Give at most MOST_TEXTS, taken evenly from
        the source; `Adaptation.fit` corrects texts that nothing was learned from.
        """
        plain = self.estimate(log_odds)
        learned = learn(cells, log_odds, plain.shift)
        if learned is None:
            return plain, log_odds + plain.shift
        words, added = learned
        corrected = log_odds + added
        shift = self.worded.shift(corrected)
        fitted = corrected + shift
        share = float(_sigmoid(fitted).mean())
        return Adaptation(share, shift, words, n=len(log_odds)), fitted


def summary(log_odds: Floats) -> tuple[float, float, float]:
    """Return three figures of a source's scores: spread, above, heaps.

    Logarithm of the deviation; log-odds of the share above zero; and the bimodality coefficient
    (skewness² + 1) / kurtosis, 1 for two far points, 1/3 for a bell (Sarle; SAS/STAT, CLUSTER).
    """
    clipped = np.clip(log_odds, -_CLIPPED, _CLIPPED)
    deviation = float(clipped.std()) + 1e-3
    standard = (clipped - clipped.mean()) / deviation
    share = float(np.clip((clipped > 0).mean(), _SHARE_EDGE, 1 - _SHARE_EDGE))
    heaps = (float((standard**3).mean()) ** 2 + 1) / max(float((standard**4).mean()), 1.0)
    return float(np.log(deviation)), float(np.log(share / (1 - share))), heaps


def _sigmoid(log_odds: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -40, 40)))
    return result
