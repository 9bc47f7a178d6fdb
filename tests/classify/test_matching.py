from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.matching import BrandMatcher
from config.schema import Brand
from storage.records import BrandId


def brand(brand_id: str, name: str, **fields: Any) -> Brand:
    return Brand.model_validate({"id": brand_id, "name": name, **fields})


def named(matcher: BrandMatcher, text: str, **where: str) -> list[str]:
    found = matcher.match(where.get("title", ""), text, where.get("url", ""), where.get("by", ""))
    return sorted(found)


def test_a_hit_points_into_the_original_text() -> None:
    matcher = BrandMatcher([brand("yunque", "云雀", aliases=["Yunque"])])
    text = "😡 雲\u200b雀的客服，ＹＵＮＱＵＥ 不行"

    hits = matcher.match("", text, "", "")[BrandId("yunque")]

    assert [text[hit.start : hit.end] for hit in hits] == ["雲\u200b雀", "ＹＵＮＱＵＥ"]
    assert [hit.alias for hit in hits] == ["云雀", "Yunque"]


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("miniSUV 很多", False),
        ("买了mi6手机", True),
        ("mi", True),
        ("Xmi", False),
        ("我的MI手机", True),
    ],
)
def test_latin_names_need_word_borders(text: str, is_named: bool) -> None:
    matcher = BrandMatcher([brand("mi", "mi")])

    assert bool(named(matcher, text)) == is_named


def test_of_overlapping_names_the_longest_counts() -> None:
    matcher = BrandMatcher([brand("changhe", "长河"), brand("venture", "长河远景")])

    assert named(matcher, "长河远景交付了") == ["venture"]
    assert named(matcher, "长河和长河远景") == ["changhe", "venture"]


def test_a_product_stands_for_its_brand() -> None:
    lines = [{"id": "x5", "name": "青岚X5", "aliases": ["蓝胖子"]}]
    matcher = BrandMatcher([brand("qinglan", "青岚", products=lines)])

    hits = matcher.match("", "蓝胖子又趴窝了", "", "")[BrandId("qinglan")]

    assert [hit.product for hit in hits] == ["x5"]


def test_a_name_with_a_space_is_found_without_it() -> None:
    matcher = BrandMatcher([brand("nova", "Nova Air")])

    assert named(matcher, "novaair与NOVA  AIR") == ["nova"]


def test_context_words_decide_ambiguous_names() -> None:
    rules = {"any": ["手机", "系统"], "must": ["售后"], "not": ["小米粥"]}
    matcher = BrandMatcher([brand("xiaohe", "小禾", **rules)])

    assert named(matcher, "小禾手机售后") == ["xiaohe"]
    assert named(matcher, "小禾手机") == []
    assert named(matcher, "小禾售后") == []
    assert named(matcher, "小禾手机售后，顺便喝了小米粥") == []
    assert named(matcher, "小禾售后", title="系统更新") == ["xiaohe"]


def test_excluded_pages_and_authors_are_left_out() -> None:
    exclude = {"urls": ["shop.example/ads"], "authors": ["云雀官方"]}
    matcher = BrandMatcher([brand("yunque", "云雀", exclude=exclude)])

    assert named(matcher, "云雀好", url="https://shop.example/ads/1") == []
    assert named(matcher, "云雀好", by="云雀官方") == []
    assert named(matcher, "云雀好", url="https://shop.example/a", by="路人") == ["yunque"]


def test_examples_report_every_surprise() -> None:
    examples = [
        {"text": "云雀漏水"},
        {"text": "麻雀飞走了"},
        {"text": "云雀在树上叫", "match": False},
        {"text": "云雀鸟", "match": False},
    ]
    matcher = BrandMatcher([brand("yunque", "云雀", **{"not": ["鸟"]}, examples=examples)])

    assert [(one.place, one.text) for one in matcher.run_examples()] == [
        (1, 'brand "yunque": example "麻雀飞走了" must match, but no name or alias occurs'),
        (2, 'brand "yunque": example "云雀在树上叫" must not match, but does'),
    ]


def test_no_brand_matches_nothing() -> None:
    assert BrandMatcher([]).match("云雀", "云雀", "", "") == {}


def test_thousands_of_aliases_cost_no_more_than_a_few() -> None:
    many = BrandMatcher(
        [brand(f"b{n}", f"品牌{n}号", aliases=[f"名{n}甲", f"Alias{n}x"]) for n in range(3000)]
    )
    few = BrandMatcher([brand("b7", "品牌7号")])
    text = "昨天在网上买了品牌7号的水壶，用了两天就漏，客服让我等，" * 3

    assert _seconds(many, text) < 5 * _seconds(few, text) + 0.02


def _seconds(matcher: BrandMatcher, text: str) -> float:
    started = time.process_time()
    for _ in range(300):
        matcher.match("", text, "", "")
    return time.process_time() - started


@given(st.text(st.characters(), max_size=120))
def test_any_text_gets_an_answer_with_offsets_inside(text: str) -> None:
    matcher = BrandMatcher([brand("a", "云雀"), brand("b", "ab")])

    for hits in matcher.match(text, text, text, text).values():
        for hit in hits:
            assert 0 <= hit.start < hit.end <= len(text)
