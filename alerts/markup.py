"""Making text from the web harmless and making messages fit: strings in, strings out."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlsplit

_SPACES = re.compile(r"\s+")
# Characters that chat markdown (or an @ in it) gives a meaning to, and a look-alike that has none:
# WeCom's markdown knows no backslash escape.
_HARMLESS = str.maketrans("[]<>*`&@#\\|~", "［］＜＞＊｀＆＠＃＼｜～")
_URL_BYTES = (
    500  # a longer address is shown as its title only, so that it never crowds out the rest
)


def visible(text: str) -> str:
    """Return one line of text without control, format (zero-width, bidi) and private characters."""
    line = _SPACES.sub(" ", text)
    if line.isprintable():  # almost always: looking at each character takes twenty times as long
        return line.strip()
    kept = (
        character
        for character in line
        if unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cs", "Cn"}
    )
    return "".join(kept).strip()


def plain(text: str) -> str:
    """Return text from the web as one line that means nothing to markdown.

    Nor is any address in it one that a chat program would make a link of.
    """
    return visible(text).translate(_HARMLESS).replace("://", "：//")


def escape(text: str) -> str:
    """Return text from the web as one line of HTML, also inside attributes."""
    return html.escape(visible(text), quote=True)


def safe_url(url: str) -> str:
    """Return an address from the web that may stand in a message, "" when it may not.

    Only http and https, no user name before the host, everything that could end a markdown link or
    an HTML attribute percent-encoded.
    """
    text = visible(url)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # also UnicodeError of impossible host names
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host or "@" in parts.netloc:
        return ""
    path = quote(parts.path, safe="/%:=,;+!$~")
    query = f"?{quote(parts.query, safe='/%:=,;+!$~?&')}" if parts.query else ""
    shown = f"{parts.scheme.lower()}://{host}{port}{path}{query}"
    return shown if len(shown) <= _URL_BYTES else ""


def shorten(text: str, characters: int) -> str:
    """Return at most this many characters, the last one an ellipsis when something was cut."""
    return text if len(text) <= characters else text[: max(0, characters - 1)] + "…"


def cut_bytes(text: str, limit: int) -> str:
    """Return the longest beginning of the text within `limit` UTF-8 bytes, cut between characters.

    What was cut ends in an ellipsis when there is room for one.
    """
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    mark = "…" if limit >= len("…".encode()) else ""
    kept = encoded[: max(0, limit - len(mark.encode()))].decode(errors="ignore")
    return kept + mark


def fit(head: Sequence[str], rest: Iterable[str], limit: int) -> str:
    """Join lines within `limit` UTF-8 bytes: the head stays whole, the rest is cut from its end.

    A line with an address in it is left out rather than cut: half a link leads nowhere.
    """
    lines = [*((line, True) for line in head), *((line, False) for line in rest)]
    return fit_lines(lines, limit)


def fit_lines(lines: Sequence[tuple[str, bool]], limit: int, end: str = "\n") -> str:
    """Join lines within `limit` UTF-8 bytes; those marked True stay whole, in their places.

    The others are filled in from above: the first that does not fit is cut at a character's
    border (or left out when it holds an address), and those below it are left out. A text that is
    too long by what must stay alone is returned as it is.
    """
    between = len(end.encode())
    room = limit - sum(len(line.encode()) + between for line, stays in lines if stays) + between
    kept: list[str] = []
    is_full = False
    for line, stays in lines:
        if stays:
            kept.append(line)
            continue
        size = len(line.encode()) + between
        if is_full:
            continue
        if size > room:
            is_full = True
            if "://" in line or room - between <= len("…".encode()):
                continue
            line = cut_bytes(line, room - between)  # noqa: PLW2901 - the same line, shorter
            size = len(line.encode()) + between
        room -= size
        kept.append(line)
    return end.join(kept)
