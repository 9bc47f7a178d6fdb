"""Who is told when, as plain arithmetic on instants: policies, steps, leases, quiet hours.

A ladder is numbered through one epoch and only one step of it waits as a timer at a time, so that
no step is skipped or repeated, and a clock that jumps cannot fire two steps from two rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.routing import RouteChoice
from config.schema import Hours, LevelName, LevelRules, Levels, Owner
from storage.records import EscalationStep, Incident, Level, OwnerId, Policy, Timer

_DAYS: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
)

# How long an acknowledge holds without a word of progress: the "first reaction" column of
# alerting.md 4 (blue 24 h, yellow a note per 4 h, orange 1 h, red 30 min).
_ACK_LEASE_S = {Level.BLUE: 86400, Level.YELLOW: 14400, Level.ORANGE: 3600, Level.RED: 1800}

# Deadline of one message before its next channel is used (alerting.md 2.4); blue waits for the
# recipient's next digest instead.
_DEADLINE_S = {Level.YELLOW: 1800, Level.ORANGE: 300, Level.RED: 120}

# Days after "handled" on which the customer's side is asked again, and the day it goes dormant:
# three contacts within 14 days (alerting.md 2.1).
_CONFIRM_DAYS = (3, 7, 11)
_DORMANT_DAYS = 14

_NAMES: dict[Level, LevelName] = {
    Level.BLUE: "blue",
    Level.YELLOW: "yellow",
    Level.ORANGE: "orange",
    Level.RED: "red",
}


def rules_of(levels: Levels, level: Level) -> LevelRules:
    """Return the rules of a level; NONE has those of blue, the mildest."""
    return levels.named(_NAMES.get(level, "blue"))


def freeze_policy(choice: RouteChoice, level: Level, levels: Levels) -> Policy:
    """Write down who will be told when, so that a later config change does not alter it.

    First the chain, one person a step; each further loop begins with the owner; then the fallback.
    """
    rules = rules_of(levels, level)
    rounds = [choice.chain] + [(choice.named, *choice.chain)] * (rules.loops - 1)
    order: list[tuple[OwnerId, ...]] = [(owner_id,) for members in rounds for owner_id in members]
    if choice.fallback:
        order.append(choice.fallback)
    return Policy(
        route_id=choice.route_id,
        owner_id=choice.owner_id,
        also=choice.also,
        steps=_ladder(order, rules, start_s=0),
        ack_lease_s=_ACK_LEASE_S.get(level, _ACK_LEASE_S[Level.BLUE]),
        fallback=choice.fallback,
        reason=choice.reason,
        held=choice.held,
    )


def continue_policy(old: Policy, step: int, told: Iterable[OwnerId], new: Policy) -> Policy:
    """Put a new ladder behind the steps already reached; `told` becomes the step between.

    Numbers go on rising, so a step is never repeated within its epoch.
    """
    reached = old.steps[:step]
    start_s = reached[-1].after_s if reached else 0
    between = EscalationStep(after_s=start_s, owner_ids=tuple(told))
    later = tuple(replace(item, after_s=item.after_s + start_s) for item in new.steps)
    return replace(new, steps=(*reached, between, *later), held=old.held)


def insert_step(policy: Policy, step: int, told: Iterable[OwnerId]) -> Policy:
    """Make `told` the next step after `step`; those behind it keep their distances."""
    reached = policy.steps[:step]
    start_s = reached[-1].after_s if reached else 0
    between = EscalationStep(after_s=start_s, owner_ids=tuple(told))
    return replace(policy, steps=(*reached, between, *policy.steps[step:]))


def gap_s(policy: Policy, step: int) -> int | None:
    """Return the seconds between step `step` and the one after it; None at the ladder's end."""
    if step >= len(policy.steps):
        return None
    before = policy.steps[step - 1].after_s if step else 0
    return policy.steps[step].after_s - before


def step_timer(incident: Incident, since: datetime) -> Timer | None:
    """Return the timer of the step after the one reached, counted from `since`."""
    seconds = gap_s(incident.policy, incident.step)
    if seconds is None:
        return None
    return Timer(
        incident_id=incident.incident_id,
        epoch=incident.epoch,
        kind="step",
        step=incident.step + 1,
        due_at=since + timedelta(seconds=seconds),
    )


def due_steps(policy: Policy, step: int, due_at: datetime, now: datetime) -> int:
    """Return the highest step that is due, when step `step` + 1 was due at `due_at`.

    After an outage several are: they are carried out as one (alerting.md 2.3, catch-up).
    """
    highest = step + 1
    while highest < len(policy.steps):
        due_at += timedelta(seconds=gap_s(policy, highest) or 0)
        if due_at > now:
            break
        highest += 1
    return highest


