"""Texts in, places where watched brands are named out, with offsets into the original text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import ahocorasick

from classify.text import rewrite, rewrite_with_offsets
from config.schema import Brand
from storage.records import BrandHit, BrandId

_ASCII_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_ASCII_DIGITS = frozenset("0123456789")


class _Alias(NamedTuple):
    brand_id: BrandId
    alias: str
    product: str


class _Place(NamedTuple):
    start: int
    end: int
    owners: tuple[_Alias, ...]


@dataclass(frozen=True, slots=True)
class _Conditions:
    """A brand's context words and exclusions, rewritten like the text they are looked for in."""

    must: tuple[str, ...]
    any_of: tuple[str, ...]
    none_of: tuple[str, ...]
    urls: tuple[str, ...]
    authors: frozenset[str]

    @classmethod
    def of(cls, brand: Brand) -> _Conditions:
        return cls(
            must=tuple(map(rewrite, brand.must)),
            any_of=tuple(map(rewrite, brand.any)),
            none_of=tuple(map(rewrite, brand.not_)),
            urls=tuple(_bare_url(url) for url in brand.exclude.urls),
            authors=frozenset(brand.exclude.authors),
        )

    def refusal(self, folded: str, bare_url: str, author: str) -> str:
        """Say why a text that names the brand is not about it; "" when it is."""
        if author and author in self.authors:
            return f"author {author!r} is excluded"
        if bare_url and bare_url.startswith(self.urls):
            return "the page is excluded"
        for word in self.must:
            if word not in folded:
                return f"the required word {word!r} is missing"
        if self.any_of and not any(word in folded for word in self.any_of):
            return "none of the context words occurs"
        for word in self.none_of:
            if word in folded:
                return f"the excluding word {word!r} occurs"
        return ""


class BrandMatcher:
    """Finds all brands at once; the cost grows with the text, not with the number of aliases.

    A brand is named by its name, its aliases, and the names and aliases of its products. Of
    overlapping names the longest counts (the leftmost of equals), so a name inside a longer watched
    name is not a mention of its own. A latin letter or a digit at the edge of a name must not stand
    beside another of its kind: "mi" is not found in "mini", but in "mi6".
    Source: Aho and Corasick 1975, by pyahocorasick.
    """

    def __init__(self, brands: Sequence[Brand]) -> None:
        self._brands = tuple(brands)
        self._conditions = {BrandId(brand.id): _Conditions.of(brand) for brand in brands}
        self._product_words = {
            BrandId(brand.id): [
                (product.id, tuple(map(rewrite, product.words)))
                for product in brand.products
                if product.words
            ]
            for brand in brands
        }
        self._automaton = ahocorasick.Automaton()
        for folded, owners in _owners_by_name(brands).items():
            self._automaton.add_word(folded, (len(folded), owners))
        self._is_empty = len(self._automaton) == 0
        if not self._is_empty:
            self._automaton.make_automaton()

    def match(
        self, mention_title: str, mention_text: str, url: str, author: str
    ) -> dict[BrandId, tuple[BrandHit, ...]]:
        """Return the hits of every brand the mention is about, in the order they stand.

        Offsets count characters of the original title or text.
        """
        if self._is_empty:
            return {}
        found: dict[BrandId, list[BrandHit]] = {}
        folded_fields = [
            self._search(field, original, found)
            for field, original in (("title", mention_title), ("text", mention_text))
        ]
        if not found:
            return {}
        folded = "\n".join(folded_fields)
        bare_url = _bare_url(url)
        return {
            brand_id: tuple(hits)
            for brand_id, hits in found.items()
            if not self._conditions[brand_id].refusal(folded, bare_url, author)
        }

    def products_named(self, brand_id: BrandId, title: str, text: str) -> tuple[str, ...]:
        """Return the products whose ordinary words occur in a text that names the brand."""
        folded = f"{rewrite(title)}\n{rewrite(text)}"
        return tuple(
            product_id
            for product_id, words in self._product_words[brand_id]
            if any(word in folded for word in words)
        )

    def run_examples(self) -> list[str]:
        """Run every brand's saved sentences and return one line per surprise."""
        problems: list[str] = []
        for brand in self._brands:
            for example in brand.examples:
                reason = self._why_not(brand, example.text)
                if example.match and reason:
                    problems.append(
                        f'brand "{brand.id}": example "{example.text}" must match, but {reason}'
                    )
                elif not example.match and not reason:
                    problems.append(
                        f'brand "{brand.id}": example "{example.text}" must not match, but does'
                    )
        return problems

    def _why_not(self, brand: Brand, text: str) -> str:
        found: dict[BrandId, list[BrandHit]] = {}
        if self._is_empty:
            return "no name or alias occurs"
        folded = self._search("text", text, found)
        if BrandId(brand.id) not in found:
            return "no name or alias occurs"
        return self._conditions[BrandId(brand.id)].refusal(folded, "", "")

    def _search(self, field: str, original: str, found: dict[BrandId, list[BrandHit]]) -> str:
        """Add the hits of one field to `found` and return the field as it was searched."""
        folded, offsets = rewrite_with_offsets(original)
        candidates = [
            _Place(last + 1 - length, last + 1, owners)
            for last, (length, owners) in self._automaton.iter(folded)
            if _stands_alone(folded, last + 1 - length, last + 1)
        ]
        for place in _longest(candidates):
            start, end = _original_span(place, offsets)
            for brand_id, alias, product in place.owners:
                hit = BrandHit(
                    brand_id=brand_id,
                    alias=alias,
                    field=field,
                    start=start,
                    end=end,
                    product=product,
                )
                found.setdefault(brand_id, []).append(hit)
        return folded


