from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import SourceConfig
from crawlers.causes import Failure, failure_of_status, retry_after_s, wall_of
from crawlers.frontier import Cursor, PollResult
from crawlers.health import MAX_SEEN, after_details, next_state
from crawlers.schedule import is_due, next_poll_at
from storage.records import FetchCause, FetchEvent, SourceHealth, SourceId, SourceState
from tests.crawlers.conftest import NOW

SOURCE = SourceConfig.model_validate(
    {
        "id": "one",
        "name": "一",
        "kind": "feed",
        "start": "https://a.cn/feed",
        "schedule": {"every": "20m", "min": "1m", "max": "6h"},
    }
)
NEW = SourceState(source_id=SourceId("one"))
GOOD = None
DOWN = Failure(cause=FetchCause.SERVER, text="网站服务器出错（500）")
WALL = Failure(cause=FetchCause.CAPTCHA, text="要求人机验证", final=True)
OFFLINE = Failure(cause=FetchCause.NETWORK, text="域名解析失败")


def poll(failure=GOOD, **given):
    event = FetchEvent(source_id=SourceId("one"), at=NOW, url="https://a.cn/feed", outcome="ok")
    return PollResult(state=NEW, event=event, failure=failure, **given)


def after(*failures, state=NEW, source=SOURCE):
    for failure in failures:
        state = next_state(state, poll(failure), source, NOW)
    return state


@pytest.mark.parametrize(
    ("failures", "health", "cause"),
    [
        ([GOOD], "ok", ""),
        ([DOWN], "degraded", "server error"),
        ([GOOD, DOWN], "ok", "server error"),
        ([GOOD, DOWN, DOWN], "degraded", "server error"),
        ([GOOD, DOWN, GOOD], "ok", ""),
        ([GOOD] + [DOWN] * 4, "degraded", "server error"),
        ([GOOD] + [DOWN] * 5, "quarantined", "server error"),
        ([GOOD] + [DOWN] * 50, "quarantined", "server error"),
        ([GOOD, WALL], "quarantined", "captcha"),
        ([WALL], "quarantined", "captcha"),
        ([WALL, GOOD], "degraded", ""),
        ([WALL, GOOD, GOOD], "ok", ""),
        ([WALL, DOWN], "quarantined", "server error"),
        ([WALL, GOOD, WALL], "quarantined", "captcha"),
        ([GOOD] + [OFFLINE] * 50, "degraded", "network here"),
        ([OFFLINE, GOOD], "ok", ""),
    ],
)
def test_polls_lead_to_this_health(failures, health, cause):
    state = after(*failures)

    assert (state.health, state.cause) == (health, cause)


def test_unmet_expectations_count_as_a_changed_layout():
    state = next_state(after(GOOD), poll(unmet=("只找到 1 条，预期至少 5 条",)), SOURCE, NOW)

    assert (state.cause, state.cause_text) == (FetchCause.LAYOUT, "只找到 1 条，预期至少 5 条")
    assert state.failures == 1


@given(st.lists(st.sampled_from([GOOD, DOWN, WALL, OFFLINE]), max_size=12))
def test_two_good_polls_bring_back_any_source(failures):
    assert after(*failures, GOOD, GOOD).health is SourceHealth.OK


@given(st.lists(st.sampled_from([GOOD, DOWN, WALL, OFFLINE]), min_size=1, max_size=60))
def test_a_source_is_always_polled_again_within_its_longest_interval(failures):
    state = after(*failures)

    assert timedelta(minutes=1) <= state.next_poll_at - NOW <= timedelta(hours=6)


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [
        ([GOOD], 20),
        ([DOWN], 5),
        ([DOWN] * 2, 20),
        ([DOWN] * 3, 40),
        ([DOWN] * 4, 80),
        ([GOOD] + [DOWN] * 5, 360),
        ([WALL], 360),
        ([OFFLINE] * 5, 20),
    ],
)
def test_wait_grows_with_failures(failures, minutes):
    wait = (after(*failures).next_poll_at - NOW) / timedelta(minutes=1)

    assert min(0.9 * minutes, 360) <= wait <= min(1.1 * minutes, 360)


def test_retry_after_is_longer_than_any_limit_of_ours():
    asked = Failure(cause=FetchCause.BLOCKED, text="429", retry_after_s=40_000)

    assert after(asked).next_poll_at == NOW + timedelta(seconds=40_000)


