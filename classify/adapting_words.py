"""The unlabelled texts of one source in, what the source's own words add to their scores out.

Words of a new domain learn their feeling from the company they keep: texts that the model calls
negative or not lend their words its soft opinion, and naive Bayes over those words corrects the
scores (expectation-maximisation with naive Bayes: Nigam, McCallum, Thrun and Mitchell 2000; two
rounds). The correction stays a sum over n-grams, so that it is explained word by word. A text is
never corrected by its own opinion: the source is cut into folds, and each is corrected by the rest.
What was tried and measured stands in docs/adr/0017-words-of-a-source.md.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.features import HASH_BITS, Spans, extract

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MINIMUM_TEXTS = 200  # from 100 texts the correction lost .002 to .01 AUC
MOST_TEXTS = 8_000  # that are learned from; more win nothing that could be measured
_FOLDS = 5
_ROUNDS = 2  # a third lost on sources of mostly neutral talk
_SHARPNESS = 2.0  # opinions are taken twice as sure as the log-odds say
_SMOOTHING = 1.0  # texts of the average opinion that every word is thought to have stood in
_COMMON = 0.03  # words in more of the texts than this name the subject, not a feeling
_STRENGTH = 0.5  # deviations of the correction per deviation of the scores, for a large source
_HALF_STRENGTH = 500  # texts at which it is half of that
_EDGE = (0.02, 0.98)  # shares of texts below zero that a round may keep
_HEADER = struct.Struct("<Bdi")
_FORMAT = 1
_BATCH = 1_000  # texts whose features are taken at once


class Cells(NamedTuple):
    """Which n-grams each text holds: one entry per distinct (text, bucket), texts in order."""

    row: Ints
    bucket: Ints
    texts: int


@dataclass(frozen=True, slots=True)
class Words:
    """What n-grams of a source add: weight / sqrt(number known in the text), and a constant.

    Shape: `buckets` sorted, one weight (log-odds) each.
    """

    buckets: NDArray[np.int32]
    weights: NDArray[np.float32]
    offset: float

    def find(self, buckets: Ints) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which of these n-grams are known, and the weights of all (0 where unknown)."""
        place = np.minimum(np.searchsorted(self.buckets, buckets), len(self.buckets) - 1)
        known = self.buckets[place] == buckets
        return known, np.where(known, self.weights[place], np.float32(0))

    def log_odds(self, cells: Cells) -> Floats:
        """Return what is added to each text, the constant included."""
        known, weights = self.find(cells.bucket)
        number = np.bincount(cells.row, weights=known, minlength=cells.texts)
        sums = np.bincount(cells.row, weights=weights, minlength=cells.texts)
        result: Floats = sums / np.sqrt(np.maximum(number, 1)) + self.offset
        return result

    def pack(self) -> bytes:
        """Return what `unpack` reads: about two and a half bytes per n-gram."""
        gaps = np.diff(self.buckets, prepend=0).astype("<i4")
        # Like bytes together: the upper ones of the gaps are nearly all zero.
        spread = gaps.view(np.uint8).reshape(-1, 4).T.tobytes()
        body = spread + self.weights.astype("<f2").tobytes()
        return _HEADER.pack(_FORMAT, self.offset, len(gaps)) + zlib.compress(body, 6)

    @classmethod
    def unpack(cls, packed: bytes) -> Words:
        """Return what was packed. Errors: ValueError when the bytes are none of ours."""
        try:
            kind, offset, size = _HEADER.unpack_from(packed)
            body = zlib.decompress(packed[_HEADER.size :])
        except (struct.error, zlib.error) as error:
            raise ValueError(f"reading the words of a source: {error}") from error
        if kind != _FORMAT or size < 1 or len(body) != 6 * size:
            raise ValueError(
                f"reading the words of a source: format {kind}, {size} n-grams in {len(body)}"
                f" bytes; expected format {_FORMAT} and {6 * size} bytes"
            )
        gaps = np.frombuffer(body[: 4 * size], np.uint8).reshape(4, -1).T.copy().view("<i4")
        weights = np.frombuffer(body[4 * size :], "<f2").astype(np.float32)
        return cls(np.cumsum(gaps.ravel()).astype(np.int32), weights, offset)


def cells_of(texts: Sequence[str]) -> Cells:
    """Return which n-grams each normalised text holds."""
    rows, buckets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(texts), _BATCH):
        spans = extract(texts[start : start + _BATCH])
        cells = np.unique((spans.row << HASH_BITS) | spans.bucket)
        rows.append((cells >> HASH_BITS) + start)
        buckets.append(cells & ((1 << HASH_BITS) - 1))
    return Cells(np.concatenate(rows), np.concatenate(buckets), len(texts))


