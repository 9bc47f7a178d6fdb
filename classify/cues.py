"""Normalised texts in, words of feeling out: each place, its kind, and whether it is denied.

The list (`words/feelings.txt`) carries what we know of the language into domains that no labelled
set covers. Its few kinds are weighed by training, its thousands of phrases are not.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.lexicon import sections
from classify.phrases import PhraseIndex

Ints = NDArray[np.int64]

# Of a phrase in several sections the first here decides.
_KINDS_BY_SECTION = {
    "negative strong": "negative strong",
    "positive strong": "positive strong",
    "negative": "negative",
    "positive": "positive",
    "complaint act": "complaint act",
    "law and market": "law and market",
    "denial": "denial",
    "wish": "wish",
    "question": "question",
    "advert": "advert",
    "neutral": "",
}
_STATED = (
    "negative strong",
    "negative",
    "negative short",
    "positive strong",
    "positive",
    "positive short",
    "complaint act",
    "law and market",
)
_MANNERS = ("", ", denied", ", after but", ", elsewhere")
_PLAIN, _DENIED, _AFTER_BUT, _ELSEWHERE = range(len(_MANNERS))
CUES = (
    *(f"{kind}{manner}" for kind in _STATED for manner in _MANNERS),
    "question",
    "wish",
    "denial",
    "advert",
)

# What denies a feeling stands at most three characters before it in the same clause.
_DENIAL = re.compile(
    r"(?:不是|不算|不怎么|不太|不够|不|没有|没|无|未|别|非|毫无|并不|并非|绝非|从不|从未|难以|缺乏"
    r"|谈不上|算不上|称不上|说不上|唔|冇|莫)[^,;:。!?\n]{0,3}$"
)
# What follows such a word within the sentence is what the writer means.
_BUT = re.compile(r"但是|但|不过|可是|然而|只是|就是|可惜|唯一|美中不足|却|结果")
_SENTENCE_END = re.compile(r"[。!?\n;…]")
# A hashtag is the event's name; behind the first "//@" stand the words of those who are forwarded.
_WORDS_OF_OTHERS = re.compile(r"#[^#\n]{1,40}#|//@.*", re.DOTALL)
_REACH = 5
_MELLOWING = 10  # characters added to a text's length, so that very short ones do not shout


class CueSpans(NamedTuple):
    """Cues of a batch, one entry each. Shape: four arrays of one length; `cue` indexes CUES."""

    row: Ints
    start: Ints
    end: Ints
    cue: Ints


@cache
def _index() -> PhraseIndex:
    listed = sections("feelings")
    kinds: dict[str, str] = {}
    for section, kind in _KINDS_BY_SECTION.items():
        for phrase in listed.get(section, ()):
            kinds.setdefault(phrase, _kind(kind, phrase))
    return PhraseIndex((phrase, kind, 1.0) for phrase, kind in kinds.items())


def _kind(kind: str, phrase: str) -> str:
    """Return the kind of a phrase; "" hides what stands inside it."""
    short = f"{kind.split(maxsplit=1)[0]} short" if kind else ""
    # One character is often part of another word.
    return short if len(phrase) == 1 and short in _STATED else kind


@cache
def lexicon_digest() -> str:
    """Digest the list of feelings: a model is valid for the list that it was fitted with."""
    text = files("classify").joinpath("words", "feelings.txt").read_bytes()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def find_cues(texts: Sequence[str]) -> CueSpans:
    """Return the cues of normalised texts."""
    found: list[tuple[int, int, int, int]] = []
    find = _index().find
    numbers = {cue: number for number, cue in enumerate(CUES)}
    stated = frozenset(_STATED)
    for row, text in enumerate(texts):
        surroundings = _Surroundings(text)
        for place in find(text):
            number = numbers[place.label]
            if place.label in stated:
                number += surroundings.manner(place.start)
            found.append((row, place.start, place.end, number))
    columns = np.array(found, dtype=np.int64).reshape(-1, 4)
    return CueSpans(columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3])


class _Surroundings:
    """Tells how a feeling is stated: denied, after a "but", in the words of others, or plainly."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._others = (
            [match.span() for match in _WORDS_OF_OTHERS.finditer(text)]
            if "#" in text or "//@" in text
            else []
        )
        self._buts = [match.end() for match in _BUT.finditer(text)]

    def manner(self, start: int) -> int:
        if any(begin <= start < end for begin, end in self._others):
            return _ELSEWHERE
        if _DENIAL.search(self._text[max(0, start - _REACH) : start]):
            return _DENIED
        before = bisect_right(self._buts, start)
        if before and not _SENTENCE_END.search(self._text, self._buts[before - 1], start):
            return _AFTER_BUT
        return _PLAIN


def strengths(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return what one cue counts in each text: less in a long one, 1/sqrt(length)."""
    lengths = np.fromiter(map(len, texts), dtype=np.float64, count=len(texts))
    result: NDArray[np.float64] = 1.0 / np.sqrt(lengths + _MELLOWING)
    return result
