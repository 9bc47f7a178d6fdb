"""The project's own issue classes and sub-classes: found by their words, beside the model."""

from __future__ import annotations

from collections.abc import Sequence

from classify.phrases import PhraseIndex
from classify.text import normalise
from config.schema import IssueRule


class OwnIssues:
    """Finds the classes that issues.yaml defines. A `not` word anywhere in a text refutes one.

    Every rule has an index of its own, so that a longer word of one hides no word of another.
    """

    def __init__(self, rules: Sequence[IssueRule]) -> None:
        self._rules = [
            (
                rule,
                PhraseIndex((word, rule.name, 1.0) for word in _plain(rule.words)),
                _plain(rule.not_),
            )
            for rule in rules
            if _plain(rule.words)
        ]

    def find(self, plain: str) -> tuple[IssueRule, ...]:
        """Return the rules that a normalised text meets, in the order of issues.yaml."""
        return tuple(
            rule
            for rule, index, refuting in self._rules
            if index.find(plain) and not any(word in plain for word in refuting)
        )


def _plain(words: Sequence[str]) -> list[str]:
    return [plain for word in words if (plain := normalise(word))]
