"""Brands in, the spellings that their names are looked for by out; and names in disguise.

Names are rewritten like the texts (`classify.text.rewrite`): width, script and case do not count.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, islice, product
from typing import NamedTuple

import rjieba

from classify.text import rewrite
from config.schema import Brand
from storage.records import BrandId

_ASCII_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_ASCII_DIGITS = frozenset("0123456789")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_ALL_HAN = re.compile(f"[{_HAN}]+")
# What people put between the characters of a name so that no search finds it. Full stops and
# commas of Chinese are not among them: those end a thought.
_SEPARATORS = re.compile(rf"(?<=[{_HAN}])(?:[ |*·•丨_~^.\-/\\+=`'\"]{{1,3}})(?=[{_HAN}])")
_JOINTS = ("", " ", "-", "_", "'")  # between the syllables of a name in pinyin
_PINYIN_MIN, _PINYIN_MAX = 2, 8  # characters of a name; one syllable is a word of other languages
_LETTERS_MIN = 5  # fewer letters are words or abbreviations too often ("aini", "tian")
_READINGS_MAX = 16  # spellings of one name whose characters have several readings


class Alias(NamedTuple):
    """What a spelling stands for. `ambiguous`: the rewritten name if it also means other things."""

    brand_id: BrandId
    alias: str
    product: str
    ambiguous: str = ""
    is_pinyin: bool = False


def folded_name(name: str) -> str:
    """Return a name as it is looked for: rewritten, with single spaces."""
    return " ".join(rewrite(name).split())


def owners_by_spelling(brands: Iterable[Brand]) -> Mapping[str, tuple[Alias, ...]]:
    """Group what each spelling stands for; names with spaces are also found without."""
    owners: dict[str, dict[BrandId, Alias]] = {}
    for brand in brands:
        brand_id = BrandId(brand.id)
        ambiguous = {folded_name(rule.name) for rule in brand.ambiguous}
        for name, product_id, is_pinyin in _names(brand):
            folded = folded_name(name)
            spellings = _pinyin(folded) if is_pinyin else {folded, folded.replace(" ", "")} - {""}
            for spelling in spellings:
                unclear = folded if spelling in ambiguous or folded in ambiguous else ""
                # In pinyin a name no longer looks like the word that it also is.
                alias = Alias(brand_id, name, product_id, "" if is_pinyin else unclear, is_pinyin)
                # The first reading wins: a product named like its brand stays the brand.
                owners.setdefault(spelling, {}).setdefault(brand_id, alias)
    return {spelling: tuple(by_brand.values()) for spelling, by_brand in owners.items()}


def _names(brand: Brand) -> Iterator[tuple[str, str, bool]]:
    """Yield every name of a brand with its product's id, and whether in pinyin."""
    for name in (brand.name, *brand.aliases):
        yield name, "", False
    for line in brand.products:
        for name in (line.name, *line.aliases):
            yield name, line.id, False
    if brand.pinyin:
        for name in (brand.name, *brand.aliases):
            yield name, "", True


def _pinyin(name: str) -> set[str]:
    """Return the spellings of a Chinese name in pinyin without tones; none of other names.

    Readings: pypinyin's phrases, and where a phrase is unknown to it, every reading of every
    character. ü is also spelt v, u and yu: people do all of it.
    """
    if not _ALL_HAN.fullmatch(name) or not _PINYIN_MIN <= len(name) <= _PINYIN_MAX:
        return set()
    from pypinyin import Style, pinyin  # 57 MB and 0.15 s: only for projects that ask for it

    readings = pinyin(name, style=Style.NORMAL, heteronym=True, v_to_u=False)
    spelt = [
        list(dict.fromkeys(form for one in syllable for form in _forms(one)))
        for syllable in readings
    ]
    found: set[str] = set()
    for syllables in islice(product(*spelt), _READINGS_MAX):
        if len("".join(syllables)) >= _LETTERS_MIN:
            found.update(joint.join(syllables) for joint in _JOINTS)
    return found


def _forms(syllable: str) -> Iterator[str]:
    yield syllable
    if "v" in syllable:
        for spelt in ("u", "yu", "ü"):
            yield syllable.replace("v", spelt)


# --- word borders ------------------------------------------------------------------------------


def stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether a stretch's edges do not cut a latin word or a number in two."""
    return not (
        (start > 0 and _are_one_word(text[start - 1], text[start]))
        or (end < len(text) and _are_one_word(text[end - 1], text[end]))
    )


