"""A model and people's corrections in, the same model moved a little towards them out.

Only the weights of words move, and each pays for it: the correction is the minimum of the log-loss
on the corrected texts plus a ridge penalty on what differs from the shipped weights. With little to
learn from it stays what it was. Needs scipy; nothing here runs while mentions are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.english import is_english
from classify.fitting import presence, weighted
from classify.focus import focus, marked
from classify.grouping import near_duplicate_groups
from classify.model_card import write_card
from classify.sentiment import MODELS, ScoreItem, Scorer, probability
from classify.text import rewrite, tidy
from config.errors import ModelError

# Ridge penalties that are tried, strongest first; what does best on texts it did not see is taken.
# Weaker than .3 teaches its own texts better yet and costs others: .1 took .01 to .02 macro-F1 off
# the project's own rows after 240 corrections of microblogs.
STRENGTHS = (30.0, 10.0, 3.0, 1.0, 0.3)
FOLDS = 5
# An offset is fitted beside the words, free of penalty, and thrown away: how common complaints are
# among corrected texts says nothing (people correct what is wrong), and of a source the share is
# estimated without labels (classify.adapting).
_FARTHEST = 6.0  # log-odds
_ROUNDS = 200  # of the solver
_ROUNDING = 0.15  # log-odds; what float16 weights may differ from the sum that was fitted
_GROUPED = 400  # characters of a text that near-duplicates are judged by

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Progress = Callable[[float | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text that a person has judged. Rows of one `author` or nearly one text are one group."""

    item: ScoreItem
    negative: bool
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """What a correction of the weights was made of. Losses are mean log-losses, cross-validated."""

    examples: int
    negatives: int
    strength: float
    loss_before: float
    loss_after: float
    largest: float  # of any word's change


def groups_of(texts: Sequence[str], authors: Sequence[str]) -> Ints:
    """Return a group number per text: near-duplicates and one author's texts are together."""
    parent = near_duplicate_groups([tidy(rewrite(text[:_GROUPED])) for text in texts])
    first: dict[str, int] = {}
    for index, author in enumerate(authors):
        if author:
            _join(parent, first.setdefault(author, index), index)
    return np.array([_root(parent, index) for index in range(len(parent))], dtype=np.int64)


def refit_negative(
    base: Path | None,
    out_dir: Path,
    examples: Sequence[Example],
    *,
    version: str,
    now: datetime,
    progress: Progress = lambda _share, _text: None,
) -> Refit:
    """Write the model of `base` (None: the shipped one), moved towards the examples.

    Errors: ModelError when the base cannot be read, when there is nothing of one of the two
    answers, or when the moved model would not score as fitted.
    """
    # English texts are read by other words than these weights
    examples = [one for one in examples if not is_english(one.item.title, one.item.text)]
    labels = np.array([one.negative for one in examples], dtype=bool)
    if not labels.any() or labels.all():
        raise ModelError(
            f"learning from {len(labels)} corrections: expected some that say negative and some"
            " that say not negative; answer more of `groundswell label queue`"
        )
    folder = base or MODELS
    scorer = Scorer.load(base)
    arrays = _arrays(folder / "negative.npz")
    items = [one.item for one in examples]
    progress(0.1, "reading the corrected texts")
    known = scorer.log_odds_many(items)
    table = _design(items, arrays["idf"].astype(np.float32))
    used = np.flatnonzero(np.bincount(table.indices, minlength=table.shape[1]))
    narrow = table[:, used]
    groups = groups_of(
        [f"{item.title}\n{item.text}" for item in items], [one.author for one in examples]
    )
    strength, before, after = _choose(narrow, known, labels, groups, progress)
    moved, _ = _solve(narrow, known, labels, strength)
    delta = np.zeros(table.shape[1])
    delta[used] = moved
    progress(0.9, "writing")
    made = Refit(
        examples=len(examples),
        negatives=int(labels.sum()),
        strength=strength,
        loss_before=round(before, 4),
        loss_after=round(after, 4),
        largest=round(float(np.abs(moved).max(initial=0.0)), 4),
    )
    _write(arrays, scorer.card, delta, made, out_dir, version=version, now=now)
    _check(out_dir, items, known + table @ delta)
    return made


def _choose(
    table: Any, known: Floats, labels: Bools, groups: Ints, progress: Progress
) -> tuple[float, float, float]:
    """Return the penalty that does best on unseen groups, and the log-loss before and with it.

    Nothing better than the base: infinity, which moves nothing.
    """
    folds = np.unique(groups, return_inverse=True)[1] % FOLDS
    losses = {}
    for number, strength in enumerate((float("inf"), *STRENGTHS)):
        progress(0.2 + 0.1 * number, f"trying a penalty of {strength:g}")
        unseen = known.copy()
        for fold in range(FOLDS):
            inside = folds == fold
            if 0 < inside.sum() < len(inside):
                moved, offset = _solve(table[~inside], known[~inside], labels[~inside], strength)
                unseen[inside] += table[inside] @ moved + offset
        losses[strength] = float(_losses(unseen, labels).mean())
    best = min(losses, key=lambda strength: (losses[strength], -strength))
    return best, losses[float("inf")], losses[best]


