"""Labelled complaints in, `issues.npz` and `issues.json` out.

Run as `python -m classify.issue_training --rows tests/eval/issues_train.csv
tests/eval/issues_train2.csv --real tests/eval/issues_real_train.csv --data DIR --out
classify/models`. Rows of the project hold their text; real rows say where theirs stands in DIR.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.corpora import digest_of
from classify.evaluation import read_csv
from classify.issue_rows import read_real
from classify.issues import ISSUE_BITS, OTHER, IssueClassifier, issue_features
from classify.segment import tokeniser_fingerprint
from classify.text import normalise
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES

if TYPE_CHECKING:
    from scipy import sparse

Floats = NDArray[np.float64]

# Inverse of the L2 penalty. Five-fold macro-F1 over own and over real rows, votes of .25 added: .25
# gives .781 and .611, .5 gives .771 and .603. Unweighted classes give less on both.
_STRENGTH = 0.25
_OWN_STRENGTH = 0.5  # of the model of our rows alone
_OWN_WEIGHT = 2.0  # of a row of ours against a real one: 2,008 of ours count like 4,000 real ones
_FOLDS = 5
_LEAST_ALSO = 10  # rows that have a class as a further one, before a margin is read off them
_LOOKED_AT = 600  # characters, as classify.issues reads


@dataclass(frozen=True, slots=True)
class _Row:
    text: str  # normalised
    label: str
    also: frozenset[str]
    is_real: bool


def train_issues(
    path: Path | Sequence[Path], out_dir: Path, real: Path | None = None, data: Path | None = None
) -> None:
    """Fit the issue model on CSVs of `text,label` and on real rows of `data`, and write it.

    Errors: ConfigError when a label is no issue class, a class has no row, or a real row's text is
    another one than was labelled.
    """
    paths = [path] if isinstance(path, Path) else list(path)
    rows = [row for one in paths for row in _own_rows(one)]
    if real is not None and data is not None:
        rows += [
            _Row(_plain(one.text), one.label, frozenset(one.also), is_real=True)
            for one in read_real(real, data)
        ]
    labels = {row.label for row in rows}
    if labels != set(ISSUE_CLASSES):
        odd = ", ".join(sorted(labels ^ set(ISSUE_CLASSES)))
        raise ConfigError(
            f"{paths[0]}: expected rows of exactly our issue classes; these differ: {odd}"
        )
    fitted = _fit(rows)
    _write(out_dir, fitted, _card(rows, [*paths, *([real] if real and data else [])], fitted))


def _own_rows(path: Path) -> list[_Row]:
    return [
        _Row(_plain(one["text"]), one["label"], frozenset(), is_real=False)
        for one in read_csv(path, ("text", "label"))
    ]


def _plain(text: str) -> str:
    return normalise(text[: 4 * _LOOKED_AT])[:_LOOKED_AT]


@dataclass(frozen=True, slots=True)
class _Fitted:
    bucket: NDArray[np.int64]
    idf: Floats
    unseen_idf: float
    weights: Floats  # buckets x classes
    bias: Floats

    def classifier(self) -> IssueClassifier:
        weights = np.zeros((1 << ISSUE_BITS, len(ISSUE_CLASSES)), dtype=np.float32)
        idf = np.full(1 << ISSUE_BITS, self.unseen_idf, dtype=np.float32)
        weights[self.bucket] = self.weights
        idf[self.bucket] = self.idf
        return IssueClassifier(weights, idf, self.bias)


def _fit(rows: Sequence[_Row]) -> _Fitted:
    """Fit two models, one on all rows and one on ours, and return their mean: still one of n-grams.

    Real streams alone teach what they are full of (cars, officials, weibo); ours alone know little
    of how people write there. The mean keeps what each is judged by (docs/adr/0022-issues.md).
    """
    matrix, used, idf = _matrix([row.text for row in rows])
    classes = np.array([ISSUE_CLASSES.index(row.label) for row in rows])
    is_real = np.array([row.is_real for row in rows])
    fits = [_fit_some(matrix, classes, np.where(is_real, 1.0, _OWN_WEIGHT), _STRENGTH)]
    if is_real.any():
        ours = ~is_real
        fits.append(_fit_some(matrix[ours], classes[ours], None, _OWN_STRENGTH))
    weights, bias = (np.mean([fit[part] for fit in fits], axis=0) for part in (0, 1))
    return _Fitted(used, idf, float(1 + np.log(1 + len(rows))), weights, bias)


def _fit_some(
    matrix: sparse.csr_matrix, classes: NDArray[np.int64], size: Floats | None, strength: float
) -> tuple[Floats, Floats]:
    from sklearn.svm import LinearSVC

    # Classes count alike: real streams are a third 其他, and a rare class is what a route is for.
    model = LinearSVC(C=strength, class_weight="balanced", random_state=0)
    model.fit(matrix, classes, sample_weight=size)
    return model.coef_.T, model.intercept_


def _matrix(texts: Sequence[str]) -> tuple[sparse.csr_matrix, NDArray[np.int64], Floats]:
    from scipy import sparse

    cells = issue_features(texts)
    used, column = np.unique(cells.bucket, return_inverse=True)
    # Inverse document frequency as scikit-learn smooths it: one text more that holds everything.
    idf = 1 + np.log((1 + len(texts)) / (1 + np.bincount(column)))
    values = cells.values * idf[column]
    norms = np.sqrt(np.bincount(cells.row, values**2, minlength=len(texts)))
    values /= np.maximum(norms, 1e-9)[cells.row]
    shape = (len(texts), len(used))
    return sparse.csr_matrix((values, (cells.row, column)), shape=shape), used, idf


def _also_margins(rows: Sequence[_Row]) -> dict[str, float]:
    """Read off held-out folds from which margin a class is a further one of a text.

    The margin of a class is the one with the best F1 over the rows that were given another class;
    classes that too few rows have as a further one never are.
    """
    margins = np.zeros((len(rows), len(ISSUE_CLASSES)))
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(rows))
    for number in range(_FOLDS):
        model = _fit([row for row, held in zip(rows, fold == number, strict=True) if not held])
        held = np.flatnonzero(fold == number)
        margins[held] = model.classifier().margins([rows[int(index)].text for index in held])
    real = np.array([row.is_real for row in rows])
    main = margins.argmax(axis=1)
    found: dict[str, float] = {}
    for number, name in enumerate(ISSUE_CLASSES):
        asked = real & (main != number) & (main != ISSUE_CLASSES.index(OTHER))
        truth = np.array([name in row.also or name == row.label for row in rows])[asked]
        if name != OTHER and truth.sum() >= _LEAST_ALSO:
            found[name] = _best_margin(margins[asked, number], truth)
    return found


def _best_margin(margins: Floats, truth: NDArray[np.bool_]) -> float:
    order = np.argsort(-margins, kind="stable")
    right = np.cumsum(truth[order])
    scores = 2 * right / (np.arange(1, len(order) + 1) + truth.sum())
    return round(float(margins[order[int(scores.argmax())]]), 6)


def _card(rows: Sequence[_Row], paths: Sequence[Path], fitted: _Fitted) -> dict[str, Any]:
    real = sum(row.is_real for row in rows)
    return {
        "rows": len(rows) - real,
        "real_rows": real,
        "sha256": "+".join(digest_of(path) for path in paths),
        "licence": "Apache-2.0" + (", real rows: as the model card says" if real else ""),
        "tokeniser": tokeniser_fingerprint(),
        "issue_bits": ISSUE_BITS,
        "classes": list(ISSUE_CLASSES),
        "bias": dict(zip(ISSUE_CLASSES, fitted.bias.round(6).tolist(), strict=True)),
        "also": _also_margins(rows) if real else {},
    }


def _write(out_dir: Path, fitted: _Fitted, card: dict[str, Any]) -> None:
    out_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out_dir / "issues.npz",
        bucket=fitted.bucket.astype(np.int32),
        idf=fitted.idf.astype(np.float32),
        unseen_idf=np.float32(fitted.unseen_idf),
        weights=fitted.weights.astype(np.float16),
    )
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (out_dir / "issues.json").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m classify.issue_training", description=__doc__)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--real", type=Path, help="CSV of file,row,check,label,also")
    parser.add_argument("--data", type=Path, help="folder of the files that --real names")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    train_issues(chosen.rows, chosen.out, chosen.real, chosen.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
