"""A text in, the grave facts it states out: somebody hurt, a fire, a child, a regulator.

A fact counts when it is stated, also as a near miss (差点着火: it nearly burnt, the danger was
real). It does not count when it is denied (没有人受伤), only supposed (万一着火, 会不会爆炸),
advised against (谨防触电), or a figure of speech (气死我了, 火爆).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from classify.lexicon import sections
from classify.phrases import PhraseIndex, Place
from classify.text import normalise
from storage.records import BrandHit

FACTS = (
    "death",
    "injury",
    "fire",
    "child",
    "food",
    "data_leak",
    "money",
    "regulator",
    "lawyer",
    "media",
    "gathering",
)
_HARMS = frozenset({"death", "injury", "fire", "food"})  # that a child makes graver

# What stands before a fact in its own clause, within a few characters, may take it back.
_DENIED = re.compile(
    r"(?:没有?|没人|无人?|未|并?非|不是|不存在|否认|不属于|尚无|暂无|排除|避免了?|防止)[^,;:。!?\n]{0,6}$"
)
_SUPPOSED = re.compile(
    r"(?:会不会|难道要?|万一|如果|要是|假如|假设|倘若|若是|哪天|何时|等到|怕|担心|生怕|以免|免得|谨防|预防"
    r"|小心|注意|当心|严防|请勿|切勿|勿|不会|不要|可能会?|恐怕|说不定|迟早|早晚|非要|非得|要不要|防)"
    r"[^,;:。!?\n]{0,9}$"
)
_NEAR_MISS = re.compile(r"(?:差点|差一点|险些|几乎|差不多要?)[^,;:。!?\n]{0,6}$")
_CLAUSE_START = re.compile(r"[,;:。!?\n…~]")


@cache
def _index() -> PhraseIndex:
    return PhraseIndex(
        (phrase, fact if fact in FACTS else "", 1.0)
        for fact, phrases in sections("severity").items()
        for phrase in phrases
    )


def severity(text: str) -> tuple[str, ...]:
    """Return the grave facts that a text states, in the order of FACTS."""
    plain = normalise(text)
    stated = {_stated(plain, place) for place in _index().find(plain)} - {""}
    if not stated & _HARMS:
        stated.discard("child")
    return tuple(fact for fact in FACTS if fact in stated)


def products(hits: Iterable[BrandHit]) -> tuple[str, ...]:
    """Return the ids of the products that are named, each once, in the order they stand."""
    return tuple(dict.fromkeys(hit.product for hit in hits if hit.product))


def _stated(plain: str, place: Place) -> str:
    """Return the fact that stands at a place; "" when it is denied or only supposed."""
    if place.label == "child":
        return place.label
    clause = plain[max(0, place.start - 24) : place.start]
    borders = list(_CLAUSE_START.finditer(clause))
    if borders:
        clause = clause[borders[-1].end() :]
    if _NEAR_MISS.search(clause):
        # nobody has died who nearly did; that it was dangerous stays true
        return "injury" if place.label == "death" else place.label
    return "" if _DENIED.search(clause) or _SUPPOSED.search(clause) else place.label
