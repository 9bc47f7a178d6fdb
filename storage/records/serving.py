"""Service promises as an incident carries them: the frozen terms, and what of them is used up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service tier as it stood when a policy was frozen, with the limits of its level.

    `opens` and `closes` are times of day in `timezone`; "" both: around the clock. `on` and `days`
    say on which days, as config.people_schema.Hours does; the rest is the work calendar.
    """

    tier_id: str
    react_s: int
    solve_s: int
    warn_left: float  # the share of a limit that is left at the warning
    timezone: str
    opens: str = ""
    closes: str = ""
    on: str = "all"
    days: tuple[str, ...] = ()
    country: str = "none"
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What of an incident's limits is used up, counted in service hours up to `at`.

    `told`: the warnings and breaches that were said: "react_warn", "react", "solve_warn", "solve".
    """

    react_s: float = 0.0
    solve_s: float = 0.0
    at: datetime
    told: tuple[str, ...] = ()
