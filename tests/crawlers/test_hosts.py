from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crawlers.hosts import (
    MAX_CRAWL_DELAY_S,
    HostAnswer,
    Hosts,
    after_answer,
    is_unreachable,
    is_worth_writing,
    may_ask,
    pace_s,
)
from storage.records import FetchCause, HostState
from tests.crawlers.conftest import NOW

HOST = HostState(host="bbs.lanhe.example")


def answered(status=200, *, at=NOW, **given):
    return HostAnswer(host=HOST.host, at=at, status=status, latency_ms=100, **given)


def silent(cause=FetchCause.NETWORK, *, at=NOW):
    return HostAnswer(host=HOST.host, at=at, cause=cause)


def minutes_left(state, at=NOW):
    return (state.not_before - at) / timedelta(minutes=1)


def test_an_unknown_host_may_be_asked():
    assert may_ask(HOST, NOW)
    assert Hosts().may_ask(HOST.host, NOW)


@pytest.mark.parametrize("cause", [FetchCause.NETWORK, FetchCause.SERVER])
def test_a_host_without_an_answer_is_left_alone_for_ten_minutes_then_longer(cause):
    waits, state = [], HOST
    for _ in range(6):
        state = after_answer(state, silent(cause))
        waits.append(minutes_left(state))

    for wait, least in zip(waits, (10, 20, 40, 60, 60, 60), strict=True):
        assert least <= wait <= min(60, least * 1.1)
    assert state.failures == 6
    assert not may_ask(state, NOW + timedelta(minutes=59))
    assert may_ask(state, NOW + timedelta(minutes=60))


def test_one_page_that_never_ends_does_not_close_its_host_but_two_in_a_row_do():
    once = after_answer(HOST, silent(FetchCause.SLOW))
    twice = after_answer(once, silent(FetchCause.SLOW))
    recovered = after_answer(once, answered())

    assert may_ask(once, NOW)
    assert 10 <= minutes_left(twice) <= 11
    assert after_answer(recovered, silent(FetchCause.SLOW)).not_before is None


def test_a_source_that_cannot_wait_bounds_the_peace_of_its_host():
    state = after_answer(HOST, silent(), longest=timedelta(minutes=2))

    assert minutes_left(state) == 2


@pytest.mark.parametrize(
    ("status", "seconds", "least", "most"),
    [
        (429, 120, 120, 132),
        (503, 3600, 3600, 3960),
        (429, 10**7, 86400, 86400),  # a day at most
        (429, None, 60, 66),
    ],
)
def test_what_retry_after_says_is_obeyed_a_little_late(status, seconds, least, most):
    state = after_answer(HOST, answered(status, retry_after_s=seconds))

    wait = (state.not_before - NOW).total_seconds()
    assert least <= wait <= most
    assert (state.reason, state.failures) == (f"HTTP {status}", 0)


@pytest.mark.parametrize("status", [200, 304, 403, 404, 500, 503])
def test_any_other_answer_opens_the_host(status):
    shut = after_answer(after_answer(HOST, silent()), silent())

    state = after_answer(shut, answered(status))

    assert (state.not_before, state.failures, state.reason) == (None, 0, "")
    assert state.last_status == status


def test_what_we_refuse_ourselves_says_nothing_about_the_host():
    shut = after_answer(HOST, silent())

    for cause in (FetchCause.REFUSED, FetchCause.ROBOTS, FetchCause.TOO_LARGE):
        assert not is_unreachable(silent(cause))
        assert after_answer(shut, silent(cause)) == shut


def test_latency_is_an_average_that_follows():
    state = after_answer(HOST, answered())
    assert state.latency_ms == 100

    for _ in range(12):
        state = after_answer(state, replace(answered(), latency_ms=1000))

    assert 900 < state.latency_ms < 1000


def test_a_host_is_asked_no_faster_than_it_answers_and_than_its_robots_txt_asks_for():
    assert pace_s(HOST) == 0
    assert pace_s(replace(HOST, latency_ms=4000)) == 4
    assert pace_s(replace(HOST, latency_ms=4000), concurrency=4) == 1
    assert pace_s(replace(HOST, latency_ms=300_000)) == 30
    assert pace_s(replace(HOST, latency_ms=4000, crawl_delay_s=9)) == 9


def test_a_crawl_delay_of_hours_is_capped():
    state = after_answer(HOST, answered(crawl_delay_s=7200))

    assert state.crawl_delay_s == MAX_CRAWL_DELAY_S


def test_latency_alone_is_written_every_ten_minutes_only():
    state = after_answer(HOST, answered())
    soon = after_answer(state, replace(answered(at=NOW + timedelta(minutes=1)), latency_ms=900))
    late = after_answer(state, answered(at=NOW + timedelta(minutes=11)))

    assert is_worth_writing(HOST, state)
    assert not is_worth_writing(state, soon)
    assert is_worth_writing(state, late)
    assert is_worth_writing(state, after_answer(state, silent()))


def test_the_book_of_hosts_knows_what_was_stored_and_what_came_since():
    hosts = Hosts()
    hosts.load([after_answer(HOST, silent())])
    assert not hosts.may_ask(HOST.host, NOW)

    hosts.open(HOST.host)
    assert hosts.may_ask(HOST.host, NOW)

    written = hosts.note(answered())
    assert written == hosts.get(HOST.host)
    assert hosts.note(answered(at=NOW + timedelta(seconds=5))) is None
