"""When people work and what may wait: service tiers, the work calendar, maintenance windows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from config.people_schema import Hours
from config.values import Duration, Identifier, IssueNames, Model, Timezone, Words


def _local_time(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(str(value).strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise ValueError(f'expected a local time such as "2026-11-11 00:00", got {value!r}')
    return found


# Naive on purpose: the entry's own time zone says where it is that time.
LocalTime = Annotated[
    datetime,
    BeforeValidator(_local_time, json_schema_input_type=str),
    PlainSerializer(lambda value: f"{value:%Y-%m-%d %H:%M}"),
]


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g}h"


class LevelTimes(Model):
    """A time limit per level."""

    blue: Duration
    yellow: Duration
    orange: Duration
    red: Duration


class ServiceTier(Model):
    """A promise: how soon somebody reacts and how soon it is solved, counted in service hours.

    `hours`: "7x24", "5x8" (workdays by the work calendar, 09:00 to 18:00) or hours of its own.
    The defaults are the first two columns of alerting.md 4 ("ack / first reaction").
    """

    id: Identifier
    hours: Literal["7x24", "5x8"] | Hours = "7x24"
    timezone: Timezone = "Asia/Shanghai"
    react: LevelTimes = LevelTimes(
        blue=timedelta(hours=24),
        yellow=timedelta(hours=2),
        orange=timedelta(hours=1),
        red=timedelta(minutes=30),
    )
    solve: LevelTimes = LevelTimes(
        blue=timedelta(days=7),
        yellow=timedelta(hours=72),
        orange=timedelta(hours=48),
        red=timedelta(hours=24),
    )
    warn_left: float = Field(default=0.3, gt=0, lt=1)  # the share of a limit left at the warning

    @model_validator(mode="after")
    def _reacts_first(self) -> ServiceTier:
        for name in ("blue", "yellow", "orange", "red"):
            react, solve = getattr(self.react, name), getattr(self.solve, name)
            if not timedelta(0) < react <= solve:
                raise ValueError(
                    f"{name}: expected 0 < react <= solve, got react {_hours(react)}, "
                    f"solve {_hours(solve)}"
                )
        return self

    @property
    def window(self) -> Hours | None:
        """The service hours; None around the clock."""
        if self.hours == "7x24":
            return None
        if self.hours == "5x8":  # eight hours of work and one of rest at noon
            return Hours.model_validate({"from": "09:00", "to": "18:00", "on": "workdays"})
        return self.hours


class WorkCalendar(Model):
    """Which days are worked: the country's own, and the company's exceptions."""

    country: Literal["CN", "none"] = "CN"
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()


class Matcher(Model):
    """What something is about, as routes say it. Empty conditions match everything."""

    brand: Words = ()
    product: Words = ()
    issue: IssueNames = ()
    region: Words = ()
    platform: Words = ()


class MaintenanceWindow(Matcher):
    """A time known beforehand in which notices about what matches are held.

    Either `hours` (every day that they name), or `starts` and `ends` (once, local time such as
    "2026-11-11 00:00"). `up_to`: the highest level that is held; red never is.
    """

    id: Identifier
    reason: str
    hours: Hours | None = None
    starts: LocalTime | None = None
    ends: LocalTime | None = None
    timezone: Timezone = "Asia/Shanghai"
    up_to: Literal["blue", "yellow", "orange"] = "yellow"

    @model_validator(mode="after")
    def _weekly_or_once(self) -> MaintenanceWindow:
        once = self.starts is not None and self.ends is not None
        if (self.hours is not None) is once or (self.starts is None) is not (self.ends is None):
            raise ValueError('expected either "hours" (every week), or "starts" and "ends" (once)')
        if self.starts is not None and self.ends is not None and self.starts >= self.ends:
            raise ValueError(f"ends at {self.ends:%Y-%m-%d %H:%M}, not after its start")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The window's time zone."""
        return ZoneInfo(self.timezone)


class HeartbeatRules(Model):
    """Who hears, on a channel of its own, when this program is silent, late or cannot deliver."""

    to: Words = ()
    channel: Identifier | None = None
    late: Duration = timedelta(minutes=5)  # the oldest due timer or message may be so late
    ping: str | None = (
        None  # a URL that is asked every minute while all is well (dead man's switch)
    )


Templates = Mapping[str, str]
