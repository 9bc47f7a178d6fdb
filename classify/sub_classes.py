"""A text in, the sub-classes of its issue out: what has to be done, as routes name it."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from classify.lexicon import lines
from classify.text import normalise
from config.schema import SUB_CLASSES

_LOOKED_AT = 2000  # characters; patterns are bounded, so the cost is linear in them
_SENTENCE = re.compile(r"[。!?;\n…]+")
_NOT = " not"


class _Rule(NamedTuple):
    name: str
    found: re.Pattern[str]
    refuted: re.Pattern[str] | None


@cache
def _rules() -> tuple[_Rule, ...]:
    sections = lines("sub_classes")
    return tuple(
        _Rule(name, _any_of(sections[name]), _any_of(refuting) if refuting else None)
        for name in SUB_CLASSES
        for refuting in [sections.get(name + _NOT, ())]
    )


def sub_classes(text: str) -> tuple[str, ...]:
    """Return the sub-classes that a text is about, in the order of config.schema.SUB_CLASSES."""
    return sub_classes_of(normalise(text[: 2 * _LOOKED_AT]))


def sub_classes_of(plain: str) -> tuple[str, ...]:
    """Do the same for a normalised text."""
    sentences = [part for part in _SENTENCE.split(plain[:_LOOKED_AT]) if part]
    return tuple(
        rule.name
        for rule in _rules()
        if any(
            rule.found.search(sentence)
            and not (rule.refuted is not None and rule.refuted.search(sentence))
            for sentence in sentences
        )
    )


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Join patterns; a bare dot stops at the marks that end a clause, ~ where a sentence ends."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns).replace("~", "[^;。!?]")
    return re.compile(re.sub(r"(?<!\\)\.(?=[{*+?])", "[^,;:。!?]", joined))
