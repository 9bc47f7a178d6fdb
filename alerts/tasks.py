"""Tasks of an incident: given, done or dropped by people; a due one is said to its owner once.

Every move of a task is progress: it renews an acknowledge like a note does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.acts import known_owner, progress, wait_for_progress
from alerts.command import Command, IllegalMove
from alerts.draft import Draft
from alerts.journal_values import encode_task
from alerts.messages import Occasion, clock_words
from alerts.routing import name_of
from storage.records import Incident, OwnerId, Task, TaskKind, Timer


def overdue(tasks: Sequence[Task], now: datetime) -> list[Task]:
    """Return the open tasks whose time is over, the longest overdue first."""
    late = [task for task in tasks if task.state == "open" and task.due_at <= now]
    return sorted(late, key=lambda task: (task.due_at, task.task_id))


def give_task(draft: Draft, command: Command, key: str) -> None:
    """Add a task; its owner hears of it unless he gave it to himself.

    Its timer outlives epochs and the incident's end: a cause may be put right after the closing.
    """
    incident, project = draft.incident, draft.scene.project
    kinds = "、".join(kind.value for kind in TaskKind)
    if command.task_kind is None:
        raise IllegalMove(f"任务需要类别：{kinds} (task needs a kind)")
    if command.until is None or command.until <= draft.now:
        raise IllegalMove("任务需要一个将来的完成期限 (task needs a due time in the future)")
    owner_id = known_owner(project, command.owner_id or incident.owner_id)
    number = len(incident.tasks) + 1
    task = Task(
        task_id=f"t{number}",
        kind=command.task_kind,
        title=command.text.strip(),
        owner_id=owner_id,
        due_at=command.until,
        by=command.actor,
    )
    told = () if owner_id == command.actor else draft.people((owner_id,))
    draft.record("task_set", key=key, task=encode_task(task), told=list(told), **progress(draft))
    wait_for_progress(draft)
    draft.wait_too(
        Timer(
            incident_id=incident.incident_id,
            epoch=incident.epoch,
            kind="task",
            step=number,
            due_at=task.due_at,
        )
    )
    by = name_of(project, command.actor)
    draft.tell(
        Occasion.TASK,
        told,
        lambda owner: (
            f"{by}给{_whom(task, owner.id, name_of(project, owner_id))}安排了任务"
            f"“{task.kind.value}：{task.title}”，"
            f"请在 {clock_words(task.due_at, draft.now, owner.zone)} 前完成。"
        ),
    )


def finish_task(draft: Draft, command: Command, key: str) -> None:
    """Note that a task is done."""
    _end(draft, command, key, "task_done")


def drop_task(draft: Draft, command: Command, key: str) -> None:
    """Note that a task is not needed any more, and why."""
    _end(draft, command, key, "task_dropped")


def remind_of_task(draft: Draft, timer: Timer, key: str) -> bool:
    """Tell the owner of a due task, once; False when it has ended meanwhile."""
    incident, project = draft.incident, draft.scene.project
    task = _found(incident, f"t{timer.step}")
    if task is None or task.state != "open":
        return False
    told = draft.people((task.owner_id,))
    draft.record("task_due", key=key, task_id=task.task_id, told=list(told))
    draft.wait_too(replace(timer, status="done"))
    name = name_of(project, task.owner_id)
    draft.tell(
        Occasion.TASK_DUE,
        told,
        lambda owner: (
            f"{_whom(task, owner.id, name)}的任务“{task.kind.value}：{task.title}”到期了，"
            "还没有登记完成。请登记结果，或说明为什么不做。"
        ),
    )
    return True


def _end(draft: Draft, command: Command, key: str, kind: str) -> None:
    incident = draft.incident
    task = _found(incident, command.task_id)
    if task is None:
        known = "、".join(one.task_id for one in incident.tasks if one.state == "open")
        raise IllegalMove(
            f"事件 {incident.code} 没有任务 {command.task_id!r}，未完成的任务：{known or '无'} "
            f"(no task {command.task_id!r})"
        )
    if task.state != "open":
        return  # pressed twice, or somebody was quicker
    values: dict[str, Any] = {"task_id": task.task_id, "text": command.text.strip()}
    draft.record(kind, key=key, **values, **progress(draft))
    wait_for_progress(draft)


def _found(incident: Incident, task_id: str) -> Task | None:
    return next((task for task in incident.tasks if task.task_id == task_id), None)


def _whom(task: Task, reader: OwnerId | str, name: str) -> str:
    return "你" if task.owner_id == reader else name
