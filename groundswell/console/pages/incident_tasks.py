"""The tasks of an incident on its page: suggested ones, open and ended ones, drafts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerts.batches import RAISING
from alerts.commands import allowed_commands
from alerts.functions import function_name
from alerts.recall_parts import VERDICTS
from alerts.task_defaults import PARTS_WANTED, RECALL, signal_key, suggestions
from alerts.task_evidence import GROUNDS, NEEDED
from alerts.task_rounds import ladder, next_word
from groundswell.console import words
from groundswell.console.base import Console
from storage.queries import Queries
from storage.records import Incident, IncidentEvent, IncidentState, Level, Task

# Forms that stand beside a task or a draft, not among what can be done to the incident.
OF_TASKS = frozenset({"task_done", "task_drop", "task_move", "extend", "draft", "units", "verdict"})
_DRAFTS_SHOWN = 3


def task_facts(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> dict[str, Any] | None:
    """Return what the part shows; None where there is nothing to do and nothing was done."""
    project = console.project
    allowed = {str(name) for name in allowed_commands(incident)}
    suggested = suggestions(incident, project, now) if "task" in allowed else ()
    drafts = _drafts(queries.incident_events(incident.incident_id))
    if not (incident.tasks or suggested or drafts):
        return None
    recalled = {task.units.signal for task in incident.tasks if task.units}
    return {
        "tasks": sorted(incident.tasks, key=lambda task: (task.state != "open", task.due_at)),
        "suggested": suggested,
        "recall": {
            "is_offered": incident.at_work and incident.level >= Level.ORANGE,
            "raising": RAISING,
            "key": signal_key,
            "known": recalled,
            "title": RECALL,
            "wanted": PARTS_WANTED,
        },
        "acts": {name: words.ACTIONS[name] for name in OF_TASKS if name in allowed},
        "may_extend": incident.state is IncidentState.ACKNOWLEDGED and not incident.extended,
        "needed": NEEDED,
        "grounds": GROUNDS,
        "verdicts": VERDICTS,
        "said": {task.task_id: _said(task, incident, console) for task in incident.tasks},
        "drafts": drafts,
    }


def _said(task: Task, incident: Incident, console: Console) -> dict[str, Any]:
    """Return what stands beside a task: its function, and how its rounds stand."""
    name = function_name(console.project, task.function) if task.function else ""
    at = next_word(task)
    return {
        "function": name,
        "rounds": len(ladder(incident, task, console.project)) if task.state == "open" else 0,
        "next_at": at if task.rounds else None,
    }


def _drafts(events: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    found = [event for event in events if event.kind == "drafted"]
    return found[::-1][:_DRAFTS_SHOWN]
