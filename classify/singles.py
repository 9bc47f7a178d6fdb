"""Clusters of exactly one mention, packed: some 50 bytes and four a feature, no Python object.

In: a cluster's few facts and its vector, in the order in which clusters came. Out: the same again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.name_table import NameTable
from classify.packing import spread
from storage.records import ClusterId

CHUNK = 512  # singles a chunk
WIDTH = 64  # features that one of them has at most
_LOOSE = 32  # of a chunk that may be gone before it is packed tight
_ROW = np.dtype(
    [
        ("name", "<u8"),
        ("mention", "<i8"),
        ("opened", "<u8"),
        ("touched", "<f8"),
        ("published", "<i8"),
        ("length", "<u2"),
        ("form", "u1"),
        ("shift", "u1"),
    ]
)
_GONE = 0x80  # in `form`
_NO_ORDINAL = 0xFFFFFFFF  # of rows not used yet


@dataclass(frozen=True, slots=True)
class Single:
    """One packed cluster. `published_us`: microseconds since 1970; `name`: see `NameTable`."""

    name: int
    mention_id: int
    opened_seq: int
    touched: float
    published_us: int
    length: int
    form: int
    shift: int


class _Chunk:
    """Up to 512 singles side by side; the words of row n are features[bounds[n]:bounds[n + 1]]."""

    __slots__ = ("bounds", "features", "live", "ordinals", "rows", "size")

    def __init__(self) -> None:
        self.ordinals = np.full(CHUNK, _NO_ORDINAL, dtype=np.uint32)
        self.rows = np.zeros(CHUNK, dtype=_ROW)
        self.features = np.zeros(CHUNK * WIDTH, dtype=np.uint32)
        self.bounds = np.zeros(CHUNK + 1, dtype=np.uint32)
        self.size = 0  # rows
        self.live = 0

    @property
    def nbytes(self) -> int:
        arrays = (self.ordinals, self.rows, self.bounds, self.features)
        return sum(one.nbytes for one in arrays) + 500

    def append(self, ordinal: int, one: Single, words: NDArray[np.uint32]) -> None:
        self.ordinals[self.size] = ordinal
        self.rows[self.size] = (
            one.name, one.mention_id, one.opened_seq, one.touched, one.published_us,
            one.length, one.form, one.shift,
        )  # fmt: skip
        first = int(self.bounds[self.size])
        self.features[first : first + len(words)] = words
        self.size += 1
        self.bounds[self.size] = first + len(words)
        self.live += 1

    def place(self, ordinal: int) -> int:
        """Return the row of an ordinal, -1 when it is not here or gone."""
        row = int(self.ordinals.searchsorted(np.uint32(ordinal)))
        if row >= self.size or self.ordinals[row] != ordinal or self.rows["form"][row] & _GONE:
            return -1
        return row

    def words(self, row: int) -> NDArray[np.uint32]:
        return self.features[self.bounds[row] : self.bounds[row + 1]]

    def tighten(self, *others: _Chunk) -> None:
        """Leave out what is gone and the room behind, taking in the chunks that follow."""
        parts = [self, *others]
        ordinals, rows, features, sizes = [], [], [], []
        for one in parts:
            bounds = one.bounds[: one.size + 1].astype(np.int64)
            lengths = bounds[1:] - bounds[:-1]
            kept = (one.rows["form"][: one.size] & _GONE) == 0
            ordinals.append(one.ordinals[: one.size][kept])
            rows.append(one.rows[: one.size][kept])
            features.append(one.features[: bounds[-1]][np.repeat(kept, lengths)])
            sizes.append(lengths[kept])
        self.ordinals = np.concatenate(ordinals)
        self.rows = np.concatenate(rows)
        self.features = np.concatenate(features)
        lengths = np.concatenate(sizes)
        self.size = self.live = len(self.rows)
        self.bounds = np.zeros(self.size + 1, dtype=np.uint32)
        self.bounds[1:] = np.cumsum(lengths)


class Row(NamedTuple):
    """Where a packed single lies; good until something changes."""

    chunk: _Chunk
    place: int

    @property
    def opened_seq(self) -> int:
        """The running number it opened at."""
        return int(self.chunk.rows["opened"][self.place])

    @property
    def text(self) -> tuple[int, int]:
        """Its text's length and form."""
        rows = self.chunk.rows
        return int(rows["length"][self.place]), int(rows["form"][self.place])


