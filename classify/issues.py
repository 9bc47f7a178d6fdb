"""Texts in, the issue classes (投诉类型) and sub-classes each is about out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from classify.features import HASH_BITS, extract
from classify.issue_rules import OwnIssues
from classify.lexicon import sections
from classify.phrases import PhraseIndex
from classify.segment import tokeniser_fingerprint
from classify.sub_classes import sub_classes_of
from classify.text import normalise
from config.errors import ModelError
from config.schema import ISSUE_CLASSES, SUB_CLASSES

MODELS = Path(__file__).parent / "models"
OTHER = ISSUE_CLASSES[-1]
ISSUE_BITS = 18  # buckets of the small model; 2^18 x 13 weights, most of them zero
# Margin of all votes for one class. Five-fold macro-F1 at 0, .25, .5, 1: own rows .747 .781 .772
# .752, real rows .592 .611 .602 .594.
VOTE_WEIGHT = 0.25
_STRONG, _ORDINARY = 2.0, 1.0
_LOOKED_AT = 600  # characters; what a complaint is about stands near its beginning
_BATCH = 500  # texts
_ALSO = 2  # further classes at most: readers of real complaints name no more
_NEVER = 1e9  # threshold of a class that is never a further one

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Issues(NamedTuple):
    """What one text is about. `also`: further classes, most certain first.

    Sub-classes are in the order of config.schema.SUB_CLASSES, the project's own after them.
    """

    issue_class: str
    also: tuple[str, ...] = ()
    sub_classes: tuple[str, ...] = ()


class IssueClassifier:
    """A linear model over hashed n-grams plus votes of listed phrases.

    Fitted on labelled complaints (`classify.issue_training`; the card says which). A text of which
    neither says anything is the class that config.schema names last. `also` are the margins from
    which a class is a further one of a text.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        idf: NDArray[np.float32],
        bias: Floats,
        also: Floats | None = None,
    ) -> None:
        self._also = np.full(len(ISSUE_CLASSES), _NEVER) if also is None else also
        self._weights = weights.astype(np.float32)  # half the memory; products are float64
        self._idf = idf.astype(np.float64)
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
        return _shipped() if directory is None else cls._read(directory)

    @classmethod
    def _read(cls, folder: Path) -> IssueClassifier:
        try:
            card = json.loads((folder / "issues.json").read_text(encoding="utf-8"))
            # opened here, so that it is closed when it turns out to be no archive
            with (
                (folder / "issues.npz").open("rb") as file,
                np.load(file, allow_pickle=False) as arrays,
            ):
                weights = np.zeros((1 << ISSUE_BITS, len(ISSUE_CLASSES)), dtype=np.float32)
                idf = np.full(1 << ISSUE_BITS, arrays["unseen_idf"], dtype=np.float32)
                weights[arrays["bucket"]] = arrays["weights"]
                idf[arrays["bucket"]] = arrays["idf"]
            bias = np.array([card["bias"][name] for name in ISSUE_CLASSES])
            also = np.array([card.get("also", {}).get(name, _NEVER) for name in ISSUE_CLASSES])
            trained_with = (card["tokeniser"], card["issue_bits"], tuple(card["classes"]))
        except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
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
        return cls(weights, idf, bias, also)

    def classify_many(self, texts: Sequence[str]) -> list[str]:
        """Return one class per text, in order."""
        plain = looked_at(texts)
        best = self.margins(plain).argmax(axis=1)
        return [
            ISSUE_CLASSES[number] if text else OTHER
            for number, text in zip(best, plain, strict=True)
        ]

    def judge_many(self, texts: Sequence[str], own: OwnIssues | None = None) -> list[Issues]:
        """Return all classes and sub-classes per text, in order. `own`: the project's rules."""
        plain = looked_at(texts)
        margins = self.margins(plain)
        return [
            self._judge(text, row, own) if text else Issues(OTHER)
            for text, row in zip(plain, margins, strict=True)
        ]

    def margins(self, plain: Sequence[str]) -> Floats:
        """Return the margin of each class for normalised texts. Shape: texts x classes."""
        parts = [
            self._model_scores(batch) + VOTE_WEIGHT * self._votes(batch)
            for start in range(0, len(plain), _BATCH)
            for batch in [plain[start : start + _BATCH]]
        ]
        rounded: Floats = np.vstack(parts).round(9) if parts else np.zeros((0, len(ISSUE_CLASSES)))
        return rounded

    def _judge(self, plain: str, margins: Floats, own: OwnIssues | None) -> Issues:
        """Join what the model says with the sub-classes, which bring their class along."""
        main = int(margins.argmax())
        subs = sub_classes_of(plain)
        classes = [SUB_CLASSES[name] for name in subs]
        if own is not None:
            ours = own.find(plain)
            subs += tuple(rule.name for rule in ours if rule.under)
            classes = [rule.under or rule.name for rule in ours] + classes
        if ISSUE_CLASSES[main] != OTHER:
            order = np.argsort(-margins, kind="stable")
            classes += [
                ISSUE_CLASSES[number] for number in order if margins[number] >= self._also[number]
            ]
        first = ISSUE_CLASSES[main]
        if first == OTHER and classes:
            first = classes[0]
        rest = dict.fromkeys(name for name in classes if name not in {first, OTHER})
        return Issues(first, tuple(rest)[:_ALSO], subs)

    def _model_scores(self, batch: Sequence[str]) -> Floats:
        cells = issue_features(batch)
        values = cells.values * self._idf[cells.bucket]
        norms = np.sqrt(np.bincount(cells.row, values**2, minlength=len(batch)))
        sums = np.zeros((len(batch), len(ISSUE_CLASSES)))
        known = self._known[cells.bucket]
        rows = cells.row[known]
        weights = self._weights[cells.bucket[known]] * values[known][:, None]
        starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))[: len(rows)]
        if len(rows):
            sums[rows[starts]] = np.add.reduceat(weights, starts, axis=0)
        result: Floats = sums / np.maximum(norms, 1e-9)[:, None] + self._bias
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


@cache
def _shipped() -> IssueClassifier:
    """Return the shipped weights, read once: unpacking them takes a third of a second."""
    return IssueClassifier._read(MODELS)  # noqa: SLF001 - the class's own cache


def looked_at(texts: Sequence[str]) -> list[str]:
    """Return what of each text is read, normalised."""
    return [normalise(text[: 4 * _LOOKED_AT])[:_LOOKED_AT] for text in texts]


class Cells(NamedTuple):
    """Features of a batch by text and bucket, sorted; `values` is 1 + log of how often.

    Shape: three arrays of one length.
    """

    row: Ints
    bucket: Ints
    values: Floats


def issue_features(texts: Sequence[str]) -> Cells:
    """Return the features of normalised texts, each bucket of a text once."""
    spans = extract(texts)
    mixed = (spans.row << ISSUE_BITS) | (spans.bucket >> (HASH_BITS - ISSUE_BITS))
    cells, counts = np.unique(mixed, return_counts=True)
    return Cells(cells >> ISSUE_BITS, cells & ((1 << ISSUE_BITS) - 1), 1 + np.log(counts))
