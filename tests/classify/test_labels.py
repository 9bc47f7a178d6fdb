from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from classify.labels import Member, choose_face, gist_of, name_cluster, shorten
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


def test_a_long_beginning_is_cut_at_a_mark() -> None:
    gist = "净水器用了两个月就开始漏水，客服说要等配件，等了三个星期还没有消息"

    assert shorten(gist) == "净水器用了两个月就开始漏水，客服说要等配件"


def test_a_label_neither_begins_nor_ends_with_a_function_word() -> None:
    texts = [("", "为什么不退押金的，气人"), ("", "请问为什么不退押金的？")]
    label, _ = name_cluster(texts, 0, segment, flat)

    assert not label.startswith("为什么")
    assert not label.endswith("的")


def test_the_face_is_like_the_others_and_easy_to_read() -> None:
    members = [member(4), member(60), member(900)]

    assert choose_face(members, [0.5, 0.5, 0.5]) == 1
    assert choose_face(members, [0.9, 0.2, 0.2]) == 0


def test_the_oldest_of_equals_is_the_face() -> None:
    assert choose_face([member(), member()], [0.5, 0.5]) == 0


def test_a_gist_is_one_line() -> None:
    assert gist_of("", "  第一行\n 第二行。") == "第一行 第二行"


@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_any_texts_can_be_named(gists: list[str]) -> None:
    label, keywords = name_cluster([("", one) for one in gists], 0, segment, flat)

    assert len(label) <= 24
    assert len(keywords) <= 3
