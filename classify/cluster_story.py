"""Arrivals and events of clusters in, in their order; what a picture of a run shows, in bins, out.

Evaluation tells its own run, the command line the journal and the members of a database. Nothing
is kept of a mention, and a cluster costs some bytes, so a story may be as long as it likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.records import ClusterEvent, ClusterId

BINS = 96  # of a picture 900 pixels wide: bars that are still seen apart
_BEGINS = frozenset({"open", "reopen"})
_JOINS = frozenset({"merge", "split"})


@dataclass(frozen=True, slots=True)
class Join:
    """Two clusters meet or part at `at`, or one is opened again (then both ids are its own)."""

    kind: str  # merge, split or reopen
    at: datetime
    cluster_id: ClusterId
    other_id: ClusterId


@dataclass(slots=True)
class Story:
    """What became of the clusters between two instants.

    `sizes`: the mentions of clusters that began before, where they are known.
    """

    since: datetime
    until: datetime
    sizes: Mapping[ClusterId, int] = field(default_factory=dict)
    bins: int = BINS
    arrivals: dict[ClusterId, Counter[int]] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)
    labels: dict[ClusterId, str] = field(default_factory=dict)
    taken: dict[ClusterId, ClusterId] = field(default_factory=dict)  # merged one -> survivor
    parents: dict[ClusterId, ClusterId] = field(default_factory=dict)  # part -> split cluster
    live: list[int] = field(default_factory=list)
    singles: list[int] = field(default_factory=list)
    merges: list[int] = field(default_factory=list)
    _n_live: int = 0
    _alone: set[ClusterId] = field(default_factory=set)
    _known: set[ClusterId] = field(default_factory=set)
    _kinds: dict[int, str] = field(default_factory=dict)  # of merges and splits, by number
    _at: int = 0

    def __post_init__(self) -> None:
        """Lay out the bins; a story of an instant lasts a second."""
        self.until = max(self.until, self.since + timedelta(seconds=1))
        self.live, self.singles, self.merges = ([0] * self.bins for _ in range(3))
        self._known.update(self.sizes)
        self._alone = {one for one, size in self.sizes.items() if size == 1}

    def bin_of(self, at: datetime) -> int:
        """Return the bin of an instant; what lies outside counts to the first or the last."""
        share = (at - self.since) / (self.until - self.since)
        return min(self.bins - 1, max(0, int(share * self.bins)))

    def arrive(self, at: datetime, cluster_id: ClusterId) -> None:
        """Tell of a mention that came into a cluster."""
        self._advance(at)
        self.arrivals.setdefault(cluster_id, Counter())[self.bin_of(at)] += 1
        if cluster_id in self._known:
            self._alone.discard(cluster_id)
        else:
            self._known.add(cluster_id)
            self._alone.add(cluster_id)
        self._note()

    def tell(self, event: ClusterEvent) -> None:
        """Tell of a row of the journal; kinds that a picture does not show are passed over."""
        self._advance(event.at)
        kind, one, other = self._shown(event), event.cluster_id, event.other_id
        if kind in _BEGINS:
            self._n_live += 1
        elif kind == "cold":
            self._n_live -= 1
            self._alone.discard(one)
        elif kind == "merge" and other is not None:
            self._n_live -= 1
            self._alone -= {other, one}
            self.merges[self.bin_of(event.at)] += 1
            self.taken[other] = one
            self.parents.pop(other, None)
        elif kind == "split" and other is not None:
            self._n_live += 1
            self._known.add(other)
            self.taken.pop(other, None)
            self.parents[other] = one
        if kind == "reopen" or (other is not None and kind in _JOINS):
            self.joins.append(Join(kind, event.at, one, other or one))
        self._note()

    def _shown(self, event: ClusterEvent) -> str:
        """Return what a row shows as: a merge taken back is a split, a split taken back a merge.

        Of a row from before this time it is not known what it was; it is passed over.
        """
        if event.kind in _JOINS and event.event_no:
            self._kinds[event.event_no] = event.kind
        if event.kind != "undo" or event.undoes is None:
            return event.kind
        return {"merge": "split", "split": "merge"}.get(self._kinds.get(event.undoes, ""), "undo")

    def _advance(self, at: datetime) -> None:
        now = self.bin_of(at)
        for number in range(self._at + 1, now + 1):
            self.live[number] = self.live[self._at]
            self.singles[number] = self.singles[self._at]
        self._at = max(self._at, now)

    def _note(self) -> None:
        self.live[self._at] = self._n_live
        self.singles[self._at] = len(self._alone)

    def finish(self, live: int | None = None, singles: int | None = None) -> None:
        """Carry the last counts to the end; where the true ones at the end are known, keep to them.

        The whole line moves by what was there before and never stirred in this time.
        """
        self._advance(self.until)
        self.live = _ending(self.live, live)
        self.singles = _ending(self.singles, singles)

    # --- what is shown --------------------------------------------------------------------------

    def home_of(self, cluster_id: ClusterId) -> ClusterId:
        """Return the cluster that a merged one ended in."""
        seen = {cluster_id}
        while (target := self.taken.get(cluster_id)) is not None and target not in seen:
            seen.add(target)
            cluster_id = target
        return cluster_id

    def size_of(self, cluster_id: ClusterId) -> int:
        """Return how many mentions came into a cluster by itself in this time."""
        return sum(self.arrivals.get(cluster_id, Counter()).values())

    def groups(self, largest: int, branches: int = 4) -> list[tuple[ClusterId, list[ClusterId]]]:
        """Return the largest clusters, each with its largest branches, in order of beginning.

        Branches are clusters of two mentions or more that went into it or came out of it.
        """
        families: dict[ClusterId, list[ClusterId]] = {}
        for one in sorted(self.arrivals):
            families.setdefault(self._root(one), []).append(one)
        sizes = {root: sum(map(self.size_of, family)) for root, family in families.items()}
        chosen = sorted(families, key=lambda one: (-sizes[one], one))[:largest]
        found = []
        for root in sorted(chosen, key=self._begin):
            others = [one for one in families[root] if one != root and self.size_of(one) > 1]
            others.sort(key=lambda one: -self.size_of(one))
            found.append((root, sorted(others[:branches], key=self._begin)))
        return found

    def _root(self, cluster_id: ClusterId) -> ClusterId:
        """Return the cluster that a merged one ended in, or that a part came out of."""
        seen: set[ClusterId] = set()
        while cluster_id not in seen:
            seen.add(cluster_id)
            cluster_id = self.home_of(cluster_id)
            cluster_id = self.parents.get(cluster_id, cluster_id)
        return self.home_of(cluster_id)

    def _begin(self, cluster_id: ClusterId) -> tuple[int, ClusterId]:
        return min(self.arrivals.get(cluster_id, {0: 0})), cluster_id


def _ending(counts: list[int], last: int | None) -> list[int]:
    return counts if last is None else [max(0, count + last - counts[-1]) for count in counts]
