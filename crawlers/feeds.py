"""Bytes of a feed go in (RSS, RDF, Atom, JSON Feed), mentions or detail links come out.

feedparser is the reference for what a feed means, but never sees raw bytes: they are decoded by our
ladder, cleaned and capped first, because it turns one broken byte into a broken feed and some 900
bytes into three seconds (collect.md 4.1).
"""

from __future__ import annotations

import functools
import html
import io
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from config.schema import SourceConfig
from crawlers.causes import Failure, empty, unreadable, wall_of
from crawlers.charset import Decoded, declared_charset, decode
from crawlers.extract import Reading, fragment_text
from crawlers.feed_limits import MAX_ENTRIES, within_limits
from crawlers.gathering import Gathering
from crawlers.json_pages import load_json
from crawlers.mentions import Item, Parsed
from crawlers.plain import tidy
from crawlers.xml_text import depth_of, well_formed

_MAX_DEPTH = 200  # real feeds nest fewer than twenty tags; feedparser's time grows with the square
_MAX_TEXT = 200_000
_HEAD_CHARS = 5000
_FILLED = ("url", "title", "text", "author", "published")
_MAX_HINT_S = 86400.0  # a feed may ask for a day's rest, not for more
_PERIODS = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}
_ROOT = re.compile(r"<(?:rss|feed|rdf:RDF|channel|(?:\w{1,20}:)?feed)[\s>]", re.IGNORECASE)
_HTML = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


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
) -> Parsed:
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
    hints: list[float] = []
    try:
        if text.startswith("{"):
            entries = list(_json_entries(text))
        else:
            entries = list(_xml_entries(_prepared(text, problems), problems, hints))
    except ValueError as error:
        return _failed(unreadable(str(error)), decoded)
    if len(entries) > MAX_ENTRIES:
        problems.append(f"feed holds more than {MAX_ENTRIES} entries, read the first ones")
    parsed = _collect(entries[:MAX_ENTRIES], url, source, now, history=history, trace=trace)
    return replace(
        parsed,
        problems=(*problems, *parsed.problems),
        hint_s=max(hints, default=0.0),
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
    return None


def _prepared(text: str, problems: list[str]) -> bytes:
    """Cut and mend a feed so that a parser spends little on it. Errors: ValueError."""
    root = _ROOT.search(text)
    assert root is not None  # _refusal has seen it
    allowed = within_limits(text[root.start() :], problems)
    deepest = depth_of(allowed)
    if deepest > _MAX_DEPTH:
        raise ValueError(f"订阅源标签嵌套了 {deepest} 层，超过 {_MAX_DEPTH} 层，拒绝解析")
    return well_formed(allowed)


def _xml_entries(data: bytes, problems: list[str], hints: list[float]) -> Iterator[_Entry]:
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
    hints.append(_hint_s(feed.feed))
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
    feed = load_json(text)
    if "jsonfeed.org" not in str(feed.get("version", "")) or not isinstance(
        feed.get("items"), list
    ):
        raise ValueError("返回的 JSON 不是 JSON Feed（缺少 version 或 items）")
    for entry in feed["items"][: MAX_ENTRIES + 1]:
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
    gathering = Gathering(source, now, _FILLED, history=history, trace=trace)
    shared = _shared_links(entries)
    for entry in entries:
        item = _item(entry, url, source, now)
        if entry.guid and entry.link in shared:
            item.fields["native_id"] = f"{source.id}/{_bare(entry.guid)}"
        texts = {**item.fields, "url": item.url, "published": entry.published}
        readings = {name: Reading(text, 0, "feed") for name, text in texts.items()}
        if not gathering.add(item, readings):
            gathering.problems.append(
                f'"{item.name}": entry has no title and text, or no link to them'
            )
    parsed = gathering.parsed()
    if not entries and source.expect.min_items and source.kind != "search":
        return replace(parsed, failure=empty("订阅源格式正确，但没有任何条目"))
    return parsed


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
    # Our reading first: feedparser takes a time without a zone for UTC, feeds mean their own.
    item.set_date(entry.published)
    if item.published_at is None and entry.parsed is not None:
        item.problems.clear()
        item.set_date(entry.parsed.isoformat())
    if not item.url:
        fields["native_id"] = _own_id(entry, item)
    return item


def _own_id(entry: _Entry, item: Item) -> str:
    """Identify an entry without a link: by its guid, else by title and day, within its feed."""
    if entry.guid:
        return f"{item.source.id}/{_bare(entry.guid)}"
    if not item.fields["title"] or item.published_at is None:
        return ""  # then by all that it says
    day = item.published_at.astimezone(ZoneInfo(item.source.tz)).date()
    return f"{item.source.id}/{day}/{item.fields['title']}"


def _bare(guid: str) -> str:
    """Write a guid without scheme and host, for feeds that move to https or another host."""
    return re.sub(r"^https?://[^/]*/(?=.)", "/", guid.strip())


def _hint_s(feed: Mapping[str, Any]) -> float:
    """Return how long a feed asks to be left alone: ttl in minutes, or updates per sy:period."""
    ttl = str(feed.get("ttl") or "")
    hint = float(ttl) * 60 if re.fullmatch(r"[0-9]{1,6}", ttl) else 0.0
    period = _PERIODS.get(str(feed.get("sy_updateperiod") or "").strip().lower(), 0)
    often = str(feed.get("sy_updatefrequency") or "1").strip()
    if period and re.fullmatch(r"[1-9][0-9]{0,4}", often):
        hint = max(hint, period / int(often))
    return min(hint, _MAX_HINT_S)
