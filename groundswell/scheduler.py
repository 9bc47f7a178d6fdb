"""The main job: one asyncio loop for the crawler, the clock, delivery and the console.

APScheduler only ticks; what is due stands in rows. Stages run in one thread of their own, so that
the loop stays free for fetching and for pages (decisions.md 13, 15, 18).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from alerts.delivery import Courier
from config.errors import GroundswellError
from config.keywords import expanded, names_of
from crawlers.runner import Collector
from groundswell import wiring
from groundswell.collecting import StoreFrontier
from groundswell.digests import Digests
from groundswell.drift import DriftCheck
from groundswell.inbound.listening import Listening
from groundswell.launch_sync import sync_launches
from groundswell.model_upkeep import ModelUpkeep
from groundswell.proposing import Proposer
from groundswell.suggesting import Advisor
from groundswell.topics import TopicMemory
from groundswell.upkeep import Upkeep
from groundswell.watchdog import ENGINE_LEASE as ENGINE_LEASE  # noqa: PLC0414 - callers find it here
from groundswell.watchdog import Watchdog, state_file
from groundswell.wiring import Application

log = logging.getLogger(__name__)

T = TypeVar("T")

_LEASE_S = 20.0
_TICK_S = 1.0  # the safety net's mesh: new work is carried on at latest this much later
_REMIND_S = 5.0  # timers: alerting.md 2.3
_REGRADE_S = 600.0  # sliding windows move in steps of 10 minutes: alerting.md 3.2
_DIGEST_S = 60.0
# Passes of the courier side by side: each of ten channels that hang may hold one (four messages).
_PASSES = 12
_BEAT_S = 60.0  # config: the ping is asked every minute
_UPKEEP_S = 60.0  # sources: what breaks together is told together (groundswell.upkeep)


class MainJob:
    """Collect, carry on, remind, deliver and digest until told to stop."""

    def __init__(self, application: Application, *, rate: float = 1.0) -> None:
        self._application = application
        self._rate = rate  # of the clock: ticks that wait for hours come sooner when time runs fast
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stages")
        self._aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aside")
        self._stopping = asyncio.Event()
        self.is_told_to_end = False  # by a signal
        self._passes: set[asyncio.Task[None]] = set()  # of the courier, under way
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._courier: Courier = wiring.make_courier(application)
        self._digests = Digests(
            store=application.store, project=application.project, links=application.links
        )
        self._upkeep = Upkeep(
            store=application.store,
            project=application.project,
            base_url=application.links.base_url,
        )
        self._model_upkeep = ModelUpkeep(
            store=application.store, project=application.project, models=application.models
        )
        self._drift = DriftCheck(
            application.store, application.project, application.models, self._upkeep
        )
        store = application.store
        self._watchdog = Watchdog(
            application.project, lambda: store, state_file(store.url), inside=True
        )
        self._topics = TopicMemory(store=application.store, project=application.project)
        self._proposer = Proposer(application.store, application.project)
        self._advisor = Advisor(store=application.store, project=application.project)
        self._collector = _make_collector(application)
        self._listening = Listening(
            application.project,
            application.store,
            application.clock,
            application.desk,
            application.links,
        )

    @property
    def collector(self) -> Collector:
        """What collects; the console tries sources with it."""
        return self._collector

    async def run(self, *, console: Callable[[], Awaitable[None]] | None = None) -> None:
        """Run until SIGTERM or SIGINT (or `stop`); what was begun is finished or left whole."""
        self._take_lease()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows; other threads
                loop.add_signal_handler(number, self._end)
        await self._collector.start()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: looking at it again paused gathering by 60 ms
        clock = self._clock()
        clock.start()
        self._listening.start()
        page = asyncio.ensure_future(console()) if console else None
        try:
            await self._stopping.wait()
        finally:
            log.info("stopping")
            gc.unfreeze()
            clock.shutdown(wait=False)
            await self._listening.stop()
            if page is not None:
                page.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await page
            await self._collector.stop()
            if self._passes:  # a message that is being sent gets its answer stored
                await asyncio.wait(self._passes)
            for thread in (self._aside, self._thread):
                await asyncio.get_running_loop().run_in_executor(None, thread.shutdown)
            self._application.store.drop_lease(ENGINE_LEASE, self._holder)

    async def run_once(self) -> None:
        """Poll what is due, carry everything through, send what is due, and end."""
        self._take_lease()
        await self._collector.start()
        try:
            await self._collector.poll_due()
            await self._in_thread(self._application.stages.drain)
            await self._in_thread(self._application.stages.regrade)
            while await self._in_thread(self._application.stages.remind):
                pass  # a second at a time, until nothing is due
            await self._in_thread(self._write_digests)
            await self._in_thread(self._keep_up)
            await self._look_back()
            await self._courier.deliver_due()
        finally:
            await self._collector.stop()
            self._aside.shutdown()
            self._thread.shutdown()
            self._application.store.drop_lease(ENGINE_LEASE, self._holder)

    def stop(self) -> None:
        """Ask the running job to end."""
        self._stopping.set()

    def _end(self) -> None:
        """End for good, even if it is about to start again with changed files."""
        self.is_told_to_end = True
        self._stopping.set()

    def wake(self) -> None:
        """Deliver soon: called from any thread after a commit that may have left messages."""
        with contextlib.suppress(RuntimeError):  # the loop has ended; rows wait for the next start
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._deliver()))

    @functools.cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def _clock(self) -> AsyncIOScheduler:
        """Return the ticking clock; a tick that is late or already running is simply left out."""
        self._loop  # noqa: B018 - bind it here, in the loop's own thread
        clock = AsyncIOScheduler(
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for name, tick, every_s in (
            ("collect", self._collect, _TICK_S),
            ("carry on", self._carry_on, _TICK_S),
            ("deliver", self._deliver, _TICK_S),
            ("remind", self._remind, max(0.5, _REMIND_S / self._rate)),
            ("regrade", self._regrade, max(2.0, _REGRADE_S / self._rate)),
            ("digest", self._digest, max(2.0, _DIGEST_S / self._rate)),
            ("upkeep", self._look_after_sources, max(2.0, _UPKEEP_S / self._rate)),
            ("topics", self._look_back, max(2.0, _UPKEEP_S / self._rate)),
            ("lease", self._renew_lease, _LEASE_S / 4),
            ("heartbeat", self._beat, max(2.0, _BEAT_S / self._rate)),
        ):
            clock.add_job(_guarded, "interval", seconds=every_s, args=(name, tick), id=name)
        return clock

    async def _collect(self) -> None:
        await self._collector.poll_due(wait=False)

    async def _carry_on(self) -> None:
        if await self._in_thread(self._application.stages.drain):
            await self._deliver()

    async def _remind(self) -> None:
        """Carry out all that is due, a second at a time, while messages already leave."""
        while await self._in_thread(self._application.stages.remind):
            await self._deliver()

    async def _regrade(self) -> None:
        if await self._in_thread(self._application.stages.regrade):
            await self._deliver()

    async def _digest(self) -> None:
        if await self._in_thread(self._write_digests):
            await self._deliver()
        await self._in_thread(self._application.stages.purge)

    async def _look_after_sources(self) -> None:
        if await self._in_thread(self._keep_up):
            await self._deliver()

    async def _look_back(self) -> None:
        """Once a day: remember the week's topics, and propose what may be one, where wanted.

        In a thread of its own: both read much, and gathering must not wait for them.
        """
        now = self._application.clock.now()
        for tick in (self._topics.tick, self._proposer.tick, self._advisor.tick):
            await self._loop.run_in_executor(self._aside, tick, now)

    async def _deliver(self) -> None:
        """Begin to send what is due; a provider that hangs does not keep the next ones waiting."""
        if len(self._passes) < _PASSES:
            one = asyncio.ensure_future(_guarded("deliver", self._courier.deliver_due))
            self._passes.add(one)
            one.add_done_callback(self._passes.discard)

    async def _beat(self) -> None:
        """Say it when this job is late or cannot deliver; nothing where nobody is to be told."""
        rules = self._application.project.settings.heartbeat
        if rules.to or rules.ping:
            await self._watchdog.tick(self._application.clock.now())

    async def _renew_lease(self) -> None:
        renewed = await self._in_thread(
            lambda: self._application.store.renew_lease(ENGINE_LEASE, self._holder, _LEASE_S)
        )
        if not renewed:
            log.error("another program took over this database; stopping")
            self.stop()

    def _write_digests(self) -> int:
        return self._digests.write_due(self._application.clock.now())

    def _keep_up(self) -> int:
        """Look after what is due now and then; return messages to the engineers of sources."""
        self._application.stages.revisit()
        self._application.stages.adapt()
        now = self._application.clock.now()
        told = self._upkeep.tell(now) + self._model_upkeep.tell(now)
        return told + self._drift.tick(now)

    def _take_lease(self) -> None:
        if not self._application.store.take_lease(ENGINE_LEASE, self._holder, _LEASE_S):
            raise GroundswellError(
                "another groundswell runs on this database; stop it first, or wait "
                f"{_LEASE_S:.0f} s if it was killed"
            )
        with self._application.store.transaction() as tx:
            tx.free_links()  # of a run that was killed: what it was fetching is fetched again
        application = self._application  # a fresh start is how changed files are taken over
        sync_launches(application.store, application.project, application.clock.now())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._thread, work)


def _make_collector(application: Application) -> Collector:
    """Return the collector of every source, `{keyword}` filled in with the brands' names."""
    project = application.project
    return Collector(
        [expanded(source, project.brands) for source in project.sources],
        project.settings,
        StoreFrontier(
            store=application.store, journey=application.journey, clock=application.clock
        ),
        application.clock,
        names=[name for brand in project.brands for name in names_of(brand)],
    )


async def _guarded(name: str, tick: Callable[[], Awaitable[Any]]) -> None:
    """Run one tick; what goes wrong in it is logged and tried again at the next (process edge)."""
    try:
        await tick()
    except asyncio.CancelledError:  # by the clock when it stops: what is left stands in rows
        log.info("tick=%s left for the next start", name)
    except GroundswellError as error:
        log.error("tick=%s error=%s", name, error)  # noqa: TRY400 - its text says it all
    except Exception:
        log.exception("tick=%s broke", name)
