"""A mention's vector in; the same vector in four bytes a feature out, and back.

A feature id has 24 bits, its weight eight: a step of a power of two that the whole vector shares
(`shift`). Products of such vectors and their sums are exact in float32 in whatever order they are
taken, so it makes no difference where a vector lies when it is compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.index import Vector

ID_MASK = np.uint32((1 << 24) - 1)
_WEIGHT_BITS = np.uint32(24)
_MOST = 255.49  # the heaviest weight in steps, before rounding


@dataclass(frozen=True, slots=True)
class Quantised(Vector):
    """A vector that knows its words; its weights are exactly what they say."""

    words: NDArray[np.uint32]
    shift: int


def words_of(vector: Vector) -> tuple[NDArray[np.uint32], int]:
    """Return one word a feature, id | steps << 24, sorted by id, and the shift.

    A weight is steps / 2**shift; features lighter than half a step are left out. Ids beyond 24
    bits (of older stored vectors) are cut; where two become one, the heavier stays.
    """
    if isinstance(vector, Quantised):
        return vector.words, vector.shift
    if not len(vector):
        return np.zeros(0, dtype=np.uint32), 0
    shift = math.floor(math.log2(_MOST / float(vector.weights.max())))
    shift = min(max(shift, 0), 31)
    steps = np.rint(vector.weights.astype(np.float64) * (1 << shift)).astype(np.uint32)
    ids = vector.ids & ID_MASK
    held = steps > 0
    ids, steps = ids[held], np.minimum(steps[held], 255)
    if len(ids) > 1 and not (ids[1:] > ids[:-1]).all():
        order = np.lexsort((-steps.astype(np.int64), ids))
        ids, steps = ids[order], steps[order]
        first = np.ones(len(ids), dtype=bool)
        first[1:] = ids[1:] != ids[:-1]
        ids, steps = ids[first], steps[first]
    return ids | steps << _WEIGHT_BITS, shift


def vector_of(words: NDArray[np.uint32], shift: int) -> Quantised:
    """Return the vector of its words."""
    weights = weights_of(words) * np.float32(2.0**-shift)
    return Quantised(words & ID_MASK, weights, words, shift)


def weights_of(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return the weights of words in steps, float32 of the same shape."""
    return (words >> _WEIGHT_BITS).astype(np.float32)


def quantise(vector: Vector) -> Quantised:
    """Return a vector as it is stored; doing so twice changes nothing."""
    return vector_of(*words_of(vector))


def cut_ids(vector: Vector) -> Vector:
    """Return a vector with ids of 32 bits as one with ids of 24; weights of equal ids are added."""
    ids, which = np.unique(vector.ids & ID_MASK, return_inverse=True)
    weights = np.bincount(which, weights=vector.weights, minlength=len(ids))
    return Vector(ids, weights.astype(np.float32))


def spread(
    words: NDArray[np.uint32], shifts: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Return ids and weights of rows of words [n, width] with their shifts [n]."""
    scale = np.ldexp(np.float32(1.0), -shifts.astype(np.int32)).astype(np.float32)
    return words & ID_MASK, weights_of(words) * scale[:, None]
