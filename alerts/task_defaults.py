"""What a task is when nobody says more: whose, until when; and which tasks a level asks for.

In: an incident, the project and an instant. Out: a function with its holder, an instant,
suggestions with their reason. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.batches import RAISING
from alerts.command import IllegalMove
from alerts.functions import function_name, holder, speaker_of
from alerts.routing import name_of
from alerts.service_clock import instant_after, seconds_between
from config.schema import Project
from config.task_schema import TaskRules
from storage.records import BatchSignal, Incident, Level, OwnerId, Task, TaskKind

TITLES = {
    TaskKind.GUIDE: "在原帖下给出官方答复，说明处理进展",
    TaskKind.FIX: "查明原因，定出整改措施",
    TaskKind.SOLVE: "逐位联系投诉人，给出解决办法",
    TaskKind.CLARIFY: "发布官方说明",
    TaskKind.CONTAIN: "对侵权或泄露隐私的内容，依法向平台投诉",
}
RECALL = "收回故障件"

# What each level asks for, the next one always more: alerting.md 4 asks yellow for an answer to the
# customer within hours, orange for a public position, red for facts and the press.
_ASKED = {
    Level.BLUE: (TaskKind.SOLVE,),
    Level.YELLOW: (TaskKind.SOLVE, TaskKind.GUIDE),
    Level.ORANGE: (TaskKind.SOLVE, TaskKind.FIX, TaskKind.GUIDE, TaskKind.CLARIFY),
    Level.RED: tuple(TaskKind),
}
# Beside the signal that it takes: enough to see whether the parts fail alike, few enough to get
# (the three authors who make a signal and two more).
PARTS_WANTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A task that the level asks for: whose it would be, until when, and why it is suggested."""

    kind: TaskKind
    title: str
    function: str
    owner_id: OwnerId
    due_at: datetime
    reason: str
    wanted: int = 0  # failed parts to call back
    signal: str = ""  # key of the batch signal that asks for them


def rules_for(project: Project, kind: TaskKind) -> TaskRules:
    """Return what is configured for a kind of task."""
    rules: TaskRules = getattr(project.tasks, kind.name.lower())
    return rules


def function_of(project: Project, kind: TaskKind, issue_class: str) -> str:
    """Return the function a kind of task goes to; a statement goes to who speaks of that class."""
    return rules_for(project, kind).function or speaker_of(project, issue_class)


def whose(
    project: Project,
    named: str,
    kind: TaskKind,
    incident: Incident,
    now: datetime,
    *,
    regions: Sequence[str] = (),
) -> tuple[str, OwnerId]:
    """Return the function and the person a task goes to.

    `named` is a person, a roster or a function; "" takes the kind's own function, and where nobody
    fills that the incident's owner.
    Errors: IllegalMove when there is nobody of that name, or nobody fills what was named.
    """
    if not named:
        function = function_of(project, kind, incident.issue_class)
        found = holder(project, function, now, regions=regions)
        return (function, found) if found else ("", incident.owner_id)
    if project.owner(named) is not None:
        return "", OwnerId(named)
    if project.function(named) is None:
        known = "、".join(
            [*(one.id for one in project.owners), *(one.id for one in project.functions)]
        )
        raise IllegalMove(f"没有负责人 {named!r}，可选：{known} (no owner {named!r})")
    found = holder(project, named, now, regions=regions)
    if not found:
        name = function_name(project, named)
        raise IllegalMove(
            f"“{name}”此刻没有人，也没有人代行：请指定一个人 (nobody fills function {named!r})"
        )
    return named, found


def due_for(project: Project, kind: TaskKind, incident: Incident, since: datetime) -> datetime:
    """Return until when a task of this kind may take at the incident's level.

    Counted in the incident's service hours where a service is promised, else on the wall.
    """
    named = (incident.level or Level.BLUE).name.lower()
    length: timedelta = getattr(rules_for(project, kind).due, named)
    service = incident.policy.service
    if service is None:
        return since + length
    return instant_after(service, since, length.total_seconds()) or since + length


def warn_at(project: Project, incident: Incident, since: datetime, due_at: datetime) -> datetime:
    """Return when the one reminder before the due time comes: `warn_left` of the time is left."""
    left = project.tasks.warn_left
    service = incident.policy.service
    if service is not None:
        whole = seconds_between(service, since, due_at)
        at = instant_after(service, since, whole * (1 - left)) if whole > 0 else None
        if at is not None and since < at < due_at:
            return at
    return since + (due_at - since) * (1 - left)


def suggestions(
    incident: Incident,
    project: Project,
    now: datetime,
    *,
    signals: Sequence[BatchSignal] = (),
    regions: Sequence[str] = (),
) -> tuple[Suggestion, ...]:
    """Return the tasks that the level asks for and nobody has given yet in this round.

    From orange up a batch signal that may set a level asks for failed parts, first of all.
    """
    if not incident.at_work:
        return ()
    since = incident.returned_at or incident.opened_at
    given = {one.kind for one in incident.tasks if one.units is None and _counts(one, since)}
    asked = [kind for kind in _ASKED[incident.level or Level.BLUE] if kind not in given]
    return (
        *_recall(incident, project, now, signals, regions),
        *(_suggestion(incident, project, now, kind, regions) for kind in asked),
    )


def signal_key(signal: BatchSignal) -> str:
    """Return by what a batch signal is known again: brand, product, kind, value, symptom."""
    return f"{signal.brand_id}|{signal.product}|{signal.kind}|{signal.value}|{signal.symptom}"


def _counts(task: Task, since: datetime) -> bool:
    """Say whether a task still answers for its kind: dropped ones, and those of before, do not."""
    return task.state == "open" or (
        task.state == "done" and task.ended_at is not None and task.ended_at >= since
    )


def _recall(
    incident: Incident,
    project: Project,
    now: datetime,
    signals: Iterable[BatchSignal],
    regions: Sequence[str],
) -> Iterable[Suggestion]:
    known = {one.units.signal for one in incident.tasks if one.units is not None}
    first = next((one for one in signals if one.kind in RAISING), None)
    if incident.level < Level.ORANGE or first is None or signal_key(first) in known:
        return ()
    made = _suggestion(incident, project, now, TaskKind.FIX, regions)
    return (
        Suggestion(
            kind=TaskKind.FIX,
            title=RECALL,
            function=made.function,
            owner_id=made.owner_id,
            due_at=made.due_at,
            reason="有批次信号：收回几件实物来看，才知道是不是批次问题",
            wanted=PARTS_WANTED,
            signal=signal_key(first),
        ),
    )


def _suggestion(
    incident: Incident,
    project: Project,
    now: datetime,
    kind: TaskKind,
    regions: Sequence[str],
) -> Suggestion:
    function, owner_id = whose(project, "", kind, incident, now, regions=regions)
    level = incident.level or Level.BLUE
    by = function_name(project, function) if function else name_of(project, owner_id)
    return Suggestion(
        kind=kind,
        title=TITLES[kind],
        function=function,
        owner_id=owner_id,
        due_at=due_for(project, kind, incident, now),
        reason=f"{level.zh}级的默认任务，默认由{by}负责",
    )
