"""One page of any kind of source goes in; its items, links and the way on come out. Pure on bytes.

The one place that knows which kind of source is read by which module. Never on the event loop.
"""

from __future__ import annotations

from datetime import datetime

from config.schema import SourceConfig
from crawlers.feeds import parse_feed
from crawlers.mentions import LinkParsed, Parsed
from crawlers.pages import parse_detail, parse_list
from storage.records import DetailLink


def starts(source: SourceConfig) -> tuple[str, ...]:
    """Return the addresses a poll begins with, as templates; they name its cursors, too."""
    return source.start


def first_page(source: SourceConfig, start: str) -> str:
    """Return the address of the first page of a start template."""
    return start.replace("{page}", str(source.pages.first))


def next_page(source: SourceConfig, start: str, parsed: Parsed, number: int) -> str:
    """Return the address of page `number` (0 is the first) behind one that was read, "" for none.

    `{page}` in the template counts by itself; else the page says where it goes on.
    """
    if source.kind != "list_detail":
        return ""
    if "{page}" in start:
        return start.replace("{page}", str(source.pages.first + number))
    return parsed.next_url


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
    parse = parse_feed if source.kind == "feed" else parse_list
    return parse(body, url, http_charset, source, now, history=history, trace=trace)


def read_link(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
    names: tuple[str, ...] = (),
    trace: bool = False,
) -> LinkParsed:
    """Read a page that a link led to. `names` are the words that stand for the watched brands."""
    del names
    return parse_detail(body, url, http_charset, source, link, now=now, trace=trace)
