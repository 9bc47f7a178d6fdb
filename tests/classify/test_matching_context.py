"""When a name means the brand: near words, ambiguous names, pinyin, names in disguise."""

from __future__ import annotations

from typing import Any

import pytest

from classify.matching import BrandMatcher, Judged
from config.schema import Brand
from storage.records import BrandId


def watch(name: str, **fields: Any) -> BrandMatcher:
    return BrandMatcher([Brand.model_validate({"id": "b", "name": name, **fields})])


def judged(matcher: BrandMatcher, text: str, **where: str) -> list[Judged]:
    return matcher.judge(where.get("title", ""), text, where.get("url", ""), where.get("by", ""))


def codes(matcher: BrandMatcher, text: str, **where: str) -> list[str]:
    return [one.reason.code for one in judged(matcher, text, **where)]


def found(matcher: BrandMatcher, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in matcher.match("", text, "", "").get(_B, ())]


_B = BrandId("b")


# --- near -------------------------------------------------------------------------------------


def test_a_near_word_must_stand_within_so_many_characters_of_a_name() -> None:
    matcher = watch("云雀", near=["滤芯"], near_within=6)

    assert codes(matcher, "云雀的滤芯漏水") == ["named"]
    assert codes(matcher, "滤芯漏水,买的云雀") == ["named"]
    assert codes(matcher, "云雀的客服不理人所以滤芯没换") == ["near"]
    assert codes(matcher, "云雀叫了", title="滤芯漏水") == ["near"]


def test_one_place_near_enough_lets_the_others_count() -> None:
    matcher = watch("云雀", near=["滤芯"], near_within=4)

    assert codes(matcher, "云雀滤芯漏水。" + "等" * 40 + "云雀不管") == ["named", "named"]


def test_a_word_inside_the_name_stands_not_near_it() -> None:
    assert codes(watch("云雀滤芯", near=["滤芯"]), "云雀滤芯漏水") == ["near"]


def test_a_name_repeated_without_end_is_held_against_many_near_words() -> None:
    matcher = watch("云雀", near=[f"配件{n}" for n in range(500)], near_within=1000)

    assert set(codes(matcher, "云雀" * 20_000)) == {"near"}  # word by place: a minute and more
    assert set(codes(matcher, "云雀" * 20_000 + "等" * 900 + "配件7")) == {"named"}


# --- ambiguous names --------------------------------------------------------------------------


def ambiguous(**rule: Any) -> BrandMatcher:
    rule = {"name": "青禾", "brand": ["凳子", "客服"], "other": ["秧苗", "稻田"], **rule}
    return watch("青禾", aliases=["青禾家居"], ambiguous=[rule])


def test_the_projects_words_decide_with_their_names_in_the_reason() -> None:
    matcher = ambiguous()

    [brand] = judged(matcher, "青禾的凳子晃")
    [other] = judged(matcher, "稻田里的青禾长得好")

    assert (brand.counts, brand.reason.code, brand.reason.word) == (True, "brand_words", "凳子")
    assert (other.counts, other.reason.code, other.reason.word) == (False, "other_words", "稻田")
    assert "稻田" in other.reason.zh
    assert "稻田" in str(other.reason)


def test_a_near_word_outweighs_one_far_away() -> None:
    text = "青禾的凳子晃。" + "说来话长" * 12 + "路过一片稻田"

    assert codes(ambiguous(), text) == ["brand_words"]


def test_words_of_the_title_count_too() -> None:
    assert codes(ambiguous(), "青禾又来了", title="凳子晃得厉害")[-1] == "brand_words"


def test_each_place_has_a_meaning_of_its_own() -> None:
    text = "稻田里秧苗一片青禾绿油油的。" + "走着走着" * 12 + "回家发现青禾的客服没回凳子的事"

    assert codes(ambiguous(), text) == ["other_words", "brand_words"]