class Singles:
    """All packed singles of a shard, by ordinal; ordinals only rise."""

    def __init__(self) -> None:
        self._chunks: list[_Chunk] = []
        self._starts: list[int] = []  # first ordinal of each chunk
        self._names = NameTable()
        self._count = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(one.nbytes for one in self._chunks) + self._names.nbytes

    def first_ordinal(self) -> int | None:
        """Return an ordinal that none here is below, None when there are none."""
        return self._starts[0] if self._starts else None

    def put(self, ordinal: int, one: Single, words: NDArray[np.uint32]) -> None:
        """Pack a single; ordinals rise, and so does what they expire by."""
        if not self._chunks or self._is_full(self._chunks[-1]):
            if self._chunks:
                self._tighten(len(self._chunks) - 1)
            self._chunks.append(_Chunk())
            self._starts.append(ordinal)
        self._chunks[-1].append(ordinal, one, words)
        self._names.put(one.name, ordinal)
        self._count += 1

    @staticmethod
    def _is_full(chunk: _Chunk) -> bool:
        return chunk.size == len(chunk.rows)

    def _find(self, ordinal: int) -> tuple[int, int]:
        """Return chunk number and row, row -1 when there is none."""
        number = bisect_right(self._starts, ordinal) - 1
        return number, self._chunks[number].place(ordinal) if number >= 0 else -1

    def __contains__(self, ordinal: int) -> bool:
        """Say whether an ordinal is packed here."""
        return self._find(ordinal)[1] >= 0

    def get(self, ordinal: int) -> tuple[Single, NDArray[np.uint32]]:
        """Return a single and a copy of its words."""
        chunk, place = self.row(ordinal)
        facts: tuple[int, int, int, float, int, int, int, int] = chunk.rows[place].item()
        return Single(*facts), chunk.words(place).copy()

    def encode(self, cluster_id: ClusterId) -> int | None:
        """Return the number of an id, None for one that cannot be packed."""
        return self._names.encode(cluster_id)

    def decode(self, name: int) -> ClusterId:
        """Return the id of a number."""
        return self._names.decode(name)

    def find(self, cluster_id: ClusterId) -> int | None:
        """Return the ordinal of a cluster, None when it is not packed here."""
        name = self._names.encode(cluster_id)
        if name is None:
            return None
        for ordinal in self._names.find(name):
            number, row = self._find(ordinal)
            if row >= 0 and int(self._chunks[number].rows["name"][row]) == name:
                return ordinal
        return None

    def row(self, ordinal: int) -> Row:
        """Return where a single lies that is packed here."""
        chunk = self._chunks[bisect_right(self._starts, ordinal) - 1]
        return Row(chunk, int(chunk.ordinals.searchsorted(np.uint32(ordinal))))

    @staticmethod
    def take(rows: Sequence[Row]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return ids uint32 [n, 64] (0 pads) and weights float32 [n, 64] of n singles."""
        words = np.zeros((len(rows), WIDTH), dtype=np.uint32)
        for place, (chunk, row) in enumerate(rows):
            held = chunk.words(row)
            words[place, : len(held)] = held
        shifts = np.array([chunk.rows["shift"][row] for chunk, row in rows], dtype=np.uint8)
        return spread(words, shifts)

    def oldest(self, *skipped: Container[int]) -> tuple[int, float, int] | None:
        """Return ordinal, touched and opened_seq of the first that is in none of `skipped`."""
        for chunk in self._chunks:
            kept = np.flatnonzero((chunk.rows["form"][: chunk.size] & _GONE) == 0)
            for row in kept.tolist():
                ordinal = int(chunk.ordinals[row])
                if not any(ordinal in some for some in skipped):
                    one = chunk.rows[row]
                    return ordinal, float(one["touched"]), int(one["opened"])
        return None

    def remove(self, ordinal: int) -> None:
        """Forget a single; its room is used again once a few of its chunk are gone."""
        number, row = self._find(ordinal)
        chunk = self._chunks[number]
        self._names.remove(int(chunk.rows["name"][row]), ordinal)
        chunk.rows["form"][row] |= _GONE
        chunk.live -= 1
        self._count -= 1
        is_open = number == len(self._chunks) - 1 and not self._is_full(chunk)
        if not is_open and (chunk.size - chunk.live >= _LOOSE or not chunk.live):
            self._tighten(number)

    def _tighten(self, number: int) -> None:
        """Pack a full chunk tight, with its neighbour when both fit into one."""
        chunk = self._chunks[number]
        if not chunk.live:
            del self._chunks[number], self._starts[number]
            return
        if number and self._chunks[number - 1].live + chunk.live <= CHUNK:
            self._chunks[number - 1].tighten(chunk)
            del self._chunks[number], self._starts[number]
        else:
            chunk.tighten()
