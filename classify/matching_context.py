"""Words around a place in, the meaning of an ambiguous name out, always with a named reason.

What decides a place, first to last: a listed word that holds the name ("小米粥"); a longer word of
the dictionary that takes in a part of the name and what stands beside it ("北京|东路" for 京东);
the project's own words around it; the words that the program ships for this name
(`words/ambiguous.txt`) and how it is written; the default. Nothing is learned, so every answer can
be read off the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import ahocorasick

from classify.lexicon import sections
from classify.matching_names import DictionaryWords, folded_name, stands_alone
from config.schema import Brand
from storage.records import BrandId

# A word counts three times in the clause-sized stretch beside the name, twice in the sentence-sized
# one, once elsewhere in the text, title and hashtags included. The sizes are those of a Chinese
# clause and sentence; 8/20, 12/30 and 16/40 decide the rows of tests/eval/ambiguous.csv alike.
BESIDE, AROUND = 12, 30
_OF_THE_NAME, _OF_ANY_BRAND = 2, 1  # a word that speaks for any brand weighs half
_BESIDE_WEIGHT = 3 * _OF_THE_NAME  # of how a name is written, which stands as near as can be
_MODEL = re.compile(r"[a-z][a-z0-9\-]{1,14}(?![a-z])|\([0-9]{5,6}\)")
_NO_MODEL = frozenset({"vs", "pk", "or", "and", "qq"})
_ANY_BRAND, _ANY_COMPANY = "any brand", "any company"
_EVERYDAY, _USUAL = "everyday", "usually the brand"

Key = tuple[BrandId, str]  # an ambiguous name (as it is looked for) of a brand


class Reason(NamedTuple):
    """Why a place where a name stands counts, or does not. `word` is what decided, if a word did.

    Codes that count: "named", "brand_word_holds", "brand_words", "shipped_brand_words", "default",
    "usual". Codes that do not: "other_word_holds", "longer_word", "other_words",
    "shipped_other_words", "undecided"; and of the whole text: "author", "page", "must", "any",
    "near", "not".
    """

    code: str
    word: str = ""

    def __str__(self) -> str:
        """Say it in English, as `groundswell check` does."""
        return _ENGLISH[self.code].format(word=repr(self.word))

    @property
    def zh(self) -> str:
        """Say it in Chinese, as the console and the command line do."""
        return _CHINESE[self.code].format(word=f"“{self.word}”")


_ENGLISH = {
    "named": "it is named",
    "brand_word_holds": "the word {word}, which means the brand, holds the name",
    "brand_words": "the words {word} near it speak for the brand",
    "shipped_brand_words": "the words {word} near it speak for the brand (shipped list)",
    "default": "nothing speaks for either meaning and the default is the brand",
    "usual": "nothing speaks for either meaning and it usually means the brand (shipped list)",
    "other_word_holds": "the word {word}, which means something else, holds the name",
    "longer_word": "the name is cut out of other words: {word}",
    "other_words": "the words {word} near it speak for the other meaning",
    "shipped_other_words": "the words {word} near it speak for the other meaning (shipped list)",
    "undecided": "nothing speaks for the brand and the default is the other meaning",
    "author": "author {word} is excluded",
    "page": "the page is excluded",
    "must": "the required word {word} is missing",
    "any": "none of the context words occurs",
    "near": "none of the near words stands within {word} characters of a name",
    "not": "the excluding word {word} occurs",
}
_CHINESE = {
    "named": "出现了名称",
    "brand_word_holds": "{word}一词含有名称，指品牌",
    "brand_words": "附近的{word}说的是品牌",
    "shipped_brand_words": "附近的{word}说的是品牌（自带词表）",
    "default": "没有词能判断，按 default 算品牌",
    "usual": "没有词能判断，这个名称通常指品牌（自带词表）",
    "other_word_holds": "{word}一词含有名称，指别的意思",
    "longer_word": "名称是别的词切出来的：{word}",
    "other_words": "附近的{word}说的是别的意思",
    "shipped_other_words": "附近的{word}说的是别的意思（自带词表）",
    "undecided": "没有词能判断，按 default 不算品牌",
    "author": "作者{word}在排除名单里",
    "page": "页面在排除名单里",
    "must": "缺少必须出现的{word}",
    "any": "any 里的词一个也没有出现",
    "near": "名称前后{word}个字以内没有 near 里的词",
    "not": "出现了排除词{word}",
}
COUNTS = frozenset(
    {"named", "brand_word_holds", "brand_words", "shipped_brand_words", "default", "usual"},
)


class _Word(NamedTuple):
    key: Key | str  # a name, or the section of words that speak for any brand
    side: int  # 1 for the brand, -1 for the other meaning
    is_own: bool  # of the project, not shipped
    weight: int


class _Found(NamedTuple):
    start: int
    end: int
    text: str
    side: int
    is_own: bool
    weight: int


def shipped_names() -> frozenset[str]:
    """Return the names for which the program ships words of both meanings."""
    return frozenset(head.rpartition(" ")[0] for head in sections("ambiguous") if _is_side(head))


def undeclared(brands: Iterable[Brand]) -> list[str]:
    """Warn of names that also mean something else, which a project does not say."""
    return [
        f'brand "{brand.id}": "{name}" also means something else; without an entry in "ambiguous" '
        "every place where it stands counts"
        for brand in brands
        for name in dict.fromkeys((brand.name, *brand.aliases))
        if folded_name(name) in shipped_names()
        and name not in {rule.name for rule in brand.ambiguous}
        and not (brand.any or brand.must or brand.near)
    ]


def _is_side(head: str) -> bool:
    return head not in {_ANY_BRAND, _USUAL} and head.endswith((" brand", " other"))


def _default_of(chosen: bool | None, is_usual: bool) -> Reason:
    """Return the reason for what a name means by default; the project's word comes first."""
    if chosen is None:
        return Reason("usual" if is_usual else "undecided")
    return Reason("default" if chosen else "undecided")


