"""A text in, the families of trouble it tells of out: what is wrong with the thing or the service.

Two complaints in other words about the same trouble share a family; together with the product it
is what a defective batch shows in (classify.md, facts). Denials are not told apart here: "不漏水"
is rare among complaints, and a wrong family only adds one weak token to a cluster.
"""

from __future__ import annotations

from functools import cache

from classify.lexicon import sections
from classify.phrases import PhraseIndex
from classify.text import normalise
from storage.records import Verdict

_SERVICE = "服务:"  # families about the service: too common to tell one incident from another


@cache
def _index() -> PhraseIndex:
    return PhraseIndex(
        (phrase, family, 1.0)
        for family, phrases in sections("symptoms").items()
        for phrase in phrases
    )


def troubles(verdict: Verdict) -> tuple[str, ...]:
    """Return what is wrong with which product, one string a pair; () when either is not named.

    Two mentions with the same trouble belong together even when they share few words. A fault
    without its product says little: water leaks in many places.
    """
    faults = [one for one in verdict.symptoms if not one.startswith(_SERVICE)]
    return tuple(f"{product}×{fault}" for product in verdict.products for fault in faults)


def symptoms(text: str) -> tuple[str, ...]:
    """Return the families of trouble that a text names, each once, in the order they stand."""
    places = sorted(_index().find(normalise(text)), key=lambda place: place.start)
    return tuple(dict.fromkeys(place.label for place in places if place.label))
