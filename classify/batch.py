"""What one batch has changed so far, laid over what is stored.

What a shard recalls does not know the batch in hand, and nothing may depend on where a batch ends:
every question about the past goes through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from classify.live_clusters import LiveCluster
from classify.recall import Recall
from storage.records import (
    COLD_SHARED,
    Assignment,
    Cluster,
    ClusterEvent,
    ClusterId,
    Mention,
    MentionId,
    Move,
    Recalled,
    Verdict,
)


class Batch:
    """The changes of one batch, in the order in which they are made."""

    def __init__(
        self, items: Iterable[tuple[Mention, Verdict]], now: datetime, recall: Recall
    ) -> None:
        self.now = now
        self.assignments: list[Assignment] = []
        self.events: list[ClusterEvent] = []
        self.changed: dict[ClusterId, LiveCluster] = {}  # live ones
        self.gone: dict[ClusterId, Cluster] = {}  # cold ones and aliases
        self.moves: dict[MentionId, ClusterId] = {}
        self.names: dict[ClusterId, tuple[str, tuple[str, ...]]] = {}  # given here: label, keywords
        self._recall = recall
        self._items = {mention.mention_id: (mention, verdict) for mention, verdict in items}
        self._touched: dict[MentionId, Recalled] = {}  # assigned or moved here
        self._homes: dict[MentionId, ClusterId] = {}  # where those are now
        self.cold: dict[ClusterId, tuple[int, ...]] = {}  # what went cold: found under
        self._thawed: set[ClusterId] = set()
        self._has_cold: bool | None = None
        self._taken: set[ClusterId] = set()
        self._merged: dict[ClusterId, list[ClusterId]] = {}  # survivor -> whom it took in

    def reserve(self, ids: Iterable[ClusterId]) -> None:
        """Ask at once which ids that this batch may give are taken, be it by an alias."""
        self._taken.update(one.cluster_id for one in self._recall.known(sorted(set(ids))))

    def take_id(self, ids: Sequence[ClusterId]) -> ClusterId:
        """Return the first of these reserved ids that is free; from now on it is taken."""
        found = next(one for one in ids if one not in self._taken)
        self._taken.add(found)
        return found

    # --- changing -------------------------------------------------------------------------------

    def assign(self, assignment: Assignment) -> None:
        """Note where a mention of this batch went."""
        self.assignments.append(assignment)
        mention, verdict = self._items[assignment.mention_id]
        self._touched[assignment.mention_id] = Recalled(
            mention=mention, verdict=verdict, assignment=assignment
        )
        self._homes[assignment.mention_id] = assignment.cluster_id

    def log(self, cluster_id: ClusterId, kind: str, *, note: str = "", **more: ClusterId) -> None:
        """Write a row of the journal."""
        other_id = more.get("other_id")
        self.events.append(
            ClusterEvent(
                cluster_id=cluster_id, kind=kind, at=self.now, other_id=other_id, note=note
            )
        )

    def absorb(self, survivor_id: ClusterId, alias: Cluster) -> None:
        """Note that a cluster went into another one."""
        absorbed = alias.cluster_id
        self.changed.pop(absorbed, None)
        self.gone[absorbed] = alias
        taken = self._merged.setdefault(survivor_id, [])
        taken += [absorbed, *self._merged.pop(absorbed, ())]
        for mention_id, home in self._homes.items():
            if home == absorbed:
                self._homes[mention_id] = survivor_id

    def chill(self, record: Cluster, features: tuple[int, ...]) -> None:
        """Note that a cluster went cold, to be found under these features."""
        self.changed.pop(record.cluster_id, None)
        self.gone[record.cluster_id] = record
        self.cold[record.cluster_id] = features
        self.log(record.cluster_id, "cold")

    def thaw(self, cluster_id: ClusterId) -> None:
        """Note that a cold cluster lives again."""
        self.gone.pop(cluster_id, None)
        self.cold.pop(cluster_id, None)
        self._thawed.add(cluster_id)
        self.log(cluster_id, "reopen")

    def move(self, member: Recalled, cluster_id: ClusterId) -> None:
        """Note that a member goes to another cluster."""
        mention_id = member.mention.mention_id
        self.moves[mention_id] = cluster_id
        self._touched[mention_id] = member
        self._homes[mention_id] = cluster_id

    # --- asking ---------------------------------------------------------------------------------

    def members(self, cluster_id: ClusterId, limit: int) -> list[Recalled]:
        """Return the newest members that are no copies, oldest of them first."""
        stored = self._recall.members(self._sources(cluster_id), limit + len(self._homes))
        found = self._over(stored, cluster_id)
        texts = [one for one in found if one.assignment.duplicate_of is None]
        texts.sort(key=lambda one: one.assignment.seq)
        return texts[-limit:]

    def copies(self, cluster_id: ClusterId, originals: Sequence[MentionId]) -> list[Recalled]:
        """Return the members that copy one of these texts, oldest first."""
        wanted = set(originals)
        stored = self._recall.copies(self._sources(cluster_id), originals)
        found = self._over(stored, cluster_id)
        copies = [one for one in found if one.assignment.duplicate_of in wanted]
        copies.sort(key=lambda one: one.assignment.seq)
        return copies

    def has_cold(self) -> bool:
        """Say whether any cluster can be found by its features."""
        if self._has_cold is None:
            self._has_cold = self._recall.has_cold()
        return self._has_cold or bool(self.cold)

    def cold_like(self, features: Sequence[int], limit: int) -> list[Cluster]:
        """Return cold clusters that share at least two of these features, in no order.

        Among them are the `limit` that share most.
        """
        wanted = set(features)
        here = [
            self.gone[one]
            for one, filed in self.cold.items()
            if len(wanted.intersection(filed)) >= COLD_SHARED
        ]
        if not self._has_cold:
            return here
        away = self._thawed | self.cold.keys()
        stored = self._recall.cold(features, limit + len(away))
        return here + [one for one in stored if one.cluster_id not in away]

    def cold_one(self, cluster_id: ClusterId) -> Cluster | None:
        """Return a cluster that is cold, None when it is not."""
        known = [self.gone[cluster_id]] if cluster_id in self.gone else []
        for one in known or self._recall.known([cluster_id]):
            if one.state == "cold":
                return one
        return None

    def mentions(self, ids: Sequence[MentionId]) -> Mapping[MentionId, Mention]:
        """Return mentions by id, as far as there are any."""
        found = {one: self._items[one][0] for one in ids if one in self._items}
        absent = [one for one in ids if one not in found]
        if absent:
            found |= {one.mention_id: one for one in self._recall.mentions(absent)}
        return found

    def _sources(self, cluster_id: ClusterId) -> list[ClusterId]:
        """Return the stored clusters whose members a cluster has by now."""
        return [cluster_id, *self._merged.get(cluster_id, ())]

    def _over(self, stored: Sequence[Recalled], cluster_id: ClusterId) -> list[Recalled]:
        here = [self._touched[one] for one, home in self._homes.items() if home == cluster_id]
        return here + [one for one in stored if one.mention.mention_id not in self._homes]

    def result(self) -> tuple[Move, ...]:
        """Return the moves, each mention's last one."""
        return tuple(Move(mention_id=one, cluster_id=home) for one, home in self.moves.items())
