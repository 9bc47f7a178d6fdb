"""Texts in, what is no customer's voice out: adverts, jobs, lotteries, second-hand sales, hijacks.

A mention is marked when words of one kind outweigh words of voices by far: somebody who complains
of an advert, a lottery or a bought phone is a voice. What is marked is kept, shown with the words
that decided, and left out of clusters and baselines. Wordings and weights are ours; how often they
are right is held in tests/eval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from classify.lexicon import sections
from classify.phrases import PhraseIndex, Place
from classify.text import normalise
from storage.records import BrandHit, BrandId, Noise, Verdict

_STRONG, _ORDINARY = 2.0, 1.0
_VOICE_WEIGHT = 1.5  # a word of a voice against one of an advert
_ENOUGH = 3.0  # points: two strong words, or a strong and an ordinary one
_SHORT = 150  # characters; as many more ask for one point more: long texts hold many words
_CONTACT_POINTS = 1.5
_LOOKED_AT = 1500  # characters; adverts say what they are about early
_VOICE, _IDLE, _GOODS = "voice", "hijack", "goods"
_MANY_TAGS = 3
_IDLE_ENOUGH = 2  # words of pastimes and sayings
_FEWEST_OWN = 8  # characters outside the hashtags; less says nothing

_HASHTAG = re.compile(r"#([^#\n]{1,40})#|#([^\s#]{1,20})")
_NO_WORD = re.compile(r"@\S+|https?\S+|\W+")
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


def noise_words(
    title: str, text: str, verdicts: Sequence[Verdict]
) -> dict[BrandId, tuple[str, ...]]:
    """Return the words that decided, by brand; () where a person or another list decided."""
    found = {verdict.brand_id: verdict.hits for verdict in verdicts}
    [marking] = mark_many([f"{title}\n{text}"], [found])
    return {
        verdict.brand_id: marking.words if marking.noise == verdict.noise else ()
        for verdict in verdicts
    }


def _mark(text: str, hits: Mapping[BrandId, Sequence[BrandHit]]) -> Marking:
    plain = normalise(text[:_LOOKED_AT])
    places = _index().find(plain)
    points: dict[str, dict[str, float]] = {}
    for place in places:
        points.setdefault(place.label, {})[plain[place.start : place.end]] = place.weight
    against = _VOICE_WEIGHT * sum(points.pop(_VOICE, {}).values())
    for label in (_IDLE, _GOODS):
        points.pop(label, None)
    contact = _CONTACT_POINTS if points and _CONTACT.search(plain) else 0.0
    best = max(points, key=lambda kind: sum(points[kind].values()), default="")
    words = points.get(best, {})
    asked = _ENOUGH + max(0, len(plain) - _SHORT) / _SHORT
    enough = sum(words.values()) + contact - against >= asked
    if enough and _STRONG in words.values():
        return Marking(Noise(best), tuple(words))
    return _hijacked(text, plain, places, hits) if hits else _CLEAN


def _hijacked(
    text: str, plain: str, places: Sequence[Place], hits: Mapping[BrandId, Sequence[BrandHit]]
) -> Marking:
    """Mark a text that names the brands in hashtags only and talks of something else.

    Something else: outside the hashtags no word of a complaint, of goods or of their service, and
    no two characters of a hashtag again; and either several other hashtags, or words of pastimes
    and sayings. Where the writer's own words, or the title, name the brand, it is no hijack.
    """
    title, _, body = text.partition("\n")
    if title or not _only_in_tags(body, hits):
        return _CLEAN
    tags = list(_HASHTAG.finditer(plain))
    outside = [one for one in places if not any(t.start() <= one.start < t.end() for t in tags)]
    if any(one.label in {_VOICE, _GOODS} for one in outside):
        return _CLEAN
    own = _NO_WORD.sub(" ", _HASHTAG.sub(" ", plain))
    said = " ".join(tag[0].strip("#") for tag in tags)
    if len(own) < _FEWEST_OWN or any(pair.strip() == pair and pair in own for pair in _pairs(said)):
        return _CLEAN
    idle = {plain[one.start : one.end] for one in places if one.label == _IDLE}
    if len(tags) >= _MANY_TAGS or len(idle) >= _IDLE_ENOUGH:
        return Marking(Noise.HIJACK, tuple(sorted(idle)) or tuple(said.split(" ")[:6]))
    return _CLEAN


def _only_in_tags(body: str, hits: Mapping[BrandId, Sequence[BrandHit]]) -> bool:
    tags = [tag.span() for tag in _HASHTAG.finditer(body)]
    return bool(tags) and all(
        hit.field == "text" and any(start <= hit.start < end for start, end in tags)
        for one in hits.values()
        for hit in one
    )


def _pairs(text: str) -> Iterator[str]:
    return (text[at : at + 2] for at in range(len(text) - 1))
