"""What people may do to an incident: a command in, a Change or a refusal with the way out.

There is no command to close one: only the customer's side ends it, by `confirm` with evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.acts import (
    ALL_TIMERS,
    ask_for_confirmation,
    escalate,
    hold_acknowledge,
    is_open,
    open_again,
    same_route,
    wait_for_progress,
)
from alerts.draft import Draft
from alerts.escalation import insert_step
from alerts.journal import encode_policy
from alerts.messages import Links, NoLinks, Occasion, Scene
from alerts.routing import name_of
from config.errors import GroundswellError
from config.schema import Project
from storage.records import (
    Change,
    Evidence,
    Incident,
    IncidentState,
    Mention,
    OwnerId,
    Timer,
    Verdict,
)


class CommandName(StrEnum):
    """The acts of the incident desk."""

    ACK = "ack"
    NOTE = "note"
    ASSIGN = "assign"
    ESCALATE = "escalate"
    SILENCE = "silence"
    HANDLED = "handled"
    CONFIRM = "confirm"
    REJECT = "reject"
    DISMISS = "dismiss"
    MERGE = "merge"
    SPLIT = "split"


_STATE_WORDS = {
    IncidentState.OPEN: "待确认",
    IncidentState.ACKNOWLEDGED: "已确认",
    IncidentState.HANDLED: "已处理，待客户确认",
    IncidentState.CLOSED: "已结案",
    IncidentState.MERGED: "已并入其他事件",
    IncidentState.DISMISSED: "已作为误报关闭",
}

_ALLOWED: dict[IncidentState, tuple[CommandName, ...]] = {
    IncidentState.OPEN: (
        CommandName.ACK,
        CommandName.NOTE,
        CommandName.ASSIGN,
        CommandName.ESCALATE,
        CommandName.SILENCE,
        CommandName.DISMISS,
        CommandName.MERGE,
    ),
    IncidentState.ACKNOWLEDGED: (
        CommandName.ACK,  # another person takes over
        CommandName.NOTE,
        CommandName.ASSIGN,
        CommandName.ESCALATE,
        CommandName.SILENCE,
        CommandName.HANDLED,
        CommandName.DISMISS,
        CommandName.MERGE,
    ),
    IncidentState.HANDLED: (
        CommandName.NOTE,
        CommandName.ASSIGN,
        CommandName.CONFIRM,
        CommandName.REJECT,
        CommandName.MERGE,
    ),
    IncidentState.CLOSED: (CommandName.NOTE,),
    IncidentState.DISMISSED: (CommandName.NOTE,),
    IncidentState.MERGED: (CommandName.NOTE, CommandName.SPLIT),
}

_NEEDS_TEXT = {
    CommandName.NOTE: ("进展内容", "what was done"),
    CommandName.HANDLED: ("处理情况", "what was done about it"),
    CommandName.CONFIRM: ("客户侧确认的依据", "the evidence of the customer's confirmation"),
    CommandName.REJECT: ("客户侧的反馈", "what the customer's side said"),
    CommandName.DISMISS: ("误报的理由", "the reason"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One act of one person. `actor` is an owner's id or a user's name.

    `text` is the note, evidence or reason; `owner_id` whom to assign to; `until` the end of a
    silence; `into` the incident to merge into. `command_id` makes feeding the same note,
    assignment, escalation or silence twice harmless; the other acts are so by the state itself.
    """

    name: CommandName | str
    actor: str
    text: str = ""
    owner_id: str = ""
    until: datetime | None = None
    into: Incident | None = None
    command_id: str = ""


class IllegalMove(GroundswellError):  # noqa: N818 - it is a refusal, not a fault
    """A command that the incident's state does not allow, or that lacks what it needs."""


def allowed_commands(incident: Incident) -> tuple[CommandName, ...]:
    """Return what people may do to an incident as it stands."""
    return _ALLOWED[incident.state]


