from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from classify.duplicates import SketchIndex, find_in_pair, is_copy
from classify.fingerprint import fingerprint, sketch

LONG = (
    "我在门店买的云雀净水器用了不到两个月，滤芯接口开始漏水，半夜把厨房地板泡了，"
    "打客服电话说三天内上门，结果等了一个星期没有人来，再打就让我自己拆下来寄回去，"
    "维修费还要我出，说明书上明明写着整机保修一年。"
)


def test_a_text_cut_short_is_a_copy() -> None:
    assert find_in_pair(LONG, LONG[:60] + "…全文")


def test_a_text_with_a_comment_before_it_is_a_copy() -> None:
    assert find_in_pair(LONG, "看到这个我也来气，" + LONG)


def test_a_text_with_single_characters_mistyped_is_a_copy() -> None:
    chance = random.Random(3)
    mistyped = "".join("的" if chance.random() < 0.04 else c for c in LONG)

    assert find_in_pair(LONG, mistyped)


def test_another_order_number_in_the_same_template_is_no_copy() -> None:
    first = "订单号20260310001的云雀净水器漏水，要求退一赔三，请平台介入处理"
    second = "订单号20260418777的云雀净水器漏水，要求退一赔三，请平台介入处理"

    assert not find_in_pair(first, second)


def test_a_template_about_another_firm_is_no_copy() -> None:
    first = "星河物业：股东计划减持不超过百分之二"

    assert not find_in_pair(first, "蓝桥机电：股东计划减持不超过百分之二")
    assert not find_in_pair(first, "东海机电：两股东计划减持不超过百分之二")


def test_a_short_text_with_one_character_mistyped_is_a_copy() -> None:
    assert find_in_pair("这台净水器用了三天就漏水真气人", "这台净水器用了三田就漏水真气人")


def test_a_copy_cut_within_a_number_is_a_copy() -> None:
    first = "澜禾净水器的滤芯一套卖398元，装上第3天就漏水，客服要我先付128元上门费才肯来看"

    assert find_in_pair(first, first[: first.index("8元上门")] + "……展开")


def test_a_complaint_reposted_on_another_platform_is_a_copy() -> None:
    title, text = "澜禾净水器漏水泡坏地板", "装上不到两个月，半夜滤芯接口漏水，厨房地板全泡坏了。"
    complaint = f"{title}\n{text}"

    assert find_in_pair(complaint, f"#澜禾漏水# 【{title}】{text} t.example.cn/Ab3 来自 早报客户端")
    assert find_in_pair(complaint, f"太过分了//@小鹿:{title}，{text}")


def test_the_same_complaint_in_other_words_is_no_copy() -> None:
    assert not find_in_pair(LONG, "云雀的净水器质量太差，接口渗水，售后一直拖着不来修")


def test_hashtags_in_common_do_not_make_a_copy() -> None:
    first = "#净水器漏水事件# 我家这台倒是一直没出过问题，用了三年"
    second = "#净水器漏水事件# 建议大家都去查一下自己的批次号码"

    assert not find_in_pair(first, second)


def test_the_oldest_text_leaves_a_full_index() -> None:
    index = SketchIndex(capacity=2)
    texts = [
        "第一条讲漏水的投诉内容在这里",
        "第二条讲发热的帖子写了很多",
        "第三条关于退款的长长的抱怨",
    ]

    left = [index.add(n, fingerprint(t), sketch(t)) for n, t in enumerate(texts)]

    assert left == [[], [], [0]]
    assert index.find(fingerprint(texts[0]), sketch(texts[0])) is None
    assert index.find(fingerprint(texts[2]), sketch(texts[2])) == 2


def test_texts_from_before_a_moment_leave() -> None:
    index = SketchIndex()
    index.add(1, fingerprint(LONG), sketch(LONG), clock=10.0)

    assert index.drop_before(10.0) == []
    assert index.drop_before(10.5) == [1]
    assert index.find(fingerprint(LONG), sketch(LONG)) is None


def test_an_owner_that_is_not_wanted_is_passed_over() -> None:
    index = SketchIndex()
    index.add(1, fingerprint(LONG), sketch(LONG))

    assert index.find(fingerprint(LONG), sketch(LONG), lambda owner: owner != 1) is None


def test_a_revised_text_is_forgotten_by_its_owner() -> None:
    index = SketchIndex()
    index.add(7, fingerprint(LONG), sketch(LONG))

    assert index.discard(7) == [7]
    assert index.find(fingerprint(LONG), sketch(LONG)) is None


@given(st.text(min_size=1), st.text(min_size=1))
@settings(max_examples=60, deadline=None)
def test_being_a_copy_goes_both_ways(left: str, right: str) -> None:
    assert is_copy(sketch(left), sketch(right)) == is_copy(sketch(right), sketch(left))
    assert find_in_pair(left, left)


def test_who_writes_a_phrase_first_swallows_no_complaint_that_begins_with_it() -> None:
    for phrase, told in (
        ("云雀净水器", "云雀净水器着火了"),
        ("云雀净水器质量问题", "云雀净水器质量问题导致孩子铅中毒住院"),
        ("投诉云雀公司", "投诉云雀公司拖欠工资三个月不发"),
    ):
        assert not find_in_pair(phrase, told)
        assert find_in_pair(told, told + "！")


def test_a_text_cut_short_is_a_copy_of_the_whole() -> None:
    assert find_in_pair("云雀净水器质量问题导致孩子铅中毒住院", "云雀净水器质量问题导致孩子铅中毒")
