"""Service clocks: how much of the time to react and to solve is left, counted in service hours.

In: an incident with the terms that its policy froze. Out: what is left, when it is used up, and
the meter readings that events carry. The reaction is owed while nobody has acknowledged, the
solution until the customer's side is asked; both stand still while it is, while a known trouble
lies on its shelf, and outside the service hours. A rejected incident goes on with what was used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerts.hours import spans
from config.schema import Hours, LevelName, Project, ServiceTier, WorkCalendar
from config.workdays import is_told
from storage.records import Incident, IncidentState, Level, Meter, Service

SERVICE_TIMERS = ("react_warn", "react", "solve_warn", "solve")
CLOCKS = ("react", "solve")
# What comes back after its end is a new promise; a rejected solution is still the old one.
_NEW_PROMISE = frozenset({"reopened", "relapsed"})
_FURTHEST = timedelta(days=400)  # a limit that is not used up by then has no service hours to be
_STRIDE = timedelta(days=14)  # hours are looked through so many days at a time

_LEVELS: dict[Level, LevelName] = {
    Level.NONE: "blue",
    Level.BLUE: "blue",
    Level.YELLOW: "yellow",
    Level.ORANGE: "orange",
    Level.RED: "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceClock:
    """How an incident stands against its service tier. Seconds are seconds of service hours.

    `…_left_s` is negative once the limit is passed. `…_due_at` is when nothing is left if nobody
    does anything; None while the clock does not run. `paused`: why neither runs, "" when one does:
    "handled", "shelved", "ended".
    """

    tier_id: str
    react_limit_s: int
    solve_limit_s: int
    react_left_s: float
    solve_left_s: float
    react_due_at: datetime | None
    solve_due_at: datetime | None
    paused: str
    breached: tuple[str, ...]  # of "react", "solve"


def frozen_service(project: Project, tier: ServiceTier | None, level: Level) -> Service | None:
    """Write down the terms of a tier for one level, so that a later change does not alter them."""
    if tier is None:
        return None
    name, window, calendar = _LEVELS[level], tier.window, project.settings.calendar
    service = Service(
        tier_id=tier.id,
        react_s=int(getattr(tier.react, name).total_seconds()),
        solve_s=int(getattr(tier.solve, name).total_seconds()),
        warn_left=tier.warn_left,
        timezone=tier.timezone,
    )
    if window is None:
        return service
    by_calendar = window.on != "all"
    return Service(
        tier_id=service.tier_id,
        react_s=service.react_s,
        solve_s=service.solve_s,
        warn_left=service.warn_left,
        timezone=service.timezone,
        opens=window.from_,
        closes=window.to,
        on=window.on,
        days=() if by_calendar else tuple(window.days),
        country=calendar.country if by_calendar else "none",
        holidays=calendar.holidays if by_calendar else (),
        workdays=calendar.workdays if by_calendar else (),
    )


def service_clock(incident: Incident, now: datetime) -> ServiceClock | None:
    """Return how an incident stands at `now`; None when its route promises no service."""
    service, meter = incident.policy.service, incident.meter
    if service is None or meter is None:
        return None
    used = reading(incident, now)
    running = runs(incident)
    left = {"react": service.react_s - used.react_s, "solve": service.solve_s - used.solve_s}
    due = {
        clock: instant_after(service, now, left[clock]) if clock in running else None
        for clock in CLOCKS
    }
    return ServiceClock(
        tier_id=service.tier_id,
        react_limit_s=service.react_s,
        solve_limit_s=service.solve_s,
        react_left_s=left["react"],
        solve_left_s=left["solve"],
        react_due_at=due["react"],
        solve_due_at=due["solve"],
        paused="" if running else _why_still(incident),
        breached=tuple(clock for clock in CLOCKS if left[clock] <= 0),
    )


def runs(incident: Incident) -> frozenset[str]:
    """Return which clocks run: "react", "solve"; none while it waits for the customer's side."""
    if incident.shelf is not None or not incident.unhandled:
        return frozenset()
    if incident.state is IncidentState.OPEN:
        return frozenset(CLOCKS)
    return frozenset({"solve"})


def reading(incident: Incident, now: datetime) -> Meter:
    """Return the meter as it stands at `now`, when nothing happened since it was last read."""
    service, meter = incident.policy.service, incident.meter
    if service is None or meter is None:
        return Meter(at=now)
    since = seconds_between(service, meter.at, now)
    running = runs(incident)
    return Meter(
        react_s=meter.react_s + (since if "react" in running else 0.0),
        solve_s=meter.solve_s + (since if "solve" in running else 0.0),
        at=now,
        told=meter.told,
    )


