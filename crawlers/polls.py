"""One poll of one source, one fetch of one detail page: everything but remembering it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

from config.schema import SourceConfig
from crawlers.canonical import slot_key
from crawlers.causes import Failure
from crawlers.downloader import Downloader, Fetched
from crawlers.frontier import MAX_ATTEMPTS, DetailResult, PollResult
from crawlers.health import judged
from crawlers.hosts import HostAnswer, Hosts, is_unreachable, pace_s
from crawlers.mentions import LinkParsed, Parsed
from crawlers.outage import OutageGuard
from crawlers.parsing import ParseDiedError, ParserAbsentError, ParsingPool
from crawlers.readers import first_page, max_pages, next_page, read_link, read_page, starts
from crawlers.visits import Visit, digest, saved
from storage.records import DetailLink, FetchCause, FetchEvent, HostState, SourceState

T = TypeVar("T")
log = logging.getLogger(__name__)

# Some servers answer 304 for ever; every twelfth poll asks without validators (collect.md 3.3).
UNCONDITIONAL_EVERY = 12
# Pages of a backfill that are committed together: what a crash makes us fetch again.
BACKFILL_PART = 25
_MAX_PROBLEMS = 50  # kept per page; the first ones tell the story
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
_GONE_STATUS = {404, 410}
_HOST_WAITS = Failure(cause=FetchCause.BLOCKED, text="网站要求稍后再访问，本次未读完")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Fetches and parses; knows no store. `keep_pages` switches the keeping of raw pages.

    What a host answers goes to `hosts` and to the guard against outages. `names` are the words that
    stand for the watched brands, lower case: pages without any are read the cheap way.
    """

    downloader: Downloader
    parsing: ParsingPool
    hosts: Hosts
    guard: OutageGuard
    keep_pages: bool
    names: tuple[str, ...] = ()

    async def poll(self, source: SourceConfig, state: SourceState, now: datetime) -> PollResult:
        """Poll a source once. What goes wrong at the source is in the result, never raised.

        Everything that a source shows before its first success counts as history.
        """
        visit = Visit(source, state, now, frozenset(state.seen))
        for start in starts(source):
            await self._follow(start, visit)
        visit.judge_search()
        result = visit.result(keep_pages=self.keep_pages)
        result = judged(result, source, now)
        if visit.lies:
            result = replace(result, state=replace(result.state, validators_lie=True))
        return result

    async def backfill(
        self, source: SourceConfig, state: SourceState, clock: Callable[[], datetime]
    ) -> AsyncIterator[PollResult]:
        """Walk `pages.backfill` pages whatever is known of them; yield what they hold in parts.

        The parts leave state and cursor alone. It ends early at the list's end, or where a page
        could not be had.
        """
        for start in starts(source):
            walked: dict[str, None] = {}
            visit = Visit(source, state, clock(), frozenset(state.seen))
            url = first_page(source, start)
            for number in range(1, source.pages.backfill + 1):
                parsed = await self._page(url, "", visit)
                before = len(walked)
                walked.update(visit.keys)
                url = next_page(source, start, parsed, number) if parsed is not None else ""
                is_over = not url or len(walked) == before
                if is_over or number % BACKFILL_PART == 0 or number == source.pages.backfill:
                    yield _part(visit, number)
                    visit = Visit(source, state, clock(), frozenset(state.seen))
                if is_over:
                    break

    async def detail(self, source: SourceConfig, link: DetailLink, now: datetime) -> DetailResult:
        """Fetch and read one detail page; what goes wrong at the source is in the result.

        A host that must not be asked yet is not asked: the link waits until then.
        """
        host = self.hosts.get(slot_key(link.url))
        if not self.hosts.may_ask(host.host, now):
            return DetailResult(state="retry", reason=host.reason, again_at=host.not_before)
        page, host_after = await self._fetch(link.url, source, now)
        failure, parsed = page.failure, LinkParsed()
        is_gone = link.kind == "figures" and page.status in _GONE_STATUS
        if failure is None:
            parsed = await self._read_link(page, source, link, now)
            failure = parsed.failure
        elif is_gone:
            failure = None
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
                kind="detail",
            ),
            state=_end_of(failure, page.status, link),
            reason=failure.text if failure else "",
            failure=failure,
            raws=parsed.raws,
            links=parsed.links,
            again_at=parsed.again_at if failure is None else None,
            gone=is_gone,
            page=saved(page, now, is_bad=True) if failure and self.keep_pages else None,
            problems=parsed.problems[:_MAX_PROBLEMS],
            out_of_scope=parsed.out_of_scope,
            hosts=() if host_after is None else (host_after,),
        )

    async def _follow(self, start: str, visit: Visit) -> None:
        """Read a feed, or a list page by page until it shows what was seen before."""
        pages = visit.source.pages
        url, known = first_page(visit.source, start), 0
        keys: list[str] = []
        for number in range(max_pages(visit.source)):
            before = len(visit.keys)
            parsed = await self._page(url, start if number == 0 else "", visit)
            if parsed is None or visit.failure:
                break
            keys += parsed.keys
            for key in parsed.keys:
                known = known + 1 if key in visit.seen else 0
                if known >= pages.stop_when_seen:
                    return
            if len(visit.keys) == before:  # beyond the end some lists show the last page again
                break
            url = next_page(visit.source, start, parsed, number + 1)
            if not url:
                break
        visit.look_for_gap(start, keys)

    async def _page(self, url: str, start: str, visit: Visit) -> Parsed | None:
        """Fetch and parse one page of a visit; None when there is nothing to go on with.

        `start` is the start address whose first page this is, "" for the pages behind it.
        """
        known: list[str] = visit.state.cursors.get(start, []) if start else []
        asks_plainly = visit.state.polls % UNCONDITIONAL_EVERY == 0 or visit.state.validators_lie
        page = await self._visit(url, visit, {} if asks_plainly else _validators(known))
        if page is None:
            return None
        if page.failure is not None:
            if start or page.failure.cause not in _LIST_ENDS:
                visit.fail(page.failure, page)
            return None
        if page.status == 304 or (known and digest(page.body) == known[2]):
            visit.unchanged.add(start)
            return None
        if asks_plainly and known and not visit.state.validators_lie:
            visit.lies = visit.lies or await self._was_lied_to(url, visit, known, page)
        parsed = await self._read_page(page, visit)
        if parsed.failure is not None and not start and parsed.failure.cause in _LIST_ENDS:
            return None
        visit.take(parsed)
        if parsed.failure is not None:
            visit.fail(parsed.failure, page)
        elif start:
            visit.keep_validators(start, page)
            visit.unmet += parsed.unmet
        return parsed

    async def _was_lied_to(
        self, url: str, visit: Visit, known: Sequence[str], page: Fetched
    ) -> bool:
        """Return whether a changed page still goes under the validators of the old one.

        Either it bears the very same ones, or the server, asked with the old ones, says once more
        that nothing has changed.
        """
        asked = _validators(known)
        if not asked:
            return False
        given = [page.headers.get("etag", ""), page.headers.get("last-modified", "")]
        if given == list(known[:2]):
            return True
        again = await self._visit(url, visit, asked)
        return again is not None and again.status == 304

    async def _visit(self, url: str, visit: Visit, headers: dict[str, str]) -> Fetched | None:
        """Fetch a page for a visit; None (and a failure) when its host must not be asked now."""
        if not self.hosts.may_ask(slot_key(url), visit.now):
            visit.fail(_HOST_WAITS, Fetched(url=url))
            return None
        page, host = await self._fetch(url, visit.source, visit.now, headers)
        visit.note(page)
        if host is not None:
            visit.hosts[host.host] = host
        return page

    async def _fetch(
        self,
        url: str,
        source: SourceConfig,
        now: datetime,
        headers: dict[str, str] | None = None,
    ) -> tuple[Fetched, HostState | None]:
        """Fetch a URL; tell the host book and the outage guard. The state is one to be written."""
        before = self.hosts.get(slot_key(url))
        least_s = pace_s(before, source.fetch.concurrency)
        page = await self.downloader.fetch(url, source, now, headers, least_delay_s=least_s)
        answer = _answer_of(before.host, page, now)
        if is_unreachable(answer):
            if self.guard.note_silence(before, now):
                return page, None  # it is us: nothing is held against the host
        elif answer.status is not None:
            self.guard.note_answer(before.host, now)
        return page, self.hosts.note(answer)

    async def _read_page(self, page: Fetched, visit: Visit) -> Parsed:
        parsed = await _read(
            self.parsing.call(
                read_page,
                page.body,
                page.url,
                page.charset,
                visit.source,
                visit.now,
                history=visit.state.last_ok_at is None,
            ),
            page.url,
        )
        return Parsed(failure=parsed) if isinstance(parsed, Failure) else parsed

    async def _read_link(
        self, page: Fetched, source: SourceConfig, link: DetailLink, now: datetime
    ) -> LinkParsed:
        parsed = await _read(
            self.parsing.call(
                read_link,
                page.body,
                page.url,
                page.charset,
                source,
                link,
                now=now,
                names=self.names,
            ),
            page.url,
        )
        return LinkParsed(failure=parsed) if isinstance(parsed, Failure) else parsed


