"""Which clusters hold a feature: two bytes a pair, whatever the number of clusters.

Clusters are named by ordinals, integers that rise as clusters come. What `vote` answers is a
function of the pairs held and not of the order in which they came or went.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from classify.index import BUCKETS, Vector

MAX_READ = 20_000  # entries read for one vote, heaviest features first: bounds the cost
_MASK = np.uint32(BUCKETS - 1)
_ESCAPE = 0xFFFF  # a step of so much that names no cluster
_LONG = 1024  # bytes; longer lists change in place
_FINE = float(1 << 30)  # votes are summed in whole numbers: exact in any order
_SPARSE = 16  # places a vote may be spread over for each entry, to be counted by place
_LIST_BYTES = 41  # of a bytes object without its contents, and a pointer to it
Places = NDArray[np.uint32]


def places_of(ids: NDArray[np.uint32]) -> Places:
    """Return the distinct buckets of feature ids, sorted.

    Features share 65,536 buckets: a shared bucket only proposes a cluster that the exact score then
    turns down.
    """
    places: Places = ids & _MASK
    places.sort()
    fresh = places[1:] != places[:-1]
    if fresh.all():
        return places
    return places[np.concatenate(([True], fresh))]


class PostingIndex:
    """For each bucket the sorted ordinals filed there, as steps of 16 bits from one to the next."""

    def __init__(self) -> None:
        self._lists: list[bytes | bytearray] = [b""] * BUCKETS  # the first step is 0
        self._first = np.zeros(BUCKETS, dtype=np.uint32)
        self._last = np.zeros(BUCKETS, dtype=np.uint32)
        self._steps = 0
        self._used = 0  # lists that are not empty

    @property
    def nbytes(self) -> int:
        """Bytes of the lists and of the table of them."""
        return 16 * BUCKETS + 2 * self._steps + _LIST_BYTES * self._used

    # --- changing -------------------------------------------------------------------------------

    def add(self, ordinal: int, places: Places) -> None:
        """File a cluster in buckets (distinct ones)."""
        lists = self._lists
        steps = (ordinal - self._last[places].astype(np.int64)).tolist()
        fresh, inside = [], []
        for place, step in zip(places.tolist(), steps, strict=True):
            held = lists[place]
            if not held:
                lists[place] = b"\0\0"
                fresh.append(place)
            elif 0 < step < _ESCAPE:
                held += step.to_bytes(2, "little")
                lists[place] = held if len(held) != _LONG else bytearray(held)
            else:
                inside.append(place)
        self._steps += len(places) - len(inside)
        self._used += len(fresh)
        self._first[fresh] = ordinal
        self._last[places] = np.maximum(self._last[places], ordinal)
        self._last[fresh] = ordinal
        if inside:
            self._insert(ordinal, inside)

    def _insert(self, ordinal: int, places: list[int]) -> None:
        for place, at, own, step in self._locate(ordinal, places):
            ahead = int(self._first[place]) - ordinal
            if at == 0 and 0 < ahead < _ESCAPE:
                self._splice(place, 0, 2, b"\0\0" + ahead.to_bytes(2, "little"))
                self._first[place] = ordinal
                self._steps += 1
                continue
            if at == 0 or step is None or step == _ESCAPE or own >= step:
                ordinals = self._ordinals(place)
                spot = int(np.searchsorted(ordinals, ordinal))
                if spot == len(ordinals) or ordinals[spot] != ordinal:
                    self._put(place, np.insert(ordinals, spot, ordinal))
                continue
            both = own.to_bytes(2, "little") + (step - own).to_bytes(2, "little")
            self._splice(place, at, at + 2, both)
            self._steps += 1

    def remove(self, ordinal: int, places: Places) -> None:
        """Undo `add` for the same cluster and buckets."""
        inside = []
        fronts = self._first[places] == ordinal
        for place, is_front in zip(places.tolist(), fronts.tolist(), strict=True):
            held = self._lists[place]
            if not is_front or held[2:4] == b"\xff\xff":
                inside.append(place)
            elif len(held) == 2:
                self._lists[place] = b""
                self._steps -= 1
                self._used -= 1
            else:
                self._first[place] += int.from_bytes(held[2:4], "little")
                self._splice(place, 0, 4, b"\0\0")
                self._steps -= 1
        if inside:
            self._take_out(ordinal, inside)

    def _take_out(self, ordinal: int, places: list[int]) -> None:
        for place, at, own, step in self._locate(ordinal, places):
            held = self._lists[place]
            if step is None or at == 0 or not own == step < _ESCAPE:
                pass  # not there, or not as a step of its own
            elif at + 2 == len(held):
                if at == 2 or held[at - 2 : at] != b"\xff\xff":
                    self._splice(place, at, at + 2, b"")
                    self._last[place] = ordinal - own
                    self._steps -= 1
                    continue
            elif held[at + 2 : at + 4] != b"\xff\xff":
                joint = step + int.from_bytes(held[at + 2 : at + 4], "little")
                if joint < _ESCAPE:
                    self._splice(place, at, at + 4, joint.to_bytes(2, "little"))
                    self._steps -= 1
                    continue
            ordinals = self._ordinals(place)
            self._put(place, ordinals[ordinals != ordinal])

    def _locate(
        self, ordinal: int, places: list[int]
    ) -> Iterator[tuple[int, int, int, int | None]]:
        """Yield for each bucket where an ordinal is or would be.

        The bucket, the byte of the first step that reaches the ordinal, how far the ordinal is from
        where that step starts, and the step (None past the end).
        """
        joined, run, starts, lengths = self._run(places)
        if not len(joined):
            return
        below = np.add.reduceat((run < ordinal).astype(np.int64), starts)
        at = starts + below
        inside = below < lengths
        steps = joined[np.minimum(at, len(joined) - 1)].astype(np.int64)
        own = ordinal - run[np.maximum(at - 1, 0)]
        for place, k, o, s, is_in in zip(
            places, below.tolist(), own.tolist(), steps.tolist(), inside.tolist(), strict=True
        ):
            yield place, 2 * k, o, s if is_in else None

    def _run(
        self, places: list[int]
    ) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return of lists, none empty, the steps, what they reach, where they start, how long."""
        lists = [self._lists[place] for place in places]
        joined = np.frombuffer(b"".join(lists), dtype="<u2")
        lengths = np.array([len(one) >> 1 for one in lists], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        run = np.cumsum(joined, dtype=np.int64)
        run += np.repeat(self._first[places].astype(np.int64) - run[starts], lengths)
        return joined, run, starts, lengths

    def _ordinals(self, place: int) -> NDArray[np.int64]:
        if not self._lists[place]:
            return np.zeros(0, dtype=np.int64)
        joined, run, _, _ = self._run([place])
        ordinals: NDArray[np.int64] = run[joined != _ESCAPE]
        return ordinals

    def _put(self, place: int, ordinals: NDArray[np.int64]) -> None:
        before = len(self._lists[place]) >> 1
        if not len(ordinals):
            self._lists[place] = b""
            self._steps -= before
            self._used -= before > 0
            return
        gaps = np.diff(ordinals, prepend=ordinals[0])
        escapes, rests = np.divmod(gaps, _ESCAPE)
        sizes = escapes + 1
        steps = np.full(int(sizes.sum()), _ESCAPE, dtype="<u2")
        steps[np.cumsum(sizes) - 1] = rests
        packed = steps.tobytes()
        self._lists[place] = packed if len(packed) < _LONG else bytearray(packed)
        self._first[place], self._last[place] = ordinals[0], ordinals[-1]
        self._steps += len(steps) - before
        self._used += before == 0

    def _splice(self, place: int, first: int, last: int, steps: bytes) -> None:
        held = self._lists[place]
        if isinstance(held, bytearray):
            held[first:last] = steps
        else:
            self._lists[place] = held[:first] + steps + held[last:]

    # --- asking ---------------------------------------------------------------------------------

    def vote(self, vector: Vector, least: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return ordinals [n], rising, and votes [n] > `least`.

        A vote is the sum of squared weights of shared features. By Cauchy and Schwarz the cosine
        with a cluster cannot exceed its root.
        """
        places, worth = _distinct(vector)
        budget = MAX_READ
        chosen, values = [], []
        for place, value in zip(places.tolist(), worth.tolist(), strict=True):
            size = len(self._lists[place]) >> 1
            if 0 < size <= budget:
                budget -= size
                chosen.append(place)
                values.append(value)
        if not chosen:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float64)
        joined, run, _, lengths = self._run(chosen)
        weights = np.repeat(np.array(values, dtype=np.float64), lengths)
        if (joined == _ESCAPE).any():
            real = joined != _ESCAPE
            run, weights = run[real], weights[real]
        ordinals, votes = _sum(run, weights, least * _FINE)
        return ordinals, votes / _FINE


def _distinct(vector: Vector) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Return the buckets of a vector and what each counts, the heaviest features first."""
    squares = np.rint(vector.weights.astype(np.float64) ** 2 * _FINE)
    places, worth = vector.ids & _MASK, squares
    if len(set(places.tolist())) < len(places):
        places, which = np.unique(places, return_inverse=True)
        worth = np.bincount(which, weights=squares).astype(np.float64, copy=False)
    order = np.lexsort((places, -worth))
    return places[order], worth[order]


def _sum(
    ordinals: NDArray[np.int64], weights: NDArray[np.float64], least: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sum weights by ordinal; the cost depends on the entries, not on how far apart they lie."""
    base = int(ordinals.min())
    span = int(ordinals.max()) - base + 1
    if span <= _SPARSE * len(ordinals):
        every = np.bincount(ordinals - base, weights=weights).astype(np.float64, copy=False)
        found = np.flatnonzero(every > least)
        return (found + base).astype(np.int64, copy=False), every[found]
    order = np.argsort(ordinals, kind="stable")
    ordinals, weights = ordinals[order], weights[order]
    starts = np.flatnonzero(np.diff(ordinals, prepend=-1))
    votes: NDArray[np.float64] = np.add.reduceat(weights, starts)
    held = votes > least
    return ordinals[starts][held], votes[held]
