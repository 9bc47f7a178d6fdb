"""How a score came about, as a sum that people can check.

In: a verdict. Out: its words with their exact shares, what the remaining words add, the model's
starting point and what the source's calibration added; together the log-odds of the probability.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

from storage.records import Verdict

_SMALLEST = 1e-9  # probabilities nearer to 0 or 1 are a person's word, not a sum
_SHOWN = 0.005  # log-odds; what is smaller would be printed as 0.00


class Weighed(NamedTuple):
    """One line of the sum. `kind`: "word", "rest", "start" or "source"; weights are log-odds."""

    kind: str
    text: str
    weight: float


def weigh(verdict: Verdict) -> list[Weighed]:
    """Return the lines of the sum, words from most negative to most positive, the rest after them.

    Empty when the verdict is a person's word: nothing was summed.
    """
    if not _SMALLEST < verdict.negative < 1 - _SMALLEST:
        return []
    words = sorted(verdict.terms, key=lambda term: (-term.weight, term.text))
    lines = [Weighed("word", term.text, term.weight) for term in words]
    others = log_odds(verdict.negative) - verdict.bias - verdict.shift
    others -= sum(term.weight for term in words)
    more = [
        Weighed("rest", "其余的词", others),
        Weighed("start", "模型起点", verdict.bias),
        Weighed("source", "信源校准", verdict.shift),
    ]
    return lines + [one for one in more if abs(one.weight) >= _SHOWN]


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability between 0 and 1."""
    return log(probability / (1 - probability))


def neutral(verdict: Verdict) -> float:
    """Return the probability that is left for neither negative nor positive."""
    return max(0.0, 1.0 - verdict.negative - verdict.positive)
