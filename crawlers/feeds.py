"""Bytes of a feed go in (RSS, RDF, Atom, JSON Feed), mentions or detail links come out.

feedparser is the reference for what a feed means, but never sees raw bytes: they are decoded by our
ladder, cleaned and capped first, because it turns one broken byte into a broken feed and some 900
bytes into three seconds (collect.md 4.1).
"""

from __future__ import annotations

import functools
import html
import io
import json
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from config.schema import SourceConfig
from crawlers.canonical import url_hash
from crawlers.causes import Failure, empty, unreadable, wall_of
from crawlers.charset import Decoded, declared_charset, decode
from crawlers.extract import Reading, fragment_text
from crawlers.mentions import Item, Parsed, Row, unmet_expectations
from crawlers.plain import tidy
from storage.records import DetailLink, RawMention, SourceId

FeedResult = Parsed

MAX_ENTRIES = 2000  # a day of the busiest feed seen holds some hundreds
_MAX_DEPTH = 200  # real feeds nest fewer than twenty tags; feedparser's time grows with the square
_MAX_TEXT = 200_000
_HEAD_CHARS = 5000
_ROOT = re.compile(r"<(?:rss|feed|rdf:RDF|channel|(?:\w{1,20}:)?feed)[\s>]", re.IGNORECASE)
_HTML = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});)?")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/]{0,60})[^<>]*?(/?)>")
_VOID = {"br", "hr", "img", "input", "meta"}
_ENTRY_END = re.compile(r"</(?:\w{1,20}:)?(item|entry)\s*>", re.IGNORECASE)
# A "<" with another one before the next ">" opens nothing; many of them cost feedparser seconds.
_STRAY = re.compile(r"<(?!!--|[^<>]*>)")
_XML_NAMES = {"amp", "lt", "gt", "quot", "apos"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry as texts; `published` is as written, `parsed` feedparser's reading of it."""

    fields: Mapping[str, str]
    link: str
    guid: str
    published: str
    parsed: datetime | None = None


def parse_feed(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> FeedResult:
    """Read a feed. Pure; slow for big feeds (30 ms per 20 entries), so not for the event loop.

    With `detail` rules the entries become links to detail pages, else they are the mentions.
    Never raises for what a server sent: `failure` says what was wrong with the body as a whole,
    `problems` with single entries.
    """
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    text = decoded.text.lstrip("\ufeff \t\r\n")
    failure = _refusal(text)
    if failure is not None:
        return _failed(failure, decoded)
    problems: list[str] = []
    try:
        if text.startswith("{"):
            entries = list(_json_entries(text))
        else:
            entries = list(_xml_entries(_clean(text, problems), problems))
    except ValueError as error:
        return _failed(unreadable(str(error)), decoded)
    if len(entries) > MAX_ENTRIES:
        problems.append(f"feed holds {len(entries)} entries, read the first {MAX_ENTRIES}")
    parsed = _collect(entries[:MAX_ENTRIES], url, source, now, history=history, trace=trace)
    return replace(
        parsed,
        problems=(*problems, *parsed.problems),
        charset=decoded.charset,
        charset_why=decoded.why,
    )


def _failed(failure: Failure, decoded: Decoded) -> Parsed:
    return Parsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)


def _refusal(text: str) -> Failure | None:
    """Judge a body before any parser sees it."""
    if not text.strip():
        return empty("订阅源返回了空内容")
    if text.startswith("{"):
        return None
    root = _ROOT.search(text)
    head = re.sub(r"<!--.*?-->", "", text[:_HEAD_CHARS], flags=re.DOTALL)
    if root is None or _HTML.match(head):
        what = "网页（HTML）" if "<html" in head.lower() else "无法识别的内容"
        return wall_of(text) or unreadable(f"返回的是{what}，不是订阅源，请核对订阅地址")
    if "<!ENTITY" in text[: root.start()].upper():
        return unreadable("订阅源自定义了实体（<!ENTITY>），出于安全拒绝解析")
    deepest = _depth(text)
    if deepest > _MAX_DEPTH:
        return unreadable(f"订阅源标签嵌套了 {deepest} 层，超过 {_MAX_DEPTH} 层，拒绝解析")
    return None


def _depth(text: str) -> int:
    """Return how deep the tags outside CDATA nest; HTML's void tags do not count."""
    depth = deepest = 0
    for part in _split_cdata(text)[::2]:
        for closing, name, alone in _TAG.findall(part):
            if name.lower() in _VOID:
                continue
            depth += -1 if closing else (0 if alone else 1)
            deepest = max(deepest, depth)
    return deepest


def _split_cdata(text: str) -> list[str]:
    """Split into markup and CDATA sections by turns, markup first.

    By hand, because a pattern takes quadratic time on openings that never close.
    """
    parts: list[str] = []
    at = 0
    while (start := text.find("<![CDATA[", at)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        parts += [text[at:start], text[start : end + 3]]
        at = end + 3
    return [*parts, text[at:]]


def _clean(text: str, problems: list[str]) -> bytes:
    """Make well-formed UTF-8 of a decoded feed, as far as that needs no understanding of it."""
    root = _ROOT.search(text)
    assert root is not None  # _refusal has seen it
    rest = _cut(_ILLEGAL.sub("", text[root.start() :]), problems)
    parts = _split_cdata(rest)
    parts[::2] = [_STRAY.sub("&lt;", _AMPERSAND.sub(_reference, part)) for part in parts[::2]]
    # The declaration and a DOCTYPE speak of the bytes that were; both are replaced.
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + "".join(parts).encode()


def _cut(text: str, problems: list[str]) -> str:
    """Cut a feed behind its last allowed entry, before a parser spends time on the others."""
    for count, found in enumerate(_ENTRY_END.finditer(text), start=1):
        if count == MAX_ENTRIES and found.end() < len(text) * 0.999:
            problems.append(f"feed is very long, read its first {MAX_ENTRIES} entries")
            is_atom = found[1].lower() == "entry"
            is_rdf = text[:8].lower() == "<rdf:rdf"
            ends = "</feed>" if is_atom else "</rdf:RDF>" if is_rdf else "</channel></rss>"
            return text[: found.end()] + ends
    return text


def _reference(found: re.Match[str]) -> str:
    """Rewrite one ampersand: a bare one is escaped, a name that XML does not know is resolved."""
    name = found[1]
    if name is None:
        return "&amp;"
    if name in _XML_NAMES:
        return found[0]
    char = html.unescape(found[0])
    if char == found[0]:
        return "&amp;" + found[0][1:]
    # U+FFFD is what unescape makes of a number that is no character.
    return html.escape(_ILLEGAL.sub("", char.replace("\ufffd", "")))


def _xml_entries(data: bytes, problems: list[str]) -> Iterator[_Entry]:
    import feedparser

    # A stream, never a string: feedparser would open a string that looks like a URL or a file.
    feed = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    broken = feed.get("bozo_exception")
    if feed.get("bozo") and not feed.entries:
        raise ValueError(f"订阅源的 XML 格式有误：{tidy(str(broken))[:120]}")
    if feed.get("bozo"):
        problems.append(f"feed is not well-formed: {tidy(str(broken))[:120]}")
    for entry in feed.entries:
        yield _xml_entry(entry)


def _xml_entry(entry: Any) -> _Entry:
    # Plain dict access: feedparser's own looks elsewhere, with a warning, for a missing "updated".
    get = functools.partial(dict.get, entry)
    bodies = [_markup(part) for part in get("content") or []]
    bodies.append(_markup(get("summary_detail") or {}))
    moment = get("published_parsed") or get("updated_parsed")
    return _Entry(
        fields={
            "title": _markup(get("title_detail") or {}),
            "text": max(bodies, key=len),
            "author": html.escape(get("author") or ""),
            "comments": str(get("slash_comments") or ""),
        },
        link=get("link") or "",
        guid=str(get("id") or ""),
        published=get("published") or get("updated") or "",
        parsed=datetime.fromtimestamp(timegm(moment), UTC) if moment and moment[0] > 1900 else None,
    )


def _markup(part: Mapping[str, str]) -> str:
    """Return a text construct as HTML, whichever of the two kinds it is."""
    value = part.get("value") or ""
    return html.escape(value) if part.get("type") == "text/plain" else value


def _json_entries(text: str) -> Iterator[_Entry]:
    """Read a JSON Feed (jsonfeed.org, versions 1 and 1.1)."""
    try:
        feed = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"JSON 格式有误：{str(error)[:120]}") from error
    if "jsonfeed.org" not in str(feed.get("version", "")) or not isinstance(
        feed.get("items"), list
    ):
        raise ValueError("返回的 JSON 不是 JSON Feed（缺少 version 或 items）")
    for entry in feed["items"]:
        if not isinstance(entry, dict):
            continue
        authors = entry.get("authors") or [entry.get("author") or {}]
        first = authors[0] if isinstance(authors, list) and isinstance(authors[0], dict) else {}
        body = entry.get("content_html") or html.escape(str(entry.get("content_text") or ""))
        yield _Entry(
            fields={
                "title": html.escape(str(entry.get("title") or "")),
                "text": str(body or entry.get("summary") or ""),
                "author": html.escape(str(first.get("name") or "")),
            },
            link=str(entry.get("url") or entry.get("external_url") or ""),
            guid=str(entry.get("id") or ""),
            published=str(entry.get("date_published") or entry.get("date_modified") or ""),
        )


def _collect(
    entries: list[_Entry],
    url: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool,
    trace: bool,
) -> Parsed:
    problems: list[str] = []
    raws: list[RawMention] = []
    links: list[DetailLink] = []
    keys: list[str] = []
    rows: list[Row] = []
    filled = dict.fromkeys(("url", "title", "text", "author", "published"), 0)
    left_out = 0
    shared = _shared_links(entries)
    for entry in entries:
        item = _item(entry, url, source, now)
        if entry.guid and entry.link in shared:
            item.fields["native_id"] = f"{source.id}/{entry.guid}"
        texts = {**item.fields, "url": item.url, "published": entry.published}
        for name in filled:
            has = item.published_at if name == "published" else texts.get(name)
            filled[name] += bool(has)
        if trace:
            rows.append(item.row({name: Reading(text, 0, "feed") for name, text in texts.items()}))
        problems += item.problems
        if item.is_empty or (source.detail is not None and not item.url):
            left_out += 1
            problems.append(f'"{item.name}": entry has no title and text, or no link to them')
            continue
        keys.append(url_hash(item.fields.get("native_id") or item.url or item.name, source.url))
        if source.detail is not None:
            links.append(make_link(item, keys[-1], history=history))
        else:
            raws.append(item.mention(history=history))
    failure = None
    if not entries and source.expect.min_items:
        failure = empty("订阅源格式正确，但没有任何条目")
    return Parsed(
        raws=tuple(raws),
        links=tuple(links),
        keys=tuple(keys),
        items=len(entries),
        unreadable=left_out,
        problems=tuple(problems),
        unmet=unmet_expectations(source, len(entries), filled),
        failure=failure,
        rows=tuple(rows),
    )


def _shared_links(entries: list[_Entry]) -> set[str]:
    """Return links that entries with different guids share: such a link names no single page."""
    guids: dict[str, set[str]] = {}
    for entry in entries:
        guids.setdefault(entry.link, set()).add(entry.guid)
    return {link for link, found in guids.items() if len(found) > 1}


def _item(entry: _Entry, url: str, source: SourceConfig, now: datetime) -> Item:
    fields = {name: fragment_text(text[:_MAX_TEXT]) for name, text in entry.fields.items()}
    fields["title"] = fields["title"].replace("\n", " ")
    item = Item(source=source, now=now, fields=fields)
    item.set_url(entry.link, url)
    if not item.url and entry.guid.startswith(("http://", "https://")):
        item.set_url(entry.guid, url)
    if not item.url and entry.guid:
        # Without a link the guid is the identity; it is unique within its feed only.
        item.fields["native_id"] = f"{source.id}/{entry.guid}"
    # Our reading first: feedparser takes a time without a zone for UTC, feeds mean their own.
    item.set_date(entry.published)
    if item.published_at is None and entry.parsed is not None:
        item.problems.clear()
        item.set_date(entry.parsed.isoformat())
    return item


def make_link(item: Item, key: str, *, history: bool) -> DetailLink:
    """Make the frontier's record of an item whose text stands on a page of its own."""
    return DetailLink(
        url_hash=key,
        source_id=SourceId(item.source.id),
        url=item.url,
        listed=item.listed(),
        found_at=item.now,
        history=history,
    )
