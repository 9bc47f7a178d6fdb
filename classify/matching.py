"""Texts in, places where watched brands are named out, with offsets into the original text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import ahocorasick

from classify.matching_context import COUNTS, Context, Meanings, Reason
from classify.matching_names import (
    Alias,
    Squeezed,
    folded_name,
    is_in_address,
    occurs,
    owners_by_spelling,
    standing,
    stands_alone,
)
from classify.text import rewrite, rewrite_with_offsets
from config.schema import Brand
from storage.records import BrandHit, BrandId

_NAMED = Reason("named")
_FIELDS = ("title", "text")


class Judged(NamedTuple):
    """A place where a name stands, whether it counts, and why."""

    hit: BrandHit
    counts: bool
    reason: Reason


class Surprise(NamedTuple):
    """A saved sentence that does not do what it must; `place` counts its brand's from 0."""

    brand_id: BrandId
    place: int
    text: str


class _Place(NamedTuple):
    field: str
    start: int  # offsets of the rewritten text
    end: int
    owners: tuple[Alias, ...]


class _Named(NamedTuple):
    """One name of one brand at a place."""

    place: _Place
    alias: Alias


@dataclass(frozen=True, slots=True)
class _Conditions:
    """A brand's context words and exclusions, rewritten like the text they are looked for in."""

    must: tuple[str, ...]
    any_of: tuple[str, ...]
    none_of: tuple[str, ...]
    near: tuple[str, ...]
    near_within: int
    urls: tuple[str, ...]
    authors: frozenset[str]

    @classmethod
    def of(cls, brand: Brand) -> _Conditions:
        return cls(
            must=tuple(map(rewrite, brand.must)),
            any_of=tuple(map(rewrite, brand.any)),
            none_of=tuple(map(rewrite, brand.not_)),
            near=tuple(map(rewrite, brand.near)),
            near_within=brand.near_within,
            urls=tuple(_bare_url(url) for url in brand.exclude.urls),
            authors=frozenset(map(_bare_author, brand.exclude.authors)),
        )

    def refusal(
        self, fields: Mapping[str, str], places: Sequence[_Place], url: str, author: str
    ) -> Reason | None:
        """Say why a text that names the brand is not about it; None when it is."""
        folded = "\n".join(fields.values())
        return self._excluded(url, author) or self._unlike(folded) or self._afar(fields, places)

    def _excluded(self, url: str, author: str) -> Reason | None:
        if self.authors and _bare_author(author) in self.authors:
            return Reason("author", author)
        bare_url = _bare_url(url) if self.urls else ""
        is_excluded = bare_url and any(_lies_under(bare_url, prefix) for prefix in self.urls)
        return Reason("page") if is_excluded else None

    def _unlike(self, folded: str) -> Reason | None:
        for word in self.must:
            if not occurs(word, folded):
                return Reason("must", word)
        if self.any_of and not any(occurs(word, folded) for word in self.any_of):
            return Reason("any")
        return next((Reason("not", word) for word in self.none_of if occurs(word, folded)), None)

    def _afar(self, fields: Mapping[str, str], places: Sequence[_Place]) -> Reason | None:
        if not self.near or any(
            self._is_near(text, [one for one in places if one.field == field])
            for field, text in fields.items()
        ):
            return None
        return Reason("near", str(self.near_within))

    def _is_near(self, text: str, places: Sequence[_Place]) -> bool:
        """Whether a near word stands within so many characters of one of the places of a field.

        Goes from word to word, so that a name repeated ten thousand times costs no more than the
        text is long.
        """
        starts, ends = [one.start for one in places], [one.end for one in places]
        for word in self.near if places else ():
            for start, end in standing(word, text):
                # the last place that ends before the word, the first that begins behind it
                before, after = bisect_right(ends, start) - 1, bisect_left(starts, end)
                if before >= 0 and start - ends[before] <= self.near_within:
                    return True
                if after < len(starts) and starts[after] - end <= self.near_within:
                    return True
        return False


