"""When a message may reach a person: his hours and a level in, an instant out.

Orange and red are never held (alerting.md 4).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.hours import begins_on, bounds, instant_of, window_end
from config.schema import Hours, LevelRules, Levels, Owner, WorkCalendar
from storage.records import Level

# Windows that touch are one rest. A week of quiet hours is let go after it; days off come in rows
# of up to nine in China (the Spring Festival of 2024 and 2025), so those may last a fortnight.
_TOUCHING = {"all": 8, "workdays": 15, "holidays": 15}
_AHEAD_DAYS = 31  # working hours begin again within a month, or they are none


def rules_of(levels: Levels, level: Level) -> LevelRules:
    """Return the rules of a level; NONE has those of blue, the mildest."""
    named = {Level.YELLOW: levels.yellow, Level.ORANGE: levels.orange, Level.RED: levels.red}
    return named.get(level, levels.blue)


def quiet_until(
    hours: Hours | None, zone: ZoneInfo, now: datetime, calendar: WorkCalendar | None = None
) -> datetime | None:
    """Return when the quiet hours around `now` end, None outside them.

    A window belongs to the day on which it begins, may run over midnight, and is compared in local
    wall time, so that a day with a change of the clock has the hours that people see on the wall.
    """
    if hours is None:
        return None
    until = now
    for _ in range(_TOUCHING[hours.on]):
        end = window_end(hours, zone, until, calendar)
        if end is None:
            break
        until = end
    return until if until > now else None


def release_at(
    owner: Owner, level: Level, levels: Levels, now: datetime, calendar: WorkCalendar | None = None
) -> datetime:
    """Return when a message of this level may reach this person; orange and red never wait.

    Blue waits for the person's working hours, too (alerting.md 4: it is answered in work hours).
    """
    if level >= Level.ORANGE or not rules_of(levels, level).held_in_quiet_hours:
        return now
    at = now
    if level <= Level.BLUE and owner.working_hours is not None:
        at = work_from(owner.working_hours, owner.zone, now, calendar)
    return quiet_until(owner.quiet_hours, owner.zone, at, calendar) or at


def work_from(
    hours: Hours, zone: ZoneInfo, now: datetime, calendar: WorkCalendar | None = None
) -> datetime:
    """Return `now` within working hours, else the instant at which they next begin."""
    if window_end(hours, zone, now, calendar) is not None:
        return now
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(_AHEAD_DAYS))
    opens = (bounds(hours, day)[0] for day in days if begins_on(hours, day, calendar))
    later = (instant_of(wall, zone, now) for wall in opens if wall > _wall(now, zone))
    return next(later, now)


def _wall(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(tzinfo=None)
