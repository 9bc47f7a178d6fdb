from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.fingerprint import Sketch, fingerprint, normalise_key, sketch

TEXT = "昨晚云雀净水器的第3批次滤芯漏水，把厨房地板全泡坏了，客服让我等通知。"


@pytest.mark.parametrize(
    "copy",
    [
        "昨晚云雀净水器的第３批次滤芯漏水 把厨房地板全泡坏了 客服让我等通知",
        "昨晚雲雀淨水器的第3批次濾芯漏水，把廚房地板全泡壞了，客服讓我等通知。",
        f"求扩散！//@小鹿: 这也太过分了吧//@路人甲:{TEXT}",
        f"{TEXT} http://t.example/a1B2c3 @云雀客服 展开全文c",
        f"{TEXT}[怒][怒]（分享自 @早报）",
        f"#净水器漏水# {TEXT}",
        TEXT.replace("净水器", "净\u200b水器"),
        f"{TEXT} t.example.cn/a1B2c3",
        f"{TEXT} 复制本条信息，打开【小红薯】App查看精彩内容！",
        f"7.43 复制打开快音，看看【小鹿的作品】{TEXT} https://v.example.com/a1B2/ f@u.fb 02/14",
        f"小鹿发布了一篇小红薯笔记，快来看吧！{TEXT} http://xhs.example/o/3kQ",
        f"{TEXT}（来自 早报客户端）",
        f"{TEXT} 发自我的iPhone",
    ],
)
def test_what_passing_on_changes_leaves_the_key_alone(copy: str) -> None:
    assert normalise_key(TEXT) == normalise_key(copy)


def test_the_last_segment_long_enough_is_the_original() -> None:
    forwarded = f"太可怕了，大家小心//@甲:{TEXT}//@乙:转"

    assert normalise_key(TEXT) == normalise_key(forwarded)


def test_a_text_of_marks_only_keeps_its_plain_spelling_as_key() -> None:
    assert normalise_key("？！。") == "?!。"
    assert normalise_key("哦？") != normalise_key("呃？")


def test_fingerprints_are_the_same_in_every_version() -> None:
    assert fingerprint(TEXT) == -8766859399017044879


@pytest.mark.parametrize("head", ["as stored today", "as stored before"])
def test_a_sketch_survives_storage(head: str) -> None:
    before = sketch(TEXT)
    if head == "as stored before":
        before = replace(before, head=None)
    after = Sketch.from_bytes(before.to_bytes())

    assert before.shingles == after.shingles
    assert before.head == after.head
    assert np.array_equal(before.hashes, after.hashes)
    assert np.array_equal(before.numbers, after.numbers)


def test_a_number_broken_off_by_a_cut_is_no_number() -> None:
    cut = "客服说维修费一共要1280元，配件还要等45……展开"

    assert len(sketch(cut).numbers) == 1
    assert len(sketch(cut.replace("……展开", "天")).numbers) == 2


def test_a_long_run_of_letters_and_digits_costs_no_more_than_its_length() -> None:
    run = "9f3ab2c1" * 50_000  # a picture in base64; squared this would be minutes

    assert len(sketch(run).numbers) == 1
    assert len(sketch(run + "……").numbers) == 0
    assert len(sketch(run + "." * 1000 + "天").numbers) == 1


def test_a_site_without_a_path_is_part_of_the_text() -> None:
    assert "12306cn" in normalise_key("在 12306.cn 上买的票退不了款，客服说要等三天")


def test_a_sketch_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 9"):
        Sketch.from_bytes(b"\x09" + sketch(TEXT).to_bytes()[1:])


@given(st.text())
def test_any_text_has_a_key_a_fingerprint_and_a_sketch(text: str) -> None:
    assert -(1 << 63) <= fingerprint(text) < 1 << 63
    assert sketch(text).shingles >= 1
    assert normalise_key(normalise_key(text)) is not None