class Meanings:
    """Decides what the ambiguous names of all brands mean; one pass over a text finds all words."""

    def __init__(self, brands: Iterable[Brand]) -> None:
        self._default: dict[Key, Reason] = {}
        self._everyday: set[Key] = set()
        self._automaton = ahocorasick.Automaton()
        speaking = [brand for brand in brands if brand.ambiguous]
        if not speaking:
            return
        words: dict[str, list[_Word]] = {}
        shipped = sections("ambiguous")
        for brand in speaking:
            for rule in brand.ambiguous:
                key = (BrandId(brand.id), folded_name(rule.name))
                self._default[key] = _default_of(rule.default, key[1] in shipped[_USUAL])
                if key[1] in shipped[_EVERYDAY]:
                    self._everyday.add(key)
                listed = {
                    (1, True): rule.brand,
                    (-1, True): rule.other,
                    (1, False): shipped.get(f"{key[1]} brand", ()),
                    (-1, False): shipped.get(f"{key[1]} other", ()),
                }
                for (side, is_own), texts in listed.items():
                    for text in filter(None, map(folded_name, texts)):
                        word = _Word(key, side, is_own, _OF_THE_NAME)
                        words.setdefault(text, []).append(word)
        for section in (_ANY_BRAND, _ANY_COMPANY):
            for text in shipped[section]:
                words.setdefault(text, []).append(_Word(section, 1, False, _OF_ANY_BRAND))
        for text, meant in words.items():
            self._automaton.add_word(text, (text, tuple(meant)))
        self._automaton.make_automaton()

    def read(self, fields: Mapping[str, str]) -> Context:
        """Find the words of all names in the rewritten fields of one text."""
        return Context(self, {name: self._find(text) for name, text in fields.items()}, fields)

    def uses(self, key: Key, word: _Word) -> bool:
        """Return whether a listed word says anything about this name."""
        if word.key == _ANY_BRAND:
            return not self.is_everyday(key)
        return word.key in {key, _ANY_COMPANY}

    def is_everyday(self, key: Key) -> bool:
        """Return whether a name stands in any text about anything."""
        return key in self._everyday

    def default(self, key: Key) -> Reason:
        """Say what a name means where nothing in the text speaks for either meaning."""
        return self._default[key]

    def _find(self, text: str) -> list[tuple[int, int, str, tuple[_Word, ...]]]:
        found = [
            (last + 1 - len(word), last + 1, word, meant)
            for last, (word, meant) in self._automaton.iter(text)
            if stands_alone(text, last + 1 - len(word), last + 1)
        ]
        found.sort(key=lambda one: (one[0], -one[1]))
        return found


