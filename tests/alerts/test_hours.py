"""Windows on the wall against a walk minute by minute, over all time zones."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.hours import spans
from alerts.quiet import quiet_until, release_at, work_from
from alerts.service_clock import instant_after, seconds_between
from config.schema import Hours, Levels, Owner, WorkCalendar
from storage.records import Level, Service

EXAMPLES = int(os.environ.get("HOURS_EXAMPLES", "60"))
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = WorkCalendar()
MINUTE = timedelta(minutes=1)


def hours(start: str, end: str, **more: Any) -> Hours:
    return Hours.model_validate({"from": start, "to": end, **more})


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def inside(window: Hours, zone: ZoneInfo, instant: datetime) -> bool:
    """What people see: the time on the wall, and the day on which that window began."""
    wall = instant.astimezone(zone)
    minute, today, yesterday = (
        wall.hour * 60 + wall.minute,
        DAYS[wall.weekday()],
        DAYS[(wall.weekday() - 1) % 7],
    )
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (window.from_, window.to))
    if start < end:
        return today in window.days and start <= minute < end
    return (today in window.days and minute >= start) or (yesterday in window.days and minute < end)


@given(
    zone=st.sampled_from(ZONES),
    minute_of_decade=st.integers(0, 5_260_000),
    length=st.integers(1, 3 * 1440),
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_service_seconds_are_those_of_a_walk_minute_by_minute(
    zone: str, minute_of_decade: int, length: int, start: int, end: int, days: set[str]
) -> None:
    place = ZoneInfo(zone)
    window = hours(clock(start), clock(end), days=sorted(days))
    since = datetime(2020, 1, 1, tzinfo=UTC) + minute_of_decade * MINUTE
    service = Service(
        tier_id="day",
        react_s=60,
        solve_s=60,
        warn_left=0.3,
        timezone=zone,
        opens=window.from_,
        closes=window.to,
        days=tuple(window.days),
    )

    walked = [
        since + n * MINUTE for n in range(length) if inside(window, place, since + n * MINUTE)
    ]
    counted = seconds_between(service, since, since + length * MINUTE)
    assert counted == 60 * len(walked)
    found = list(spans(window, place, since, since + length * MINUTE))
    assert all(one[1] <= later[0] for one, later in pairwise(found))
    if walked:
        half = walked[len(walked) // 2]
        used = seconds_between(service, since, half)
        assert instant_after(service, since, used + 60) == half + MINUTE
        assert instant_after(service, since, used + 30) == half + timedelta(seconds=30)


def test_service_in_workdays_knows_the_holidays_of_china() -> None:
    service = Service(
        tier_id="office",
        react_s=1,
        solve_s=1,
        warn_left=0.3,
        timezone="Asia/Shanghai",
        opens="09:00",
        closes="18:00",
        on="workdays",
        country="CN",
        workdays=(date(2026, 5, 2),),
    )

    # 1 to 5 May 2026 are days off; 2 May is worked by this company all the same
    assert seconds_between(service, at("2026-05-01T00:00"), at("2026-05-06T00:00")) == 9 * 3600
    assert instant_after(service, at("2026-04-30T17:30"), 3600) == at("2026-05-02T09:30")
    assert instant_after(service, at("2026-05-02T17:30"), 3600) == at("2026-05-06T09:30")


def test_service_without_any_hours_is_never_used_up() -> None:
    service = Service(
        tier_id="never",
        react_s=1,
        solve_s=1,
        warn_left=0.3,
        timezone="Asia/Shanghai",
        opens="09:00",
        closes="18:00",
        days=(),
    )

    assert instant_after(service, at("2026-04-30T17:30"), 1) is None


def test_quiet_days_off_are_quiet_through_the_whole_holiday() -> None:
    window = hours("00:00", "24:00", on="holidays")

    until = quiet_until(window, SHANGHAI, at("2026-10-01T12:00"), CHINA)
    assert until == at("2026-10-08T00:00")
    assert quiet_until(window, SHANGHAI, at("2026-10-09T12:00"), CHINA) is None


def test_saturday_worked_for_a_holiday_is_no_day_off() -> None:
    window = hours("09:00", "18:00", on="workdays")
    saturday = at("2026-02-14T10:00")  # worked for the Spring Festival

    assert work_from(window, SHANGHAI, saturday, CHINA) == saturday
    assert work_from(hours("09:00", "18:00", days=["mon"]), SHANGHAI, saturday, CHINA) == at(
        "2026-02-16T09:00"
    )


def test_blue_waits_for_the_first_workday_after_the_holiday() -> None:
    owner = Owner(
        id="lin",
        name="林晓",
        channels=("bot",),
        working_hours=hours("09:00", "18:00", on="workdays"),
    )

    released = release_at(owner, Level.BLUE, Levels(), at("2026-10-01T12:00"), CHINA)
    assert released == at("2026-10-08T09:00")
    assert release_at(owner, Level.ORANGE, Levels(), at("2026-10-01T12:00"), CHINA) == at(
        "2026-10-01T12:00"
    )


@given(
    zone=st.sampled_from(ZONES),
    minute_of_decade=st.integers(0, 5_260_000),
    start=st.integers(0, 1439),
    length=st.integers(1, 1439),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_held_message_is_released_once_and_not_held_again(
    zone: str, minute_of_decade: int, start: int, length: int
) -> None:
    """P14: what leaves at the end of the quiet hours is not held by them a second time."""
    now = datetime(2020, 1, 1, tzinfo=UTC) + minute_of_decade * MINUTE
    owner = Owner(
        id="lin",
        name="林晓",
        timezone=zone,
        channels=("bot",),
        quiet_hours=hours(clock(start), clock((start + length) % 1440)),
    )

    released = release_at(owner, Level.YELLOW, Levels(), now)
    assert (released > now) is inside(owner.quiet_hours, owner.zone, now)  # type: ignore[arg-type]
    assert release_at(owner, Level.YELLOW, Levels(), released) == released
    assert release_at(owner, Level.ORANGE, Levels(), now) == now
    assert release_at(owner, Level.RED, Levels(), now) == now


@pytest.mark.skipif("HOURS_SWEEP" not in os.environ, reason="10 years by the hour take minutes")
def test_ten_years_by_the_hour_in_every_zone() -> None:
    window = hours("22:30", "07:15", days=["mon", "wed", "sat"])
    for zone in ZONES:
        place = ZoneInfo(zone)
        instant = datetime(2020, 1, 1, 0, 10, tzinfo=UTC)
        while instant.year < 2030:
            until = quiet_until(window, place, instant)
            assert (until is not None) is inside(window, place, instant), (zone, instant)
            instant += timedelta(hours=1)


def test_hours_follow_one_calendar_only() -> None:
    with pytest.raises(ValidationError, match='leave "days" out'):
        hours("09:00", "18:00", on="workdays", days=["mon"])
