"""Tasks of an incident: given, worked on, given more time, done with evidence, or dropped.

Every move of a task is progress: it renews an acknowledge like a note does. What is overdue is
brought up by alerts/task_rounds.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts.acts import progress, wait_for_progress
from alerts.command import Command, IllegalMove
from alerts.draft import Draft
from alerts.functions import function_name
from alerts.journal_values import encode_task
from alerts.messages import Occasion, clock_words
from alerts.recall_parts import recall_of
from alerts.routing import name_of
from alerts.task_defaults import due_for, warn_at, whose
from alerts.task_evidence import evidence_of, refuse_unlawful
from alerts.task_rounds import wait_for_tasks, worked_on
from storage.records import Incident, IncidentState, OwnerId, Task, TaskKind


def overdue(tasks: Sequence[Task], now: datetime) -> list[Task]:
    """Return the open tasks whose time is over, the longest overdue first."""
    late = [task for task in tasks if task.state == "open" and task.due_at <= now]
    return sorted(late, key=lambda task: (task.due_at, task.task_id))


def give_task(draft: Draft, command: Command, key: str) -> None:
    """Add a task; without owner or due time it takes those of its kind and the level.

    Its owner hears of it unless he gave it to himself. Its timer outlives epochs and the incident's
    end: a cause may be put right after the closing.
    """
    kinds = "、".join(kind.value for kind in TaskKind)
    if command.task_kind is None:
        raise IllegalMove(f"任务需要类别：{kinds} (task needs a kind)")
    if command.until is not None and command.until <= draft.now:
        raise IllegalMove("任务需要一个将来的完成期限 (task needs a due time in the future)")
    refuse_unlawful(command.text)
    task = _made(draft, command, command.task_kind)
    told = () if task.owner_id == command.actor else draft.people((task.owner_id,))
    kind = "recall_set" if task.units else "task_set"
    draft.record(
        kind,
        key=key,
        task=encode_task(task),
        text=f"{task.kind.value}：{task.title}",
        told=list(told),
        **progress(draft),
    )
    wait_for_progress(draft)
    wait_for_tasks(draft)
    _tell_owner(draft, task, told)


def finish_task(draft: Draft, command: Command, key: str) -> None:
    """Note that a task is done, with the evidence of its kind."""
    task = _known(draft.incident, command.task_id)
    if task.state == "open":  # else pressed twice, or somebody was quicker
        _end(draft, task, key, "task_done", evidence_of(task, command, draft.incident))


def drop_task(draft: Draft, command: Command, key: str) -> None:
    """Note that a task is not needed any more, and why."""
    task = _known(draft.incident, command.task_id)
    if task.state == "open":
        _end(draft, task, key, "task_dropped", {"text": command.text.strip()})


def move_task(draft: Draft, command: Command, key: str) -> None:
    """Note that work on a task went on: an overdue one waits a step longer."""
    task = open_task(draft.incident, command.task_id)
    _note(draft, key, "task_moved", command.text, task)


def keep_draft(draft: Draft, command: Command, key: str) -> None:
    """Keep the draft of a reply or a statement in the log; it is sent nowhere."""
    task = open_task(draft.incident, command.task_id) if command.task_id else None
    _note(draft, key, "drafted", command.text, task)


def extend(draft: Draft, command: Command, key: str) -> None:
    """Give more time, once and for a reason: to an acknowledge, or to a task."""
    if command.task_id:
        _extend_task(draft, command, key)
    else:
        _extend_lease(draft, command, key)


def open_task(incident: Incident, task_id: str) -> Task:
    """Return an open task of an incident. IllegalMove says how it ended, or names the open ones."""
    task = _known(incident, task_id)
    if task.state != "open":
        ended = {"done": "已完成", "dropped": "已取消", "moved": "已随合并转走"}[task.state]
        raise IllegalMove(
            f"任务 {task.task_id} {ended}，不能再改 (task {task.task_id} is {task.state})"
        )
    return task


def hand_over(draft: Draft) -> dict[str, Any]:
    """Return what the event of a merge says: the open tasks go to the surviving incident."""
    named = [task.task_id for task in draft.incident.tasks if task.state == "open"]
    draft.stop("task")
    return {"handed_over": named} if named else {}


def take_over(draft: Draft, tasks: Iterable[Task]) -> dict[str, Any]:
    """Return what the surviving incident's event says: these tasks are its own now.

    Their owners know of them; nobody is told again.
    """
    number = len(draft.incident.tasks)
    taken = [
        encode_task(replace(task, task_id=f"t{number + n}")) for n, task in enumerate(tasks, 1)
    ]
    return {"tasks": taken} if taken else {}


def handed_over(merged: Incident) -> tuple[Task, ...]:
    """Return the tasks that an incident gave away with the merge that it ended in."""
    return tuple(
        task
        for task in merged.tasks
        if task.state == "moved" and task.ended_at == merged.updated_at
    )


def _made(draft: Draft, command: Command, kind: TaskKind) -> Task:
    incident, project, now = draft.incident, draft.scene.project, draft.now
    regions = draft.scene.regions
    function, owner_id = whose(project, command.owner_id, kind, incident, now, regions=regions)
    due_at = command.until or due_for(project, kind, incident, now)
    title, units = recall_of(draft, command)
    return Task(
        task_id=f"t{len(incident.tasks) + 1}",
        kind=kind,
        title=title,
        owner_id=owner_id,
        due_at=due_at,
        by=command.actor,
        function=function,
        units=units,
        given_at=now,
        next_at=warn_at(project, incident, now, due_at),
    )


def _tell_owner(draft: Draft, task: Task, told: Iterable[OwnerId]) -> None:
    project = draft.scene.project
    by, name = name_of(project, draft.actor), name_of(project, task.owner_id)
    function = f"（{function_name(project, task.function)}）" if task.function else ""
    draft.tell(
        Occasion.TASK,
        told,
        lambda owner: (
            f"{by}给{'你' if task.owner_id == owner.id else name}{function}安排了任务"
            f"“{task.kind.value}：{task.title}”，"
            f"请在 {clock_words(task.due_at, draft.now, owner.zone)} 前完成。"
        ),
    )


def _note(draft: Draft, key: str, kind: str, text: str, task: Task | None) -> None:
    values: dict[str, Any] = {"text": text.strip()}
    if task is not None:
        values |= {"task_id": task.task_id, "moves": {task.task_id: worked_on(draft, task)}}
    draft.record(kind, key=key, **values, **progress(draft))
    wait_for_progress(draft)
    if task is not None:
        wait_for_tasks(draft)


def _extend_lease(draft: Draft, command: Command, key: str) -> None:
    incident, reason = draft.incident, command.text.strip()
    if incident.extended == reason:
        return  # pressed twice
    until = incident.lease_until
    if incident.state is not IncidentState.ACKNOWLEDGED or until is None or incident.shelf:
        raise IllegalMove(
            f"事件 {incident.code} 现在没有进展期限可以延长；任务延期请写明任务编号 "
            "(no acknowledge to extend; name a task to extend its time)"
        )
    if incident.extended:
        raise IllegalMove(
            f"这次确认已经延长过一次（{incident.extended}）；写一条进展，计时就重新开始 "
            "(an acknowledge is extended once)"
        )
    longer = until + timedelta(seconds=incident.policy.ack_lease_s)
    draft.record(
        "lease_extended", key=key, lease_until=longer.isoformat(), extended=reason, text=reason
    )
    wait_for_progress(draft)


def _extend_task(draft: Draft, command: Command, key: str) -> None:
    incident, project, now = draft.incident, draft.scene.project, draft.now
    task, reason = open_task(incident, command.task_id), command.text.strip()
    if task.extended == reason:
        return  # pressed twice
    if task.extended:
        raise IllegalMove(
            f"任务 {task.task_id} 已经延过一次（{task.extended}）；办不了就取消或改派 "
            f"(task {task.task_id} is extended once only)"
        )
    due_at = command.until or due_for(project, task.kind, incident, max(now, task.due_at))
    if due_at <= max(now, task.due_at):
        raise IllegalMove("延期要晚于原来的期限和现在 (the new due time must be later)")
    moved = {
        "due_at": due_at.isoformat(),
        "next_at": warn_at(project, incident, now, due_at).isoformat(),
        "rounds": 0,
        "extended": reason,
    }
    draft.record(
        "task_extended",
        key=key,
        task_id=task.task_id,
        text=reason,
        moves={task.task_id: moved},
        **progress(draft),
    )
    wait_for_progress(draft)
    wait_for_tasks(draft)


def _end(draft: Draft, task: Task, key: str, kind: str, said: dict[str, Any]) -> None:
    draft.record(kind, key=key, task_id=task.task_id, **said, **progress(draft))
    wait_for_progress(draft)
    wait_for_tasks(draft)


def _known(incident: Incident, task_id: str) -> Task:
    found = next((task for task in incident.tasks if task.task_id == task_id), None)
    if found is None:
        known = "、".join(one.task_id for one in incident.tasks if one.state == "open")
        raise IllegalMove(
            f"事件 {incident.code} 没有任务 {task_id!r}，未完成的任务：{known or '无'} "
            f"(no task {task_id!r})"
        )
    return found
