"""How the items of a page look, as sums: what the health of a source is judged by.

In: the rows of one page as they were read. Out: counts that may be added over pages and polls'
starts; `rates` makes shares of them. Nothing here knows what is usual, see crawlers.expectations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from crawlers.charset import is_common
from crawlers.mentions import Row

_SAMPLE_CHARS = 300  # of an item's title and text; more of it says nothing more
_SHAPES = 5  # kinds of addresses that are kept of one page
_TITLE_CHARS = 60
# UTF-8 read as GBK ("涓浗"), any Chinese charset read as Latin-1 ("ÖÐ¹ú", "ä¸­å›½").
_WRONG_READINGS = tuple(
    (wrong, right)
    for wrong in ("gb18030", "latin-1", "cp1252")
    for right in ("utf-8", "gb18030")
    if wrong != right
)
_NUMBER = re.compile(r"\d+")
_LONG_WORD = 12  # characters of a path segment beyond which it is a name, not a section


def measure(rows: Sequence[Row], now: datetime) -> dict[str, int]:
    """Count what can be counted of the items of one page.

    Shape: rows (how each item was read) in; whole numbers that add up out. "rows", "links",
    "links_same" (the most frequent one), "titles", "titles_same", "title_chars", "dates_given",
    "dates_read", "dates_ahead" (clamped to now), "letters", "cjk", "common", "garbled" (items),
    "first:FIELD" and "later:FIELD" (which selector hit), "shape:ADDRESS" (at most five).
    """
    counts: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    links: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    for row in rows:
        values = {name: reading.value for name, reading in row.readings}
        counts["rows"] += 1
        title = (values.get("title") or values.get("text", ""))[:_TITLE_CHARS].strip()
        if title:
            titles[title] += 1
            counts["title_chars"] += len(title)
        if row.url:
            links[row.url] += 1
            shapes[shape_of(row.url)] += 1
        counts.update(_date_counts(values.get("published", ""), row.published_at, now))
        counts.update(_letter_counts(f"{values.get('title', '')} {values.get('text', '')}"))
        for name, reading in row.readings:
            if reading.rung >= 0:
                counts[f"first:{name}" if reading.rung == 0 else f"later:{name}"] += 1
    counts.update({"titles": titles.total(), "titles_same": max(titles.values(), default=0)})
    counts.update({"links": links.total(), "links_same": max(links.values(), default=0)})
    counts.update({f"shape:{shape}": n for shape, n in shapes.most_common(_SHAPES)})
    return dict(counts)


def rates(quality: Mapping[str, int]) -> dict[str, float]:
    """Return the shares that a baseline is made of; one with nothing to divide by is left out."""
    pairs = {
        "same_title": ("titles_same", "titles"),
        "title_chars": ("title_chars", "titles"),
        "same_link": ("links_same", "links"),
        "dates": ("dates_read", "dates_given"),
        "ahead": ("dates_ahead", "dates_read"),
        "cjk": ("cjk", "letters"),
        "common": ("common", "cjk"),
        "garbled": ("garbled", "rows"),
    }
    found = {
        name: quality.get(part, 0) / quality[whole]
        for name, (part, whole) in pairs.items()
        if quality.get(whole)
    }
    for key, n in quality.items():
        kind, _, name = key.partition(":")
        if kind in {"first", "later"} and f"rung:{name}" not in found:
            other = quality.get(f"{'later' if kind == 'first' else 'first'}:{name}", 0)
            found[f"rung:{name}"] = (n if kind == "first" else other) / (n + other)
    return {name: round(share, 3) for name, share in found.items()}


def shapes(quality: Mapping[str, int]) -> dict[str, int]:
    """Return the kinds of addresses of the items and how often each came."""
    return {key.removeprefix("shape:"): n for key, n in quality.items() if key.startswith("shape:")}


def shape_of(url: str) -> str:
    """Return what addresses of one kind of page have in common: host, path, names of parameters.

    Numbers become #, long or foreign names become *.
    """
    try:
        parts = urlsplit(url)
        segments = [_segment(text) for text in parts.path.split("/")]
        names = sorted({pair.partition("=")[0] for pair in parts.query.split("&") if pair})
        return f"{parts.hostname or ''}{'/'.join(segments)}?{'&'.join(names)}"[:120]
    except ValueError:
        return "?"


def is_garbled(text: str) -> bool:
    """Return whether a text looks like Chinese read with the wrong charset."""
    if text.count("\ufffd") * 20 > len(text) or text.count("?") * 2 > len(text):
        return len(text) > 1
    foreign = sum(char > "\x7f" for char in text)
    if foreign < 4:
        return False
    return any(_would_read(text, wrong, right) for wrong, right in _WRONG_READINGS)


def _would_read(text: str, wrong: str, right: str) -> bool:
    """Return whether undoing a wrong reading gives Chinese that common words are written in."""
    try:
        body = text.replace("\ufffd", "").encode(wrong)
    except UnicodeEncodeError:
        return False
    read = body.decode(right, "replace")
    wide = [char for char in read if char > "\x7f"]
    if len(wide) < 2:
        return False
    common = sum(is_common(char) for char in wide)
    before = [char for char in text if char > "\x7f"]
    was = sum(is_common(char) for char in before) / len(before)
    return common / len(wide) > max(0.4, 1.5 * was)


def _segment(text: str) -> str:
    if (len(text) > _LONG_WORD and not text.isdigit()) or not text.isascii():
        return "*"
    return _NUMBER.sub("#", text)


def _date_counts(written: str, at: datetime | None, now: datetime) -> dict[str, int]:
    if not written:
        return {}
    is_ahead = at is not None and at >= now
    return {"dates_given": 1, "dates_read": int(at is not None), "dates_ahead": int(is_ahead)}


def _letter_counts(text: str) -> dict[str, int]:
    text = text[:_SAMPLE_CHARS]
    letters = [char for char in text if char.isalpha()]
    cjk = [char for char in letters if "\u3400" <= char <= "\u9fff"]
    return {
        "letters": len(letters),
        "cjk": len(cjk),
        "common": sum(is_common(char) for char in cjk),
        "garbled": int(is_garbled(text)),
    }