def test_an_unambiguous_name_of_the_brand_speaks_for_it() -> None:
    assert codes(ambiguous(), "青禾家居真行，青禾你等着") == ["named", "brand_words"]


def test_where_nothing_decides_the_default_does() -> None:
    assert codes(ambiguous(), "青禾来了") == ["undecided"]
    assert codes(ambiguous(default=True), "青禾来了") == ["default"]
    assert codes(ambiguous(brand=["凳子"], other=["稻田"]), "青禾凳子稻田") == ["undecided"]


def test_a_word_that_holds_the_name_decides_its_place() -> None:
    matcher = ambiguous(other=["青禾镇", "青禾饭"], brand=["凳子"])

    assert codes(matcher, "青禾镇的凳子铺") == ["other_word_holds"]


def test_the_projects_words_stand_above_the_shipped_ones() -> None:
    rules = [{"name": "小米", "brand": ["粥店"], "other": ["手机"]}]
    matcher = watch("小米", ambiguous=rules)

    assert codes(matcher, "小米旁边的粥店") == ["brand_words"]
    assert codes(matcher, "小米，手机都拿不出手") == ["other_words"]


def test_a_chosen_default_stands_above_what_the_name_usually_means() -> None:
    unclear = "说起小米，谁都知道"

    assert codes(watch("小米", ambiguous=[{"name": "小米"}]), unclear) == ["usual"]
    assert codes(watch("小米", ambiguous=[{"name": "小米", "default": False}]), unclear) == [
        "undecided"
    ]


def test_a_name_cut_out_of_other_words_is_none() -> None:
    matcher = watch("安全", ambiguous=[{"name": "安全", "default": True}])

    [place] = judged(matcher, "公安全力搜救")

    assert (place.counts, place.reason.code) == (False, "longer_word")
    assert place.reason.word == "公安|全力"


def test_latin_words_of_the_context_need_word_borders() -> None:
    matcher = watch("青禾", ambiguous=[{"name": "青禾", "brand": ["app"]}])

    assert codes(matcher, "青禾的app打不开") == ["brand_words"]
    assert codes(matcher, "青禾 happy") == ["undecided"]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("青禾", "青禾X3又坏了", "shipped_brand_words"),
        ("青禾", "@青禾 出来说话", "shipped_brand_words"),
        ("青禾", "@青禾妈妈 出来说话", "undecided"),
        ("青禾", "昨晚看了《青禾》", "shipped_other_words"),
        ("青禾", "青禾(600519)跌了", "shipped_brand_words"),
        ("青禾", "青禾vs秧苗", "undecided"),
        ("青禾", "青禾5斤", "undecided"),
        ("理想", "理想H3断轴", "shipped_brand_words"),
        ("理想", "理想ok", "undecided"),
    ],
)
def test_how_a_name_is_written_speaks_too(name: str, text: str, code: str) -> None:
    assert codes(watch(name, ambiguous=[{"name": name}]), text) == [code]


def test_context_words_need_word_borders_everywhere() -> None:
    matcher = watch("青禾", **{"not": ["ad"]})

    assert codes(matcher, "青禾 adapter") == ["named"]
    assert codes(matcher, "青禾 ad") == ["not"]


# --- exclusions -------------------------------------------------------------------------------


@pytest.mark.parametrize("author", ["青禾客服", "@青禾客服", "青禾 客服", "靑禾客服", "青禾客服 "])
def test_an_authors_spelling_does_not_matter(author: str) -> None:
    matcher = watch("青禾", exclude={"authors": ["@青禾客服"]})

    assert codes(matcher, "青禾好", by=author) == (
        ["author"] if author != "靑禾客服" else ["named"]
    )


def test_an_authors_case_and_width_do_not_matter() -> None:
    matcher = watch("青禾", exclude={"authors": ["QingHe官方"]})

    assert codes(matcher, "青禾好", by="ｑｉｎｇｈｅ官方") == ["author"]


