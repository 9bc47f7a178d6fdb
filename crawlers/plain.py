"""Plain text out of what pages carry: control characters and runs of blanks go, lines stay."""

from __future__ import annotations

import re

# Unicode's control characters (a tab is a blank) and lone halves of surrogate pairs.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACES = re.compile("[\\s\u200b\ufeff]+")


def tidy(text: str) -> str:
    """Drop control characters and blank lines, squeeze runs of blanks, keep line breaks."""
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
