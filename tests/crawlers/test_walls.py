"""Walls are told from pages that only speak of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.causes import wall_of
from storage.records import FetchCause
from tests.crawlers.wall_pages import REAL, WALLS

FINAL = {FetchCause.LOGIN, FetchCause.CAPTCHA, FetchCause.BLOCKED}


def test_walls_are_named_and_real_pages_left_alone() -> None:
    found = {name: wall_of(page) for name, (_, page) in WALLS.items()}
    missed = [name for name, failure in found.items() if failure is None]
    wrong = [name for name, failure in found.items() if failure and failure.cause != WALLS[name][0]]
    alarms = [name for name, page in REAL.items() if wall_of(page)]

    assert len(WALLS) + len(REAL) >= 40
    assert alarms == []
    assert wrong == []
    assert len(missed) <= 0.06 * len(WALLS), missed


def test_only_what_asks_us_to_go_away_is_final() -> None:
    for _, page in WALLS.values():
        failure = wall_of(page)
        if failure is not None:
            assert failure.final is (failure.cause in FINAL)


@pytest.mark.parametrize(
    "page",
    ["<script" * 60_000, "<a " * 130_000, "<title" * 60_000, '{"msg":"' * 50_000, "<" * 400_000,
     "请" * 400_000, "登录" * 200_000, '{"msg":"' + "\\a" * 200_000, "访问被" * 130_000,
     "检测到" * 130_000, "页面" * 200_000],
    ids=lambda page: page[:8],
)  # fmt: skip
def test_hostile_pages_are_judged_at_once(page: str) -> None:
    began = time.process_time()
    wall_of(page)

    assert time.process_time() - began < 5


@given(st.text(max_size=2000))
def test_any_text_is_judged(text: str) -> None:
    failure = wall_of(text)

    assert failure is None or failure.text
