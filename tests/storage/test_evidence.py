from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from config.errors import StoreError
from storage.records import ClusterId, HourCount, MentionId, Polarity
from tests.make import (
    NOW,
    SHARD,
    ago,
    make_assignment,
    make_cluster,
    make_fetch_event,
    make_raw,
    make_shard_changes,
    make_verdict,
)

A, B = ClusterId("yunque-aaaaaaaa"), ClusterId("yunque-bbbbbbbb")


def tell(store, *posts):
    """Take posts through to cluster A; each is (raw fields, verdict fields, assignment fields)."""
    with store.transaction() as tx:
        raws = [make_raw(n, **post[0]) for n, post in enumerate(posts, start=1)]
        ids = [mention_id for _, mention_id in tx.keep(raws, NOW)]
        verdicts = [make_verdict(i, **post[1]) for i, post in zip(ids, posts, strict=True)]
        tx.save_verdicts(ids, verdicts, NOW)
        items = tx.pending_verdicts(SHARD, 100)
        assignments = tuple(
            make_assignment(i, **{"cluster_id": A} | post[2])
            for i, post in zip(ids, posts, strict=True)
        )
        used = sorted({assignment.cluster_id for assignment in assignments})
        tx.save_gathering(
            make_shard_changes(
                assignments=assignments, clusters=tuple(make_cluster(one) for one in used)
            ),
            items,
        )


def evidence(store, cluster_id=A, now=NOW, **options):
    with store.read() as queries:
        return queries.evidence(cluster_id, now, **options)


def post(hours=0.5, raw=None, verdict=None, **assignment):
    return {"published_at": ago(hours=hours), **(raw or {})}, verdict or {}, assignment


def test_distinct_authors_are_listed_with_their_first_post(store):
    tell(
        store,
        post(3, {"author": "甲"}),
        post(5, {"author": "甲"}),
        post(1, {"author": "乙"}),
        post(2, {"author": "丙"}, {"polarity": Polarity.UNSURE}),
        post(24 * 8, {"author": "丁"}),
        post(4, {"author": "戊", "history": True}),
    )
    found = evidence(store)

    assert found.live_authors == ((ago(hours=5), "tousu:甲"), (ago(hours=1), "tousu:乙"))
    assert found.watch_authors == (
        (ago(hours=5), "tousu:甲"),
        (ago(hours=2), "tousu:丙"),
        (ago(hours=1), "tousu:乙"),
    )
    assert (found.mentions, found.authors, found.texts) == (6, 5, 6)
    assert (found.first_at, found.last_at) == (ago(days=8), ago(hours=1))


def test_hours_count_what_may_page_apart(store):
    tell(
        store,
        post(0.25, {"author": "甲"}),
        post(0.5, {"author": "甲"}),
        post(0.5, {"author": "乙"}, {"polarity": Polarity.UNSURE}),
        post(0.5, {"author": "丙", "history": True}),
        post(24 * 36, {"author": "丁"}),
    )
    hour = HourCount(hour=ago(hours=1), mentions=4, authors=3, texts=4, live=1, watch=2)

    assert evidence(store).hours == (replace(hour, negative=3, platforms=1),)
    assert evidence(store).brand_hours == (hour,)


def test_the_brand_sees_all_its_clusters(store):
    tell(
        store,
        post(1.5, {"author": "甲"}),
        post(1.5, {"author": "甲"}, cluster_id=B),
        post(24 * 3, {"author": "乙"}, cluster_id=B),
    )
    found = evidence(store)

    assert [hour.mentions for hour in found.hours] == [1]
    assert [(hour.mentions, hour.authors) for hour in found.brand_hours] == [(1, 1), (2, 1)]
    assert (found.brand_clusters, found.brand_first_at) == (2, ago(hours=24 * 3))


def test_facts_are_counted_and_ordered(store):
    tell(
        store,
        post(1, {"platform": "weibo", "region": "上海", "author": "甲"}, {"severity": ("injury",)}),
        post(
            1,
            {"platform": "weibo", "region": "", "author": "甲"},
            {"severity": ("injury",), "issue_class": "安全与人身"},
        ),
        post(
            1,
            {"platform": "tousu", "region": "北京", "tier": "central"},
            {"products": ("滤芯",), "severity": ("injury", "child")},
        ),
        post(
            1,
            {"platform": "kefu", "channel": "internal", "tier": "trade", "author": "乙"},
            {"products": ("滤芯",)},
        ),
    )
    found = evidence(store)

    assert found.platforms == ("weibo", "tousu")
    assert found.tiers == ("central",)
    assert set(found.regions) == {"上海", "北京"}
    assert set(found.products) == {"净水器", "滤芯"}
    assert found.issue_classes == (("产品质量", 3), ("安全与人身", 1))
    assert found.severity == (("injury", 2), ("child", 1))


