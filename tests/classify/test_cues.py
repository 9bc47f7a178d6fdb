from __future__ import annotations

import pytest

from classify.cues import CUES, find_cues


def kinds_of(text: str) -> list[str]:
    return [CUES[cue] for cue in find_cues([text]).cue]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("客服态度恶劣", "negative strong"),
        ("外观好看,但是客服态度恶劣", "negative strong, after but"),
        ("外观好看。客服态度恶劣", "negative strong"),
        ("客服没有态度恶劣", "negative strong, denied"),
        ("#客服态度恶劣#大家怎么看", "negative strong, elsewhere"),
        ("路过看看//@:客服态度恶劣", "negative strong, elsewhere"),
        ("被立案侦查", "law and market"),
        ("我要投诉", "complaint act"),
        ("有没有人知道", "question"),
        ("纯属谣言", "denial"),
    ],
)
def test_a_feeling_is_told_by_how_it_is_stated(text: str, kind: str) -> None:
    assert kind in kinds_of(text)


def test_a_but_reaches_no_further_than_its_sentence() -> None:
    assert "positive strong" in kinds_of("但是贵。做工精细,值得推荐")
    assert "positive strong, after but" in kinds_of("有点贵但是做工精细")


def test_a_longer_phrase_hides_the_shorter_inside_it() -> None:
    assert "negative short" not in kinds_of("这只差价")


def test_odd_texts_have_no_cues() -> None:
    for text in ("", "\ud800", "123", "#", "//@"):
        assert kinds_of(text) == []