def _are_one_word(left: str, right: str) -> bool:
    return (left in _ASCII_LETTERS and right in _ASCII_LETTERS) or (
        left in _ASCII_DIGITS and right in _ASCII_DIGITS
    )


def occurs(word: str, text: str) -> bool:
    """Return whether a context word stands in a text, not as a part of a latin word."""
    return word in text and next(standing(word, text), None) is not None


def standing(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a context word stands in a text, not as a part of a latin word."""
    at = text.find(word)
    while at >= 0:
        if stands_alone(text, at, at + len(word)):
            yield at, at + len(word)
        at = text.find(word, at + 1)


_ADDRESS = re.compile(r"[a-z0-9]\.[a-z]{2}|://")
_ADDRESS_RUN = re.compile(r"[a-z0-9._\-/@:%?=&+#~]*")
_ADDRESS_MAX = 200  # characters of an address looked at on either side


def is_in_address(text: str, start: int, end: int) -> bool:
    """Return whether a stretch is part of a web or mail address, in which nobody names anything."""
    head = text[max(0, start - _ADDRESS_MAX) : start][::-1]
    before, after = _ADDRESS_RUN.match(head), _ADDRESS_RUN.match(text, end, end + _ADDRESS_MAX)
    assert before is not None  # the pattern matches nothing, too
    assert after is not None
    return _ADDRESS.search(before[0][::-1] + text[start:end] + after[0]) is not None


# --- names in disguise -------------------------------------------------------------------------


class Squeezed:
    """A text without the separators between Chinese characters, and the way back.

    Made to find 澜|禾 and 澜 禾. Whether a find is a name is for `is_apart` to say: two words that
    happen to meet at a separator ("波澜 禾苗") are none.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = DictionaryWords(text)
        self._at: list[int] = []  # where in the squeezed text something was taken out
        self._taken: list[int] = [0]  # how many characters up to there
        pieces: list[str] = []
        last = 0
        for match in _SEPARATORS.finditer(text):
            pieces.append(text[last : match.start()])
            last = match.end()
            self._at.append(match.start() - self._taken[-1])
            self._taken.append(self._taken[-1] + last - match.start())
        pieces.append(text[last:])
        self.text = "".join(pieces) if self._at else text

    @classmethod
    def of(cls, text: str) -> Squeezed | None:
        """Return the squeezed text; None when there is nothing to squeeze."""
        return cls(text) if _SEPARATORS.search(text) else None

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where a stretch stands in the text; None when nothing was taken out of it."""
        first = bisect_right(self._at, start)
        last = bisect_right(self._at, end - 1)
        if first == last:
            return None
        return start + self._taken[first], end + self._taken[last]

    def is_name_apart(self, start: int, end: int) -> bool:
        """Return whether a stretch of the text is a Chinese name that cuts no word in two."""
        name = _SEPARATORS.sub("", self._text[start:end])
        if _ALL_HAN.fullmatch(name) is None:
            return False
        return not self._words.cutting(start, end)


class DictionaryWords:
    """The words of jieba's dictionary in a text, without guesses at unknown ones.

    Looks at the stretch around a place, and from the _MANY-th place on cuts the whole text once: so
    a place in a long article costs little and many places cost no more than the text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._asked = 0
        self._starts: list[int] = []

    def cutting(self, start: int, end: int) -> list[str]:
        """Return the words that hold a part of a stretch and something beside it."""
        self._asked += 1
        if self._asked > _MANY:
            return self._cutting_by_starts(start, end)
        first, last = max(0, start - _RUN), min(len(self._text), end + _RUN)
        found: list[str] = []
        at = first
        for word in rjieba.cut(self._text[first:last], hmm=False):
            after = at + len(word)
            if at < end and after > start and (at < start or after > end):
                found.append(word)
            at = after
        return found

    def _cutting_by_starts(self, start: int, end: int) -> list[str]:
        if not self._starts:
            words = rjieba.cut(self._text, hmm=False)
            self._starts = list(accumulate(map(len, words), initial=0))
        starts = self._starts
        first, last = bisect_right(starts, start) - 1, bisect_left(starts, end)
        return [
            self._text[at:after]
            for at, after in zip(starts[first:last], starts[first + 1 : last + 1], strict=True)
            if at < start or after > end
        ]


_RUN = 30  # characters looked at on either side; the dictionary's longest word has 16
_MANY = 16  # places; cutting 60 characters as often costs about as much as cutting a post
