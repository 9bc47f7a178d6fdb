"""One live cluster as it stands in memory, and how its vectors are added."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from classify.index import Vector
from classify.labels import Member
from storage.records import ClusterId, MentionId

CENTROID = 200  # heaviest features kept of a centroid
EXEMPLARS = 6  # the first three members and the last three
FOUNDERS = 3


class Kept(NamedTuple):
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

    slot: int  # its ordinal in the index; rises as clusters come into memory
    opened_seq: int
    cluster_id: ClusterId
    parent_id: ClusterId | None
    size: int
    n_duplicates: int
    first_at: datetime
    last_at: datetime
    touched: float
    last_seq: int
    rows: tuple[int, ...] = ()  # of the exemplars, oldest first
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


def is_alone(cluster: LiveCluster) -> bool:
    """Say whether a cluster may leave as early as a single."""
    return cluster.size + cluster.n_duplicates < 2 and not cluster.pinned


def hide_name(cluster: LiveCluster) -> None:
    """Take its name from a cluster of one text, unless a person gave it: it is stored."""
    if cluster.centroid_row < 0 and not cluster.named_by:
        cluster.label, cluster.keywords = "", ()


def heaviest(vector: Vector, limit: int) -> Vector:
    """Return the heaviest features of a vector."""
    if len(vector.ids) <= limit:
        return vector
    order = np.lexsort((vector.ids, -vector.weights))[:limit]
    order.sort()
    return Vector(vector.ids[order], vector.weights[order])


def add_vectors(left: Vector, right: Vector) -> Vector:
    """Sum of two vectors, cut to the heaviest features of a centroid."""
    ids = np.concatenate((left.ids, right.ids))
    weights = np.concatenate((left.weights, right.weights))
    order = np.argsort(ids, kind="stable")
    ids, weights = ids[order], weights[order]
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    starts = np.flatnonzero(first)
    summed = np.add.reduceat(weights, starts) if len(starts) else weights
    return heaviest(Vector(ids[starts], summed.astype(np.float32)), CENTROID)


def norm(vector: Vector) -> float:
    """Return the length of a vector, 1 of an empty one."""
    weights = vector.weights.astype(np.float64)
    return math.sqrt(float((weights * weights).sum())) or 1.0
