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

_STRENGTH = 10.0  # inverse of the L2 penalty


def train_issues(path: Path, out_dir: Path) -> None:
    """Fit the issue model on a CSV and write it.

    Errors: ConfigError when a label is no issue class or a class has no row.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    rows = read_csv(path, ("text", "label"))
    labels = [one["label"] for one in rows]
    if set(labels) != set(ISSUE_CLASSES):
        odd = ", ".join(sorted(set(labels) ^ set(ISSUE_CLASSES)))
        raise ConfigError(
            f"{path}: expected rows of exactly our issue classes; these differ: {odd}"
        )
    row, bucket, sizes = issue_features([normalise(one["text"]) for one in rows])
    cells = np.unique((row << ISSUE_BITS) | bucket)
    row, bucket = cells >> ISSUE_BITS, cells & ((1 << ISSUE_BITS) - 1)
    values = 1 / np.sqrt(sizes[row])
    matrix = sparse.csr_matrix((values, (row, bucket)), shape=(len(rows), 1 << ISSUE_BITS))
    model = LogisticRegression(C=_STRENGTH, max_iter=300)
    model.fit(matrix, [ISSUE_CLASSES.index(label) for label in labels])
    out_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out_dir / "issues.npz", weights=model.coef_.T.astype(np.float16))
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
