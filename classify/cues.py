"""Normalised texts in, words of feeling out: each place, its kind, and whether it is denied.

The list (`words/feelings.txt`) carries what we know of the language into domains that no labelled
set covers. Its few kinds are weighed by training, its thousands of phrases are not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.lexicon import sections
from classify.phrases import PhraseIndex

Ints = NDArray[np.int64]

_KINDS_BY_SECTION = {
    "negative strong": "negative strong",
    "complaint act": "negative strong",
    "negative": "negative",
    "law and market": "negative",
    "positive strong": "positive strong",
    "positive": "positive",
}
_STATED = (
    "negative strong",
    "negative",
    "negative short",
    "positive strong",
    "positive",
    "positive short",
)
CUES = tuple(f"{kind}{ending}" for kind in _STATED for ending in ("", ", denied"))

# What denies a feeling stands at most three characters before it in the same clause.
_DENIAL = re.compile(
    r"(?:不是|不算|不怎么|不太|不够|不|没有|没|无|未|别|非|毫无|并不|并非|绝非|从不|从未|难以|缺乏"
    r"|谈不上|算不上|称不上|说不上|唔|冇|莫)[^,;:。!?\n]{0,3}$"
)
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
    return PhraseIndex(
        (phrase, _kind(section, phrase), 1.0)
        for section, phrases in sections("feelings").items()
        for phrase in phrases
    )


def _kind(section: str, phrase: str) -> str:
    """Return the kind of a phrase; "" hides what stands inside it."""
    kind = _KINDS_BY_SECTION.get(section, "")
    if kind and len(phrase) == 1:
        return f"{kind.split()[0]} short"  # one character is often part of another word
    return kind


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
    for row, text in enumerate(texts):
        for place in find(text):
            denied = _DENIAL.search(text[max(0, place.start - _REACH) : place.start])
            number = numbers[place.label] + (1 if denied else 0)
            found.append((row, place.start, place.end, number))
    columns = np.array(found, dtype=np.int64).reshape(-1, 4)
    return CueSpans(columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3])


def strengths(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return what one cue counts in each text: less in a long one, 1/sqrt(length)."""
    lengths = np.fromiter(map(len, texts), dtype=np.float64, count=len(texts))
    result: NDArray[np.float64] = 1.0 / np.sqrt(lengths + _MELLOWING)
    return result
