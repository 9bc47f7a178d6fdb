from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage.records import Figure, IncidentState, MentionId
from tests.make import (
    NOW,
    SHARD,
    SOURCE,
    make_assignment,
    make_change,
    make_cluster,
    make_incident,
    make_link,
    make_raw,
    make_shard_changes,
    make_verdict,
)

CLUSTER = make_cluster().cluster_id
LATER = NOW + timedelta(hours=1)


def _gathered(store, *raws, copies=None, representative=None):
    with store.transaction() as tx:
        ids = [mention_id for _, mention_id in tx.keep(raws, NOW)]
        tx.save_verdicts(ids, [make_verdict(mention_id) for mention_id in ids], NOW)
        items = tx.pending_verdicts(SHARD, 100)
        assignments = [make_assignment(n, duplicate_of=(copies or {}).get(n)) for n in ids]
        clusters = (make_cluster(representative_id=representative),)
        changes = make_shard_changes(assignments=tuple(assignments), clusters=clusters)
        tx.save_gathering(changes, items)
    return ids


def test_the_curve_of_a_mention_is_what_was_read_again(store):
    raw = make_raw(1, reposts=5)
    with store.transaction() as tx:
        tx.keep([raw], NOW)
        tx.keep([replace(raw, reposts=30, views=900)], LATER, reread=True)
        tx.keep([replace(raw, reposts=31)], LATER + timedelta(hours=1), reread=True)

    with store.read() as queries:
        assert queries.figures(MentionId(1)) == (
            Figure(at=LATER, reposts=30, views=900),
            Figure(at=LATER + timedelta(hours=1), reposts=31),
        )
        assert queries.figures(MentionId(2)) == ()


def test_deleted_and_edited_members_are_listed_deleted_first(store):
    raws = [make_raw(n, published_at=NOW - timedelta(hours=n)) for n in range(1, 5)]
    _gathered(store, *raws)
    with store.transaction() as tx:
        tx.mark_gone(raws[2].canonical_url, LATER)
        tx.keep([replace(raws[0], text="已经改成好评了")], LATER)
        tx.keep([replace(raws[1], text="又改了一遍")], LATER)

    with store.read() as queries:
        found = queries.changed_mentions(CLUSTER)
        assert [mention.mention_id for mention in found] == [3, 1, 2]
        assert (found[0].gone_at, found[1].revision) == (LATER, 1)
        assert [m.mention_id for m in queries.changed_mentions(CLUSTER, 1)] == [3]
        assert queries.changed_mentions(make_cluster("no-1").cluster_id) == []
        assert queries.evidence(CLUSTER, NOW).mentions == 4  # nothing is uncounted


def test_near_duplicates_are_counted_per_original(store):
    _gathered(store, *(make_raw(n) for n in range(1, 6)), copies={2: 1, 3: 1, 5: 4})

    with store.read() as queries:
        originals = [MentionId(n) for n in (1, 2, 4)]
        assert queries.reposts_of(originals) == {1: 2, 4: 1}
        assert queries.reposts_of([]) == {}


def test_the_representative_comes_first_then_what_spread_most(store):
    _gathered(
        store,
        make_raw(1),
        make_raw(2, views=90_000),
        make_raw(3, reposts=200),
        make_raw(4, reposts=9_000, channel="internal"),
        make_raw(5, reposts=9_000, url="", canonical_url="", native_id="5"),
        make_raw(6, reposts=9_000, parent_url="https://tousu.example/post/1"),
        make_raw(7, reposts=9_000, source_id="other", canonical_url="https://o.example/7"),
        representative=1,
    )

    with store.read() as queries:
        found = queries.spreading_mentions(CLUSTER, {SOURCE}, 10)
        assert [mention.mention_id for mention in found] == [1, 3, 2]
        assert [m.mention_id for m in queries.spreading_mentions(CLUSTER, {SOURCE}, 2)] == [1, 3]
        assert queries.spreading_mentions(CLUSTER, set(), 9) == []


def test_only_incidents_that_have_not_ended_are_worked_on(store):
    closed = make_incident("01B", state=IncidentState.CLOSED, cluster_id="yunque-b")
    with store.transaction() as tx:
        tx.save_change(make_change(make_incident("01A")))
        tx.save_change(make_change(closed))
        tx.add_links([make_link(1, until=LATER), make_link(2)], NOW)

    with store.read() as queries:
        assert [one.incident_id for one in queries.working_incidents()] == ["01A"]
        hashes = [make_link(n).url_hash for n in (1, 2, 3)]
        assert queries.planned_until(hashes) == {hashes[0]: LATER, hashes[1]: None}
