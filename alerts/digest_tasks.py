"""Overdue tasks in a digest: facts of the day in, one line a task out."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.digest_lines import Desk, person, short
from alerts.tasks import overdue
from storage.records import DigestFacts, DigestItem, Incident, Task

TITLE = "逾期任务"
ENGLISH = "Overdue tasks"


def task_items(desk: Desk, mine: Sequence[Incident]) -> list[DigestItem]:
    """Name the overdue tasks of these incidents and the reader's own, the longest overdue first."""
    found = [
        (task, incident)
        for incident in (*desk.facts.incidents, *desk.facts.late_tasks)
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
        text=f"{incident.code}，应在 {desk.clock(task.due_at)} 前完成，{who}{_rounds(task)}",
        owner_id=task.owner_id,
        path=f"/incidents/{incident.incident_id}",
    )


def _rounds(task: Task) -> str:
    return f"，已催 {task.rounds} 轮" if task.rounds else ""


def verdict_lines(facts: DigestFacts) -> tuple[tuple[str, str], ...]:
    """Say what became of batch signals so far; nothing before parts of one were called back."""
    if not facts.verdicts:
        return ()
    true, false, undecided = (
        sum(getattr(one, name) for one in facts.verdicts) for name in ("true", "false", "undecided")
    )
    decided = true + false
    share = f"（已有结论的 {decided} 个里占 {true / decided:.0%}）" if decided else ""
    return (("批次信号复核", f"是批次问题 {true} 个{share}，不是 {false} 个，未定 {undecided} 个"),)
