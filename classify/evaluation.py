"""Measure the understanding of text against labelled files; figures come back, nothing prints."""

from __future__ import annotations

import csv
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.metrics import (
    average_precision,
    calibration_error,
    class_figures,
    f1,
    roc_auc,
    set_figures,
)
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES, Settings

if TYPE_CHECKING:
    from classify.adapting import Adaptation
    from classify.issues import IssueClassifier
    from classify.sentiment import ScoreItem, Scorer

Floats = NDArray[np.float64]

# Other spellings of "negative towards the entity" that labelled files use; neutral is not negative.
_NEGATIVE_LABELS = frozenset({"1", "neg", "negative", "负", "负面", "-1"})
_OTHER_LABELS = frozenset(
    {"0", "neu", "neutral", "中", "中性", "pos", "positive", "正", "正面", "2"}
)
_POSITIVE_LABELS = frozenset({"pos", "positive", "正", "正面"})  # figures alone do not say it
_FIELD_LIMIT = 16 * 1024 * 1024  # characters; the csv default of 128 Ki refuses long articles


def read_csv(path: Path, required: Sequence[str]) -> list[dict[str, str]]:
    """Read a UTF-8 CSV (with or without BOM) whose header holds at least `required`.

    Shape: one dict per data row, in file order, keys as in the header; a missing cell is "".
    Errors: ConfigError when the file cannot be read, is not UTF-8, or lacks a column.
    """
    previous = csv.field_size_limit(_FIELD_LIMIT)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader((line.replace("\0", "") for line in file), restval="")
            header = [name.strip() for name in reader.fieldnames or []]
            missing = [name for name in required if name not in header]
            if missing:
                raise ConfigError(
                    f"{path}: the header lacks {', '.join(missing)}; found"
                    f" {', '.join(header) or 'no header'}, expected {', '.join(required)}"
                )
            reader.fieldnames = header
            return [_named_cells(row) for row in reader]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    except csv.Error as error:
        raise ConfigError(f"{path}: not a readable CSV: {error}") from error
    finally:
        csv.field_size_limit(previous)


def _named_cells(row: dict[str | None, str | list[str] | None]) -> dict[str, str]:
    """Drop the cells beyond the header, which csv files under None."""
    return {name: str(cell or "") for name, cell in row.items() if name is not None}


def evaluate_negative(rows: Sequence[dict[str, str]], scorer: Scorer) -> dict[str, Any]:
    """Score rows of `text,label[,entity]` as one unlabelled source, then compare with the labels.

    Labels: 1 negative, 0 not; also neg/negative/-1/负面 and neu/pos/neutral/positive/中性/正面.
    Plain keys are figures after adaptation to the source: its own words and the shift of its
    scores; `*_prior_only` after the shift alone, `*_unadapted` without either. `*_positive` stand
    where the labels tell positive from neutral. A figure that the labels do not define (AUC of one
    class) is None. `docs_per_s` counts scoring, not what adaptation takes (`adaptation_s`).
    Errors: ConfigError naming the first row whose label is none of these.
    """
    from classify.corpora import items_of
    from classify.sentiment import probability

    labels = np.array([_is_negative(number, cells) for number, cells in enumerate(rows, start=2)])
    started = time.perf_counter()
    items = items_of(rows)
    log_odds, positive = scorer.both_log_odds_many(items)
    seconds = time.perf_counter() - started
    adaptation, fitted = adapted(scorer, items, log_odds)
    took = time.perf_counter() - started - seconds
    prior = scorer.adapter.estimate(log_odds)
    stages = {
        "": probability(fitted),
        "_prior_only": probability(log_odds + prior.shift),
        "_unadapted": probability(log_odds),
    }
    figures = {
        stage: {f"{key}{stage}": value for key, value in _figures(negative, labels).items()}
        for stage, negative in stages.items()
    }
    return {
        "n": len(labels),
        "positives": int(labels.sum()),
        **figures[""],
        **_positive_figures(rows, (1 - stages[""]) * probability(positive)),
        "docs_per_s": round(len(labels) / seconds, 1) if len(labels) else None,
        "peak_rss_mb": peak_rss_mb(),
        **figures["_prior_only"],
        **figures["_unadapted"],
        "adaptation": {
            "method": "the source's own words by naive Bayes on the model's opinions, then a shift"
            " from spread, share above zero and heaps of the unlabelled scores",
            "estimated_share": round(adaptation.share, 4),
            "shift": round(adaptation.shift, 4),
            "shift_prior_only": round(prior.shift, 4),
            "words": len(adaptation.words.buckets) if adaptation.words else 0,
        },
        "adaptation_s": round(took, 3),
        "model": scorer.version,
    }


