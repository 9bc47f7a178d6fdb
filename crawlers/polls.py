"""One poll of one source, one fetch of one detail page: everything but remembering it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

from config.schema import SourceConfig
from crawlers.causes import Failure
from crawlers.downloader import Downloader, Fetched
from crawlers.frontier import MAX_ATTEMPTS, Cursor, DetailResult, PollResult, SavedPage
from crawlers.health import next_state
from crawlers.mentions import LinkParsed, Parsed
from crawlers.parsing import ParseDiedError, ParsingChild
from crawlers.readers import first_page, next_page, read_link, read_page, starts
from storage.records import DetailLink, FetchCause, FetchEvent, RawMention, SourceId, SourceState

# Some servers answer 304 for ever; every twelfth poll asks without validators (collect.md 3.3).
UNCONDITIONAL_EVERY = 12
_MAX_SAVED_BYTES = 2 * 1024 * 1024
_MAX_PROBLEMS = 50  # kept per poll; the first ones tell the story
# Beyond the first page these mean that the list has ended.
_LIST_ENDS = {FetchCause.GONE, FetchCause.EMPTY, FetchCause.LAYOUT}
# What trying the same detail page again cannot mend.
_DEAD_AT_ONCE = {FetchCause.GONE, FetchCause.REFUSED, FetchCause.ROBOTS, FetchCause.TOO_LARGE}
# Trouble of the page itself: it dies of that after some attempts. A wall or an outage concerns the
# whole site, and its pages wait for better days.
_PAGE_TROUBLE = {
    FetchCause.LAYOUT,
    FetchCause.EMPTY,
    FetchCause.UNREADABLE,
    FetchCause.SERVER,
    FetchCause.SLOW,
}


@dataclass(slots=True)
class _Visit:
    """One poll under way and what its pages have come to so far."""

    source: SourceConfig
    state: SourceState  # before the poll
    now: datetime
    raws: list[RawMention] = field(default_factory=list)
    links: list[DetailLink] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    failure: Failure | None = None
    first: Fetched | None = None  # good page to keep
    bad: Fetched | None = None  # page that gave the failure, or did not meet expectations
    unchanged: set[str] = field(default_factory=set)  # start addresses that showed nothing new
    validators: dict[str, list[str]] = field(default_factory=dict)
    status: int | None = None
    size_bytes: int = 0
    duration_ms: int = 0
    items: int = 0
    unreadable: int = 0

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
        self.items += parsed.items
        self.unreadable += parsed.unreadable
        self.problems += parsed.problems

    def fail(self, failure: Failure, page: Fetched) -> None:
        """Keep the first failure; several start pages may fail for different reasons."""
        if self.failure is None:
            self.failure, self.bad = failure, page


class Poller:
    """Fetches and parses; knows no store. `keep_pages` switches the keeping of raw pages."""

    def __init__(self, downloader: Downloader, parsing: ParsingChild, *, keep_pages: bool) -> None:
        self._downloader = downloader
        self._parsing = parsing
        self._keep_pages = keep_pages

    async def poll(self, source: SourceConfig, state: SourceState, now: datetime) -> PollResult:
        """Poll a source once. What goes wrong at the source is in the result, never raised.

        Everything that a source shows before its first success counts as history.
        """
        visit = _Visit(source, state, now)
        for start in starts(source):
            await self._follow(start, visit)
        result = self._result(visit)
        return replace(result, state=next_state(state, result, source, now))

    async def _follow(self, start: str, visit: _Visit) -> None:
        """Read a feed, or a list page by page until it shows what was seen before."""
        pages = visit.source.pages
        url, known = first_page(visit.source, start), 0
        for number in range(pages.max):
            before = len(visit.keys)
            parsed = await self._page(url, start if number == 0 else "", visit)
            if parsed is None or visit.failure:
                return
            for key in parsed.keys:
                known = known + 1 if key in visit.state.seen else 0
                if known >= pages.stop_when_seen:
                    return
            if len(visit.keys) == before:  # beyond the end some lists show the last page again
                return
            url = next_page(visit.source, start, parsed, number + 1)
            if not url:
                return

    async def _page(self, url: str, start: str, visit: _Visit) -> Parsed | None:
        """Fetch and parse one page of a visit; None when there is nothing to go on with.

        `start` is the start address whose first page this is, "" for the pages behind it.
        """
        source, state = visit.source, visit.state
        known = [] if state.polls % UNCONDITIONAL_EVERY == 0 else state.cursors.get(start, [])
        headers = _validators(known)
        page = await self._downloader.fetch(url, source, visit.now, headers)
        visit.note(page)
        if page.failure is not None:
            if start or page.failure.cause not in _LIST_ENDS:
                visit.fail(page.failure, page)
            return None
        if page.status == 304 or (known and _digest(page.body) == known[2]):
            visit.unchanged.add(start)
            return None
        parsed = await self._parse(page, visit)
        if parsed.failure is not None and not start and parsed.failure.cause in _LIST_ENDS:
            return None
        visit.take(parsed)
        if parsed.failure is not None:
            visit.fail(parsed.failure, page)
        elif start:
            visit.first = visit.first or page
            visit.validators[start] = [
                page.headers.get("etag", ""),
                page.headers.get("last-modified", ""),
                _digest(page.body),
            ]
            visit.unmet += parsed.unmet
        return parsed

    async def _parse(self, page: Fetched, visit: _Visit) -> Parsed:
        history = visit.state.last_ok_at is None
        try:
            return await self._parsing.call(
                read_page,
                page.body,
                page.url,
                page.charset,
                visit.source,
                visit.now,
                history=history,
            )
        except ParseDiedError as error:
            return Parsed(failure=Failure(cause=FetchCause.UNREADABLE, text=_parse_died(error)))

    def _result(self, visit: _Visit) -> PollResult:
        source = visit.source
        failure = visit.failure
        outcome, text = "unchanged" if len(visit.unchanged) == len(starts(source)) else "ok", ""
        if failure is not None:
            outcome, text = failure.cause.value, failure.text
        elif visit.unmet:
            outcome, text = FetchCause.LAYOUT.value, "；".join(visit.unmet)
        dates = [raw.published_at for raw in visit.raws if raw.published_at]
        cursor = None
        if failure is None and not visit.unmet and visit.first is not None:
            cursor = Cursor(
                validators=visit.validators,
                keys=tuple(visit.keys),
                newest_at=max(dates, default=None),
            )
        return PollResult(
            state=visit.state,
            event=FetchEvent(
                source_id=SourceId(source.id),
                at=visit.now,
                url=starts(source)[0],
                outcome=outcome,
                http_status=visit.status,
                size_bytes=visit.size_bytes,
                duration_ms=visit.duration_ms,
                items=visit.items,
                text=text,
            ),
            raws=tuple(visit.raws),
            links=tuple(visit.links),
            page=self._saved(visit),
            cursor=cursor,
            failure=failure,
            unmet=tuple(visit.unmet),
            problems=tuple(visit.problems[:_MAX_PROBLEMS]),
            unreadable=visit.unreadable,
        )

    def _saved(self, visit: _Visit) -> SavedPage | None:
        is_bad = visit.failure is not None or bool(visit.unmet)
        page = (visit.bad or visit.first) if is_bad else visit.first
        return self._save(page, visit.now, is_bad=is_bad)

    def _save(self, page: Fetched | None, now: datetime, *, is_bad: bool) -> SavedPage | None:
        if page is None or not page.body or not self._keep_pages:
            return None
        return SavedPage(
            kind="bad" if is_bad else "good",
            url=page.url,
            body=page.body[:_MAX_SAVED_BYTES],
            at=now,
        )

    async def detail(self, source: SourceConfig, link: DetailLink, now: datetime) -> DetailResult:
        """Fetch and read one detail page; what goes wrong at the source is in the result."""
        page = await self._downloader.fetch(link.url, source, now)
        failure = page.failure
        parsed = LinkParsed()
        if failure is None:
            try:
                parsed = await self._parsing.call(
                    read_link, page.body, page.url, page.charset, source, link, now=now
                )
            except ParseDiedError as error:
                failure = Failure(cause=FetchCause.UNREADABLE, text=_parse_died(error))
            else:
                failure = parsed.failure
        is_dead = failure is not None and (
            failure.cause in _DEAD_AT_ONCE
            or (failure.cause in _PAGE_TROUBLE and link.attempts >= MAX_ATTEMPTS)
        )
        return DetailResult(
            event=FetchEvent(
                source_id=link.source_id,
                at=now,
                url=link.url,
                outcome=failure.cause.value if failure else "ok",
                http_status=page.status,
                size_bytes=len(page.body),
                duration_ms=page.duration_ms,
                items=len(parsed.raws),
                text=failure.text if failure else "",
            ),
            state="done" if failure is None else "dead" if is_dead else "retry",
            reason=failure.text if failure else "",
            failure=failure,
            raws=parsed.raws,
            links=parsed.links,
            again_at=parsed.again_at,
            page=self._save(page, now, is_bad=True) if failure else None,
            problems=parsed.problems[:_MAX_PROBLEMS],
        )


def _validators(known: Sequence[str]) -> dict[str, str]:
    names = ("If-None-Match", "If-Modified-Since")
    return {name: value for name, value in zip(names, known, strict=False) if value}


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()


def _parse_died(error: ParseDiedError) -> str:
    return f"页面无法解析，已放弃（{error}）"
