"""When people work and what may wait: service tiers, the work calendar, maintenance windows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from config.people_schema import Hours
from config.values import Duration, Identifier, IssueNames, LevelName, Model, Timezone, Words


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

    Either `days` with `hours` (every week), or `starts` and `ends` (once). `up_to`: the highest
    level that is held; red never is.
    """

    id: Identifier
    reason: str
    hours: Hours | None = None
    starts: str | None = None  # local time, "2026-11-11 00:00"
    ends: str | None = None
    timezone: Timezone = "Asia/Shanghai"
    up_to: LevelName = "yellow"


class HeartbeatRules(Model):
    """Who hears, on a channel of its own, when this program is silent, late or cannot deliver."""

    to: Words = ()
    channel: Identifier | None = None
    late: Duration = timedelta(minutes=5)  # the oldest due timer or message may be so late
    ping: str | None = (
        None  # a URL that is asked every minute while all is well (dead man's switch)
    )


Templates = Mapping[str, str]
