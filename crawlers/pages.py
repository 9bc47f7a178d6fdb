"""Bytes of a list or detail page go in, items, links or mentions come out. Pure on bytes.

A page is HTML or JSON: the selectors say which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from config.schema import DetailRules, FieldRule, ListRules, SourceConfig
from crawlers.canonical import canonical_url
from crawlers.causes import Failure, empty, wall_of
from crawlers.charset import Decoded, declared_charset, decode
from crawlers.extract import Page, Reading, read_field, select
from crawlers.gathering import Gathering, in_scope
from crawlers.json_pages import JsonPage, open_json, select_json
from crawlers.mentions import Item, LinkParsed, Parsed, read_listed_date
from crawlers.replies import make_reply, reply_of
from storage.records import DetailLink, FetchCause, RawMention

_MAX_CURSOR_CHARS = 2000


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
    """Read a list: links to detail pages, or mentions when the source has no `detail`.

    Never raises for what a server sent. `next_url` is absolute, "" when there is none.
    """
    if source.list is None:
        return Parsed()
    decoded, page, failure = open_page(body, url, http_charset, source, [source.list.item])
    if page is None:
        return Parsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)
    found = select(page, source.list.item)
    if not found:
        failure = _nothing_found(page, decoded.text, source)
    fields = source.list.fields
    gathering = Gathering(source, now, fields, history=history, trace=trace)
    for part in found:
        gathering.add(*read_item(page, part, fields, source, now))
    next_url, next_cursor = _way_on(page, source)
    return replace(
        gathering.parsed(),
        failure=failure,
        next_url=next_url,
        next_cursor=next_cursor,
        charset=decoded.charset,
        charset_why=decoded.why,
    )


def _nothing_found(page: Page | JsonPage, text: str, source: SourceConfig) -> Failure | None:
    """Judge a list without items: a wall, a new layout, or nothing there today."""
    assert source.list is not None
    selector = source.list.item
    if isinstance(page, JsonPage):
        place = select_json(page.root, selector.removeprefix("jmes:"))
        # The place is there and empty: the answer is sound.
        if place is not None:
            silent = source.kind == "search" or not source.expect.min_items
            return None if silent else empty(f"接口返回正常，但 {selector} 处没有任何条目")
        return Failure(
            cause=FetchCause.LAYOUT, text=f"JSON 中没有 {selector} 这个位置，接口可能已改版"
        )
    wall = wall_of(text)
    # A search that finds nothing is no new layout: that shows when no keyword finds anything.
    if wall is not None or not source.expect.min_items or source.kind == "search":
        return wall
    return Failure(
        cause=FetchCause.LAYOUT, text=f"选择器 {selector} 没有找到任何条目，页面可能已改版"
    )


def parse_detail(
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
    """Read a detail page; what it does not say is taken from the list (`link.listed`).

    Its comments, where the source reads them, stand behind it. Costs 5 ms with selectors and 50 ms
    with `content: auto`: not for the event loop.
    """
    # A sitemap names pages without saying how to read them.
    rules = source.detail or DetailRules(content="auto")
    fields = dict(rules.fields)
    comment = reply_of(link) if rules.comments is not None else ""
    if comment:  # what is known is known of the comment, not of the article above it
        link = replace(link, listed={})
    decoded, page, failure = open_page(
        body, url, http_charset, source, selectors_of(fields), names=names
    )
    if page is None:
        return LinkParsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)
    if rules.content == "auto":
        _add_guesses(fields, link.listed)
    item, readings = read_item(page, page.root, fields, source, now)
    # The address that was listed is the mention's: it is what other sources link to as well.
    item.url = link.url
    fill_from_list(item, link.listed)
    failure = _judge_detail(item, fields, decoded.text, auto=rules.content == "auto")
    raws, out_of_scope = ([], 0) if failure else _said(page, rules.comments, item, link)
    return LinkParsed(
        raws=tuple(raw for raw in raws if not comment or raw.native_id == comment),
        out_of_scope=out_of_scope,
        failure=failure,
        problems=tuple(item.problems),
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=(item.row(readings),) if trace else (),
    )


def _add_guesses(fields: dict[str, FieldRule], listed: Mapping[str, object]) -> None:
    """Let what no selector reads be found by itself.

    A guess never replaces what the list says in so many words; only the text is better here.
    """
    said = {*listed, *({"published"} if "published_at" in listed else ())} - {"text"}
    for name in {"title", "text", "author", "published"} - said:
        fields.setdefault(name, FieldRule(sel=("auto",), optional=True))


def _judge_detail(
    item: Item, fields: Mapping[str, FieldRule], text: str, *, auto: bool
) -> Failure | None:
    """Name a page without a text; note on the item what else is missing."""
    missing = [
        name
        for name, rule in fields.items()
        if not rule.optional and not item.fields.get(name) and name not in {"url", "published"}
    ]
    if item.is_empty or "text" in missing or (auto and not item.fields.get("text")):
        return wall_of(text) or Failure(
            cause=FetchCause.LAYOUT, text="详情页中没有找到正文，页面可能已改版"
        )
    item.problems += [f'"{item.name}": field "{name}" was not found' for name in missing]
    if "published" in fields and item.published_at is None:
        item.problems.append(f'"{item.name}": no date was found')
    return None


def _comments(
    page: Page | JsonPage,
    rules: ListRules | None,
    article: Item,
    link: DetailLink,
) -> list[RawMention]:
    """Read the comments below an article; one that says nothing is passed over."""
    found: dict[str, RawMention] = {}
    source, now = article.source, article.now
    under = canonical_url(link.url, source.url)
    for part in select(page, rules.item) if rules is not None else ():
        assert rules is not None
        item, _ = read_item(page, part, rules.fields, source, now)
        article.problems += item.problems
        if not item.is_empty:
            raw = make_reply(item, under=under, page_url=link.url, history=link.history)
            found.setdefault(raw.native_id, raw)
    return list(found.values())


def _said(
    page: Page | JsonPage, rules: ListRules | None, article: Item, link: DetailLink
) -> tuple[list[RawMention], int]:
    """Return the article and its comments as far as they are in scope, and how many are not.

    Comments below an article that is in scope are in it, too.
    """
    first = article.mention(history=link.history)
    comments = _comments(page, rules, article, link)
    if in_scope(article.source, first.title, first.text):
        return [first, *comments], 0
    kept = [raw for raw in comments if in_scope(article.source, raw.title, raw.text)]
    return kept, 1 + len(comments) - len(kept)


def fill_from_list(item: Item, listed: Mapping[str, object]) -> None:
    """Take from the list what the page itself does not say."""
    for name, text in listed.items():
        if name != "published_at" and not item.fields.get(name):
            item.fields[name] = str(text)
    if item.published_at is None:
        item.published_at = read_listed_date(listed)


def selectors_of(fields: Mapping[str, FieldRule]) -> list[str]:
    """Return every selector of some fields."""
    return [selector for rule in fields.values() for selector in rule.sel]


def open_page(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    selectors: Sequence[str],
    *,
    names: Sequence[str] = (),
) -> tuple[Decoded, Page | JsonPage | None, Failure | None]:
    """Decode and parse a page: as JSON when one of its selectors is `jmes:`, else as HTML."""
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    if any(selector.startswith("jmes:") for selector in selectors):
        return decoded, *open_json(decoded.text, url)
    if not decoded.text.strip():
        return decoded, None, empty("页面返回了空内容")
    return decoded, Page(decoded.text, url, names), None


def read_item(
    page: Page | JsonPage,
    part: Any,
    rules: Mapping[str, FieldRule],
    source: SourceConfig,
    now: datetime,
) -> tuple[Item, dict[str, Reading]]:
    """Read one item from a part of a page, with how each field was found."""
    readings = {name: read_field(page, part, name, rule) for name, rule in rules.items()}
    item = Item(
        source=source, now=now, fields={name: reading.value for name, reading in readings.items()}
    )
    item.set_url(item.fields.get("url", ""), _base(page))
    rule = rules.get("published")
    item.set_date(item.fields.get("published", ""), rule.tz if rule else None)
    return item, readings


def _base(page: Page | JsonPage) -> str:
    if isinstance(page, JsonPage):
        return page.url
    return page.base


def _way_on(page: Page | JsonPage, source: SourceConfig) -> tuple[str, str]:
    """Return the address or the cursor of the following page when `pages.next` finds one."""
    rule = FieldRule(sel=(source.pages.next,)) if source.pages.next else None
    if rule is None:
        return "", ""
    templates = [start for start in source.start if "{cursor}" in start]
    if templates:
        cursor = read_field(page, page.root, "native_id", rule).value[:_MAX_CURSOR_CHARS]
        return "", "" if _is_present(cursor, page.url, templates) else cursor
    return next_address(page, source.pages.next or ""), ""


def _is_present(cursor: str, url: str, templates: Sequence[str]) -> bool:
    """Return whether a page names its own cursor as the next one: it is the last."""
    names = {
        name
        for template in templates
        for name, value in parse_qsl(urlsplit(template).query)
        if "{cursor}" in value
    }
    return any(value == cursor for name, value in parse_qsl(urlsplit(url).query) if name in names)


def next_address(page: Page | JsonPage, selector: str) -> str:
    """Return the absolute address that a selector finds, "" for none and for this very page."""
    for found in select(page, selector):
        root = found if isinstance(page, JsonPage) else found.root
        written = root if isinstance(root, str) else _href(root)
        try:
            url = urljoin(_base(page), written.strip()) if written.strip() else ""
            if url and urlsplit(url).scheme in {"http", "https"} and url != page.url:
                return url
        except ValueError:
            continue
    return ""


def _href(element: Any) -> str:
    return str(element.get("href") or "") if hasattr(element, "get") else ""
