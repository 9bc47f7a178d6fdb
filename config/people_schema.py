"""People: who they are, when they work and rest, who is on duty, who is told of what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from config.values import ClockTime, Identifier, IssueNames, Model, Timezone, Words

WAKING_KINDS = frozenset({"sms", "voice"})
"""The kinds of channels that ring: what may wake a person."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `date.weekday`."""


class Hours(Model):
    """A daily window in the owner's time zone; it may run over midnight.

    `days`: the weekdays on which it begins; with `on` workdays or holidays the project's work
    calendar says it instead, so that a Saturday worked for a holiday counts as what it is.
    """

    from_: ClockTime = Field(alias="from")
    to: ClockTime
    on: Literal["all", "workdays", "holidays"] = "all"
    days: tuple[Weekday, ...] = WEEKDAYS

    @model_validator(mode="after")
    def _one_calendar(self) -> Hours:
        if self.on != "all" and "days" in self.model_fields_set:
            raise ValueError(f'"on: {self.on}" follows the work calendar: leave "days" out')
        return self


class Owner(Model):
    """A person who is told and who acts. `channels` in order: the first, then the fallbacks.

    `wake_by`: channels that ring (sms, voice), used beside the first for orange and red.
    `addresses`: who the person is at a provider, by channel id (a WeCom userid, a Feishu open_id).
    """

    id: Identifier
    name: str
    role: Literal["service", "pr", "lead", "engineer", "legal", "executive", "admin"] = "service"
    timezone: Timezone = "Asia/Shanghai"
    working_hours: Hours | None = None
    quiet_hours: Hours | None = None
    channels: Words
    wake_by: Words = ()
    email: str | None = None
    mobile: str | None = None  # E.164, or eleven digits of mainland China
    addresses: Mapping[str, str] = Field(default_factory=dict)
    digest_at: ClockTime | None = "09:00"
    digest_on: Literal["all", "workdays"] = "all"  # workdays: the next one covers the days off
    away: tuple[tuple[date, date], ...] = ()  # inclusive day ranges
    stand_in: Words = ()  # who is told instead while this person cannot be, in order
    # messages a day; beyond them blue and yellow wait for one summary, orange and red pass
    alert_budget: int | None = Field(default=None, ge=1, le=10_000)

    @property
    def zone(self) -> ZoneInfo:
        """The owner's time zone."""
        return ZoneInfo(self.timezone)


class Shift(Model):
    """Who is on duty when. The first of `owners` who is there has the duty.

    Before the next of them come the stand-ins of the one who is not. A shift belongs to the day on
    which it begins: `on` and the days of `hours` ask about that day.
    """

    owners: Words
    hours: Hours | None = None  # not given: all day, every day
    on: Literal["all", "workdays", "holidays"] = "all"  # by the project's work calendar


class Rotation(Model):
    """People who take turns: the first has the duty from `starts` on, for `every_days` days.

    `handover` is a time on the roster's clock; of an hour that comes twice the first counts.
    """

    owners: Words
    starts: date
    every_days: int = Field(default=7, ge=1, le=366)
    handover: ClockTime = "09:00"


class Duty(Model):
    """A duty roster. Its id may stand wherever a route names a person; shifts come first."""

    id: Identifier
    name: str
    timezone: Timezone = "Asia/Shanghai"
    shifts: tuple[Shift, ...] = ()
    rotation: Rotation | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The roster's time zone."""
        return ZoneInfo(self.timezone)


class Route(Model):
    """Who hears of what: first match wins. Empty conditions match everything.

    `owner`, `also` and `chain` name people or duty rosters.
    """

    id: Identifier
    brand: Words = ()
    product: Words = ()
    issue: IssueNames = ()
    region: Words = ()
    platform: Words = ()
    owner: Identifier
    also: Words = ()  # told at once from yellow up
    chain: Words = ()  # told one after the other when nobody acknowledges
    service: Identifier | None = None  # the service tier whose clocks run for it
