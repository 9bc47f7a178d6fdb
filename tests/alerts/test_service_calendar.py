"""Service clocks against a calendar of our own: 调休 years, tiers and time zones, minute by minute.

The reference below shares no code with the program: it walks local days, takes the days off and
the weekend days that are worked from the State Council's notices as written here, and counts the
minutes of each day that the clock on the wall shows inside the service hours.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.card import service_words
from alerts.service_clock import frozen_service, instant_after, seconds_between, unpublished_year
from alerts.service_terms import stricter
from config.schema import ServiceTier
from config.workdays import known_years
from storage.records import Level, Meter, Service
from tests.alerts.people import make_project
from tests.make import make_incident, make_policy

CASES = int(os.environ.get("GROUNDSWELL_SLA_CASES", "300"))  # 10,000 by hand
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

# The notices for 2024, 2025 and 2026: first and last day off of each holiday, then the weekend
# days that are worked for them.
OFF = (
    ("2024-01-01", "2024-01-01"),
    ("2024-02-10", "2024-02-17"),
    ("2024-04-04", "2024-04-06"),
    ("2024-05-01", "2024-05-05"),
    ("2024-06-10", "2024-06-10"),
    ("2024-09-15", "2024-09-17"),
    ("2024-10-01", "2024-10-07"),
    ("2025-01-01", "2025-01-01"),
    ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)
WORKED = (
    *("2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14"),
    *("2024-09-29", "2024-10-12", "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28"),
    *("2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20"),
    "2026-10-10",
)
REST = {
    date.fromisoformat(first) + n * DAY
    for first, last in OFF
    for n in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
}
MADE_UP = {date.fromisoformat(day) for day in WORKED}

TIERS = (
    ServiceTier(id="always"),
    ServiceTier(id="office", hours="5x8"),
    ServiceTier.model_validate(
        {"id": "late", "hours": {"from": "20:00", "to": "02:30", "on": "workdays"}}
    ),
    ServiceTier.model_validate(
        {"id": "rest", "hours": {"from": "10:00", "to": "16:00", "on": "holidays"}}
    ),
    ServiceTier.model_validate(
        {"id": "days", "hours": {"from": "08:30", "to": "24:00", "days": ["mon", "wed", "sat"]}}
    ),
)
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Kathmandu", "America/New_York", "Europe/London")


def is_worked(day: date) -> bool:
    return day in MADE_UP or (day.weekday() < 5 and day not in REST)


def begins(service: Service, day: date) -> bool:
    match service.on:
        case "workdays":
            return is_worked(day)
        case "holidays":
            return not is_worked(day)
        case _:
            return ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()] in service.days


def minutes_of(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def counted(service: Service, since: datetime, until: datetime) -> int:
    """Count the minutes between two whole minutes whose wall time lies in the service hours.

    Offsets only change on whole quarters of an hour, so a quarter is looked at once.
    """
    if not service.opens:
        return int((until - since) / MINUTE)
    zone = ZoneInfo(service.timezone)
    opens, closes = minutes_of(service.opens), minutes_of(service.closes)
    closes += 24 * 60 if closes <= opens else 0
    total, at = 0, since
    while at < until:
        # up to the next quarter of an hour in UTC, within which the wall runs evenly
        end = min(until, at + MINUTE * (15 - at.minute % 15))
        wall = at.astimezone(zone)
        length = int((end - at) / MINUTE)
        start = wall.hour * 60 + wall.minute
        for day, shift in ((wall.date(), 0), (wall.date() - DAY, 24 * 60)):
            if begins(service, day):
                low, high = max(start + shift, opens), min(start + shift + length, closes)
                total += max(0, high - low)
        at = end
    return total


def frozen(tier: ServiceTier, zone: str) -> Service:
    found = frozen_service(make_project(), tier.model_copy(update={"timezone": zone}), Level.ORANGE)
    assert found is not None
    return found


def test_clocks_agree_with_an_independent_calendar() -> None:
    """Random intervals over three years, all tiers and zones; to the minute, both ways."""
    draw = random.Random(20261122)
    begin = datetime(2024, 1, 3, tzinfo=UTC)
    for _ in range(CASES):
        service = frozen(draw.choice(TIERS), draw.choice(ZONES))
        since = begin + MINUTE * draw.randrange(3 * 365 * 24 * 60 - 60 * 24 * 60)
        until = since + MINUTE * draw.choice((draw.randrange(1, 600), draw.randrange(1, 12 * 1440)))
        expected = counted(service, since, until)

        assert seconds_between(service, since, until) == expected * 60, (service, since, until)
        if expected:
            due = instant_after(service, since, expected * 60)
            assert due is not None
            assert counted(service, since, due) == expected, (service, since, due)
            assert counted(service, since, due - MINUTE) == expected - 1


def test_saturday_worked_for_a_holiday_counts_and_the_holiday_does_not() -> None:
    office = frozen(TIERS[1], "Asia/Shanghai")
    wednesday = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)  # 16:00 in Shanghai

    due = instant_after(office, wednesday, 3 * 3600)  # 2 h are left of the day, the holiday rests

    assert due == datetime(2026, 10, 8, 2, 0, tzinfo=UTC)  # Thursday, 10:00
    saturday = datetime(2026, 10, 10, 0, 0, tzinfo=UTC)
    assert seconds_between(office, saturday, saturday + DAY) == 9 * 3600


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"react_s": 3600, "solve_s": 9000}, {"react_s": 1800, "solve_s": 9000}, (1800, 9000)),
        ({"react_s": 3600, "solve_s": 9000}, {"react_s": 1800, "solve_s": 99000}, (1800, 9000)),
        # 4 h of office hours are some 15 h on the wall: less than 24 h around the clock
        (
            {"react_s": 86400, "solve_s": 86400},
            {"react_s": 14400, "solve_s": 28800, "opens": "09:00", "closes": "18:00"},
            (14400, 28800),
        ),
        ({"react_s": 3600, "solve_s": 9000}, None, (3600, 9000)),
    ],
)
def test_stricter_promise_holds(
    one: dict[str, object], other: dict[str, object] | None, expected: tuple[int, int]
) -> None:
    def service(said: dict[str, object] | None) -> Service | None:
        base = {"tier_id": "a", "warn_left": 0.3, "timezone": "Asia/Shanghai"}
        office = {"on": "workdays", "country": "CN"} if said and "opens" in said else {}
        return None if said is None else Service(**(base | office | said))  # type: ignore[arg-type]

    for pair in ((service(one), service(other)), (service(other), service(one))):
        found = stricter(*pair)
        assert found is not None
        assert (found.react_s, found.solve_s) == expected


def test_clock_that_runs_into_an_unpublished_year_says_so() -> None:
    last = max(known_years())
    now = datetime(last, 12, 30, 2, tzinfo=UTC)
    office = frozen(TIERS[1], "Asia/Shanghai")
    incident = make_incident(
        policy=make_policy(service=office), opened_at=now, updated_at=now, meter=Meter(at=now)
    )

    assert f"{last + 1} 年的节假日尚未公布" in service_words(incident, now)
    assert unpublished_year(frozen(TIERS[0], "Asia/Shanghai"), now, now + 9 * DAY) == 0
    assert unpublished_year(office, now, now + timedelta(hours=3)) == 0
