"""Texts in, the issue class (投诉类型) each is about out."""

from __future__ import annotations

from collections.abc import Sequence

from classify.lexicon import sections
from classify.phrases import PhraseIndex
from classify.text import normalise
from config.schema import ISSUE_CLASSES

OTHER = ISSUE_CLASSES[-1]
_STRONG, _ORDINARY = 2.0, 1.0


class IssueClassifier:
    """Votes of phrases; among equals the class that config.schema names first wins."""

    def __init__(self) -> None:
        self._index = PhraseIndex(
            (
                phrase,
                name.removesuffix(" strong"),
                _STRONG if name.endswith("strong") else _ORDINARY,
            )
            for name, phrases in sections("issues").items()
            for phrase in phrases
        )

    @classmethod
    def load(cls) -> IssueClassifier:
        """Return the classifier with the shipped phrases."""
        return cls()

    def classify_many(self, texts: Sequence[str]) -> list[str]:
        """Return one class per text, in order; a text that names no issue is 其他."""
        return [self._classify(normalise(text)) for text in texts]

    def _classify(self, plain: str) -> str:
        votes: dict[str, float] = {}
        for place in self._index.find(plain):
            votes[place.label] = votes.get(place.label, 0.0) + place.weight
        if not votes:
            return OTHER
        return max(ISSUE_CLASSES, key=lambda name: votes.get(name, 0.0))
