"""A mention that names a brand in, the concrete things it states out: what a batch shows in.

Product, model, batch, version, symptom, place, shop, order number (masked) and amount, each with
its place in the original title or text and its value in one spelling, so that equal facts compare
equal. Nothing is guessed: what no pattern or list finds is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import ahocorasick

from classify.facts_amounts import amounts
from classify.facts_codes import Stated, batches, month_of, orders, versions
from classify.facts_models import models
from classify.facts_places import places, plain_place, within
from classify.facts_shops import shops
from classify.symptoms import stated
from classify.text import rewrite, rewrite_with_offsets
from config.schema import Brand
from storage.records import BrandHit, BrandId, Fact

STATED = (
    "product",
    "model",
    "batch",
    "version",
    "symptom",
    "place",
    "shop",
    "order",
    "amount",
)
# Read off others: the month that a batch was made in, the city and the province of a place.
DERIVED = ("month", "region")
_MOST = 64  # facts of one kind in one field: a price list or a novel says no more by saying more

_BATCH_WORDS = re.compile(r"批|产|出厂|制造|灌装|lot|sn|s/n|机身|序列|[打开起]头")
_VERSION_WORDS = re.compile(r"\d\.\d")
_ORDER_WORDS = re.compile(r"[单号]|vin")
_DIGIT = re.compile(r"\d")
_HAN_MONTH = re.compile(r"[一二三四五六七八九十腊] ?月")


class _Name(NamedTuple):
    """A word of a brand in a text in plain spelling."""

    start: int
    end: int
    product: str


class _Field(NamedTuple):
    """One field of a mention in plain spelling, with the way back to the original."""

    name: str
    plain: str
    offsets: list[int] | None

    def fact(self, kind: str, start: int, end: int, value: str) -> Fact:
        """Make a fact at a place in the plain spelling."""
        if self.offsets is not None:
            start, end = self.offsets[start], self.offsets[end - 1] + 1
        return Fact(kind=kind, value=value, field=self.name, start=start, end=end)


class FactFinder:
    """Finds the facts of mentions of the watched brands. Holds no state between calls."""

    def __init__(self, brands: Sequence[Brand]) -> None:
        self._names = {BrandId(brand.id): _names_of(brand) for brand in brands}

    def find(
        self,
        title: str,
        text: str,
        brand_id: BrandId,
        hits: Sequence[BrandHit],
        products: Iterable[str],
        *,
        said_at: datetime | None = None,
        region: str = "",
    ) -> tuple[Fact, ...]:
        """Return what a mention states towards one brand, by field, kind and place.

        `products` are the ids that matching found. `said_at` dates a month without a year
        (3月份那批); without it such a month is left out. `region` is what the platform says of the
        author; it stands at no place of the text. Cost: linear in the length of the text.
        """
        facts: list[Fact] = []
        wanted = set(products)
        for name, original in (("title", title), ("text", text)):
            if not original:
                continue
            field = _Field(name, *rewrite_with_offsets(original))
            own = self._own_names(brand_id, field.plain)
            seen = [hit.product for hit in hits if hit.field == name and hit.product]
            facts += _products(field, own, [*seen, *wanted])
            facts += _stated(field, own, said_at)
        if region:
            facts += [
                Fact(kind="region", value=value) for value in _around(plain_place(rewrite(region)))
            ]
        return tuple(dict.fromkeys(facts))

    def _own_names(self, brand_id: BrandId, plain: str) -> list[_Name]:
        automaton = self._names.get(brand_id)
        if automaton is None:
            return []
        names = [
            _Name(last + 1 - length, last + 1, product)
            for last, (length, product) in automaton.iter(plain)
        ]
        return sorted(names) if len(names) > 1 else names


def _names_of(brand: Brand) -> ahocorasick.Automaton | None:
    named = {rewrite(word): "" for word in (brand.name, *brand.aliases)}
    for product in brand.products:
        words = (product.name, *product.aliases, *product.words)
        named |= {rewrite(word): product.id for word in words}
    automaton = ahocorasick.Automaton()
    for word, product_id in named.items():
        if word:
            automaton.add_word(word, (len(word), product_id))
    if not len(automaton):
        return None
    automaton.make_automaton()
    return automaton


def _products(field: _Field, own: list[_Name], wanted: list[str]) -> Iterator[Fact]:
    """Give every product once, where it stands first; the longest of the words that start there."""
    first: dict[str, _Name] = {}
    for name in own:
        if name.product in wanted:
            kept = first.get(name.product)
            if kept is None or (name.start, -name.end) < (kept.start, -kept.end):
                first[name.product] = name
    for product, name in first.items():
        yield field.fact("product", name.start, name.end, product)


def _stated(field: _Field, own: list[_Name], said_at: datetime | None) -> Iterator[Fact]:
    """Give the facts other than products."""
    plain = field.plain
    yield from _codes(field, own, said_at)
    for place in stated(plain)[:_MOST]:
        yield field.fact("symptom", place.start, place.end, place.label)
    where = places(plain)
    for spot in where[:_MOST]:
        yield field.fact("place", spot.start, spot.end, spot.value)
        for value in _around(spot.value):
            yield field.fact("region", spot.start, spot.end, value)
    if "店" in plain or "服务站" in plain:
        heads = [
            (spot.start, spot.end)
            for spot in where
            if not spot.is_district or plain[spot.end - 1] in "区县市"
        ]
        for shop in shops(plain, heads, own)[:_MOST]:
            yield field.fact("shop", shop.start, shop.end, shop.value)


def _codes(field: _Field, own: list[_Name], said_at: datetime | None) -> Iterator[Fact]:
    """Give batches, orders, versions, amounts and models; of those that overlap the first kind."""
    plain = field.plain
    has_digit = _DIGIT.search(plain) is not None
    found: list[tuple[str, Iterable[Stated]]] = []
    if (has_digit or _HAN_MONTH.search(plain)) and _BATCH_WORDS.search(plain):
        found.append(("batch", batches(plain, said_at)))
    if has_digit and _ORDER_WORDS.search(plain):
        found.append(("order", orders(plain)))
    if has_digit and _VERSION_WORDS.search(plain):
        found.append(("version", versions(plain)))
    found.append(("amount", amounts(plain)))
    if has_digit:
        found.append(("model", models(plain, own)))
    taken: list[tuple[int, int]] = []
    for kind, every in found:
        for one in islice(every, _MOST):
            if not any(one.start < end and start < one.end for start, end in taken):
                taken.append((one.start, one.end))
                yield field.fact(kind, one.start, one.end, one.value)
                if kind == "batch" and (month := month_of(one.value, said_at)):
                    yield field.fact("month", one.start, one.end, month)


def _around(place: str) -> tuple[str, ...]:
    """Return the regions that a place stands for: itself, its city, its province."""
    return (place, *within(place)) if place else ()
