"""Rows of `text,label` with issue classes in, `issues.npz` and `issues.json` out.

Run as `python -m classify.issue_training --rows tests/eval/issues_train.csv --out classify/models`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classify.corpora import digest_of
from classify.evaluation import read_csv
from classify.issues import ISSUE_BITS, issue_features
from classify.segment import tokeniser_fingerprint
from classify.text import normalise
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES

# Inverse of the L2 penalty. Five-fold macro-F1 over the rows: .72; logistic regression .69 to .72.
_STRENGTH = 0.5


def train_issues(path: Path, out_dir: Path) -> None:
    """Fit the issue model on a CSV and write it.

    Errors: ConfigError when a label is no issue class or a class has no row.
    """
    from scipy import sparse
    from sklearn.svm import LinearSVC

    rows = read_csv(path, ("text", "label"))
    labels = [one["label"] for one in rows]
    if set(labels) != set(ISSUE_CLASSES):
        odd = ", ".join(sorted(set(labels) ^ set(ISSUE_CLASSES)))
        raise ConfigError(
            f"{path}: expected rows of exactly our issue classes; these differ: {odd}"
        )
    cells = issue_features([normalise(one["text"]) for one in rows])
    used, column = np.unique(cells.bucket, return_inverse=True)
    # Inverse document frequency as scikit-learn smooths it: one text more that holds everything.
    idf = 1 + np.log((1 + len(rows)) / (1 + np.bincount(column)))
    values = cells.values * idf[column]
    values /= np.sqrt(np.bincount(cells.row, values**2))[cells.row]
    matrix = sparse.csr_matrix((values, (cells.row, column)), shape=(len(rows), len(used)))
    model = LinearSVC(C=_STRENGTH, random_state=0)
    model.fit(matrix, [ISSUE_CLASSES.index(label) for label in labels])
    out_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out_dir / "issues.npz",
        bucket=used.astype(np.int32),
        idf=idf.astype(np.float32),
        unseen_idf=np.float32(1 + np.log(1 + len(rows))),
        weights=model.coef_.T.astype(np.float16),
    )
    card = {
        "rows": len(rows),
        "sha256": digest_of(path),
        "licence": "Apache-2.0",
        "tokeniser": tokeniser_fingerprint(),
        "issue_bits": ISSUE_BITS,
        "classes": list(ISSUE_CLASSES),
        "bias": dict(zip(ISSUE_CLASSES, model.intercept_.round(6).tolist(), strict=True)),
    }
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (out_dir / "issues.json").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m classify.issue_training", description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    train_issues(chosen.rows, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
