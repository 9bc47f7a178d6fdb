from __future__ import annotations

from datetime import timedelta

import pytest

from config.errors import StoreError
from storage.records import BrandId, ClusterId, MentionId, Polarity, ShardId, ShardSnapshot
from tests.make import (
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_cluster_event,
    make_raw,
    make_shard_changes,
    make_verdict,
)
from tests.storage.drive import gather, keep_and_judge, rows

A, B, C = (ClusterId(f"yunque-{letter * 8}") for letter in "abc")


def test_verdicts_wait_in_the_shard_of_their_brand_and_language(store):
    with store.transaction() as tx:
        tx.keep([make_raw(n) for n in range(4)], NOW)
        verdicts = [
            make_verdict(2),
            make_verdict(1, polarity=Polarity.UNSURE),
            make_verdict(3, polarity=Polarity.NOT_NEGATIVE),
            make_verdict(1, brand_id=BrandId("other"), lang="en"),
        ]
        assert tx.save_verdicts([MentionId(n) for n in (1, 2, 3, 4)], verdicts, NOW) == []
        assert tx.pending_shards() == [ShardId("other/en"), SHARD]
        waiting = tx.pending_verdicts(SHARD, 10)

    assert [(mention.mention_id, verdict) for mention, verdict in waiting] == [
        (1, verdicts[1]),
        (2, verdicts[0]),
    ]


def test_pending_work_is_given_in_order_and_up_to_the_limit(store):
    keep_and_judge(store, 5)

    with store.transaction() as tx:
        assert [m.mention_id for m, _ in tx.pending_verdicts(SHARD, 3)] == [1, 2, 3]


def test_a_gathered_batch_leaves_the_queue_with_everything_it_changed(store):
    keep_and_judge(store, 3)
    snapshot = ShardSnapshot(shard_id=SHARD, seq=3, blob=b"\x00df")
    gather(store, {1: A, 2: A, 3: B}, events=(make_cluster_event(A),), snapshot=snapshot)

    with store.transaction() as tx:
        assert tx.pending_shards() == []
        state = tx.load_shard(SHARD, NOW)
    assert [cluster.cluster_id for cluster in state.clusters] == [A, B]
    assert state.snapshot == snapshot
    assert [assignment for _, assignment in state.recent] == [
        make_assignment(1, cluster_id=A),
        make_assignment(2, cluster_id=A),
        make_assignment(3, cluster_id=B),
    ]
    assert [mention.mention_id for mention, _ in state.recent] == [1, 2, 3]
    with store.read() as queries:
        assert queries.cluster_story(queries.cluster(A)) == [make_cluster_event(A, event_no=1)]
        assert [m.mention_id for m, _ in queries.cluster_mentions(A)] == [1, 2]


def test_a_mention_set_aside_leaves_the_queue_without_a_cluster(store):
    keep_and_judge(store, 2)
    gather(store, {})

    with store.transaction() as tx:
        assert tx.pending_shards() == []
        assert tx.load_shard(SHARD, NOW).recent == ()


def _gather_and_fail(store):
    with store.transaction() as tx:
        changes = make_shard_changes(
            assignments=(make_assignment(1),),
            clusters=(make_cluster(),),
            events=(make_cluster_event(),),
        )
        tx.save_gathering(changes, tx.pending_verdicts(SHARD, 10))
        raise ZeroDivisionError


def test_an_aborted_batch_changes_nothing(store):
    keep_and_judge(store, 2)
    names = ["cluster", "mention_cluster", "cluster_hour_author", "cluster_hour_text", "counter",
             "cluster_event", "gather_queue", "brand_hour", "cluster_fact"]  # fmt: skip
    before = [rows(store, name) for name in names]
    with pytest.raises(ZeroDivisionError):
        _gather_and_fail(store)

    assert [rows(store, name) for name in names] == before


def test_a_merge_moves_members_to_the_survivor_and_remembers_their_home(store):
    keep_and_judge(store, 3)
    gather(store, {1: A, 2: B, 3: B})
    alias = make_cluster(B, state="alias", alias_of=A)
    event = make_cluster_event(A, kind="merge", other_id=B)
    gather(store, {}, clusters=(alias,), events=(event,))

    placed = {
        row["mention_pk"]: (row["cluster_id"], row["home_id"])
        for row in rows(store, "mention_cluster")
    }
    assert placed == {1: (A, None), 2: (A, B), 3: (A, B)}
    with store.read() as queries:
        assert queries.cluster(B).cluster_id == A
        assert len(queries.cluster_mentions(B)) == 3
    assert {row["cluster_id"] for row in rows(store, "cluster_hour_author")} == {A}


def test_a_merge_in_the_same_batch_as_its_assignments_ends_at_the_survivor(store):
    keep_and_judge(store, 2)
    gather(
        store,
        {1: A, 2: B},
        clusters=(make_cluster(A), make_cluster(B, state="alias", alias_of=A)),
    )

    assert [row["cluster_id"] for row in rows(store, "mention_cluster")] == [A, A]


def test_redirects_hold_through_chains_of_merges(store):
    keep_and_judge(store, 3)
    gather(store, {1: A, 2: B, 3: C})
    gather(store, {}, clusters=(make_cluster(C, state="alias", alias_of=B),))
    gather(store, {}, clusters=(make_cluster(B, state="alias", alias_of=A),))

    aliases = {row["cluster_id"]: row["alias_of"] for row in rows(store, "cluster")}
    assert aliases == {A: None, B: A, C: A}
    homes = {row["mention_pk"]: row["home_id"] for row in rows(store, "mention_cluster")}
    assert homes == {1: None, 2: B, 3: C}


