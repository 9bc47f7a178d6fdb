"""The issue model and people's corrections in, the same model moved a little towards them out.

As `classify.refit`: the minimum of the log-loss on corrected texts, of classes whose margins are
taken as logits, plus a ridge penalty on what differs from the shipped weights. Needs scipy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.issues import (
    ISSUE_BITS,
    MODELS,
    IssueClassifier,
    issue_features,
    looked_at,
)
from classify.refit import FOLDS, groups_of
from config.errors import ModelError
from config.schema import ISSUE_CLASSES

STRENGTHS = (100.0, 30.0, 10.0, 3.0)  # ridge penalties that are tried, strongest first
# Margins of the linear model times this are read as logits: the least log-loss on own test rows (8:
# 1.04, 10: 1.01, 12: 1.02, 15: 1.10).
_SHARPNESS = 10.0
_ROUNDS = 60  # of the solver
_ROUNDING = 0.02  # margin; what float16 weights may differ from what was fitted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[float | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRefit:
    """What a correction of the weights was made of. Losses are mean log-losses, cross-validated."""

    examples: int
    strength: float | None  # None: no penalty did better than moving nothing
    loss_before: float
    loss_after: float


def refit_issues(
    base: Path | None,
    out_dir: Path,
    examples: Sequence[tuple[str, str, str]],
    *,
    version: str,
    now: datetime,
    progress: Progress = lambda _share, _text: None,
) -> IssueRefit:
    """Write the issue model of `base` (None: shipped), moved towards (text, class, author).

    Errors: ModelError when the base cannot be read, all examples are of one class, or the moved
    model would not answer as fitted.
    """
    labels = np.array([ISSUE_CLASSES.index(answer) for _, answer, _ in examples], dtype=np.int64)
    if len(np.unique(labels)) < 2:
        raise ModelError(
            f"learning issue classes from {len(labels)} corrections: expected two classes at least;"
            " answer more of `groundswell label queue`"
        )
    folder = base or MODELS
    classifier = IssueClassifier.load(base)
    with np.load(folder / "issues.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    plain = looked_at([text for text, _, _ in examples])
    known = classifier.margins(plain)
    table = _design(plain, arrays)
    used = np.flatnonzero(np.bincount(table.indices, minlength=table.shape[1]))
    narrow = table[:, used]
    groups = groups_of([one for one, _, _ in examples], [author for _, _, author in examples])
    strength, before, after = _choose(narrow, known, labels, groups, progress)
    moved = _solve(narrow, known, labels, strength)
    made = IssueRefit(
        examples=len(labels),
        strength=None if np.isinf(strength) else strength,
        loss_before=round(before, 4),
        loss_after=round(after, 4),
    )
    progress(0.9, "writing")
    _write(folder, out_dir, arrays, used=used, moved=moved, made=made, version=version, now=now)
    _check(out_dir, plain, known + narrow @ moved)
    return made


def _choose(
    table: Any, known: Floats, labels: Ints, groups: Ints, progress: Progress
) -> tuple[float, float, float]:
    """Return the penalty that does best on unseen groups, and the loss before and with it."""
    folds = np.unique(groups, return_inverse=True)[1] % FOLDS
    losses = {}
    for number, strength in enumerate((float("inf"), *STRENGTHS)):
        progress(0.2 + 0.15 * number, f"trying a penalty of {strength:g}")
        unseen = known.copy()
        for fold in range(FOLDS):
            inside = folds == fold
            if 0 < inside.sum() < len(inside):
                moved = _solve(table[~inside], known[~inside], labels[~inside], strength)
                unseen[inside] += table[inside] @ moved
        losses[strength] = float(-_log_shares(unseen)[np.arange(len(labels)), labels].mean())
    best = min(losses, key=lambda strength: (losses[strength], -strength))
    return best, losses[float("inf")], losses[best]


def _solve(table: Any, known: Floats, labels: Ints, strength: float) -> Floats:
    """Return what is added to the weights. Shape: columns of the table × classes."""
    from scipy.optimize import minimize

    shape = (table.shape[1], len(ISSUE_CLASSES))
    if np.isinf(strength):
        return np.zeros(shape)
    truth = np.eye(len(ISSUE_CLASSES))[labels]

    def price(point: Floats) -> tuple[float, Floats]:
        moved = point.reshape(shape)
        logs = _log_shares(known + table @ moved)
        loss = -float((truth * logs).sum()) + strength / 2 * float(point @ point)
        slopes = table.T @ (_SHARPNESS * (np.exp(logs) - truth)) + strength * moved
        return loss, slopes.ravel()

    start = np.zeros(shape[0] * shape[1])
    found = minimize(price, start, jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    result: Floats = found.x.reshape(shape)
    return result


def _log_shares(margins: Floats) -> Floats:
    logits = _SHARPNESS * margins
    logits = logits - logits.max(axis=1, keepdims=True)
    result: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def _design(plain: Sequence[str], arrays: dict[str, NDArray[Any]]) -> Any:
    """Return the sizes that the weights are multiplied with, one row per text."""
    from scipy import sparse

    idf = np.full(1 << ISSUE_BITS, float(arrays["unseen_idf"]))
    idf[arrays["bucket"]] = arrays["idf"]
    cells = issue_features(plain)
    values = cells.values * idf[cells.bucket]
    norms = np.sqrt(np.bincount(cells.row, values**2, minlength=len(plain)))
    values = values / np.maximum(norms, 1e-9)[cells.row]
    return sparse.csr_matrix(
        (values, (cells.row, cells.bucket)), shape=(len(plain), 1 << ISSUE_BITS)
    )


def _write(
    folder: Path,
    out_dir: Path,
    arrays: dict[str, NDArray[Any]],
    *,
    used: Ints,
    moved: Floats,
    made: IssueRefit,
    version: str,
    now: datetime,
) -> None:
    """Write the moved weights; words that the base never saw join it with their changes."""
    bucket = np.union1d(arrays["bucket"], used[np.abs(moved).any(axis=1)])
    weights = np.zeros((len(bucket), len(ISSUE_CLASSES)))
    weights[np.searchsorted(bucket, arrays["bucket"])] = arrays["weights"]
    idf = np.full(len(bucket), float(arrays["unseen_idf"]))
    idf[np.searchsorted(bucket, arrays["bucket"])] = arrays["idf"]
    is_in = np.isin(used, bucket)
    weights[np.searchsorted(bucket, used[is_in])] += moved[is_in]
    fresh = {
        "bucket": bucket.astype(arrays["bucket"].dtype),
        "idf": idf.astype(arrays["idf"].dtype),
        "weights": weights.astype(arrays["weights"].dtype),
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out_dir / "issues.npz", **(arrays | fresh))  # type: ignore[arg-type]
    card = json.loads((folder / "issues.json").read_text(encoding="utf-8"))
    card |= {
        "version": version,
        "trained_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "corrections": {"base": card.get("version", "shipped"), **asdict(made)},
    }
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (out_dir / "issues.json").write_text(text, encoding="utf-8")


def _check(out_dir: Path, plain: Sequence[str], wanted: Floats) -> None:
    """See that the written model answers as it was fitted to."""
    farthest = float(np.abs(IssueClassifier.load(out_dir).margins(plain) - wanted).max(initial=0))
    if farthest > _ROUNDING:
        raise ModelError(
            f"writing corrected issue weights to {out_dir}: margins are off by {farthest:.3f},"
            f" expected at most {_ROUNDING}; the classifier and classify.refit_issues no longer"
            " read a text alike"
        )
