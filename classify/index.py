"""Vectors of live clusters in, the few clusters worth comparing with a new mention out.

Nothing here depends on the order in which clusters came: what `vote` and `Probe` answer is a
function of the vectors held, so a shard that was stored and read again answers alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 16
_MASK = np.uint32(BUCKETS - 1)
_CHUNK_BITS = 16  # rows come in chunks of 65,536; memory is only used once a row is
_CHUNK = 1 << _CHUNK_BITS


@dataclass(frozen=True, slots=True)
class Vector:
    """Sorted feature ids uint32 [n], 0 never among them, and their weights float32 [n]."""

    ids: NDArray[np.uint32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.ids)


class Probe:
    """One vector, laid out so that its products with many rows cost a few NumPy calls.

    `scratch` is a zeroed uint8 array [BUCKETS]; it is given back zeroed.
    """

    def __init__(self, vector: Vector, scratch: NDArray[np.uint8]) -> None:
        self._scratch = scratch
        self._parts: list[tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]] = []
        ids, weights = vector.ids, vector.weights
        while len(ids):
            # At most 255 a part, and of ids that fall on one place only the last.
            rest_ids, rest_weights = ids[255:], weights[255:]
            ids, weights = ids[:255], weights[:255]
            places = ids & _MASK
            order = np.arange(1, len(ids) + 1, dtype=np.uint8)
            scratch[places] = order
            kept = scratch[places] == order
            scratch[places] = 0
            if not kept.all():
                rest_ids = np.concatenate((ids[~kept], rest_ids))
                rest_weights = np.concatenate((weights[~kept], rest_weights))
                ids, weights, places = ids[kept], weights[kept], places[kept]
            named = np.zeros(len(ids) + 1, dtype=np.uint32)
            valued = np.zeros(len(ids) + 1, dtype=np.float32)
            named[1:], valued[1:] = ids, weights
            self._parts.append((places, named, valued))
            ids, weights = rest_ids, rest_weights

    def dots(self, ids: NDArray[np.uint32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the products with rows: ids uint32 [n, width] (0 pads), weights, out [n]."""
        total = np.zeros(len(ids), dtype=np.float32)
        places = ids & _MASK
        for own, named, valued in self._parts:
            self._scratch[own] = np.arange(1, len(own) + 1, dtype=np.uint8)
            found = self._scratch[places]
            self._scratch[own] = 0
            products = valued[found] * weights
            products *= named[found] == ids
            total += products.sum(axis=1)
        return total


class Rows:
    """Vectors of one greatest width in a few large arrays instead of two small ones each."""

    def __init__(self, width: int, weight_type: type[np.floating]) -> None:
        self._width = width
        self._weight_type = weight_type
        self._ids: list[NDArray[np.uint32]] = []
        self._weights: list[NDArray[np.floating]] = []
        self._free: list[int] = []
        self._next = 0  # rows from here on were never used

    @property
    def nbytes(self) -> int:
        """Bytes of the rows that were ever used."""
        width = 4 + np.dtype(self._weight_type).itemsize
        return self._next * self._width * width

    def put(self, vector: Vector) -> int:
        """Store a vector and return its row; the weights must be exact in the rows' type."""
        if self._free:
            row = self._free.pop()
        else:
            row = self._next
            if row == len(self._ids) << _CHUNK_BITS:
                self._ids.append(np.zeros((_CHUNK, self._width), dtype=np.uint32))
                self._weights.append(np.zeros((_CHUNK, self._width), dtype=self._weight_type))
            self._next += 1
        self.replace(row, vector)
        return row

    def replace(self, row: int, vector: Vector) -> None:
        """Overwrite a row."""
        chunk, place, size = row >> _CHUNK_BITS, row & (_CHUNK - 1), len(vector.ids)
        ids, weights = self._ids[chunk][place], self._weights[chunk][place]
        ids[:size], ids[size:] = vector.ids, 0
        weights[:size], weights[size:] = vector.weights, 0

    def drop(self, row: int) -> None:
        """Give a row back."""
        self._free.append(row)

    def get(self, row: int) -> Vector:
        """Return a copy of one row without its padding."""
        chunk, place = row >> _CHUNK_BITS, row & (_CHUNK - 1)
        ids = self._ids[chunk][place]
        size = int(np.count_nonzero(ids))
        weights = self._weights[chunk][place][:size].astype(np.float32)
        return Vector(ids[:size].copy(), weights)

    def take(self, rows: Sequence[int]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return ids uint32 [n, width] and weights float32 [n, width] of n rows."""
        if len(self._ids) == 1:
            ids, weights = self._ids[0][rows], self._weights[0][rows]
        else:
            last = _CHUNK - 1
            ids = np.array([self._ids[row >> _CHUNK_BITS][row & last] for row in rows])
            weights = np.array([self._weights[row >> _CHUNK_BITS][row & last] for row in rows])
        return ids, weights.astype(np.float32, copy=False)


def are_missing(ids: NDArray[np.uint32], among: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Say for each id [n] whether it is absent from sorted ids [m]."""
    if not len(among):
        return np.ones(len(ids), dtype=bool)
    places = np.searchsorted(among, ids)
    places[places == len(among)] = 0
    absent: NDArray[np.bool_] = among[places] != ids
    return absent


def leaders(
    slots: NDArray[np.int64], votes: NDArray[np.float64], count: int
) -> list[tuple[int, float]]:
    """Return the slots with the most votes and all that equal the last of them."""
    if len(slots) > count:
        chosen = votes >= np.partition(votes, len(votes) - count)[len(votes) - count]
        slots, votes = slots[chosen], votes[chosen]
    return list(zip(slots.tolist(), votes.tolist(), strict=True))
