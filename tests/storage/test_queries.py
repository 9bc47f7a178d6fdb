from __future__ import annotations

from datetime import timedelta

import pytest

from config.errors import StoreError
from storage.records import ClusterId, MentionId, OwnerId
from storage.tables import metadata
from tests.make import (
    NOW,
    make_change,
    make_cluster,
    make_intent,
    make_raw,
    make_shard_changes,
    make_timer,
    make_verdict,
)
from tests.storage.drive import gather, keep_and_judge

A = ClusterId("yunque-aaaaaaaa")


def test_an_unknown_table_is_an_error_that_lists_the_known_ones(store):
    with (
        store.read() as queries,
        pytest.raises(StoreError, match=r"no table 'mentions'; there are: .*mention,"),
    ):
        queries.table_rows("mentions")


def test_every_table_can_be_read_and_is_ordered_by_its_key(store):
    keep_and_judge(store, 12)
    gather(store, dict.fromkeys(range(1, 13), A))

    with store.read() as queries:
        rows = {name: queries.table_rows(name) for name in metadata.tables}
    for name, table in metadata.tables.items():
        key = [column.name for column in table.primary_key]
        found = [tuple(row[part] for part in key) for row in rows[name]]
        assert found == sorted(found), name


def test_counts_tell_rows_and_what_waits(store):
    keep_and_judge(store, 2)
    with store.transaction() as tx:
        tx.keep([make_raw(9)], NOW)
        tx.save_change(make_change())

    with store.read() as queries:
        counts = queries.counts()
    assert (counts["mention"], counts["verdict"], counts["incident"]) == (3, 2, 1)
    waiting = {name: n for name, n in counts.items() if name.startswith("pending_")}
    assert waiting == {
        "pending_understand": 1, "pending_gather": 2, "pending_deliver": 1, "pending_timers": 1,
    }  # fmt: skip


def test_the_oldest_work_of_each_stage_is_told_by_its_age(store):
    with store.read() as queries:
        assert queries.oldest_pending(NOW) == {}
    keep_and_judge(store, 1)
    with store.transaction() as tx:
        tx.keep([make_raw(9, observed_at=NOW + timedelta(minutes=1))], NOW)
        tx.save_change(make_change(timers=(make_timer(),)))

    with store.read() as queries:
        ages = queries.oldest_pending(NOW + timedelta(minutes=20))
    assert ages == {
        "understand": timedelta(minutes=19),
        "gather": timedelta(minutes=20),
        "deliver": timedelta(minutes=20),
        "timers": timedelta(minutes=5),
    }


def test_messages_are_listed_newest_first_and_by_recipient(store):
    with store.transaction() as tx:
        tx.add_intents(
            [make_intent(f"m{n}", incident_id=None, recipient_id=OwnerId("lin" if n % 2 else "zhao")) for n in range(5)]
        )  # fmt: skip

    with store.read() as queries:
        assert [intent.intent_id for intent in queries.intents(limit=2)] == ["m4", "m3"]
        assert [intent.intent_id for intent in queries.intents(OwnerId("lin"))] == ["m3", "m1"]


def test_mentions_of_a_cluster_begin_with_its_face(store):
    keep_and_judge(store, 3)
    gather(
        store,
        dict.fromkeys((1, 2, 3), A),
        clusters=(make_cluster(A, representative_id=MentionId(2)),),
    )

    with store.read() as queries:
        found = queries.cluster_mentions(A, 2)
        assert [(mention.mention_id, verdict) for mention, verdict in found] == [
            (2, make_verdict(2)),
            (1, make_verdict(1)),
        ]
        assert queries.cluster_mentions(ClusterId("nowhere")) == []
        assert queries.cluster(ClusterId("nowhere")) is None
        assert queries.cluster_hours(ClusterId("nowhere"), NOW) == []


def test_a_mention_nobody_took_in_is_none(store):
    with store.read() as queries:
        assert queries.mention(1) is None
        assert queries.verdicts(1) == []


def test_a_cluster_comes_back_whole(store):
    cluster = make_cluster(
        A, parent_id=ClusterId("yunque-eeeeeeee"), n_duplicates=3, representative_id=MentionId(9),
        blob=bytes(range(256)),
    )  # fmt: skip
    with store.transaction() as tx:
        tx.save_gathering(make_shard_changes(clusters=(cluster,)), [])

    with store.read() as queries:
        assert queries.cluster(A) == cluster
