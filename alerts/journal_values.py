"""Tasks, shelves, relapses and grounds as event data: JSON in, records out, and back.

In an event they are plain JSON values, so that what is read from a database folds to the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from storage.records import (
    ClusterId,
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
    """Return a new task."""
    return {
        "task_id": task.task_id,
        "kind": task.kind.value,
        "title": task.title,
        "owner_id": task.owner_id,
        "due_at": task.due_at.isoformat(),
        "by": task.by,
    }


def tasks_after(tasks: tuple[Task, ...], event: IncidentEvent) -> tuple[Task, ...]:
    """Return the tasks of an incident after one more event."""
    data = event.data
    match event.kind:
        case "task_set":
            return (*tasks, _task(data["task"]))
        case "task_done" | "task_dropped":
            ended: dict[str, Any] = {
                "state": "done" if event.kind == "task_done" else "dropped",
                "ended_at": event.at,
                "ended_by": event.actor,
                "note": str(data.get("text", "")),
            }
            named = data["task_id"]
            return tuple(
                replace(task, **ended) if task.task_id == named else task for task in tasks
            )
        case _:
            return tasks


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
        )
        for value in values
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


def _task(value: Mapping[str, Any]) -> Task:
    return Task(
        task_id=value["task_id"],
        kind=TaskKind(value["kind"]),
        title=value["title"],
        owner_id=OwnerId(value["owner_id"]),
        due_at=datetime.fromisoformat(value["due_at"]),
        by=value["by"],
    )
