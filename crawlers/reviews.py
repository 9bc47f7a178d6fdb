"""Bytes of an app store's review feed go in, reviews with stars come out.

The format is Apple's customer review feed (itunes.apple.com/CC/rss/customerreviews/...), JSON and
Atom: an entry per review with `im:rating` and `im:version`; an entry without a rating is the app
itself. Reviews have ids of their own and no page of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from config.schema import SourceConfig
from crawlers.causes import Failure, empty, unreadable, wall_of
from crawlers.charset import declared_charset, decode
from crawlers.extract import Reading
from crawlers.gathering import Gathering
from crawlers.json_pages import json_text, open_json, query_json
from crawlers.mentions import Item, Parsed
from crawlers.plain import tidy
from crawlers.xml_text import elements, local_name, well_formed

_ADDRESS = (
    "https://itunes.apple.com/{country}/rss/customerreviews/"
    "page={{page}}/id={id}/sortby=mostrecent/json"
)
_MAX_ENTRIES = 1000  # a page of the feed has 50
_FIELDS = ("title", "text", "author", "published", "rating")
_ATOM = re.compile(r"<(?:\w{1,20}:)?feed[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Review:
    """One review as texts; `version` is the app's."""

    id: str
    title: str
    text: str
    author: str
    published: str
    rating: str
    version: str
    votes: str  # how many found it helpful
    url: str


def address(source: SourceConfig) -> str:
    """Return the template of the feed's addresses for the source's app."""
    assert source.app is not None  # the schema sees to it
    return _ADDRESS.format(country=source.app.country, id=source.app.id)


def parse_reviews(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> Parsed:
    """Read a page of reviews. Never raises for what a server sent."""
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    reviews, failure = _read(decoded.text, url)
    gathering = Gathering(source, now, _FIELDS, history=history, trace=trace)
    for review in reviews:
        _add(gathering, review, url)
    parsed = gathering.parsed()
    if failure is None and not reviews and source.expect.min_items:
        failure = empty("评论源格式正确，但没有任何评论")
    return replace(parsed, failure=failure, charset=decoded.charset, charset_why=decoded.why)


def _read(text: str, url: str) -> tuple[list[_Review], Failure | None]:
    text = text.lstrip("\ufeff \t\r\n")
    if not text:
        return [], empty("评论源返回了空内容")
    return _read_atom(text) if text.startswith("<") else _read_json(text, url)


def _read_json(text: str, url: str) -> tuple[list[_Review], Failure | None]:
    page, failure = open_json(text, url)
    if page is None:
        return [], failure
    if not isinstance(query_json(page.root, "feed"), dict):
        return [], unreadable("返回的 JSON 不是应用商店的评论源（缺少 feed）")
    return list(_json_reviews(page.root)), None


def _read_atom(text: str) -> tuple[list[_Review], Failure | None]:
    root = _ATOM.search(text)
    if root is None:
        return [], wall_of(text) or unreadable("返回的不是应用商店的评论源，请核对应用编号与地区")
    if "<!ENTITY" in text[: root.start()].upper():
        return [], unreadable("评论源自定义了实体（<!ENTITY>），出于安全拒绝解析")
    try:
        return list(_atom_reviews(well_formed(text[root.start() :]))), None
    except ValueError as error:
        return [], unreadable(f"评论源：{error}")


def _json_reviews(root: Any) -> Iterator[_Review]:
    entries = query_json(root, "feed.entry") or []
    # a single entry stands there without a list around it
    for entry in (entries if isinstance(entries, list) else [entries])[:_MAX_ENTRIES]:
        review = _Review(
            id=_label(entry, "id"),
            title=_label(entry, "title"),
            text=_label(entry, "content", "text"),
            author=_label(entry, "author.name"),
            published=_label(entry, "updated"),
            rating=_label(entry, '"im:rating"'),
            version=_label(entry, '"im:version"'),
            votes=_label(entry, '"im:voteSum"'),
            url=json_text(query_json(entry, "link.attributes.href"), "url"),
        )
        if review.rating:
            yield review


def _label(entry: Any, path: str, name: str = "title") -> str:
    return json_text(query_json(entry, f"{path}.label"), name)


def _atom_reviews(data: bytes) -> Iterator[_Review]:
    for count, entry in enumerate(elements(data, ("entry",))):
        if count == _MAX_ENTRIES:
            return
        texts: dict[str, str] = {}
        url = ""
        for part in entry.iter():
            name = local_name(part)
            if name == "link":
                url = url or str(part.get("href") or "")
            # The text stands there twice, plain first and then as a table in HTML.
            if name and part.text and (name != "content" or part.get("type") != "html"):
                texts.setdefault(name, tidy(part.text))
        if texts.get("rating"):
            yield _Review(
                id=texts.get("id", ""),
                title=texts.get("title", ""),
                text=texts.get("content", ""),
                author=texts.get("name", ""),
                published=texts.get("updated", ""),
                rating=texts["rating"],
                version=texts.get("version", ""),
                votes=texts.get("voteSum", ""),
                url=url,
            )


def _add(gathering: Gathering, review: _Review, url: str) -> None:
    fields = {
        "native_id": review.id,
        "title": review.title,
        "text": review.text,
        "author": review.author,
        "rating": review.rating,
        "likes": review.votes,
    }
    item = Item(source=gathering.source, now=gathering.now, fields=fields, has_own_page=False)
    item.set_url(review.url, url)
    item.set_date(review.published)
    shown = {**fields, "published": review.published, "version": review.version}
    gathering.add(item, {name: Reading(text, 0, "review") for name, text in shown.items()})
