"""The cheap text of a page, and whether a watched name stands in it before more is spent on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from crawlers.plain import tidy

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def fast_text(html: str, *, main: bool = False) -> str:
    """Return the text of a page (all of it, or what resiliparse takes for its main part)."""
    from resiliparse.extract.html2text import extract_plain_text

    found = extract_plain_text(
        html, main_content=main, alt_texts=False, links=False, form_fields=False, noscript=False
    )
    return tidy(found)


def page_names_any(html: str, names: Sequence[str]) -> bool:
    """Return whether a page holds one of the names, in its markup, scripts or text.

    In text a name may be split by tags ("澜<b>禾</b>") or written as entities; in scripts by
    backslash escapes. A name in a menu passes: that costs a few milliseconds, a miss a mention.
    """
    if names_any(html, names):
        return True
    if "\\u" in html:
        plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), html)
        if names_any(plain, names):
            return True
    return names_any(fast_text(html), names)


def names_any(text: str, names: Sequence[str]) -> bool:
    """Return whether one of the lower-case names stands in a text.

    Width, case and script do not matter: names are looked for in traditional spelling as well.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    return any(name in plain for name in _spellings(tuple(names)))


@lru_cache(maxsize=16)  # a process watches the brands of its few projects
def _spellings(names: tuple[str, ...]) -> tuple[str, ...]:
    import opencc

    scripts = [opencc.OpenCC(name).convert for name in ("s2t", "s2tw", "s2hk", "t2s")]
    plain = [unicodedata.normalize("NFKC", name).lower() for name in names if name.strip()]
    return tuple(sorted({*plain, *(convert(name) for convert in scripts for name in plain)}))
