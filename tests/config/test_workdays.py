"""Which days are worked, and what is said when nobody knows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from config.schema import WorkCalendar
from config.workdays import is_workday, known_years, unknown_year

CHINA = WorkCalendar()
PLAIN = WorkCalendar(country="none")
LAST = max(known_years())


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 10, 1), False),  # National Day, a Thursday
        (date(2026, 10, 10), True),  # a Saturday worked for it
        (date(2026, 11, 21), False),  # a Saturday
        (date(2026, 11, 23), True),  # a Monday
    ],
)
def test_china_rests_and_makes_up(day: date, worked: bool) -> None:
    assert is_workday(CHINA, day) is worked


def test_without_a_country_the_week_has_five_workdays() -> None:
    monday = date(2026, 9, 28)  # the week of National Day

    assert [is_workday(PLAIN, monday + timedelta(days=n)) for n in range(7)] == [True] * 5 + [
        False
    ] * 2


def test_the_companys_own_days_stand_above_the_countrys() -> None:
    own = WorkCalendar(holidays=(date(2026, 11, 23),), workdays=(date(2026, 10, 1),))

    assert not is_workday(own, date(2026, 11, 23))
    assert is_workday(own, date(2026, 10, 1))


def test_of_a_year_that_nobody_knows_the_weekdays_are_worked() -> None:
    national_day = date(LAST + 1, 10, 1)
    saturday = national_day + timedelta(days=(5 - national_day.weekday()) % 7)

    assert is_workday(CHINA, national_day) is (national_day.weekday() < 5)
    assert not is_workday(CHINA, saturday)


def test_a_warning_comes_sixty_days_before_the_days_run_out() -> None:
    early, late = date(LAST, 11, 1), date(LAST, 11, 2)

    assert unknown_year(CHINA, early) == ""
    assert str(LAST + 1) in unknown_year(CHINA, late)
    assert unknown_year(PLAIN, late) == ""
    assert unknown_year(WorkCalendar(holidays=(date(LAST + 1, 1, 1),)), late) == ""
