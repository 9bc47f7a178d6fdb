"""One page of any kind of source goes in; its items, links and the way on come out. Pure on bytes.

The one place that knows which kind of source is read by which module. Never on the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from config.schema import SourceConfig
from crawlers.feeds import parse_feed
from crawlers.mentions import LinkParsed, Parsed
from crawlers.pages import parse_detail, parse_list
from crawlers.quality import measure
from crawlers.reviews import address, parse_reviews
from crawlers.sitemaps import parse_file, parse_sitemap
from crawlers.spider_pages import parse_spider_link, parse_spider_page
from crawlers.threads import parse_post_again, parse_thread, parse_thread_start, thread_link
from storage.records import DetailLink


class _ReadPage(Protocol):
    """How every kind of page that a poll asks for is read."""

    def __call__(
        self,
        body: bytes,
        url: str,
        http_charset: str,
        source: SourceConfig,
        now: datetime,
        *,
        history: bool,
        trace: bool,
    ) -> Parsed:
        """Read one page."""


def starts(source: SourceConfig) -> tuple[str, ...]:
    """Return the addresses a poll begins with, as templates; they name its cursors, too.

    Never empty. `{keyword}` is filled in before (config.keywords).
    """
    return source.start or ((address(source),) if source.app is not None else ())


def has_links(source: SourceConfig) -> bool:
    """Return whether pages of a source may lead to further pages (details, threads, maps)."""
    return source.detail is not None or source.kind in {"forum_thread", "sitemap", "spider"}


def max_pages(source: SourceConfig) -> int:
    """Return how many pages of one start address a poll reads at most."""
    if source.app is not None:
        return source.app.pages
    # a thread's pages are links: each is visited again by itself
    return 1 if _is_thread(source) or source.kind == "sitemap" else source.pages.max


def _is_thread(source: SourceConfig) -> bool:
    return source.kind == "forum_thread" and source.list is None


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
    parse = _reader_of(source)
    # Rows are always made: the health of the source is judged by how its items were read.
    parsed = parse(body, url, http_charset, source, now, history=history, trace=True)
    if source.kind == "forum_thread" and source.list is not None:
        links = tuple(thread_link(link, source) for link in parsed.links)
        parsed = replace(parsed, links=links, keys=tuple(link.url_hash for link in links))
    rows = parsed.rows if trace else ()
    return replace(parsed, quality=measure(parsed.rows, now), rows=rows)


def _reader_of(source: SourceConfig) -> _ReadPage:
    readers: dict[str, _ReadPage] = {
        "feed": parse_feed,
        # A search answers with a feed where nothing says how to read a list.
        "search": parse_feed if source.list is None else parse_list,
        "sitemap": parse_sitemap,
        "app_reviews": parse_reviews,
        "forum_thread": parse_thread_start if _is_thread(source) else parse_list,
        "spider": parse_spider_page,
    }
    return readers.get(source.kind, parse_list)


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
    if link.kind == "thread":
        return parse_thread(body, url, http_charset, source, link, now=now, trace=trace)
    if source.kind == "forum_thread":
        # one look at the counters: the thread's own links go on by themselves
        return parse_post_again(body, url, http_charset, source, link, now=now)
    if link.kind == "sitemap":
        return parse_file(body, url, http_charset, source, link, now=now)
    if source.kind == "spider":
        return parse_spider_link(body, url, http_charset, source, link, now=now, trace=trace)
    return parse_detail(body, url, http_charset, source, link, now=now, names=names, trace=trace)
