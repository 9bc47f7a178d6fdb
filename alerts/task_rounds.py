"""Overdue tasks, brought up in rounds like an alert that nobody acknowledges.

One reminder before the due time; at it the task's owner; then, one step of the level after the
other, the lead of its function, the incident's chain and at last management or the fallback. An
incident has one timer for all its tasks: the next instant at which one of them is brought up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.draft import Draft
from alerts.messages import Occasion, clock_words, duration_words
from alerts.quiet import release_at, rules_of
from alerts.routing import name_of
from config.schema import Owner, Project
from storage.records import Incident, Level, OwnerId, Task, Timer

MANAGEMENT = "management"  # the function that hears last, where the project fills it


def pace_of(incident: Incident) -> Level:
    """Return the level by whose steps a task is brought up; blue once the incident has ended."""
    return incident.level or Level.BLUE if incident.at_work else Level.BLUE


def step_of(incident: Incident, project: Project) -> timedelta:
    """Return how long each round of an overdue task waits for the next."""
    return rules_of(project.levels, pace_of(incident)).step_every


def ladder(incident: Incident, task: Task, project: Project) -> tuple[tuple[OwnerId, ...], ...]:
    """Return who hears in which round that a task is overdue; it ends, as a level's ladder does.

    As many loops as the level has; ids may be people, rosters or functions.
    """
    function = project.function(task.function) if task.function else None
    lead = (function.lead,) if function and function.lead else ()
    fallback = incident.policy.fallback or tuple(map(OwnerId, project.fallback))
    steps = (step.owner_ids for step in incident.policy.steps)
    owner: tuple[OwnerId, ...] = (task.owner_id,)
    last = (OwnerId(MANAGEMENT),) if project.function(MANAGEMENT) else fallback
    seen: list[tuple[OwnerId, ...]] = [owner, fallback, last]
    above = [tuple(map(OwnerId, lead))] if lead and lead != owner else []
    for named in (*above, *steps):
        if named and named not in seen:
            seen.append(named)
    chain = seen[3:]
    loops = rules_of(project.levels, pace_of(incident)).loops
    again = [owner, *chain]
    end = [last] if last and last != owner else []
    return (owner, *chain, *again * (loops - 1), *end)


def next_word(task: Task) -> datetime | None:
    """Return when a task is brought up next; None once it has ended or its rounds are over."""
    if task.state != "open":
        return None
    if task.next_at is None and task.rounds == 0:
        return task.due_at  # given before rounds were kept
    return task.next_at


def wait_for_tasks(draft: Draft) -> None:
    """Start the clock of the next task to be brought up, in place of the one that ran."""
    incident = draft.incident
    waiting = [at for task in incident.tasks if (at := next_word(task)) is not None]
    draft.stop("task")
    if waiting or any(task.state == "open" for task in incident.tasks):
        draft.wait_too(
            Timer(
                incident_id=incident.incident_id,
                epoch=incident.epoch,
                kind="task",
                step=incident.seq,  # armed anew by every act on a task; the number is unique
                due_at=min(waiting, default=draft.now),
                # the rounds are over, the task is not: the digest finds it by this
                status="pending" if waiting else "done",
            )
        )


def worked_on(draft: Draft, task: Task) -> dict[str, Any]:
    """Return what work does to an overdue task: its next round waits one more step."""
    if task.rounds == 0 or task.next_at is None:
        return {}
    at = draft.now + step_of(draft.incident, draft.scene.project)
    return {"next_at": max(at, task.next_at).isoformat()}


def bring_up(draft: Draft) -> str:
    """Say what is due of the tasks; "" when nothing is. Several rounds missed become one.

    The caller's timer is one of `wait_for_tasks`; which task it was for is read from the tasks.
    """
    due = [
        task
        for task in draft.incident.tasks
        if (at := next_word(task)) is not None and at <= draft.now
    ]
    for task in due:
        if task.rounds == 0 and draft.now < task.due_at:
            _warn(draft, task)
        else:
            _go_round(draft, task)
    if due:
        wait_for_tasks(draft)
    return "task_due" if due else ""


def _warn(draft: Draft, task: Task) -> None:
    told = draft.people((task.owner_id,))
    draft.record(
        "task_warned",
        key=_key(draft, task, "warned"),
        task_id=task.task_id,
        told=list(told),
        moves={task.task_id: {"next_at": task.due_at.isoformat()}},
    )
    said = _Said.of(draft, task)
    draft.tell(Occasion.TASK_WARNING, told, said.before)


def _go_round(draft: Draft, task: Task) -> None:
    incident, project, now = draft.incident, draft.scene.project, draft.now
    order, every = ladder(incident, task, project), step_of(incident, project)
    since = task.due_at if task.rounds == 0 else task.next_at or now
    if task.rounds >= len(order):  # the level was lowered: its ladder is shorter than what was said
        draft.record("task_rested", task_id=task.task_id, moves={task.task_id: {"next_at": None}})
        return
    missed = int((now - since) / every)
    reached = min(len(order), task.rounds + 1 + missed)
    waiting = order[task.rounds : reached]
    told = draft.people(dict.fromkeys(who for named in waiting for who in named))
    occasion = Occasion.TASK_DUE if reached == 1 else Occasion.TASK_OVER
    following = _first_reached(draft, told, occasion) + every if reached < len(order) else None
    draft.record(
        "task_due" if reached == 1 else "task_overdue",
        key=_key(draft, task, str(reached)),
        task_id=task.task_id,
        told=list(told),
        moves={
            task.task_id: {
                "rounds": reached,
                "next_at": following.isoformat() if following else None,
            }
        },
    )
    said = _Said.of(draft, task)
    draft.tell(occasion, told, said.due if reached == 1 else said.over)


def _first_reached(draft: Draft, told: Iterable[OwnerId], occasion: Occasion) -> datetime:
    """Return when the first of these people may be reached: quiet hours do not eat a step."""
    project = draft.scene.project
    urgency = draft.urgency(occasion)
    owners = [one for one in map(project.owner, told) if one is not None]
    calendar = project.settings.calendar
    at = (release_at(one, urgency, project.levels, draft.now, calendar) for one in owners)
    return min(at, default=draft.now)


def _key(draft: Draft, task: Task, what: str) -> str:
    named = draft.incident.incident_id
    return f"task:{named}:{task.task_id}:{task.due_at.isoformat()}:{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a person reads of one task that is due."""

    task: Task
    name: str
    now: datetime

    @classmethod
    def of(cls, draft: Draft, task: Task) -> _Said:
        name = name_of(draft.scene.project, task.owner_id)
        return cls(task=task, name=name, now=draft.now)

    def before(self, owner: Owner) -> str:
        """Remind before the due time."""
        left = duration_words(self.task.due_at - self.now)
        at = clock_words(self.task.due_at, self.now, owner.zone)
        return f"{self._whose(owner)}还剩 {left}，{at} 到期。请登记进展；来不及可以说明理由延一次。"

    def due(self, owner: Owner) -> str:
        """Say that the time is over."""
        return f"{self._whose(owner)}到期了，还没有登记完成。请登记结果，或说明为什么不做。"

    def over(self, owner: Owner) -> str:
        """Say how long it is over, to the next in order."""
        late = self.now - self.task.due_at
        over = f"已超期 {duration_words(late)}" if late >= timedelta(minutes=1) else "已到期"
        return (
            f"{self._whose(owner)}{over}，还没有登记完成，按顺序通知到你。"
            "请推动办理，或登记进展、结果。"
        )

    def _whose(self, owner: Owner) -> str:
        whose = "你" if self.task.owner_id == owner.id else self.name
        return f"{whose}的任务“{self.task.kind.value}：{self.task.title}”"