def adapted(
    scorer: Scorer, items: Sequence[ScoreItem], log_odds: Floats
) -> tuple[Adaptation, Floats]:
    """Return what fits the scorer to these items, taken as one source, and their fitted log-odds.

    Of more than MOST_TEXTS items as many are learned from, taken evenly; the others are then
    corrected as new texts of the source would be.
    """
    from classify.adapting_words import MOST_TEXTS

    if len(items) <= MOST_TEXTS:
        return scorer.adapter.adapt(log_odds, scorer.cells_many(items))
    chosen = np.linspace(0, len(items) - 1, MOST_TEXTS).astype(np.int64)
    learned_from = scorer.cells_many([items[index] for index in chosen])
    adaptation, fitted_chosen = scorer.adapter.adapt(log_odds[chosen], learned_from)
    fitted = np.empty(len(items))
    for start in range(0, len(items), MOST_TEXTS):
        part = slice(start, start + MOST_TEXTS)
        fitted[part] = adaptation.fit(log_odds[part], scorer.cells_many(items[part]))
    fitted[chosen] = fitted_chosen
    return adaptation, fitted


def evaluate_issues(rows: Sequence[dict[str, str]], classifier: IssueClassifier) -> dict[str, Any]:
    """Compare the issue classes of rows of `text,label[,also][,sub]` with their labels.

    `sets` compares all classes of a row (label and also, several with commas between them) where
    the column is there, `sub_classes` its sub-classes.
    Errors: ConfigError naming the first row whose label is not one of our classes.
    """
    for number, cells in enumerate(rows, start=2):
        if cells["label"].strip() not in ISSUE_CLASSES:
            raise ConfigError(
                f"row {number}: label {cells['label']!r} is no issue class; known:"
                f" {', '.join(ISSUE_CLASSES)}"
            )
    truth = [cells["label"].strip() for cells in rows]
    judged = classifier.judge_many([cells["text"] for cells in rows])
    figures = class_figures(truth, [issues.issue_class for issues in judged], ISSUE_CLASSES)
    if any("also" in cells for cells in rows):
        stated = [{label, *_names(cells, "also")} for label, cells in zip(truth, rows, strict=True)]
        found = [{issues.issue_class, *issues.also} for issues in judged]
        figures["sets"] = set_figures(stated, found)
    if any("sub" in cells for cells in rows):
        subs = [_names(cells, "sub") for cells in rows]
        figures["sub_classes"] = set_figures(subs, [set(issues.sub_classes) for issues in judged])
    return figures


def _names(cells: dict[str, str], column: str) -> set[str]:
    return {name for part in cells.get(column, "").split(",") if (name := part.strip())}


def peak_rss_mb() -> float:
    """Return the highest resident memory of this process so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _label(cells: dict[str, str]) -> str:
    return cells["label"].strip().casefold().removesuffix(".0")


def _is_negative(number: int, cells: dict[str, str]) -> bool:
    label = _label(cells)
    if label in _NEGATIVE_LABELS:
        return True
    if label in _OTHER_LABELS:
        return False
    raise ConfigError(
        f"row {number}: label {cells['label']!r} is unknown; expected 1 (negative) or 0, or one of"
        f" {', '.join(sorted(_NEGATIVE_LABELS | _OTHER_LABELS))}"
    )


def _positive_figures(rows: Sequence[dict[str, str]], positive: Floats) -> dict[str, float | None]:
    """Return the figures of the positive probability; {} where no label says positive."""
    truth = np.array([_label(cells) in _POSITIVE_LABELS for cells in rows], dtype=bool)
    if not truth.any():
        return {}
    figures = _figures(positive, truth)
    names = {"auc": "auc_positive", "ece": "ece_positive", "average_precision": "ap_positive"}
    return {name: figures[key] for key, name in names.items()}


def _figures(negative: Floats, labels: NDArray[np.bool_]) -> dict[str, float | None]:
    """Return the figures that depend on the labels, rounded."""
    low, high = Settings().unsure_band
    if not len(labels):
        keys = ("auc", "average_precision", "macro_f1", "f1_negative", "ece", "unsure_share")
        return dict.fromkeys(keys)
    called = negative >= 0.5
    f1_negative, f1_other = f1(called, labels), f1(~called, ~labels)
    figures = {
        "auc": roc_auc(negative, labels),
        "average_precision": average_precision(negative, labels),
        "macro_f1": (f1_negative + f1_other) / 2,
        "f1_negative": f1_negative,
        "ece": calibration_error(negative, labels),
        "unsure_share": float(((negative >= low) & (negative < high)).mean()),
    }
    return {key: None if value is None else round(value, 4) for key, value in figures.items()}
