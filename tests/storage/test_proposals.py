from __future__ import annotations

from datetime import timedelta

import pytest

from storage.records import BrandId, ClusterId, MergeProposal
from tests.make import BRAND, NOW, make_cluster, make_shard_changes

A, B, C, D = (ClusterId(f"yunque-{letter * 8}") for letter in "abcd")


def propose(first, second, score=0.5, **fields):
    return MergeProposal(
        **{
            "first_id": first,
            "second_id": second,
            "brand_id": BRAND,
            "score": score,
            "why": "同一产品的同一毛病",
            "at": NOW,
        }
        | fields
    )


def clusters(store, **fields):
    with store.transaction() as tx:
        made = [make_cluster(one, **fields.get(one[-1], {})) for one in (A, B, C, D)]
        tx.save_gathering(make_shard_changes(clusters=tuple(made)), [])


def open_pairs(store, **options):
    with store.read() as queries:
        return [(one.first_id, one.second_id, one.score) for one in queries.proposals(**options)]


def test_proposals_are_kept_once_the_likeliest_first_and_take_a_new_score(store):
    clusters(store)
    later = NOW + timedelta(days=1)
    with store.transaction() as tx:
        assert tx.add_proposals([propose(B, A, 0.4), propose(A, C, 0.6)]) == 2
        assert tx.add_proposals([propose(A, B, 0.7, at=later), propose(C, D, 0.3)]) == 1

    assert open_pairs(store) == [(A, B, 0.7), (A, C, 0.6), (C, D, 0.3)]
    with store.read() as queries:
        assert queries.proposals(BRAND)[0].at == NOW
        assert queries.proposals(BrandId("hemu")) == []
        with pytest.raises(ValueError, match="state 'new'"):
            queries.proposals(state="new")


def test_what_was_decided_is_kept_with_who_said_it_and_never_proposed_again(store):
    clusters(store)
    with store.transaction() as tx:
        tx.add_proposals([propose(A, B), propose(C, D)])
        assert tx.decide_proposal(B, A, False, "linxiao", NOW) is True
        assert tx.decide_proposal(C, D, True, "linxiao", NOW) is True
        assert tx.decide_proposal(A, B, True, "boss", NOW) is False
        assert tx.add_proposals([propose(A, B, 0.9), propose(C, D, 0.9)]) == 0

    assert open_pairs(store) == []
    with store.read() as queries:
        [refused] = queries.proposals(state="refused")
        assert queries.settled_pairs(BRAND) == {(A, B), (C, D)}
    assert (refused.decided_by, refused.decided_at, refused.score) == ("linxiao", NOW, 0.5)


def test_a_refusal_holds_for_the_cluster_that_one_of_the_two_went_into(store):
    clusters(store)
    with store.transaction() as tx:
        tx.add_proposals([propose(A, B), propose(B, D)])
        tx.decide_proposal(A, B, False, "linxiao", NOW)
    clusters(store, b={"state": "alias", "alias_of": C})

    with store.transaction() as tx:
        assert tx.queries.settled_pairs(BRAND) == {(A, B), (A, C)}
        assert tx.add_proposals([propose(A, C)]) == 0
    assert open_pairs(store) == []  # B, D: there is no B any more
