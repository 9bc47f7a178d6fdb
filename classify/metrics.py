"""Figures of merit, written out so that measuring needs no scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CALIBRATION_BINS = 15


def roc_auc(scores: Floats, labels: Bools) -> float | None:
    """Return the share of (negative, other) pairs in the right order, ties half; None if no pair.

    Source: the Mann-Whitney form of the area under the ROC curve.
    """
    positives = int(labels.sum())
    pairs = positives * (len(labels) - positives)
    if not pairs:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # mean rank of each tied group
    return float((ranks[inverse][labels].sum() - positives * (positives + 1) / 2) / pairs)


def average_precision(scores: Floats, labels: Bools) -> float | None:
    """Return the mean precision at each step of recall; tied scores are one step."""
    if not labels.any():
        return None
    _, inverse = np.unique(-scores, return_inverse=True)
    found = np.cumsum(np.bincount(inverse, weights=labels))
    taken = np.cumsum(np.bincount(inverse))
    steps = np.diff(found, prepend=0.0) / labels.sum()
    return float((steps * found / taken).sum())


def f1(called: Bools, truth: Bools) -> float:
    """Return the harmonic mean of precision and recall; 0 where neither is defined."""
    both = int((called & truth).sum())
    total = int(called.sum()) + int(truth.sum())
    return 2 * both / total if total else 0.0


def calibration_error(probabilities: Floats, labels: Bools) -> float | None:
    """Return the expected calibration error over CALIBRATION_BINS bins of equal width.

    Source: Naeini, Cooper and Hauskrecht 2015.
    """
    if not len(labels):
        return None
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=probabilities - labels, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def class_figures(
    truth: Sequence[str], found: Sequence[str], classes: Sequence[str]
) -> dict[str, Any]:
    """Return n, accuracy, macro-F1 over the classes that occur, and figures per class."""
    per_class: dict[str, dict[str, float | int]] = {}
    for name in classes:
        both = sum(1 for one, other in zip(truth, found, strict=True) if one == other == name)
        stated, called = truth.count(name), found.count(name)
        if stated or called:
            per_class[name] = {
                "n": stated,
                "precision": round(both / called, 4) if called else 0.0,
                "recall": round(both / stated, 4) if stated else 0.0,
                "f1": round(2 * both / (stated + called), 4),
            }
    right = sum(1 for one, other in zip(truth, found, strict=True) if one == other)
    present = [figures["f1"] for figures in per_class.values()]
    return {
        "n": len(truth),
        "accuracy": round(right / len(truth), 4) if truth else None,
        "macro_f1": round(sum(present) / len(present), 4) if present else None,
        "per_class": per_class,
    }


def set_figures(truth: Sequence[set[str]], found: Sequence[set[str]]) -> dict[str, Any]:
    """Return micro precision, recall and F1 over sets of names, and the same per name."""

    def figures(both: int, stated: int, called: int) -> dict[str, float | int]:
        return {
            "n": stated,
            "precision": round(both / called, 4) if called else 0.0,
            "recall": round(both / stated, 4) if stated else 0.0,
            "f1": round(2 * both / (stated + called), 4) if stated + called else 0.0,
        }

    pairs = list(zip(truth, found, strict=True))
    names = sorted({name for one, other in pairs for name in one | other})
    per_name = {
        name: figures(
            sum(name in one and name in other for one, other in pairs),
            sum(name in one for one, _ in pairs),
            sum(name in other for _, other in pairs),
        )
        for name in names
    }
    total = figures(
        sum(len(one & other) for one, other in pairs),
        sum(len(one) for one, _ in pairs),
        sum(len(other) for _, other in pairs),
    )
    return {**total, "per_name": per_name}
