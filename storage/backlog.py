"""What the outbox knows when it is decided who is sent what now: see Backlog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.channel_states import read_states
from storage.columns import read_clock
from storage.ledger import heard_of
from storage.records import (
    Backlog,
    ChannelId,
    Intent,
    IntentId,
    Level,
    Member,
    OwnerId,
    Told,
    Waiting,
)
from storage.rows import intent_of, mappings

_intent = tables.intent
_delivery = tables.delivery
# Not as it stands in an index: SQLite would walk through all that a person ever got.
_OF = _intent.c.recipient_id.concat("")
_TOLD = timedelta(minutes=15)  # the longest interval between two summaries (alerts.storm)


def read_backlog(
    connection: Connection,
    due: Sequence[Waiting],
    now: datetime,
    day_starts: Mapping[OwnerId, datetime] | None = None,
) -> Backlog:
    """Return what there is to know about the people and channels of these due messages.

    `day_starts` says since when what somebody was sent is counted; others are not counted.
    """
    people = sorted({one.intent.recipient_id for one in due})
    summaries = _open_summaries(connection, people)
    tried = [one.intent.intent_id for one in due if one.intent.kind == "summary"]
    return Backlog(
        due=tuple(due),
        summaries=tuple(summaries),
        members=_members(connection, [*(one.intent_id for one in summaries), *tried]),
        told=_told(connection, people, now - _TOLD),
        states=read_states(connection, {one.intent.channel_id for one in due}),
        heard={
            owner_id: len(found)
            for owner_id, found in heard_of(
                connection,
                {one: at for one, at in (day_starts or {}).items() if one in people},
            ).items()
        },
        read_at=read_clock(connection),
    )


def read_members(connection: Connection, intent_id: IntentId) -> list[tuple[IntentId, Member]]:
    """Return what a summary stands for, the gravest first; of a fallback, what the first one did.

    Empty for a message that is no summary.
    """
    origin = intent_id
    for _ in range(20):  # a line of fallbacks is as long as there are people and channels
        before = connection.scalar(
            sa.select(_intent.c.fallback_of).where(_intent.c.intent_id == origin)
        )
        if before is None:
            break
        origin = IntentId(before)
    return [
        (IntentId(row["intent_id"]), _member_of(row))
        for row in mappings(connection.execute(_of_summaries([origin])))
    ]


def _open_summaries(connection: Connection, people: Sequence[OwnerId]) -> list[Intent]:
    query = (
        sa.select(_intent)
        .where(
            sa.text("kind = 'summary' AND status = 'pending'"),
            _OF.in_(people),
            _intent.c.attempts == 0,
            _intent.c.fallback_of.is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    rows = sorted(mappings(connection.execute(query)), key=lambda row: row["intent_no"])
    return [intent_of(row) for row in rows]


def _members(connection: Connection, ids: Sequence[IntentId]) -> dict[IntentId, tuple[Member, ...]]:
    if not ids:
        return {}
    found: dict[IntentId, list[Member]] = {}
    for row in mappings(connection.execute(_of_summaries(ids))):
        found.setdefault(IntentId(row["summary_id"]), []).append(_member_of(row))
    return {summary_id: tuple(members) for summary_id, members in found.items()}


def _of_summaries(ids: Sequence[IntentId]) -> sa.Select[Any]:
    incident = tables.incident
    columns = (
        _intent.c.intent_id,
        _intent.c.summary_id,
        _intent.c.level,
        _intent.c.subject,
        _intent.c.incident_id,
        incident.c.code,
    )
    return (
        sa.select(*columns)
        .join(incident, incident.c.incident_id == _intent.c.incident_id, isouter=True)
        .where(
            _intent.c.summary_id.is_not(None),
            _intent.c.summary_id.in_(ids),
            _intent.c.kind != "summary",
        )
        .order_by(_intent.c.level.desc(), _intent.c.intent_no)
    )


def _member_of(row: Any) -> Member:
    return Member(
        level=Level(row["level"]),
        subject=row["subject"],
        incident_id=row["incident_id"],
        code=row["code"] or "",
    )


def _told(connection: Connection, people: Sequence[OwnerId], since: datetime) -> tuple[Told, ...]:
    """Return what these people were sent, or are being sent, since an instant."""
    begun = sa.func.max(_delivery.c.started_at, type_=_delivery.c.started_at.type).label("at")
    columns = (
        _intent.c.intent_id,
        _intent.c.recipient_id,
        _intent.c.channel_id,
        _intent.c.level,
        _intent.c.kind,
        _intent.c.incident_id,
        _intent.c.epoch,
        _intent.c.step,
    )
    query = (
        sa.select(*columns, begun)
        .join(_delivery, _delivery.c.intent_id == _intent.c.intent_id)
        .where(
            _delivery.c.started_at >= since,
            sa.or_(_delivery.c.outcome.is_(None), _delivery.c.outcome.in_(["ok", "ambiguous"])),
            _OF.in_(people),
        )
        .group_by(*columns)
        .order_by(begun, _intent.c.intent_id)
    )
    return tuple(_told_of(row) for row in mappings(connection.execute(query)))


def _told_of(row: Any) -> Told:
    same = (row["incident_id"], str(row["epoch"]), row["kind"], str(row["step"]))
    return Told(
        recipient_id=OwnerId(row["recipient_id"]),
        channel_id=ChannelId(row["channel_id"]),
        at=row["at"],
        level=Level(row["level"]),
        kind=row["kind"],
        key=same if row["incident_id"] else (row["intent_id"],),
    )
