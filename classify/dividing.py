"""Carries a split out: members, copies, remembered texts, two or more clusters for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from classify.batch import Batch
from classify.cluster_blob import Packed
from classify.cluster_ids import ids_for, key_of_founder
from classify.cluster_rules import Rules
from classify.homes import Homes
from classify.index import Vector
from classify.live_clusters import EXEMPLARS, FOUNDERS, LiveCluster, LiveClusters
from classify.reading import Reader
from classify.rebuilding import Placed, assemble, place, record_of, revive
from classify.splitting import NEWEST, Parts, part
from storage.records import BrandId, Cluster, MentionId, Recalled, ShardId


@dataclass(frozen=True, slots=True)
class _Members:
    """The newest members of a cluster, oldest first, and the copies of their texts."""

    texts: dict[MentionId, Recalled]
    copies: dict[MentionId, list[Recalled]]  # by original

    def of(self, group: Sequence[Placed]) -> list[Recalled]:
        """Return a group's texts and the copies that follow them."""
        found = []
        for one in group:
            found.append(self.texts[one.mention_id])
            found += [copy for copy in self.copies.get(one.mention_id, ()) if not copy.is_placed]
        return found


class Divider:
    """Splits clusters of one shard."""

    def __init__(
        self,
        shard_id: ShardId,
        brand_id: BrandId,
        *,
        rules: Rules,
        clusters: LiveClusters,
        homes: Homes,
        reader: Reader,
    ) -> None:
        self._shard_id = shard_id
        self._brand_id = brand_id
        self._rules = rules
        self._clusters = clusters
        self._homes = homes
        self._reader = reader

    def split(
        self, cluster: LiveCluster, batch: Batch, clock: float, note: str
    ) -> list[LiveCluster]:
        """Split a cluster if it falls into parts; return them, none when it stays whole."""
        found = batch.members(cluster.cluster_id, NEWEST)
        texts = {one.mention.mention_id: one for one in found}
        kept = [mention_id for mention_id, one in texts.items() if one.is_placed]
        placed = [place(one, self._reader) for one in found]
        parts = part(placed, kept, cluster.representative_id, self._rules)
        if parts is None:
            return []
        copies: dict[MentionId, list[Recalled]] = {}
        for copy in batch.copies(cluster.cluster_id, list(texts)):
            original = copy.assignment.duplicate_of
            assert original is not None
            copies.setdefault(original, []).append(copy)
        members = _Members(texts, copies)
        made = [self._open(cluster, group, members, batch, clock) for group in parts.leave]
        for one in made:
            batch.log(cluster.cluster_id, "split", other_id=one.cluster_id, note=note)
        return [self._keep(cluster, parts, members, batch, clock), *made]

    def _open(
        self,
        parent: LiveCluster,
        group: Sequence[Placed],
        members: _Members,
        batch: Batch,
        clock: float,
    ) -> LiveCluster:
        """Open a cluster for members that leave."""
        founder = members.texts[group[0].mention_id].mention
        ids = ids_for(self._brand_id, f"{key_of_founder(founder)}/{parent.last_seq}")
        batch.reserve(ids)
        cluster_id = batch.take_id(ids)
        leaving = members.of(group)
        packed = assemble(group, opened_seq=group[0].seq, touched=clock)
        record = Cluster(
            cluster_id=cluster_id,
            shard_id=self._shard_id,
            brand_id=self._brand_id,
            parent_id=parent.cluster_id,
            size=len(group),
            n_duplicates=len(leaving) - len(group),
            first_at=min(one.mention.published_at for one in leaving),
            last_at=max(one.mention.published_at for one in leaving),
        )
        for one in leaving:
            batch.move(one, cluster_id)
            if one.mention.mention_id in self._homes:
                self._homes.put(one.mention.mention_id, cluster_id)
        return self._enter(record, replace(packed, reshaped=clock), batch)

    def _keep(
        self,
        cluster: LiveCluster,
        parts: Parts,
        members: _Members,
        batch: Batch,
        clock: float,
    ) -> LiveCluster:
        """Make the part that keeps the id anew, without those who left."""
        gone = [one for group in parts.leave for one in members.of(group)]
        texts = sum(len(group) for group in parts.leave)
        record = record_of(cluster, self._shard_id, self._brand_id, b"")
        left = {one.mention.mention_id for one in gone}
        is_whole = cluster.size == len(members.texts)
        if is_whole:  # else nobody knows when the others were published
            stay = [
                one.mention.published_at
                for mention_id, text in members.texts.items()
                for one in (text, *members.copies.get(mention_id, ()))
                if one.mention.mention_id not in left
            ]
            record = replace(record, first_at=min(stay), last_at=max(stay))
        record = replace(
            record,
            size=record.size - texts,
            n_duplicates=record.n_duplicates - (len(gone) - texts),
            representative_id=None
            if record.representative_id in left
            else cluster.representative_id,
        )
        packed = self._pack_rest(cluster, parts.stay, record.size, set(members.texts))
        opened = cluster.opened_seq
        if any(one.seq == opened for group in parts.leave for one in group):
            opened = packed.opened_seq
        self._clusters.drop(cluster)
        batch.changed.pop(cluster.cluster_id, None)
        packed = replace(packed, opened_seq=opened, touched=clock, reshaped=clock)
        return self._enter(record, packed, batch)

    def _pack_rest(
        self, cluster: LiveCluster, stay: Sequence[Placed], size: int, looked_at: set[MentionId]
    ) -> Packed:
        """Pack who stays: of a large cluster the founders, too, who were not looked at.

        The centroid weighs as much as all of them.
        """
        packed = assemble(stay, opened_seq=stay[0].seq, touched=0.0)
        older = [
            one
            for one in self._clusters.pack(cluster).exemplars
            if MentionId(one.mention_id) not in looked_at
        ][:FOUNDERS]
        if older:
            first = (*older, *packed.exemplars)[:FOUNDERS]
            last = packed.exemplars[-(EXEMPLARS - FOUNDERS) :]
            packed = replace(packed, exemplars=(*first, *(one for one in last if one not in first)))
        if packed.centroid is not None and size > len(stay):
            more = packed.centroid.weights * (size / len(stay))
            packed = replace(packed, centroid=Vector(packed.centroid.ids, more.astype("f4")))
        return packed

    def _enter(self, record: Cluster, packed: Packed, batch: Batch) -> LiveCluster:
        made = revive(record, packed)
        self._clusters.restore(made, packed)
        batch.changed[made.cluster_id] = made
        return made