class Context:
    """One text's words for and against; decides its places one by one."""

    def __init__(
        self,
        meanings: Meanings,
        found: Mapping[str, Sequence[tuple[int, int, str, tuple[_Word, ...]]]],
        fields: Mapping[str, str],
    ) -> None:
        self._meanings = meanings
        self._found = found
        self._fields = fields
        self._dictionary = {field: DictionaryWords(text) for field, text in fields.items()}
        self._words: dict[Key, _Words] = {}

    def decide(self, key: Key, field: str, start: int, end: int, companion: str = "") -> Reason:
        """Say what the name at a place means.

        `companion` is another name of the brand in the same text that means nothing else: it
        speaks for the brand like a word somewhere in the text.
        """
        words = self._words.get(key)
        if words is None:
            words = self._words[key] = self._words_of(key)
        holding = words.holding(field, start, end)
        if holding is not None:
            code = "brand_word_holds" if holding.side > 0 else "other_word_holds"
            return Reason(code, holding.text)
        cut = self._dictionary[field].cutting(start, end)
        if cut:
            return Reason("longer_word", "|".join(cut))
        for is_own in (True, False):
            balance = words.balance(field, start, end, is_own=is_own)
            if is_own and companion:
                balance.add(1, companion, _OF_THE_NAME)
            if not is_own:
                everyday = self._meanings.is_everyday(key)
                for side, shape in _shapes(self._fields[field], start, end, is_everyday=everyday):
                    balance.add(side, shape, _BESIDE_WEIGHT)
            if balance.sum:
                return balance.reason("" if is_own else "shipped_")
        return self._meanings.default(key)

    def _words_of(self, key: Key) -> _Words:
        """Return the words for one name; of words inside each other the longer one counts."""
        uses = self._meanings.uses
        by_field: dict[str, list[_Found]] = {}
        for field, places in self._found.items():
            kept: list[_Found] = []
            reach = {True: -1, False: -1}  # by tier: a shipped word hides none of the project's
            for start, end, text, meant in places:
                mine = [word for word in meant if uses(key, word)]
                if not mine:
                    continue
                # the project's own meaning of a word stands above the shipped one
                word = max(mine, key=lambda one: (one.is_own, one.weight))
                if end > (reach[True] if word.is_own else max(reach.values())):
                    reach[word.is_own] = end
                    kept.append(_Found(start, end, text, word.side, word.is_own, word.weight))
            by_field[field] = kept
        return _Words(by_field)


class _Words:
    """The words that speak about one name, by field."""

    def __init__(self, by_field: Mapping[str, list[_Found]]) -> None:
        self._starts = {field: [one.start for one in found] for field, found in by_field.items()}
        self._by_field = by_field
        everywhere = [one for found in by_field.values() for one in found]
        self._longest = max((one.end - one.start for one in everywhere), default=0)
        self._distinct = {
            is_own: list({one.text: one for one in everywhere if one.is_own == is_own}.values())
            for is_own in (True, False)
        }

    def holding(self, field: str, start: int, end: int) -> _Found | None:
        """Return the longest listed word that holds a place and more."""
        found, starts = self._by_field[field], self._starts[field]
        first, last = bisect_left(starts, end - self._longest), bisect_right(starts, start)
        holding = [
            one for one in found[first:last] if one.end >= end and one.end - one.start > end - start
        ]
        # the project's own word stands above a shipped one of the same length
        return max(holding, key=lambda one: (one.end - one.start, one.is_own), default=None)

    def balance(self, field: str, start: int, end: int, *, is_own: bool) -> _Balance:
        """Weigh the words around a place: each distinct word counts once, where it is nearest."""
        balance = _Balance()
        for one in self._distinct[is_own]:
            balance.add(one.side, one.text, one.weight)
        found, starts = self._by_field[field], self._starts[field]
        for reach in (AROUND, BESIDE):
            seen: set[str] = set()
            for one in found[
                bisect_left(starts, start - reach) : bisect_right(starts, end + reach)
            ]:
                inside = one.start < end and one.end > start
                if one.is_own == is_own and not inside and one.text not in seen:
                    seen.add(one.text)
                    balance.add(one.side, one.text, one.weight)
        return balance


def _shapes(text: str, start: int, end: int, *, is_everyday: bool) -> Iterator[tuple[int, str]]:
    """Yield what the way in which a name is written says: an account, a model, a work's title.

    A name with latin letters behind it is a product (苹果iPod, 红旗HS5) or a share (600519); with
    everyday words the letters must hold a digit. In 《》 stands a book or a film.
    """
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    if before == "@" and not after.isalnum():
        yield 1, f"@{text[start:end]}"
    if before == "《" and after == "》":
        yield -1, f"《{text[start:end]}》"
    model = _MODEL.match(text, end)
    if model is None or model[0] in _NO_MODEL:
        return
    if not is_everyday or any(one.isdigit() for one in model[0]):
        yield 1, text[start : model.end()]


class _Balance:
    """Adds up what speaks for the brand and what for the other meaning."""

    def __init__(self) -> None:
        self.sum = 0
        self._by_word: dict[tuple[int, str], int] = {}

    def add(self, side: int, word: str, weight: int) -> None:
        self.sum += side * weight
        self._by_word[side, word] = self._by_word.get((side, word), 0) + weight

    def reason(self, origin: str) -> Reason:
        """Name the three weightiest words of the side that wins."""
        side = 1 if self.sum > 0 else -1
        won = [(weight, word) for (of, word), weight in self._by_word.items() if of == side]
        won.sort(key=lambda one: -one[0])
        code = f"{origin}{'brand' if side > 0 else 'other'}_words"
        return Reason(code, "、".join(word for _, word in won[:3]))