def test_a_host_excludes_no_host_that_only_begins_like_it() -> None:
    matcher = watch("青禾", exclude={"urls": ["qinghe.example", "shop.example/ads"]})

    assert codes(matcher, "青禾", url="https://QingHe.example/a") == ["page"]
    assert codes(matcher, "青禾", url="https://qinghe.example") == ["page"]
    assert codes(matcher, "青禾", url="https://qinghe.example.cn/a") == ["named"]
    assert codes(matcher, "青禾", url="http://shop.example/ads/1") == ["page"]


def test_an_example_may_name_its_page_and_author() -> None:
    examples = [
        {"text": "青禾好", "author": "青禾客服", "match": False},
        {"text": "青禾好", "url": "https://qinghe.example/a", "match": False},
        {"text": "青禾好", "title": "凳子"},
    ]
    exclude = {"authors": ["青禾客服"], "urls": ["qinghe.example"]}

    assert watch("青禾", exclude=exclude, examples=examples).run_examples() == []


# --- pinyin -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("lanhe的壶", True),
        ("LanHe 的壶", True),
        ("买了lan he的壶", True),
        ("ＬＡＮＨＥ", True),
        ("lan-he", True),
        ("lanhe2代", True),
        ("planhe", False),
        ("lanhello", False),
        ("a plan he made", False),
        ("lan", False),
        ("@lanhe 出来", True),
        ("LanHe/蓝盒家电", True),
        ("见https://www.lanhe.example/a", False),
        ("写信到kefu@lanhe.example", False),
        ("fund.lanhe.com.cn的公告", False),
    ],
)
def test_a_name_is_found_in_pinyin_when_the_project_says_so(text: str, is_named: bool) -> None:
    pytest.importorskip("pypinyin")
    named = watch("澜禾", pinyin=True).match("", text, "", "")

    assert bool(named) is is_named
    assert watch("澜禾").match("", text, "", "") == {}


def test_readings_of_a_character_and_of_u_with_dots_are_all_found() -> None:
    pytest.importorskip("pypinyin")
    matcher = watch("绿家", pinyin=True)

    spellings = ["lvjia", "lujia", "lyujia", "LÜJIA", "lv jia"]

    assert [bool(matcher.match("", one, "", "")) for one in spellings] == [True] * 5


def test_a_pinyin_hit_names_the_configured_alias() -> None:
    pytest.importorskip("pypinyin")

    [hit] = watch("澜禾", pinyin=True).match("", "用lanhe煮", "", "")[_B]

    assert (hit.alias, hit.start, hit.end) == ("澜禾", 1, 6)


# --- names in disguise ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("买了澜|禾的壶", ["澜|禾"]),
        ("买了澜*禾的壶", ["澜*禾"]),
        ("澜 禾的客服不理人", ["澜 禾"]),
        ("说的就是澜·禾", ["澜·禾"]),
        ("澜丨禾", ["澜丨禾"]),
        ("澜\u200b禾", ["澜\u200b禾"]),
        ("瀾_禾漏水，澜禾也漏", ["瀾_禾", "澜禾"]),
        ("湖水波澜 禾苗青青", []),
        ("起了波澜|禾苗倒了", []),
        ("澜，禾", []),
        ("澜。禾", []),
        ("澜\n禾", []),
        ("澜    禾", []),
    ],
)
def test_separators_inside_a_name_are_looked_through(text: str, named: list[str]) -> None:
    assert found(watch("澜禾"), text) == named


def test_longer_names_may_be_parted_anywhere() -> None:
    assert found(watch("静音豆豆"), "静音*豆豆漏水") == ["静音*豆豆"]
    assert found(watch("静音豆豆"), "静-音-豆-豆漏水") == ["静-音-豆-豆"]


def test_names_with_latin_letters_are_left_as_they_are() -> None:
    assert found(watch("养生壶K2"), "养生壶 | K2") == []
