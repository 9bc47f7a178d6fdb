"""Items of one page go in one by one, a Parsed comes out: the same way for every kind of page."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from config.schema import SourceConfig
from crawlers.canonical import url_hash
from crawlers.extract import Reading, read_number
from crawlers.mentions import Item, Parsed, Row, unmet_expectations
from storage.records import DetailLink, HotEntry, RawMention, SourceId


@dataclass(slots=True)
class Gathering:
    """What the items of one page come to: mentions, links, or lines of a hot-search list.

    `fields` are those that this page can fill at all. Items that say nothing or lead nowhere are
    left out and counted; with `keywords.mode: filter`, so are mentions that name none of the words.
    """

    source: SourceConfig
    now: datetime
    fields: Iterable[str]
    history: bool = False
    trace: bool = False
    raws: list[RawMention] = field(default_factory=list)
    links: list[DetailLink] = field(default_factory=list)
    hot: list[HotEntry] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=dict)
    count: int = 0
    left_out: int = 0
    out_of_scope: int = 0
    _kept: dict[str, None] = field(default_factory=dict)
    _others: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count from zero."""
        self.filled = dict.fromkeys(self.fields, 0)

    def add(self, item: Item, readings: Mapping[str, Reading]) -> bool:
        """Take one item; return whether it is one that counts."""
        self.count += 1
        for name in self.filled:
            found = {"url": item.url, "published": item.published_at}.get(
                name, item.fields.get(name)
            )
            self.filled[name] += bool(found)
        if self.trace:
            self.rows.append(item.row(readings))
        self.problems += item.problems
        # What is no link and says nothing (a divider, an advertisement) is not an item of ours.
        if (not item.url) if self._leads_on else item.is_empty:
            self.left_out += 1
            return False
        key = self._key(item)
        if key not in self._kept and key not in self._others:
            self._sort_in(item, key)
        return True

    def parsed(self, *, judged: bool = True) -> Parsed:
        """Return everything; `judged` compares it with the source's expectations."""
        unmet = unmet_expectations(self.source, self.count, self.filled) if judged else ()
        return Parsed(
            raws=tuple(self.raws),
            links=tuple(self.links),
            # keys of mentions first and in their order: callers pair them
            keys=(*self._kept, *self._others),
            items=self.count,
            unreadable=self.left_out,
            out_of_scope=self.out_of_scope,
            problems=tuple(self.problems),
            unmet=unmet,
            filled=self.filled,
            hot=tuple(self.hot),
            rows=tuple(self.rows),
        )

    @property
    def _leads_on(self) -> bool:
        return self.source.detail is not None or self.source.kind in {"forum_thread", "sitemap"}

    def _key(self, item: Item) -> str:
        fields = item.fields
        own = "" if self._leads_on else fields.get("native_id", "")
        if own:  # no address, even where it looks like one: "#12" tells it apart
            return link_key("id", own)
        return url_hash(item.url or fields.get("text") or item.name, self.source.url)

    def _sort_in(self, item: Item, key: str) -> None:
        if self.source.role == "hot_search":
            self._others[key] = None
            self.hot.append(_hot_entry(item, len(self.hot) + 1))
        elif self._leads_on:
            self._kept[key] = None
            kind = "thread" if self.source.kind == "forum_thread" else "detail"
            self.links.append(make_link(item, key, history=self.history, kind=kind))
        elif in_scope(self.source, item.fields.get("title", ""), item.fields.get("text", "")):
            self._kept[key] = None
            self.raws.append(item.mention(history=self.history))
        else:
            self._others[key] = None
            self.out_of_scope += 1


def in_scope(source: SourceConfig, title: str, text: str) -> bool:
    """Return whether a mention may stay: with `mode: filter` it names one of the source's words.

    Width and case do not matter, nor traditional characters. Only a gate: whether a name really
    means the brand is judged later.
    """
    rules = source.keywords
    if rules is None or rules.mode != "filter" or not rules.words:
        return True  # without a word nothing can be told apart
    said = _plain(f"{title}\n{text}")
    return any(word in said for word in _plain_words(rules.words))


@lru_cache(maxsize=64)  # sources that filter, each with the same words for every item
def _plain_words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_plain(word) for word in words)


def _plain(text: str) -> str:
    lower = unicodedata.normalize("NFKC", text).lower()
    return lower if lower.isascii() else str(_simplifier().convert(lower))


@cache
def _simplifier() -> Any:
    import opencc  # its tables take 20 ms to load, hence once

    return opencc.OpenCC("t2s")


def link_key(*parts: str) -> str:
    """Return the frontier's key of a link that is more than its address: 16 hex characters."""
    return blake2b("\x1f".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def make_link(item: Item, key: str, *, history: bool, kind: str = "detail") -> DetailLink:
    """Make the frontier's record of an item whose text stands on a page of its own."""
    return DetailLink(
        url_hash=key,
        source_id=SourceId(item.source.id),
        url=item.url,
        listed=item.listed(),
        found_at=item.now,
        history=history,
        kind=kind,
    )


def _hot_entry(item: Item, place: int) -> HotEntry:
    """Make a line of a hot-search list; without a written rank its place is its rank."""
    rank = read_number(item.fields.get("rank", ""))
    return HotEntry(
        source_id=SourceId(item.source.id),
        platform=item.source.platform,
        title=item.fields.get("title") or item.fields.get("text", ""),
        url=item.url,
        rank=place if rank is None or rank < 1 else int(rank),
        heat=read_number(item.fields.get("heat", "")),
        first_at=item.now,
        last_at=item.now,
    )
