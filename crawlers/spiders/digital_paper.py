"""A newspaper's digital edition: calendar or front page, the day's sections, their articles.

For the address forms that Chinese digital papers share: a day stands in the path as `/2026-11/18/`
or `/20261118/`, sections are `node_2.htm` or `nbs.D...htm`, articles `content_123.htm` or
`nw.D...htm`. Three steps, and a day that grows until it is over: that is more than a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from crawlers.spiders.base import Again, Follow, Found, Spider, SpiderPage, Yield

_DAY = re.compile(r"/(20\d\d)-?(0[1-9]|1[0-2])[-/]?([0-2]\d|3[01])/")
_SECTION = re.compile(r"/(?:node_\w+|nbs\.D[\w.-]+)\.s?html?$")
_ARTICLE = re.compile(r"/(?:content_\w+|nw\.D[\w.-]+)\.s?html?$")
_DAYS_BACK = 2  # a paper is out by the morning; two days cover a weekend's edition
_AGAIN = timedelta(hours=2)
_MAX_LINKS = 400  # of one page: a day has some dozens of articles


class DigitalPaper(Spider):
    """Reads every article of the last days' editions. `start` is any page that links to them."""

    def read(self, page: SpiderPage) -> Iterable[Yield]:
        """Yield days, then sections and articles of a day, then the article's text."""
        if page.step == "article":
            return self._article(page)
        return self._edition(page)

    def _edition(self, page: SpiderPage) -> Iterator[Yield]:
        today = page.now.astimezone(ZoneInfo(page.source.tz)).date()
        own_day = _day_of(page.url)
        for url in _links(page):
            day = _day_of(url)
            if day is None or not today - timedelta(days=_DAYS_BACK) <= day <= today:
                continue
            if _ARTICLE.search(url):
                yield Follow(url=url, step="article", given={"day": day.isoformat()})
            elif _SECTION.search(url) and page.url != url:
                yield Follow(url=url, step="section")
        # Editions of today are still put together.
        if page.step == "section" and own_day == today:
            yield Again(after=_AGAIN)

    def _article(self, page: SpiderPage) -> Iterator[Yield]:
        article = page.html.article
        fields = {"title": article.title, "text": article.text, "author": article.author}
        yield Found(url=page.url, fields={**fields, "published": page.given.get("day", "")})


def _links(page: SpiderPage) -> list[str]:
    links = page.html.root.css("a::attr(href), area::attr(href)").getall()
    found = (page.absolute(link).partition("#")[0] for link in links)
    return [url for url in dict.fromkeys(found) if url][:_MAX_LINKS]


def _day_of(url: str) -> date | None:
    found = _DAY.search(url)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None
