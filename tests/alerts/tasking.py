"""Incidents with tasks, and what moves them: shared by the tests of tasks and of parts."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from alerts.incidents import Command, on_command, on_grade
from alerts.timers import on_timers
from config.schema import Project
from storage.records import (
    BatchSignal,
    BrandId,
    Change,
    Evidence,
    Incident,
    Level,
    TaskKind,
    Timer,
)
from tests.alerts.people import PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade

LINKS = PlainLinks()
FUNCTIONS: list[dict[str, Any]] = [
    {"id": "pr", "team": ["zhao"]},
    {"id": "service", "team": ["lin"]},
    {"id": "sales", "team": ["wu"]},
    {"id": "quality", "team": ["wu"], "lead": "chen"},
    {"id": "management", "team": ["sun"]},
]
PROJECT = make_project(functions=FUNCTIONS)
FRIDAY = NOW + timedelta(days=3)
HOUR = timedelta(hours=1)
EXAMPLES = int(os.environ.get("GROUNDSWELL_EXAMPLES", "12"))
DONE: dict[TaskKind, dict[str, Any]] = {
    TaskKind.GUIDE: {"text": "已在原帖下答复", "url": "https://weibo.example/1"},
    TaskKind.FIX: {"text": "原因：密封圈偏小；措施：第三批次停售"},
    TaskKind.SOLVE: {"text": "都换了新机", "counts": {"solved": 12}},
    TaskKind.CLARIFY: {"text": "官网说明", "url": "https://yunque.example/news/7"},
    TaskKind.CONTAIN: {
        "text": "帖子贴出了客户电话",
        "channel": "微博",
        "how": "privacy",
        "receipt": "WB20260308-17",
    },
}
SIGNAL = BatchSignal(
    brand_id=BrandId("yunque"), product="q3", kind="batch", value="2026-03", symptom="漏水",
    both=9, group=12, symptom_all=11, all=80, prr=5.0, prr_low=2.5, prr_high=9.9, ror=8.0,
    ror_low=3.0, ror_high=20.0, ebgm=4.0, eb05=2.4, first_at=NOW, last_at=NOW, name="云雀净水器Q3",
)  # fmt: skip
SEEN = make_evidence(batches=(SIGNAL,))


def raised(level: Level = Level.ORANGE, project: Project = PROJECT) -> Incident:
    change = on_grade(None, SEEN, make_grade(level), project, NOW, links=LINKS)
    assert change is not None
    return change.incident


def act(
    incident: Incident,
    name: str,
    now: Any = NOW,
    *,
    evidence: Evidence = SEEN,
    project: Project = PROJECT,
    **fields: Any,
) -> Change:
    command = Command(**({"name": name, "actor": "lin"} | fields))
    return on_command(incident, command, project, now, links=LINKS, evidence=evidence)


def given_task(incident: Incident, kind: TaskKind = TaskKind.FIX, **fields: Any) -> Change:
    return act(incident, "task", **({"task_kind": kind, "text": "逐台检测第三批次"} | fields))


def told(change: Change) -> list[str]:
    return [*dict.fromkeys(intent.recipient_id for intent in change.intents)]


def armed(change: Change) -> Timer:
    [timer] = [one for one in change.timers if one.kind == "task" and one.status == "pending"]
    return timer


def fire(change: Change, *, at: Any = None, project: Project = PROJECT) -> Change:
    timer = armed(change)
    return on_timers(change.incident, [timer], project, at or timer.due_at, links=LINKS)


def rounds_of(change: Change) -> list[Change]:
    """Let every round of the tasks come, until nothing waits."""
    found = []
    while any(one.kind == "task" and one.status == "pending" for one in change.timers):
        change = fire(change)
        found.append(change)
        assert len(found) < 60, "rounds must end"
    return found
