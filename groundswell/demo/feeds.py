"""RSS 2.0 and Atom 1.0 from items: pure, so that the same items give the same bytes (and ETag)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from groundswell.demo.story import ZONE, Item

_ATOM = "http://www.w3.org/2005/Atom"
_DC = "http://purl.org/dc/elements/1.1/"
_SLASH = "http://purl.org/rss/1.0/modules/slash/"
_TITLE_CHARS = 24  # microblogs have no title; their feeds cut one from the text


def path(item: Item) -> str:
    """Return the path of an item's own page on the site."""
    if item.place == "tousu":
        return f"/tousu/{item.number}"
    if item.place == "bbs":
        return f"/bbs/thread-{item.number}.html"
    return f"/{item.place}/{item.number}.html"


def rss(name: str, base_url: str, items: Sequence[Item]) -> bytes:
    """Return an RSS 2.0 document of `items`, newest first as given."""
    for prefix, uri in (("dc", _DC), ("slash", _SLASH)):
        ET.register_namespace(prefix, uri)
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", name)
    _add(channel, "link", f"{base_url}/")
    _add(channel, "description", f"{name}最新内容")
    _add(channel, "language", "zh-cn")
    for item in items:
        entry = ET.SubElement(channel, "item")
        _add(entry, "title", _title(item))
        _add(entry, "link", base_url + path(item))
        _add(entry, "guid", base_url + path(item), isPermaLink="true")
        _add(entry, "pubDate", format_datetime(item.published_at.astimezone(ZONE)))
        _add(entry, f"{{{_DC}}}creator", item.author)
        _add(entry, "description", item.text)
        _add(entry, f"{{{_SLASH}}}comments", str(item.comments))
    return _written(root)


def atom(name: str, base_url: str, items: Sequence[Item]) -> bytes:
    """Return an Atom document of `items`, newest first as given."""
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    _add(root, f"{{{_ATOM}}}title", name)
    _add(root, f"{{{_ATOM}}}id", f"{base_url}/micro/feed.atom")
    latest = items[0].published_at if items else datetime.fromtimestamp(0, UTC)
    _add(root, f"{{{_ATOM}}}updated", latest.isoformat())
    ET.SubElement(root, f"{{{_ATOM}}}link", rel="self", href=f"{base_url}/micro/feed.atom")
    for item in items:
        entry = ET.SubElement(root, f"{{{_ATOM}}}entry")
        _add(entry, f"{{{_ATOM}}}title", _title(item))
        _add(entry, f"{{{_ATOM}}}id", base_url + path(item))
        ET.SubElement(entry, f"{{{_ATOM}}}link", rel="alternate", href=base_url + path(item))
        _add(entry, f"{{{_ATOM}}}published", item.published_at.isoformat())
        _add(entry, f"{{{_ATOM}}}updated", item.published_at.isoformat())
        author = ET.SubElement(entry, f"{{{_ATOM}}}author")
        _add(author, f"{{{_ATOM}}}name", item.author)
        _add(entry, f"{{{_ATOM}}}content", item.text, type="text")
    return _written(root)


def _written(root: ET.Element) -> bytes:
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _title(item: Item) -> str:
    if item.title:
        stars = "★" * item.rating + "☆" * (5 - item.rating) + " " if item.rating else ""
        return stars + item.title
    return item.text if len(item.text) <= _TITLE_CHARS else item.text[:_TITLE_CHARS] + "…"


def _add(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text
