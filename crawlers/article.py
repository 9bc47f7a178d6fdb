"""The main text of an article page, found without selectors: `content: auto`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from crawlers.article_body import body_lines, is_text
from crawlers.article_data import Carried, read_linked, read_state
from crawlers.article_facts import (
    Head,
    clean_author,
    find_author,
    find_origin,
    find_title,
    head_date,
    near_date,
)
from crawlers.article_lines import Lines, parse, read_lines
from crawlers.gate import fast_text, names_any
from crawlers.plain import tidy


@dataclass(frozen=True, slots=True)
class Article:
    """The main text of a page as found without selectors. `published` is as the page has it.

    `source` is the medium that the page itself names (来源), not where it was found.
    """

    title: str = ""
    text: str = ""
    author: str = ""
    published: str = ""
    source: str = ""


def main_text(html: str, url: str, names: Sequence[str] = ()) -> Article:
    """Find title, main text, author and date of an article page without selectors.

    With `names` (lower-case words that stand for the watched brands), a page that holds none of
    them is answered with its fast text alone: nobody reads it, so it is not worth the full cost.
    """
    if not html.strip():
        return Article()
    if names and not names_any(html, names) and not names_any(fast_text(html), names):
        return Article(text=fast_text(html, main=True))
    root = parse(html)
    if root is None:
        return Article()
    return _article(root)


def _article(root: Any) -> Article:
    head = Head(root)
    linked = read_linked(root.xpath("//script[@type='application/ld+json']/text()"))
    page = read_lines(root)
    first, behind = body_lines(page)
    text = "\n".join(line.text for line in page.lines[first:behind] if is_text(line))
    carried = linked
    if _richer(linked.text, text):
        text = linked.text
    elif len(text) < 200:
        state = read_state(root.xpath("//script[not(@src)]/text()"), linked.title or head.title)
        if _richer(state.text, text):
            text = state.text
            carried = replace(state, author=linked.author or state.author)
    return _with_facts(page, head, carried, text, (first, behind))


def _richer(carried: str, shown: str) -> bool:
    """Return whether a text out of data says more than the one shown."""
    return len(carried) > 40 and len(carried) * 0.8 > len(shown)


def _with_facts(
    page: Lines, head: Head, carried: Carried, text: str, span: tuple[int, int]
) -> Article:
    first, behind = span
    title, headline = find_title(page, head, first, carried.title)
    published = (
        carried.published
        or head_date(page.root, head)
        or near_date(page, headline, first, behind)
    )
    return Article(
        title=title,
        text=tidy(text).removeprefix(f"{title}\n"),
        author=clean_author(carried.author) or find_author(page, head, headline, first, behind),
        published=published,
        source=find_origin(page, headline, first, behind),
    )
