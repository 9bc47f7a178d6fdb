"""收回故障件: from a batch signal to failed parts, looked at, and a verdict that labels the signal.

以换代修 brings parts back; only looking at them tells whether a batch is to blame. In: commands.
Out: events with the counts; the verdict is what the precision of signals is counted from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alerts.acts import progress, wait_for_progress
from alerts.batches import group_words
from alerts.command import Command, IllegalMove
from alerts.draft import Draft
from alerts.journal_values import encode_units
from alerts.task_defaults import RECALL, signal_key
from alerts.task_rounds import wait_for_tasks, worked_on
from storage.records import BatchSignal, Task, TaskKind, Units

COUNTS = ("wanted", "received", "analysed")
VERDICTS = {"batch": "是批次问题", "no_batch": "不是批次问题"}
_MOST = 10_000  # parts: beyond, it is a typing mistake


def recall_of(draft: Draft, command: Command) -> tuple[str, Units | None]:
    """Return a new task's title and its units: those of a recall when parts are wanted, else None.

    Errors: IllegalMove when it is no 排查整改, no batch signal stands behind it, or one runs.
    """
    title = command.text.strip()
    if not command.counts:
        return title, None
    wanted = command.counts.get("wanted", 0)
    if command.task_kind is not TaskKind.FIX or set(command.counts) != {"wanted"}:
        raise IllegalMove(
            "收回故障件是一项排查整改，只写要收回多少件 (a recall is a fix with counts.wanted)"
        )
    if not 1 <= wanted <= _MOST:
        raise IllegalMove(f"要收回 1 到 {_MOST} 件，写的是 {wanted} (wanted: 1 to {_MOST})")
    signal = _signal(draft, command.how)
    key = signal_key(signal)
    for task in draft.incident.tasks:
        if task.units is not None and task.units.signal == key and task.state == "open":
            raise IllegalMove(
                f"这个批次信号已有任务 {task.task_id} (task {task.task_id} is about this signal)"
            )
    if title in {"", RECALL}:
        title = f"{RECALL}：{group_words(signal)}，{signal.symptom}"
    return title, Units(wanted=wanted, signal=key)


def move_units(draft: Draft, command: Command, key: str) -> None:
    """Note how many parts are wanted, received and analysed now."""
    task, units = _of(draft, command.task_id)
    if task.state != "open":
        raise IllegalMove(f"任务 {task.task_id} 已结束 (task {task.task_id} is {task.state})")
    unknown = sorted(set(command.counts) - set(COUNTS))
    if unknown or not command.counts:
        raise IllegalMove(
            "请写件数：wanted 要收回、received 已收到、analysed 已分析 "
            f"(counts: {', '.join(COUNTS)})"
        )
    said = {name: command.counts.get(name, getattr(units, name)) for name in COUNTS}
    moved = replace(
        units, wanted=said["wanted"], received=said["received"], analysed=said["analysed"]
    )
    if moved == units:
        return  # sent twice
    _check(units, moved, command.text.strip())
    _record(draft, key, "units_moved", task, moved, text=command.text.strip())


def give_verdict(draft: Draft, command: Command, key: str) -> None:
    """Say whether it is the batch; it may be corrected later, the last word holds."""
    task, units = _of(draft, command.task_id)
    if task.state in {"dropped", "moved"}:
        raise IllegalMove(f"任务 {task.task_id} 已结束 (task {task.task_id} is {task.state})")
    if command.how not in VERDICTS:
        known = "、".join(f"{name} {zh}" for name, zh in VERDICTS.items())
        raise IllegalMove(f"没有结论 {command.how!r}，可选：{known} (no verdict {command.how!r})")
    if units.analysed < 1:
        raise IllegalMove(
            f"任务 {task.task_id} 还没有分析过一件，不能下结论：先用 units 登记 "
            "(no part was analysed yet)"
        )
    if units.verdict == command.how:
        return  # said twice
    moved = replace(units, verdict=command.how)
    _record(
        draft,
        key,
        "verdict_given",
        task,
        moved,
        text=f"{VERDICTS[command.how]}：{command.text.strip()}",
        verdict=command.how,
        signal=units.signal,
    )


def _check(before: Units, after: Units, reason: str) -> None:
    """Refuse counts that cannot be, or that need a word."""
    if after.wanted < 1 or max(after.wanted, after.received) > _MOST:
        raise IllegalMove(f"件数应在 1 到 {_MOST} 之间 (counts: 1 to {_MOST})")
    if after.analysed > after.received:
        raise IllegalMove(
            f"分析了 {after.analysed} 件，但只收到 {after.received} 件 "
            "(no more parts can be analysed than were received)"
        )
    if before.verdict and after.analysed < 1:
        raise IllegalMove("已有结论，至少分析过一件 (a verdict stands on one part at least)")
    fewer = [name for name in COUNTS if getattr(after, name) < getattr(before, name)]
    if fewer and not reason:
        raise IllegalMove(f"件数减少（{'、'.join(fewer)}）要写明理由 (fewer parts need a reason)")
    if after.received > after.wanted and not reason:
        raise IllegalMove(
            f"收到 {after.received} 件，多于要收回的 {after.wanted} 件：请写明情况 "
            "(more received than wanted: say why)"
        )


def _record(draft: Draft, key: str, kind: str, task: Task, units: Units, **said: Any) -> None:
    moved = {"units": encode_units(units), **worked_on(draft, task)}
    draft.record(
        kind, key=key, task_id=task.task_id, moves={task.task_id: moved}, **said, **progress(draft)
    )
    wait_for_progress(draft)
    wait_for_tasks(draft)


def _signal(draft: Draft, named: str) -> BatchSignal:
    evidence = draft.scene.evidence
    found = evidence.batches if evidence else ()
    for one in found:
        if not named or signal_key(one) == named:
            return one
    raise IllegalMove(
        f"事件 {draft.incident.code} 现在没有{'这个' if named else ''}批次信号，"
        "不能据此收回故障件；可以派一项排查整改 (no batch signal stands behind this incident)"
    )


def _of(draft: Draft, task_id: str) -> tuple[Task, Units]:
    found = next((one for one in draft.incident.tasks if one.task_id == task_id), None)
    if found is None or found.units is None:
        known = "、".join(one.task_id for one in draft.incident.tasks if one.units is not None)
        raise IllegalMove(
            f"事件 {draft.incident.code} 没有收回故障件的任务 {task_id!r}，有：{known or '无'} "
            f"(no task to call back parts: {task_id!r})"
        )
    return found, found.units
