"""One poll under way: what its pages have come to so far, and the PollResult that it ends in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from config.schema import SourceConfig
from crawlers.causes import Failure
from crawlers.downloader import Fetched
from crawlers.frontier import Cursor, PollResult, SavedPage
from crawlers.mentions import Parsed
from crawlers.readers import starts
from storage.records import (
    DetailLink,
    FetchCause,
    FetchEvent,
    HostState,
    HotEntry,
    RawMention,
    SourceId,
    SourceState,
)

_MAX_SAVED_BYTES = 2 * 1024 * 1024
_MAX_PROBLEMS = 50  # kept per poll; the first ones tell the story
_LEAST_FOR_GAP = 3  # a shorter list turns over by itself: that nothing is known says nothing
_GAP_TEXT = "本次列表全部为新内容，两次访问之间可能有遗漏"


@dataclass(slots=True)
class Visit:
    """What a poll has read so far. `state` is the one before it."""

    source: SourceConfig
    state: SourceState
    now: datetime
    seen: frozenset[str] = frozenset()
    raws: list[RawMention] = field(default_factory=list)
    links: list[DetailLink] = field(default_factory=list)
    hot: list[HotEntry] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    failure: Failure | None = None
    first: Fetched | None = None  # good page to keep
    bad: Fetched | None = None  # page that gave the failure, or did not meet expectations
    unchanged: set[str] = field(default_factory=set)  # start addresses that showed nothing new
    validators: dict[str, list[str]] = field(default_factory=dict)
    hosts: dict[str, HostState] = field(default_factory=dict)
    filled: Counter[str] = field(default_factory=Counter)
    quality: Counter[str] = field(default_factory=Counter)
    hint_s: float = 0.0
    status: int | None = None
    size_bytes: int = 0
    duration_ms: int = 0
    items: int = 0
    unreadable: int = 0
    out_of_scope: int = 0
    gap: bool = False
    lies: bool = False  # the server's validators are not to be trusted

    def note(self, page: Fetched) -> None:
        """Count a page that came, whatever it holds."""
        self.status = page.status if page.status is not None else self.status
        self.size_bytes += len(page.body)
        self.duration_ms += page.duration_ms

    def take(self, parsed: Parsed) -> None:
        """Add what a page holds, items that another page of this poll had left out."""
        fresh = {key for key in parsed.keys if key not in self.keys}
        self.keys.update(dict.fromkeys(parsed.keys))
        self.links += [link for link in parsed.links if link.url_hash in fresh]
        pairs = zip(parsed.keys, parsed.raws, strict=False)  # no mentions when there are links
        self.raws += [raw for key, raw in pairs if key in fresh]
        self.hot += parsed.hot
        self.items += parsed.items
        self.unreadable += parsed.unreadable
        self.out_of_scope += parsed.out_of_scope
        self.problems += parsed.problems
        self.filled.update(parsed.filled)
        self.quality.update(parsed.quality)
        self.hint_s = max(self.hint_s, parsed.hint_s)

    def fail(self, failure: Failure, page: Fetched) -> None:
        """Keep the first failure; several start pages may fail for different reasons."""
        if self.failure is None:
            self.failure, self.bad = failure, page

    def keep_validators(self, start: str, page: Fetched) -> None:
        """Remember by what the next poll can ask whether this page has changed."""
        self.first = self.first or page
        self.validators[start] = [
            page.headers.get("etag", ""),
            page.headers.get("last-modified", ""),
            digest(page.body),
        ]

    def look_for_gap(self, start: str, keys: list[str]) -> None:
        """Say so when a start address read before shows nothing that is known."""
        was_read = start in self.state.cursors and bool(self.seen)
        if was_read and len(keys) >= _LEAST_FOR_GAP and self.seen.isdisjoint(keys):
            self.gap = True

    def judge_search(self) -> None:
        """Hold a search against its contract over all its words: one of them may well find nothing.

        Not while a page is unchanged (its items are not counted then), and not before it ever found
        something: a quiet brand is no broken page.
        """
        least = self.source.expect.min_items
        is_whole = self.failure is None and not self.unchanged and bool(self.seen)
        if self.source.kind == "search" and is_whole and self.items < least:
            self.unmet.append(f"所有关键词共找到 {self.items} 条，预期至少 {least} 条")

    def result(self, *, keep_pages: bool) -> PollResult:
        """Return what the poll came to; its state is still the one before it."""
        source, failure = self.source, self.failure
        outcome, text = "unchanged" if len(self.unchanged) == len(starts(source)) else "ok", ""
        if failure is not None:
            outcome, text = failure.cause.value, failure.text
        elif self.unmet:
            outcome, text = FetchCause.LAYOUT.value, "；".join(self.unmet)
        elif self.gap:
            text = _GAP_TEXT
        return PollResult(
            state=self.state,
            event=FetchEvent(
                source_id=SourceId(source.id),
                at=self.now,
                url=next(iter(starts(source)), ""),
                outcome=outcome,
                http_status=self.status,
                size_bytes=self.size_bytes,
                duration_ms=self.duration_ms,
                items=self.items,
                text=text,
                gap=self.gap,
            ),
            raws=tuple(self.raws),
            links=tuple(self.links),
            page=self._saved(keep_pages=keep_pages),
            cursor=self._cursor(),
            failure=failure,
            unmet=tuple(self.unmet),
            problems=tuple(self.problems[:_MAX_PROBLEMS]),
            unreadable=self.unreadable,
            out_of_scope=self.out_of_scope,
            items=self.items,
            fresh=sum(key not in self.seen for key in self.keys),
            gap=self.gap,
            hint_s=self.hint_s,
            filled=dict(self.filled),
            quality=dict(self.quality),
            hot=tuple(self.hot),
            hosts=tuple(self.hosts.values()),
        )

    def _cursor(self) -> Cursor | None:
        if self.failure is not None or self.unmet or self.first is None:
            return None
        dates = [raw.published_at for raw in self.raws if raw.published_at]
        return Cursor(
            validators=self.validators,
            keys=tuple(self.keys),
            newest_at=max(dates, default=None),
        )

    def _saved(self, *, keep_pages: bool) -> SavedPage | None:
        is_bad = self.failure is not None or bool(self.unmet)
        page = (self.bad or self.first) if is_bad else self.first
        return saved(page, self.now, is_bad=is_bad) if keep_pages else None


def saved(page: Fetched | None, now: datetime, *, is_bad: bool) -> SavedPage | None:
    """Return the page that an engineer will want to see, None when there is nothing to see."""
    if page is None or not page.body:
        return None
    return SavedPage(
        kind="bad" if is_bad else "good",
        url=page.url,
        body=page.body[:_MAX_SAVED_BYTES],
        at=now,
    )


def digest(body: bytes) -> str:
    """Return what tells one body from another."""
    return blake2b(body, digest_size=16).hexdigest()
