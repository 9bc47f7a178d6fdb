"""Growth in plain words."""

from __future__ import annotations

import math

import pytest

from alerts.growth import doubling_words, growth_words, times_words
from storage.records import ClusterId, Growth


def grown(**figures):
    return Growth(cluster_id=ClusterId("lanhe-1"), **figures)


def test_growth_is_one_line():
    growth = grown(
        authors_24h=37, authors_before_24h=9, doubling_h=6.2, mentions=312, texts=184, copies=128
    )

    assert growth_words(growth) == (
        "过去 24 小时 37 人（前一日 9 人），约 6 小时翻一倍；312 条里 41 % 是转发"
    )


@pytest.mark.parametrize(
    ("growth", "line"),
    [
        (None, ""),
        (grown(mentions=40, texts=40, authors=30), ""),
        (grown(mentions=3, texts=3, authors_24h=2), "过去 24 小时 2 人（前一日 0 人）"),
        (
            grown(mentions=1400, texts=1399, copies=1, authors_before_24h=1200),
            "过去 24 小时 0 人（前一日 1,200 人）",
        ),
    ],
)
def test_what_is_not_known_is_left_out(growth, line):
    assert growth_words(growth) == line


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (None, ""),
        (0.5, "不到 1 小时翻一倍"),
        (47.4, "约 47 小时翻一倍"),
        (60.0, "约 2 天翻一倍"),
    ],
)
def test_doubling_in_hours_then_days(hours, said):
    assert doubling_words(grown(authors_24h=9, authors_before_24h=9, doubling_h=hours)) == said


def test_what_fades_is_not_said_to_double():
    assert doubling_words(grown(authors_24h=3, authors_before_24h=22, doubling_h=28.0)) == ""


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.53, "1.5 倍"),
        (42.4, "42 倍"),
        (1694.0, "100 倍以上"),
        (math.inf, "100 倍以上"),
    ],
)
def test_times_the_usual_are_capped(ratio, said):
    assert times_words(ratio) == said
