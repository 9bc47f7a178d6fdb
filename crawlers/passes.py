"""One pass over one source: poll it, fetch what its links lead to, remember both.

What goes wrong at the site is in the results; what is raised here is a mistake of ours or the
store's, and the collector, whose process edge a pass is, logs it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from config.schema import SourceConfig
from crawlers import changeover
from crawlers.canonical import slot_key
from crawlers.commits import Committer
from crawlers.detail_health import judge_details
from crawlers.frontier import DETAIL_LEASE_S, DetailResult, Mark, PollResult, mark_of
from crawlers.hosts import MAX_CRAWL_DELAY_S, Hosts, pace_s
from crawlers.outage import OutageGuard, spared
from crawlers.polls import Poller
from crawlers.readers import first_page, starts
from crawlers.schedule import backfill_due
from storage.records import (
    DetailLink,
    FetchCause,
    FetchEvent,
    HostState,
    SourceId,
    SourceState,
)

log = logging.getLogger(__name__)

# Details of one source are fetched for so long, then others of the same host have their turn.
PASS_BUDGET_S = 60.0
_GIVE_UP_AFTER = 3  # details in a row that failed: the site is down, not the page
_MAX_BATCH = 20
_FEW = 8  # states are read one by one; more of them together
# The site asks us to go away: no more requests in this pass.
_STOPS_PASS = {FetchCause.BLOCKED, FetchCause.LOGIN, FetchCause.CAPTCHA, FetchCause.NETWORK}
# Silence may be ours: what the guard against outages looks at.
_SILENCE = {FetchCause.NETWORK, FetchCause.SERVER, FetchCause.SLOW}

Done = dict[str, tuple[DetailLink, DetailResult]]  # by url hash


@dataclass(slots=True)
class Passes:
    """Carries passes out and knows the states of all sources.

    `unfinished` are the sources that may have links to be fetched.
    """

    poller: Poller
    committer: Committer
    hosts: Hosts
    guard: OutageGuard
    now: Callable[[], datetime]
    states: dict[SourceId, SourceState] = field(default_factory=dict)
    unfinished: set[SourceId] = field(default_factory=set)
    _marks: dict[SourceId, Mark] = field(default_factory=dict)  # of what is stored
    _touched: set[SourceId] = field(default_factory=set)  # changed by somebody else, to be read
    _writing: dict[SourceId, asyncio.Lock] = field(default_factory=dict)

    async def load(self, sources: Collection[SourceConfig]) -> None:
        """Read the states of sources that are not known yet."""
        missing = [source for source in sources if source.id not in self.states]
        await self._reread_hosts([source for source in missing if source.id in self._touched])
        if len(missing) <= _FEW:
            for source in missing:
                await self.reload(source)
            return
        stored = await self.committer.ask(self.committer.frontier.remembered)
        known = {state.source_id: state for state in stored}
        for source in missing:
            fresh = SourceState(source_id=SourceId(source.id))
            self._take(known.get(fresh.source_id, fresh), source)

    async def _reread_hosts(self, sources: Collection[SourceConfig]) -> None:
        """Read what is stored of the hosts of sources that were changed: they may be open again."""
        self._touched.clear()
        names = {slot_key(first_page(one, start)) for one in sources for start in starts(one)}
        if names:
            self.hosts.load(await self.committer.ask(self.committer.frontier.hosts, names))

    async def reload(self, source: SourceConfig) -> None:
        """Read a source's state anew."""
        stored = await self.committer.ask(self.committer.frontier.state, SourceId(source.id))
        self._take(stored, source)

    def _take(self, stored: SourceState, source: SourceConfig) -> None:
        """Take a stored state over; changed rules begin their trial here."""
        self._marks[stored.source_id] = mark_of(stored)
        self.states[stored.source_id] = changeover.begin(stored, source, self.now())

    async def refresh(self, busy: Collection[SourceId]) -> None:
        """Forget the states of sources that somebody else has changed, unless a pass has them."""
        stored = await self.committer.ask(self.committer.frontier.marks)
        for source_id, mark in stored.items():
            if source_id not in busy and self._marks.get(source_id, mark) != mark:
                self.states.pop(source_id, None)
                self._touched.add(source_id)

    # --- polls -------------------------------------------------------------------------------

    async def poll(self, source: SourceConfig) -> None:
        """Poll a source and commit what came; while a change is on trial, poll both versions."""
        source_id, now = SourceId(source.id), self.now()
        before = self.states[source_id]
        result = await self.poller.poll(changeover.in_charge(before, source), before, now)
        if changeover.trying(before, source):
            tried = await self._tried(source, before, now)
            state = changeover.judge(result.state, result, tried, source, now)
            result = replace(result, state=state)
        if _met_silence(result):
            if self.guard.is_down:
                await self._spare(before, result.event, now)
                return
            self.guard.suspect(before, now)
        else:
            self.guard.clear(source_id)
        await self._commit(result)
        if result.links:
            self.unfinished.add(source_id)

    async def _tried(self, source: SourceConfig, before: SourceState, now: datetime) -> PollResult:
        """Poll with the changed rules, and read one page behind the list with both versions."""
        tried = await self.poller.poll(source, changeover.unbiased(before), now)
        if tried.failure is not None or not tried.links:
            return tried
        link = tried.links[len(before.trial["rounds"]) % len(tried.links)]
        old = await self.poller.detail(changeover.in_charge(before, source), link, now)
        return changeover.with_detail(tried, old, await self.poller.detail(source, link, now))

    async def backfill(self, source: SourceConfig) -> None:
        """Walk the pages behind the first ones, committing them part by part."""
        source_id = SourceId(source.id)
        began_at, last = self.now(), None
        rules = changeover.in_charge(self.states[source_id], source)
        async for part in self.poller.backfill(rules, self.states[source_id], self.now):
            if part.links:
                self.unfinished.add(source_id)
            if last is not None:
                await self._commit_part(last)
            last = part
            if part.failure is not None or self.guard.is_down:
                break
        if last is not None:  # that the night's work is done is written with the last of it
            is_done = last.failure is None or last.items > 0
            await self._commit_part(last, done_at=began_at if is_done else None)

    def wants_backfill(self, source: SourceConfig) -> bool:
        """Return whether the pages behind the first ones are due to be walked."""
        state = self.states[SourceId(source.id)]
        return not self.guard.is_down and backfill_due(state, source, self.now())

    async def _commit(self, result: PollResult) -> None:
        """Write a poll and its state."""
        source_id = result.state.source_id
        async with self._lock_of(source_id):
            # A backfill runs beside the polls and says by itself when it was done.
            walked_at = self.states[source_id].last_backfill_at
            state = replace(result.state, last_backfill_at=walked_at)
            await self._write(replace(result, state=state))

    async def _commit_part(self, part: PollResult, *, done_at: datetime | None = None) -> None:
        """Write what a backfill brought; the state is the one that the polls have got to."""
        source_id = part.state.source_id
        async with self._lock_of(source_id):
            state = self.states[source_id]
            state = replace(state, last_backfill_at=done_at or state.last_backfill_at)
            await self._write(replace(part, state=state))

    async def _write(self, result: PollResult) -> None:
        state = result.state
        await self.committer.poll(result)
        self.states[state.source_id] = state
        self._marks[state.source_id] = mark_of(state)

    async def _spare(self, before: SourceState, event: FetchEvent, now: datetime) -> None:
        """Our own network is down: count nothing, and take back what was counted just before."""
        sources, hosts = self.guard.take_back(now)
        self.hosts.restore(hosts)
        await self._write_spared(before, event, now, hosts)
        for state in sources:
            if state.source_id != before.source_id:
                late = replace(event, source_id=state.source_id, url="")
                await self._write_spared(state, late, now, ())

    async def _write_spared(
        self,
        before: SourceState,
        event: FetchEvent,
        now: datetime,
        hosts: Sequence[HostState],
    ) -> None:
        state = spared(before, now)
        event = replace(event, outcome=FetchCause.NETWORK.value, text=state.cause_text)
        await self._commit(PollResult(state=state, event=event, hosts=tuple(hosts)))

    def _lock_of(self, source_id: SourceId) -> asyncio.Lock:
        return self._writing.setdefault(source_id, asyncio.Lock())

    # --- details -----------------------------------------------------------------------------

    async def details(self, source: SourceConfig) -> None:
        """Fetch claimed links until none waits, the budget is spent or the site is down."""
        source_id = SourceId(source.id)
        rules = changeover.in_charge(self.states[source_id], source)
        ends_at = time.monotonic() + PASS_BUDGET_S
        results: Done = {}
        while time.monotonic() < ends_at and not self.guard.is_down:
            links = await self.committer.ask(
                self.committer.frontier.claim_details,
                source_id,
                self._batch_size(rules),
                self.now(),
            )
            fresh = [link for link in links if link.url_hash not in results]
            before = len(results)
            await self._fetch_all(rules, fresh, results)
            lately = [result for _, result in list(results.values())[before:]]
            if not fresh or _site_is_down(lately):
                self.unfinished.discard(source_id)
                break
        # Only now are they free to be claimed again: not twice in one pass.
        waiting = [pair for pair in results.values() if pair[1].state == "retry"]
        await asyncio.gather(*(self.committer.detail(*pair) for pair in waiting))
        await self._judge_details(source_id, [result for _, result in results.values()])

    def _batch_size(self, source: SourceConfig) -> int:
        hosts = {slot_key(start) for start in source.start}
        least = max((pace_s(self.hosts.get(host)) for host in hosts), default=0.0)
        return batch_size(max(source.fetch.rate, min(least, MAX_CRAWL_DELAY_S)))

    async def _fetch_all(
        self, source: SourceConfig, links: Sequence[DetailLink], results: Done
    ) -> None:
        """Fetch a batch into `results`; what has come to its end is committed at once."""
        waiting = list(reversed(links))

        async def take_turns() -> None:
            while waiting and not self.guard.is_down:
                link = waiting.pop()
                result = await self.poller.detail(source, link, self.now())
                if result.state != "retry":
                    await self.committer.detail(link, result)
                results[link.url_hash] = (link, result)
                if _ends_pass(result):
                    waiting.clear()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(source.fetch.concurrency, len(links))):
                group.create_task(take_turns())

    async def _judge_details(self, source_id: SourceId, results: Sequence[DetailResult]) -> None:
        """Let the health say so when a list is fine but its details cannot be read any more."""
        events = [result.event for result in results if result.event is not None]
        if not events or self.guard.is_down:
            return
        before = self.states[source_id]
        state = judge_details(before, results)
        if state.learned.get("details") == before.learned.get("details"):
            self.states[source_id] = state  # what was learned is written with the next poll
            return
        text = state.cause_text if state.learned.get("details") else "详情页已恢复"
        await self._commit(PollResult(state=state, event=replace(events[-1], text=text)))


def batch_size(seconds: float) -> int:
    """Return how many details to lease at once: no more than half a lease's time can fetch.

    `seconds` lie between two requests.
    """
    return max(1, min(_MAX_BATCH, int(DETAIL_LEASE_S / 2 / max(seconds, 0.01))))


def _met_silence(result: PollResult) -> bool:
    failure = result.failure
    return failure is not None and failure.cause in _SILENCE and result.event.http_status is None


def _ends_pass(result: DetailResult) -> bool:
    return result.failure is not None and result.failure.cause in _STOPS_PASS


def _site_is_down(results: Sequence[DetailResult]) -> bool:
    """Return whether the last details say that more of them would bring nothing now."""
    if any(_ends_pass(result) for result in results):
        return True
    last = results[-_GIVE_UP_AFTER:]
    return len(last) == _GIVE_UP_AFTER and all(result.state == "retry" for result in last)
