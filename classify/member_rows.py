"""Members that stand for their clusters, side by side: vectors, and facts of the texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.labels import Member
from classify.packing import spread

LONGEST = 65_535  # characters of a text that are counted
_CHUNK_BITS = 16
_CHUNK = 1 << _CHUNK_BITS
_TEXT = np.dtype([("mention", "<i8"), ("length", "<u2"), ("form", "u1"), ("shift", "u1")])


class MemberRows:
    """Vectors of up to `width` features with what is remembered of the texts they come from.

    Rows come in chunks of 65,536 that take memory only once they are used.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._words: list[NDArray[np.uint32]] = []
        self._texts: list[NDArray[np.void]] = []
        self._free: list[int] = []
        self._next = 0  # rows from here on were never used

    @property
    def nbytes(self) -> int:
        """Bytes of the rows that were ever used."""
        return self._next * (4 * self._width + _TEXT.itemsize) + 8 * len(self._free)

    def put(self, words: NDArray[np.uint32], shift: int, mention_id: int, member: Member) -> int:
        """Store a member and return its row."""
        if self._free:
            row = self._free.pop()
        else:
            row = self._next
            if row == len(self._words) << _CHUNK_BITS:
                self._words.append(np.zeros((_CHUNK, self._width), dtype=np.uint32))
                self._texts.append(np.zeros(_CHUNK, dtype=_TEXT))
            self._next += 1
        chunk, place = row >> _CHUNK_BITS, row & (_CHUNK - 1)
        held = self._words[chunk][place]
        held[: len(words)], held[len(words) :] = words, 0
        self._texts[chunk][place] = (
            mention_id, min(member.length, LONGEST), form_of(member), shift,
        )  # fmt: skip
        return row

    def drop(self, row: int) -> None:
        """Give a row back."""
        self._free.append(row)

    def get(self, row: int) -> tuple[NDArray[np.uint32], int]:
        """Return a copy of the words of a row, and their shift."""
        chunk, place = row >> _CHUNK_BITS, row & (_CHUNK - 1)
        words = self._words[chunk][place]
        shift = int(self._texts[chunk]["shift"][place])
        return words[: int(np.count_nonzero(words))].copy(), shift

    def text(self, row: int) -> tuple[int, Member]:
        """Return whose text lies in a row and what is remembered of it."""
        mention_id, length, form, _ = self._texts[row >> _CHUNK_BITS][row & (_CHUNK - 1)].item()
        return mention_id, member_of(length, form)

    def take(self, rows: Sequence[int]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return ids uint32 [n, width] (0 pads) and weights float32 [n, width] of n rows."""
        last = _CHUNK - 1
        if len(self._words) == 1:
            words, shifts = self._words[0][list(rows)], self._texts[0]["shift"][list(rows)]
        else:
            words = np.array([self._words[row >> _CHUNK_BITS][row & last] for row in rows])
            held = [self._texts[row >> _CHUNK_BITS]["shift"][row & last] for row in rows]
            shifts = np.array(held)
        return spread(words, shifts)


def form_of(member: Member) -> int:
    """Return a member's form as bits."""
    return member.has_title | member.is_complaint << 1


def member_of(length: int, form: int) -> Member:
    """Return what is remembered of a text."""
    return Member(length, has_title=bool(form & 1), is_complaint=bool(form & 2))
