"""The main text of an article page, found without selectors: `content: auto`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from crawlers.article_body import Body, find_body, is_text
from crawlers.article_data import read_linked, read_state
from crawlers.article_facts import (
    Head,
    clean_author,
    find_author,
    find_headline,
    find_origin,
    find_title,
    finer,
    head_date,
    is_relative,
    near_date,
    post_date,
    script_date,
)
from crawlers.article_lines import Lines, parse, read_lines
from crawlers.gate import fast_text, page_names_any
from crawlers.plain import tidy

_SCANT = 25  # characters; the shortest notice of the made-up pages has 60
_FRAME = 40  # what an empty application shows is shorter
_SHORT = 200  # characters; a shorter text may be the frame that an application fills


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
    if names and not page_names_any(html, names):
        return Article(text=fast_text(html))
    root = parse(html)
    if root is None:
        return Article()
    found = _article(root)
    if len(found.text) < _SCANT:
        other = _second_opinion(html, url)
        if len(other) > 2 * len(found.text):
            return replace(found, text=other)
    return found


def _second_opinion(html: str, url: str) -> str:
    """Ask trafilatura, ten times as slow, where we find next to nothing."""
    import trafilatura

    text = trafilatura.extract(html, url=url or None, include_comments=False)
    return tidy(text or "")


def _article(root: Any) -> Article:
    head = Head(root)
    linked = read_linked(root.xpath("//script[@type='application/ld+json']/text()"))
    scripts = root.xpath("//script[not(@src)]/text()")
    page = read_lines(root)
    body = find_body(page, find_headline(page, head))
    span = (body.first, body.behind)
    text = "\n".join(line.text for line in page.lines[slice(*span)] if is_text(line))
    carried = linked
    if _richer(linked.text, text):
        text = linked.text
    elif len(text) < _SHORT:
        # Beside a text that is shown, only an article of the same name counts.
        fitting = len(text) >= _FRAME
        state = read_state(scripts, linked.title or head.title, fitting=fitting)
        if _richer(state.text, text):
            text = state.text
            carried = replace(state, author=linked.author or state.author)
    title, headline = find_title(page, head, span[0], carried.title)
    return Article(
        title=title,
        text=tidy(text).removeprefix(f"{title}\n"),
        author=clean_author(carried.author) or find_author(page, head, headline, *span),
        published=carried.published or _published(page, head, scripts, headline, body),
        source=find_origin(page, headline, *span),
    )


def _richer(carried: str, shown: str) -> bool:
    """Return whether a text out of data says more than the one shown."""
    return len(carried) > 40 and len(carried) * 0.8 > len(shown)


def _published(page: Lines, head: Head, scripts: list[str], headline: int, body: Body) -> str:
    """Ask the head, then what is shown near the headline, then the page's scripts.

    "2小时前" was true when the page was made; scripts that name the moment are better.
    """
    near = post_date(page.lines[slice(*body.post)])
    near = near or near_date(page, headline, body.first, body.behind)
    in_head = head_date(page.root, head)
    shown = finer(in_head, near) if in_head else near
    if shown and not is_relative(shown):
        return shown
    return read_state(scripts, head.title, fitting=True).published or script_date(scripts) or shown
