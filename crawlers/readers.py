"""One page of any kind of source goes in; its items, links and the way on come out. Pure on bytes.

The one place that knows which kind of source is read by which module. Never on the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from config.schema import SourceConfig
from crawlers.feeds import parse_feed
from crawlers.mentions import LinkParsed, Parsed
from crawlers.pages import parse_detail, parse_list
from crawlers.quality import measure
from storage.records import DetailLink


def starts(source: SourceConfig) -> tuple[str, ...]:
    """Return the addresses a poll begins with, as templates; they name its cursors, too.

    Never empty. `{keyword}` is filled in before (config.keywords).
    """
    return source.start


def has_links(source: SourceConfig) -> bool:
    """Return whether pages of a source may lead to further pages (details, threads, maps)."""
    return source.detail is not None or source.kind in {"forum_thread", "sitemap", "spider"}


def max_pages(source: SourceConfig) -> int:
    """Return how many pages of one start address a poll reads at most."""
    return source.pages.max


def first_page(source: SourceConfig, start: str) -> str:
    """Return the address of the first page of a start template."""
    return _filled(source, start, 0, "")


def next_page(source: SourceConfig, start: str, parsed: Parsed, number: int) -> str:
    """Return the address of page `number` (0 is the first) behind one that was read, "" for none.

    `{page}` and `{offset}` in the template count by themselves; `{cursor}` takes what the page
    said; else the page itself says where it goes on.
    """
    if "{cursor}" in start:
        cursor = parsed.next_cursor
        return _filled(source, start, number, cursor) if cursor else ""
    if "{page}" in start or "{offset}" in start:
        return _filled(source, start, number, "")
    return parsed.next_url


def _filled(source: SourceConfig, start: str, number: int, cursor: str) -> str:
    return (
        start.replace("{page}", str(source.pages.first + number))
        .replace("{offset}", str(number * source.pages.step))
        .replace("{cursor}", quote(cursor, safe=""))
    )


def read_page(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> Parsed:
    """Read a page that a poll asked for: a feed, a list, an answer of an API ..."""
    # A search answers with a feed where nothing says how to read a list.
    is_feed = source.kind == "feed" or (source.kind == "search" and source.list is None)
    parse = parse_feed if is_feed else parse_list
    # Rows are always made: the health of the source is judged by how its items were read.
    parsed = parse(body, url, http_charset, source, now, history=history, trace=True)
    rows = parsed.rows if trace else ()
    return replace(parsed, quality=measure(parsed.rows, now), rows=rows)


def read_link(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
    names: Sequence[str] = (),
    trace: bool = False,
) -> LinkParsed:
    """Read a page that a link led to. `names` are the words that stand for the watched brands."""
    return parse_detail(body, url, http_charset, source, link, now=now, names=names, trace=trace)
