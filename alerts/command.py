"""What a person may ask of an incident: the command, and the refusal that names the way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from config.errors import GroundswellError
from storage.records import Incident, Level, TaskKind


class CommandName(StrEnum):
    """The acts of the incident desk."""

    ACK = "ack"
    NOTE = "note"
    ASSIGN = "assign"
    ESCALATE = "escalate"
    NOT_MINE = "not_mine"
    GRADE = "grade"
    TASK = "task"
    TASK_DONE = "task_done"
    TASK_DROP = "task_drop"
    TASK_MOVE = "task_move"
    EXTEND = "extend"
    DRAFT = "draft"
    UNITS = "units"
    VERDICT = "verdict"
    SILENCE = "silence"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    CONTACT = "contact"
    COMPLAINANTS = "complainants"
    GIVE = "give"
    HANDLED = "handled"
    CONFIRM = "confirm"
    REJECT = "reject"
    DISMISS = "dismiss"
    REOPEN = "reopen"
    MERGE = "merge"
    SPLIT = "split"
    HANDOVER = "handover"
    ACCEPT = "accept"
    DECLINE = "decline"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One act of one person. `actor` is an owner's id or a user's name.

    `text` is the note, evidence, reason or a task's title; `owner_id` whom to assign the incident
    or the task to; `until` the end of a silence or a shelf, or by when a task is due; `into` the
    incident to merge into; `level` the level set by hand, None gives it back to the program;
    `authors` so many people in all end a shelf (0: twice as many as now). `command_id` makes
    feeding the same note, assignment, escalation, silence, task or level twice harmless; the other
    acts are so by the state itself.
    `how` is a named choice (a ConfirmKind, a Contact, the reason of a false alarm, a verdict),
    `who` the complainants it is about, `channel` how they were reached, `at` when it really
    happened, `url` what was published, `role` one of the three owners, `counts` figures by name,
    `receipt` the number that a platform gave to a lawful report.
    """

    name: CommandName | str
    actor: str
    text: str = ""
    owner_id: str = ""
    until: datetime | None = None
    into: Incident | None = None
    level: Level | None = None
    authors: int = 0
    task_id: str = ""
    task_kind: TaskKind | None = None
    command_id: str = ""
    how: str = ""
    who: tuple[str, ...] = ()
    channel: str = ""
    at: datetime | None = None
    url: str = ""
    role: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    receipt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A clarification that stands in public: an answer that was recorded, or a task's result."""

    at: datetime
    url: str


class IllegalMove(GroundswellError):  # noqa: N818 - it is a refusal, not a fault
    """A command that the incident's state does not allow, or that lacks what it needs."""


def kind_named(text: str) -> TaskKind:
    """Return a kind of task by its Chinese or English name. IllegalMove names them all."""
    for kind in TaskKind:
        if text.strip() in {kind.value, kind.name.lower()}:
            return kind
    known = "、".join(f"{kind.value}（{kind.name.lower()}）" for kind in TaskKind)
    raise IllegalMove(f"没有任务类别 {text!r}，可选：{known} (no kind of task {text!r})")


def level_named(text: str) -> Level | None:
    """Return a level by its name or its Chinese character, None for "auto": the program's own.

    Errors: IllegalMove names them all.
    """
    if text.strip() in {"auto", "自动"}:
        return None
    for level in Level:
        if level and text.strip() in {level.name.lower(), level.zh}:
            return level
    known = "blue 蓝、yellow 黄、orange 橙、red 红、auto 自动"
    raise IllegalMove(f"没有等级 {text!r}，可选：{known} (no level {text!r})")
