"""Verdicts on mentions, and what happens to earlier ones.

In: verdicts of one batch. Out: one current verdict per (mention, brand); negative and unsure ones
wait in gather_queue. A mention judged again first leaves the clusters it was in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
from storage.passes import note_members
from storage.records import (
    PERSON,
    BrandId,
    ClusterId,
    Mention,
    MentionId,
    Polarity,
    ShardId,
    Verdict,
)
from storage.rows import mappings, mention_of

_Key = tuple[int, BrandId]  # mention and brand

_assigned = tables.mention_cluster
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
        """Replace all verdicts on these mentions; return the clusters that it touched.

        Members leave their clusters and wait to be gathered again, but for those that a person
        placed: they stay as long as they are gathered at all in that shard. A clusterer that holds
        a shard of those clusters in memory must load it again.
        """
        ids = sorted({int(mention_id) for mention_id in mention_ids})
        share_counter(self.connection, "correction")  # people's corrections wait, or we do
        rows, held = with_corrections(self.connection, ids, verdicts, now)
        wanted = {(int(one.mention_id), one.brand_id): one for one in held if one.is_gathered}
        placed, touched = self._retract(ids, wanted, now)
        self.connection.execute(
            sa.update(_verdict)
            .where(_verdict.c.mention_pk.in_(ids), _verdict.c.is_current)
            .values(is_current=False)
        )
        waiting = tables.gather_queue
        self.connection.execute(sa.delete(waiting).where(waiting.c.mention_pk.in_(ids)))
        by_people = sa.and_(_verdict.c.mention_pk.in_(ids), _verdict.c.model_version == PERSON)
        self.connection.execute(sa.delete(_verdict).where(by_people))
        upsert(self.connection, _verdict, rows)
        self._keep(placed, wanted)
        queue = [
            {"shard_id": shard_of(item), "mention_pk": item.mention_id}
            for key, item in wanted.items()
            if key not in placed
        ]
        insert_new(self.connection, waiting, queue)
        write_facts(self.connection, ids, held)
        self.connection.execute(sa.delete(_queue).where(_queue.c.mention_pk.in_(ids)))
        return touched

    def judge_again(self, mention_ids: Sequence[MentionId]) -> None:
        """Queue mentions to be understood again, as after a change of brands or model."""
        rows = [{"mention_pk": mention_id} for mention_id in sorted(set(mention_ids))]
        insert_new(self.connection, _queue, rows)

    def is_gathering(self, brand_id: BrandId) -> bool:
        """Say whether judged mentions of a brand still wait for their clusters."""
        shard = tables.gather_queue.c.shard_id
        of_brand = sa.and_(shard > f"{brand_id}/", shard < f"{brand_id}0")  # "0" follows "/"
        return bool(self.connection.scalar(sa.select(sa.exists().where(of_brand))))

    def _retract(
        self, ids: Sequence[int], wanted: Mapping[_Key, Verdict], now: datetime
    ) -> tuple[set[_Key], list[ClusterId]]:
        """Take mentions out of their clusters, with a row in the journal (decisions.md 22).

        Those that a person placed and that are still wanted there only leave the counts; they are
        returned first, then the clusters of all.
        """
        members = list(stored_members(self.connection, _assigned.c.mention_pk.in_(ids)))
        if not members:
            return set(), []
        note_members(self.connection, members)
        counts = Counts()
        placed: set[_Key] = set()
        gone = []
        for row in members:
            counts.add(row["member"], -1)
            key = (row["mention_pk"], BrandId(row["brand_id"]))
            if row["placed_by"] and key in wanted and shard_of(wanted[key]) == row["shard_id"]:
                placed.add(key)
            else:
                gone.append(row)
        counts.write(self.connection)
        drop_members(self.connection, gone, "system", now)
        refresh_brand_hours(self.connection, counts.hours)
        recount_clusters(self.connection, sorted({row["cluster_id"] for row in gone}))
        return placed, sorted({ClusterId(row["cluster_id"]) for row in members})

    def _keep(self, placed: Collection[_Key], wanted: Mapping[_Key, Verdict]) -> None:
        """Count members that stay in again, as they are judged now."""
        if not placed:
            return
        for mention_pk, brand_id in sorted(placed):
            is_it = (_assigned.c.mention_pk == mention_pk, _assigned.c.brand_id == brand_id)
            is_sure = wanted[mention_pk, brand_id].polarity is Polarity.NEGATIVE
            self.connection.execute(sa.update(_assigned).where(*is_it).values(is_sure=is_sure))
        counts = Counts()
        ids = sorted({mention_pk for mention_pk, _ in placed})
        for row in stored_members(self.connection, _assigned.c.mention_pk.in_(ids)):
            if (row["mention_pk"], row["brand_id"]) in placed:
                counts.add(row["member"])
        counts.write(self.connection)
        refresh_brand_hours(self.connection, counts.hours)
