"""The cheap text of a page, and whether a watched name stands in it: a twentieth of full cost."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from crawlers.plain import tidy


def fast_text(html: str, *, main: bool = False) -> str:
    """Return the text of a page (all of it, or what resiliparse takes for its main part)."""
    from resiliparse.extract.html2text import extract_plain_text

    found = extract_plain_text(
        html, main_content=main, alt_texts=False, links=False, form_fields=False, noscript=False
    )
    return tidy(found)


def names_any(text: str, names: Sequence[str]) -> bool:
    """Return whether one of the lower-case names stands in a text, whatever its width and case."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return any(name in plain for name in names if name)
