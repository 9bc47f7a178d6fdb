"""The collector: starts a pass over every source that is due, spares hosts that ask for it.

One asyncio loop, one Scrapy crawler, one pass per source at a time. A pass is a process edge: what
goes wrong in it is logged with its traceback and touches no other source.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from config.errors import GroundswellError
from config.schema import Settings, SourceConfig
from crawlers.canonical import slot_key
from crawlers.commits import Committer
from crawlers.downloader import Downloader
from crawlers.frontier import Frontier
from crawlers.hosts import Hosts
from crawlers.outage import PROBES, OutageGuard, silent_hosts
from crawlers.parsing import ParsingPool
from crawlers.passes import Passes
from crawlers.polls import Poller
from crawlers.readers import first_page, starts
from crawlers.schedule import is_due
from crawlers.trial import Trial, try_live
from storage.records import SourceId, SourceState

if TYPE_CHECKING:
    from crawlers.guards import Resolve

log = logging.getLogger(__name__)

_FEWEST_HOSTS, _MOST_HOSTS = 64, 1000
_SPARE_FILES = 128  # for the database, the console, pipes to children
_FILES_PER_HOST = 2  # a connection, and another while one is being closed or redirected
_BACKFILLS = 8  # walked side by side: they are never urgent
# How often the store is asked for links that have become due (visits of threads, figures) and for
# sources that somebody has changed (poll now, take these rules).
_LOOK = timedelta(seconds=15)


class Clock(Protocol):
    """Says what time it is for schedules; politeness and limits always take real time."""

    def now(self) -> datetime:
        """Return an aware instant in UTC."""


class Collector:
    """Collects from many sources. At most one runs per process (it owns the reactor's resolver).

    `worker` is the thread in which the frontier is called and `parsing` the children in which pages
    are parsed; the collector makes and ends its own where none is given. `resolve` replaces the
    system's name resolver. `names` are the words that stand for the watched brands: pages without
    any of them are read the cheap way.
    """

    def __init__(
        self,
        sources: Sequence[SourceConfig],
        settings: Settings,
        frontier: Frontier,
        clock: Clock,
        *,
        worker: Executor | None = None,
        parsing: ParsingPool | None = None,
        resolve: Resolve | None = None,
        names: Sequence[str] = (),
    ) -> None:
        self._sources = {SourceId(source.id): source for source in sources}
        self._hosts_of = {
            source_id: hosts_of(source) for source_id, source in self._sources.items()
        }
        self._frontier = frontier
        self._clock = clock
        self._downloader = Downloader(settings, resolve=resolve)
        self._own_parsing = ParsingPool() if parsing is None else None
        self._own_worker = ThreadPoolExecutor(1, "frontier") if worker is None else None
        executor = worker or self._own_worker
        pool = parsing or self._own_parsing
        assert executor is not None
        assert pool is not None
        self._parsing = pool
        self._hosts = Hosts(longest=_longest_waits(sources, self._hosts_of))
        self._guard = OutageGuard()
        self._committer = Committer(frontier, executor)
        poller = Poller(
            downloader=self._downloader,
            parsing=pool,
            hosts=self._hosts,
            guard=self._guard,
            keep_pages=settings.raw_page_days > 0,
            names=tuple(name.lower() for name in names),
        )
        self._work = Passes(
            poller=poller,
            committer=self._committer,
            hosts=self._hosts,
            guard=self._guard,
            now=clock.now,
        )
        self._passes: dict[SourceId, asyncio.Task[None]] = {}
        self._backfills: dict[SourceId, asyncio.Task[None]] = {}
        self._host_locks: dict[str, asyncio.Lock] = {}
        self._turns = asyncio.Semaphore(max_hosts())
        self._backfill_turns = asyncio.Semaphore(_BACKFILLS)
        self._looking = asyncio.Lock()  # one at a time looks for what is to be done
        self._is_stopping = False
        self._hosts_known = False
        self._looked_at: datetime | None = None

    async def start(self) -> None:
        """Start the crawler on the running loop. Errors: GroundswellError (see Downloader)."""
        await self._downloader.start()

    async def stop(self) -> None:
        """Give up what is under way (it is in the frontier) and free everything."""
        async with self._looking:  # a tick that is just beginning would begin passes
            self._is_stopping = True
        tasks = [*self._passes.values(), *self._backfills.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._committer.drain()
        await self._downloader.stop()
        if self._own_parsing is not None:
            await self._own_parsing.close()
        if self._own_worker is not None:
            await asyncio.to_thread(self._own_worker.shutdown)

    async def poll_due(self, *, wait: bool = True) -> int:
        """Start a pass for every source that is due and not under way; return how many.

        A source whose host must not be asked yet waits, and so does everybody while our own network
        is down. With `wait` it returns when those passes have ended. A scheduler that ticks should
        not wait, so that one slow host does not hold up the next tick; `drain` waits for all.
        """
        async with self._looking:
            started = [] if self._is_stopping else await self._start_due()
        if wait:
            await asyncio.gather(*started)
            await asyncio.gather(*self._backfills.values())
        return len(started)

    async def _start_due(self) -> list[asyncio.Task[None]]:
        now = self._clock.now()
        await self._prepare(now)
        if self._guard.is_paused(now):
            return []
        ready = [
            (source, due)
            for source_id, source in self._sources.items()
            if source_id not in self._passes and source.enabled
            if (due := is_due(self._work.states[source_id], source, now))
            or source_id in self._work.unfinished
            if all(self._hosts.may_ask(host, now) for host in self._hosts_of[source_id])
        ]
        if self._guard.is_down:
            ready = self._probes(ready)
        return [self._begin(source, poll=due) for source, due in ready]

    async def poll(self, source_id: SourceId) -> SourceState:
        """Poll one source now, due or not, with its details; return its state afterwards.

        A person asked for it, so its host is asked even if it had rather be left alone. Errors:
        GroundswellError when there is no such source.
        """
        source = self._sources.get(source_id)
        if source is None:
            raise GroundswellError(f'polling: there is no source "{source_id}"')
        started = None
        while started is None:
            while source_id in self._passes:
                await asyncio.wait({self._passes[source_id]})
            async with self._looking:
                if source_id not in self._passes:  # a tick may have been quicker
                    started = await self._start_now(source)
        await started
        return self._work.states[source_id]

    async def _start_now(self, source: SourceConfig) -> asyncio.Task[None]:
        await self._prepare(self._clock.now())
        await self._work.reload(source)
        for host in self._hosts_of[SourceId(source.id)]:
            self._hosts.open(host)
        return self._begin(source, poll=True)

    @property
    def parsing(self) -> ParsingPool:
        """The children in which pages are read."""
        return self._parsing

    async def trial(self, source: SourceConfig, url: str | None = None) -> Trial:
        """Try a source live without remembering anything; it need not be one of ours."""
        now = self._clock.now()
        return await try_live(source, self._downloader, now=now, url=url, call=self._parsing.call)

    async def drain(self) -> None:
        """Wait until no pass is under way."""
        while self._passes or self._backfills:
            await asyncio.wait({*self._passes.values(), *self._backfills.values()})

    async def _prepare(self, now: datetime) -> None:
        """Load what is remembered of hosts, once, and look for what has changed in the store."""
        if not self._hosts_known:
            names = {host for hosts in self._hosts_of.values() for host in hosts}
            self._hosts.load(await self._committer.ask(self._frontier.hosts, names))
            self._hosts_known = True
        if self._looked_at is None or not now - _LOOK < self._looked_at <= now:
            self._looked_at = now
            await self._work.refresh({*self._passes, *self._backfills})
            waiting = await self._committer.ask(self._frontier.waiting, now)
            self._work.unfinished.update(waiting)
        enabled = [source for source in self._sources.values() if source.enabled]
        await self._work.load(enabled)

    def _probes(
        self, ready: Sequence[tuple[SourceConfig, bool]]
    ) -> list[tuple[SourceConfig, bool]]:
        """Choose the few polls that show whether our network is back: one per host, no details."""
        if self._passes:
            return []  # the answers of the last ones are still awaited
        silent = silent_hosts(self._guard.outage)
        by_host: dict[str, SourceConfig] = {}
        for source, due in ready:
            if due:
                by_host.setdefault(self._host_of(source), source)
        ordered = sorted(by_host, key=lambda host: host in silent)
        return [(by_host[host], True) for host in ordered[:PROBES]]

    def _begin(self, source: SourceConfig, *, poll: bool) -> asyncio.Task[None]:
        return self._run(
            self._passes, source, self._pass(source, poll=poll, probe=self._guard.is_down)
        )

    def _run(
        self,
        tasks: dict[SourceId, asyncio.Task[None]],
        source: SourceConfig,
        work: Coroutine[Any, Any, None],
    ) -> asyncio.Task[None]:
        source_id = SourceId(source.id)
        task = asyncio.create_task(work, name=f"pass {source_id}")
        tasks[source_id] = task
        task.add_done_callback(lambda _: tasks.pop(source_id, None))
        return task

    async def _pass(self, source: SourceConfig, *, poll: bool, probe: bool) -> None:
        """Poll one source and fetch its details: the process edge of the collect stage."""
        source_id = SourceId(source.id)
        async with self._lock_of(source), self._turns:
            if not self._may_go(source_id, probe=probe):
                return
            try:
                if poll:
                    await self._work.poll(source)
                if source_id in self._work.unfinished and not self._guard.is_down:
                    await self._work.details(source)
            except Exception:
                log.exception("pass outcome=error source=%s", source_id)
                # Nothing was committed, so all of it is done again, but not in a tight circle.
                again_at = self._clock.now() + source.schedule.min
                states = self._work.states
                states[source_id] = replace(states[source_id], next_poll_at=again_at)
                self._work.unfinished.discard(source_id)
        if source_id not in self._backfills and self._work.wants_backfill(source):
            self._run(self._backfills, source, self._backfill(source))

    def _may_go(self, source_id: SourceId, *, probe: bool) -> bool:
        """Return whether a pass may still go: while it waited its host may have closed."""
        now = self._clock.now()
        if self._guard.is_down and not probe:
            return False
        return all(self._hosts.may_ask(host, now) for host in self._hosts_of[source_id])

    async def _backfill(self, source: SourceConfig) -> None:
        """Walk older pages beside the passes, as fast as the host's pace allows."""
        async with self._backfill_turns:
            try:
                await self._work.backfill(source)
            except Exception:
                log.exception("backfill outcome=error source=%s", source.id)

    def _lock_of(self, source: SourceConfig) -> asyncio.Lock:
        return self._host_locks.setdefault(self._host_of(source), asyncio.Lock())

    def _host_of(self, source: SourceConfig) -> str:
        return next(iter(self._hosts_of[SourceId(source.id)]), source.id)


def hosts_of(source: SourceConfig) -> tuple[str, ...]:
    """Return the hosts that a poll of a source begins at, the first one first."""
    return tuple(dict.fromkeys(slot_key(first_page(source, start)) for start in starts(source)))


def max_hosts() -> int:
    """Return how many hosts may be asked at once: as many as the process may open sockets for.

    Hundreds of hosts that take half a minute each then hold up nobody.
    """
    try:
        import resource
    except ImportError:  # Windows counts differently; select() takes 512 sockets there
        return _FEWEST_HOSTS
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return _MOST_HOSTS
    return max(_FEWEST_HOSTS, min(_MOST_HOSTS, (files - _SPARE_FILES) // _FILES_PER_HOST))


def _longest_waits(
    sources: Sequence[SourceConfig], hosts: dict[SourceId, tuple[str, ...]]
) -> dict[str, timedelta]:
    """Return per host how long its least patient source may wait for it."""
    longest: dict[str, timedelta] = {}
    for source in sources:
        for host in hosts[SourceId(source.id)]:
            longest[host] = min(longest.get(host, timedelta.max), source.schedule.max)
    return longest
