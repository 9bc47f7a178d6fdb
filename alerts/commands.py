"""What people may do to an incident: a command in, a Change or a refusal with the way out.

There is no command to close one: only the customer's side ends it, by `confirm` with evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from alerts.acts import (
    ALL_TIMERS,
    ask_for_confirmation,
    escalate,
    hold_acknowledge,
    is_open,
    known_owner,
    open_again,
    progress,
    same_route,
    wait_for_progress,
)
from alerts.command import Command, CommandName, IllegalMove, Published
from alerts.complainants import add_people, contact, give
from alerts.confirming import confirm
from alerts.draft import Draft
from alerts.escalation import insert_step
from alerts.false_alarms import false_alarm_named
from alerts.handover import accept, decline, is_possible, offer, unlock
from alerts.journal import OPEN_STATES, encode_policy
from alerts.levels import set_level
from alerts.messages import Links, NoLinks, Occasion, Scene
from alerts.not_mine import not_mine
from alerts.recall_parts import give_verdict, move_units
from alerts.routing import name_of
from alerts.shelf import put_on_shelf, take_off_shelf
from alerts.task_rounds import wait_for_tasks
from alerts.tasks import (
    drop_task,
    extend,
    finish_task,
    give_task,
    hand_over,
    handed_over,
    keep_draft,
    move_task,
    take_over,
)
from alerts.tiers import taken_over
from config.schema import Project
from storage.records import (
    Change,
    Complainant,
    Evidence,
    Grade,
    Incident,
    IncidentState,
    Level,
    Mention,
    Timer,
    Verdict,
)

_STATE_WORDS = {
    IncidentState.OPEN: "待确认",
    IncidentState.ACKNOWLEDGED: "已确认",
    IncidentState.HANDLED: "已处理，待客户确认",
    IncidentState.CLOSED: "已结案",
    IncidentState.MERGED: "已并入其他事件",
    IncidentState.DISMISSED: "已作为误报关闭",
}

_TASKS = (
    CommandName.TASK,
    CommandName.TASK_DONE,
    CommandName.TASK_DROP,
    CommandName.TASK_MOVE,
    CommandName.EXTEND,
    CommandName.DRAFT,
    CommandName.UNITS,
    CommandName.VERDICT,
)
_PEOPLE = (CommandName.CONTACT, CommandName.GIVE, CommandName.COMPLAINANTS)
_SEATS = (
    CommandName.HANDOVER,
    CommandName.ACCEPT,
    CommandName.DECLINE,
    CommandName.UNLOCK,
)
_ALLOWED: dict[IncidentState, tuple[CommandName, ...]] = {
    IncidentState.OPEN: (
        CommandName.ACK,
        CommandName.NOTE,
        CommandName.ASSIGN,
        CommandName.ESCALATE,
        CommandName.NOT_MINE,
        CommandName.GRADE,
        *_TASKS,
        *_PEOPLE,
        CommandName.SILENCE,
        CommandName.SHELVE,
        CommandName.DISMISS,
        CommandName.MERGE,
        *_SEATS,
    ),
    IncidentState.ACKNOWLEDGED: (
        CommandName.ACK,  # another person takes over
        CommandName.NOTE,
        CommandName.ASSIGN,
        CommandName.ESCALATE,
        CommandName.NOT_MINE,
        CommandName.GRADE,
        *_TASKS,
        *_PEOPLE,
        CommandName.SILENCE,
        CommandName.SHELVE,
        CommandName.HANDLED,
        CommandName.DISMISS,
        CommandName.MERGE,
        *_SEATS,
    ),
    IncidentState.HANDLED: (
        CommandName.NOTE,
        CommandName.ASSIGN,
        CommandName.GRADE,
        *_TASKS,
        *_PEOPLE,
        CommandName.CONFIRM,
        CommandName.REJECT,
        CommandName.MERGE,
        *_SEATS,
    ),
    # a cause may be put right after the customer has confirmed
    IncidentState.CLOSED: (CommandName.NOTE, *_TASKS, CommandName.REOPEN),
    IncidentState.DISMISSED: (CommandName.NOTE, *_TASKS[1:], CommandName.REOPEN),
    IncidentState.MERGED: (CommandName.NOTE, *_TASKS[1:], CommandName.SPLIT),
}
# On the shelf nobody is called, so there is nothing to acknowledge, escalate or silence.
_NOT_SHELVED = frozenset(
    {CommandName.ACK, CommandName.ESCALATE, CommandName.NOT_MINE, CommandName.SILENCE}
)

_NEEDS_TEXT = {
    CommandName.NOTE: ("进展内容", "what was done"),
    CommandName.HANDLED: ("处理情况", "what was done about it"),
    CommandName.CONFIRM: ("客户侧确认的依据", "the evidence of the customer's confirmation"),
    CommandName.REJECT: ("客户侧的反馈", "what the customer's side said"),
    CommandName.DISMISS: ("误报的理由", "the reason"),
    CommandName.REOPEN: ("重新打开的理由", "the reason"),
    CommandName.TASK: ("任务内容", "what is to be done"),
    CommandName.TASK_DONE: ("任务结果", "what came of it"),
    CommandName.TASK_DROP: ("不做的理由", "why it is dropped"),
    CommandName.TASK_MOVE: ("任务的进展", "how the task moved"),
    CommandName.EXTEND: ("延长的理由", "why more time is needed"),
    CommandName.DRAFT: ("草稿", "the draft"),
    CommandName.VERDICT: ("结论的依据", "what the verdict rests on"),
    CommandName.SHELVE: ("已知情况和解决安排", "what is known and when it is solved"),
    CommandName.HANDOVER: ("移交的理由", "why it is handed over"),
    CommandName.DECLINE: ("不接受的理由", "the reason"),
    CommandName.UNLOCK: ("解除锁定的理由", "the reason"),
}


def allowed_commands(incident: Incident) -> tuple[CommandName, ...]:
    """Return what people may do to an incident as it stands."""
    allowed = _ALLOWED[incident.state]
    if incident.level >= Level.RED:  # red is never held (alerting.md 4)
        allowed = tuple(name for name in allowed if name is not CommandName.SILENCE)
    allowed = tuple(name for name in allowed if name not in _SEATS or is_possible(incident, name))
    if incident.shelf is None or incident.state not in OPEN_STATES:
        return allowed
    return (*(name for name in allowed if name not in _NOT_SHELVED), CommandName.UNSHELVE)


def on_command(
    incident: Incident,
    command: Command,
    project: Project,
    now: datetime,
    *,
    evidence: Evidence | None = None,
    samples: Sequence[tuple[Mention, Verdict]] = (),
    links: Links | None = None,
    grade: Grade | None = None,
    beside: Sequence[Incident] = (),
    complainants: Iterable[Complainant] = (),
    published: Sequence[Published] = (),
    answered: str = "",
) -> Change:
    """Carry out a command. A Change without events means that it was done already.

    `grade` is the program's judgement of this instant, for a level that is set by hand. `beside`
    are the other open incidents of the same cluster: with one of them, none comes back.
    `complainants` are those whom the command may name (for a confirmation: all of the incident),
    `published` the answers in public that are recorded; `answered` how long the first took.
    Errors: IllegalMove, which names the state and what is allowed, or what the command lacks.
    """
    name = _checked(incident, command)
    scene = Scene(
        project=project,
        links=links or NoLinks(),
        evidence=evidence,
        samples=samples,
        answered=answered,
    )
    draft = Draft(incident, scene, now, actor=command.actor)
    draft.complainants = {one.complainant_id: one for one in complainants}
    draft.published = tuple(published)
    if name in {CommandName.SPLIT, CommandName.REOPEN} and beside:
        raise IllegalMove(_beside_words(incident, name, beside[0]))
    key = f"command:{command.command_id}" if command.command_id else ""
    if name is CommandName.GRADE:
        set_level(draft, command, key, grade)
    else:
        _ACTS[name](draft, command, key)
    return draft.change(str(name))


def absorb(
    incident: Incident, merged: Incident, actor: str, project: Project, now: datetime
) -> Change:
    """Note on the surviving incident that another one was merged into it."""
    draft = Draft(incident, Scene(project=project, links=NoLinks()), now, actor=actor)
    tasks = take_over(draft, handed_over(merged))
    customers = taken_over(incident, merged, project)
    draft.record("absorbed", other_id=merged.incident_id, code=merged.code, **tasks, **customers)
    if tasks:
        wait_for_tasks(draft)
    return draft.change("absorbed")


def _checked(incident: Incident, command: Command) -> CommandName:
    allowed = allowed_commands(incident)
    names = "、".join(allowed)
    is_red = incident.level >= Level.RED and is_open(incident)
    if command.name == CommandName.SILENCE and is_red:
        raise IllegalMove(
            f"{incident.code} 是红级事件，通知从不静默；已知的误判请用 grade 降级并写明理由 "
            "(red is never silenced)"
        )
    if command.name not in allowed:
        raise IllegalMove(
            f"事件 {incident.code} 当前“{_STATE_WORDS[incident.state]}”，不能执行 {command.name}；"
            f"可以执行：{names} (state {incident.state} does not allow {str(command.name)!r})"
        )
    name = CommandName(command.name)
    zh, english = _NEEDS_TEXT.get(name, ("", ""))
    if zh and not command.text.strip():
        raise IllegalMove(f"{name} 需要写明{zh} ({name} needs a text: {english})")
    return name


def _beside_words(incident: Incident, name: CommandName, other: Incident) -> str:
    return (
        f"事件 {incident.code} 与未了结的 {other.code} 是同一个聚类，不能 {name}："
        f"请在 {other.code} 上处理；如果聚类合并错了，先撤销合并（groundswell cluster undo），"
        f"事件会随之恢复 (its cluster has an open incident, {other.code})"
    )


def _acknowledge(draft: Draft, command: Command, key: str) -> None:
    del key  # the state itself makes a second press harmless
    incident = draft.incident
    if incident.state is IncidentState.ACKNOWLEDGED and incident.acknowledged_by == command.actor:
        return  # pressed twice
    draft.record("acknowledged", lease_until=hold_acknowledge(draft).isoformat())
    draft.stop("step")
    draft.drop_unsent("acknowledged")
    wait_for_progress(draft)


def _note(draft: Draft, command: Command, key: str) -> None:
    draft.record("noted", key=key, text=command.text, **progress(draft))
    wait_for_progress(draft)


def _assign(draft: Draft, command: Command, key: str) -> None:
    project = draft.scene.project
    owner_id = known_owner(project, command.owner_id)
    if owner_id == draft.incident.owner_id and not draft.incident.policy.held:
        return
    told = draft.people((owner_id,), anew=True)
    values: dict[str, Any] = {"owner_id": owner_id, "text": command.text, "told": list(told)}
    incident = draft.incident
    if owner_id in incident.declined:  # a colleague thinks it is his after all
        values["declined"] = [one for one in incident.declined if one != owner_id]
    if incident.state is IncidentState.OPEN:  # the new owner gets his own time to acknowledge
        policy = insert_step(incident.policy, incident.step, told)
        values |= {"policy": encode_policy(policy), "step": incident.step + 1}
    draft.record("assigned", key=key, **values)
    by = name_of(project, command.actor)
    to = name_of(project, owner_id)
    said = f"：{command.text}" if command.text else ""
    draft.tell(Occasion.ASSIGNED, told, lambda _: f"{by}把事件转给{to}{said}。")


def _escalate(draft: Draft, command: Command, key: str) -> None:
    escalate(draft, 1, "escalated", Occasion.ESCALATION, key=key, text=command.text)


def _silence(draft: Draft, command: Command, key: str) -> None:
    until = command.until
    if until is None or until <= draft.now:
        raise IllegalMove("静默需要一个将来的结束时间 (silence needs an end in the future)")
    draft.record("silenced", key=key, muted_until=until.isoformat(), text=command.text)
    draft.stop("step")
    draft.drop_unsent("silenced")
    incident = draft.incident
    draft.wait(
        Timer(
            incident_id=incident.incident_id,
            epoch=incident.epoch,
            kind="mute",
            step=incident.seq,  # silences may follow each other; the event's number is unique
            due_at=until,
        )
    )


def _handled(draft: Draft, command: Command, key: str) -> None:
    del key  # the state itself makes a second press harmless
    draft.record("handled", text=command.text)
    draft.stop("step", "ack", "mute", "shelf")
    draft.drop_unsent("handled")
    ask_for_confirmation(draft, "事件已标记为处理完毕。请向客户侧取得确认，并登记确认依据。")


def _reject(draft: Draft, command: Command, key: str) -> None:
    del key  # one epoch is rejected once: its own key recognises it
    incident = draft.incident
    choice = same_route(draft)
    open_again(draft, "rejected", Occasion.REJECTED, choice, incident.level, text=command.text)


def _dismiss(draft: Draft, command: Command, key: str) -> None:
    del key  # the state itself makes a second press harmless
    draft.record("dismissed", text=command.text, how=str(false_alarm_named(command.how)))
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("dismissed")


def _reopen(draft: Draft, command: Command, key: str) -> None:
    del key  # a new epoch has a key of its own
    incident = draft.incident
    choice = same_route(draft)
    level = max(Level.BLUE, incident.level)
    open_again(draft, "reopened", Occasion.REOPENED, choice, level, text=command.text)


def _merge(draft: Draft, command: Command, key: str) -> None:
    del key  # the state itself makes a second press harmless
    incident, into = draft.incident, command.into
    if into is None or into.incident_id == incident.incident_id:
        raise IllegalMove("合并需要另一个事件作为目标 (merge needs another incident to merge into)")
    if into.brand_id != incident.brand_id:
        raise IllegalMove(
            f"{incident.code} 与 {into.code} 属于不同品牌，不能合并 (different brands)"
        )
    if not is_open(into):
        raise IllegalMove(
            f"目标事件 {into.code} 当前“{_STATE_WORDS[into.state]}”，只能并入未结束的事件 "
            f"(target is {into.state})"
        )
    tasks = hand_over(draft)
    draft.record("merged", merged_into=into.incident_id, text=command.text, **tasks)
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("superseded")


def _split(draft: Draft, command: Command, key: str) -> None:
    del key  # a new epoch has a key of its own
    incident = draft.incident
    choice = same_route(draft)
    text = command.text or "事件被重新拆分出来"
    open_again(draft, "split", Occasion.REOPENED, choice, incident.level, text=text)


_ACTS: dict[CommandName, Callable[[Draft, Command, str], None]] = {
    CommandName.ACK: _acknowledge,
    CommandName.NOTE: _note,
    CommandName.ASSIGN: _assign,
    CommandName.ESCALATE: _escalate,
    CommandName.NOT_MINE: not_mine,
    CommandName.TASK: give_task,
    CommandName.TASK_DONE: finish_task,
    CommandName.TASK_DROP: drop_task,
    CommandName.TASK_MOVE: move_task,
    CommandName.EXTEND: extend,
    CommandName.DRAFT: keep_draft,
    CommandName.UNITS: move_units,
    CommandName.VERDICT: give_verdict,
    CommandName.SILENCE: _silence,
    CommandName.SHELVE: put_on_shelf,
    CommandName.UNSHELVE: take_off_shelf,
    CommandName.HANDLED: _handled,
    CommandName.CONTACT: contact,
    CommandName.COMPLAINANTS: add_people,
    CommandName.GIVE: give,
    CommandName.CONFIRM: confirm,
    CommandName.REJECT: _reject,
    CommandName.DISMISS: _dismiss,
    CommandName.REOPEN: _reopen,
    CommandName.MERGE: _merge,
    CommandName.SPLIT: _split,
    CommandName.HANDOVER: offer,
    CommandName.ACCEPT: accept,
    CommandName.DECLINE: decline,
    CommandName.UNLOCK: unlock,
}
