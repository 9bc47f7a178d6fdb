"""What people fill in on an incident's page: a form in, a command or a refusal out."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.incidents import Command, IllegalMove
from alerts.recall_parts import COUNTS
from alerts.task_evidence import cause_words
from config.errors import GroundswellError
from groundswell.console import words
from groundswell.console.base import Form
from storage.records import Level, TaskKind

TEXT_LIMIT = 2000  # characters of a note or an evidence
LEVELS = {level.name.lower(): level for level in Level if level}
_SILENCE_HOURS = frozenset(hours for hours, _ in words.SILENCES)


def to_command(name: str, actor: str, form: Form, now: datetime, zone: ZoneInfo) -> Command:
    """Turn a form into a command; days and times in it are in the reader's zone.

    Errors: IllegalMove when a required text is missing or something chosen is not offered.
    """
    text = form.get("text", "").strip()[:TEXT_LIMIT] or _cause_and_measure(form)
    action = words.ACTIONS[name]
    if action.required and not text:
        raise IllegalMove(f"“{action.label.zh}”需要填写{action.field}")
    return Command(
        name=name,
        actor=actor,
        text=text,
        owner_id=form.get("owner", ""),
        until=_end_of(name, form, now, zone),
        level=_level(form.get("level", "")) if name == "grade" else None,
        authors=_number(form.get("authors", "")),
        task_id=form.get("task", "")[:20],
        task_kind=_task_kind(form.get("kind", "")) if name == "task" else None,
        command_id=form.get("once", "")[:64],
        how=form.get("how", "")[:200],
        url=form.get("url", "").strip()[:2000],
        counts=_figures(form) if name == "confirm" else _task_figures(form),
        receipt=form.get("receipt", "").strip()[:80],
        role=form.get("role", "")[:20],
    )


def _cause_and_measure(form: Form) -> str:
    """Return what is filled in of a 排查整改 that is done, as one text."""
    cause, measure = form.get("cause", "").strip(), form.get("measure", "").strip()
    return cause_words(cause[:900], measure[:900]) if cause or measure else ""


def _task_figures(form: Form) -> dict[str, int]:
    """Return the counts that were filled in: complainants helped, parts wanted and so on."""
    named = (name for name in (*COUNTS, "solved") if form.get(name, "").strip())
    return {name: _number(form[name]) for name in named}


def _end_of(name: str, form: Form, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return until when a silence or a shelf holds, or by when a task is due."""
    if name == "silence":
        hours = form.get("hours", "")
        if hours not in _SILENCE_HOURS:
            raise IllegalMove("“静默”需要选择时长")
        return now + timedelta(hours=int(hours))
    if name not in {"task", "shelve", "extend"}:
        return None
    try:
        return local_time(form.get("until", ""), zone, "期限")
    except GroundswellError as error:
        raise IllegalMove(str(error)) from error


def _level(name: str) -> Level | None:
    """Return the level that was chosen; None gives it back to the program."""
    if name == "program":
        return None
    if name not in LEVELS:
        raise IllegalMove("“定级”需要选一个级别")
    return LEVELS[name]


def _number(text: str) -> int:
    try:
        return max(0, int(text or 0))
    except ValueError as error:
        raise IllegalMove(f"看不懂人数 {text[:20]!r}，请写一个整数") from error


def _figures(form: Form) -> dict[str, int]:
    """Return the figures of a survey that were filled in."""
    named = ("asked", "answered", "agreed")
    return {name: _number(form[name]) for name in named if form.get(name, "").strip()}


def _task_kind(name: str) -> TaskKind:
    try:
        return TaskKind(name)
    except ValueError as error:
        raise IllegalMove("“派任务”需要选一个种类") from error


def local_time(text: str, zone: ZoneInfo, name: str) -> datetime | None:
    """Read what a datetime-local field called `name` gives; None for an empty one.

    Errors: GroundswellError for anything else.
    """
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        # near the ends of the calendar no zone can be applied: such a year is none (year 0)
        return found.replace(tzinfo=zone, year=found.year if 2000 <= found.year < 2100 else 0)
    except ValueError as error:
        raise GroundswellError(f"看不懂{name} {text[:40]!r}，写成 2026-11-20 10:05 这样") from error
