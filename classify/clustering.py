"""Mentions of one brand and language in, in their order; clusters with stable names out.

A shard is a deterministic machine: the same stream gives the same bytes, also when it is stored
and restored between any two batches. It decides nothing about alarm; it only says which complaint
is the same as which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from classify.apart import Apart
from classify.arrivals import Arrival, arrival_of
from classify.batch import Batch
from classify.cluster_blob import Packed, pack, unpack
from classify.cluster_ids import ids_for, key_of_founder
from classify.cluster_rules import Rules
from classify.dividing import Divider
from classify.duplicates import SketchIndex
from classify.fingerprint import digest64, key_of, sketch_of
from classify.homes import Homes
from classify.index import Vector
from classify.live_clusters import DAY_S, LiveCluster, LiveClusters, Match
from classify.merging import is_due as looks_for_partner
from classify.merging import may_merge
from classify.naming import is_due, rename
from classify.reading import Reader, Reading
from classify.rebuilding import pack_anew, record_of, revive
from classify.recall import Recall
from classify.reopening import filed_under, find_cold
from classify.splitting import cohesion
from classify.splitting import is_due as splits
from classify.text import rewrite
from classify.vectors import Background, Frequencies, split_fields
from storage.records import (
    MADE_ANEW_FROM,
    Assignment,
    Cluster,
    ClusterId,
    Mention,
    MentionId,
    Recalled,
    ShardChanges,
    ShardSnapshot,
    ShardState,
    Verdict,
)

SNAPSHOT_EVERY = 2000  # assignments
EXPIRED_AT_ONCE = 8  # clusters that may leave per mention: no pause, and ample for any stream
# A text in the near-duplicate index with its place in Homes; tracemalloc over 4,000 random texts.
BYTES_A_TEXT = 2500


class Shard:
    """One brand and language in memory. A failed transaction makes it worthless: restore anew."""

    def __init__(
        self,
        state: ShardState,
        rules: Rules,
        background: Background,
        segment: Callable[[str], list[str]],
    ) -> None:
        self._shard_id = state.shard_id
        self._brand_id = state.brand_id
        self._rules = rules
        self._frequencies = Frequencies(background)
        self._reader = Reader(rules, self._frequencies, segment)
        self._clusters = LiveClusters(rules)
        self._copies = SketchIndex(rules.duplicate_texts)
        self._homes = Homes()  # of the texts that may be copied
        self._apart = Apart(state.apart)
        self._divider = Divider(
            state.shard_id,
            state.brand_id,
            rules=rules,
            clusters=self._clusters,
            homes=self._homes,
            reader=self._reader,
        )
        self._made_anew: list[ClusterId] = []  # since restoring, to be named and stored
        self._seq = 0
        self._clock = 0.0

    def nbytes(self) -> int:
        """Return about how many bytes of memory the shard takes."""
        texts = len(self._homes) * BYTES_A_TEXT
        return self._clusters.nbytes() + self._frequencies.counts.nbytes + texts

    # --- restoring ------------------------------------------------------------------------------

    @classmethod
    def restore(
        cls,
        state: ShardState,
        rules: Rules | None = None,
        background: Background | None = None,
        *,
        segment: Callable[[str], list[str]],
    ) -> Shard:
        """Build the shard as it was when `state` was stored. StoreError for an unreadable blob."""
        shard = cls(state, rules or Rules(), background or Background.empty(), segment)
        shard._restore_clusters(state.clusters)
        snapshot_seq = 0
        if state.snapshot is not None:
            shard._frequencies.load(state.snapshot.blob)
            snapshot_seq = state.snapshot.seq
            shard._seq = max(shard._seq, snapshot_seq)
        for mention, assignment in sorted(state.recent, key=lambda pair: pair[1].seq):
            shard._remember(mention, assignment, replay=assignment.seq > snapshot_seq)
        for cluster in sorted(state.clusters, key=lambda one: one.cluster_id):
            members = state.members.get(cluster.cluster_id, ())
            if cluster.state == "live" and not cluster.blob and members:
                shard._make_anew(cluster, members)
        return shard

    def _restore_clusters(self, clusters: Sequence[Cluster]) -> None:
        unpacked = [(unpack(one.blob), one) for one in clusters if one.state == "live" and one.blob]
        unpacked.sort(key=lambda pair: pair[0].opened_seq)
        for packed, one in unpacked:
            self._clusters.restore(revive(one, packed), packed, is_one_of_all=True)
            self._seq = max(self._seq, packed.last_seq)
            self._clock = max(self._clock, packed.touched)

    def _make_anew(self, record: Cluster, members: Sequence[Recalled]) -> None:
        """Make a cluster from its members: outside, people changed who they are."""
        packed = pack_anew(record, members, self._reader, self._clock)
        self._seq = max(self._seq, packed.last_seq)
        self._clock = max(self._clock, packed.touched)
        self._clusters.restore(revive(record, packed), packed)
        self._made_anew.append(record.cluster_id)

    def _remember(self, mention: Mention, assignment: Assignment, *, replay: bool) -> None:
        self._seq = max(self._seq, assignment.seq)
        arrival = arrival_of(assignment)
        if arrival is None:
            return
        self._clock = max(self._clock, arrival.clock)
        self._homes.put(mention.mention_id, assignment.cluster_id)
        left = self._copies.add(
            mention.mention_id, assignment.fingerprint, arrival.sketch, arrival.clock
        )
        self._homes.forget(left)
        if replay:
            ids = self._reader.ids_of(mention)
            if len(ids) == len(arrival.new):  # else it was edited: what it held then is not known
                self._frequencies.add(ids[arrival.new])

    # --- gathering ------------------------------------------------------------------------------

    def gather(
        self, items: Sequence[tuple[Mention, Verdict]], now: datetime, recall: Recall
    ) -> ShardChanges:
        """Assign mentions in the given order; return everything that must be stored for it.

        Every mention gets exactly one assignment. Changes memory: when storing fails, drop the
        shard.
        """
        self._batch = Batch(items, now, recall)
        self._ids = {mention.mention_id: self._ids_of(mention) for mention, _ in items}
        self._batch.reserve(one for ids in self._ids.values() for one in ids)
        self._name_made_anew()
        first_seq = self._seq
        for mention, verdict in items:
            self._assign(mention, verdict)
        snapshot = None
        if self._seq // SNAPSHOT_EVERY > first_seq // SNAPSHOT_EVERY:
            snapshot = ShardSnapshot(
                shard_id=self._shard_id, seq=self._seq, blob=self._frequencies.dump()
            )
        return self._changes(snapshot)

    def _changes(self, snapshot: ShardSnapshot | None) -> ShardChanges:
        batch = self._batch
        changed = sorted(batch.changed.values(), key=lambda one: one.opened_seq)
        records = [self._record(one) for one in changed]
        self._clusters.settle(changed)
        return ShardChanges(
            shard_id=self._shard_id,
            assignments=tuple(batch.assignments),
            clusters=(*batch.gone.values(), *records),
            events=tuple(batch.events),
            snapshot=snapshot,
            moves=batch.result(),
            cold=batch.cold,
        )

    def _name_made_anew(self) -> None:
        """Name what restoring made anew; it is stored with this batch."""
        for cluster_id in self._made_anew:
            cluster = self._live(cluster_id)
            rename(cluster, self._clusters, self._reader, self._batch)
            self._batch.changed[cluster_id] = cluster
        self._made_anew.clear()

    def _assign(self, mention: Mention, verdict: Verdict) -> None:
        self._seq += 1
        self._clock = max(self._clock, _arrival(mention))
        self._expire()
        if mention.mention_id in self._homes:  # its text was revised
            self._homes.forget(self._copies.discard(mention.mention_id))
        title, text = rewrite(mention.title), rewrite(mention.text)
        key, stripped = key_of(text if text.startswith(title) else f"{title}\n{text}")
        sketch, exact = sketch_of(key, stripped), digest64(key)
        original = self._copies.find(exact, sketch)
        home = None if original is None else self._home_of(original)
        if original is not None and home is not None:
            self._add_copy(mention, home, exact, original)
            return
        reading = self._reader.read(split_fields(title, text), verdict)
        cluster, score, new = self._place(mention, reading)
        self._homes.put(mention.mention_id, cluster.cluster_id)
        self._homes.forget(self._copies.add(mention.mention_id, exact, sketch, self._clock))
        self._note(
            mention,
            cluster,
            Assignment(
                mention_id=mention.mention_id,
                cluster_id=cluster.cluster_id,
                seq=self._seq,
                score=round(score, 6),
                fingerprint=exact,
                sketch=Arrival(self._clock, new, sketch).to_bytes(),
            ),
        )
        if looks_for_partner(cluster.size):
            cluster = self._merge(cluster)
        for part in self._split(cluster) if splits(cluster, self._clock) else (cluster,):
            if is_due(part):
                rename(part, self._clusters, self._reader, self._batch)

    def _expire(self) -> None:
        before = self._clock - self._rules.duplicate_window_days * DAY_S
        self._homes.forget(self._copies.drop_before(before))
        for cluster in self._clusters.take_expired(self._clock, EXPIRED_AT_ONCE):
            record = replace(self._record(cluster), state="cold")
            self._batch.chill(record, filed_under(self._clusters.pack(cluster)))
            self._clusters.drop(cluster)

    def _home_of(self, owner: int) -> LiveCluster | None:
        """Return the cluster of a remembered text; one that is cold lives again."""
        cluster_id = self._homes.of(owner)
        cluster = self._clusters.get(cluster_id)
        if cluster is not None:
            return cluster
        record = self._batch.cold_one(cluster_id)
        packed = None if record is None else self._state_of(record)
        return None if record is None or packed is None else self._reopen(record, packed)

    def _reopen(self, record: Cluster, packed: Packed) -> LiveCluster:
        """Take a cold cluster back into memory: its id, its label and its journal go on."""
        cluster = revive(record, packed)
        self._clusters.restore(cluster, packed)
        self._batch.thaw(record.cluster_id)
        self._batch.changed[record.cluster_id] = cluster
        return cluster

    def _state_of(self, record: Cluster) -> Packed | None:
        """Return the state of a cold cluster, made anew where people changed who is in it."""
        if record.blob:
            return unpack(record.blob)
        members = self._batch.members(record.cluster_id, MADE_ANEW_FROM)
        return pack_anew(record, members, self._reader, self._clock) if members else None

    def _live(self, cluster_id: ClusterId) -> LiveCluster:
        cluster = self._clusters.get(cluster_id)
        assert cluster is not None, cluster_id
        return cluster

    def _add_copy(
        self, mention: Mention, cluster: LiveCluster, fingerprint: int, original: int
    ) -> None:
        cluster.n_duplicates += 1
        self._note(
            mention,
            cluster,
            Assignment(
                mention_id=mention.mention_id,
                cluster_id=cluster.cluster_id,
                seq=self._seq,
                score=1.0,
                fingerprint=fingerprint,
                duplicate_of=MentionId(original),
            ),
        )

    def _note(self, mention: Mention, cluster: LiveCluster, assignment: Assignment) -> None:
        cluster.first_at = min(cluster.first_at, mention.published_at)
        cluster.last_at = max(cluster.last_at, mention.published_at)
        cluster.touched = self._clock
        cluster.last_seq = self._seq
        self._batch.changed[cluster.cluster_id] = cluster
        self._batch.assign(assignment)

    def _place(
        self, mention: Mention, reading: Reading
    ) -> tuple[LiveCluster, float, NDArray[np.bool_]]:
        """Join the best cluster or open one; return it, the score and which features it lacked."""
        vector, member = reading.vector, reading.member
        least = self._rules.least_score(is_complaint=member.is_complaint, is_vague=reading.is_vague)
        match = self._find(vector, least) if len(vector) else None
        new = np.ones(len(reading.ids), dtype=bool)
        if match is not None:
            new = self._clusters.lacks(match.cluster, reading.ids)
        self._frequencies.add(reading.ids[new])
        if match is not None:
            self._clusters.join(match.cluster, vector, mention.mention_id, member)
            match.cluster.size += 1
            return match.cluster, match.score, new
        cluster = LiveCluster(
            slot=-1,
            opened_seq=self._seq,
            cluster_id=self._batch.take_id(self._ids[mention.mention_id]),
            parent_id=None,
            size=1,
            n_duplicates=0,
            first_at=mention.published_at,
            last_at=mention.published_at,
            touched=self._clock,
            last_seq=self._seq,
        )
        self._clusters.open(cluster, vector, mention.mention_id, member)
        self._batch.log(cluster.cluster_id, "open")
        return cluster, 1.0, new

    def _find(self, vector: Vector, least: float) -> Match | None:
        """Return the best live cluster, else the best cold one, which lives again."""
        match = self._clusters.best(vector, least)
        if match is not None:
            return match
        found = find_cold(vector, least, self._batch, self._state_of)
        if found is None:
            return None
        return Match(self._reopen(found.record, found.packed), found.score)

    def _ids_of(self, mention: Mention) -> tuple[ClusterId, ...]:
        return ids_for(self._brand_id, key_of_founder(mention))

    def _merge(self, cluster: LiveCluster) -> LiveCluster:
        """Merge a cluster that grew with the one most like it, if alike enough; older id stays."""
        match = self._partner(cluster)
        if match is None:
            return cluster
        survivor, absorbed = sorted((cluster, match.cluster), key=lambda one: one.opened_seq)
        alias = replace(
            self._record(absorbed), state="alias", alias_of=survivor.cluster_id, blob=b""
        )
        self._clusters.merge(survivor, absorbed)
        if absorbed.size > 1:  # a single came late, no more
            survivor.reshaped = self._clock
        self._apart.merge(survivor.cluster_id, absorbed.cluster_id)
        self._homes.merge(survivor.cluster_id, absorbed.cluster_id)
        self._batch.absorb(survivor.cluster_id, alias)
        self._batch.changed[survivor.cluster_id] = survivor
        self._batch.log(
            survivor.cluster_id,
            "merge",
            other_id=absorbed.cluster_id,
            note=f"alike {match.score:.3f}",
        )
        return survivor

    def _partner(self, cluster: LiveCluster) -> Match | None:
        barred: list[int] = []
        while cluster.size > 1 and not cluster.pinned:
            match = self._clusters.partner(cluster, barred)
            if match is None or may_merge(cluster, match.cluster, self._apart, self._clock):
                return match
            barred.append(match.cluster.slot)
        return None

    def _split(self, cluster: LiveCluster) -> list[LiveCluster]:
        """Split a cluster that holds together badly; return its parts."""
        found = cohesion(cluster)
        if found >= self._rules.least_cohesion:
            return [cluster]
        note = f"cohesion {found:.3f}"
        return self._divider.split(cluster, self._batch, self._clock, note) or [cluster]

    def _record(self, cluster: LiveCluster) -> Cluster:
        blob = pack(self._clusters.pack(cluster))
        record = record_of(cluster, self._shard_id, self._brand_id, blob)
        if record.label or cluster.cluster_id not in self._batch.names:
            return record
        # a single that was named in this batch and joined since: its record is to say that name
        label, keywords = self._batch.names[cluster.cluster_id]
        return replace(record, label=label, keywords=keywords)


def _arrival(mention: Mention) -> float:
    """When a mention counts as come (s): a date in the future does not move the shard's clock."""
    return min(mention.published_at, mention.observed_at).timestamp()
