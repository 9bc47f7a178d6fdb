"""Clusters that leave memory in, the features they are found by out; and back again.

A complaint that comes back after months belongs to the cluster it had. Of a cold cluster its
heaviest features stay in SQL; a mention that would open a new cluster first looks there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from classify.batch import Batch
from classify.cluster_blob import Packed, unpack
from classify.index import Vector, are_missing
from classify.live_clusters import NEAREST
from storage.records import COLD_SHARED, Cluster

# Heaviest features under which a cold cluster is found (cluster.md 3.6) and that are looked up of
# a mention; more find nothing more. Of a single half, as most mentions are never repeated and each
# feature is a row: docs/adr/0024-time.md has the figures.
FILED = 8
FILED_SINGLE = 4
ASKED = 16
COMPARED = 8  # cold clusters compared with a mention, those that share most


@dataclass(frozen=True, slots=True)
class Found:
    """A cold cluster that a mention opens again, and how well it fits."""

    record: Cluster
    packed: Packed
    score: float


def filed_under(packed: Packed) -> tuple[int, ...]:
    """Return the features under which a cluster is found while it is cold."""
    limit = FILED_SINGLE if packed.centroid is None else FILED
    return _heaviest(_centroid(packed), limit)


def find_cold(
    vector: Vector, least: float, batch: Batch, unblob: Callable[[Cluster], Packed | None]
) -> Found | None:
    """Return the cold cluster that a vector joins with a score of at least `least`.

    `unblob` makes the state of a cluster anew whose members people changed.
    """
    asked = _heaviest(vector, ASKED)
    if len(asked) < COLD_SHARED or not batch.has_cold():
        return None
    known = {}
    for record in batch.cold_like(asked, COMPARED):
        packed = unpack(record.blob) if record.blob else unblob(record)
        if packed is not None:
            known[record.cluster_id] = (record, packed)
    ranked = sorted(
        (-len(set(asked).intersection(filed_under(packed))), cluster_id)
        for cluster_id, (_, packed) in known.items()
    )
    scored = []
    for _, cluster_id in ranked[:COMPARED]:
        record, packed = known[cluster_id]
        score = score_of(vector, packed)
        if score >= least:
            scored.append((-score, packed.opened_seq, record, packed))
    if not scored:
        return None
    score, _, record, packed = min(scored, key=lambda one: one[:2])
    return Found(record, packed, -score)


def score_of(vector: Vector, packed: Packed) -> float:
    """Score a vector against a packed cluster as live ones are scored."""
    centroid = _centroid(packed)
    cosine = _dot(vector, centroid) / _norm(centroid)
    if packed.centroid is None:
        return cosine
    nearest = max(_dot(vector, one.vector) for one in packed.exemplars)
    return NEAREST * nearest + (1 - NEAREST) * cosine


def cosine_of(left: Packed, right: Packed) -> float:
    """Return the cosine of two packed clusters' centroids."""
    one, two = _centroid(left), _centroid(right)
    return _dot(one, two) / (_norm(one) * _norm(two))


def _norm(vector: Vector) -> float:
    return math.sqrt(float((vector.weights.astype(np.float64) ** 2).sum())) or 1.0


def _centroid(packed: Packed) -> Vector:
    return packed.exemplars[0].vector if packed.centroid is None else packed.centroid


def _dot(left: Vector, right: Vector) -> float:
    both = ~are_missing(left.ids, right.ids)
    places = np.searchsorted(right.ids, left.ids[both])
    return float((left.weights[both] * right.weights[places]).sum())


def _heaviest(vector: Vector, limit: int) -> tuple[int, ...]:
    order = np.lexsort((vector.ids, -vector.weights))[:limit]
    return tuple(int(one) for one in vector.ids[order])