class BrandMatcher:
    """Finds all brands at once; the cost grows with the text, not with the number of aliases.

    A brand is named by its name, its aliases, and the names and aliases of its products. Of
    overlapping names the longest counts (the leftmost of equals), so a name inside a longer watched
    name is not a mention of its own. A latin letter or a digit at the edge of a name must not stand
    beside another of its kind: "mi" is not found in "mini", but in "mi6". A Chinese name is also
    found with separators between its characters (澜|禾, 澜 禾) where no other word is cut by that.
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
        self._meanings = Meanings(brands)
        self._automaton = ahocorasick.Automaton()
        self._has_pinyin = any(brand.pinyin for brand in brands)
        for folded, owners in owners_by_spelling(brands).items():
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
        found: dict[BrandId, list[BrandHit]] = {}
        for hit, counts, _ in self.judge(mention_title, mention_text, url, author):
            if counts:
                found.setdefault(hit.brand_id, []).append(hit)
        return {brand_id: tuple(hits) for brand_id, hits in found.items()}

    def judge(self, title: str, text: str, url: str, author: str) -> list[Judged]:
        """Return every place where a brand is named, and why it counts or does not."""
        if self._is_empty:
            return []
        folded: dict[str, str] = {}
        offsets: dict[str, list[int] | None] = {}
        named: dict[BrandId, list[_Named]] = {}
        for field, original in zip(_FIELDS, (title, text), strict=True):
            folded[field], offsets[field] = rewrite_with_offsets(original)
            for place in self._places(field, folded[field]):
                for alias in place.owners:
                    named.setdefault(alias.brand_id, []).append(_Named(place, alias))
        is_unclear = any(one.alias.ambiguous for names in named.values() for one in names)
        context = self._meanings.read(folded) if is_unclear else None
        judged: list[Judged] = []
        for brand_id, names in named.items():
            reasons = _meant(names, context)
            counting = [
                one.place
                for one, reason in zip(names, reasons, strict=True)
                if reason.code in COUNTS
            ]
            conditions = self._conditions[brand_id]
            refusal = conditions.refusal(folded, counting, url, author) if counting else None
            for one, reason in zip(names, reasons, strict=True):
                hit = _hit(one, offsets[one.place.field])
                if reason.code in COUNTS:
                    judged.append(Judged(hit, refusal is None, refusal or reason))
                else:
                    judged.append(Judged(hit, counts=False, reason=reason))
        return judged

    @property
    def brands(self) -> tuple[Brand, ...]:
        """Return the watched brands."""
        return self._brands

    def products_named(self, brand_id: BrandId, title: str, text: str) -> tuple[str, ...]:
        """Return the products whose ordinary words occur in a text that names the brand."""
        wanted = self._product_words[brand_id]
        if not wanted:
            return ()
        folded = f"{rewrite(title)}\n{rewrite(text)}"
        return tuple(
            product_id
            for product_id, words in wanted
            if any(occurs(word, folded) for word in words)
        )

    def run_examples(self) -> list[Surprise]:
        """Run every brand's saved sentences and return one line per surprise."""
        surprises: list[Surprise] = []
        for brand in self._brands:
            for index, example in enumerate(brand.examples):
                reason = self._why_not(
                    BrandId(brand.id), example.title, example.text, example.url, example.author
                )
                said = f'brand "{brand.id}": example "{example.text}"'
                if example.match and reason:
                    text = f"{said} must match, but {reason}"
                elif not example.match and not reason:
                    text = f"{said} must not match, but does"
                else:
                    continue
                surprises.append(Surprise(BrandId(brand.id), index, text))
        return surprises

    def _why_not(self, brand_id: BrandId, title: str, text: str, url: str, author: str) -> str:
        """Say why a text is not about a brand, "" when it is."""
        judged = [
            one for one in self.judge(title, text, url, author) if one.hit.brand_id == brand_id
        ]
        if any(one.counts for one in judged):
            return ""
        return str(judged[0].reason) if judged else "no name or alias occurs"

    def _places(self, field: str, folded: str) -> list[_Place]:
        """Return where names stand in one rewritten field, in text order."""
        places = [
            _Place(field, last + 1 - length, last + 1, owners)
            for last, (length, owners) in self._automaton.iter(folded)
            if stands_alone(folded, last + 1 - length, last + 1)
        ]
        if self._has_pinyin:
            places = [place for place in places if not _is_address(folded, place)]
        squeezed = Squeezed.of(folded)
        if squeezed is not None:
            places += self._disguised(field, squeezed)
        return _longest(places)

    def _disguised(self, field: str, squeezed: Squeezed) -> list[_Place]:
        """Return where names stand with separators between their characters."""
        found: list[_Place] = []
        for last, (length, owners) in self._automaton.iter(squeezed.text):
            span = squeezed.span(last + 1 - length, last + 1)
            if span is not None and squeezed.is_name_apart(*span):
                found.append(_Place(field, *span, owners))
        return found


def _is_address(folded: str, place: _Place) -> bool:
    """Whether a place is a name in pinyin inside an address; www.lanhe.cn names no 澜禾."""
    is_pinyin = all(alias.is_pinyin for alias in place.owners)
    return is_pinyin and is_in_address(folded, place.start, place.end)


def _meant(names: Sequence[_Named], context: Context | None) -> list[Reason]:
    """Say of every name of one brand whether it means the brand here."""
    companion = next((folded_name(one.alias.alias) for one in names if not one.alias.ambiguous), "")
    reasons: list[Reason] = []
    for (field, start, end, _), alias in names:
        if not alias.ambiguous or context is None:
            reasons.append(_NAMED)
        else:
            key = (alias.brand_id, alias.ambiguous)
            reasons.append(context.decide(key, field, start, end, companion))
    return reasons


def _hit(named: _Named, offsets: list[int] | None) -> BrandHit:
    (field, start, end, _), alias = named
    if offsets is not None:
        start, end = offsets[start], offsets[end - 1] + 1
    return BrandHit(
        brand_id=alias.brand_id,
        alias=alias.alias,
        field=field,
        start=start,
        end=end,
        product=alias.product,
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


def _bare_url(url: str) -> str:
    """Return a URL without its scheme, its host in lower case."""
    bare = url.partition("://")[2] or url
    host, slash, rest = bare.strip().partition("/")
    return f"{host.lower()}{slash}{rest}"


def _lies_under(bare_url: str, prefix: str) -> bool:
    """Whether a page's address starts so; a prefix that is only a host must be the whole host."""
    if not bare_url.startswith(prefix):
        return False
    return "/" in prefix or bare_url[len(prefix) : len(prefix) + 1] in {"", "/", "?", "#", ":"}


def _bare_author(author: str) -> str:
    """Return an author's name as it is compared: width, script, case, spaces and @ do not count."""
    return "".join(rewrite(author).split()).removeprefix("@")
