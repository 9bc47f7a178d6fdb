"""Tasks, shelves, relapses and grounds as event data: JSON in, records out, and back.

In an event they are plain JSON values, so that what is read from a database folds to the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from storage.records import (
    NO_OWNER,
    ClusterId,
    Handover,
    IncidentEvent,
    Json,
    Level,
    OwnerId,
    Reason,
    Relapse,
    Seat,
    Shelf,
    Task,
    TaskKind,
    TriangleRole,
    Units,
)


def encode_reasons(reasons: Iterable[Reason]) -> list[list[Any]]:
    """Return grounds as JSON can hold them: code, text, figure, points, level."""
    return [
        [one.code, one.text, number(one.value), number(one.points), int(one.level)]
        for one in reasons
    ]


def decode_reasons(values: Sequence[Sequence[Any]]) -> tuple[Reason, ...]:
    """Return the grounds; those written before grounds had levels have none."""
    return tuple(
        Reason(
            code=code,
            text=text,
            value=None if figure is None else float(figure),
            points=float(points),
            level=Level(more[0]) if more else Level.NONE,
        )
        for code, text, figure, points, *more in values
    )


def encode_task(task: Task) -> Json:
    """Return a task that is new, or new to an incident."""
    return {
        "task_id": task.task_id,
        "kind": task.kind.value,
        "title": task.title,
        "owner_id": task.owner_id,
        "due_at": task.due_at.isoformat(),
        "by": task.by,
        "function": task.function,
        "extended": task.extended,
        "rounds": task.rounds,
        "units": encode_units(task.units),
        "given_at": task.given_at.isoformat() if task.given_at else None,
        "next_at": task.next_at.isoformat() if task.next_at else None,
    }


def encode_units(units: Units | None) -> Json | None:
    """Return counts of failed parts as JSON can hold them."""
    if units is None:
        return None
    return {
        "wanted": units.wanted,
        "received": units.received,
        "analysed": units.analysed,
        "verdict": units.verdict,
        "signal": units.signal,
    }


def tasks_after(tasks: tuple[Task, ...], event: IncidentEvent) -> tuple[Task, ...]:
    """Return the tasks of an incident after one more event.

    Data that is named `task` adds one, `tasks` those of a merged incident; `moves` changes those
    it names: what a key of it says replaces that field.
    """
    data = event.data
    if "task" in data and event.kind in _GIVES:
        return (*tasks, _task(data["task"]))
    if event.kind == "absorbed" and "tasks" in data:
        return (*tasks, *map(_task, data["tasks"]))
    if event.kind in _ENDS:
        return tuple(
            _ended(task, event) if task.task_id == data["task_id"] else task for task in tasks
        )
    if event.kind == "merged" and "handed_over" in data:
        named = set(data["handed_over"])
        return tuple(_ended(task, event) if task.task_id in named else task for task in tasks)
    moves: Mapping[str, Json] = data.get("moves", {}) if event.kind in _MOVES else {}
    return tuple(_moved(task, moves.get(task.task_id, {})) for task in tasks)


def _ended(task: Task, event: IncidentEvent) -> Task:
    data = event.data
    return replace(
        task,
        state=_ENDS.get(event.kind, "moved"),
        ended_at=event.at,
        ended_by=event.actor,
        note=str(data.get("text", "")),
        url=str(data.get("url", "")),
        receipt=str(data.get("receipt", "")),
        solved=int(data.get("solved", 0)),
        next_at=None,
    )


def _moved(task: Task, said: Json) -> Task:
    known = {name: decode(said[name]) for name, decode in _TASK_FIELDS.items() if name in said}
    return replace(task, **known) if known else task


def encode_seats(seats: Iterable[Seat]) -> list[Json]:
    """Return the three owners as JSON can hold them."""
    return [
        {
            "role": seat.role.value,
            "owner_id": seat.owner_id,
            "since": seat.since.isoformat(),
            "offered_to": seat.offered_to,
            "offered_by": seat.offered_by,
            "offered_at": seat.offered_at.isoformat() if seat.offered_at else None,
            "reason": seat.reason,
            "answer_by": seat.answer_by.isoformat() if seat.answer_by else None,
            "offer": seat.offer,
            "function": seat.function,
        }
        for seat in seats
    ]


def decode_seats(values: Sequence[Mapping[str, Any]]) -> tuple[Seat, ...]:
    """Return the three owners."""
    return tuple(
        Seat(
            role=TriangleRole(value["role"]),
            owner_id=OwnerId(value["owner_id"]),
            since=datetime.fromisoformat(value["since"]),
            offered_to=OwnerId(value["offered_to"]),
            offered_by=value["offered_by"],
            offered_at=(
                datetime.fromisoformat(value["offered_at"]) if value["offered_at"] else None
            ),
            reason=value["reason"],
            answer_by=datetime.fromisoformat(value["answer_by"]) if value["answer_by"] else None,
            offer=value["offer"],
            function=value["function"],
        )
        for value in values
    )


def without_offer(seat: Seat) -> Seat:
    """Return a seat that nobody was offered."""
    return replace(
        seat,
        offered_to=NO_OWNER,
        offered_by="",
        offered_at=None,
        reason="",
        answer_by=None,
        offer=0,
    )


def handovers_after(handovers: tuple[Handover, ...], event: IncidentEvent) -> tuple[Handover, ...]:
    """Return the handovers of an epoch after one more event: one more offer, or answers.

    `answered` in an event's data is a list of the offer's number and the answer.
    """
    data = event.data
    if offered := data.get("offered"):
        one = Handover(
            offer=event.seq,
            role=TriangleRole(offered["role"]),
            giver=OwnerId(offered["giver"]),
            receiver=OwnerId(offered["receiver"]),
            by=event.actor,
            at=event.at,
            reason=str(data.get("text", "")),
        )
        return (*handovers, one)
    answers = {int(offer): str(answer) for offer, answer in data.get("answered", ())}
    return tuple(
        replace(
            one,
            answer=answers[one.offer],
            answered_at=event.at,
            answered_by=event.actor,
            said=str(data.get("text", "")) if event.kind != "locked" else "",
        )
        if one.offer in answers and not one.answer
        else one
        for one in handovers
    )


def encode_shelf(shelf: Shelf) -> Json:
    """Return a shelf as JSON can hold it."""
    return {
        "until": shelf.until.isoformat(),
        "authors": shelf.authors,
        "note": shelf.note,
        "by": shelf.by,
        "harmed": shelf.harmed,
    }


def decode_shelf(value: Mapping[str, Any] | None) -> Shelf | None:
    """Return the shelf, None when it was taken off it."""
    if value is None:
        return None
    return Shelf(
        until=datetime.fromisoformat(value["until"]),
        authors=value["authors"],
        note=value["note"],
        by=value["by"],
        harmed=value["harmed"],
    )


def encode_relapse(relapse: Relapse) -> Json:
    """Return what is known from the last time as JSON can hold it."""
    return {
        "closed_at": relapse.closed_at.isoformat(),
        "cause": relapse.cause,
        "said": relapse.said,
        "owner_id": relapse.owner_id,
        "cluster_id": relapse.cluster_id,
    }


def decode_relapse(value: Mapping[str, Any]) -> Relapse:
    """Return what is known from the last time."""
    return Relapse(
        closed_at=datetime.fromisoformat(value["closed_at"]),
        cause=value["cause"],
        said=value["said"],
        owner_id=OwnerId(value["owner_id"]),
        cluster_id=ClusterId(value["cluster_id"]),
    )


def number(value: float | None) -> float | str | None:
    """Return a figure; infinite ones become words, which JSON has no numbers for."""
    return value if value is None or math.isfinite(value) else str(value)


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _units(value: Mapping[str, Any] | None) -> Units | None:
    return None if value is None else Units(**value)


def _task(value: Mapping[str, Any]) -> Task:
    return _moved(
        Task(
            task_id=value["task_id"],
            kind=TaskKind(value["kind"]),
            title=value["title"],
            owner_id=OwnerId(value["owner_id"]),
            due_at=datetime.fromisoformat(value["due_at"]),
            by=value["by"],
            given_at=_instant(value.get("given_at")),  # earlier tasks have none of these
            function=value.get("function", ""),
        ),
        value,
    )


# Events that add a task, end one, and say how some of them stand now.
_GIVES = frozenset({"task_set", "recall_set"})
_ENDS = {"task_done": "done", "task_dropped": "dropped"}
_MOVES = frozenset(
    {
        "task_warned",
        "task_due",
        "task_overdue",
        "task_rested",
        "task_moved",
        "task_extended",
        "drafted",
        "units_moved",
        "verdict_given",
    }
)
_TASK_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "owner_id": OwnerId,
    "due_at": _instant,
    "next_at": _instant,
    "rounds": int,
    "extended": str,
    "units": _units,
}