def confirm_timer(incident: Incident, reminders: int) -> Timer | None:
    """Return the timer of the next question to the customer's side; the last one is for dormancy.

    Errors: none; None once the incident is dormant or was never handled.
    """
    if incident.handled_at is None or reminders > len(_CONFIRM_DAYS):
        return None
    days = (*_CONFIRM_DAYS, _DORMANT_DAYS)[reminders]
    return Timer(
        incident_id=incident.incident_id,
        epoch=incident.epoch,
        kind="confirm",
        step=reminders + 1,
        due_at=incident.handled_at + timedelta(days=days),
    )


def due_reminders(handled_at: datetime, now: datetime) -> tuple[int, bool]:
    """Return how many questions are due by now, and whether the incident goes dormant."""
    elapsed = now - handled_at
    asked = sum(elapsed >= timedelta(days=days) for days in _CONFIRM_DAYS)
    return asked, elapsed >= timedelta(days=_DORMANT_DAYS)


def quiet_until(hours: Hours | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when the quiet hours around `now` end, None outside them.

    A window belongs to the day on which it begins, may run over midnight, and is compared in local
    wall time, so that a day with a change of the clock has the hours that people see on the wall.
    """
    if hours is None:
        return None
    until = now
    for _ in range(len(_DAYS) + 1):  # windows may touch; all week quiet is let go after a week
        end = _window_end(hours, zone, until)
        if end is None:
            break
        until = end
    return until if until > now else None


def release_at(owner: Owner, level: Level, levels: Levels, now: datetime) -> datetime:
    """Return when a message of this level may reach this person; orange and red never wait.

    Blue waits for the person's working hours, too (alerting.md 4: it is answered in work hours).
    """
    if level >= Level.ORANGE or not rules_of(levels, level).held_in_quiet_hours:
        return now
    at = now
    if level <= Level.BLUE and owner.working_hours is not None:
        at = work_from(owner.working_hours, owner.zone, now)
    return quiet_until(owner.quiet_hours, owner.zone, at) or at


def work_from(hours: Hours, zone: ZoneInfo, now: datetime) -> datetime:
    """Return `now` within working hours, else the instant at which they next begin."""
    if _window_end(hours, zone, now) is not None:
        return now
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(len(_DAYS) + 1))
    starts = (_at(day, hours.from_, zone) for day in days if _DAYS[day.weekday()] in hours.days)
    return next((start for start in starts if start > now), now)


def deadline_at(owner: Owner, level: Level, due_at: datetime) -> datetime:
    """Return until when a message may keep trying its channel (alerting.md 2.4)."""
    seconds = _DEADLINE_S.get(level)
    if seconds is not None:
        return due_at + timedelta(seconds=seconds)
    if owner.digest_at is None:
        return due_at + timedelta(days=1)
    today = due_at.astimezone(owner.zone).date()
    candidates = (_at(today + timedelta(days=n), owner.digest_at, owner.zone) for n in range(3))
    return next(instant for instant in candidates if instant > due_at)


def _ladder(
    order: Iterable[tuple[OwnerId, ...]], rules: LevelRules, *, start_s: int
) -> tuple[EscalationStep, ...]:
    first = start_s + int(rules.ack_within.total_seconds())
    every = int(rules.step_every.total_seconds())
    return tuple(
        EscalationStep(after_s=first + i * every, owner_ids=owner_ids)
        for i, owner_ids in enumerate(order)
    )


def _window_end(hours: Hours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the end of the window that holds `now`, as an instant after it; None outside."""
    local = now.astimezone(zone)
    wall = local.replace(tzinfo=None)
    for day in (wall.date() - timedelta(days=1), wall.date()):
        if _DAYS[day.weekday()] not in hours.days:
            continue
        start = _wall(day, hours.from_)
        over_midnight = hours.to != "24:00" and hours.to <= hours.from_
        end = _wall(day + timedelta(days=1) if over_midnight else day, hours.to)
        if start <= wall < end:
            return _instant_of(end, zone, now)
    return None


def _instant_of(wall: datetime, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the first instant after `now` at which the clock on the wall shows `wall` or later."""
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    for instant in both:
        if instant > now and instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
    instant = now.replace(second=0, microsecond=0)  # an hour that the clock leaps over
    while instant.astimezone(zone).replace(tzinfo=None) < wall:
        instant += timedelta(minutes=1)
    return instant


def _wall(day: date, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime.combine(day, time()) + timedelta(hours=int(hour), minutes=int(minute))


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    return _wall(day, clock).replace(tzinfo=zone)
