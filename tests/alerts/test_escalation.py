"""Ladders, leases, quiet hours and deadlines as arithmetic on instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.escalation import (
    deadline_at,
    due_reminders,
    due_steps,
    freeze_policy,
    insert_step,
)
from alerts.quiet import quiet_until, release_at
from alerts.routing import find_route
from config.schema import Hours, Levels, Owner
from storage.records import Level, OwnerId, Policy
from tests.alerts.people import make_project
from tests.make import NOW

LEVELS = Levels()
SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours(start: str, end: str, *days: str) -> Hours:
    values: dict[str, Any] = {"from": start, "to": end}
    return Hours.model_validate(values | ({"days": days} if days else {}))


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def policy(level: Level) -> Policy:
    project = make_project()
    choice = find_route(project, brand_id="yunque", issue_class="安全与人身", now=NOW)
    return freeze_policy(choice, level, project)


def test_red_walks_the_chain_three_times_and_ends_at_the_fallback() -> None:
    steps = policy(Level.RED).steps

    assert [step.owner_ids for step in steps] == [
        ("chen",),
        ("sun",),
        ("lin",),
        ("chen",),
        ("sun",),
        ("lin",),
        ("chen",),
        ("sun",),
        ("sun", "wu"),
    ]
    assert [step.after_s for step in steps] == [300 * n for n in range(1, 10)]


def test_blue_asks_after_four_hours_and_then_every_eight() -> None:
    steps = policy(Level.BLUE).steps

    assert [step.after_s / 3600 for step in steps] == [4, 12, 20]


def test_acknowledge_lasts_shorter_the_graver_it_is() -> None:
    leases = [
        policy(level).ack_lease_s for level in (Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)
    ]

    assert leases == [86400, 14400, 3600, 1800]


def test_inserted_step_comes_next_and_keeps_distances() -> None:
    old = policy(Level.ORANGE)
    new = insert_step(old, 2, (OwnerId("wu"),))

    assert new.steps[:2] == old.steps[:2]
    assert new.steps[2].owner_ids == ("wu",)
    assert new.steps[3:] == old.steps[2:]


@pytest.mark.parametrize(
    ("minutes_late", "highest"), [(0, 1), (9.9, 1), (10, 2), (20, 3), (39, 4), (600, 6)]
)
def test_overdue_steps_are_counted_by_their_distances(minutes_late: float, highest: int) -> None:
    orange = policy(Level.ORANGE)

    assert len(orange.steps) == 6
    assert due_steps(orange, 0, NOW, NOW + timedelta(minutes=minutes_late)) == highest


@pytest.mark.parametrize(
    ("days", "asked", "dormant"),
    [(0, 0, False), (3, 1, False), (7, 2, False), (13.9, 3, False), (14, 3, True), (400, 3, True)],
)
def test_customer_is_asked_three_times_in_two_weeks(days: float, asked: int, dormant: bool) -> None:
    assert due_reminders(NOW, NOW + timedelta(days=days)) == (asked, dormant)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-10T21:59:59", None),
        ("2026-03-10T22:00:00", "2026-03-11T07:30:00"),
        ("2026-03-11T03:00:00", "2026-03-11T07:30:00"),
        ("2026-03-11T07:29:59", "2026-03-11T07:30:00"),
        ("2026-03-11T07:30:00", None),
    ],
)
def test_window_over_midnight(now: str, until: str | None) -> None:
    window = hours("22:00", "07:30")
    expected = local(until) if until else None

    assert quiet_until(window, SHANGHAI, local(now)) == expected


def test_window_belongs_to_the_day_on_which_it_begins() -> None:
    window = hours("22:00", "07:30", "fri", "sat")

    assert quiet_until(window, SHANGHAI, local("2026-03-15T03:00")) is not None  # Sunday morning
    assert quiet_until(window, SHANGHAI, local("2026-03-15T23:00")) is None  # Sunday evening


def test_window_to_midnight_ends_at_midnight() -> None:
    until = quiet_until(hours("20:00", "24:00"), SHANGHAI, local("2026-03-10T23:00"))

    assert until == local("2026-03-11T00:00")


def test_touching_windows_end_together() -> None:
    all_weekend = hours("00:00", "24:00", "sat", "sun")

    until = quiet_until(all_weekend, SHANGHAI, local("2026-03-14T12:00"))
    assert until == local("2026-03-16T00:00")


def test_always_quiet_is_let_go_within_nine_days() -> None:
    until = quiet_until(hours("00:00", "24:00"), SHANGHAI, NOW)

    assert until is not None
    assert until - NOW < timedelta(days=9)


def test_hour_that_the_clock_leaps_over_ends_the_window_at_the_leap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30; at 02:00 the clock shows 03:00

    until = quiet_until(hours("22:00", "02:30"), berlin, now)
    assert until == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_hour_that_comes_twice_is_quiet_both_times() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time

    until = quiet_until(hours("22:00", "02:30"), berlin, second)
    assert until == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(
    zone=st.sampled_from(ZONES),
    minute_of_decade=st.integers(0, 5_260_000),
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
    days=st.sets(st.sampled_from(DAYS), min_size=1, max_size=6),
)
@settings(max_examples=400, deadline=None)
def test_held_exactly_while_the_wall_clock_is_inside(
    zone: str, minute_of_decade: int, start: int, end: int, days: set[str]
) -> None:
    """P14: for any zone and instant, held iff local time lies in the window; released outside it."""
    place = ZoneInfo(zone)
    instant = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minute_of_decade)
    window = hours(f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}", *days)

    def inside(at: datetime) -> bool:
        wall = at.astimezone(place)
        minute = wall.hour * 60 + wall.minute
        today, yesterday = DAYS[wall.weekday()], DAYS[(wall.weekday() - 1) % 7]
        if start < end:
            return today in days and start <= minute < end
        return (today in days and minute >= start) or (yesterday in days and minute < end)

    until = quiet_until(window, place, instant)
    assert (until is not None) is inside(instant)
    if until is not None:
        assert until > instant
        assert not inside(until)


@pytest.mark.parametrize("level", [Level.ORANGE, Level.RED])
def test_orange_and_red_are_never_held_even_if_configured(level: Level) -> None:
    owner = Owner(id="lin", name="林晓", channels=("bot",), quiet_hours=hours("00:00", "24:00"))
    held = LEVELS.model_copy(
        update={
            name: rules.model_copy(update={"held_in_quiet_hours": True}) for name, rules in LEVELS
        }
    )

    assert release_at(owner, level, held, NOW) == NOW
    assert release_at(owner, Level.YELLOW, held, NOW) > NOW


@pytest.mark.parametrize(
    ("level", "wait"),
    [
        (Level.RED, timedelta(minutes=2)),
        (Level.ORANGE, timedelta(minutes=5)),
        (Level.YELLOW, timedelta(minutes=30)),
        (Level.BLUE, timedelta(hours=21)),  # noon in Shanghai to the digest at 09:00
    ],
)
def test_deadline_follows_the_level(level: Level, wait: timedelta) -> None:
    owner = Owner(id="lin", name="林晓", channels=("bot",))

    assert deadline_at(owner, level, NOW) - NOW == wait


def test_without_a_digest_blue_has_a_day() -> None:
    owner = Owner(id="lin", name="林晓", channels=("bot",), digest_at=None)

    assert deadline_at(owner, Level.BLUE, NOW) - NOW == timedelta(days=1)


def test_blue_waits_for_working_hours_and_yellow_does_not() -> None:
    reader = Owner.model_validate(
        {
            "id": "linxiao",
            "name": "林晓",
            "channels": ["hook"],
            "working_hours": {"from": "09:00", "to": "18:00", "days": ["mon", "tue"]},
        }
    )
    wednesday = datetime(2026, 3, 11, 4, 0, tzinfo=UTC)
    monday_nine = datetime(2026, 3, 16, 1, 0, tzinfo=UTC)

    assert release_at(reader, Level.BLUE, Levels(), wednesday) == monday_nine
    assert release_at(reader, Level.YELLOW, Levels(), wednesday) == wednesday
    assert release_at(reader, Level.BLUE, Levels(), monday_nine) == monday_nine
