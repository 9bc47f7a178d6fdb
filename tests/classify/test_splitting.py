from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from classify.apart import Apart
from classify.cluster_rules import Rules
from classify.index import Vector
from classify.labels import Member
from classify.live_clusters import DAY_S
from classify.reading import Reading
from classify.rebuilding import Placed, assemble, revive
from classify.splitting import Parts, cohesion, is_due, part
from storage.records import BrandId, Cluster, ClusterId, MentionId, ShardId
from tests.make import NOW

RULES = Rules()
SMOKE, FILTER = range(1, 9), range(20, 28)  # features of two incidents


def placed(seq: int, features: Sequence[int]) -> Placed:
    """A text of some features, of which each text of an incident lacks another one."""
    ids = np.array([one for n, one in enumerate(features) if n != seq % 7], dtype=np.uint32)
    weights = np.full(len(ids), 1 / np.sqrt(len(ids)), dtype=np.float16).astype(np.float32)
    member = Member(40, has_title=False, is_complaint=False)
    reading = Reading(ids, Vector(ids, weights), member, is_vague=False)
    return Placed(seq, MentionId(100 + seq), NOW + timedelta(hours=seq), reading)


def two_incidents(smoke: int, filters: int) -> list[Placed]:
    told = [SMOKE] * smoke + [FILTER] * filters
    return [placed(seq, features) for seq, features in enumerate(told, 1)]


def seqs_of(parts: Parts | None) -> tuple[list[int], list[list[int]]] | None:
    if parts is None:
        return None
    return [one.seq for one in parts.stay], [[one.seq for one in group] for group in parts.leave]


def test_two_incidents_in_one_cluster_part_and_the_face_keeps_the_id() -> None:
    members = two_incidents(6, 4)

    assert seqs_of(part(members, [], MentionId(101), RULES)) == (
        [1, 2, 3, 4, 5, 6],
        [[7, 8, 9, 10]],
    )
    assert seqs_of(part(members, [], MentionId(108), RULES)) == (
        [7, 8, 9, 10],
        [[1, 2, 3, 4, 5, 6]],
    )


def test_one_incident_and_a_few_strays_stay_one() -> None:
    assert part(two_incidents(12, 0), [], None, RULES) is None
    assert part(two_incidents(14, 2), [], None, RULES) is None  # too few
    assert part(two_incidents(37, 3), [], None, RULES) is None  # too small a share


def test_whom_a_person_placed_stays_and_their_merge_is_not_undone() -> None:
    members = two_incidents(10, 6)

    found = part(members, [MentionId(112)], MentionId(101), RULES)
    assert seqs_of(found) == ([*range(1, 11), 12], [[11, 13, 14, 15, 16]])
    merged = [MentionId(100 + seq) for seq in range(11, 17)]
    assert part(members, merged, MentionId(101), RULES) is None


def cluster_of(members: Sequence[Placed], **fields: object) -> Cluster:
    record = Cluster(
        cluster_id=ClusterId("lanhe-aaaaaaaa"), shard_id=ShardId("lanhe/zh"),
        brand_id=BrandId("lanhe"), size=len(members), first_at=NOW, last_at=NOW,
    )  # fmt: skip
    return replace(record, **fields)  # type: ignore[arg-type]


def test_a_cluster_is_looked_at_when_its_size_has_doubled_but_not_within_a_day() -> None:
    members = two_incidents(8, 8)
    packed = assemble(members, opened_seq=1, touched=0.0)
    due = [
        is_due(revive(cluster_of(members, size=size), packed), 0.0) for size in (4, 7, 8, 12, 16)
    ]
    assert due == [False, False, True, False, True]
    fresh = revive(cluster_of(members), replace(packed, reshaped=1000.0))
    assert [is_due(fresh, 1000.0 + days * DAY_S) for days in (0, 0.9, 1)] == [False, False, True]
    assert not is_due(revive(cluster_of(members, pinned=True), packed), 0.0)


def test_cohesion_is_the_mean_cosine_of_two_members() -> None:
    members = two_incidents(5, 4)
    cluster = revive(cluster_of(members), assemble(members, opened_seq=1, touched=0.0))
    vectors = np.zeros((9, 40))
    for row, one in enumerate(members):
        vectors[row, one.reading.vector.ids] = one.reading.vector.weights
    cluster.norm = float(np.linalg.norm(vectors.sum(axis=0)))
    cosines = vectors @ vectors.T

    pairs = cosines[np.triu_indices(9, 1)]
    assert abs(cohesion(cluster) - pairs.mean()) < 0.001


def test_pairs_kept_apart_stay_apart_through_merges() -> None:
    a, b, c = (ClusterId(f"lanhe-{letter * 8}") for letter in "abc")
    apart = Apart([(a, b)])
    assert apart.forbids(b, a)
    assert not apart.forbids(a, c)
    apart.merge(c, a)
    assert apart.forbids(c, b)
