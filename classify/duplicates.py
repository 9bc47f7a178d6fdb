"""Which earlier text is this one a copy of: exact fingerprint first, then sketches.

Source: bottom-k sketches (Broder 1997, resemblance and containment) with containment instead of
resemblance because copies are cut short or commented; figures in bench/bench_clusters.py.
"""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.fingerprint import Sketch, fingerprint, normalise_key, sketch

__all__ = ["SketchIndex", "containment", "fingerprint", "is_copy", "normalise_key", "sketch"]

FINDERS = 16  # smallest hashes that are indexed
MIN_SHARED = 2  # of them, for a candidate
LAST_READ = 50  # newest entries read per hash: a phrase of the day stays cheap
MAX_VERIFIED = 8  # candidates verified, those that share most first
ENOUGH = 0.6  # containment that makes a copy
ENOUGH_SHORT = 0.7  # the same for texts of fewer than 25 shingles
ENOUGH_RETYPED = 0.65  # for those of one length: a character mistyped costs four shingles
ENOUGH_HEADS = 0.7  # where neither text holds the other's beginning: a template's other subject
ENOUGH_SHORT_HEADS = 0.8
SHORT = 25
# A text with more than so many times the shingles of a short one that it holds says more than that:
# costs none of the 2,000 edited copies, and a phrase that many use does not take in what they tell.
SAYS_MORE = 2
SURE = 0.98  # containment that outweighs different numbers
_BUCKET_MASK = 0xFFFF


def _known_range(one: Sketch) -> int:
    """Return the value up to which a sketch knows every hash of its text."""
    if one.shingles <= len(one.hashes) or not len(one.hashes):
        return 0xFFFFFFFF
    return int(one.hashes[-1])


def _shared(small: NDArray[np.uint32], large: NDArray[np.uint32]) -> int:
    """How many of two sorted, distinct arrays' values are in both."""
    if not len(small) or not len(large):
        return 0
    places = np.searchsorted(large, small)
    places[places == len(large)] = 0
    return int(np.count_nonzero(large[places] == small))


def containment(left: Sketch, right: Sketch) -> float:
    """Estimate the share of the shorter text's shingles that the longer one holds."""
    limit = min(_known_range(left), _known_range(right))
    one = left.hashes[: np.searchsorted(left.hashes, limit, side="right")]
    two = right.hashes[: np.searchsorted(right.hashes, limit, side="right")]
    fewest = min(len(one), len(two))
    return _shared(one, two) / fewest if fewest else 0.0


def _numbers_conflict(left: Sketch, right: Sketch) -> bool:
    """Each names a number or latin word that the other lacks: template texts, not copies."""
    shared = _shared(left.numbers, right.numbers)
    return shared < len(left.numbers) and shared < len(right.numbers)


def _heads_conflict(left: Sketch, right: Sketch) -> bool:
    """Neither text holds the beginning of the other, as far as the sketches know.

    Templates begin with what they are about (甲公司终止重组, 乙公司终止重组); who passes a text on
    cuts its end or writes before it.
    """
    return not (_may_hold(left, right.head) or _may_hold(right, left.head))


def _may_hold(one: Sketch, head: int | None) -> bool:
    if head is None or head > _known_range(one):
        return True
    place = int(np.searchsorted(one.hashes, head))
    return place < len(one.hashes) and int(one.hashes[place]) == head


def _enough(left: Sketch, right: Sketch) -> float:
    """Return the containment from which on two texts can be copies."""
    short = min(left.shingles, right.shingles) < SHORT
    if _heads_conflict(left, right):
        return ENOUGH_SHORT_HEADS if short else ENOUGH_HEADS
    if not short:
        return ENOUGH
    return ENOUGH_RETYPED if left.shingles == right.shingles else ENOUGH_SHORT


def _says_more(text: Sketch, known: Sketch) -> bool:
    """Say whether a later text goes on far beyond a short earlier one.

    Else who writes 云雀净水器质量问题 first would swallow whoever begins so and tells what.
    """
    return known.shingles < SHORT and text.shingles > SAYS_MORE * known.shingles