def limit_of(service: Service, clock: str) -> int:
    """Return the limit of a clock in seconds of service hours."""
    return service.react_s if clock == "react" else service.solve_s


def metered(before: Incident | None, after: Incident, kind: str, now: datetime) -> Meter | None:
    """Return the reading that an event must carry, None when no clock starts, stops or changes.

    Errors: none. Only readings in events are ever used, so the fold needs no work calendar.
    """
    service = after.policy.service
    if service is None or (before is not None and after.meter != before.meter):
        return None
    if before is None or before.meter is None or before.policy.service is None:
        return Meter(at=now)
    is_new = after.epoch != before.epoch
    if not is_new and runs(before) == runs(after) and service == before.policy.service:
        return None
    if is_new and kind in _NEW_PROMISE:
        return Meter(at=now)
    used = reading(before, now)
    told = used.told
    if is_new:  # the customer's side said no: somebody has to react anew, the solution goes on
        used = replace(used, react_s=0.0)
        told = tuple(one for one in told if one.startswith("solve"))
    elif service != before.policy.service:  # a shorter limit has a warning of its own
        told = tuple(one for one in told if one in CLOCKS)
    return replace(used, told=told)


def next_words(incident: Incident) -> list[tuple[str, datetime]]:
    """Return the next thing to say of each running clock, and when: its warning, then its breach.

    Units: instants; exact to the microsecond, which is what the databases keep.
    """
    service, meter = incident.policy.service, incident.meter
    if service is None or meter is None:
        return []
    found = []
    for clock in sorted(runs(incident)):
        limit = limit_of(service, clock)
        used = meter.react_s if clock == "react" else meter.solve_s
        if clock in meter.told:
            continue
        warned = f"{clock}_warn" in meter.told
        left = limit - used if warned else limit * (1 - service.warn_left) - used
        at = instant_after(service, meter.at, left)
        if at is not None:
            found.append((clock if warned else f"{clock}_warn", at))
    return found


def seconds_between(service: Service, since: datetime, until: datetime) -> float:
    """Return how many seconds of service hours lie between two instants, in order."""
    if until <= since:
        return 0.0
    if not service.opens:
        return (until - since).total_seconds()
    hours, zone, calendar = _terms(service)
    found = spans(hours, zone, since, until, calendar)
    return sum(((end - start) for start, end in found), timedelta()).total_seconds()


def instant_after(service: Service, since: datetime, seconds: float) -> datetime | None:
    """Return when so many seconds of service hours have passed since an instant.

    It is `since` itself when they are not positive, None when that is more than 400 days ahead.
    """
    if seconds <= 0:
        return since
    left = timedelta(seconds=seconds)
    if not service.opens:
        return since + left if left <= _FURTHEST else None
    hours, zone, calendar = _terms(service)
    start = since
    while start < since + _FURTHEST:
        for opens, closes in spans(hours, zone, start, start + _STRIDE, calendar):
            if opens + left <= closes:
                return opens + left
            left -= closes - opens
        start += _STRIDE
    return None


def unpublished_year(service: Service | None, since: datetime, until: datetime) -> int:
    """Return the first year between two instants whose days off nobody has told, 0 for none.

    Only hours that go by the work calendar ask for one.
    """
    if service is None or not service.opens or service.on == "all":
        return 0
    _, zone, calendar = _terms(service)
    years = range(since.astimezone(zone).year, until.astimezone(zone).year + 1)
    return next((year for year in years if not is_told(calendar, year)), 0)


def _why_still(incident: Incident) -> str:
    if incident.shelf is not None and incident.unhandled:
        return "shelved"
    return "handled" if incident.state is IncidentState.HANDLED else "ended"


@lru_cache(maxsize=64)
def _terms(service: Service) -> tuple[Hours, ZoneInfo, WorkCalendar]:
    window = {"from": service.opens, "to": service.closes}
    hours = (
        Hours.model_validate({**window, "days": service.days})
        if service.on == "all"
        else Hours.model_validate({**window, "on": service.on})
    )
    calendar = WorkCalendar(
        country="CN" if service.country == "CN" else "none",
        holidays=service.holidays,
        workdays=service.workdays,
    )
    return hours, ZoneInfo(service.timezone), calendar
