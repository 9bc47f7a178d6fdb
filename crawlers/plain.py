"""Plain text out of what pages carry: control characters and runs of blanks go, lines stay."""

from __future__ import annotations

import re
import unicodedata


def tidy(text: str) -> str:
    """Drop control characters and blank lines, squeeze runs of blanks, keep line breaks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(
        char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs"}
    )
    lines = (re.sub(r"[\s\u200b\ufeff]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
