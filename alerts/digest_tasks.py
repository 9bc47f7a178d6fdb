"""Overdue tasks in a digest: facts of the day in, one line a task out."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.digest_lines import Desk, person, short
from alerts.tasks import overdue
from storage.records import DigestItem, Incident, Task

TITLE = "逾期任务"
ENGLISH = "Overdue tasks"


def task_items(desk: Desk, mine: Sequence[Incident]) -> list[DigestItem]:
    """Name the overdue tasks of these incidents and the reader's own, the longest overdue first."""
    found = [
        (task, incident)
        for incident in desk.facts.incidents
        for task in overdue(incident.tasks, desk.now)
        if incident in mine or task.owner_id == desk.owner.id
    ]
    return [
        _item(task, incident, desk)
        for task, incident in sorted(found, key=lambda one: (one[0].due_at, one[0].task_id))
    ]


def _item(task: Task, incident: Incident, desk: Desk) -> DigestItem:
    mine = "（您）" if task.owner_id == desk.owner.id else ""
    who = f"{person(task.owner_id, desk)}{mine}"
    return DigestItem(
        incident_id=None,
        code="",
        level=incident.level,
        title=f"{task.kind.value}：{short(task.title)}",
        text=f"{incident.code}，应在 {desk.clock(task.due_at)} 前完成，{who}",
        owner_id=task.owner_id,
        path=f"/incidents/{incident.incident_id}",
    )
