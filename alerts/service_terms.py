"""What service is promised when a route and a customer's tier both promise one: the stricter.

In: terms as they stand. Out: terms to freeze. Terms with the same service hours are taken clock by
clock. Of terms with different hours one is taken whole, the one whose reaction is due first on the
wall: hours of different kinds cannot be counted by one meter.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from alerts.hours import wall_at
from alerts.service_clock import frozen_service
from config.people_schema import WEEKDAYS
from config.schema import Project, ServiceTier
from storage.records import Level, Service

_WEEK_H = 7 * 24
_WORKDAYS = 5  # of a week without holidays
_REFERENCE = date(2026, 1, 5)  # any day: only the length of its hours is looked at


def service_for(
    project: Project, route: ServiceTier | None, tier_id: str, level: Level
) -> Service | None:
    """Return the terms of a route and of a customer tier at a level, None without any promise.

    `tier_id` "": nothing is known of the customers, so the default tier's holds.
    """
    tier = project.tier(tier_id) or project.default_tier
    return stricter(
        frozen_service(project, route, level),
        frozen_service(project, project.service(tier.service), level),
    )


def stricter(one: Service | None, other: Service | None) -> Service | None:
    """Return the stricter of two promises; of equal ones the first."""
    if one is None or other is None:
        return one or other
    if _hours(one) != _hours(other):
        return min(one, other, key=_wall_limits)
    react, solve = min(one.react_s, other.react_s), min(one.solve_s, other.solve_s)
    for whole in (one, other):
        if (whole.react_s, whole.solve_s) == (react, solve):
            return whole
    return replace(
        one,
        tier_id=f"{one.tier_id}+{other.tier_id}",
        react_s=react,
        solve_s=solve,
        warn_left=max(one.warn_left, other.warn_left),
    )


def _hours(service: Service) -> tuple[object, ...]:
    terms = (service.opens, service.closes, service.on, service.days, service.country)
    return (*terms, service.holidays, service.workdays, service.timezone if service.opens else "")


def _wall_limits(service: Service) -> tuple[float, float]:
    """Return both limits in seconds on the wall, on the average of a week without holidays."""
    share = _WEEK_H / _hours_a_week(service)
    return service.react_s * share, service.solve_s * share


def _hours_a_week(service: Service) -> float:
    if not service.opens:
        return _WEEK_H
    opens, closes = (wall_at(_REFERENCE, at) for at in (service.opens, service.closes))
    if closes <= opens:
        closes += timedelta(days=1)
    of_day = (closes - opens).total_seconds() / 3600
    days = {
        "all": len(service.days),
        "workdays": _WORKDAYS,
        "holidays": len(WEEKDAYS) - _WORKDAYS,
    }
    return max(of_day * days[service.on], 0.01)