def on_command(
    incident: Incident,
    command: Command,
    project: Project,
    now: datetime,
    *,
    evidence: Evidence | None = None,
    samples: Sequence[tuple[Mention, Verdict]] = (),
    links: Links | None = None,
) -> Change:
    """Carry out a command. A Change without events means that it was done already.

    Errors: IllegalMove, which names the state and what is allowed, or what the command lacks.
    """
    name = _checked(incident, command)
    scene = Scene(project=project, links=links or NoLinks(), evidence=evidence, samples=samples)
    draft = Draft(incident, scene, now, actor=command.actor)
    _ACTS[name](draft, command, f"command:{command.command_id}" if command.command_id else "")
    return draft.change(str(name))


def absorb(
    incident: Incident, merged: Incident, actor: str, project: Project, now: datetime
) -> Change:
    """Note on the surviving incident that another one was merged into it."""
    draft = Draft(incident, Scene(project=project, links=NoLinks()), now, actor=actor)
    draft.record("absorbed", other_id=merged.incident_id, code=merged.code)
    return draft.change("absorbed")


def _checked(incident: Incident, command: Command) -> CommandName:
    allowed = allowed_commands(incident)
    names = "、".join(allowed)
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
    if draft.incident.state is not IncidentState.ACKNOWLEDGED:
        draft.record("noted", key=key, text=command.text)
        return
    draft.record(
        "noted", key=key, text=command.text, lease_until=hold_acknowledge(draft).isoformat()
    )
    wait_for_progress(draft)


def _assign(draft: Draft, command: Command, key: str) -> None:
    project = draft.scene.project
    if project.owner(command.owner_id) is None:
        known = "、".join(owner.id for owner in project.owners)
        raise IllegalMove(
            f"没有负责人 {command.owner_id!r}，可选：{known} (no owner {command.owner_id!r})"
        )
    owner_id = OwnerId(command.owner_id)
    if owner_id == draft.incident.owner_id and not draft.incident.policy.held:
        return
    told = draft.people((owner_id,))
    values: dict[str, Any] = {"owner_id": owner_id, "text": command.text, "told": list(told)}
    incident = draft.incident
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
    draft.stop("step", "ack", "mute")
    draft.drop_unsent("handled")
    ask_for_confirmation(draft, "事件已标记为处理完毕。请向客户侧取得确认，并登记确认依据。")


def _confirm(draft: Draft, command: Command, key: str) -> None:
    del key  # the state itself makes a second press harmless
    draft.record("confirmed", text=command.text)
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("closed")
    told = [owner_id for owner_id in draft.incident.told if owner_id != command.actor]
    if told:
        why = "你收到过这个事件的通知，现在客户侧已确认解决。"
        draft.tell(Occasion.CLOSING, draft.people(told), lambda _: why)


def _reject(draft: Draft, command: Command, key: str) -> None:
    del key  # one epoch is rejected once: its own key recognises it
    incident, project = draft.incident, draft.scene.project
    choice = same_route(incident, project, draft.now)
    open_again(draft, "rejected", Occasion.REJECTED, choice, incident.level, text=command.text)


def _dismiss(draft: Draft, command: Command, key: str) -> None:
    del key  # the state itself makes a second press harmless
    draft.record("dismissed", text=command.text)
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("dismissed")


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
    draft.record("merged", merged_into=into.incident_id, text=command.text)
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("superseded")


def _split(draft: Draft, command: Command, key: str) -> None:
    del key  # a new epoch has a key of its own
    incident, project = draft.incident, draft.scene.project
    choice = same_route(incident, project, draft.now)
    text = command.text or "事件被重新拆分出来"
    open_again(draft, "split", Occasion.REOPENED, choice, incident.level, text=text)


_ACTS: dict[CommandName, Callable[[Draft, Command, str], None]] = {
    CommandName.ACK: _acknowledge,
    CommandName.NOTE: _note,
    CommandName.ASSIGN: _assign,
    CommandName.ESCALATE: _escalate,
    CommandName.SILENCE: _silence,
    CommandName.HANDLED: _handled,
    CommandName.CONFIRM: _confirm,
    CommandName.REJECT: _reject,
    CommandName.DISMISS: _dismiss,
    CommandName.MERGE: _merge,
    CommandName.SPLIT: _split,
}
