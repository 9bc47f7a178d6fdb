"""Runs the pipeline's steps over whatever waits in the store: one transaction a batch, in order.

One thread calls it. A shard in memory is a cache of the database: it is dropped whenever a
transaction that changed it fails, and loaded again (decisions.md 20).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.launch import fewest_authors
from classify.clustering import Shard
from config.errors import StoreError
from groundswell.adapting import Adapting
from groundswell.clock import Clock
from groundswell.clock_guard import ClockGuard
from groundswell.models import ModelWatch
from groundswell.pipeline import BATCH, Journey
from groundswell.pulses import brand_clusters
from groundswell.rereading import plan_due
from groundswell.shards import MB, Shards
from groundswell.vault import purge as purge_contacts
from storage.records import Change, IncidentId, Outcome, ShardChanges, ShardId, ShardState
from storage.store import Store, Transaction

log = logging.getLogger(__name__)

_HOT_KEPT = timedelta(days=30)  # a list brings some thousand new lines a day; ours are on incidents
_ADAPT_EVERY = 2_000  # mentions carried on; one is carried through understand and gather
# Of the stages' one thread: other stages get their turn between two calls.
_REMIND_BUDGET_S = 1.0
_REMIND_BATCH = 25  # incidents a transaction: half a second even where each reads a large cluster
_BACKLOG = 100  # overdue incidents: some seconds' work; more wait for what they need only
PUT_OFF = timedelta(minutes=5)  # an incident that cannot be dealt with is tried again then
_REGRADE_WINDOW = timedelta(hours=48)  # late posts change what was counted (decisions.md 4)


class _PromotedMeanwhile(Exception):  # noqa: N818 - no error: the batch is taken again
    """Other models were put to work while a batch was judged; its transaction is rolled back."""


class Stages:
    """Understand, gather, act and remind, each until nothing waits."""

    def __init__(
        self,
        store: Store,
        journey: Journey,
        clock: Clock,
        restore: Callable[[ShardState], Shard],
        *,
        watch: ModelWatch | None = None,
        adapting: Adapting | None = None,
        guard: ClockGuard | None = None,
    ) -> None:
        self._store = store
        self._journey = journey
        self._clock = clock
        self._restore = restore
        self._watch = watch
        self._adapting = adapting
        self._guard = guard
        self._shards: Shards[Shard] = Shards()
        self._journal_seen = 0  # up to here people's corrections are in memory, too

    def drain(self) -> int:
        """Carry everything that waits through understand, gather and act; return mentions moved."""
        moved = looked_at = 0
        while True:
            self._take_over()
            n = self._understand() + self._gather()
            if n == 0:
                return moved
            moved += n
            if moved - looked_at >= _ADAPT_EVERY:  # a large file is a source, too
                looked_at = moved
                self.adapt()

    def adapt(self) -> int:
        """Estimate anew how the scores of sources are put right, where due; return how many.

        Cheap when nothing is due; call it each minute.
        """
        if self._adapting is None:
            return 0
        return self._adapting.renew(self._journey.analyst, self._clock.now())

    def regrade(self) -> int:
        """Grade again what moved within 48 h or is still open: time passing is evidence, too.

        And each brand as a whole.
        """
        now = self._clock.now()
        # fewer people than any window needs: the passing of time cannot raise anything there
        authors = fewest_authors(self._journey.project)
        with self._store.read() as queries:
            moved = queries.active_clusters(now - _REGRADE_WINDOW, authors)
            known = (queries.cluster(one) for one in brand_clusters(self._journey.project))
            clusters = sorted({*moved, *(one.cluster_id for one in known if one is not None)})
        with self._writing() as tx:
            self._journey.log.checkpoint(tx, now)
        changed = 0
        for start in range(0, max(1, len(clusters)), BATCH):
            with self._writing() as tx:
                batch, is_part = clusters[start : start + BATCH], len(clusters) > BATCH
                changed += len(self._journey.regrade(tx, batch, now, is_part=is_part))
        return changed

    @contextmanager
    def _writing(self) -> Iterator[Transaction]:
        """Give a transaction; what it noted of its round is not there when it fails."""
        try:
            with self._store.transaction() as tx:
                yield tx
        except BaseException:
            self._journey.log.forget()
            raise

    def remind(self, budget_s: float = _REMIND_BUDGET_S) -> list[Change]:
        """Carry out due timers, the gravest incidents first, for about `budget_s` seconds.

        What is left is due at the next call; nothing was left when it returns no change.
        """
        if self._guard is not None:
            self._guard.look()
        now = self._clock.now()
        with self._store.read() as queries:
            waiting = queries.incidents_due(now)
        ends = time.monotonic() + budget_s
        changes: list[Change] = []
        for start in range(0, len(waiting), _REMIND_BATCH):
            batch = waiting[start : start + _REMIND_BATCH]
            changes += self._remind_batch(batch, now, is_backlog=len(waiting) > _BACKLOG)
            if time.monotonic() > ends:
                break
        return changes

    def _remind_batch(
        self, batch: Sequence[IncidentId], now: datetime, *, is_backlog: bool
    ) -> list[Change]:
        try:
            with self._writing() as tx:
                return self._journey.remind_of(tx, batch, now, is_backlog=is_backlog)
        except StoreError:
            raise
        except Exception:
            log.exception("reminding failed; taking its incidents one by one")
        return [change for one in batch for change in self._remind_singly(one, now)]

    def _remind_singly(self, incident_id: IncidentId, now: datetime) -> list[Change]:
        """Carry out one incident's timers; one that breaks is tried again later, not lost."""
        try:
            with self._writing() as tx:
                return self._journey.remind_of(tx, [incident_id], now)
        except StoreError:
            raise
        except Exception:
            log.exception("reminding failed incident=%s", incident_id)
            with self._writing() as tx:
                tx.put_off(tx.timers_due(incident_id, now), now + PUT_OFF)
                self._journey.log.note(tx, "put_off", now, incidents=[incident_id])
            return []

    def revisit(self) -> int:
        """Plan pages to be read again, and link answers to complaints that were found after them.

        Returns how many pages and links that were. Cheap when nothing is due; call it each minute.
        """
        now, journey = self._clock.now(), self._journey
        with self._store.transaction() as tx:
            return plan_due(tx, journey.project, now) + journey.linker.link_due(tx, now)

    def purge(self) -> int:
        """Delete pages, hot-list lines and contacts kept long enough; return how many."""
        now, days = self._clock.now(), self._journey.project.settings.raw_page_days
        with self._store.transaction() as tx:
            pages = tx.drop_pages(now - timedelta(days=days))
            gone = pages + tx.drop_hot(now - _HOT_KEPT)
        return gone + purge_contacts(self._store, self._journey.project.settings.vault, now)

    def _take_over(self) -> None:
        """Go on with the models that were promoted meanwhile, be it by another process."""
        analyst = None if self._watch is None else self._watch.renewed()
        if analyst is not None:
            self._journey = replace(self._journey, analyst=analyst)

    def _understand(self) -> int:
        now = self._clock.now()
        try:
            return self._understand_batch(now, BATCH)
        except _PromotedMeanwhile:
            return 1  # nothing was written; the next round goes on with the new models
        except StoreError:
            raise
        except Exception:
            log.exception("understand batch failed; taking its mentions one by one")
        return self._understand_singly(now)

    def _understand_batch(self, now: datetime, limit: int) -> int:
        with self._writing() as tx:
            mentions, outdated = self._journey.understand(tx, now, limit=limit)
            # Looked at last: whoever was put in line by a promotion is judged by what it promoted.
            if self._watch is not None and self._watch.is_outdated(tx.queries):
                raise _PromotedMeanwhile
        for shard_id in outdated:
            self._shards.pop(shard_id, None)
        return mentions

    def _understand_singly(self, now: datetime) -> int:
        """Find the mention that breaks a batch, set it aside and count it; the rest goes on."""
        for _ in range(BATCH):
            try:
                if not self._understand_batch(now, 1):
                    return 0
            except _PromotedMeanwhile:
                return 1
            except StoreError:
                raise
            except Exception:
                log.exception("understand failed for one mention")
                with self._store.transaction() as tx:
                    [poison] = tx.pending_mentions(1)
                    tx.save_verdicts([poison.mention_id], [], now)
                    tx.count({("understand", poison.source_id, Outcome.QUARANTINED): 1}, now)
                log.warning("mention outcome=quarantined id=%s", poison.mention_id)
                return 1
        return BATCH

    def _gather(self) -> int:
        with self._store.read() as queries:
            shards = queries.pending_shards()
        moved, failed = 0, None
        for shard_id in shards:
            try:
                moved += self._gather_shard(shard_id)
            except StoreError as error:  # one brand's state may be broken: the others go on
                log.error("gathering shard %s: %s", shard_id, error)  # noqa: TRY400 - told below
                failed = error
        if failed is not None and not moved:
            raise failed
        return moved

    def _gather_shard(self, shard_id: ShardId) -> int:
        now = self._clock.now()
        try:
            return self._gather_batch(shard_id, now, BATCH)
        except StoreError:
            raise
        except Exception:
            log.exception(
                "gather batch failed in shard %s; taking its mentions one by one", shard_id
            )
        for _ in range(BATCH):
            try:
                if not self._gather_batch(shard_id, now, 1):
                    return 0
            except StoreError:
                raise
            except Exception:
                log.exception("gather failed for one mention in shard %s", shard_id)
                with self._store.transaction() as tx:
                    self._set_aside(tx, shard_id, now)
                return 1
        return BATCH

    def _gather_batch(self, shard_id: ShardId, now: datetime, limit: int) -> int:
        try:
            with self._writing() as tx:
                self._drop_corrected(tx)
                shard = self._shard(tx, shard_id, now)
                moved = self._journey.gather(tx, shard_id, shard, now, limit=limit)
        except BaseException:
            self._shards.pop(shard_id, None)  # memory may be ahead of what was committed
            raise
        # after the batch: a shard grows while it is used
        self._shards.keep_to(self._journey.project.settings.clusters.memory_mb * MB)
        return moved

    def _drop_corrected(self, tx: Transaction) -> None:
        """Forget shards from which people took mentions, be it in another process."""
        self._journal_seen, left = tx.shards_left_since(self._journal_seen)
        for shard_id in left:
            self._shards.pop(shard_id, None)

    def _shard(self, tx: Transaction, shard_id: ShardId, now: datetime) -> Shard:
        shard = self._shards.use(shard_id)
        if shard is None:
            shard = self._shards[shard_id] = self._restore(tx.load_shard(shard_id, now))
        return shard

    def _set_aside(self, tx: Transaction, shard_id: ShardId, now: datetime) -> None:
        items = tx.pending_verdicts(shard_id, 1)
        tx.save_gathering(ShardChanges(shard_id=shard_id), items)
        for mention, _ in items:
            tx.count({("gather", mention.source_id, Outcome.QUARANTINED): 1}, now)
            log.warning("mention outcome=quarantined id=%s shard=%s", mention.mention_id, shard_id)
