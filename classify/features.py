"""Normalised texts in, hashed n-gram features out: one vectorised pass, no loop per n-gram.

Every feature is a span of characters. The hash of any span comes from running sums over the batch:
with S[k] = c[0] + c[1] B + ... + c[k-1] B^(k-1) (mod 2^64), a span's key is (S[end] - S[start])
B^-start, the same wherever the span stands (Rabin and Karp 1987, with inverse powers instead of
rolling). The key is salted by the kind of feature and scrambled by the finaliser of SplitMix64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.segment import segment

Keys = NDArray[np.uint64]
Ints = NDArray[np.int64]

HASH_BITS = 22
CHARACTER_SIZES = (1, 2, 3, 4)

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

# The kind of a feature keeps the word "差" and the character "差" apart.
_SALT_CHARACTERS = 0x51ED270B0F3C4A5D
_SALT_WORD = 0xA3B195354A39B70D
_SALT_TWO_WORDS = 0x1B03738712FAD5C9


class Spans(NamedTuple):
    """All features of a batch, one entry each: its text, its place there and its bucket.

    Shape: four arrays of one length. `start`/`end` count characters of the text `row`.
    """

    row: Ints
    start: Ints
    end: Ints
    bucket: Ints


def extract(texts: Sequence[str]) -> Spans:
    """Return the features of normalised texts: words, pairs of words, 1 to 4 characters."""
    batch = _Batch(texts)
    parts = [batch.characters(size) for size in CHARACTER_SIZES]
    parts += [batch.words(), batch.word_pairs()]
    starts = np.concatenate([start for start, _, _ in parts])
    ends = np.concatenate([end for _, end, _ in parts])
    salts = np.repeat(
        np.array([salt for _, _, salt in parts], dtype=np.uint64),
        [len(start) for start, _, _ in parts],
    )
    rows = batch.row_of[starts]
    offset = batch.begin[rows]
    return Spans(rows, starts - offset, ends - offset, bucket_of(batch.keys(starts, ends), salts))


def whole_words(texts: Sequence[str]) -> Spans:
    """Return whole words only, of normalised texts: what a model knows or does not."""
    batch = _Batch(texts)
    starts, ends, salt = batch.words()
    rows = batch.row_of[starts]
    offset = batch.begin[rows]
    salts = np.full(len(starts), salt, dtype=np.uint64)
    return Spans(rows, starts - offset, ends - offset, bucket_of(batch.keys(starts, ends), salts))


def word_buckets(words: Sequence[str]) -> Ints:
    """Return the bucket that each of these has where it stands as a word."""
    batch = _Batch(words, cut=False)
    salts = np.full(len(words), _SALT_WORD, dtype=np.uint64)
    return bucket_of(batch.keys(batch.begin, batch.end), salts)


def shingles(texts: Sequence[str], size: int) -> tuple[Ints, Keys]:
    """Return the row and the 64-bit key of every run of `size` characters, rows in order."""
    batch = _Batch(texts, cut=False)
    starts, ends, _ = batch.characters(size)
    return batch.row_of[starts], batch.keys(starts, ends)


def bucket_of(keys: Keys, salts: Keys) -> Ints:
    """Scramble salted keys into bucket numbers of HASH_BITS bits."""
    mixed = keys ^ salts
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(64 - HASH_BITS)).astype(np.int64)


class _Batch:
    """Texts laid end to end, with what is needed to key any span of them."""

    def __init__(self, texts: Sequence[str], *, cut: bool = True) -> None:
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self.begin = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
        self.end = self.begin + lengths
        self.row_of = np.repeat(np.arange(len(texts)), lengths)
        self._texts = texts
        codes = np.frombuffer(
            "".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32
        ).astype(np.uint64)
        size = len(codes)
        powers = np.full(size + 1, _BASE, dtype=np.uint64)
        powers[0] = 1
        inverses = np.full(size + 1, _BASE_INVERSE, dtype=np.uint64)
        inverses[0] = 1
        self._inverses = np.cumprod(inverses, dtype=np.uint64)
        spread = (codes + np.uint64(1)) * _MIX_1
        spread ^= spread >> np.uint64(29)
        sums = np.zeros(size + 1, dtype=np.uint64)
        np.cumsum(
            spread * np.cumprod(powers, dtype=np.uint64)[:size], dtype=np.uint64, out=sums[1:]
        )
        self._sums = sums
        self._word_start, self._word_end = self._cut() if cut else (self.begin[:0], self.begin[:0])

    def keys(self, starts: Ints, ends: Ints) -> Keys:
        keys: Keys = (self._sums[ends] - self._sums[starts]) * self._inverses[starts]
        return keys

    def characters(self, size: int) -> tuple[Ints, Ints, int]:
        starts = np.arange(max(0, len(self.row_of) - size + 1))
        starts = starts[starts + size <= self.end[self.row_of[starts]]]
        return starts, starts + size, _SALT_CHARACTERS

    def words(self) -> tuple[Ints, Ints, int]:
        return self._word_start, self._word_end, _SALT_WORD

    def word_pairs(self) -> tuple[Ints, Ints, int]:
        start, end = self._word_start[:-1], self._word_end[1:]
        together = self.row_of[start] == self.row_of[end - 1] if len(start) else slice(0)
        return start[together], end[together], _SALT_TWO_WORDS

    def _cut(self) -> tuple[Ints, Ints]:
        sizes = [len(word) for text in self._texts for word in segment(text)]
        ends = np.cumsum(np.array(sizes, dtype=np.int64))
        starts = ends - np.array(sizes, dtype=np.int64)
        return starts, ends
