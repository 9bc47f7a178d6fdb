"""The cheap text of a page, and whether a watched name stands in it before more is spent on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from crawlers.plain import tidy

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def fast_text(html: str) -> str:
    """Return what resiliparse takes for the main part of a page: much of it, in no time."""
    return tidy(_text(html, main=True))


def _text(html: str, *, main: bool) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return str(extract_plain_text(html, main_content=main, alt_texts=False, links=False))


def page_names_any(html: str, names: Sequence[str]) -> bool:
    """Return whether a page holds one of the lower-case names, in its markup, scripts or text.

    In text a name may be split by tags ("澜<b>禾</b>"), be written as entities or in full width;
    in scripts by backslash escapes; its traditional spelling counts as well. A name in a menu
    passes: that costs some milliseconds, a miss a mention.
    """
    spellings = _spellings(tuple(names))
    if _holds(html.lower(), spellings):
        return True
    if "\\u" in html:
        plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), html)
        if _holds(plain.lower(), spellings):
            return True
    text = unicodedata.normalize("NFKC", _text(html, main=False)).lower()
    return _holds(text, spellings) or _holds("".join(text.split()), spellings)


def _holds(text: str, spellings: tuple[str, ...]) -> bool:
    return any(name in text for name in spellings)


@lru_cache(maxsize=16)  # a process watches the brands of its few projects
def _spellings(names: tuple[str, ...]) -> tuple[str, ...]:
    import opencc

    scripts = [opencc.OpenCC(name).convert for name in ("s2t", "s2tw", "s2hk", "t2s")]
    plain = [unicodedata.normalize("NFKC", name).lower() for name in names if name.strip()]
    return tuple(sorted({*plain, *(convert(name) for convert in scripts for name in plain)}))
