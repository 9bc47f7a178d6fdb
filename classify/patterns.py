"""Lists of patterns (`words/*.txt`) in, the places in a text where one of each section stands.

A section NAME holds patterns, NAME not those that refute it in the same sentence. Most texts state
nothing of most sections: RE2 first tells in one pass over the text which sections may match at all,
by patterns that are wider than the real ones (no look-around, no bounds on gaps).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import re2

from classify.lexicon import lines

_SENTENCE = re.compile(r"[^。!?;\n…]+[。!?;\n…]*")
_CLAUSE_MARK, _SENTENCE_MARK = "[^,;:。!?]", "[^;。!?]"
_NOT = " not"
_LOOK_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


class Place(NamedTuple):
    """A match in a sentence: its section, and where it starts and ends there."""

    name: str
    start: int
    end: int


class Patterns:
    """The sections of one list, compiled."""

    def __init__(self, name: str) -> None:
        sections = lines(name)
        self.names = [section for section in sections if not section.endswith(_NOT)]
        self._found = [re.compile(_joined(sections[section])) for section in self.names]
        self._refuting = [
            re.compile(_joined(sections[section + _NOT])) if section + _NOT in sections else None
            for section in self.names
        ]
        options = re2.Options()
        options.max_mem = (
            16 << 20
        )  # bytes a list: 6 to 64 MiB give the same, and 52 to 140 resident
        self._wide = re2.Set.SearchSet(options)
        for section in self.names:
            self._wide.Add(_widened(_joined(sections[section])))
        self._wide.Compile()

    def find(self, plain: str) -> Iterator[tuple[str, list[Place]]]:
        """Yield the sentences of a normalised text in which a section matches, with the places."""
        numbers = sorted(self._wide.Match(plain.encode("utf-8", "replace")) or ())
        if not numbers:
            return
        for sentence in self.sentences(plain):
            if places := self.places(numbers, sentence):
                yield sentence, places

    @staticmethod
    def sentences(plain: str) -> list[str]:
        """Cut a normalised text into sentences, each with the marks that end it."""
        return _SENTENCE.findall(plain)

    def places(self, numbers: Iterable[int], sentence: str) -> list[Place]:
        """Return where the sections of these numbers match in a sentence, section by section."""
        return [place for number in numbers for place in self._places(number, sentence)]

    def _places(self, number: int, sentence: str) -> list[Place]:
        name, refuting = self.names[number], self._refuting[number]
        places = [Place(name, *match.span()) for match in self._found[number].finditer(sentence)]
        if places and refuting is not None and refuting.search(sentence):
            return []
        return places


@cache
def patterns(name: str) -> Patterns:
    """Return the compiled list of a file's stem."""
    return Patterns(name)


def _joined(entries: tuple[str, ...]) -> str:
    """Join patterns; a bare dot stops at the marks that end a clause, ~ where a sentence ends."""
    joined = "|".join(f"(?:{entry})" for entry in entries).replace("~", _SENTENCE_MARK)
    return re.sub(r"(?<!\\)\.(?=[{*+?])", _CLAUSE_MARK, joined)


def _widened(pattern: str) -> str:
    """Return a pattern that matches wherever this one does, and that RE2 can run fast."""
    kept, index = [], 0
    while index < len(pattern):
        if pattern.startswith(_LOOK_AROUND, index):
            index = _closing(pattern, index) + 1
        else:
            kept.append(pattern[index])
            index += 1
    return re.sub(r"\{\d+,\d+\}", "*", "".join(kept))


def _closing(pattern: str, start: int) -> int:
    """Return where the group that opens at `start` closes; our patterns escape no parenthesis."""
    depth = 0
    for index in range(start, len(pattern)):
        depth += {"(": 1, ")": -1}.get(pattern[index], 0)
        if depth == 0:
            return index
    raise ValueError(f"pattern {pattern!r}: the group at {start} is not closed")
