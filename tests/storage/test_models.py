"""The log of models, and what a promotion puts in line: open incidents and the last days only."""

from __future__ import annotations

from datetime import timedelta

from storage.records import ClusterId, DriftDay, IncidentState, MentionId, SourceId
from storage.store import Store
from tests.make import (
    NOW,
    SHARD,
    SOURCE,
    ago,
    make_assignment,
    make_change,
    make_cluster,
    make_incident,
    make_raw,
    make_shard_changes,
    make_verdict,
)

OPEN, ENDED = ClusterId("yunque-aaaaaaaa"), ClusterId("yunque-bbbbbbbb")


def fill(store: Store) -> list[MentionId]:
    """Two old mentions of an open incident, two of an ended one, two old loose ones, one of today."""
    observed = [ago(days=20)] * 6 + [ago(days=1)]
    with store.transaction() as tx:
        ids = []
        for n, at in enumerate(observed):
            [(_, one)] = tx.keep([make_raw(n, observed_at=at, published_at=at)], at)
            ids.append(one)
        tx.save_verdicts(ids, [make_verdict(one) for one in ids], NOW)
        items = tx.pending_verdicts(SHARD, 100)[:4]
        home = {**dict.fromkeys(ids[:2], OPEN), **dict.fromkeys(ids[2:4], ENDED)}
        tx.save_gathering(
            make_shard_changes(
                clusters=tuple(make_cluster(one, size=2) for one in (OPEN, ENDED)),
                assignments=tuple(
                    make_assignment(
                        mention.mention_id, cluster_id=home[mention.mention_id], seq=seq
                    )
                    for seq, (mention, _) in enumerate(items, 1)
                ),
            ),
            items,
        )
        for name, cluster, state in (
            ("01OPEN", OPEN, IncidentState.HANDLED),
            ("01ENDED", ENDED, IncidentState.CLOSED),
        ):
            tx.save_change(make_change(make_incident(name, cluster_id=cluster, state=state)))
    return [MentionId(one) for one in ids]


def test_a_promotion_judges_open_incidents_and_recent_mentions_again(store: Store) -> None:
    ids = fill(store)

    with store.transaction() as tx:
        waiting = tx.judge_recent_again(NOW - timedelta(days=7))
        again = tx.judge_recent_again(NOW - timedelta(days=7))
        found = {mention.mention_id for mention in tx.pending_mentions(100)}

    assert found == {ids[0], ids[1], ids[6]}
    assert waiting == again == 3


def test_events_are_numbered_and_read_by_kind(store: Store) -> None:
    with store.read() as queries:
        assert queries.newest_model_event() == 0
    with store.transaction() as tx:
        first = tx.add_model_event("negative", "negative-1", "trained", actor="gao", now=NOW)
        tx.add_model_event("issues", "issues-1", "trained", actor="gao", now=NOW, detail={"a": 1})

    with store.read() as queries:
        assert queries.model_events("negative") == [first]
        assert [one.event_no for one in queries.model_events()] == [1, 2]
        assert queries.model_events("issues")[0].detail == {"a": 1}
        assert queries.newest_model_event() == 2


def day(back: int, version: str = "m1", **fields) -> DriftDay:
    values = {
        "source_id": SOURCE, "day": ago(days=back), "model_version": version, "n": 3,
        "histogram": (1, 2), "unsure_share": 0.5, "unknown_share": 0.25,
    }  # fmt: skip
    return DriftDay(**(values | fields))


def test_days_are_one_models_and_replaced_when_measured_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_drift_days([day(3), day(2), day(1)])
        tx.save_drift_days([day(1, "m2", n=4)])

    with store.read() as queries:
        assert queries.drift_days(ago(days=9)) == [day(1, "m2", n=4)]
        assert queries.drift_days(ago(days=9), "m1") == [day(3), day(2)]
        assert queries.drift_days(ago(days=2), "m1") == [day(2)]
    with store.transaction() as tx:
        assert tx.drop_drift_days(ago(days=2)) == 1


def test_a_sample_is_bounded_always_the_same_and_leaves_history_out(store: Store) -> None:
    other = SourceId("bbs")
    with store.transaction() as tx:
        tx.keep([make_raw(n) for n in range(30)], NOW)
        tx.keep([make_raw(n, source_id=other) for n in range(40, 44)], NOW)
        tx.keep([make_raw(90, history=True)], NOW)

    since, until = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    with store.read() as queries:
        one = queries.drift_sample([SOURCE, other], since, until, 10)
        two = queries.drift_sample([SOURCE, other], since, until, 10)
        none = queries.drift_sample([SOURCE], until, until + timedelta(days=1), 10)
        all_ = queries.drift_sample([SOURCE], since, until, 100)

    assert one == two
    assert (len(one[SOURCE]), len(one[other]), len(all_[SOURCE])) == (10, 4, 30)
    assert none == {}
    assert max(mention.mention_id for mention in one[SOURCE]) > 10  # not the first ones
