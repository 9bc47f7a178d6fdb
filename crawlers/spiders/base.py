"""What hand-written spiders are made of: a page goes in, findings and addresses come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from config.schema import SourceConfig
from crawlers.extract import Page
from crawlers.json_pages import load_json


@dataclass(frozen=True, kw_only=True)
class SpiderPage:
    """One page as a spider sees it.

    `step` is "" for a start address, else what `Follow` called this page; `given` is what it took
    along. `now` is aware; a spider asks no other clock.
    """

    url: str
    text: str
    source: SourceConfig
    now: datetime
    step: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def html(self) -> Page:
        """The page as HTML: `html.root` has `css` and `xpath`, `html.article` the main text."""
        return Page(self.text, self.url)

    @cached_property
    def json(self) -> Any:
        """The page as JSON. Errors: ValueError; left alone it becomes the poll's failure."""
        return load_json(self.text)

    def absolute(self, link: str) -> str:
        """Return a link of this page as an address, "" when it is none."""
        try:
            return urljoin(self.url, link.strip())
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A mention: the same fields as in YAML, as texts; dates as written ("昨天 10:30" is fine)."""

    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    parent_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """A page to fetch through the frontier: once, even if the program dies on the way.

    The same address is fetched again only under another `version` ("2026-11-18").
    """

    url: str
    step: str
    given: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The following page of the same poll; `pages.max` bounds them. For start addresses only."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Fetch this very page again after some time. For pages that were followed only."""

    after: timedelta


Yield = Found | Follow | Next | Again


class Spider(ABC):
    """Base of hand-written spiders. One object reads one page: nothing is remembered in it."""

    @abstractmethod
    def read(self, page: SpiderPage) -> Iterable[Yield]:
        """Yield what a page holds and where to go on."""
