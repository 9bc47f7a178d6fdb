"""Texts in, the issue class (投诉类型) each is about out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classify.features import HASH_BITS, extract
from classify.lexicon import sections
from classify.phrases import PhraseIndex
from classify.segment import tokeniser_fingerprint
from classify.text import normalise
from config.errors import ModelError
from config.schema import ISSUE_CLASSES

MODELS = Path(__file__).parent / "models"
OTHER = ISSUE_CLASSES[-1]
ISSUE_BITS = 16  # buckets of the small model; 2^16 x 13 weights, most of them zero
VOTE_WEIGHT = 2.0  # log-odds of all votes for one class; 1 to 4 differ by .03 macro-F1
_STRONG, _ORDINARY = 2.0, 1.0
_LOOKED_AT = 600  # characters; what a complaint is about stands near its beginning
_BATCH = 500  # texts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class IssueClassifier:
    """A linear model over hashed n-grams plus votes of listed phrases.

    Fitted on rows that the project wrote (`classify.issue_training`). A text of which neither says
    anything is the class that config.schema names last.
    """

    def __init__(self, weights: NDArray[np.float32], bias: Floats) -> None:
        self._weights = weights.astype(np.float64)
        self._known: NDArray[np.bool_] = np.abs(weights).sum(axis=1) > 0
        self._bias = bias
        self._index = PhraseIndex(
            (
                phrase,
                name.removesuffix(" strong"),
                _STRONG if name.endswith("strong") else _ORDINARY,
            )
            for name, phrases in sections("issues").items()
            for phrase in phrases
        )

    @classmethod
    def load(cls, directory: Path | None = None) -> IssueClassifier:
        """Load `issues.npz` and `issues.json` of a directory, else the shipped ones.

        Errors: ModelError when a file is missing or broken, or classes or words are others.
        """
        folder = directory or MODELS
        try:
            card = json.loads((folder / "issues.json").read_text(encoding="utf-8"))
            with np.load(folder / "issues.npz", allow_pickle=False) as arrays:
                weights = arrays["weights"].astype(np.float32)
            bias = np.array([card["bias"][name] for name in ISSUE_CLASSES])
            trained_with = (card["tokeniser"], card["issue_bits"], tuple(card["classes"]))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"loading the issue model from {folder}: {error!r}; install the package again or"
                " train with `python -m classify.issue_training`"
            ) from error
        here = (tokeniser_fingerprint(), ISSUE_BITS, ISSUE_CLASSES)
        if trained_with != here:
            raise ModelError(
                f"the issue model in {folder} was trained with (tokeniser, bits, classes)"
                f" {trained_with}, here they are {here}; train again"
            )
        return cls(weights, bias)

    def classify_many(self, texts: Sequence[str]) -> list[str]:
        """Return one class per text, in order."""
        plain = [normalise(text[: 4 * _LOOKED_AT])[:_LOOKED_AT] for text in texts]
        classes: list[str] = []
        for start in range(0, len(plain), _BATCH):
            batch = plain[start : start + _BATCH]
            scores = self._model_scores(batch) + VOTE_WEIGHT * self._votes(batch)
            best = scores.round(9).argmax(axis=1)
            classes += [
                ISSUE_CLASSES[number] if text else OTHER
                for number, text in zip(best, batch, strict=True)
            ]
        return classes

    def _model_scores(self, batch: Sequence[str]) -> Floats:
        rows, buckets, sizes = issue_features(batch)
        known = self._known[buckets]
        cells = np.sort((rows[known] << ISSUE_BITS) | buckets[known])
        if len(cells):
            cells = cells[np.concatenate(([True], cells[1:] != cells[:-1]))]
        rows, weights = cells >> ISSUE_BITS, self._weights[cells & ((1 << ISSUE_BITS) - 1)]
        sums = np.zeros((len(batch), len(ISSUE_CLASSES)))
        starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))[: len(rows)]
        if len(rows):
            sums[rows[starts]] = np.add.reduceat(weights, starts, axis=0)
        result: Floats = sums / np.sqrt(np.maximum(sizes, 1))[:, None] + self._bias
        return result

    def _votes(self, batch: Sequence[str]) -> Floats:
        """Return the share of votes for each class, less sure where there are few."""
        numbers = {name: number for number, name in enumerate(ISSUE_CLASSES)}
        votes = np.zeros((len(batch), len(ISSUE_CLASSES)))
        for row, text in enumerate(batch):
            for place in self._index.find(text):
                votes[row, numbers[place.label]] += place.weight
        shares: Floats = votes / (votes.sum(axis=1, keepdims=True) + 1)
        return shares


def issue_features(texts: Sequence[str]) -> tuple[Ints, Ints, Ints]:
    """Return the features of normalised texts, repeats kept: rows, buckets, number per row."""
    spans = extract(texts)
    sizes = np.bincount(spans.row, minlength=len(texts))
    return spans.row, spans.bucket >> (HASH_BITS - ISSUE_BITS), sizes
