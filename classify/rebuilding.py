"""A cluster's record and its members in; its state in memory out.

Whoever changes members outside the shard (people do, in SQL) empties the cluster's blob: membership
is the truth, and what the blob held is made anew from it. Splitting makes its parts the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from classify.arrivals import arrival_of
from classify.cluster_blob import Exemplar, Packed
from classify.index import Vector
from classify.live_clusters import CENTROID, EXEMPLARS, FOUNDERS, LiveCluster
from classify.reading import Reader, Reading
from storage.records import BrandId, Cluster, MentionId, Recalled, ShardId


@dataclass(frozen=True, slots=True)
class Placed:
    """A member of a cluster that is made anew, under the running number of its assignment."""

    seq: int
    mention_id: MentionId
    published_at: datetime
    reading: Reading


def place(stored: Recalled, reader: Reader) -> Placed:
    """Read a stored member again, with the frequencies as they stand."""
    return Placed(
        stored.assignment.seq,
        stored.mention.mention_id,
        stored.mention.published_at,
        reader.read_stored(stored),
    )


def pack_anew(record: Cluster, members: Sequence[Recalled], reader: Reader, clock: float) -> Packed:
    """Return the state of a cluster with these members (at least one, in order of `seq`).

    It is as old as its first member, and was touched when its last one or a copy came: not after
    `clock`, the shard's, unless that one did.
    """
    placed = [place(one, reader) for one in members]
    arrival = arrival_of(members[-1].assignment)
    assert record.last_at is not None
    touched = max(arrival.clock if arrival else 0.0, min(record.last_at.timestamp(), clock))
    return assemble(placed, opened_seq=placed[0].seq, touched=touched)


def assemble(
    members: Sequence[Placed], *, opened_seq: int, touched: float, labelled_size: int = 0
) -> Packed:
    """Make a cluster of these members (at least one, in order of `seq`).

    The first three and the last three stand for it; the centroid is the sum of them all.
    """
    last = members[FOUNDERS:][-(EXEMPLARS - FOUNDERS) :]
    exemplars = tuple(
        Exemplar(one.mention_id, one.reading.member, one.reading.vector)
        for one in (*members[:FOUNDERS], *last)
    )
    centroid = total([one.reading.vector for one in members]) if len(members) > 1 else None
    return Packed(opened_seq, members[-1].seq, touched, labelled_size, exemplars, centroid)


def total(vectors: Sequence[Vector]) -> Vector:
    """Return the sum of vectors, cut to the heaviest features of a centroid."""
    ids, places = np.unique(np.concatenate([one.ids for one in vectors]), return_inverse=True)
    weights = np.bincount(
        places, weights=np.concatenate([one.weights for one in vectors]), minlength=len(ids)
    ).astype(np.float32)
    if len(ids) > CENTROID:
        kept = np.sort(np.lexsort((ids, -weights))[:CENTROID])
        ids, weights = ids[kept], weights[kept]
    return Vector(ids, weights)


def revive(record: Cluster, packed: Packed) -> LiveCluster:
    """Return a stored cluster as it stands in memory, without its vectors."""
    assert record.first_at is not None
    assert record.last_at is not None
    return LiveCluster(
        slot=-1,
        opened_seq=packed.opened_seq,
        cluster_id=record.cluster_id,
        parent_id=record.parent_id,
        size=record.size,
        n_duplicates=record.n_duplicates,
        first_at=record.first_at,
        last_at=record.last_at,
        touched=packed.touched,
        last_seq=packed.last_seq,
        label=record.label,
        named_by=record.named_by,
        pinned=record.pinned,
        keywords=record.keywords,
        representative_id=record.representative_id,
        labelled_size=packed.labelled_size,
        reshaped=packed.reshaped,
    )


def record_of(cluster: LiveCluster, shard_id: ShardId, brand_id: BrandId, blob: bytes) -> Cluster:
    """Return what is stored of a live cluster."""
    return Cluster(
        cluster_id=cluster.cluster_id,
        shard_id=shard_id,
        brand_id=brand_id,
        parent_id=cluster.parent_id,
        size=cluster.size,
        n_duplicates=cluster.n_duplicates,
        first_at=cluster.first_at,
        last_at=cluster.last_at,
        label=cluster.label,
        named_by=cluster.named_by,
        pinned=cluster.pinned,
        keywords=cluster.keywords,
        representative_id=cluster.representative_id,
        blob=blob,
    )
