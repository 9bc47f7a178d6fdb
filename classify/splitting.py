"""The members of a cluster that holds together badly in; the parts it falls into out.

A threshold that is too low, or a bridge between two incidents, makes one cluster of two. When the
size doubles the cohesion tells, at no cost; where it is low the newest members are gathered anew
among themselves, at a higher threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classify.cluster_blob import Packed
from classify.cluster_rules import Rules
from classify.live_clusters import DAY_S, LiveCluster, LiveClusters
from classify.rebuilding import Placed, assemble
from classify.reopening import cosine_of, score_of
from storage.records import ClusterId, MentionId

LEAST_SIZE = 8  # texts; below, a cluster is too small to be two
NEWEST = 400  # members that are gathered anew; the rest stay with the part that keeps the id
STRICTER = 0.08  # above the joining score
PART_SHARE = 0.15  # of the members looked at, and
PART_SIZE = 3  # texts that a part has at least


@dataclass(frozen=True, slots=True)
class Parts:
    """What a cluster falls into: the members that stay, and those of each new cluster."""

    stay: tuple[Placed, ...]
    leave: tuple[tuple[Placed, ...], ...]


def is_due(cluster: LiveCluster, clock: float) -> bool:
    """Say whether it is time to look at a cluster that grew: its size has doubled.

    Not within a day of a merge or a split, by the shard's clock, and never when it is pinned.
    """
    size = cluster.size
    if size < LEAST_SIZE or size & (size - 1) or cluster.pinned:
        return False
    return not cluster.reshaped or clock - cluster.reshaped >= DAY_S


def cohesion(cluster: LiveCluster) -> float:
    """Return the mean cosine of two members, from the norm of the centroid.

    Of n unit vectors it is (|C|^2 - n) / (n (n - 1)); what the centroid was cut of is missing.
    """
    n = cluster.size
    return (cluster.norm**2 - n) / (n * (n - 1))


def part(
    members: Sequence[Placed], kept: Sequence[MentionId], face: MentionId | None, rules: Rules
) -> Parts | None:
    """Gather members (in order of `seq`) anew; None when no second part is large enough.

    The part with the face keeps the cluster's id, else the largest; whoever is in `kept` (a person
    placed it) stays with it. Where that is many of them, a person made the cluster what it is, and
    it is not split. Parts that would merge again are one.
    """
    placed = set(kept)
    if len(placed) >= PART_SHARE * len(members):
        return None
    groups = _large(_gather(members, rules), len(members), rules)
    if len(groups) < 2:
        return None
    _share_out(members, groups)

    def worth(group: list[Placed]) -> tuple[bool, int, int]:
        return any(one.mention_id == face for one in group), len(group), -group[0].seq

    first = max(groups, key=worth)
    leave = [
        tuple(one for one in group if one.mention_id not in placed)
        for group in groups
        if group is not first
    ]
    leave = [group for group in leave if len(group) >= PART_SIZE]
    if not leave:
        return None
    gone = {one.seq for group in leave for one in group}
    leave.sort(key=lambda group: group[0].seq)
    return Parts(tuple(one for one in members if one.seq not in gone), tuple(leave))


def _gather(members: Sequence[Placed], rules: Rules) -> list[list[Placed]]:
    """Return the clusters of one pass over these members alone, oldest first."""
    clusters = LiveClusters(rules)
    found: dict[ClusterId, list[Placed]] = {}
    for one in members:
        vector, member, is_vague = one.reading.vector, one.reading.member, one.reading.is_vague
        least = rules.least_score(is_complaint=member.is_complaint, is_vague=is_vague) + STRICTER
        match = clusters.best(vector, least) if len(vector) else None
        if match is not None:
            clusters.join(match.cluster, vector, one.mention_id, member)
            found[match.cluster.cluster_id].append(one)
            continue
        cluster = _blank(one)
        clusters.open(cluster, vector, one.mention_id, member)
        found[cluster.cluster_id] = [one]
    return list(found.values())


def _blank(one: Placed) -> LiveCluster:
    return LiveCluster(
        slot=-1,
        opened_seq=one.seq,
        cluster_id=ClusterId(str(one.seq)),
        parent_id=None,
        size=1,
        n_duplicates=0,
        first_at=one.published_at,
        last_at=one.published_at,
        touched=0.0,
        last_seq=one.seq,
    )


def _large(groups: list[list[Placed]], n: int, rules: Rules) -> list[list[Placed]]:
    """Return the groups that are large enough, one for those that would merge again."""
    least = max(PART_SIZE, PART_SHARE * n)
    large = sorted(
        (one for one in groups if len(one) >= least), key=lambda one: (-len(one), one[0].seq)
    )
    kept: list[tuple[list[Placed], Packed]] = []
    for group in large:
        packed = _pack(group)
        for number, (other, known) in enumerate(kept):
            members = [one.member for one in (*packed.exemplars, *known.exemplars)]
            if cosine_of(packed, known) >= rules.least_alike(members):
                joined = sorted(other + group, key=lambda one: one.seq)
                kept[number] = (joined, _pack(joined))
                break
        else:
            kept.append((group, packed))
    return [group for group, _ in kept]


def _share_out(members: Sequence[Placed], groups: list[list[Placed]]) -> None:
    """Put those who are in no large group into the one they fit best."""
    known = {one.seq for group in groups for one in group}
    packed = [_pack(group) for group in groups]
    for one in members:
        if one.seq in known:
            continue
        scores = [score_of(one.reading.vector, other) for other in packed]
        groups[int(np.argmax(scores))].append(one)
    for group in groups:
        group.sort(key=lambda one: one.seq)


def _pack(group: Sequence[Placed]) -> Packed:
    return assemble(group, opened_seq=group[0].seq, touched=0.0)
