"""Vectors and clusters worth comparing in; the best of them by the hybrid score out.

The score of a vector against a cluster is 0.3 times its best cosine with an exemplar and 0.7 times
its cosine with the centroid. Every choice is a function of the numbers, equal ones go by age.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.cluster_rules import Rules
from classify.index import BUCKETS, Probe, Rows, Vector
from classify.labels import Member
from classify.live_cluster import Kept, LiveCluster
from classify.member_rows import MemberRows, member_of
from classify.packing import vector_of
from classify.singles import Row, Singles

SCORED = 6  # clusters compared by exemplars, those with the best centroids
NEAREST = 0.3  # weight of the most similar exemplar; the rest is the centroid's


class Found(NamedTuple):
    """A cluster worth comparing, as it is or packed."""

    opened_seq: int
    ordinal: int
    cluster: LiveCluster | None
    packed: Row | None


Scored = tuple[Found, float]


class Scorer:
    """Compares vectors with clusters whose rows lie here."""

    def __init__(self, rules: Rules, members: MemberRows, centroids: Rows) -> None:
        self._rules = rules
        self._members = members
        self._centroids = centroids
        self._scratch = np.zeros(BUCKETS, dtype=np.uint8)

    def exemplars(self, cluster: LiveCluster) -> list[Kept]:
        """Return the members that stand for a cluster in comparisons, oldest first."""
        return [Kept(*self._members.text(row), row) for row in cluster.rows]

    def centroid(self, cluster: LiveCluster) -> Vector:
        """Return the sum of the members' vectors, cut to its heaviest features."""
        if cluster.centroid_row >= 0:
            return self._centroids.get(cluster.centroid_row)
        return vector_of(*self._members.get(cluster.rows[0]))

    def best(self, vector: Vector, found: list[Found], least: float) -> Scored | None:
        """Return the best of some clusters when its score is at least `least`."""
        if not found:
            return None
        probe = Probe(vector, self._scratch)
        alone = [one for one in found if one.cluster is None or one.cluster.centroid_row < 0]
        scored = [
            (-cosine, one.opened_seq, one)
            for one, cosine in zip(alone, self._cosines(probe, alone), strict=True)
        ]
        grown = [one for one in found if one.cluster is not None and one.cluster.centroid_row >= 0]
        if grown:
            bar = max(least, -min(scored)[0] if scored else 0.0)
            scored += self._score_grown(probe, grown, bar)
        if not scored:
            return None
        score, _, best = min(scored)
        return (best, -score) if -score >= least else None

    def _cosines(self, probe: Probe, alone: list[Found]) -> list[float]:
        """Return the cosines of lone clusters, packed or not."""
        if not alone:
            return []
        ids, weights = self._rows_of(alone)
        # Sums of squares of such weights are exact in float32: classify.packing.
        norms = np.sqrt((weights * weights).sum(axis=1).astype(np.float64))
        norms[norms == 0.0] = 1.0
        cosines: list[float] = (probe.dots(ids, weights) / norms).tolist()
        return cosines

    def _rows_of(self, alone: list[Found]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return the vectors of lone clusters as rows [n, 64]."""
        packed = [one.packed for one in alone if one.packed is not None]
        if len(packed) == len(alone):
            return Singles.take(packed)
        held = [one.cluster.rows[0] for one in alone if one.cluster is not None]
        ids, weights = self._members.take(held)
        if not packed:
            return ids, weights
        more_ids, more_weights = Singles.take(packed)
        order = np.argsort(np.argsort([one.cluster is None for one in alone], kind="stable"))
        return (
            np.concatenate((ids, more_ids))[order],
            np.concatenate((weights, more_weights))[order],
        )

    def _score_grown(
        self, probe: Probe, grown: list[Found], bar: float
    ) -> list[tuple[float, int, Found]]:
        clusters = [one.cluster for one in grown if one.cluster is not None]
        dots = probe.dots(*self._centroids.take([one.centroid_row for one in clusters])).tolist()
        cosines = [
            (-dot / one.norm, one.opened_seq, n)
            for n, (dot, one) in enumerate(zip(dots, clusters, strict=True))
            if (1 - NEAREST) * dot / one.norm + NEAREST >= bar  # else no exemplar can save it
        ]
        near = [(-cosine, n) for cosine, _, n in heapq.nsmallest(SCORED, cosines)]
        if not near:
            return []
        rows = [row for _, n in near for row in clusters[n].rows]
        likeness = probe.dots(*self._members.take(rows)).tolist()
        scored = []
        first = 0
        for cosine, n in near:
            last = first + len(clusters[n].rows)
            score = NEAREST * max(likeness[first:last]) + (1 - NEAREST) * cosine
            scored.append((-score, grown[n].opened_seq, grown[n]))
            first = last
        return scored

    def alike(self, cluster: LiveCluster, others: list[Found]) -> Scored | None:
        """Return the grown cluster whose centroid is most like another's, if alike enough."""
        clusters = [one.cluster for one in others if one.cluster is not None]
        if not clusters:
            return None
        probe = Probe(self.centroid(cluster), self._scratch)
        dots = probe.dots(*self._centroids.take([one.centroid_row for one in clusters])).tolist()
        scored = [
            (-dot / (one.norm * cluster.norm), one.opened_seq, n)
            for n, (dot, one) in enumerate(zip(dots, clusters, strict=True))
        ]
        score, _, n = min(scored)
        best = clusters[n]
        members = [kept.member for kept in self.exemplars(cluster) + self.exemplars(best)]
        return (others[n], -score) if -score >= self._rules.least_alike(members) else None

    def lone(self, cluster: LiveCluster, others: list[Found]) -> Scored | None:
        """Return the single that fits a grown cluster best, if it would join by now."""
        if not others:
            return None
        probe = Probe(self.centroid(cluster), self._scratch)
        ids, weights = self._rows_of(others)
        dots = probe.dots(ids, weights).tolist()
        cosines = [
            (-dot / cluster.norm, one.opened_seq, n)
            for n, (dot, one) in enumerate(zip(dots, others, strict=True))
        ]
        members = self._members.take(cluster.rows)
        scored = []
        for cosine, opened_seq, n in heapq.nsmallest(SCORED, cosines):
            size = int(np.count_nonzero(ids[n]))
            vector = Vector(ids[n, :size], weights[n, :size])
            likeness = Probe(vector, self._scratch).dots(*members)
            score = NEAREST * float(likeness.max()) - (1 - NEAREST) * cosine
            if score >= self._rules.least_single(self._lone_member(others[n])):
                scored.append((-score, opened_seq, n))
        if not scored:
            return None
        score, _, n = min(scored)
        return others[n], -score

    def _lone_member(self, found: Found) -> Member:
        if found.packed is not None:
            return member_of(*found.packed.text)
        assert found.cluster is not None
        return self._members.text(found.cluster.rows[0])[1]

    def likeness(self, cluster: LiveCluster) -> list[float]:
        """Return each exemplar's mean cosine to the others (1.0 for an only one)."""
        rows = cluster.rows
        if len(rows) == 1:
            return [1.0]
        ids, weights = self._members.take(rows)
        means = []
        for row in rows:
            dots = Probe(vector_of(*self._members.get(row)), self._scratch).dots(ids, weights)
            means.append((float(dots.sum()) - 1.0) / (len(rows) - 1))
        return means
