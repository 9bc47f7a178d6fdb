"""The labelled sets in, `negative.npz`, `negative.json` and MODEL_CARD.md out.

Run as `python -m classify.training --data DIR --out DIR [--lodo]`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classify.corpora import CORPORA, Row, digest_of, read_rows
from classify.features import HASH_BITS, extract
from classify.focus import focus, marked
from classify.segment import tokeniser_fingerprint

MINIMUM_TEXTS = 3  # a feature seen in fewer texts teaches a name, not a feeling
_STRENGTH = 2.0  # inverse of the L2 penalty

Progress = Callable[[str], None]


def train(data_dir: Path, out_dir: Path, progress: Progress) -> dict[str, Any]:
    """Fit the shipped model and write it with its card; return the card."""
    rows: list[Row] = []
    sets = []
    for corpus in CORPORA:
        if corpus.train:
            read = read_rows(corpus, data_dir)
            progress(f"read {corpus.file}: {len(read)} rows")
            rows += read
            sets.append(
                {
                    "file": corpus.file,
                    "sha256": digest_of(data_dir / corpus.file),
                    "rows": len(read),
                    "licence": corpus.licence,
                }
            )
    progress("extracting features")
    counts = presence([focused(row) for row in rows])
    idf = inverse_frequency(counts)
    labels = np.array([row.negative for row in rows])
    progress(f"fitting {counts.shape[0]} texts, {counts.nnz} features")
    weights, bias = fit(weighted(counts, idf), labels)
    out_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out_dir / "negative.npz",
        weights=(weights * (idf > 0)).astype(np.float16),
        idf=idf.astype(np.float16),
    )
    card = {
        "version": f"negative-{datetime.now(UTC):%Y%m%d}",
        "trained_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "program": _program_version(),
        "tokeniser": tokeniser_fingerprint(),
        "hash_bits": HASH_BITS,
        "bias": bias,
        "trained_share": float(labels.mean()),
        "sets": sets,
    }
    (out_dir / "negative.json").write_text(
        json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return card


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


def fit(
    features: sparse.csr_matrix, labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Fit logistic regression and return its weights and bias."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_STRENGTH, max_iter=60, tol=1e-3)
    model.fit(features, labels)
    return model.coef_.ravel().astype(np.float64), float(model.intercept_[0])


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
    chosen = parser.parse_args(arguments)
    train(chosen.data, chosen.out, lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
