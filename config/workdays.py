"""Which days are worked: a work calendar and a day in, yes or no out.

The country's days off and the workdays that make up for them come from the library chinesecalendar
(MIT, one release a year after the State Council's notice of November); a company's own days stand
above them. Of a year that the library does not know Monday to Friday are worked, and `unknown_year`
says so in words.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from config.service_schema import WorkCalendar

_FRIDAY = 4
_NONE: tuple[frozenset[date], frozenset[date]] = (frozenset(), frozenset())
# The State Council's notice comes in October or November; clocks of red and orange run for days,
# those of blue for a week of workdays, rosters are planned a month ahead.
_AHEAD = timedelta(days=60)


def is_workday(calendar: WorkCalendar, day: date) -> bool:
    """Say whether a day is worked.

    The company's `workdays` and `holidays` first, then the country's, then Monday to Friday.
    """
    if day in calendar.workdays:
        return True
    if day in calendar.holidays:
        return False
    off, made_up = _china() if calendar.country == "CN" and day.year in known_years() else _NONE
    return day in made_up or (day.weekday() <= _FRIDAY and day not in off)


@cache
def known_years() -> frozenset[int]:
    """Return the years whose days off in China the library knows.

    A year counts by its National Day: its first days of January may be known with the year before.
    """
    return frozenset(day.year for day in _china()[0] if (day.month, day.day) == (10, 1))


@cache
def _china() -> tuple[frozenset[date], frozenset[date]]:
    """Return China's days off and the weekend days that are worked for them."""
    from chinese_calendar import constants  # type: ignore[import-untyped]  # ships no types

    return frozenset(constants.holidays), frozenset(constants.workdays)


def is_told(calendar: WorkCalendar, year: int) -> bool:
    """Say whether the days off of a year are known: by the library, or by the company's own.

    Without a country Monday to Friday are worked, and nothing is to be known.
    """
    if calendar.country != "CN" or year in known_years():
        return True
    return any(day.year == year for day in (*calendar.holidays, *calendar.workdays))


def unknown_year(calendar: WorkCalendar, today: date) -> str:
    """Return a warning when the next 60 days reach a year that nobody has told us about.

    A year in which the company names days of its own counts as told.
    """
    for day in (today, today + _AHEAD):
        if not is_told(calendar, day.year):
            return (
                f"{day.year} 年的法定节假日还没有数据，暂按周一至周五为工作日："
                "升级 chinesecalendar，或在 calendar.yaml 写明 holidays 和 workdays "
                f"(no holidays known for {day.year}: Monday to Friday are taken as workdays)"
            )
    return ""
