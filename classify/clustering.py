"""Mentions of one brand and language in, in their order; clusters with stable names out.

A shard is a deterministic machine: the same stream gives the same bytes, also when it is stored
and restored between any two batches. It decides nothing about alarm; it only says which complaint
is the same as which.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from classify.cluster_blob import pack, unpack
from classify.cluster_rules import Rules
from classify.duplicates import SketchIndex
from classify.fingerprint import Sketch, digest64, key_of, sketch_of
from classify.labels import Member, choose_face, name_cluster
from classify.live_clusters import DAY_S, LiveCluster, LiveClusters
from classify.recall import Recall
from classify.symptoms import troubles
from classify.text import rewrite
from classify.vectors import (
    Background,
    Fields,
    Frequencies,
    Tokens,
    hash_token,
    ids_of,
    split_fields,
    weigh,
)
from storage.records import (
    Assignment,
    Cluster,
    ClusterEvent,
    ClusterId,
    Mention,
    MentionId,
    ShardChanges,
    ShardSnapshot,
    ShardState,
    Verdict,
)

SNAPSHOT_EVERY = 2000  # assignments
EXPIRED_AT_ONCE = 8  # clusters that may leave per mention: no pause, and ample for any stream
# Before the sketch of a stored assignment stand the shard's clock (f64), the number of the text's
# features (u16) and a bit for each: was it new to the cluster.
_ARRIVAL = struct.Struct("<dH")


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
        self._segment = segment
        self._tokens = Tokens(segment)
        self._frequencies = Frequencies(background)
        self._clusters = LiveClusters(rules)
        self._copies = SketchIndex(rules.duplicate_texts)
        self._home: dict[int, ClusterId] = {}  # mention of a remembered text -> cluster
        self._merged: dict[ClusterId, ClusterId] = {}
        self._seq = 0
        self._clock = 0.0
        self._start_batch()

    def _start_batch(self) -> None:
        self._assignments: list[Assignment] = []
        self._changed: dict[int, LiveCluster] = {}  # by opened_seq
        self._gone: list[Cluster] = []
        self._events: list[ClusterEvent] = []

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
        return shard

    def _restore_clusters(self, clusters: Sequence[Cluster]) -> None:
        unpacked = [(unpack(one.blob), one) for one in clusters if one.state == "live"]
        unpacked.sort(key=lambda pair: pair[0].opened_seq)
        for packed, one in unpacked:
            assert one.first_at is not None
            assert one.last_at is not None
            cluster = LiveCluster(
                slot=-1,
                opened_seq=packed.opened_seq,
                cluster_id=one.cluster_id,
                parent_id=one.parent_id,
                size=one.size,
                n_duplicates=one.n_duplicates,
                first_at=one.first_at,
                last_at=one.last_at,
                touched=packed.touched,
                last_seq=packed.last_seq,
                label=one.label,
                keywords=one.keywords,
                representative_id=one.representative_id,
                labelled_size=packed.labelled_size,
            )
            self._clusters.restore(cluster, packed)
            self._seq = max(self._seq, packed.last_seq)
            self._clock = max(self._clock, packed.touched)

    def _remember(self, mention: Mention, assignment: Assignment, *, replay: bool) -> None:
        self._seq = max(self._seq, assignment.seq)
        if assignment.duplicate_of is not None or not assignment.sketch:
            return
        clock, features = _ARRIVAL.unpack_from(assignment.sketch)
        self._clock = max(self._clock, clock)
        bits = assignment.sketch[_ARRIVAL.size : _ARRIVAL.size + (features + 7) // 8]
        text = Sketch.from_bytes(assignment.sketch[_ARRIVAL.size + len(bits) :])
        self._home[mention.mention_id] = assignment.cluster_id
        self._forget(self._copies.add(mention.mention_id, assignment.fingerprint, text, clock))
        if replay:
            fields = split_fields(rewrite(mention.title), rewrite(mention.text))
            ids = ids_of(self._tokens.count(fields))
            new = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=len(ids)).astype(bool)
            self._frequencies.add(ids[new])

    def _forget(self, owners: Sequence[int]) -> None:
        for owner in owners:
            self._home.pop(owner, None)

    # --- gathering ------------------------------------------------------------------------------

    def gather(
        self, items: Sequence[tuple[Mention, Verdict]], now: datetime, recall: Recall
    ) -> ShardChanges:
        """Assign mentions in the given order; return everything that must be stored for it.

        Every mention gets exactly one assignment. Changes memory: when storing fails, drop the
        shard.
        """
        self._start_batch()
        self._recall = recall
        self._batch = {mention.mention_id: mention for mention, _ in items}
        first_seq = self._seq
        for mention, verdict in items:
            self._assign(mention, troubles(verdict), now)
        snapshot = None
        if self._seq // SNAPSHOT_EVERY > first_seq // SNAPSHOT_EVERY:
            snapshot = ShardSnapshot(
                shard_id=self._shard_id, seq=self._seq, blob=self._frequencies.dump()
            )
        changed = [self._record(self._changed[seq]) for seq in sorted(self._changed)]
        self._clusters.settle(self._changed.values())
        return ShardChanges(
            shard_id=self._shard_id,
            assignments=tuple(self._assignments),
            clusters=(*self._gone, *changed),
            events=tuple(self._events),
            snapshot=snapshot,
        )

    def _assign(self, mention: Mention, told: Sequence[str], now: datetime) -> None:
        self._seq += 1
        self._clock = max(self._clock, _arrival(mention))
        self._expire()
        if mention.mention_id in self._home:  # its text was revised
            self._forget(self._copies.discard(mention.mention_id))
        title, text = rewrite(mention.title), rewrite(mention.text)
        key, stripped = key_of(text if text.startswith(title) else f"{title}\n{text}")
        sketch, exact = sketch_of(key, stripped), digest64(key)
        original = self._copies.find(exact, sketch, self._lives)
        if original is not None:
            self._add_copy(mention, self._home_of(original), exact, original)
            return
        cluster, score, arrival = self._place(mention, split_fields(title, text), told, now)
        self._home[mention.mention_id] = cluster.cluster_id
        self._forget(self._copies.add(mention.mention_id, exact, sketch, self._clock))
        self._note(
            mention,
            cluster,
            Assignment(
                mention_id=mention.mention_id,
                cluster_id=cluster.cluster_id,
                seq=self._seq,
                score=round(score, 6),
                fingerprint=exact,
                sketch=arrival + sketch.to_bytes(),
            ),
        )
        if _is_looked_over(cluster.size):
            cluster = self._merge(cluster, now)
        self._rename(cluster)

    def _expire(self) -> None:
        before = self._clock - self._rules.duplicate_window_days * DAY_S
        self._forget(self._copies.drop_before(before))
        for cluster in self._clusters.take_expired(self._clock, EXPIRED_AT_ONCE):
            self._changed.pop(cluster.opened_seq, None)
            self._gone.append(replace(self._record(cluster), state="cold"))
            self._clusters.drop(cluster)

    def _home_of(self, owner: int) -> ClusterId:
        home = self._home[owner]
        while home in self._merged:
            home = self._merged[home]
        return home

    def _lives(self, owner: int) -> bool:
        """Say whether a remembered text's cluster is live: else it is no original to join."""
        return self._home_of(owner) in self._clusters

    def _add_copy(
        self, mention: Mention, cluster_id: ClusterId, fingerprint: int, original: int
    ) -> None:
        cluster = self._clusters.get(cluster_id)
        assert cluster is not None
        cluster.n_duplicates += 1
        self._note(
            mention,
            cluster,
            Assignment(
                mention_id=mention.mention_id,
                cluster_id=cluster_id,
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
        self._changed[cluster.opened_seq] = cluster
        self._assignments.append(assignment)

    def _place(
        self, mention: Mention, fields: Fields, told: Sequence[str], now: datetime
    ) -> tuple[LiveCluster, float, bytes]:
        """Join the best cluster or open one; return it, the score and what replay needs."""
        counts = self._tokens.count(fields)
        vector = weigh(counts, self._frequencies.idf, told)
        is_complaint = self._rules.is_complaint(fields)
        length = len(fields.title) + len(fields.body)
        member = Member(length, fields.has_title, is_complaint)
        least = self._rules.least_score(is_complaint=is_complaint)
        match = self._clusters.best(vector, least) if len(vector) else None
        ids = ids_of(counts)
        new = np.ones(len(ids), dtype=bool)
        if match is not None:
            new = self._clusters.lacks(match.cluster, ids)
        self._frequencies.add(ids[new])
        arrival = _ARRIVAL.pack(self._clock, len(ids)) + np.packbits(new).tobytes()
        if match is not None:
            self._clusters.join(match.cluster, vector, mention.mention_id, member)
            match.cluster.size += 1
            return match.cluster, match.score, arrival
        cluster = LiveCluster(
            slot=-1,
            opened_seq=self._seq,
            cluster_id=self._new_id(mention),
            parent_id=None,
            size=1,
            n_duplicates=0,
            first_at=mention.published_at,
            last_at=mention.published_at,
            touched=self._clock,
            last_seq=self._seq,
        )
        self._clusters.open(cluster, vector, mention.mention_id, member)
        self._events.append(ClusterEvent(cluster_id=cluster.cluster_id, kind="open", at=now))
        return cluster, 1.0, arrival

    def _new_id(self, mention: Mention) -> ClusterId:
        name = f"{mention.item_key}#{mention.revision}" if mention.revision else mention.item_key
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=20).digest()
        letters = base64.b32encode(digest).decode().lower()
        size = 8
        while (found := ClusterId(f"{self._brand_id}-{letters[:size]}")) in self._clusters:
            size += 4
            if size > len(letters):
                letters += f"{self._seq:04d}"
        return found

    # --- merging and naming ---------------------------------------------------------------------

    def _merge(self, cluster: LiveCluster, now: datetime) -> LiveCluster:
        """Merge a cluster that grew with the one most like it, if alike enough; older id stays."""
        match = self._clusters.partner(cluster)
        if match is None:
            return cluster
        survivor, absorbed = sorted((cluster, match.cluster), key=lambda one: one.opened_seq)
        alias = replace(
            self._record(absorbed), state="alias", alias_of=survivor.cluster_id, blob=b""
        )
        self._clusters.merge(survivor, absorbed)
        self._changed.pop(absorbed.opened_seq, None)
        self._changed[survivor.opened_seq] = survivor
        self._gone.append(alias)
        self._merged[absorbed.cluster_id] = survivor.cluster_id
        self._events.append(
            ClusterEvent(
                cluster_id=survivor.cluster_id,
                kind="merge",
                at=now,
                other_id=absorbed.cluster_id,
                note=f"alike {match.score:.3f}",
            )
        )
        return survivor

    def _rename(self, cluster: LiveCluster) -> None:
        """Name anew when the size has doubled, so that names stand still."""
        if cluster.labelled_size and cluster.size < 2 * cluster.labelled_size:
            return
        members = [kept.member for kept in self._clusters.exemplars(cluster)]
        face = choose_face(members, self._clusters.likeness(cluster))
        cluster.representative_id = MentionId(self._clusters.exemplars(cluster)[face].mention_id)
        texts = self._texts_of(cluster)
        if not texts:
            return
        cluster.label, cluster.keywords = name_cluster(
            texts, min(face, len(texts) - 1), self._segment, self._idf_of, cluster.label
        )
        cluster.labelled_size = cluster.size
        self._changed[cluster.opened_seq] = cluster

    def _texts_of(self, cluster: LiveCluster) -> list[tuple[str, str]]:
        """Return title and text of the exemplars: of this batch, else as they are stored."""
        ids = [MentionId(kept.mention_id) for kept in self._clusters.exemplars(cluster)]
        found = {one: self._batch[one] for one in ids if one in self._batch}
        absent = [one for one in ids if one not in found]
        if absent:
            found |= {one.mention_id: one for one in self._recall.mentions(absent)}
        return [(found[one].title, found[one].text) for one in ids if one in found]

    def _idf_of(self, words: Sequence[str]) -> list[float]:
        ids = np.array([hash_token(word.lower()) for word in words], dtype=np.uint32)
        weights: list[float] = self._frequencies.idf(ids).tolist()
        return weights

    def _record(self, cluster: LiveCluster) -> Cluster:
        return Cluster(
            cluster_id=cluster.cluster_id,
            shard_id=self._shard_id,
            brand_id=self._brand_id,
            parent_id=cluster.parent_id,
            size=cluster.size,
            n_duplicates=cluster.n_duplicates,
            first_at=cluster.first_at,
            last_at=cluster.last_at,
            label=cluster.label,
            keywords=cluster.keywords,
            representative_id=cluster.representative_id,
            blob=pack(self._clusters.pack(cluster)),
        )


def _arrival(mention: Mention) -> float:
    """When a mention counts as come (s): a date in the future does not move the shard's clock."""
    return min(mention.published_at, mention.observed_at).timestamp()


def _is_looked_over(size: int) -> bool:
    """Say whether a cluster that grew to `size` looks for a partner: ever more rarely (1 in 2^k).

    Amortised this costs less than a pass over all clusters touched, and nothing pauses.
    """
    return size > 1 and size % (1 << max(0, size.bit_length() - 3)) == 0
