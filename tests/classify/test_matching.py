from __future__ import annotations

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


# --- odd texts ------------------------------------------------------------------------------

_NAMES = st.sampled_from(
    ["云雀", "云\u200b雀", "云|雀", "云 雀", "青禾", "ab", "小米", "yunque", "Yun Que"]
)
_ODD = st.one_of(
    _NAMES,
    st.text(st.characters(), max_size=12),
    st.sampled_from(
        [
            "\u202e",
            "\u200f",
            "\ud800",
            "\udfff",
            "\x00",
            "\x1b[2J",
            "😡",
            "👨‍👩‍👧",
            "ﷺ",
            "\ufeff",
            "粥",
            "手机",
        ]
    ),
)


def everything() -> BrandMatcher:
    pytest.importorskip("pypinyin")
    return BrandMatcher(
        [
            brand("a", "云雀", near=["粥", "手机"], pinyin=True, exclude={"authors": ["ab"]}),
            brand("b", "ab", **{"not": ["青禾"]}),
            brand("c", "小米", ambiguous=[{"name": "小米", "other": ["青禾"]}]),
            brand("d", "青禾", any=["手机"], must=["ab"], exclude={"urls": ["a.example"]}),
        ]
    )


@pytest.fixture(scope="module")
def matcher() -> BrandMatcher:
    return everything()


@given(st.lists(_ODD, max_size=30).map("".join), st.lists(_ODD, max_size=4).map("".join))
def test_any_text_gets_an_answer_with_offsets_inside(
    matcher: BrandMatcher, text: str, title: str
) -> None:
    fields = {"title": title, "text": text}
    judged = matcher.judge(title, text, text[:20], title)

    for place in judged:
        hit = place.hit
        assert 0 <= hit.start < hit.end <= len(fields[hit.field])
        assert place.reason.zh
        assert str(place.reason)
    counting = {place.hit.brand_id for place in judged if place.counts}
    assert counting == set(matcher.match(title, text, text[:20], title))


@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=40))
def test_a_name_between_other_scripts_keeps_its_place(left: str, right: str) -> None:
    matcher = BrandMatcher([brand("a", "云雀")])
    text = f"{left}。云雀。{right}"

    hits = matcher.match("", text, "", "")[BrandId("a")]

    assert any(text[hit.start : hit.end] == "云雀" for hit in hits)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t", "😡😡😡", "\u200b\u200d\ufeff", "\ud800", "\x00\x01", "؟مرحبا", "🤬云雀🤬"],
    ids=repr,
)
def test_odd_texts_have_a_plain_answer(matcher: BrandMatcher, text: str) -> None:
    assert matcher.match(text, text, text, text) == {}


@pytest.mark.parametrize(
    "piece",
    [
        "云雀手机说了一遍又一遍",
        "小米，说来话长说来话长说来话长",
        "小 米|说来话长，说来话长",
        "\u200b",
        "\ud800",
    ],
    ids=repr,
)
def test_a_megabyte_is_read_to_its_end(matcher: BrandMatcher, piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "云雀手机"

    places = matcher.judge("", text, "", "")

    assert places
    assert max(place.hit.end for place in places) <= len(text)
