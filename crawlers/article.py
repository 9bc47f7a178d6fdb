"""The main text of an article page, found without selectors: `content: auto`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crawlers.gate import fast_text, names_any
from crawlers.plain import tidy


@dataclass(frozen=True, slots=True)
class Article:
    """The main text of a page as found without selectors. `published` is as the page has it."""

    title: str = ""
    text: str = ""
    author: str = ""
    published: str = ""


def main_text(html: str, url: str, names: Sequence[str] = ()) -> Article:
    """Find title, main text, author and date of an article page without selectors.

    With `names` (lower-case words that stand for the watched brands), a page that holds none of
    them is answered with its fast text alone: nobody reads it, so it is not worth the full cost.
    Source: trafilatura in its balanced mode, given text that we decoded (raw bytes lose 1.4 points
    of F1 on Chinese pages: collect.md 4.4). Costs 50 ms of CPU: not for the event loop.
    """
    import trafilatura

    if not html.strip():
        return Article()
    if names and not names_any(html, names) and not names_any(fast_text(html), names):
        return Article(text=fast_text(html, main=True))
    found = trafilatura.bare_extraction(
        html,
        url=url or None,
        include_comments=False,
        with_metadata=True,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    if found is None or isinstance(found, dict):
        return Article()
    title = tidy(found.title or "")
    return Article(
        title=title,
        text=tidy(found.text or "").removeprefix(f"{title}\n"),
        author=re.sub(
            r"^(?:作者|記者|记者|文|发布者|發布者)\s*[:：]\s*", "", tidy(found.author or "")
        ),
        published=found.date or "",
    )
