from __future__ import annotations

from datetime import timedelta

import pytest

from storage.records import Fact, FactCount, Noise, Polarity
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_raw,
    make_shard_changes,
    make_verdict,
)
from tests.storage.drive import rows

LEAK = (
    Fact(kind="symptom", value="漏水漏液", start=1, end=3),
    Fact(kind="batch", value="2603A1", start=4, end=9),
    Fact(kind="month", value="2026-03", start=4, end=9),
    Fact(kind="symptom", value="服务:客服推诿", start=10, end=12),
    Fact(kind="amount", value="99", start=13, end=16),
)


def judge(store, facts, *, authors=None, **verdict):
    """Take in one mention per entry of `facts`, judge it, and put all into one cluster."""
    with store.transaction() as tx:
        named = authors or [f"用户{n}" for n in range(len(facts))]
        raws = [make_raw(n + 1, author=author) for n, author in enumerate(named)]
        tx.keep(raws, NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(99)]
        verdicts = [
            make_verdict(i, facts=told, **verdict) for i, told in zip(ids, facts, strict=True)
        ]
        tx.save_verdicts(ids, verdicts, NOW)
    return ids


def gather(store, copies=()):
    with store.transaction() as tx:
        items = tx.pending_verdicts(SHARD, 99)
        made = [
            make_assignment(mention.mention_id, duplicate_of=items[0][0].mention_id)
            if mention.mention_id in copies
            else make_assignment(mention.mention_id)
            for mention, _ in items
        ]
        cluster = make_cluster("yunque-aaaaaaaa")
        changes = make_shard_changes(assignments=tuple(made), clusters=(cluster,))
        tx.save_gathering(changes, items)


def counts(store, **window):
    since = window.get("since", NOW - timedelta(days=30))
    with store.read() as queries:
        found = queries.fact_counts(BRAND, since, NOW)
    return {(c.product, c.kind, c.value, c.symptom): c.authors for c in found}


def test_facts_of_negative_mentions_are_kept_narrow(store):
    judge(store, [LEAK])

    kept = {(row["kind"], row["value"]) for row in rows(store, "mention_fact")}
    assert kept == {
        ("product", "净水器"),
        ("symptom", "漏水漏液"),
        ("batch", "2603A1"),
        ("month", "2026-03"),
    }


@pytest.mark.parametrize(
    "quiet",
    [{"polarity": Polarity.NOT_NEGATIVE}, {"noise": Noise.ADVERT}, {"products": ()}],
    ids=["not negative", "noise", "no product"],
)
def test_what_is_no_complaint_about_a_product_leaves_no_facts(store, quiet):
    judge(store, [LEAK], **quiet)

    assert rows(store, "mention_fact") == []


def test_facts_follow_a_new_verdict(store):
    [mention_id] = judge(store, [LEAK])
    with store.transaction() as tx:
        tx.save_verdicts([mention_id], [make_verdict(mention_id, facts=LEAK[:1])], NOW)

    assert {row["kind"] for row in rows(store, "mention_fact")} == {"product", "symptom"}

    with store.transaction() as tx:
        calm = make_verdict(mention_id, facts=LEAK, polarity=Polarity.NOT_NEGATIVE)
        tx.save_verdicts([mention_id], [calm], NOW)

    assert rows(store, "mention_fact") == []


def test_authors_are_counted_with_all_margins(store):
    smoke = (Fact(kind="symptom", value="冒烟起火"), Fact(kind="batch", value="2512B2"))
    judge(store, [LEAK, LEAK, smoke, ()])
    gather(store)

    found = counts(store)
    assert found["净水器", "", "", ""] == 4
    assert found["净水器", "", "", "漏水漏液"] == 2
    assert found["净水器", "batch", "", ""] == 3
    assert found["净水器", "batch", "", "漏水漏液"] == 2
    assert found["净水器", "batch", "2603A1", "漏水漏液"] == 2
    assert found["净水器", "batch", "2512B2", ""] == 1
    assert found["净水器", "month", "2026-03", ""] == 2
    assert found["", "", "", "冒烟起火"] == 1
    assert found["", "", "", ""] == 4
    assert ("净水器", "batch", "2512B2", "漏水漏液") not in found


def test_an_author_counts_once_and_a_copy_not_at_all(store):
    ids = judge(store, [LEAK, LEAK, LEAK], authors=["甲", "甲", "乙"])
    gather(store, copies={ids[2]})

    assert counts(store)["净水器", "batch", "2603A1", "漏水漏液"] == 1


def test_only_the_window_counts_and_the_gathered(store):
    judge(store, [LEAK, LEAK])
    assert counts(store) == {}  # nobody knows yet whether they are copies

    gather(store)
    assert counts(store)["净水器", "", "", ""] == 2
    assert counts(store, since=NOW - timedelta(minutes=1)) == {}


def test_counts_come_ordered_with_their_times(store):
    judge(store, [LEAK])
    gather(store)

    with store.read() as queries:
        found = queries.fact_counts(BRAND, NOW - timedelta(days=30), NOW)
        mentions = queries.fact_mentions(
            BRAND,
            [("product", "净水器"), ("batch", "2603A1")],
            NOW - timedelta(days=30),
            NOW,
        )
    assert isinstance(found[0], FactCount)
    assert list(found) == sorted(found, key=lambda c: (c.product, c.kind, c.value, c.symptom))
    assert {c.first_at for c in found} == {NOW - timedelta(minutes=30)}
    assert len(mentions) == 1