def is_copy(left: Sketch, right: Sketch) -> bool:
    """Say whether one text is an edited copy or a part of the other."""
    contained = containment(left, right)
    if contained < _enough(left, right):
        return False
    return contained >= SURE or not _numbers_conflict(left, right)


@dataclass(slots=True)
class _Entry:
    owner: int
    fingerprint: int
    packed: bytes
    clock: float


class SketchIndex:
    """The texts of late, by fingerprint and by sketch; the oldest leave when it is full.

    What it answers depends only on the last `capacity` entries and their order, so an index
    rebuilt from them answers alike.
    """

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[int, _Entry] = OrderedDict()  # by running number
        self._next = 0
        self._exact: dict[int, int] = {}  # fingerprint -> newest entry's number
        self._numbers: dict[int, tuple[int, ...]] = {}  # owner -> numbers of its entries
        self._buckets: dict[int, array[int]] = {}

    def find(
        self, key: int, text: Sketch, is_wanted: Callable[[int], bool] | None = None
    ) -> int | None:
        """Return the owner of the text this one copies, None when there is none.

        Owners that `is_wanted` refuses are passed over.
        """
        number = self._exact.get(key)
        if number is not None:
            owner = self._entries[number].owner
            if is_wanted is None or is_wanted(owner):
                return owner
        for candidate in self._candidates(text):
            entry = self._entries[candidate]
            if is_wanted is not None and not is_wanted(entry.owner):
                continue
            known = Sketch.from_bytes(entry.packed)
            if is_copy(text, known) and not _says_more(text, known):
                return entry.owner
        return None

    def _candidates(self, text: Sketch) -> list[int]:
        shared: Counter[int] = Counter()
        for value in text.hashes[:FINDERS].tolist():
            bucket = self._buckets.get(value & _BUCKET_MASK)
            if bucket is not None:
                shared.update(bucket[-LAST_READ:])
        least = min(MIN_SHARED, text.shingles)
        found = [(-count, number) for number, count in shared.items() if count >= least]
        found.sort()
        return [number for _, number in found[:MAX_VERIFIED]]

    def add(self, owner: int, key: int, text: Sketch, clock: float = 0.0) -> list[int]:
        """Remember a text that is no copy; return the owners of the texts that left for it."""
        left = []
        while len(self._entries) >= self._capacity:
            left.append(self._drop_oldest())
        number = self._next
        self._next += 1
        self._entries[number] = _Entry(owner, key, text.to_bytes(), clock)
        self._exact[key] = number
        self._numbers[owner] = (*self._numbers.get(owner, ()), number)
        for value in text.hashes[:FINDERS].tolist():
            self._buckets.setdefault(value & _BUCKET_MASK, array("q")).append(number)
        return left

    def drop_before(self, clock: float) -> list[int]:
        """Forget texts added before `clock`; return their owners."""
        left = []
        while self._entries and next(iter(self._entries.values())).clock < clock:
            left.append(self._drop_oldest())
        return left

    def discard(self, owner: int) -> list[int]:
        """Forget the texts of an owner; return it once for each."""
        return [self._drop(number) for number in self._numbers.get(owner, ())]

    def _drop_oldest(self) -> int:
        return self._drop(next(iter(self._entries)))

    def _drop(self, number: int) -> int:
        entry = self._entries.pop(number)
        left = tuple(one for one in self._numbers.pop(entry.owner) if one != number)
        if left:
            self._numbers[entry.owner] = left
        if self._exact.get(entry.fingerprint) == number:
            del self._exact[entry.fingerprint]
        for value in Sketch.from_bytes(entry.packed).hashes[:FINDERS].tolist():
            bucket = self._buckets[value & _BUCKET_MASK]
            bucket.remove(number)
            if not bucket:
                del self._buckets[value & _BUCKET_MASK]
        return entry.owner


def find_in_pair(text: str, other: str) -> bool:
    """Say whether a shard that knows `text` would take `other` as its copy."""
    index = SketchIndex()
    index.add(1, fingerprint(text), sketch(text))
    return index.find(fingerprint(other), sketch(other)) is not None
