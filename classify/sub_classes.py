"""A text in, the sub-classes of its issue out: what has to be done, as routes name it."""

from __future__ import annotations

from classify.patterns import patterns
from classify.text import normalise
from config.schema import SUB_CLASSES

_LOOKED_AT = 2000  # characters; patterns are bounded, so the cost is linear in them


def sub_classes(text: str) -> tuple[str, ...]:
    """Return the sub-classes that a text is about, in the order of config.schema.SUB_CLASSES."""
    return sub_classes_of(normalise(text[: 2 * _LOOKED_AT]))


def sub_classes_of(plain: str) -> tuple[str, ...]:
    """Do the same for a normalised text."""
    found = {
        place.name
        for _, places in patterns("sub_classes").find(plain[:_LOOKED_AT])
        for place in places
    }
    return tuple(name for name in SUB_CLASSES if name in found)
