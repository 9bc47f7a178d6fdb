"""Who is told when, as plain arithmetic on instants: policies, steps, leases, deadlines.

A ladder is numbered through one epoch and only one step of it waits as a timer at a time, so that
no step is skipped or repeated, and a clock that jumps cannot fire two steps from two rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.hours import wall_at
from alerts.quiet import rules_of
from alerts.routing import RouteChoice
from alerts.service_terms import service_for
from config.schema import LevelRules, Owner, Project
from storage.records import EscalationStep, Incident, Level, OwnerId, Policy, Timer

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

# The holder of an acknowledge is reminded once, when this share of it is left.
_WARN_LEASE_LEFT = 0.2


def freeze_policy(choice: RouteChoice, level: Level, project: Project, tier: str = "") -> Policy:
    """Write down who will be told when, and what service is promised, as the files say now.

    A later change of the files does not alter it. First the chain, one person a step; each further
    loop begins with the owner; then the fallback. `tier`: of the customers who complain, "" while
    none is known; the stricter of its service and the route's holds.
    """
    rules = rules_of(project.levels, level)
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
        service=service_for(
            project, project.service(choice.route.service) if choice.route else None, tier, level
        ),
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


def lease_warning_at(incident: Incident) -> datetime:
    """Return when the holder of an acknowledge is reminded that it ends without progress."""
    until = incident.lease_until or incident.updated_at
    return until - timedelta(seconds=_WARN_LEASE_LEFT * incident.policy.ack_lease_s)


def confirm_timer(
    incident: Incident, reminders: int, since: datetime | None = None
) -> Timer | None:
    """Return the timer of the next question to the customer's side; the last one is for dormancy.

    `since`: from when the days count, None for the handling itself.
    Errors: none; None once the incident is dormant or was never handled.
    """
    since = since or incident.handled_at
    if since is None or reminders > len(_CONFIRM_DAYS):
        return None
    days = (*_CONFIRM_DAYS, _DORMANT_DAYS)[reminders]
    return Timer(
        incident_id=incident.incident_id,
        epoch=incident.epoch,
        kind="confirm",
        step=reminders + 1,
        due_at=since + timedelta(days=days),
    )


def asked_by(timer: Timer, now: datetime) -> tuple[int, bool, datetime]:
    """Return how many questions are due by now, whether it goes dormant, and since when days count.

    They count back from when this question was due, so that a clock put right does not skip one.
    """
    since = timer.due_at - timedelta(days=(*_CONFIRM_DAYS, _DORMANT_DAYS)[timer.step - 1])
    asked, dormant = due_reminders(since, now)
    return asked, dormant, since


def due_reminders(handled_at: datetime, now: datetime) -> tuple[int, bool]:
    """Return how many questions are due by now, and whether the incident goes dormant."""
    elapsed = now - handled_at
    asked = sum(elapsed >= timedelta(days=days) for days in _CONFIRM_DAYS)
    return asked, elapsed >= timedelta(days=_DORMANT_DAYS)


def deadline_at(owner: Owner, level: Level, due_at: datetime) -> datetime:
    """Return until when a message may keep trying its channel (alerting.md 2.4)."""
    seconds = _DEADLINE_S.get(level)
    if seconds is not None:
        return due_at + timedelta(seconds=seconds)
    if owner.digest_at is None:
        return due_at + timedelta(days=1)
    today = due_at.astimezone(owner.zone).date()
    days = (today + timedelta(days=n) for n in range(3))
    candidates = (wall_at(day, owner.digest_at).replace(tzinfo=owner.zone) for day in days)
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
