"""XML as strangers write it: how deep it nests, made well-formed before a parser sees it."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Collection, Iterator
from typing import Any

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});)?")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/]{0,60})[^<>]*?(/?)>")
_VOID = {"br", "hr", "img", "input", "meta"}
# A "<" with another one before the next ">" opens nothing; many of them cost feedparser seconds.
_STRAY = re.compile(r"<(?!!--|[^<>]*>)")
_XML_NAMES = {"amp", "lt", "gt", "quot", "apos"}


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
    """
    parts = _split_cdata(_ILLEGAL.sub("", text))
    parts[::2] = [_STRAY.sub("&lt;", _AMPERSAND.sub(_reference, part)) for part in parts[::2]]
    # The declaration and a DOCTYPE speak of the bytes that were; both are replaced.
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + "".join(parts).encode()


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
