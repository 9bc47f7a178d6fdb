"""Bytes of a list or detail page go in, items, links or one mention come out. Pure on bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from config.schema import FieldRule, SourceConfig
from crawlers.canonical import url_hash
from crawlers.causes import Failure, empty, wall_of
from crawlers.charset import Decoded, declared_charset, decode
from crawlers.extract import Page, Reading, read_field, select
from crawlers.feeds import make_link
from crawlers.mentions import Item, LinkParsed, Parsed, Row, read_listed_date, unmet_expectations
from storage.records import DetailLink, FetchCause, RawMention

if TYPE_CHECKING:
    from parsel import Selector

MAX_ITEMS = 1000  # of one list page


def parse_list(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> Parsed:
    """Read a list page: links to detail pages, or mentions when the source has no `detail`.

    Never raises for what a server sent. `next_url` is absolute, "" when there is none.
    """
    decoded, page, failure = _open(body, url, http_charset, source)
    if page is None or source.list is None:
        return Parsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)
    found = select(page, source.list.item)[:MAX_ITEMS]
    if not found:
        failure = wall_of(decoded.text) or Failure(
            cause=FetchCause.LAYOUT,
            text=f"选择器 {source.list.item} 没有找到任何条目，页面可能已改版",
        )
        if not source.expect.min_items and failure.cause is FetchCause.LAYOUT:
            failure = None
    parsed = _items(page, found, source, now, history=history, trace=trace)
    return replace(
        parsed,
        failure=failure,
        next_url=_next_url(page, source),
        charset=decoded.charset,
        charset_why=decoded.why,
    )


def _items(
    page: Page,
    found: list[Selector],
    source: SourceConfig,
    now: datetime,
    *,
    history: bool,
    trace: bool,
) -> Parsed:
    assert source.list is not None
    raws: list[RawMention] = []
    links: list[DetailLink] = []
    rows: list[Row] = []
    keys: dict[str, None] = {}
    problems: list[str] = []
    filled = dict.fromkeys(source.list.fields, 0)
    left_out = 0
    for part in found:
        item, readings = _read_item(page, part, source.list.fields, source, now)
        for name, reading in readings.items():
            has = {"url": item.url, "published": item.published_at}.get(name, reading.value)
            filled[name] += bool(has)
        if trace:
            rows.append(item.row(readings))
        problems += item.problems
        # What is no link and says nothing (a divider, an advertisement) is not an item of ours.
        if (source.detail is not None and not item.url) or (
            source.detail is None and item.is_empty
        ):
            left_out += 1
            continue
        key = url_hash(item.url or item.fields.get("text") or item.name, source.url)
        if key in keys:
            continue
        keys[key] = None
        if source.detail is not None:
            links.append(make_link(item, key, history=history))
        else:
            raws.append(item.mention(history=history))
    return Parsed(
        raws=tuple(raws),
        links=tuple(links),
        keys=tuple(keys),
        items=len(found),
        unreadable=left_out,
        problems=tuple(problems),
        unmet=unmet_expectations(source, len(found), filled),
        rows=tuple(rows),
    )


def parse_detail(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
    trace: bool = False,
) -> LinkParsed:
    """Read a detail page; what it does not say is taken from the list (`link.listed`).

    Costs 5 ms with selectors and 50 ms with `content: auto`: not for the event loop.
    """
    decoded, page, failure = _open(body, url, http_charset, source)
    rules = source.detail
    if page is None or rules is None:
        return LinkParsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)
    fields = dict(rules.fields)
    if rules.content == "auto":
        # A guess never replaces what the list says in so many words; only the text is better here.
        said = {*link.listed, *({"published"} if "published_at" in link.listed else ())} - {"text"}
        for name in {"title", "text", "author", "published"} - said:
            fields.setdefault(name, FieldRule(sel=("auto",), optional=True))
    item, readings = _read_item(page, page.root, fields, source, now)
    # The address that was listed is the mention's: it is what other sources link to as well.
    item.url = link.url
    _fill_from_list(item, link.listed)
    missing = [
        name
        for name, rule in fields.items()
        if not rule.optional and not item.fields.get(name) and name not in {"url", "published"}
    ]
    if item.is_empty or "text" in missing or (rules.content == "auto" and not _says(item)):
        failure = wall_of(decoded.text) or Failure(
            cause=FetchCause.LAYOUT, text="详情页中没有找到正文，页面可能已改版"
        )
    else:
        item.problems += [f'"{item.name}": field "{name}" was not found' for name in missing]
        if "published" in fields and item.published_at is None:
            item.problems.append(f'"{item.name}": no date was found')
    return LinkParsed(
        raws=() if failure else (item.mention(history=link.history),),
        failure=failure,
        problems=tuple(item.problems),
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=(item.row(readings),) if trace else (),
    )


def _says(item: Item) -> bool:
    return bool(item.fields.get("text"))


def _fill_from_list(item: Item, listed: Mapping[str, object]) -> None:
    for name, text in listed.items():
        if name != "published_at" and not item.fields.get(name):
            item.fields[name] = str(text)
    if item.published_at is None:
        item.published_at = read_listed_date(listed)


def _open(
    body: bytes, url: str, http_charset: str, source: SourceConfig
) -> tuple[Decoded, Page | None, Failure | None]:
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    if not decoded.text.strip():
        return decoded, None, empty("页面返回了空内容")
    return decoded, Page(decoded.text, url), None


def _read_item(
    page: Page,
    part: Selector,
    rules: Mapping[str, FieldRule],
    source: SourceConfig,
    now: datetime,
) -> tuple[Item, dict[str, Reading]]:
    readings = {name: read_field(page, part, name, rule) for name, rule in rules.items()}
    item = Item(
        source=source, now=now, fields={name: reading.value for name, reading in readings.items()}
    )
    base = page.root.xpath("//base/@href").get() or ""
    item.set_url(item.fields.get("url", ""), urljoin(page.url, base))
    rule = rules.get("published")
    item.set_date(item.fields.get("published", ""), rule.tz if rule else None)
    return item, readings


def _next_url(page: Page, source: SourceConfig) -> str:
    """Return the address of the following list page when `pages.next` finds one."""
    if source.pages.next is None:
        return ""
    for found in select(page, source.pages.next):
        root = found.root
        written = root if isinstance(root, str) else (root.get("href") or "")
        try:
            url = urljoin(page.url, written.strip()) if written.strip() else ""
            if url and urlsplit(url).scheme in {"http", "https"} and url != page.url:
                return url
        except ValueError:
            continue
    return ""
