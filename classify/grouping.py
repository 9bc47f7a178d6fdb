"""Texts in, groups of near-duplicates out: a split that cuts through a group cheats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.features import shingles

_SHINGLE = 6  # characters
_BANDS, _PER_BAND = 10, 3  # texts that share 70 % of their shingles meet with probability .98
_BATCH = 2000
_HELD_OUT_ONE_IN = 20

Ints = NDArray[np.int64]


def near_duplicate_groups(texts: Sequence[str]) -> Ints:
    """Return a group number per text: the index of the group's first text.

    Source: min-hashing in bands, Broder 1997.
    """
    parent = np.arange(len(texts))
    keys = np.concatenate(
        [_bands(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        or [np.zeros((0, _BANDS), dtype=np.uint64)]
    )
    for band in range(_BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        same = keys[order[1:], band] == keys[order[:-1], band]
        for left, right in zip(order[:-1][same], order[1:][same], strict=True):
            _join(parent, int(left), int(right))
    return np.array([_root(parent, index) for index in range(len(texts))], dtype=np.int64)


def is_held_out(text: str) -> bool:
    """Whether a group whose first text is this one is kept from training: one in twenty."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _HELD_OUT_ONE_IN == 0


def _bands(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return texts × bands; a text shorter than a shingle is its own single shingle."""
    rows, hashes = shingles([f"{text:_<{_SHINGLE}}" for text in texts], _SHINGLE)
    first = np.searchsorted(rows, np.arange(len(texts)))
    chance = np.random.default_rng(7)
    bands = np.zeros((len(texts), _BANDS), dtype=np.uint64)
    for band in range(_BANDS):
        for _ in range(_PER_BAND):
            salt, factor = chance.integers(1, 1 << 63, size=2, dtype=np.uint64)
            mixed = (hashes ^ salt) * (factor | np.uint64(1))
            mixed ^= mixed >> np.uint64(31)
            bands[:, band] = bands[:, band] * np.uint64(0x9E3779B97F4A7C15) + np.minimum.reduceat(
                mixed, first
            )
    return bands


def _root(parent: Ints, index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = int(parent[index])
    return index


def _join(parent: Ints, left: int, right: int) -> None:
    """Join two groups under the earlier of their first texts."""
    one, other = _root(parent, left), _root(parent, right)
    parent[max(one, other)] = min(one, other)