def test_a_cluster_cannot_be_its_own_alias(store):
    keep_and_judge(store, 1)

    with pytest.raises(StoreError, match="alias of itself"):
        gather(store, {1: A}, clusters=(make_cluster(A, state="alias", alias_of=A),))


def test_an_assignment_of_a_gathered_mention_moves_it(store):
    keep_and_judge(store, 2)
    gather(store, {1: A, 2: A})
    with store.transaction() as tx:
        moved = make_assignment(2, cluster_id=B, seq=3)
        tx.save_gathering(make_shard_changes(assignments=(moved,), clusters=(make_cluster(B),)), [])
        assert [a.cluster_id for _, a in tx.load_shard(SHARD, NOW).recent] == [A, B]


def test_an_assignment_from_nowhere_is_refused(store):
    keep_and_judge(store, 1)

    with pytest.raises(StoreError, match="mention 7 is neither in this batch nor in a cluster"):
        gather(store, {7: A})


def _gather_one(store, assignment):
    with store.transaction() as tx:
        changes = make_shard_changes(assignments=(assignment,))
        tx.save_gathering(changes, tx.pending_verdicts(SHARD, 10))


def test_two_writers_of_one_running_number_cannot_both_win(store):
    keep_and_judge(store, 1)
    gather(store, {1: A})
    with store.transaction() as tx:
        tx.keep([make_raw(9)], NOW)
        tx.save_verdicts([MentionId(2)], [make_verdict(2)], NOW)

    with pytest.raises(StoreError):
        _gather_one(store, make_assignment(2, seq=1))


def test_the_live_window_is_measured_on_the_shards_own_clock(store):
    with store.transaction() as tx:
        for day in (200, 100, 30, 0):
            at = NOW - timedelta(days=day)
            tx.keep([make_raw(day, published_at=at, observed_at=at)], at)
        ids = [MentionId(n) for n in (1, 2, 3, 4)]
        tx.save_verdicts(ids, [make_verdict(i) for i in ids], NOW)
    gather(
        store,
        dict.fromkeys((1, 2, 3, 4), A),
        snapshot=ShardSnapshot(shard_id=SHARD, seq=4, blob=b""),
    )

    with store.transaction() as tx:
        later = tx.load_shard(SHARD, NOW + timedelta(days=400))
    assert [mention.mention_id for mention, _ in later.recent] == [3, 4]


def test_what_came_after_the_snapshot_is_always_given(store):
    with store.transaction() as tx:
        for day in (200, 100, 0):
            at = NOW - timedelta(days=day)
            tx.keep([make_raw(day, published_at=at, observed_at=at)], at)
        ids = [MentionId(n) for n in (1, 2, 3)]
        tx.save_verdicts(ids, [make_verdict(i) for i in ids], NOW)
    gather(
        store, dict.fromkeys((1, 2, 3), A), snapshot=ShardSnapshot(shard_id=SHARD, seq=1, blob=b"")
    )

    with store.transaction() as tx:
        assert [mention.mention_id for mention, _ in tx.load_shard(SHARD, NOW).recent] == [2, 3]


# --- verdicts given again --------------------------------------------------------------------


def _judge_again(store, mention_id, *verdicts):
    with store.transaction() as tx:
        tx.judge_again([MentionId(mention_id)])
        assert [m.mention_id for m in tx.pending_mentions(10)] == [mention_id]
        return tx.save_verdicts([MentionId(mention_id)], verdicts, NOW)


def test_a_mention_judged_again_leaves_its_cluster_first(store):
    keep_and_judge(store, 2)
    gather(store, {1: A, 2: A})

    assert _judge_again(store, 2, make_verdict(2, model_version="test-2")) == [A]
    with store.transaction() as tx:
        assert [a.mention_id for _, a in tx.load_shard(SHARD, NOW).recent] == [1]
        assert [m.mention_id for m, _ in tx.pending_verdicts(SHARD, 10)] == [2]
        assert tx.evidence(A, NOW).mentions == 1
        events = tx.queries.cluster_story(tx.queries.cluster(A))
    assert [(event.kind, event.mention_id) for event in events] == [("retract", 2)]


def test_only_the_newest_verdict_of_a_brand_is_current(store):
    keep_and_judge(store, 1)
    second = make_verdict(1, model_version="test-2", negative=0.2, polarity=Polarity.NOT_NEGATIVE)
    _judge_again(store, 1, second)

    with store.read() as queries:
        assert queries.verdicts(1) == [second]
    current = {row["model_version"]: row["is_current"] for row in rows(store, "verdict")}
    assert current == {"test-1": False, "test-2": True}
    with store.transaction() as tx:
        assert tx.pending_shards() == []


def test_the_same_model_may_judge_a_revised_text_again(store):
    keep_and_judge(store, 1)
    again = make_verdict(1, negative=0.7)
    _judge_again(store, 1, again)

    with store.read() as queries:
        assert queries.verdicts(1) == [again]


def test_a_mention_of_two_brands_is_gathered_in_both(store):
    other = BrandId("other")
    with store.transaction() as tx:
        tx.keep([make_raw(1)], NOW)
        tx.save_verdicts([MentionId(1)], [make_verdict(1), make_verdict(1, brand_id=other)], NOW)
    gather(store, {1: A})
    with store.transaction() as tx:
        shard = ShardId("other/zh")
        cluster = make_cluster("other-dddddddd", shard_id=shard, brand_id=other)
        changes = make_shard_changes(
            shard_id=shard,
            assignments=(make_assignment(1, cluster_id=cluster.cluster_id),),
            clusters=(cluster,),
        )
        tx.save_gathering(changes, tx.pending_verdicts(shard, 10))

    with store.read() as queries:
        assert sorted(queries.mention_cluster(1)) == ["other-dddddddd", A]
