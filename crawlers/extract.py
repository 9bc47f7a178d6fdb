"""Selectors over a page: text in, one value out, with the rung of the ladder that hit.

A rule is a list of prefixed selectors tried in order (`css: xpath: jmes: meta: jsonld: re2: const:`
or `auto`); the first that gives text wins. When a later rung hits, the page is being redesigned.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from config.schema import FieldRule
from crawlers.article import Article, main_text
from crawlers.json_pages import JsonPage, json_text, query_json, select_json
from crawlers.plain import tidy

if TYPE_CHECKING:
    from parsel import Selector

_BLOCK_WORDS = (
    "address article aside blockquote br dd div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_WORDS.split())
_UNSEEN = frozenset(("script", "style", "noscript", "template", "head", "svg", "iframe"))
_UNITS = {"千": 1e3, "k": 1e3, "万": 1e4, "萬": 1e4, "w": 1e4, "亿": 1e8, "億": 1e8, "m": 1e6}
_AMOUNT = re.compile(
    r"(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)\s*([千kK万萬wW亿億mM])?(?![\w.])?"
)
_MAX_FIELD_CHARS = 200_000  # longer than any post; keeps one broken page from filling the database
_MAX_ELEMENTS = 500  # matched by one selector of a field
_MAX_ITEMS = 1000  # of one page
_MAX_NODES = 200_000  # visited for one text


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one field and the selector that gave it; `rung` counts from 0, -1 for none."""

    value: str
    rung: int = -1
    selector: str = ""


class Page:
    """A decoded page, parsed once; `names` are the watched brands' (see `main_text`)."""

    def __init__(self, text: str, url: str, names: Sequence[str] = ()) -> None:
        from parsel import Selector

        self.text = text
        self.url = url
        self._names = names
        # NUL ends a document for libxml2: what follows would be lost.
        self.root = Selector(text=text.replace("\0", "") or " ", type="html")
        self._base: str | None = None
        self._article: Article | None = None
        self._linked: list[Any] | None = None

    @property
    def base(self) -> str:
        """The address that relative links start from. Looked up once: it is asked per item."""
        if self._base is None:
            self._base = urljoin(self.url, self.root.xpath("//base/@href").get() or "")
        return self._base

    @property
    def article(self) -> Article:
        """The main text, found when first asked for."""
        if self._article is None:
            self._article = main_text(self.text, self.url, self._names)
        return self._article

    @property
    def linked(self) -> list[Any]:
        """Every JSON-LD object of the page, `@graph` unfolded."""
        if self._linked is None:
            query = "//script[@type='application/ld+json']/text()"
            self._linked = list(_unfold(self.root.xpath(query).getall()))
        return self._linked


def select(page: Page | JsonPage, selector: str) -> list[Any]:
    """Return the elements (values of JSON) that a `css:`, `xpath:` or `jmes:` selector finds."""
    if isinstance(page, JsonPage):
        return (select_json(page.root, selector.removeprefix("jmes:")) or [])[:_MAX_ITEMS]
    return list(_query(page.root, selector))[:_MAX_ITEMS]


def read_field(page: Page | JsonPage, part: Any, name: str, rule: FieldRule) -> Reading:
    """Read one field from a part of a page: the first rung that gives text, then the pattern.

    `part` is an element of a Page or a value of a JsonPage. A rung whose text does not match the
    pattern is passed over like one that finds nothing.
    """
    for rung, selector in enumerate(rule.sel):
        value = _read(page, part, name, selector)
        if rule.re is not None and value:
            value = _matched(rule.re, value)
        if value:
            return Reading(value[:_MAX_FIELD_CHARS], rung, selector)
    return Reading("")


def _read(page: Page | JsonPage, part: Any, name: str, selector: str) -> str:
    prefix, _, rest = selector.partition(":")
    if prefix == "const":
        return rest.strip()
    if isinstance(page, JsonPage):
        return json_text(query_json(part, rest), name) if prefix == "jmes" else ""
    return _read_html(page, part, name, selector)


