"""How like each other troubles are: by what was decided of them, then by the words of them.

In: what an incident is about, cards, approved replies. Out: those that are like it, best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from storage.records import ApprovedReply, Card

if TYPE_CHECKING:
    import numpy as np

Why = Literal["same_incident", "fingerprint", "product_class", "words"]
WHY_ZH: dict[Why, str] = {
    "same_incident": "同一事件上次的处理",
    "fingerprint": "同一产品的同一故障",
    "product_class": "同一产品、同一类问题",
    "words": "说法相近",
}
_TIERS: tuple[Why, ...] = ("same_incident", "fingerprint", "product_class", "words")
# Below these cosines what words have in common is chance: docs/adr/0039, tests/eval.
ALIKE = 0.12
ANSWERS = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an incident is about, as far as cards are found by it."""

    incident_id: str
    brand_id: str
    product: str
    issue_class: str
    fingerprint: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCard:
    """A card that is like an incident; `score` in [0, 1] is the cosine of their words."""

    card: Card
    why: Why
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReply:
    """An approved reply that may answer an incident."""

    reply: ApprovedReply
    score: float


class Weighed:
    """Documents weighted by TF-IDF once, so that many lists of words are compared with them.

    Shape: `documents` are lists of words. A word that no document holds is as rare as can be: it
    makes every cosine smaller, as it should.
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._documents = documents

    def cosines(self, words: Sequence[str]) -> list[float]:
        """Return the cosine of a list of words with each document, in their order."""
        wanted = tuple(dict.fromkeys(words))
        if not wanted or not any(self._documents):
            return [0.0] * len(self._documents)
        import numpy as np

        matrix, places, weights, unknown = self._fitted
        known = [places[word] for word in wanted if word in places]
        missing = (len(wanted) - len(known)) * unknown**2
        query: np.ndarray[Any, Any] = np.zeros(len(places))
        query[known] = weights[known]
        query /= np.sqrt((query**2).sum() + missing)
        return [round(float(one), 4) for one in matrix @ query]

    @cached_property
    def _fitted(self) -> tuple[Any, dict[str, int], np.ndarray[Any, Any], float]:
        """Return documents by words, the place and weight of each word, that of an unknown one."""
        from math import log

        from sklearn.feature_extraction.text import TfidfVectorizer

        weigh = TfidfVectorizer(analyzer=list, sublinear_tf=True)
        matrix = weigh.fit_transform([list(one) for one in self._documents])
        return matrix, weigh.vocabulary_, weigh.idf_, log(1 + len(self._documents)) + 1


class CardIndex:
    """Cards that incidents are compared with."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self._cards = cards
        self._weighed = Weighed([card.words for card in cards])

    def rank(self, query: Query) -> list[FoundCard]:
        """Return the cards that are like a query, best first.

        The same incident's own, then the same fault of the same product, then product and class,
        then words alone; within each, by the cosine of the words.
        """
        scores = self._weighed.cosines(query.words)
        found = [
            FoundCard(card=card, why=why, score=score)
            for card, score in zip(self._cards, scores, strict=True)
            if (why := _why(query, card, score)) is not None
        ]
        return sorted(
            found,
            key=lambda one: (
                _TIERS.index(one.why),
                -one.score,
                -one.card.created_at.timestamp(),
                one.card.card_id,
            ),
        )


def _why(query: Query, card: Card, score: float) -> Why | None:
    if card.incident_id == query.incident_id:
        return "same_incident"
    if query.fingerprint and card.fingerprint == query.fingerprint:
        return "fingerprint"
    same = (card.brand_id, card.product, card.issue_class)
    if query.product and same == (query.brand_id, query.product, query.issue_class):
        return "product_class"
    return "words" if score >= ALIKE else None


def rank_replies(query: Query, replies: Sequence[ApprovedReply]) -> list[FoundReply]:
    """Return the replies whose question is like a query, those about its product first."""
    mine = [one for one in replies if one.product in {"", query.product}]
    # the question says when it fits; the answer's words only help
    asked = [(*cut(one.question), *cut(one.question), *cut(one.answer)) for one in mine]
    scored = zip(mine, Weighed(asked).cosines(query.words), strict=True)
    found = [FoundReply(reply=one, score=score) for one, score in scored if score >= ANSWERS]
    return sorted(found, key=lambda one: (-one.score, one.reply.product == "", one.reply.reply_id))


def cut(text: str) -> list[str]:
    """Return the words of a text that say something: two characters or more, no punctuation."""
    from classify.segment import segment

    words = (word.strip().casefold() for word in segment(text))
    return [word for word in words if len(word) > 1 and any(map(str.isalnum, word))]
