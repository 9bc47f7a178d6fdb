"""The collector: polls what is due, follows details through the frontier, commits both.

One asyncio loop, one Scrapy crawler, one pass per source at a time. A pass is a process edge: what
goes wrong in it is logged with its traceback and touches no other source.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from config.errors import GroundswellError
from config.schema import Settings, SourceConfig
from crawlers.canonical import slot_key
from crawlers.downloader import Downloader
from crawlers.frontier import DETAIL_LEASE_S, DetailResult, Frontier, PollResult
from crawlers.health import after_details, reset_if_edited
from crawlers.parsing import ParsingChild
from crawlers.polls import Poller
from crawlers.readers import has_links, starts
from crawlers.schedule import is_due
from storage.records import DetailLink, FetchCause, SourceId, SourceState

if TYPE_CHECKING:
    from crawlers.guards import Resolve

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_HOSTS = 64  # asked at once: each may hold a socket, and 1,024 is what a process usually gets
# Details of one source are fetched for so long, then others of the same host have their turn.
PASS_BUDGET_S = 60.0
_GIVE_UP_AFTER = 3  # details in a row that failed: the site is down, not the page
# The site asks us to go away: no more requests in this pass.
_STOPS_PASS = {FetchCause.BLOCKED, FetchCause.LOGIN, FetchCause.CAPTCHA, FetchCause.NETWORK}


class Clock(Protocol):
    """Says what time it is for schedules; politeness and limits always take real time."""

    def now(self) -> datetime:
        """Return an aware instant in UTC."""


class Collector:
    """Collects from many sources. At most one runs per process (it owns the reactor's resolver).

    `worker` is the thread in which the frontier is called and `parsing` the child in which pages
    are parsed; the collector makes and ends its own where none is given. `resolve` replaces the
    system's name resolver.
    """

    def __init__(
        self,
        sources: Sequence[SourceConfig],
        settings: Settings,
        frontier: Frontier,
        clock: Clock,
        *,
        worker: Executor | None = None,
        parsing: ParsingChild | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._sources = {SourceId(source.id): source for source in sources}
        self._frontier = frontier
        self._clock = clock
        self._downloader = Downloader(settings, resolve=resolve)
        self._own_parsing = ParsingChild() if parsing is None else None
        self._own_worker = ThreadPoolExecutor(1, "frontier") if worker is None else None
        self._worker = worker or self._own_worker
        child = parsing or self._own_parsing
        assert child is not None
        self._poller = Poller(self._downloader, child, keep_pages=settings.raw_page_days > 0)
        self._states: dict[SourceId, SourceState] = {}
        self._passes: dict[SourceId, asyncio.Task[None]] = {}
        # Sources that may have detail pages waiting; after a restart that is all of them.
        self._unfinished = {
            source_id for source_id, source in self._sources.items() if has_links(source)
        }
        self._hosts: dict[str, asyncio.Lock] = {}
        self._turns = asyncio.Semaphore(MAX_HOSTS)

    async def start(self) -> None:
        """Start the crawler on the running loop. Errors: GroundswellError (see Downloader)."""
        await self._downloader.start()

    async def stop(self) -> None:
        """Give up what is under way (it is in the frontier) and free everything."""
        passes = list(self._passes.values())
        for task in passes:
            task.cancel()
        await asyncio.gather(*passes, return_exceptions=True)
        await self._downloader.stop()
        if self._own_parsing is not None:
            await self._own_parsing.close()
        if self._own_worker is not None:
            await asyncio.to_thread(self._own_worker.shutdown)

    async def poll_due(self, *, wait: bool = True) -> int:
        """Start a pass for every source that is due and not under way; return how many.

        With `wait` it returns when those passes have ended. A scheduler that ticks should not wait,
        so that one slow host does not hold up the next tick; `drain` waits for all of them.
        """
        now = self._clock.now()
        started = []
        for source_id, source in self._sources.items():
            if source_id in self._passes or not source.enabled:
                continue
            state = self._states.get(source_id)
            if state is None:
                state = self._states[source_id] = await self._remembered(source)
            due = is_due(state, source, now)
            if due or source_id in self._unfinished:
                started.append(self._begin(source, poll=due))
        if wait:
            await asyncio.gather(*started)
        return len(started)

    async def poll(self, source_id: SourceId) -> SourceState:
        """Poll one source now, due or not, with its details; return its state afterwards.

        Errors: GroundswellError when there is no such source.
        """
        source = self._sources.get(source_id)
        if source is None:
            raise GroundswellError(f'polling: there is no source "{source_id}"')
        while source_id in self._passes:
            await asyncio.wait({self._passes[source_id]})
        self._states[source_id] = await self._remembered(source)
        await self._begin(source, poll=True)
        return self._states[source_id]

    async def drain(self) -> None:
        """Wait until no pass is under way."""
        while self._passes:
            await asyncio.wait(set(self._passes.values()))

    def _begin(self, source: SourceConfig, *, poll: bool) -> asyncio.Task[None]:
        source_id = SourceId(source.id)
        task = asyncio.create_task(self._pass(source, poll=poll), name=f"pass {source_id}")
        self._passes[source_id] = task
        task.add_done_callback(lambda _: self._passes.pop(source_id, None))
        return task

    async def _remembered(self, source: SourceConfig) -> SourceState:
        state = await self._stored(self._frontier.state, SourceId(source.id))
        return reset_if_edited(state, source)

    async def _stored(self, call: Callable[..., T], *args: Any) -> T:
        """Call the frontier in its thread. A commit under way is finished even when cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, call, *args)

    async def _pass(self, source: SourceConfig, *, poll: bool) -> None:
        """Poll one source and fetch its details: the process edge of the collect stage."""
        source_id = SourceId(source.id)
        async with self._lock_of(source), self._turns:
            try:
                if poll:
                    await self._poll(source)
                if has_links(source):
                    await self._details(source)
            except Exception:
                log.exception("pass outcome=error source=%s", source_id)
                # Nothing was committed, so all of it is done again, but not in a tight circle.
                again_at = self._clock.now() + source.schedule.min
                self._states[source_id] = replace(self._states[source_id], next_poll_at=again_at)
                self._unfinished.discard(source_id)

    def _lock_of(self, source: SourceConfig) -> asyncio.Lock:
        return self._hosts.setdefault(slot_key(starts(source)[0]), asyncio.Lock())

    async def _poll(self, source: SourceConfig) -> None:
        source_id = SourceId(source.id)
        result = await self._poller.poll(source, self._states[source_id], self._clock.now())
        await self._stored(self._frontier.commit_poll, result)
        # The frontier has counted what was new; its state is the true one.
        self._states[source_id] = await self._stored(self._frontier.state, source_id)
        if has_links(source):
            self._unfinished.add(source_id)

    async def _details(self, source: SourceConfig) -> None:
        """Fetch claimed details until none waits, the budget is spent or the site is down."""
        source_id = SourceId(source.id)
        ends_at = time.monotonic() + PASS_BUDGET_S
        results: dict[str, tuple[DetailLink, DetailResult]] = {}
        while time.monotonic() < ends_at:
            links = await self._stored(
                self._frontier.claim_details, source_id, batch_size(source), self._clock.now()
            )
            fresh = [link for link in links if link.url_hash not in results]
            before = len(results)
            await self._fetch_all(source, fresh, results)
            lately = [result for _, result in list(results.values())[before:]]
            if not fresh or _site_is_down(lately):
                self._unfinished.discard(source_id)
                break
        # Only now are they free to be claimed again: not twice in one pass.
        for link, result in results.values():
            if result.state == "retry":
                await self._stored(self._frontier.commit_detail, link, result)
        await self._judge_details(source_id, [result for _, result in results.values()])

    async def _fetch_all(
        self,
        source: SourceConfig,
        links: Sequence[DetailLink],
        results: dict[str, tuple[DetailLink, DetailResult]],
    ) -> None:
        """Fetch a batch into `results`; what has come to its end is committed at once."""
        waiting = list(reversed(links))

        async def take_turns() -> None:
            while waiting:
                link = waiting.pop()
                result = await self._poller.detail(source, link, self._clock.now())
                if result.state != "retry":
                    await self._stored(self._frontier.commit_detail, link, result)
                results[link.url_hash] = (link, result)
                if _ends_pass(result):
                    waiting.clear()

        async with asyncio.TaskGroup() as group:
            for _ in range(source.fetch.concurrency):
                group.create_task(take_turns())

    async def _judge_details(self, source_id: SourceId, results: Sequence[DetailResult]) -> None:
        """Let the health say so when a list is fine but none of its details could be read."""
        failures = [result.failure for result in results if result.failure is not None]
        if len(failures) < max(len(results), _GIVE_UP_AFTER):
            return
        state = after_details(self._states[source_id], failures[-1])
        text = f"{len(results)} 个详情页都没有读到：{failures[-1].text}"
        event = replace(results[-1].event, text=text)
        await self._stored(self._frontier.commit_poll, PollResult(state=state, event=event))
        self._states[source_id] = state


def batch_size(source: SourceConfig) -> int:
    """Return how many details to lease at once: no more than half a lease's time can fetch."""
    seconds = max(source.fetch.rate, 0.01)
    return max(1, min(20, int(DETAIL_LEASE_S / 2 / seconds)))


def _ends_pass(result: DetailResult) -> bool:
    return result.failure is not None and result.failure.cause in _STOPS_PASS


def _site_is_down(results: Sequence[DetailResult]) -> bool:
    """Return whether the last details say that more of them would bring nothing now."""
    if any(_ends_pass(result) for result in results):
        return True
    last = results[-_GIVE_UP_AFTER:]
    return len(last) == _GIVE_UP_AFTER and all(result.failure for result in last)
