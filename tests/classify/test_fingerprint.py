from __future__ import annotations

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


def test_a_sketch_survives_storage() -> None:
    before = sketch(TEXT)
    after = Sketch.from_bytes(before.to_bytes())

    assert before.shingles == after.shingles
    assert np.array_equal(before.hashes, after.hashes)
    assert np.array_equal(before.numbers, after.numbers)


def test_a_sketch_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 9"):
        Sketch.from_bytes(b"\x09" + sketch(TEXT).to_bytes()[1:])


@given(st.text())
def test_any_text_has_a_key_a_fingerprint_and_a_sketch(text: str) -> None:
    assert -(1 << 63) <= fingerprint(text) < 1 << 63
    assert sketch(text).shingles >= 1
    assert normalise_key(normalise_key(text)) is not None
