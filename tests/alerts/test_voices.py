from datetime import timedelta

import pytest

from alerts.voices import judge_voices
from storage.records import Voices
from tests.make import NOW, make_evidence

LONG_AGO = NOW - timedelta(days=40)


def _judged(days: float = 40, **voices: int) -> str:
    watched = NOW - timedelta(days=days)
    evidence = make_evidence(voices=Voices(**voices), brand_first_at=watched)
    return judge_voices(evidence, NOW).reason


ARMY = {
    "mentions": 200,
    "authors": 200,
    "texts": 3,
    "new_authors": 190,
    "top_text": 80,
    "wave_authors": 80,
    "burst": 40,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "wave"),
        ({"mentions": 11}, "too_few"),
        ({"texts": 90}, "organic"),  # 110 of 200 are copies: under the mark
        ({"wave_authors": 4}, "organic"),  # one account that repeats itself
        ({"new_authors": 60}, "copied"),  # a story that known people pass on
        ({"burst": 6}, "copied"),  # over days, not within minutes
    ],
)
def test_each_mark_decides(change: dict[str, int], reason: str):
    assert _judged(**(ARMY | change)) == reason


def test_nobody_is_new_while_we_have_watched_for_days_only():
    assert _judged(days=5, **ARMY) == "copied"
    evidence = make_evidence(voices=Voices(**ARMY), brand_first_at=NOW - timedelta(days=5))
    assert "首次见到" not in judge_voices(evidence, NOW).text


def test_the_words_hold_the_figures():
    evidence = make_evidence(voices=Voices(**ARMY), brand_first_at=LONG_AGO)

    text = judge_voices(evidence, NOW).text

    assert "200 条，3 种说法，200 个账号（其中 190 个首次见到）" in text
    assert "80 个账号" in text
    assert "十分钟内最多 40 条" in text


def test_nothing_said_is_too_little_to_judge():
    assert judge_voices(make_evidence(), NOW).reason == "too_few"