def shares_of(words: Sequence[Words | None], spans: Spans) -> tuple[Ints, Ints, Ints, Floats]:
    """Return what the n-grams of a batch add: text, start and end of each, and its share.

    Shape: four arrays of one length. `words` are those of each text's source; the shares of a text
    add up to `Words.log_odds` less the constant.
    """
    rows, starts, ends, weights = [], [], [], []
    for one in {id(one): one for one in words if one is not None}.values():
        of_source = np.array([other is one for other in words])
        inside = np.flatnonzero(of_source[spans.row])
        known, weight = one.find(spans.bucket[inside])
        inside = inside[known]
        row, start, end, bucket = (column[inside] for column in spans)
        _, first, index, times = np.unique(
            (row << HASH_BITS) | bucket, return_index=True, return_inverse=True, return_counts=True
        )
        number = np.bincount(row[first], minlength=len(words))
        rows.append(row)
        starts.append(start)
        ends.append(end)
        weights.append(weight[known] / times[index] / np.sqrt(number[row]))
    none, no_weight = np.zeros(0, np.int64), np.zeros(0)
    return (
        np.concatenate([none, *rows]),
        np.concatenate([none, *starts]),
        np.concatenate([none, *ends]),
        np.concatenate([no_weight, *weights]),
    )


def learn(cells: Cells, log_odds: Floats, shift: float) -> tuple[Words, Floats] | None:
    """Return the words of a source and what they add to the very texts they were learned from.

    `shift` is what puts the log-odds right before any word is learned. None where the source has
    fewer than MINIMUM_TEXTS texts, or nothing to learn from.
    """
    texts = cells.texts
    if texts < MINIMUM_TEXTS or not log_odds.std() > 0:
        return None
    counts = _Counts.of(cells)
    if counts is None:
        return None
    spread = float(log_odds.std())
    opinion = log_odds + shift
    below = float(np.clip((opinion < 0).mean(), *_EDGE))
    out = np.zeros(texts)
    for _ in range(_ROUNDS):
        negative = _sigmoid(_SHARPNESS * opinion)
        out = counts.unseen(negative)
        if not out.std() > 0:
            return None
        # As far apart as before and the same share below zero: a round says who, not how many.
        opinion = log_odds + (out - out.mean()) / out.std() * spread
        if not opinion.std() > 0:
            return None
        opinion *= spread / opinion.std()
        opinion -= np.quantile(opinion, below)
    scale = _STRENGTH * texts / (texts + _HALF_STRENGTH) * spread / out.std()
    weights = (scale * counts.weights(negative, np.ones(texts, dtype=bool))).astype(np.float16)
    words = Words(
        counts.buckets.astype(np.int32), weights.astype(np.float32), float(-scale * out.mean())
    )
    return words, scale * (out - out.mean())


@dataclass(frozen=True, slots=True)
class _Counts:
    """The n-grams of a source that are neither rare nor common, and the texts they stand in."""

    row: Ints
    column: Ints
    buckets: Ints
    root: Floats  # of the number of known n-grams, per text

    @classmethod
    def of(cls, cells: Cells) -> _Counts | None:
        buckets, column, times = np.unique(cells.bucket, return_inverse=True, return_counts=True)
        # Twice in small sources, five times in 6,000 texts: no worse, and a third of the size.
        rare = max(2, round(np.sqrt(cells.texts) / 15))
        common = max(_COMMON * cells.texts, 2.0 * rare)
        kept = (times >= rare) & (times < common)
        if not kept.any():
            return None
        inside = kept[column]
        row = cells.row[inside]
        number = np.bincount(row, minlength=cells.texts)
        return cls(
            row,
            (np.cumsum(kept) - 1)[column[inside]],
            buckets[kept],
            np.sqrt(np.maximum(number, 1)),
        )

    def unseen(self, negative: Floats) -> Floats:
        """Return the sum over the words of each text, weighed by the opinions on other texts."""
        fold = np.arange(len(negative)) % _FOLDS
        out = np.zeros(len(negative))
        for number in range(_FOLDS):
            left_out = fold == number
            here = left_out[self.row]
            weights = self.weights(negative, ~left_out)
            out += np.bincount(
                self.row[here], weights=weights[self.column[here]], minlength=len(out)
            )
        result: Floats = out / self.root
        return result

    def weights(self, negative: Floats, chosen: NDArray[np.bool_]) -> Floats:
        """Return naive Bayes log-odds of each n-gram, from the chosen texts and opinions."""
        of_row = np.where(chosen, negative, 0.0)
        rest = np.where(chosen, 1 - negative, 0.0)
        size = len(self.buckets)
        ours = np.bincount(self.column, weights=of_row[self.row], minlength=size)
        theirs = np.bincount(self.column, weights=rest[self.row], minlength=size)
        share = of_row.sum() / chosen.sum()
        found: Floats = np.log((ours + _SMOOTHING * share) / of_row.sum()) - np.log(
            (theirs + _SMOOTHING * (1 - share)) / rest.sum()
        )
        return found


def _sigmoid(log_odds: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30)))
    return result
