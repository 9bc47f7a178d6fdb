"""A decoded page goes in, its lines of text in reading order come out, with who holds them.

Extraction decides on lines, because the pages that need it most mark paragraphs by line breaks,
cells or nothing at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_BLOCK_WORDS = (
    "address article aside blockquote body br center caption dd div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td "
    "tfoot th thead tr ul founder-content ucapcontent"
)
_BLOCKS = frozenset(_BLOCK_WORDS.split())
_UNSEEN_WORDS = (
    "head script style noscript template svg iframe object select option button textarea input "
    "label map area amp-sidebar amp-ad canvas video audio rt rp ignore_js_op"
)
_UNSEEN = frozenset(_UNSEEN_WORDS.split())
# What stands around a text, by the names that makers of pages give it. Whole words only.
_AROUND = re.compile(
    r"(?:^|[\s_-])(?:comments?|cmt|pinglun|tie|reply|replies|discuss|related?|relevant|recommends?|"
    r"recommended|guess|yarpp|side|sidebar|aside|footer?|ft|nav|navi|navbar|menu|breadcrumbs?|crumbs?"
    r"|share|sharing|hot|rank|ranking|copyright|disclaimer|statement|lic|license|pager|pagebar|pages|"
    r"pagination|pagelist|sign|signature|toolbar|tags?|keywords?|login|ads?|advert|banner|links?|"
    r"friendlink|subscribe|reward|widget|pstatus|context|feedback|steps|process|qrcode|"
    r"sidecolumn|rightbox|newdigg)(?:$|[\s_-])",
    re.IGNORECASE,
)
_AROUND_TAGS = frozenset({"nav", "footer", "aside", "figcaption"})
# Where the exact moment stands when the visible text says "3 天前".
_STAMPS = ("datetime", "title", "data-tooltip", "data-val", "data-time", "data-timestamp")
_STAMP = re.compile(
    r"(?<!\d)(?:(?:19|20)\d{2}[-/年.]\d{1,2}[-/月.]\d{1,2}(?!\d).{0,16}|1\d{9}(?:\d{3})?$)"
)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_MAX_NODES = 60_000  # the biggest page seen has 12 000; more is a trap
_MAX_DEPTH = 250  # libxml2 stops there as well


@dataclass(slots=True)
class Line:
    """One line of text: its characters, how many of them are links, whether it stands around.

    `stamp` is a moment that an attribute within the line names.
    """

    text: str
    linked: int
    tag: str
    stamp: str = ""
    around: bool = False

    @property
    def chars(self) -> int:
        """Characters that are no blanks."""
        return len(self.text) - self.text.count(" ")


@dataclass(slots=True)
class Lines:
    """The lines of a page and, per element that holds any, the first line and the one behind."""

    root: Any
    lines: list[Line] = field(default_factory=list)
    spans: dict[Any, tuple[int, int]] = field(default_factory=dict)
    around: list[Any] = field(default_factory=list)

    def of(self, element: Any) -> list[Line]:
        """Return the lines of one element."""
        first, behind = self.spans.get(element, (0, 0))
        return self.lines[first:behind]


def parse(html: str) -> Any:
    """Parse a page into a tree, however broken; None when there is nothing in it."""
    from lxml import etree
    from lxml import html as lxml_html

    # NUL ends a document for libxml2; a declaration speaks of bytes that are text by now.
    text = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", html.replace("\0", ""), count=1)
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


class _Writer:
    """Gathers text into lines while the tree is walked."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.parts: list[str] = []
        self.linked = 0
        self.in_link = 0
        self.in_pre = 0
        self.tag = ""
        self.stamp = ""
        self.starts: list[tuple[int, bool]] = []

    def open(self, element: Any) -> bool:
        """Begin an element; False when nothing in it is to be read."""
        tag = element.tag if isinstance(element.tag, str) else ""
        seen = len(self.starts) < _MAX_DEPTH and not _is_unseen(element, tag)
        if seen and tag in _BLOCKS:
            self.end_line(tag)
        self.starts.append((len(self.lines), seen))
        if seen:
            self.in_link += tag == "a"
            self.in_pre += tag == "pre"
            if element.attrib:
                self.stamped(element)
            self.write(element.text)
        return seen

    def close(self, element: Any) -> int:
        """End an element and return the number of its first line."""
        first, seen = self.starts.pop()
        if seen:
            if element.tag in _BLOCKS:
                self.end_line("")
            self.in_link -= element.tag == "a"
            self.in_pre -= element.tag == "pre"
        return first

    def stamped(self, element: Any) -> None:
        for name in _STAMPS:
            found = _STAMP.search(element.get(name) or "")
            if found and not self.stamp:
                self.stamp = found[0]

    def write(self, text: str | None) -> None:
        if not text:
            return
        *ended, text = text.split("\n") if self.in_pre else (text,)
        for line in ended:
            self.parts.append(line)
            self.end_line("pre")
        self.parts.append(text)
        if self.in_link:
            self.linked += len("".join(text.split()))

    def end_line(self, tag: str) -> None:
        if self.parts:
            text = " ".join("".join(self.parts).replace("\u200b", "").split())
            if text:
                self.lines.append(Line(text, self.linked, self.tag or tag, self.stamp))
            self.parts.clear()
            self.linked = 0
        self.stamp = ""
        self.tag = tag


def read_lines(root: Any) -> Lines:
    """Walk a tree once and write its visible text into lines."""
    from lxml import etree

    writer, found = _Writer(), Lines(root)
    walker = etree.iterwalk(root, events=("start", "end"))
    for count, (event, element) in enumerate(walker):
        if count > 2 * _MAX_NODES:
            break
        if event == "start":
            if not writer.open(element):
                walker.skip_subtree()
            continue
        first = writer.close(element)
        if len(writer.lines) > first:
            found.spans[element] = (first, len(writer.lines))
            if _stands_around(element):
                found.around.append(element)
        if element is not root:
            writer.write(element.tail)
    writer.end_line("")
    found.lines = writer.lines
    found.spans[root] = (0, len(writer.lines))  # also where the walk was broken off
    return found


def _is_unseen(element: Any, tag: str) -> bool:
    if tag in _UNSEEN:
        return True
    if element.get("class") == "jammer":  # what Discuz! strews into posts against copying
        return True
    style = element.get("style")
    return bool(style and _HIDDEN.search(style))


def _stands_around(element: Any) -> bool:
    tag = element.tag
    if tag in _AROUND_TAGS:
        return True
    if tag in {"body", "html", "p", "article", "main"}:
        return False
    named = f"{element.get('class') or ''} {element.get('id') or ''}"
    return len(named) > 1 and _AROUND.search(named) is not None
