from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from classify.cluster_rules import Rules
from classify.index import Vector
from classify.labels import Member
from classify.live_clusters import DAY_S, LiveCluster, LiveClusters
from classify.packing import quantise
from storage.records import ClusterId, MentionId
from tests.make import NOW

MEMBER = Member(40, has_title=False, is_complaint=False)
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def vector(*ids: int) -> Vector:
    weights = np.full(len(ids), 1 / len(ids) ** 0.5, dtype=np.float32)
    return quantise(Vector(np.array(sorted(ids), dtype=np.uint32), weights))


def opened(clusters: LiveClusters, seq: int, *ids: int, day: float = 0.0) -> LiveCluster:
    at = NOW + timedelta(days=day)
    name = "".join(LETTERS[seq >> 5 * n & 31] for n in range(8))
    cluster = LiveCluster(
        slot=-1,
        opened_seq=seq,
        cluster_id=ClusterId(f"lanhe-{name}"),
        parent_id=None,
        size=1,
        n_duplicates=0,
        first_at=at,
        last_at=at,
        touched=at.timestamp(),
        last_seq=seq,
        label="漏水没人管",
        keywords=("漏水",),
        representative_id=MentionId(seq),
        labelled_size=1,
    )
    clusters.open(cluster, vector(*ids), seq, MEMBER)
    return cluster


def grow(clusters: LiveClusters, cluster: LiveCluster, mention_id: int, *ids: int) -> None:
    clusters.join(cluster, vector(*ids), mention_id, MEMBER)
    cluster.size += 1


def test_a_single_comes_back_as_it_was_but_for_its_name() -> None:
    clusters = LiveClusters(Rules())
    before = opened(clusters, 5, 1, 2, 3)
    clusters.settle([before])
    found = clusters.get(before.cluster_id)

    assert found is not None
    assert found is not before
    assert found is clusters.get(before.cluster_id)
    assert (found.label, found.keywords) == ("", ())
    names = ("opened_seq", "cluster_id", "first_at", "last_at", "touched", "last_seq", "norm")
    assert [getattr(found, name) for name in names] == [getattr(before, name) for name in names]
    assert [kept[:2] for kept in clusters.exemplars(found)] == [(5, MEMBER)]
    assert clusters.pack(found).exemplars[0].vector.ids.tolist() == [1, 2, 3]


def test_what_is_packed_scores_as_what_is_not() -> None:
    settled, fresh = LiveClusters(Rules()), LiveClusters(Rules())
    for clusters in (settled, fresh):
        for seq in range(1, 30):
            one = opened(clusters, seq, *range(seq, seq + 9))
            if clusters is settled:
                clusters.settle([one])
    sought = vector(*range(10, 17), 99)

    left, right = settled.best(sought, 0.1), fresh.best(sought, 0.1)
    assert left is not None
    assert right is not None
    assert (left.cluster.cluster_id, left.score) == (right.cluster.cluster_id, right.score)


def test_a_single_that_is_only_looked_at_is_packed_again() -> None:
    clusters = LiveClusters(Rules())
    one = opened(clusters, 1, 1, 2)
    clusters.settle([one])
    packed = clusters.nbytes()
    assert clusters.get(one.cluster_id) is not None
    clusters.settle([])

    assert len(clusters) == 1
    assert one.cluster_id in clusters
    assert clusters.nbytes() - packed < 500  # its row is used again


@pytest.mark.parametrize("settles", [True, False])
def test_a_single_that_grows_is_found_by_all_it_holds(settles: bool) -> None:
    clusters = LiveClusters(Rules())
    one = opened(clusters, 1, 1, 2)
    if settles:
        clusters.settle([one])
    match = clusters.best(vector(1, 2, 3), 0.2)
    assert match is not None
    grow(clusters, match.cluster, 2, 1, 2, 3)
    clusters.settle([match.cluster])

    found = clusters.best(vector(3), 0.1)
    assert found is not None
    assert found.cluster.size == 2
    assert (len(clusters), found.cluster.slot) == (1, one.slot)


def test_a_packed_single_goes_into_a_grown_cluster() -> None:
    clusters = LiveClusters(Rules())
    single = opened(clusters, 1, 1, 2, 3)
    grown = opened(clusters, 2, 1, 2, 4)
    grow(clusters, grown, 3, 1, 2, 3, 4)
    clusters.settle([single, grown])
    match = clusters.partner(grown)
    assert match is not None
    clusters.merge(match.cluster, grown)
    clusters.settle([match.cluster])

    assert len(clusters) == 1
    assert grown.cluster_id not in clusters
    assert [one.mention_id for one in clusters.exemplars(match.cluster)] == [1, 2, 3]


@pytest.mark.parametrize("settles", [True, False])
def test_clusters_leave_in_the_order_in_which_they_are_due(settles: bool) -> None:
    clusters = LiveClusters(Rules(keep_clusters=0, single_window_days=2, window_days=6))
    every = [opened(clusters, n + 1, n + 1, 50 + n, day=n) for n in range(6)]
    grow(clusters, every[0], 9, 1, 2)  # six days: due with the single of day four
    every[1].n_duplicates = 1
    every[2].pinned = True
    if settles:
        clusters.settle(every)

    def leave(day: float, limit: int = 8) -> list[int]:
        due = clusters.take_expired((NOW + timedelta(days=day)).timestamp(), limit)
        seqs = [one.opened_seq for one in due]
        for one in due:
            clusters.drop(one)
        return seqs

    assert leave(5.5) == [4]
    assert leave(6.5, limit=1) == [1]
    assert leave(6.5) == [5]
    assert leave(30) == [2, 6]
    assert leave(3000) == []
    assert len(clusters) == 1


def test_no_more_leave_than_the_rules_keep() -> None:
    clusters = LiveClusters(Rules(keep_clusters=2))
    every = [opened(clusters, n + 1, n + 1) for n in range(4)]
    clusters.settle(every)
    late = NOW.timestamp() + 100 * DAY_S

    assert [one.opened_seq for one in clusters.take_expired(late, 8)] == [1, 2]


def test_memory_stays_when_clusters_come_and_go() -> None:
    clusters = LiveClusters(Rules(keep_clusters=0, single_window_days=1, window_days=2))
    sizes = []
    for n in range(3000):
        one = opened(clusters, n + 1, n % 701, n % 503 + 1000, n % 89 + 2000, day=n / 300)
        if n % 10 == 0:
            grow(clusters, one, n, n % 701, n % 503 + 1000)
        for gone in clusters.take_expired(one.touched, 8):
            clusters.drop(gone)
        clusters.settle([one])
        if n % 300 == 299:
            sizes.append(clusters.nbytes())

    assert max(sizes[4:]) < 1.02 * min(sizes[4:])
