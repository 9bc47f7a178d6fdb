from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from classify.labels import Member, choose_face, name_cluster, name_single
from classify.segment import segment


def member(length: int = 60, *, has_title: bool = True) -> Member:
    return Member(length, has_title=has_title, is_complaint=True)


def flat(words: Sequence[str]) -> list[float]:
    return [1.0] * len(words)


def test_the_label_is_the_phrase_that_the_texts_share() -> None:
    texts = [
        ("", "云雀充电器接口发热，差点烫伤手"),
        ("", "我这个充电器接口发热到不敢碰"),
        ("", "充电器接口发热烧焦了，客服不管"),
    ]
    label, keywords = name_cluster(texts, 0, segment, flat)

    assert label == "充电器接口发热"
    assert "充电器" in keywords


def test_a_cluster_of_one_is_named_by_its_beginning() -> None:
    label, _ = name_cluster([("", "净水器用了两个月就开始漏水")], 0, segment, flat)

    assert label == "净水器用了两个月就开始漏水"


def test_particles_between_the_words_of_a_phrase_fall_out() -> None:
    texts = [
        ("", "澜禾充电器的接口又发热，差点烫伤手"),
        ("", "我这个充电器接口发热到不敢碰"),
        ("", "充电器接口真的发热烧焦了，客服不管"),
    ]
    label, _ = name_cluster(texts, 0, segment, flat)

    assert label == "充电器接口发热"


def test_a_title_is_named_without_the_form_of_a_complaint_and_cut_at_a_mark() -> None:
    title = "投诉：澜禾净水器漏水泡坏地板，客服推脱不处理"
    label, _ = name_cluster([(title, "尊敬的领导您好，我家的净水器坏了")], 0, segment, flat)

    assert label == "澜禾净水器漏水泡坏地板"


def test_a_long_clause_is_cut_between_words() -> None:
    text = "澜禾净水器装上不到两个月滤芯接口就漏水把新装修的厨房地板全部泡坏了"
    label, _ = name_cluster([(text, "")], 0, segment, flat)

    assert len(label) <= 24
    assert text.startswith(label)
    assert segment(text)[: len(segment(label))] == segment(label)


def test_a_brand_that_says_nothing_is_no_part_of_the_phrase() -> None:
    texts = [("澜禾接口发热烧焦", ""), ("澜禾接口发热烧焦三次", ""), ("又是澜禾接口发热烧焦", "")]

    def rare(words: Sequence[str]) -> list[float]:
        return [0.1 if word == "澜禾" else 4.0 for word in words]

    assert segment("澜禾接口发热烧焦")[0] == "澜禾"
    assert name_cluster(texts, 0, segment, rare)[0] == "接口发热烧焦"


def test_a_short_phrase_is_shown_in_the_shortest_title_around_it() -> None:
    texts = [
        ("山月车贷立案半年没有进展", "经侦一直没有消息"),
        ("请关注山月车贷", "钱都拿不回来了"),
        ("山月车贷老板跑路", "几千人等着"),
    ]

    assert name_cluster(texts, 0, segment, flat)[0] in {"请关注山月车贷", "山月车贷老板跑路"}


def test_a_label_stays_until_another_is_clearly_better() -> None:
    told = [("", f"充电器接口发热{more}") for more in ("烧焦", "烧焦冒烟", "", "烫手")]
    first, _ = name_cluster(told[:3], 0, segment, flat)

    assert name_cluster(told, 0, segment, flat, first)[0] == first
    assert name_cluster(told, 0, segment, flat, "快递送错了地方")[0] == "充电器接口发热"


def test_a_stub_of_a_title_is_no_name() -> None:
    label, _ = name_cluster([("好消息", "净水器召回换新开始登记了，快去")], 0, segment, flat)

    assert label == "净水器召回换新开始登记"


def test_keywords_add_to_the_label() -> None:
    texts = [("充电器接口发热烧焦", "客服让寄回检测"), ("充电器接口发热烧焦", "客服要我自己检测")]
    label, keywords = name_cluster(texts, 0, segment, flat)

    assert label == "充电器接口发热烧焦"
    assert set(keywords[:2]) == {"客服", "检测"}


def test_a_label_neither_begins_nor_ends_with_a_function_word() -> None:
    texts = [("", "为什么不退押金的，气人"), ("", "请问为什么不退押金的？")]
    label, _ = name_cluster(texts, 0, segment, flat)

    assert label == "不退押金"


def test_the_face_is_like_the_others_and_easy_to_read() -> None:
    members = [member(4), member(60), member(900)]

    assert choose_face(members, [0.5, 0.5, 0.5]) == 1
    assert choose_face(members, [0.9, 0.2, 0.2]) == 0


def test_the_oldest_of_equals_is_the_face() -> None:
    assert choose_face([member(), member()], [0.5, 0.5]) == 0


@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_any_texts_can_be_named(gists: list[str]) -> None:
    texts = [(one[:30], one) for one in gists]
    label, keywords = name_cluster(texts, 0, segment, flat, gists[-1][:24])

    assert len(label) <= 24
    assert len(keywords) <= 3


def test_where_no_run_is_shared_the_clause_that_tells_what_many_do_is_the_label() -> None:
    texts = [
        ("澜禾 A5 存在安全隐患", "炸篮突然大片起皮脱落，吃到嘴里才发现有硬片"),
        ("紧急求助：炸篮涂层脱落", "烤小酥肉的时候内壁一擦就掉黑皮"),
        ("客服给的答复大家看看", "我家炸篮底部的涂层掉黑渣，问我是不是操作不当"),
        ("", "半小时前炸薯条，炸篮剥落得像蛇蜕皮，涂层全没了"),
        ("", "给老公买的，才三天，炸篮那层涂层沾得到处都是"),
    ]

    label, _ = name_cluster(texts, 0, segment, flat, "澜禾 A5 存在安全隐患")
    again, _ = name_cluster(texts, 0, segment, flat, label)

    assert label == again == "炸篮涂层脱落"


def test_stars_and_pictures_are_no_part_of_a_label() -> None:
    label, _ = name_cluster([("★☆☆☆☆ 安全问题🔥炸篮起皮掉涂层", "")], 0, segment, flat)

    assert name_single("★☆☆☆☆ 炸篮起皮掉涂层🔥", "", segment) == "炸篮起皮掉涂层"
    assert label == "炸篮起皮掉涂层"


def test_a_short_clause_keeps_the_particle_that_says_what_happened() -> None:
    assert name_single("赠品没了", "", segment) == "赠品没了"
