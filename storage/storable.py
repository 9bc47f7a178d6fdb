"""Texts as every database keeps them. Imports no database."""

from __future__ import annotations

import re

# PostgreSQL keeps no NUL in text, and neither database takes half a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return the text with what no database keeps replaced by U+FFFD."""
    return _UNSTORABLE.sub("�", text)