def test_sources_alike_do_not_come_at_the_same_moment():
    waits = {
        next_poll_at(replace(after(GOOD), source_id=SourceId(f"s{n}")), SOURCE, NOW)
        for n in range(20)
    }

    assert len(waits) == 20


def test_cursor_moves_with_a_good_poll_only():
    cursor = Cursor(validators={"u": ['"1"', "x", "b"]}, keys=("k1", "k2"), newest_at=NOW)
    good = next_state(NEW, poll(cursor=cursor), SOURCE, NOW)
    bad = next_state(good, poll(DOWN), SOURCE, NOW)

    assert good.cursors == {"u": ['"1"', "x", "b"]}
    assert (good.seen, good.last_item_at) == (("k1", "k2"), NOW)
    assert (bad.cursors, bad.seen, bad.last_ok_at) == (good.cursors, good.seen, NOW)


def test_seen_items_are_the_newest_and_not_too_many():
    state = replace(NEW, seen=tuple(f"old{n}" for n in range(MAX_SEEN)))

    state = next_state(state, poll(cursor=Cursor(keys=("new", "old7"))), SOURCE, NOW)

    assert state.seen[:3] == ("new", "old7", "old0")
    assert len(state.seen) == MAX_SEEN
    assert state.seen.count("old7") == 1


def test_a_search_for_many_words_forgets_none_of_them():
    words = [tuple(f"{word}-{n}" for n in range(30)) for word in range(20)]
    everything = tuple(key for keys in words for key in keys)
    state = next_state(NEW, poll(cursor=Cursor(keys=everything)), SOURCE, NOW)

    state = next_state(state, poll(cursor=Cursor(keys=("new", *words[3][:29]))), SOURCE, NOW)

    assert set(words[3]) <= set(state.seen)
    assert set(words[19][:29]) <= set(state.seen)  # not listed this time: its page was unchanged
    assert len(state.seen) <= 2 * len(everything)


def test_silence_beyond_the_contract_degrades_a_source_that_answers():
    source = SOURCE.model_copy(
        update={"expect": SOURCE.expect.model_copy(update={"max_silence": timedelta(hours=12)})}
    )
    state = replace(after(GOOD), last_item_at=NOW - timedelta(hours=30))

    state = next_state(state, poll(), source, NOW)

    assert (state.health, state.cause) == (SourceHealth.DEGRADED, FetchCause.EMPTY)
    assert "30 小时没有新内容" in state.cause_text
    assert state.failures == 0


@pytest.mark.parametrize(
    ("offset_s", "enabled", "due"),
    [(0, True, True), (-1, True, True), (1, True, False), (0, False, False)],
)
def test_source_is_due_when_its_time_has_come(offset_s, enabled, due):
    state = replace(NEW, next_poll_at=NOW + timedelta(seconds=offset_s))

    assert is_due(state, SOURCE.model_copy(update={"enabled": enabled}), NOW) is due


def test_details_that_cannot_be_read_degrade_a_good_source():
    state = after_details(after(GOOD), DOWN)

    assert (state.health, state.cause) == (SourceHealth.DEGRADED, FetchCause.SERVER)
    assert after_details(after(GOOD), WALL).health is SourceHealth.QUARANTINED
    assert after_details(after(WALL), DOWN).health is SourceHealth.QUARANTINED


@pytest.mark.parametrize("status", [200, 204, 206, 304])
def test_status_with_content_is_no_failure(status):
    assert failure_of_status(status, "", NOW) is None


@pytest.mark.parametrize("status", [302, 400, 402, 405, 418, 500, 502, 599, 999])
def test_every_other_status_has_a_cause_and_a_sentence(status):
    failure = failure_of_status(status, "", NOW)

    assert failure.cause is not FetchCause.NONE
    assert str(status) in failure.text


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Wed, 18 Nov 2026 02:31:00 GMT", 60),
        ("Wed, 18 Nov 2020 02:31:00 GMT", 0),
        ("999999999", 86400),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after_s(value, NOW) == seconds


def test_long_page_is_never_taken_for_a_wall():
    assert wall_of("请先登录").cause is FetchCause.LOGIN
    assert wall_of("请先登录" + "正文" * 20_000) is None
    assert wall_of("普通的一页") is None