def test_further_classes_and_sub_classes_are_counted(store):
    tell(
        store,
        post(1, {}, {"also": ("售后维修",), "sub_classes": ("等备件", "反复维修")}),
        post(2, {}, {"sub_classes": ("等备件",)}),
        post(3),
    )
    found = evidence(store)

    assert found.also_classes == (("售后维修", 1),)
    assert found.sub_classes == (("等备件", 2), ("反复维修", 1))


def test_history_states_no_facts_that_could_raise_a_grade(store):
    tell(store, post(1, {"history": True, "tier": "central"}, {"severity": ("death",)}), post(1))
    found = evidence(store)

    assert (found.severity, found.tiers, found.mentions) == ((), (), 2)


def test_spread_is_the_sum_of_known_public_figures(store):
    tell(
        store,
        post(1, {"reposts": 10, "views": 100}),
        post(1, {"reposts": 5}),
        post(1, {"reposts": 900, "channel": "internal"}),
    )
    found = evidence(store)

    assert (found.reposts, found.views) == (15, 100)


def test_people_known_from_inside_only_are_told_apart(store):
    tell(
        store,
        post(1, {"author": "甲"}),
        post(1, {"author": "甲", "channel": "internal"}),
        post(1, {"author": "乙", "channel": "internal"}),
        post(1, {"author": "丙", "channel": "internal"}),
    )
    found = evidence(store)

    assert (found.authors, found.public_authors) == (3, 1)
    assert len(found.live_authors) == 3  # a batch shows in the hotline first


def test_unknown_spread_is_unknown_and_not_zero(store):
    tell(store, post(1))

    assert (evidence(store).reposts, evidence(store).views) == (None, None)


def test_samples_begin_with_the_representative_and_end_with_copies(store):
    tell(store, post(3), post(1, duplicate_of=MentionId(1)), post(2), post(4))
    with store.transaction() as tx:
        cluster = make_cluster(A, representative_id=MentionId(4))
        tx.save_gathering(make_shard_changes(clusters=(cluster,)), [])

    assert evidence(store).samples == (4, 3, 1, 2)


def test_an_alias_shows_the_evidence_of_the_survivor(store):
    tell(store, post(1, {"author": "甲"}), post(2, {"author": "甲"}, cluster_id=B))
    with store.transaction() as tx:
        alias = make_cluster(B, state="alias", alias_of=A)
        tx.save_gathering(make_shard_changes(clusters=(alias,)), [])
    found = evidence(store, B)

    assert found == evidence(store, A)
    assert (found.cluster.cluster_id, found.mentions, found.authors) == (A, 2, 1)
    assert found.live_authors == ((ago(hours=2), "tousu:甲"),)


def test_a_cluster_that_never_was_is_an_error(store):
    with pytest.raises(StoreError, match="there is no cluster 'nowhere'"):
        evidence(store, ClusterId("nowhere"))


def test_hours_in_which_no_source_answered_are_blind(store):
    with store.transaction() as tx:
        tx.add_fetch_event(make_fetch_event("one", at=ago(hours=3), outcome="blocked"))
        tx.add_fetch_event(make_fetch_event("two", at=ago(hours=3), outcome="network here"))
        tx.add_fetch_event(make_fetch_event("one", at=ago(hours=2), outcome="blocked"))
        tx.add_fetch_event(make_fetch_event("two", at=ago(hours=2), outcome="unchanged"))
    tell(store, post(1))

    assert evidence(store).blind_hours == (ago(hours=3),)


def test_history_can_be_judged_as_it_looked_then(store):
    then = ago(days=100)
    old = {"history": True}
    tell(
        store,
        post(24 * 100 + 1, old | {"author": "甲"}, {"severity": ("injury",)}),
        post(24 * 100 + 1, old | {"author": "乙"}, {"polarity": Polarity.UNSURE}),
        post(24 * 99, old | {"author": "丙"}),
    )
    found = evidence(store, now=then, history=True)

    assert [key for _, key in found.live_authors] == ["tousu:甲"]
    assert [key for _, key in found.watch_authors] == ["tousu:乙", "tousu:甲"]
    assert found.hours == (
        HourCount(hour=then - timedelta(hours=1), mentions=2, authors=2, texts=2, live=1, watch=2),
    )
    assert found.mentions == 2
    assert evidence(store).live_authors == ()
