"""Timers as they are worked off: the incidents that wait, and what waits for them.

Also what a jump of the clock on the wall does to every instant that was counted from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement

from storage import tables
from storage.columns import Instant
from storage.records import Incident, IncidentId, Timer
from storage.rows import incident_of, mappings, timer_of

_timer = tables.timer
_intent = tables.intent
_silence = tables.silence
_PENDING = sa.text("timer.status = 'pending'")  # in words, so that the partial index is used
_UNSENT = ("pending", "retry", "ambiguous", "leased")
# Dates that people named are dates on the wall: a clock that was put right does not move them.
_NAMED_DAYS = ("task", "shelf")


class TimerQueries:
    """Query part: what waits to be done about which incidents."""

    connection: Connection

    def incidents_due(self, now: datetime, limit: int | None = None) -> list[IncidentId]:
        """Return the incidents with a timer that is due: the gravest first, then the longest."""
        incident = tables.incident
        query = (
            sa.select(_timer.c.incident_id)
            .join(incident, incident.c.incident_id == _timer.c.incident_id)
            .where(_PENDING, _timer.c.due_at <= now)
            .group_by(_timer.c.incident_id, incident.c.level)
            .order_by(incident.c.level.desc(), sa.func.min(_timer.c.due_at), _timer.c.incident_id)
            .limit(limit)
        )
        return [IncidentId(one) for one in self.connection.scalars(query)]


class Timers(TimerQueries):
    """Transaction part: timers that are due, and those that a jump of the clock moves."""

    def due_of(
        self, incident_ids: Sequence[IncidentId], now: datetime
    ) -> list[tuple[Incident, list[Timer]]]:
        """Return these incidents, in order, each with its timers that are due."""
        incident = tables.incident
        rows = self.connection.execute(
            sa.select(incident.c.document).where(incident.c.incident_id.in_(incident_ids))
        )
        found = {one.incident_id: one for one in map(incident_of, mappings(rows))}
        query = (
            sa.select(_timer)
            .where(_timer.c.incident_id.in_(incident_ids), _PENDING, _timer.c.due_at <= now)
            .order_by(_timer.c.due_at, _timer.c.kind, _timer.c.step)
        )
        due: dict[IncidentId, list[Timer]] = {}
        for timer in map(timer_of, mappings(self.connection.execute(query))):
            due.setdefault(timer.incident_id, []).append(timer)
        return [(found[one], due[one]) for one in incident_ids if one in due]

    def timers_due(self, incident_id: IncidentId, now: datetime) -> list[Timer]:
        """Return the timers of one incident that are due, the longest overdue first."""
        query = (
            sa.select(_timer)
            .where(_timer.c.incident_id == incident_id, _PENDING, _timer.c.due_at <= now)
            .order_by(_timer.c.due_at, _timer.c.kind, _timer.c.step)
        )
        return [timer_of(row) for row in mappings(self.connection.execute(query))]

    def end_timers(self, timers: Sequence[Timer], status: str = "done") -> None:
        """End timers whose act was carried out before."""
        for timer in timers:
            self.connection.execute(sa.update(_timer).where(_is(timer)).values(status=status))

    def put_off(self, timers: Sequence[Timer], until: datetime) -> None:
        """Try timers again later: their incident could not be dealt with."""
        for timer in timers:
            self.connection.execute(sa.update(_timer).where(_is(timer)).values(due_at=until))

    def shift_instants(self, by: timedelta, now: datetime) -> int:
        """Move what waits by as much as the clock on the wall has jumped; return how many timers.

        Pending timers, messages that have not left, and silences that hold. `now` is the instant
        before the jump. What people named as a day stays.
        """
        moved = (
            sa.update(_timer)
            .where(_PENDING, _timer.c.kind.not_in(_NAMED_DAYS))
            .values(due_at=_shifted(_timer.c.due_at, by))
        )
        timers: int = self.connection.execute(moved).rowcount
        waiting = (
            sa.update(_intent)
            .where(_intent.c.status.in_(_UNSENT))
            .values(
                due_at=_shifted(_intent.c.due_at, by),
                deadline_at=_shifted(_intent.c.deadline_at, by),
            )
        )
        self.connection.execute(waiting)
        holding = (
            sa.update(_silence)
            .where(_silence.c.starts_at <= now, _silence.c.ends_at > now)
            .values(
                starts_at=_shifted(_silence.c.starts_at, by),
                ends_at=_shifted(_silence.c.ends_at, by),
            )
        )
        self.connection.execute(holding)
        return timers


def _is(timer: Timer) -> sa.ColumnElement[bool]:
    return sa.and_(
        _timer.c.incident_id == timer.incident_id,
        _timer.c.epoch == timer.epoch,
        _timer.c.kind == timer.kind,
        _timer.c.step == timer.step,
        _timer.c.status == "pending",
    )


class _shifted(ColumnElement[Any]):  # noqa: N801 - reads as the SQL function it is
    """An instant of a column, later by a length of time (or earlier)."""

    type = Instant()
    inherit_cache = False  # the length of time is part of the text

    def __init__(self, instant: ColumnElement[Any], by: timedelta) -> None:
        self.instant = instant
        self.by_us = by // timedelta(microseconds=1)


@compiles(_shifted, "postgresql")
def _shifted_on_postgresql(element: _shifted, compiler: SQLCompiler, **options: Any) -> str:
    instant = compiler.process(element.instant, **options)
    return f"({instant} + {element.by_us} * INTERVAL '1 microsecond')"


@compiles(_shifted, "sqlite")
def _shifted_on_sqlite(element: _shifted, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.instant, **options)} + {element.by_us})"
