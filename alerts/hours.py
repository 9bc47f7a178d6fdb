"""Windows on the clock on the wall: hours, a zone and a work calendar in, instants out.

A window belongs to the day on which it begins and may run over midnight. It is read off the wall:
on a day on which the clock is changed it holds exactly while the wall shows a time inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.people_schema import WEEKDAYS, Hours
from config.service_schema import WorkCalendar
from config.workdays import is_workday

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def begins_on(hours: Hours, day: date, calendar: WorkCalendar | None) -> bool:
    """Say whether a window begins on this day: by its weekdays, or by the work calendar."""
    if hours.on == "all":
        return WEEKDAYS[day.weekday()] in hours.days
    works = is_workday(calendar or WorkCalendar(), day)
    return works is (hours.on == "workdays")


def bounds(hours: Hours, day: date) -> tuple[datetime, datetime]:
    """Return the wall times, naive, at which the window of this day begins and ends."""
    over_midnight = hours.to != "24:00" and hours.to <= hours.from_
    return wall_at(day, hours.from_), wall_at(day + _DAY if over_midnight else day, hours.to)


def wall_at(day: date, clock: str) -> datetime:
    """Return a time of day as naive wall time; 24:00 is the next midnight."""
    hour, minute = clock.split(":")
    return datetime.combine(day, time()) + timedelta(hours=int(hour), minutes=int(minute))


def window_end(
    hours: Hours, zone: ZoneInfo, now: datetime, calendar: WorkCalendar | None = None
) -> datetime | None:
    """Return the end of the window that holds `now`, as an instant after it; None outside."""
    wall = now.astimezone(zone).replace(tzinfo=None)
    for day in (wall.date() - _DAY, wall.date()):
        if not begins_on(hours, day, calendar):
            continue
        start, end = bounds(hours, day)
        if start <= wall < end:
            return instant_of(end, zone, now)
    return None


def spans(
    hours: Hours,
    zone: ZoneInfo,
    since: datetime,
    until: datetime,
    calendar: WorkCalendar | None = None,
) -> Iterator[tuple[datetime, datetime]]:
    """Yield, oldest first, the stretches of time between two instants that lie inside windows.

    Stretches do not overlap; two may touch. Units: real time, so that an hour which the clock shows
    twice counts twice and one that it leaps over does not count.
    """
    for start, end, offset in _segments(zone, since, until):
        first, last = (start + offset).date() - _DAY, (end + offset).date()
        reached = start
        for n in range((last - first).days + 1):
            day = first + n * _DAY
            if not begins_on(hours, day, calendar):
                continue
            opens, closes = ((wall - offset).replace(tzinfo=UTC) for wall in bounds(hours, day))
            opens, closes = max(opens, reached), min(closes, end)
            if opens < closes:
                yield opens, closes
                reached = closes


def _segments(
    zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield stretches of one offset from UTC each: the clock on the wall runs evenly in them."""
    start, at, offset = since, since, _offset(zone, since)
    while at < until:
        later = min(at + _DAY, until)
        if _offset(zone, later) != offset:
            low, high = at, later  # between them the clock is changed, on a full second
            while high - low > _SECOND:
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            changed = high.replace(microsecond=0)
            if changed > start:
                yield start, changed, offset
            start, at, offset = changed, changed, _offset(zone, changed)
            continue
        at = later
    if start < until:
        yield start, until, offset


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def instant_of(wall: datetime, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the first instant after `now` at which the clock on the wall shows `wall` or later."""
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    for instant in both:
        if instant > now and instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
    instant = now.replace(second=0, microsecond=0)  # an hour that the clock leaps over
    while instant.astimezone(zone).replace(tzinfo=None) < wall:
        instant += timedelta(minutes=1)
    return instant
