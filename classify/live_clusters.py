"""The live clusters of one shard in memory: find the best one for a vector, join, merge, expire.

Source: one-pass hybrid of exemplars and centroid (single-pass clustering after Allan et al. 1998,
first-story detection after Petrovic 2010 as its a = 1 case). Every choice is a function of the
vectors and numbers held, never of memory layout; equal scores go to the older cluster.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from classify.cluster_blob import Exemplar, Packed
from classify.cluster_rules import Rules
from classify.index import BUCKETS, PostingIndex, Probe, Rows, Vector, are_missing, leaders
from classify.labels import Member
from classify.vectors import HEAVIEST
from storage.records import ClusterId, MentionId

CENTROID = 200  # heaviest features kept of a centroid
EXEMPLARS = 6  # the first three members and the last three
FOUNDERS = 3
COMPARED = 16  # clusters compared by centroid, those with most votes
SCORED = 6  # of them compared by exemplars, those with the best centroids
NEAREST = 0.3  # weight of the most similar exemplar; the rest is the centroid's
MERGE_FEATURES = 16
DAY_S = 86_400.0


@dataclass(slots=True)
class Kept:
    """An exemplar whose vector lies in `row`."""

    mention_id: int
    member: Member
    row: int


@dataclass(slots=True, eq=False)
class LiveCluster:
    """One live cluster.

    `touched` is the shard's clock (s) when a mention last came, `reshaped` when a merge or a split
    last changed it.
    """

    slot: int
    opened_seq: int
    cluster_id: ClusterId
    parent_id: ClusterId | None
    size: int
    n_duplicates: int
    first_at: datetime
    last_at: datetime
    touched: float
    last_seq: int
    exemplars: list[Kept] = field(default_factory=list)
    centroid_row: int = -1  # -1: the only exemplar is the centroid
    norm: float = 1.0
    label: str = ""
    named_by: str = ""
    pinned: bool = False
    keywords: tuple[str, ...] = ()
    representative_id: MentionId | None = None
    labelled_size: int = 0
    reshaped: float = 0.0


@dataclass(frozen=True, slots=True)
class Match:
    """The best cluster for a vector and its score."""

    cluster: LiveCluster
    score: float


def _heaviest(vector: Vector, limit: int) -> Vector:
    if len(vector.ids) <= limit:
        return vector
    order = np.lexsort((vector.ids, -vector.weights))[:limit]
    order.sort()
    return Vector(vector.ids[order], vector.weights[order])


def _add(left: Vector, right: Vector) -> Vector:
    """Sum of two vectors, cut to the heaviest features of a centroid."""
    ids = np.concatenate((left.ids, right.ids))
    weights = np.concatenate((left.weights, right.weights))
    order = np.argsort(ids, kind="stable")
    ids, weights = ids[order], weights[order]
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    starts = np.flatnonzero(first)
    summed = np.add.reduceat(weights, starts) if len(starts) else weights
    return _heaviest(Vector(ids[starts], summed.astype(np.float32)), CENTROID)


class LiveClusters:
    """All live clusters of a shard with their vectors and the index over them."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._clusters: list[LiveCluster | None] = []
        self._free: list[int] = []
        self._grown = np.zeros(1024, dtype=bool)  # by slot: has it more than one member
        self._by_id: dict[ClusterId, LiveCluster] = {}
        self._members = Rows(HEAVIEST, np.float16)
        self._centroids = Rows(CENTROID, np.float32)
        self._index = PostingIndex()
        self._scratch = np.zeros(BUCKETS, dtype=np.uint8)
        self._due: list[tuple[float, int, int]] = []  # (expires at, opened_seq, slot), lower bounds

    def __len__(self) -> int:
        """Return how many clusters are live."""
        return len(self._by_id)

    def __contains__(self, cluster_id: ClusterId) -> bool:
        """Say whether a cluster is live."""
        return cluster_id in self._by_id

    def get(self, cluster_id: ClusterId) -> LiveCluster | None:
        """Return a live cluster, always the same object between two calls of `settle`."""
        return self._by_id.get(cluster_id)

    def exemplars(self, cluster: LiveCluster) -> list[Kept]:
        """Return the members that stand for a cluster in comparisons, oldest first."""
        return cluster.exemplars

    def settle(self, clusters: Iterable[LiveCluster]) -> None:
        """Put the clusters that a batch touched away; no `LiveCluster` is good after this.

        A cluster of one mention comes back without its name (label "", no keywords, labelled size
        1): only its stored record has it, and an empty label there leaves the stored one alone.
        """

    def nbytes(self) -> int:
        """Return the bytes of memory that the clusters take, the index included."""
        return self._members.nbytes + self._centroids.nbytes + 1000 * len(self._by_id)

    def restore(self, cluster: LiveCluster, packed: Packed) -> None:
        """Take in a cluster that was stored; its slot and rows are given here."""
        for one in packed.exemplars:
            row = self._members.put(one.vector)
            cluster.exemplars.append(Kept(one.mention_id, one.member, row))
        if packed.centroid is not None:
            cluster.centroid_row = self._centroids.put(packed.centroid)
        self._enter(cluster)

    def pack(self, cluster: LiveCluster) -> Packed:
        """Return what must be stored of a cluster's own state."""
        exemplars = tuple(
            Exemplar(one.mention_id, one.member, self._members.get(one.row))
            for one in cluster.exemplars
        )
        centroid = self._centroids.get(cluster.centroid_row) if cluster.centroid_row >= 0 else None
        return Packed(
            cluster.opened_seq,
            cluster.last_seq,
            cluster.touched,
            cluster.labelled_size,
            exemplars,
            centroid,
            cluster.reshaped,
        )

    def _enter(self, cluster: LiveCluster) -> None:
        if self._free:
            cluster.slot = self._free.pop()
            self._clusters[cluster.slot] = cluster
        else:
            cluster.slot = len(self._clusters)
            self._clusters.append(cluster)
            if cluster.slot == len(self._grown):
                self._grown = np.concatenate((self._grown, np.zeros_like(self._grown)))
        self._grown[cluster.slot] = cluster.centroid_row >= 0
        self._by_id[cluster.cluster_id] = cluster
        centroid = self.centroid(cluster)
        cluster.norm = _norm(centroid)
        self._index.add(cluster.slot, centroid.ids)
        heapq.heappush(self._due, (self._expires(cluster), cluster.opened_seq, cluster.slot))

    def centroid(self, cluster: LiveCluster) -> Vector:
        """Return the sum of the members' vectors, cut to its heaviest features."""
        if cluster.centroid_row >= 0:
            return self._centroids.get(cluster.centroid_row)
        return self._members.get(cluster.exemplars[0].row)

    def lacks(self, cluster: LiveCluster, ids: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Say for each feature id [n] whether the cluster's centroid is without it."""
        return are_missing(ids, self.centroid(cluster).ids)

    # --- finding --------------------------------------------------------------------------------

    def best(self, vector: Vector, least: float) -> Match | None:
        """Return the best cluster when its score is at least `least`."""
        found = self._most_voted(*self._index.vote(vector, least * least))
        if not found:
            return None
        probe = Probe(vector, self._scratch)
        singles = [one.exemplars[0] for one in found if one.centroid_row < 0]
        scored: list[tuple[float, int, LiveCluster]] = []
        if singles:
            alone = [one for one in found if one.centroid_row < 0]
            dots = probe.dots(*self._members.take([kept.row for kept in singles]))
            scored += [
                (-dot / one.norm, one.opened_seq, one)
                for dot, one in zip(dots.tolist(), alone, strict=True)
            ]
        grown = [one for one in found if one.centroid_row >= 0]
        if grown:
            bar = max(least, -min(scored)[0] if scored else 0.0)
            scored += self._score_grown(probe, grown, bar)
        if not scored:
            return None
        score, _, cluster = min(scored)
        return Match(cluster, -score) if -score >= least else None

    def _score_grown(
        self, probe: Probe, grown: list[LiveCluster], bar: float
    ) -> list[tuple[float, int, LiveCluster]]:
        dots = probe.dots(*self._centroids.take([one.centroid_row for one in grown])).tolist()
        cosines = [
            (-dot / one.norm, one.opened_seq, one)
            for dot, one in zip(dots, grown, strict=True)
            if (1 - NEAREST) * dot / one.norm + NEAREST >= bar  # else no exemplar can save it
        ]
        near = [(-cosine, one) for cosine, _, one in heapq.nsmallest(SCORED, cosines)]
        if not near:
            return []
        rows = [kept.row for _, one in near for kept in one.exemplars]
        likeness = probe.dots(*self._members.take(rows)).tolist()
        scored = []
        first = 0
        for cosine, one in near:
            last = first + len(one.exemplars)
            score = NEAREST * max(likeness[first:last]) + (1 - NEAREST) * cosine
            scored.append((-score, one.opened_seq, one))
            first = last
        return scored

    def partner(self, cluster: LiveCluster) -> Match | None:
        """Return the cluster to merge a grown one with, None when none is alike enough.

        Another grown one by their centroids; else a single mention that would join by now.
        """
        centroid = self.centroid(cluster)
        slots, votes = self._index.vote(_heaviest(centroid, MERGE_FEATURES), 0.0)
        others = slots != cluster.slot
        slots, votes = slots[others], votes[others]
        grown = self._grown[slots]
        probe = Probe(centroid, self._scratch)
        return self._alike(
            probe, cluster, self._most_voted(slots[grown], votes[grown])
        ) or self._lone(probe, cluster, self._most_voted(slots[~grown], votes[~grown]))

    def _most_voted(self, slots: NDArray[np.intp], votes: NDArray[np.float64]) -> list[LiveCluster]:
        """Return the clusters to compare, most votes first, equal ones by age."""
        found = [
            (-vote, one.opened_seq, one)
            for slot, vote in leaders(slots, votes, COMPARED)
            if (one := self._clusters[slot]) is not None
        ]
        return [one for *_, one in heapq.nsmallest(COMPARED, found)]

    def _alike(self, probe: Probe, cluster: LiveCluster, others: list[LiveCluster]) -> Match | None:
        if not others:
            return None
        dots = probe.dots(*self._centroids.take([one.centroid_row for one in others])).tolist()
        scored = [
            (-dot / (one.norm * cluster.norm), one.opened_seq, one)
            for dot, one in zip(dots, others, strict=True)
        ]
        score, _, best = min(scored)
        members = [kept.member for kept in cluster.exemplars + best.exemplars]
        return Match(best, -score) if -score >= self._rules.least_alike(members) else None

    def _lone(self, probe: Probe, cluster: LiveCluster, others: list[LiveCluster]) -> Match | None:
        if not others:
            return None
        rows = [one.exemplars[0].row for one in others]
        dots = probe.dots(*self._members.take(rows)).tolist()
        cosines = [
            (-dot / cluster.norm, one.opened_seq, one)
            for dot, one in zip(dots, others, strict=True)
        ]
        members = self._members.take([kept.row for kept in cluster.exemplars])
        scored = []
        for cosine, opened_seq, one in heapq.nsmallest(SCORED, cosines):
            vector = self._members.get(one.exemplars[0].row)
            likeness = Probe(vector, self._scratch).dots(*members)
            score = NEAREST * float(likeness.max()) - (1 - NEAREST) * cosine
            if score >= self._rules.least_single(one.exemplars[0].member):
                scored.append((-score, opened_seq, one))
        if not scored:
            return None
        score, _, best = min(scored)
        return Match(best, -score)

    def likeness(self, cluster: LiveCluster) -> list[float]:
        """Return each exemplar's mean cosine to the others (1.0 for an only one)."""
        rows = [kept.row for kept in cluster.exemplars]
        if len(rows) == 1:
            return [1.0]
        ids, weights = self._members.take(rows)
        means = []
        for row in rows:
            dots = Probe(self._members.get(row), self._scratch).dots(ids, weights)
            means.append((float(dots.sum()) - 1.0) / (len(rows) - 1))
        return means

    # --- changing -------------------------------------------------------------------------------

    def open(self, cluster: LiveCluster, vector: Vector, mention_id: int, member: Member) -> None:
        """Take in a new cluster of one member."""
        cluster.exemplars.append(Kept(mention_id, member, self._members.put(vector)))
        self._enter(cluster)

    def join(self, cluster: LiveCluster, vector: Vector, mention_id: int, member: Member) -> None:
        """Add a member that is no copy: centroid, exemplars and index."""
        self._set_centroid(cluster, _add(self.centroid(cluster), vector))
        if len(cluster.exemplars) == EXEMPLARS:
            self._members.drop(cluster.exemplars.pop(FOUNDERS).row)
        cluster.exemplars.append(Kept(mention_id, member, self._members.put(vector)))

    def _set_centroid(self, cluster: LiveCluster, centroid: Vector) -> None:
        before = self.centroid(cluster).ids
        if cluster.centroid_row >= 0:
            self._centroids.replace(cluster.centroid_row, centroid)
        else:
            cluster.centroid_row = self._centroids.put(centroid)
            self._grown[cluster.slot] = True
        cluster.norm = _norm(centroid)
        self._index.remove(cluster.slot, before[are_missing(before, centroid.ids)])
        self._index.add(cluster.slot, centroid.ids[are_missing(centroid.ids, before)])

    def merge(self, survivor: LiveCluster, absorbed: LiveCluster) -> None:
        """Move everything of `absorbed` into `survivor`."""
        self._leave(absorbed)
        self._set_centroid(survivor, _add(self.centroid(survivor), self.centroid(absorbed)))
        if absorbed.centroid_row >= 0:
            self._centroids.drop(absorbed.centroid_row)
        every = sorted(survivor.exemplars + absorbed.exemplars, key=lambda kept: kept.mention_id)
        last = every[FOUNDERS:][-(EXEMPLARS - FOUNDERS) :]
        for one in every[FOUNDERS : len(every) - len(last)]:
            self._members.drop(one.row)
        survivor.exemplars = every[:FOUNDERS] + last
        survivor.size += absorbed.size
        survivor.n_duplicates += absorbed.n_duplicates
        survivor.first_at = min(survivor.first_at, absorbed.first_at)
        survivor.last_at = max(survivor.last_at, absorbed.last_at)
        survivor.touched = max(survivor.touched, absorbed.touched)
        survivor.last_seq = max(survivor.last_seq, absorbed.last_seq)

    def drop(self, cluster: LiveCluster) -> None:
        """Forget a cluster and give its rows back."""
        self._leave(cluster)
        for kept in cluster.exemplars:
            self._members.drop(kept.row)
        if cluster.centroid_row >= 0:
            self._centroids.drop(cluster.centroid_row)

    def _leave(self, cluster: LiveCluster) -> None:
        """Make a cluster unfindable; its rows stay."""
        self._index.remove(cluster.slot, self.centroid(cluster).ids)
        self._clusters[cluster.slot] = None
        self._free.append(cluster.slot)
        del self._by_id[cluster.cluster_id]

    # --- time -----------------------------------------------------------------------------------

    def _expires(self, cluster: LiveCluster) -> float:
        alone = cluster.size + cluster.n_duplicates < 2
        if cluster.pinned:
            return math.inf  # a person wants it kept
        days = self._rules.single_window_days if alone else self._rules.window_days
        return cluster.touched + days * DAY_S

    def take_expired(self, clock: float, limit: int) -> list[LiveCluster]:
        """Return up to `limit` clusters whose window has passed, the longest passed first.

        None while no more than the rules keep are live. They are still held: pack them, then
        `drop` them.
        """
        expired: list[LiveCluster] = []
        limit = min(limit, len(self._by_id) - self._rules.keep_clusters)
        while self._due and self._due[0][0] < clock and len(expired) < limit:
            due, opened_seq, slot = heapq.heappop(self._due)
            cluster = self._clusters[slot]
            if cluster is None or cluster.opened_seq != opened_seq or cluster in expired:
                continue  # merged away, or entered twice since a split made it anew
            true_due = self._expires(cluster)
            if true_due > due:
                heapq.heappush(self._due, (true_due, opened_seq, slot))
                continue
            expired.append(cluster)
        return expired


def _norm(vector: Vector) -> float:
    weights = vector.weights.astype(np.float64)
    return math.sqrt(float((weights * weights).sum())) or 1.0
