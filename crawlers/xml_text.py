"""XML as strangers write it: how deep it nests, made well-formed before a parser sees it."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Collection, Iterator
from typing import Any

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_NAME = r"(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"
_BARE = re.compile(f"&(?!{_NAME})")
_REFERENCE = re.compile(f"&(?!(?:amp|lt|gt|quot|apos);){_NAME}")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/]{0,60})[^<>]*?(/?)>")
_VOID = {"br", "hr", "img", "input", "meta"}
# A "<" with another one before the next ">" opens nothing; many of them cost feedparser seconds.
_STRAY = re.compile(r"<(?!!--|[^<>]*>)")
# Real feeds have some hundreds of bare "&" and no tag of 20,000 characters; 10 MB of either would
# cost 170 to 280 MB of memory (measured).
_MAX_ODD = 50_000
_LONG_TAG = re.compile(r"<(?![!?])[^<>]{20000}")


def depth_of(text: str) -> int:
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


def well_formed(text: str) -> bytes:
    """Make well-formed UTF-8 of XML without its declaration, as far as needs no understanding.

    Illegal characters go, bare ampersands and stray "<" are escaped, HTML's entities resolved.
    Errors: ValueError when there is so much of that, or so long a tag, that it is no feed at all.
    """
    parts = _split_cdata(_ILLEGAL.sub("", text))
    for part in parts[::2]:
        odd = max(part.count("&") - part.count(";"), part.count("<") - part.count(">"))
        if odd > _MAX_ODD:
            raise ValueError(f"XML 中有 {odd} 处未转义的 & 或 <，拒绝解析")
        if _LONG_TAG.search(part):
            raise ValueError("XML 中有超过 20000 字的标签，拒绝解析")
    parts[::2] = [_repaired(part) for part in parts[::2]]
    # The declaration and a DOCTYPE speak of the bytes that were; both are replaced.
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + "".join(parts).encode()


def _repaired(part: str) -> str:
    return _STRAY.sub("&lt;", _REFERENCE.sub(_resolved, _BARE.sub("&amp;", part)))


def _resolved(found: re.Match[str]) -> str:
    """Resolve a reference that XML does not know, or that may stand for no character."""
    char = html.unescape(found[0])
    if char == found[0]:
        return "&amp;" + found[0][1:]
    # U+FFFD is what unescape makes of a number that is no character.
    return html.escape(_ILLEGAL.sub("", char.replace("\ufffd", "")))


def elements(data: bytes, names: Collection[str], max_depth: int = 30) -> Iterator[Any]:
    """Yield the elements with these local names as they end, in bounded memory.

    What is not well-formed is read as far as it goes. Errors: ValueError when tags nest deeper than
    `max_depth`, which no map and no review feed does.
    """
    from lxml import etree

    walk = etree.iterparse(
        io.BytesIO(data),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
    )
    depth = 0
    for event, element in walk:
        depth += 1 if event == "start" else -1
        if depth > max_depth:
            raise ValueError(f"标签嵌套超过 {max_depth} 层，拒绝解析")
        if event == "end" and local_name(element) in names:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def local_name(element: Any) -> str:
    """Return an element's name without its namespace, "" for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
