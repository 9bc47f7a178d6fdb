from __future__ import annotations

from classify.cluster_rules import Rules
from classify.labels import Member
from tests.classify.ledger import gather_all, items_of


def test_a_vague_text_needs_more_likeness() -> None:
    rules = Rules()
    short = Member(8, has_title=False, is_complaint=True)
    longer = Member(40, has_title=False, is_complaint=True)

    assert rules.least_score(is_complaint=True, is_vague=True) > rules.complaint_score
    assert rules.least_single(short) > rules.least_single(longer)


def test_short_posts_in_like_words_gather_less_than_longer_ones_would() -> None:
    texts = ["质量太差了吧", "包装太差了吧", "味道太差", "物流太慢了吧", "客服态度太差", "包装太慢"]
    strict, _ = gather_all(items_of(texts))
    lenient, _ = gather_all(items_of(texts), Rules(short_margin=0.0))

    assert len(set(strict.homes.values())) > len(set(lenient.homes.values()))


def test_the_same_short_trouble_still_gathers() -> None:
    ledger, _ = gather_all(items_of(["水壶底座冒烟了", "水壶的底座冒烟"]))

    assert len(set(ledger.homes.values())) == 1
