"""A broken page is noticed within three polls; a source that is merely quiet never alarms.

The layouts and what is done to them stand in bench.health_pages; `python -m bench health` prints
all of it at two rhythms, here each way is tried at one.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.bench_health import EVERY, NOW, POLLS, body_of, poll, source_of, warmed
from bench.health_pages import BENIGN, LAYOUTS, Layout, broken_ways
from storage.records import FetchCause, SourceHealth

RHYTHM = timedelta(hours=5)
BY_NAME = {layout.name: layout for layout in LAYOUTS}


def test_there_are_enough_ways() -> None:
    assert len(LAYOUTS) >= 6
    assert sum(len(broken_ways(layout)) for layout in LAYOUTS) >= 190


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_broken_pages_are_noticed_within_three_polls(layout: Layout) -> None:
    source = source_of(layout)
    before = warmed(layout, source, RHYTHM)
    missed = []
    for name, mutate in broken_ways(layout).items():
        state = before
        for n in range(POLLS):
            now = NOW + n * EVERY
            state = poll(source, state, now, body_of(layout, now, now, RHYTHM, mutate))
            if state.health is not SourceHealth.OK:
                break
        else:
            if body_of(layout, NOW, NOW, RHYTHM, mutate) != body_of(layout, NOW, NOW, RHYTHM, None):
                missed.append(name)

    assert missed == []


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_quiet_and_odd_pages_never_alarm(layout: Layout) -> None:
    source = source_of(layout)
    before = warmed(layout, source, RHYTHM)
    alarms = []
    for name, mutate in BENIGN.items():
        state = before
        for n in range(4):
            now = NOW + n * EVERY
            state = poll(source, state, now, body_of(layout, now, now, RHYTHM, mutate))
            if state.health is not SourceHealth.OK or state.failures:
                alarms.append((name, state.cause_text))

    assert alarms == []


def test_ten_days_without_news_never_alarm() -> None:
    layout = BY_NAME["卡片流"]
    source = source_of(layout)
    state = warmed(layout, source, RHYTHM)
    for hours in range(0, 240, 6):
        now = NOW + timedelta(hours=hours)
        state = poll(source, state, now, body_of(layout, NOW, now, RHYTHM, None))

        assert (state.health, state.cause_text) == (SourceHealth.OK, "")


def test_a_list_that_starts_anew_each_midnight_never_alarms() -> None:
    layout = BY_NAME["投诉列表"]
    source = source_of(layout)
    every = timedelta(minutes=20)
    state = warmed(layout, source, every)
    for minutes in range(0, 24 * 60, 30):
        now = NOW + timedelta(minutes=minutes)
        midnight = now.replace(hour=0, minute=0)
        today = max(1, min(20, (now - midnight) // every))
        mutate = BENIGN["原样"] if now.date() == NOW.date() else _first(today)
        state = poll(source, state, now, body_of(layout, now, now, every, mutate))

        assert state.health is SourceHealth.OK, state.cause_text


def _first(count: int):
    from bench.health_pages import edit_rows

    return lambda page, layout, *_: edit_rows(page, layout, lambda rows: rows[:count])


def test_a_dying_first_selector_is_a_hint_and_no_alarm() -> None:
    layout = BY_NAME["卡片流"]
    source = source_of(layout)
    state = warmed(layout, source, RHYTHM)
    for n in range(3):
        now = NOW + n * EVERY
        body = body_of(layout, now, now, RHYTHM, lambda page, *_: page.replace("h3>", "h2>"))
        state = poll(source, state, now, body)

    assert (state.health, state.cause) == (SourceHealth.OK, FetchCause.NONE)
    assert state.cause_text == "字段 title 的首选选择器已失效，正靠后备选择器读取"
