"""The crawler's frontier on the store: what a poll found and what it means, in one transaction."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crawlers.frontier import DETAIL_LEASE_S, DetailResult, Mark, PollResult
from groundswell.clock import Clock
from groundswell.pipeline import Journey
from storage.records import (
    DetailLink,
    HostState,
    Outcome,
    RawMention,
    SourceId,
    SourceState,
)
from storage.sources import find_hosts, read_marks, waiting_sources
from storage.store import Store, Transaction

log = logging.getLogger(__name__)

_NEW = (Outcome.KEPT, Outcome.REVISED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFrontier:
    """Commits what crawlers bring; satisfies crawlers.frontier.Frontier."""

    store: Store
    journey: Journey
    clock: Clock

    def state(self, source_id: SourceId) -> SourceState:
        """Return what is remembered of a source."""
        with self.store.read() as queries:
            return queries.source(source_id) or SourceState(source_id=source_id)

    def remembered(self) -> Sequence[SourceState]:
        """Return what is remembered of all sources."""
        with self.store.read() as queries:
            return queries.sources()

    def marks(self) -> Mapping[SourceId, Mark]:
        """Return when each source is due next, and the digest of the rules in charge."""
        with self.store.look() as connection:
            return read_marks(connection)

    def hosts(self, names: Collection[str]) -> Sequence[HostState]:
        """Return what is remembered of hosts."""
        with self.store.look() as connection:
            return find_hosts(connection, names)

    def waiting(self, now: datetime) -> Collection[SourceId]:
        """Return the sources that have links to be fetched now."""
        with self.store.look() as connection:
            return waiting_sources(connection, now)

    def commit_polls(self, results: Sequence[PollResult]) -> Sequence[int]:
        """Store what some polls brought: mentions, links, states, events and pages together."""
        now = self.clock.now()
        with self.store.transaction() as tx:
            mentions = self._keep(tx, [result.raws for result in results], now)
            links = [tx.add_links(result.links, now) if result.links else 0 for result in results]
            tx.save_polled(
                [(result.state, new) for result, new in zip(results, mentions, strict=True)]
            )
            news = [sum(pair) for pair in zip(mentions, links, strict=True)]
            tx.add_fetch_events(
                [
                    replace(result.event, new_items=new)
                    for result, new in zip(results, news, strict=True)
                ]
            )
            tx.save_hosts([host for result in results for host in result.hosts])
            for result in results:
                self._keep_besides(tx, result, now)
        for result, new, added in zip(results, mentions, links, strict=True):
            _log_poll(result, new, added)
        return news

    def claim_details(self, source_id: SourceId, limit: int, now: datetime) -> Sequence[DetailLink]:
        """Lease links that wait to be fetched."""
        with self.store.transaction() as tx:
            return tx.claim_links(source_id, limit, now, DETAIL_LEASE_S)

    def commit_details(self, done: Sequence[tuple[DetailLink, DetailResult]]) -> None:
        """Store the mentions of some detail pages and end (or free) their links together."""
        now = self.clock.now()
        with self.store.transaction() as tx:
            news = [0] * len(done)
            for reread in (False, True):
                those = [
                    n for n, (link, _) in enumerate(done) if (link.kind == "figures") is reread
                ]
                kept = self._keep(tx, [done[n][1].raws for n in those], now, reread=reread)
                for n, new in zip(those, kept, strict=True):
                    news[n] = new
            events = [
                replace(result.event, new_items=new)
                for (_, result), new in zip(done, news, strict=True)
                if result.event is not None
            ]
            tx.add_fetch_events(events)
            brought: Counter[SourceId] = Counter()
            for (link, result), new in zip(done, news, strict=True):
                brought[link.source_id] += new
                self._end(tx, link, result, now)
            for source_id, new in (+brought).items():
                tx.add_items(source_id, new, now)
            tx.save_hosts([host for _, result in done for host in result.hosts])
        for link, result in done:
            log.info(
                "detail source=%s state=%s reason=%s", link.source_id, result.state, result.reason
            )

    def _end(self, tx: Transaction, link: DetailLink, result: DetailResult, now: datetime) -> None:
        """End or free one link, with what it leaves behind besides mentions."""
        if result.links:
            tx.add_links(result.links, now)
        tx.finish_link(
            link.url_hash,
            result.state,
            result.reason,
            again_at=result.again_at,
            asked=result.event is not None,
        )
        if result.gone:
            tx.mark_gone(link.url, now, item_key=str(link.listed.get("item_key", "")))
        lost = {Outcome.QUARANTINED: result.state == "dead"}
        _count(tx, link.source_id, lost | {Outcome.OUT_OF_SCOPE: result.out_of_scope}, now)
        if result.page is not None:
            page = result.page
            tx.save_page(link.source_id, page.kind, page.url, page.body, page.at)

    def _keep_besides(self, tx: Transaction, result: PollResult, now: datetime) -> None:
        """Store what few polls bring: lines of hot lists, unreadable items, a page to look at."""
        source_id = result.state.source_id
        if result.hot:
            tx.save_hot(result.hot, now)
        left = {Outcome.UNREADABLE: result.unreadable, Outcome.OUT_OF_SCOPE: result.out_of_scope}
        _count(tx, source_id, left, now)
        if result.page is not None:
            page = result.page
            tx.save_page(source_id, page.kind, page.url, page.body, page.at)

    def _keep(
        self,
        tx: Transaction,
        groups: Sequence[Sequence[RawMention]],
        now: datetime,
        *,
        reread: bool = False,
    ) -> list[int]:
        """Keep groups of raw mentions in one go; return how many of each were new or changed."""
        owners = [n for n, group in enumerate(groups) for _ in group]
        raws = [raw for group in groups for raw in group]
        news = [0] * len(groups)
        if not raws:
            return news
        kept = self.journey.keep_each(tx, raws, now, reread=reread)
        for n, (outcome, _) in zip(owners, kept, strict=True):
            news[n] += outcome in _NEW
        return news


def _count(
    tx: Transaction, source_id: SourceId, left: Mapping[Outcome, int], now: datetime
) -> None:
    counts = {("keep", source_id, str(outcome)): int(n) for outcome, n in left.items() if n}
    if counts:
        tx.count(counts, now)


def _log_poll(result: PollResult, new: int, links: int) -> None:
    for problem in result.problems:
        log.debug("item source=%s problem=%s", result.state.source_id, problem)
    log.info(
        "poll source=%s outcome=%s items=%s new=%s links=%s",
        result.state.source_id,
        result.event.outcome,
        result.event.items,
        new,
        links,
    )
