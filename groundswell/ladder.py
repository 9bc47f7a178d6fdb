"""Who would be told when, on the clock: a choice of people and a level in, rungs with times out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.acts import first_told
from alerts.escalation import freeze_policy
from alerts.routing import RouteChoice, answering, last_resort, reachable
from config.schema import Project
from storage.records import Incident, Level, OwnerId, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of a ladder: when it is due if nobody acknowledges, and who answers for it then."""

    step: int
    at: datetime
    named: tuple[OwnerId, ...]
    told: tuple[OwnerId, ...]
    text: str
    reached: bool = False


def climb(project: Project, choice: RouteChoice, level: Level, now: datetime) -> list[Rung]:
    """Return the rungs of a new incident of this level, raised at `now`.

    Quiet hours are not counted in: below orange the clock of a person waits for them.
    """
    policy = freeze_policy(choice, level, project)
    first = first_told(policy, choice.owner_id, level)
    steps = [(0, first), *((step.after_s, step.owner_ids) for step in policy.steps)]
    return list(_rungs(project, policy, steps, now))


def frozen(project: Project, incident: Incident) -> list[Rung]:
    """Return the rungs of an incident as they were frozen, counted from when it was opened."""
    policy = incident.policy
    steps = [(step.after_s, step.owner_ids) for step in policy.steps]
    rungs = _rungs(project, policy, steps, incident.opened_at, reached=incident.step)
    return list(rungs)


def _rungs(
    project: Project,
    policy: Policy,
    steps: Sequence[tuple[int, tuple[OwnerId, ...]]],
    start: datetime,
    *,
    reached: int = -1,
) -> Iterator[Rung]:
    first = 0 if reached < 0 else 1
    for step, (after_s, named) in enumerate(steps, first):
        at = start + timedelta(seconds=after_s)
        told = reachable(project, named, at) or last_resort(project, policy.fallback, at)
        yield Rung(
            step=step,
            at=at,
            named=named,
            told=told,
            text="、".join(answering(project, one, at) for one in named),
            reached=step <= reached,
        )
