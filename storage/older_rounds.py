"""Rounds of days on which none were noted: ten minutes apart, as the engine grades.

In: members with when they were gathered, and the log of incidents. Out: passes that stand for what
happened, numbered below those that were noted. They are no record: nothing exact comes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import Pass
from storage.rows import mappings

STEP = timedelta(minutes=10)  # as the engine grades anew
# What people do, by the event that it leaves; the rest is the program's, or changes no course.
_ACTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "acknowledged": ("ack", {}),
    "noted": ("note", {"text": "text"}),
    "assigned": ("assign", {"text": "text", "owner_id": "owner_id"}),
    "escalated": ("escalate", {"text": "text"}),
    "silenced": ("silence", {"text": "text", "until": "muted_until"}),
    "handled": ("handled", {"text": "text"}),
    "confirmed": ("confirm", {"text": "text"}),
    "rejected": ("reject", {"text": "text"}),
    "dismissed": ("dismiss", {"text": "text"}),
    "reopened": ("reopen", {"text": "text"}),
}


def older_passes(connection: Connection, since: datetime, until: datetime) -> list[Pass]:
    """Return a start and rounds for [since, until), numbered up to -1."""
    found: list[Pass] = [_start(connection, since)]
    gathered, acts = _gathered(connection, since, until), _acts(connection, since, until)
    at = since + STEP
    while at < until + STEP:
        end = min(at, until)
        found += _until(gathered, end)
        found += _until(acts, end)
        found.append(Pass(pass_no=0, kind="regrade", at=end))
        at += STEP
    count = len(found)
    return [_numbered(one, n - count) for n, one in enumerate(found)]


def _until(waiting: list[Pass], end: datetime) -> Iterator[Pass]:
    while waiting and waiting[-1].at <= end:
        yield waiting.pop()


def _numbered(one: Pass, number: int) -> Pass:
    from dataclasses import replace

    return replace(one, pass_no=number)


def _start(connection: Connection, since: datetime) -> Pass:
    event, journal = tables.incident_event, tables.cluster_event
    numbers = {
        "event_no": sa.select(sa.func.max(event.c.event_no)).where(event.c.at < since),
        "journal": sa.select(sa.func.max(journal.c.event_no)).where(journal.c.at < since),
    }
    data = {name: connection.scalar(query) or 0 for name, query in numbers.items()}
    return Pass(pass_no=0, kind="checkpoint", at=since, data=data)


def _gathered(connection: Connection, since: datetime, until: datetime) -> list[Pass]:
    """Return a gather for each shard and ten minutes, the last first."""
    row = tables.mention_cluster
    query = (
        sa.select(row.c.shard_id, row.c.seq, row.c.gathered_at)
        .where(row.c.gathered_at >= since, row.c.gathered_at < until)
        .order_by(row.c.shard_id, row.c.seq)
    )
    found: dict[tuple[str, int], list[Any]] = {}
    for shard_id, seq, at in connection.execute(query):
        found.setdefault((shard_id, (at - since) // STEP), []).append((seq, at))
    passes = [
        Pass(
            pass_no=0,
            kind="gather",
            at=max(at for _, at in members),
            shard_id=shard_id,
            first_seq=members[0][0],
            last_seq=members[-1][0],
        )
        for (shard_id, _), members in found.items()
    ]
    return sorted(passes, key=lambda one: (one.at, one.shard_id), reverse=True)


def _acts(connection: Connection, since: datetime, until: datetime) -> list[Pass]:
    """Return what people did, the last first."""
    event = tables.incident_event
    query = (
        sa.select(event)
        .where(event.c.at >= since, event.c.at < until, event.c.actor != "system")
        .where(event.c.kind.in_(sorted(_ACTS)))
        .order_by(event.c.event_no.desc())
    )
    found = []
    for row in mappings(connection.execute(query)):
        name, fields = _ACTS[row["kind"]]
        said = {field: row["data"][key] for field, key in fields.items() if row["data"].get(key)}
        command = {"name": name, "actor": row["actor"], **said}
        change = {"incident": row["incident_id"], "seqs": [-1, -1]}
        data = {"changes": [change], "command": command}
        found.append(Pass(pass_no=0, kind="act", at=row["at"], data=data))
    return found