def _owners_by_name(brands: Iterable[Brand]) -> Mapping[str, tuple[_Alias, ...]]:
    """Group what each rewritten name stands for; names with spaces are also found without."""
    owners: dict[str, dict[BrandId, _Alias]] = {}
    for brand in brands:
        named = [(name, "") for name in (brand.name, *brand.aliases)]
        for product in brand.products:
            named += [(name, product.id) for name in (product.name, *product.aliases)]
        for name, product_id in named:
            folded = " ".join(rewrite(name).split())
            for spelling in {folded, folded.replace(" ", "")} - {""}:
                # The first reading wins: a product named like its brand stays the brand.
                owners.setdefault(spelling, {}).setdefault(
                    BrandId(brand.id), _Alias(BrandId(brand.id), name, product_id)
                )
    return {spelling: tuple(by_brand.values()) for spelling, by_brand in owners.items()}


def _stands_alone(folded: str, start: int, end: int) -> bool:
    """Whether the name's edges do not cut a latin word or a number in two."""
    return not (
        (start > 0 and _are_one_word(folded[start - 1], folded[start]))
        or (end < len(folded) and _are_one_word(folded[end - 1], folded[end]))
    )


def _are_one_word(left: str, right: str) -> bool:
    return (left in _ASCII_LETTERS and right in _ASCII_LETTERS) or (
        left in _ASCII_DIGITS and right in _ASCII_DIGITS
    )


def _longest(candidates: list[_Place]) -> list[_Place]:
    """Keep, of places that overlap, the longest; return them in text order."""
    if len(candidates) < 2:
        return candidates
    kept: list[_Place] = []
    for place in sorted(candidates, key=lambda one: (one.start, -one.end)):
        # In this order a place overlaps at most the last one kept.
        if kept and kept[-1].end > place.start and _length(place) > _length(kept[-1]):
            kept.pop()
        if not kept or kept[-1].end <= place.start:
            kept.append(place)
    return kept


def _length(place: _Place) -> int:
    return place.end - place.start


def _original_span(place: _Place, offsets: list[int] | None) -> tuple[int, int]:
    if offsets is None:
        return place.start, place.end
    return offsets[place.start], offsets[place.end - 1] + 1


def _bare_url(url: str) -> str:
    return url.partition("://")[2] or url
