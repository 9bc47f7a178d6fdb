"""Verdicts on mentions, and what happens to earlier ones.

In: verdicts of one batch. Out: one current verdict per (mention, brand); negative and unsure ones
wait in gather_queue. A mention judged again first leaves the clusters it was in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new, upsert
from storage.corrections import with_corrections
from storage.counters import share_counter
from storage.facts import write_facts
from storage.hours import Counts, refresh_brand_hours, stored_members
from storage.membership import drop_members, recount_clusters
from storage.records import (
    PERSON,
    BrandId,
    ClusterId,
    Mention,
    MentionId,
    ShardId,
    Verdict,
)
from storage.rows import mappings, mention_of

_mention = tables.mention
_verdict = tables.verdict
_queue = tables.mention_queue


def shard_of(verdict: Verdict) -> ShardId:
    """Name the shard in which a verdict's mention is gathered."""
    return ShardId(f"{verdict.brand_id}/{verdict.lang}")


def brand_of(shard_id: ShardId) -> BrandId:
    """Name the brand of a shard."""
    return BrandId(shard_id.rpartition("/")[0])


class Understanding:
    """Transaction part: from mentions nobody has read to verdicts waiting to be gathered."""

    connection: Connection

    def pending_mentions(self, limit: int) -> list[Mention]:
        """Return mentions that are new or revised, in the order they were taken in."""
        query = (
            sa.select(_mention)
            .join(_queue, _queue.c.mention_pk == _mention.c.mention_pk)
            .order_by(_queue.c.mention_pk)
            .limit(limit)
        )
        return [mention_of(row) for row in mappings(self.connection.execute(query))]

    def save_verdicts(
        self, mention_ids: Sequence[MentionId], verdicts: Sequence[Verdict], now: datetime
    ) -> list[ClusterId]:
        """Replace all verdicts on these mentions; return the clusters that lost a member by it.

        A clusterer that holds a shard of those clusters in memory must load it again.
        """
        ids = sorted({int(mention_id) for mention_id in mention_ids})
        share_counter(self.connection, "correction")  # people's corrections wait, or we do
        left = self._retract(ids, now)
        self.connection.execute(
            sa.update(_verdict)
            .where(_verdict.c.mention_pk.in_(ids), _verdict.c.is_current)
            .values(is_current=False)
        )
        waiting = tables.gather_queue
        self.connection.execute(sa.delete(waiting).where(waiting.c.mention_pk.in_(ids)))
        by_people = sa.and_(_verdict.c.mention_pk.in_(ids), _verdict.c.model_version == PERSON)
        self.connection.execute(sa.delete(_verdict).where(by_people))
        rows, held = with_corrections(self.connection, ids, verdicts, now)
        upsert(self.connection, _verdict, rows)
        queue = [
            {"shard_id": shard_of(item), "mention_pk": item.mention_id}
            for item in held
            if item.is_gathered
        ]
        insert_new(self.connection, waiting, queue)
        write_facts(self.connection, ids, held)
        self.connection.execute(sa.delete(_queue).where(_queue.c.mention_pk.in_(ids)))
        return left

    def judge_again(self, mention_ids: Sequence[MentionId]) -> None:
        """Queue mentions to be understood again, as after a change of brands or model."""
        rows = [{"mention_pk": mention_id} for mention_id in sorted(set(mention_ids))]
        insert_new(self.connection, _queue, rows)

    def _retract(self, ids: Sequence[int], now: datetime) -> list[ClusterId]:
        """Take mentions out of their clusters, with a row in the journal (decisions.md 22)."""
        assigned = tables.mention_cluster
        counts = Counts()
        retracted = list(stored_members(self.connection, assigned.c.mention_pk.in_(ids)))
        if not retracted:
            return []
        for row in retracted:
            counts.add(row["member"], -1)
        counts.write(self.connection)
        drop_members(self.connection, retracted, "system", now)
        refresh_brand_hours(self.connection, counts.hours)
        left = sorted({ClusterId(row["cluster_id"]) for row in retracted})
        recount_clusters(self.connection, left)
        return left
