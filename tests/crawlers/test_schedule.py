"""When a source is asked again: adapted to its pace, kind at night, never given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import SourceConfig
from crawlers.causes import Failure
from crawlers.frontier import PollResult
from crawlers.health import next_state
from crawlers.schedule import (
    adapted_interval,
    backfill_due,
    is_due,
    next_poll_at,
    quiet_until,
)
from storage.records import FetchCause, FetchEvent, SourceHealth, SourceId, SourceState
from tests.crawlers.conftest import NOW

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = 60.0


def source(**given: object) -> SourceConfig:
    rules = {"id": "one", "name": "一", "kind": "feed", "start": "https://a.cn/feed"}
    schedule = {"every": "20m", "min": "2m", "max": "6h"} | dict(given.pop("schedule", {}))  # type: ignore[call-overload]
    return SourceConfig.model_validate({**rules, "schedule": schedule, **given})


def state(**given: object) -> SourceState:
    fields = {"health": SourceHealth.OK, "last_ok_at": NOW, "first_polled_at": NOW}
    return SourceState(source_id=SourceId("one"), **(fields | given))  # type: ignore[arg-type]


def poll(
    items: int = 20, fresh: int = 0, failure: Failure | None = None, **given: object
) -> PollResult:
    event = FetchEvent(source_id=SourceId("one"), at=NOW, url="u", outcome="ok")
    return PollResult(
        state=state(),
        event=event,
        items=items,
        fresh=fresh,
        failure=failure,
        **given,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("minutes", "polled", "after"),
    [
        (20, poll(fresh=0), 25),  # nothing new: a quarter longer
        (70, poll(fresh=0), 80),  # up to four times "every"
        (80, poll(fresh=1), 20),  # a calm source speaks: back at once
        (20, poll(fresh=5), 20),  # most are known: nothing is missed at this pace
        (20, poll(fresh=15), 10),  # the page turns over
        (10, poll(fresh=1), 12.5),  # calmer again, not above "every"
        (20, poll(fresh=20, gap=True), 2),  # some may be missed: as fast as may be
        (10, poll(failure=Failure(cause=FetchCause.SERVER, text="500")), 10),
        (10, poll(unmet=("只找到 1 条",)), 10),
        (20, poll(items=0, fresh=0), 25),  # unchanged
    ],
)
def test_the_interval_follows_how_much_is_new(
    minutes: float, polled: PollResult, after: float
) -> None:
    before = state(interval_s=minutes * MINUTE)

    assert adapted_interval(before, polled, source()) == after * MINUTE


def test_what_a_feed_asks_for_is_a_floor_but_never_above_the_configured_interval() -> None:
    gap = poll(fresh=20, gap=True, hint_s=600.0)
    slow = poll(fresh=20, gap=True, hint_s=86400.0)

    assert adapted_interval(state(interval_s=1200), gap, source()) == 600
    assert adapted_interval(state(interval_s=1200), slow, source()) == 1200
    assert (
        adapted_interval(state(interval_s=1200, hint_s=600), poll(fresh=20, gap=True), source())
        == 600
    )


def test_a_fixed_schedule_stays_fixed() -> None:
    fixed = source(schedule={"adaptive": False})

    assert adapted_interval(state(interval_s=60), poll(fresh=20, gap=True), fixed) == 1200


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=30),
    st.sampled_from(["1m", "15m", "6h"]),
)
def test_the_interval_stays_within_its_limits(
    story: list[tuple[int, int, bool]], every: str
) -> None:
    rules = source(schedule={"every": every, "min": "1m", "max": "6h"})
    interval = 0.0
    for items, fresh, gap in story:
        before = state(interval_s=interval)
        interval = adapted_interval(before, poll(items, min(fresh, items), gap=gap), rules)

        assert 60 <= interval <= min(6 * 3600, 4 * rules.schedule.every.total_seconds())


def at(clock: str, day: int = 18) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    return datetime(2026, 11, day, hours, minutes, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        (("23:00", "07:00"), at("23:30"), at("07:00", 19)),
        (("23:00", "07:00"), at("02:00"), at("07:00")),
        (("23:00", "07:00"), at("07:00"), None),
        (("23:00", "07:00"), at("22:59"), None),
        (("12:00", "14:00"), at("13:00"), at("14:00")),
        (("20:00", "24:00"), at("23:59"), at("00:00", 19)),
        (("08:00", "08:00"), at("08:00"), None),
    ],
)
def test_quiet_hours_are_the_sources_own_and_may_run_over_midnight(
    window: tuple[str, str], now: datetime, until: datetime | None
) -> None:
    rules = source(schedule={"quiet_hours": {"from": window[0], "to": window[1]}})

    assert quiet_until(rules, now) == until
    assert is_due(state(next_poll_at=now), rules, now) is (until is None)


def test_a_poll_that_would_fall_into_quiet_hours_waits_for_their_end() -> None:
    rules = source(schedule={"quiet_hours": {"from": "23:00", "to": "07:00"}})

    due = next_poll_at(state(interval_s=1200), rules, at("22:55"))

    assert at("07:00", 19) <= due <= at("07:05", 19)


@pytest.mark.parametrize(
    ("given", "now", "due"),
    [
        ({}, at("03:29", 19), False),
        ({}, at("03:30", 19), True),
        ({"last_backfill_at": at("03:31", 19)}, at("23:59", 19), False),
        ({"last_backfill_at": at("03:31", 19)}, at("03:30", 20), True),
        ({"last_backfill_at": at("03:31", 19)}, at("14:00", 21), True),  # was down for two nights
        ({"failures": 1}, at("03:30", 19), False),
        ({"health": SourceHealth.QUARANTINED}, at("03:30", 19), False),
        ({"first_polled_at": None}, at("03:30", 19), False),
    ],
)
def test_a_walk_back_is_due_once_a_night(
    given: dict[str, object], now: datetime, due: bool
) -> None:
    rules = source(pages={"backfill": 20})

    assert backfill_due(state(**given), rules, now) is due
    assert backfill_due(state(**given), source(), now) is False


# --- never given up --------------------------------------------------------------------------------

CAUSES = [
    Failure(cause=FetchCause.SERVER, text="500"),
    Failure(cause=FetchCause.SLOW, text="slow"),
    Failure(cause=FetchCause.GONE, text="404"),
    Failure(cause=FetchCause.CAPTCHA, text="wall", final=True),
    Failure(cause=FetchCause.ROBOTS, text="robots", final=True),
    Failure(cause=FetchCause.NETWORK, text="dns"),
    Failure(cause=FetchCause.LAYOUT, text="layout"),
]


@given(
    st.lists(st.sampled_from([None, *CAUSES]), max_size=40),
    st.lists(st.sampled_from(CAUSES), min_size=1, max_size=40),
    st.sampled_from(["10m", "20m", "2h"]),
    st.booleans(),
)
def test_after_a_day_of_failures_every_source_is_asked_within_one_longest_interval(
    before: list[Failure | None], outage: list[Failure], every: str, adaptive: bool
) -> None:
    rules = source(schedule={"every": every, "min": "2m", "max": "6h", "adaptive": adaptive})
    known, now = SourceState(source_id=SourceId("one")), NOW
    for failure in before:
        known = next_state(known, poll(failure=failure, fresh=1), rules, now)
        assert known.next_poll_at is not None
        now = known.next_poll_at
    ends_at, n = now + timedelta(hours=24), 0
    while now < ends_at:  # every poll fails, in the order given, again and again
        known = next_state(known, poll(failure=outage[n % len(outage)]), rules, now)
        assert known.next_poll_at is not None
        now, n = known.next_poll_at, n + 1

    assert now - ends_at <= rules.schedule.max
    known = next_state(known, poll(fresh=3), rules, now)
    assert known.health in {SourceHealth.OK, SourceHealth.DEGRADED}
    assert known.next_poll_at is not None
    known = next_state(known, poll(fresh=3), rules, known.next_poll_at)
    assert known.health is SourceHealth.OK


def test_five_hundred_sources_come_back_by_themselves_and_not_all_at_once() -> None:
    rules = source()
    ends_at = NOW + timedelta(hours=24)
    returns = []
    for number in range(500):
        known = replace(state(), source_id=SourceId(f"s{number}"))
        now = NOW
        while now < ends_at:
            known = next_state(known, poll(failure=CAUSES[number % 2]), rules, now)
            assert known.next_poll_at is not None
            now = known.next_poll_at
        returns.append(now - ends_at)

    assert max(returns) <= rules.schedule.max
    assert len({int(wait.total_seconds() // 60) for wait in returns}) > 20
