"""A list of phrases in, all their places in a text out, in one pass however long the list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import ahocorasick

GAP = 6  # characters between the two halves of "甲..乙"
_CLAUSE_BORDER = re.compile(r"[,;:。!?\n…~]")


class Place(NamedTuple):
    """Where a phrase stands in a text, and what it is filed under."""

    start: int
    end: int
    label: str
    weight: float


class _Entry(NamedTuple):
    label: str
    tails: tuple[str, ...]  # one of these must follow in the clause; () asks for nothing
    weight: float


class PhraseIndex:
    """Finds phrases of several labels at once.

    A phrase is a plain string, or two joined by "..": the second within GAP characters after the
    first and in the same clause. Of overlapping phrases the longer one counts, so a phrase filed
    under the label "" hides the shorter ones inside it ("火爆" hides "火"). One phrase may stand
    under several labels.
    """

    def __init__(self, phrases: Iterable[tuple[str, str, float]]) -> None:
        by_head: dict[str, list[_Entry]] = {}
        for phrase, label, weight in phrases:
            head, _, tail = phrase.partition("..")
            by_head.setdefault(head, []).append(_Entry(label, (tail,) if tail else (), weight))
        self._automaton = ahocorasick.Automaton()
        for head, entries in by_head.items():
            self._automaton.add_word(head, (len(head), tuple(entries)))
        self._automaton.make_automaton()

    def find(self, text: str) -> list[Place]:
        """Return the places in normalised text, in text order, labels "" left out."""
        found: list[Place] = []
        for last, (length, entries) in self._automaton.iter(text):
            start = last + 1 - length
            for entry in entries:
                end = _end_of(text, last + 1, entry.tails)
                if end:
                    found.append(Place(start, end, entry.label, entry.weight))
        if len(found) < 2:
            return [place for place in found if place.label]
        return _unhidden(found)


def _end_of(text: str, end: int, tails: tuple[str, ...]) -> int:
    """Return where the whole phrase ends, 0 when its second half does not follow."""
    if not tails:
        return end
    for tail in tails:
        place = text.find(tail, end, end + GAP + len(tail))
        if place >= 0 and not _CLAUSE_BORDER.search(text, end, place):
            return place + len(tail)
    return 0


def _unhidden(found: list[Place]) -> list[Place]:
    """Drop the places that lie inside a longer one."""
    found.sort(key=lambda place: (place.start, -place.end))
    kept: list[Place] = []
    reach_start = reach_end = -1
    for place in found:
        inside = place.end <= reach_end and (place.start, place.end) != (reach_start, reach_end)
        if not inside:
            kept.append(place)
            if place.end > reach_end:
                reach_start, reach_end = place.start, place.end
    return [place for place in kept if place.label]
