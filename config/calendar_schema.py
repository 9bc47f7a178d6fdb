"""What makes people talk and is known beforehand: events of the calendar, and days off of a year.

In: the section `calendar` of a project. Out: frozen models. `yearly_events` are those that the
program knows by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, model_validator

from config.values import Identifier, Model, Words

EventKind = Literal["促销", "发布", "涨价", "代言", "购物节", "晚会", "其他"]
EVENT_KINDS: tuple[EventKind, ...] = ("促销", "发布", "涨价", "代言", "购物节", "晚会", "其他")

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
LONGEST_DAYS = 366  # an event that is always on explains nothing
_DAY_OF_YEAR = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


class YearlyEvent(NamedTuple):
    """An event of every year: months and days of its first and its last day.

    One that ends before it starts runs over New Year and belongs to the year in which it starts.
    """

    event_id: str
    name: str
    kind: EventKind
    first: tuple[int, int]
    last: tuple[int, int]
    note: str = ""

    def of(self, year: int) -> tuple[date, date]:
        """Return the first and the last day of the event that starts in a year."""
        over = self.last < self.first
        return _day(year, *self.first), _day(year + over, *self.last)


# Defaults: each as wide as the large shops' own campaigns of the last years were; they move by
# days from year to year, so each can be switched off and put in again with its real days.
# 3·15 is the day of consumer rights, whose evening broadcast names companies.
YEARLY: tuple[YearlyEvent, ...] = (
    YearlyEvent("nianhuo", "年货节", "购物节", (1, 5), (1, 25)),
    YearlyEvent("day-38", "38 节", "购物节", (3, 1), (3, 8)),
    YearlyEvent("gala-315", "3·15 晚会", "晚会", (3, 14), (3, 17), "消费者权益日，晚会点名"),
    YearlyEvent("sale-618", "618", "购物节", (6, 1), (6, 20)),
    YearlyEvent("double-11", "双11", "购物节", (10, 20), (11, 12)),
    YearlyEvent("double-12", "双12", "购物节", (12, 8), (12, 12)),
)


def _day(year: int, month: int, day: int) -> date:
    """Return a day of a year; 29 February is the 28th where there is none."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, 28)


def _event_day(value: object) -> object:
    """Take a day, or a day of every year as MM-DD, which stays a text."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return value.strip()


def _in_range(value: date | str) -> date | str:
    if isinstance(value, str):
        found = _DAY_OF_YEAR.fullmatch(value)
        if found is None or int(found[2]) > _DAYS[int(found[1]) - 1]:
            raise ValueError(f'expected a day such as 2026-12-12 or "12-12", got {value!r}')
        return value
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"expected a day from {FIRST_DAY} to {LAST_DAY}, got {value}")
    return value


_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

EventDay = Annotated[date | str, BeforeValidator(_event_day), AfterValidator(_in_range)]


class EventEntry(Model):
    """An event of the project's own. `starts` and `ends` are days, or both MM-DD: every year."""

    id: Identifier
    name: str
    kind: EventKind = "其他"
    starts: EventDay
    ends: EventDay | None = None  # the last day; that of `starts` when it is not given
    brand: Identifier | None = None  # not given: all brands
    note: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> EventEntry:
        last = self.starts if self.ends is None else self.ends
        if isinstance(self.starts, str) is not isinstance(last, str):
            raise ValueError("expected starts and ends both as days or both as MM-DD")
        if isinstance(self.starts, date) and isinstance(last, date):
            if last < self.starts:
                raise ValueError(f"ends on {last}, before it starts on {self.starts}")
            if (last - self.starts).days >= LONGEST_DAYS:
                raise ValueError(f"lasts longer than {LONGEST_DAYS} days")
        if not self.name.strip() or len(self.name) > 100:
            raise ValueError("expected a name of 1 to 100 characters")
        return self

    def spans(self, years: range) -> Iterator[tuple[int | None, date, date]]:
        """Yield the year (None: it happens once), the first and the last day."""
        last = self.starts if self.ends is None else self.ends
        if isinstance(self.starts, date) and isinstance(last, date):
            yield None, self.starts, last
            return
        yearly = YearlyEvent(self.id, self.name, self.kind, _parts(self.starts), _parts(last))
        for year in years:
            first, end = yearly.of(year)
            yield year, first, end


class EventCalendar(Model):
    """What is known beforehand: the program's own yearly events, the project's, days off.

    `holidays` and `workdays` are added to those of `settings.calendar`: they stand here for a year
    whose days off the library does not know yet.
    """

    events: bool = True  # false: none of the program's own
    without: Words = ()  # ids of the program's own that are left out
    entries: tuple[EventEntry, ...] = ()
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()

    @property
    def yearly(self) -> tuple[YearlyEvent, ...]:
        """The program's own events that are on."""
        if not self.events:
            return ()
        return tuple(one for one in YEARLY if one.event_id not in self.without)


def _parts(text: date | str) -> tuple[int, int]:
    month, day = str(text).split("-")
    return int(month), int(day)
