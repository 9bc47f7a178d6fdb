"""Two live clusters in; whether the program may make them one out."""

from __future__ import annotations

from classify.apart import Apart
from classify.live_clusters import DAY_S, LiveCluster
from storage.records import ClusterId


def is_due(size: int) -> bool:
    """Say whether a cluster that grew to `size` looks for a partner: ever more rarely (1 in 2^k).

    Amortised this costs less than a pass over all clusters touched, and nothing pauses.
    """
    return size > 1 and size % (1 << max(0, size.bit_length() - 3)) == 0


def may_merge(one: LiveCluster, other: LiveCluster, apart: Apart, clock: float) -> bool:
    """Say whether two clusters may merge if they are alike.

    Not where a person said otherwise, nor, within a day of the shard's clock, what was one before
    it was split.
    """
    if one.pinned or other.pinned or apart.forbids(one.cluster_id, other.cluster_id):
        return False
    reshaped = min(one.reshaped, other.reshaped)
    is_new = bool(reshaped) and clock - reshaped < DAY_S
    return not (is_new and are_siblings(one, other))


def are_siblings(one: LiveCluster, other: LiveCluster) -> bool:
    """Say whether two clusters came out of one by a split."""

    def family(cluster: LiveCluster) -> set[ClusterId]:
        return {cluster.cluster_id, *([cluster.parent_id] if cluster.parent_id else ())}

    return bool(family(one) & family(other))