def _read_html(page: Page, part: Selector, name: str, selector: str) -> str:
    if selector == "auto":
        return str(getattr(page.article, name, ""))
    prefix, _, rest = selector.partition(":")
    if prefix == "meta":
        return _meta(page.root, rest.strip())
    if prefix == "jsonld":
        return _json_path(page.linked, rest.strip())
    if prefix == "re2":
        return _matched(rest, part.get())
    return _text_of(_query(part, selector)[:_MAX_ELEMENTS], name)


def _query(part: Selector, selector: str) -> Any:
    prefix, _, rest = selector.partition(":")
    if prefix == "css":
        return part.css(rest)
    # "//a" inside an item means "anywhere in this item", as people expect it.
    query = "." + rest if prefix == "xpath" and rest.startswith("/") else rest
    return part.xpath(query if part.type == "html" else rest)


def _text_of(found: Any, name: str) -> str:
    """Join the texts of a body, take the first text there is for every other field."""
    texts = [
        html_text(item.root) if not isinstance(item.root, str) else tidy(item.root)
        for item in found
    ]
    texts = [text for text in texts if text]
    if name == "text":
        return "\n".join(texts)
    return texts[0].replace("\n", " ") if texts else ""


def _matched(pattern: str, text: str) -> str:
    import re2

    found = re2.search(pattern, text)
    if found is None:
        return ""
    groups = found.groups()
    return tidy((groups[0] if groups else found.group(0)) or "")


def _meta(root: Selector, name: str) -> str:
    for attribute in ("property", "name", "itemprop", "http-equiv"):
        found = root.xpath(f"//meta[@{attribute}=$name]/@content", name=name).get()
        if found and found.strip():
            return tidy(str(found))
    return ""


def _unfold(texts: list[str]) -> Iterator[Any]:
    for text in texts:
        try:
            found = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        pending = [found]
        while pending:
            item = pending.pop(0)
            if isinstance(item, list):
                pending[:0] = item
            elif isinstance(item, dict):
                yield item
                if isinstance(item.get("@graph"), list):
                    pending.extend(item["@graph"])


def _json_path(objects: list[Any], path: str) -> str:
    """Follow a dotted path ("author.name") in the first object that has it."""
    for candidate in objects:
        value = candidate
        for step in path.split("."):
            if isinstance(value, list):
                value = value[0] if value else None
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, str | int | float) and str(value).strip():
            return tidy(str(value))
    return ""


# --- text and numbers ------------------------------------------------------------------------


def html_text(element: Any) -> str:
    """Return what a person reads of an element: blocks on their own lines, scripts left out.

    Walks without recursion, because a page may nest its tags a hundred thousand deep.
    """
    pieces: list[str] = []
    pending: list[Any] = [element]
    for _ in range(_MAX_NODES):
        if not pending:
            break
        node = pending.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        tag = node.tag if isinstance(node.tag, str) else "script"  # comments are no text either
        is_block = tag in _BLOCKS
        after = [node.tail or ""] if node is not element else []
        if tag in _UNSEEN:
            pending.extend(after)
            continue
        inside = ["\n" if is_block else "", node.text or "", *node, "\n" if is_block else ""]
        pending.extend(reversed(inside + after))
    return tidy("".join(pieces))


def fragment_text(html: str) -> str:
    """Return the text of a piece of HTML as feeds carry it; plain text passes unchanged."""
    if "<" not in html and "&" not in html:
        return tidy(html)
    from lxml.etree import LxmlError
    from lxml.html import fragment_fromstring

    try:
        element = fragment_fromstring(html.replace("\0", ""), create_parent="div")
    except (LxmlError, ValueError):
        return tidy(re.sub(r"<[^<>]{0,2000}>", " ", html))
    return html_text(element)


def read_number(text: str) -> float | None:
    """Read the first amount of a text: "1.2万", "3,456 阅读", "4.5分"; None when there is none."""
    found = _AMOUNT.search(unicodedata.normalize("NFKC", text))
    if found is None:
        return None
    return float(found[1].replace(",", "")) * _UNITS.get((found[2] or "").lower(), 1.0)