async def _read(reading: Awaitable[T], url: str) -> T | Failure:
    """Await a page's parsing. Whatever goes wrong in it costs this page (a process edge).

    Errors: ParserAbsentError, which is no page's fault.
    """
    try:
        return await reading
    except ParserAbsentError:
        raise
    except ParseDiedError as error:
        log.warning("page outcome=unreadable url=%s reason=%s", url, error)
        why = str(error)
    except Exception as error:
        log.exception("page outcome=error url=%s", url)
        why = f"{type(error).__name__}: {error}"[:200]
    return Failure(cause=FetchCause.UNREADABLE, text=f"页面无法解析，已放弃（{why}）")


def _end_of(
    failure: Failure | None, status: int | None, link: DetailLink
) -> Literal["done", "retry", "dead"]:
    """Say what becomes of a link whose page was asked for."""
    if failure is None:
        return "done"
    if failure.cause in _DEAD_AT_ONCE:
        return "dead"
    if failure.cause is FetchCause.SERVER and status is None:
        return "retry"  # nobody was at home: that says nothing about the page
    is_spent = link.attempts >= MAX_ATTEMPTS
    return "dead" if failure.cause in _PAGE_TROUBLE and is_spent else "retry"


def _part(visit: Visit, number: int) -> PollResult:
    """Return what a part of a backfill came to; a page that could not be had is no poll's failure.

    Its cursor goes: the pages of the night say nothing about where the next poll begins.
    """
    result = visit.result(keep_pages=False)
    trouble = f"，此后未能继续：{result.failure.text}" if result.failure else ""
    event = replace(
        result.event, text=f"夜间补读，至第 {number} 页{trouble}", kind="backfill", gap=False
    )
    return replace(result, event=event, cursor=None, gap=False)


def _answer_of(host: str, page: Fetched, now: datetime) -> HostAnswer:
    failure = page.failure
    return HostAnswer(
        host=host,
        at=now,
        status=page.status,
        cause=failure.cause if failure else FetchCause.NONE,
        retry_after_s=failure.retry_after_s if failure else None,
        latency_ms=page.latency_ms,
        crawl_delay_s=page.crawl_delay_s,
    )


def _validators(known: Sequence[str]) -> dict[str, str]:
    names = ("If-None-Match", "If-Modified-Since")
    return {name: value for name, value in zip(names, known, strict=False) if value}
