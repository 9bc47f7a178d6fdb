"""What a shard may ask of the past while it gathers, and a past that lives in memory.

Wiring gives the store's recall; evaluation, calibration and previews use `Ledger`, which keeps what
a database would keep of one shard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from storage.records import (
    COLD_SHARED,
    Assignment,
    BrandId,
    Cluster,
    ClusterEvent,
    ClusterId,
    Mention,
    MentionId,
    Recalled,
    ShardChanges,
    ShardId,
    ShardSnapshot,
    ShardState,
    Verdict,
)


class Recall(Protocol):
    """What is stored of a shard, as it was before the batch in hand."""

    def members(self, cluster_ids: Sequence[ClusterId], limit: int) -> Sequence[Recalled]:
        """Return the newest members of these clusters that are no copies, newest first."""
        ...

    def mentions(self, ids: Sequence[MentionId]) -> Sequence[Mention]:
        """Return mentions by id, in any order; those that are gone are left out."""
        ...

    def copies(
        self, cluster_ids: Sequence[ClusterId], originals: Sequence[MentionId]
    ) -> Sequence[Recalled]:
        """Return the members of these clusters that copy one of these texts, in any order."""
        ...

    def known(self, cluster_ids: Sequence[ClusterId]) -> Sequence[Cluster]:
        """Return clusters of any state by id, in any order; ids that nothing has are left out."""
        ...

    def has_cold(self) -> bool:
        """Say whether any cluster of the shard can be found by its features."""
        ...

    def cold(self, features: Sequence[int], limit: int) -> Sequence[Cluster]:
        """Return cold clusters that share most of these features (at least two), best first."""
        ...


class Ledger:
    """What a database keeps of a shard, in memory; a shard restores from it at any batch."""

    def __init__(self, shard_id: ShardId, brand_id: BrandId) -> None:
        self._shard_id = shard_id
        self._brand_id = brand_id
        self.clusters: dict[ClusterId, Cluster] = {}
        self.homes: dict[MentionId, ClusterId] = {}  # where each mention is now
        self.events: list[ClusterEvent] = []
        self.snapshot: ShardSnapshot | None = None
        self._assigned: dict[MentionId, tuple[Mention, Verdict, Assignment]] = {}
        self._members: dict[ClusterId, list[MentionId]] = {}
        self._cold: dict[int, set[ClusterId]] = {}
        self._features: dict[ClusterId, tuple[int, ...]] = {}

    def state(self) -> ShardState:
        """Return what the shard goes on from."""
        return ShardState(
            shard_id=self._shard_id,
            brand_id=self._brand_id,
            clusters=tuple(one for one in self.clusters.values() if one.state == "live"),
            snapshot=self.snapshot,
            recent=tuple(
                (mention, self._now_at(assignment))
                for mention, _, assignment in self._assigned.values()
            ),
        )

    def _now_at(self, assignment: Assignment) -> Assignment:
        return replace(assignment, cluster_id=self.homes[assignment.mention_id])

    def save(self, changes: ShardChanges, items: Sequence[tuple[Mention, Verdict]]) -> None:
        """Do what storage does with the changes of one batch."""
        by_id = {mention.mention_id: (mention, verdict) for mention, verdict in items}
        for one in changes.assignments:
            self._assigned[one.mention_id] = (*by_id[one.mention_id], one)
            self.place(one.mention_id, one.cluster_id)
        for move in changes.moves:
            self.place(move.mention_id, move.cluster_id)
        for cluster in changes.clusters:
            known = self.clusters.get(cluster.cluster_id)
            if known is not None and not cluster.label:  # not in memory: the stored name stays
                self.clusters[cluster.cluster_id] = replace(
                    cluster, label=known.label, keywords=known.keywords
                )
            else:
                self.clusters[cluster.cluster_id] = cluster
            for feature in self._features.pop(cluster.cluster_id, ()):
                self._cold[feature].discard(cluster.cluster_id)
        self._redirect(changes.clusters)
        for cluster_id, features in changes.cold.items():
            self._features[cluster_id] = features
            for feature in features:
                self._cold.setdefault(feature, set()).add(cluster_id)
        self.events += changes.events
        self.snapshot = changes.snapshot or self.snapshot

    def place(self, mention_id: MentionId, cluster_id: ClusterId) -> None:
        """Put a mention into a cluster, out of the one it was in."""
        before = self.homes.get(mention_id)
        if before is not None:
            self._members[before].remove(mention_id)
        self.homes[mention_id] = cluster_id
        self._members.setdefault(cluster_id, []).append(mention_id)

    def _redirect(self, clusters: Sequence[Cluster]) -> None:
        aliases = {one.cluster_id: one.alias_of for one in clusters if one.alias_of}
        for loser in aliases:
            home: ClusterId = loser
            while (target := aliases.get(home)) is not None:
                home = target
            for mention_id in self._members.pop(loser, []):
                self.homes[mention_id] = home
                self._members.setdefault(home, []).append(mention_id)

    # --- Recall ---------------------------------------------------------------------------------

    def members(self, cluster_ids: Sequence[ClusterId], limit: int) -> list[Recalled]:
        """See `Recall.members`."""
        found = [
            self._assigned[mention_id]
            for cluster_id in cluster_ids
            for mention_id in self._members.get(cluster_id, ())
        ]
        texts = [one for one in found if one[2].duplicate_of is None]
        texts.sort(key=lambda one: -one[2].seq)
        return [self._recalled(*one) for one in texts[:limit]]

    def _recalled(self, mention: Mention, verdict: Verdict, assignment: Assignment) -> Recalled:
        return Recalled(mention=mention, verdict=verdict, assignment=self._now_at(assignment))

    def mentions(self, ids: Sequence[MentionId]) -> list[Mention]:
        """See `Recall.mentions`."""
        return [self._assigned[one][0] for one in ids if one in self._assigned]

    def copies(
        self, cluster_ids: Sequence[ClusterId], originals: Sequence[MentionId]
    ) -> list[Recalled]:
        """See `Recall.copies`."""
        wanted = set(originals)
        found = [
            self._assigned[mention_id]
            for cluster_id in cluster_ids
            for mention_id in self._members.get(cluster_id, ())
        ]
        return [self._recalled(*one) for one in found if one[2].duplicate_of in wanted]

    def known(self, cluster_ids: Sequence[ClusterId]) -> list[Cluster]:
        """See `Recall.known`."""
        return [self.clusters[one] for one in cluster_ids if one in self.clusters]

    def has_cold(self) -> bool:
        """See `Recall.has_cold`."""
        return bool(self._features)

    def cold(self, features: Sequence[int], limit: int) -> list[Cluster]:
        """See `Recall.cold`."""
        shared: Counter[ClusterId] = Counter()
        for feature in set(features):
            shared.update(self._cold.get(feature, ()))
        ranked = sorted(
            (one for one, n in shared.items() if n >= COLD_SHARED),
            key=lambda one: (-shared[one], one),
        )
        return [self.clusters[one] for one in ranked[:limit]]
