from __future__ import annotations

import logging

import jieba
from hypothesis import given
from hypothesis import strategies as st

from classify.segment import GOLDEN_TEXT, fingerprint_of, segment, tokeniser_fingerprint


def test_jieba_cuts_the_golden_text_alike() -> None:
    jieba.setLogLevel(logging.CRITICAL)

    assert tokeniser_fingerprint() == fingerprint_of(list(jieba.cut(GOLDEN_TEXT)))


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=100))
def test_words_joined_give_the_text_back(text: str) -> None:
    assert "".join(segment(text)) == text


def test_a_lone_surrogate_is_cut_as_a_question_mark() -> None:
    assert "".join(segment("坏\ud800了")) == "坏?了"
