"""The crawler's frontier on the store: what a poll found and what it means, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crawlers.frontier import DETAIL_LEASE_S, DetailResult, PollResult
from groundswell.clock import Clock
from groundswell.pipeline import Journey
from storage.records import DetailLink, Outcome, RawMention, SourceId, SourceState
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

    def commit_poll(self, result: PollResult) -> int:
        """Store mentions, links, state, event and page of one poll together."""
        now = self.clock.now()
        state, event = result.state, result.event
        with self.store.transaction() as tx:
            new = self._keep(tx, result.raws, now)
            links = tx.add_links(result.links, now)
            known = tx.queries.source(state.source_id)  # detail pages add to the sum meanwhile
            tx.save_source(replace(state, items=(known.items if known else 0) + new))
            tx.add_fetch_event(replace(event, new_items=new + links))
            if result.unreadable:
                lost = {("keep", state.source_id, str(Outcome.UNREADABLE)): result.unreadable}
                tx.count(lost, now)
            if result.page is not None:
                page = result.page
                tx.save_page(state.source_id, page.kind, page.url, page.body, page.at)
        for problem in result.problems:
            log.debug("item source=%s problem=%s", state.source_id, problem)
        log.info(
            "poll source=%s outcome=%s items=%s new=%s links=%s",
            state.source_id,
            event.outcome,
            event.items,
            new,
            links,
        )
        return new + links

    def claim_details(self, source_id: SourceId, limit: int, now: datetime) -> Sequence[DetailLink]:
        """Lease links that wait to be fetched."""
        with self.store.transaction() as tx:
            return tx.claim_links(source_id, limit, now, DETAIL_LEASE_S)

    def commit_detail(self, link: DetailLink, result: DetailResult) -> None:
        """Store the mention of a detail page and end (or free) its link together."""
        now = self.clock.now()
        with self.store.transaction() as tx:
            new = self._keep(tx, result.raws, now)
            tx.add_fetch_event(replace(result.event, new_items=new))
            tx.finish_link(link.url_hash, result.state, result.reason)
            state = tx.queries.source(link.source_id)
            if new and state is not None:
                tx.save_source(replace(state, items=state.items + new, last_item_at=now))
            if result.state == "dead":
                tx.count({("keep", link.source_id, str(Outcome.QUARANTINED)): 1}, now)
            if result.page is not None:
                page = result.page
                tx.save_page(link.source_id, page.kind, page.url, page.body, page.at)
        log.info("detail source=%s state=%s reason=%s", link.source_id, result.state, result.reason)

    def _keep(self, tx: Transaction, raws: Sequence[RawMention], now: datetime) -> int:
        outcomes = self.journey.keep(tx, raws, now) if raws else {}
        return sum(n for outcome, n in outcomes.items() if outcome in _NEW)
