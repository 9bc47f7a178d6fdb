from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.text import normalise, rewrite, rewrite_with_offsets

any_text = st.text(st.characters(), max_size=200)  # lone surrogates included


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("這間餐廳嘅服務真係好差", "这间餐厅嘅服务真系好差"),
        ("ＡＢＣ１２３！", "abc123!"),
        ("气死了😡👎", "气死了[怒][鄙视]"),
        ("太好用了啊啊啊啊啊啊啊", "太好用了啊啊啊"),
        ("见 https://t.example/x?a=1 详情", "见 详情"),
        ("@小满 你看", "@ 你看"),
        ("退\u200b款\u202e不\u200f给", "退款不给"),
        ("第一行\r\n第二行", "第一行 \n第二行"),
        ("\ud800坏了", "坏了"),
        ("", ""),
    ],
)
def test_normalise_gives_one_plain_spelling(raw: str, plain: str) -> None:
    assert normalise(raw) == plain


@given(any_text)
def test_normalise_answers_for_any_text_and_is_stable(raw: str) -> None:
    once = rewrite(raw)

    once.encode("utf-8")
    assert rewrite(once) == once
    assert len(normalise(raw)) <= len(once)


@given(any_text)
def test_offsets_lead_back_into_the_original(raw: str) -> None:
    rewritten, offsets = rewrite_with_offsets(raw)

    assert rewritten == rewrite(raw)
    if offsets is None:
        assert len(rewritten) == len(raw)
    else:
        assert len(offsets) == len(rewritten)
        assert offsets == sorted(offsets)
        assert all(0 <= offset < len(raw) for offset in offsets)


@pytest.mark.parametrize("unit", ["a", "\u0301", "ﷺ", "😡", "很差", "\u202e", "@", "ha"])
def test_a_megabyte_takes_linear_time(unit: str) -> None:
    started = time.process_time()
    normalise(unit * (1_000_000 // len(unit)))

    assert time.process_time() - started < 3