def _solve(table: Any, known: Floats, labels: Bools, strength: float) -> tuple[Floats, float]:
    """Return what is added to the weights of the table's columns, and the offset found beside."""
    from scipy.optimize import minimize

    width = table.shape[1]
    if np.isinf(strength):
        return np.zeros(width), offset_of(known, labels)
    signs = np.where(labels, 1.0, -1.0)

    def price(point: Floats) -> tuple[float, Floats]:
        margins = signs * (known + table @ point[:-1] + point[-1])
        pulls = -signs / (1.0 + np.exp(np.clip(margins, -40, 40)))
        loss = float(np.logaddexp(0.0, -margins).sum())
        moved = point[:-1]
        slopes = np.append(table.T @ pulls + strength * moved, pulls.sum())
        return loss + strength / 2 * float(moved @ moved), slopes

    start = np.append(np.zeros(width), offset_of(known, labels))
    found = minimize(price, start, jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    return found.x[:-1], float(found.x[-1])


def offset_of(log_odds: Floats, labels: Bools) -> float:
    """Return the constant that fits log-odds to the share of negatives among labels, by bisection.

    Cut to ±_FARTHEST, where all labels are alike.
    """
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(50):
        middle = (low + high) / 2
        if probability(log_odds + middle).mean() < labels.mean():
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _losses(log_odds: Floats, labels: Bools) -> Floats:
    result: Floats = np.logaddexp(0.0, np.where(labels, -log_odds, log_odds))
    return result


def _design(items: Sequence[ScoreItem], idf: NDArray[np.float32]) -> Any:
    """Return the sizes that the weights of n-grams are multiplied with, one row per item."""
    texts = [focus(marked(item.title, item.text, item.hits, item.others)) for item in items]
    return weighted(presence(texts), idf).astype(np.float64)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _write(
    arrays: dict[str, NDArray[Any]],
    card: dict[str, Any],
    delta: Floats,
    made: Refit,
    out_dir: Path,
    *,
    version: str,
    now: datetime,
) -> None:
    """Write the moved weights and their card.

    What tells positive from neutral leans on the log-odds of negative, so it moves along.
    """
    leaning = float(card["positive"]["of_negative"])
    moved = dict(arrays)
    for name, change in (("weights", delta), ("positive", leaning * delta)):
        moved[name] = (arrays[name].astype(np.float64) + change).astype(arrays[name].dtype)
    out_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out_dir / "negative.npz", **moved)  # type: ignore[arg-type]
    fresh = {
        **card,
        "version": version,
        "trained_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "corrections": {"base": card["version"], **asdict(made)},
    }
    if not np.isfinite(made.strength):
        fresh["corrections"]["strength"] = None  # nothing moved; JSON has no infinity
    write_card(fresh, out_dir)
    page = out_dir / "MODEL_CARD.md"
    page.write_text(page.read_text(encoding="utf-8") + _section(fresh), encoding="utf-8")


def _section(card: dict[str, Any]) -> str:
    """Word what the corrections did, for the card."""
    made = card["corrections"]
    return (
        "\n## Corrections of this installation\n\n"
        f"The weights of `{made['base']}`, moved towards {made['examples']} corrections"
        f" ({made['negatives']} negative) by ridge regression anchored to them; penalty"
        f" {made['strength'] or 'none tried was better than not moving'}, chosen by {FOLDS}-fold"
        " cross-validation over groups of near-duplicates and authors. Mean log-loss on unseen"
        f" groups {made['loss_before']} before, {made['loss_after']} after. The figures above are"
        f" those of `{made['base']}`.\n"
    )


def _check(out_dir: Path, items: Sequence[ScoreItem], wanted: Floats) -> None:
    """See that the written model scores as it was fitted to."""
    scored = Scorer.load(out_dir).log_odds_many(items)
    farthest = float(np.abs(scored - wanted).max(initial=0.0))
    if farthest > _ROUNDING:
        raise ModelError(
            f"writing corrected weights to {out_dir}: scores are off by {farthest:.3f} log-odds"
            f" from what was fitted, expected at most {_ROUNDING}; the scorer and classify.refit"
            " no longer read a text alike"
        )


def _root(parent: Ints, index: int) -> int:
    while parent[index] != index:
        index = int(parent[index])
    return index


def _join(parent: Ints, left: int, right: int) -> None:
    one, other = _root(parent, left), _root(parent, right)
    parent[max(one, other)] = min(one, other)
