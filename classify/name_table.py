"""Cluster ids in; numbers of 64 bits out and back, and which ordinal has which.

An id is its brand and the first letters of a digest in base 32, so its letters spread evenly over
all numbers and the table needs no hash of its own.
"""

from __future__ import annotations

import numpy as np

from storage.records import ClusterId

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # of int(..., 32)
_TO_DIGITS = str.maketrans(_LETTERS, _DIGITS)
_SIZES = (8, 12)  # letters of the ids that fit beside the number that says which
_KIND = 60
_BITS = (1 << _KIND) - 1
_LISTS = 1 << 12
_LIST_BYTES = 41
_ENTRY = 8


class NameTable:
    """Numbers of one brand's cluster ids, with the ordinals they belong to; eight bytes an entry.

    Lists of entries grow one by one: there is no table to make anew.
    """

    def __init__(self) -> None:
        self._brand: str | None = None  # of all ids, learnt from the first
        self._lists: list[bytes] = [b""] * _LISTS
        self._count = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the lists."""
        return (8 + _LIST_BYTES) * _LISTS + _ENTRY * self._count

    def encode(self, cluster_id: ClusterId) -> int | None:
        """Return the number of an id, None when it is not made like the others."""
        brand, _, letters = cluster_id.rpartition("-")
        if self._brand is None:
            self._brand = brand
        if brand != self._brand or len(letters) not in _SIZES:
            return None
        try:
            number = int(letters.translate(_TO_DIGITS), 32) | _SIZES.index(len(letters)) << _KIND
        except ValueError:
            return None
        return number if self.decode(number) == cluster_id else None

    def decode(self, number: int) -> ClusterId:
        """Return the id of a number."""
        bits = number & _BITS
        letters = [
            _LETTERS[bits >> 5 * place & 31] for place in range(_SIZES[number >> _KIND] - 1, -1, -1)
        ]
        return ClusterId(f"{self._brand}-{''.join(letters)}")

    def put(self, number: int, ordinal: int) -> None:
        """Note whose number this is."""
        place, entry = _entry(number, ordinal)
        self._lists[place] += entry
        self._count += 1

    def remove(self, number: int, ordinal: int) -> None:
        """Forget it; the entry must be there."""
        place, entry = _entry(number, ordinal)
        held = self._lists[place]
        at = held.index(entry)
        while at % _ENTRY:
            at = held.index(entry, at + 1)
        self._lists[place] = held[:at] + held[at + _ENTRY :]
        self._count -= 1

    def find(self, number: int) -> list[int]:
        """Return the ordinals that may have this number: its own and, hardly ever, another."""
        place, entry = _entry(number, 0)
        entries = np.frombuffer(self._lists[place], dtype="<u4").reshape(-1, 2)
        found: list[int] = entries[entries[:, 0] == int.from_bytes(entry[:4], "little"), 1].tolist()
        return found


def _entry(number: int, ordinal: int) -> tuple[int, bytes]:
    rest = number >> 12 & 0xFFFFFFFF
    return number & (_LISTS - 1), (rest | ordinal << 32).to_bytes(_ENTRY, "little")
