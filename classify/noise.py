"""Texts in, what is no customer's voice out: adverts, jobs, lotteries, second-hand sales, hijacks.

A mention is marked when words of one kind outweigh words of voices by far: somebody who complains
of an advert, a lottery or a bought phone is a voice. What is marked is kept, shown with the words
that decided, and left out of clusters and baselines. Wordings and weights are ours; how often they
are right is held in tests/eval.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from classify.lexicon import sections
from classify.phrases import PhraseIndex
from classify.text import normalise
from storage.records import BrandHit, BrandId, Noise

_STRONG, _ORDINARY = 2.0, 1.0
_VOICE_WEIGHT = 1.5  # a word of a voice against one of an advert
_ENOUGH = 4.0  # points: two strong words, or one and two ordinary ones
_CONTACT_POINTS = 1.5
_LOOKED_AT = 1500  # characters; adverts say what they are about early
_VOICE = "voice"
_MANY_TAGS = 3

_HASHTAG = re.compile(r"#([^#\n]{1,40})#|#([^\s#]{1,20})")
_CONTACT = re.compile(
    r"(?:微信|薇信|威信|v信|vx|wx|加v|加我|qq|电话|热线|联系)[号:\s]{0,3}[a-z0-9\-*_]{5,}"
)


class Marking(NamedTuple):
    """What a mention was marked as, and the words that decided; NONE with no words: a voice."""

    noise: Noise
    words: tuple[str, ...] = ()


_CLEAN = Marking(Noise.NONE)


@cache
def _index() -> PhraseIndex:
    return PhraseIndex(
        (
            phrase,
            name.removesuffix(" strong"),
            _STRONG if name.endswith("strong") else _ORDINARY,
        )
        for name, phrases in sections("noise").items()
        for phrase in phrases
    )


def mark_many(
    texts: Sequence[str], found: Sequence[Mapping[BrandId, Sequence[BrandHit]]]
) -> list[Marking]:
    """Return one marking per mention, in order; a text is title, line break, text."""
    return [_mark(text, hits) for text, hits in zip(texts, found, strict=True)]


def _mark(text: str, hits: Mapping[BrandId, Sequence[BrandHit]]) -> Marking:
    plain = normalise(text[:_LOOKED_AT])
    points: dict[str, dict[str, float]] = {}
    for place in _index().find(plain):
        points.setdefault(place.label, {})[plain[place.start : place.end]] = place.weight
    against = _VOICE_WEIGHT * sum(points.pop(_VOICE, {}).values())
    contact = _CONTACT_POINTS if points and _CONTACT.search(plain) else 0.0
    best = max(points, key=lambda kind: sum(points[kind].values()), default="")
    words = points.get(best, {})
    enough = sum(words.values()) + contact - against >= _ENOUGH
    if enough and _STRONG in words.values():
        return Marking(Noise(best), tuple(words))
    return _CLEAN if against else _hijacked(text, hits)


def _hijacked(text: str, hits: Mapping[BrandId, Sequence[BrandHit]]) -> Marking:
    """Mark a text that names the brands in hashtags only, among several others.

    Where the writer's own words, or the title, name the brand, it is no hijack.
    """
    body = text.partition("\n")[2]
    tags = list(_HASHTAG.finditer(body))
    if not hits or len(tags) < _MANY_TAGS:
        return _CLEAN
    inside = all(
        hit.field == "text" and any(tag.start() <= hit.start < tag.end() for tag in tags)
        for one in hits.values()
        for hit in one
    )
    if not inside:
        return _CLEAN
    return Marking(Noise.HIJACK, tuple(tag[0].strip("#") for tag in tags[:6]))
