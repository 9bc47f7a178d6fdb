"""What happened to sets of weights, and which mentions a promotion judges again.

In: events, in order. Out: the log of a kind; the newest promotion in it is at work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.counters import take_numbers
from storage.records import IncidentState, Json, ModelEvent
from storage.rows import mappings

_event = tables.model_event
_AT_WORK = tuple(
    sorted(
        state.value
        for state in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED)
    )
)
_ROWS = 500  # put into the queue by one statement


class Models:
    """Transaction part: the log of models, and what a promotion sets going."""

    connection: Connection

    def add_model_event(
        self,
        kind: str,
        version: str,
        action: str,
        *,
        actor: str,
        now: datetime,
        detail: Json | None = None,
    ) -> ModelEvent:
        """Append what happened to a set of weights."""
        [number] = take_numbers(self.connection, "model_event", 1)
        row: dict[str, Any] = {
            "event_no": number,
            "kind": kind,
            "version": version,
            "action": action,
            "actor": actor,
            "at": now,
            "detail": dict(detail or {}),
        }
        self.connection.execute(sa.insert(_event), [row])
        return ModelEvent(**row)

    def judge_recent_again(self, since: datetime) -> int:
        """Queue what a new model must judge: members of open incidents, and what came `since`.

        Returns how many mentions that is (decisions.md 22). Those that wait already stay in line.
        """
        mention, assigned, incident = tables.mention, tables.mention_cluster, tables.incident
        recent = sa.select(mention.c.mention_pk).where(mention.c.observed_at >= since)
        open_ones = (
            sa.select(assigned.c.mention_pk)
            .join(incident, incident.c.cluster_id == assigned.c.cluster_id)
            .where(incident.c.state.in_(_AT_WORK))
        )
        found = sorted(set(self.connection.scalars(recent.union(open_ones))))
        for start in range(0, len(found), _ROWS):
            rows = [{"mention_pk": pk} for pk in found[start : start + _ROWS]]
            insert_new(self.connection, tables.mention_queue, rows)
        return len(found)


class ModelQueries:
    """What is read of models."""

    connection: Connection

    def model_events(self, kind: str | None = None) -> list[ModelEvent]:
        """Return what happened to the weights of a kind (of all when None), oldest first."""
        query = sa.select(_event).order_by(_event.c.event_no)
        if kind is not None:
            query = query.where(_event.c.kind == kind)
        return _events(mappings(self.connection.execute(query)))

    def newest_model_event(self) -> int:
        """Return the number of the newest event, 0 when there is none: cheap to ask each second."""
        return self.connection.scalar(sa.select(sa.func.max(_event.c.event_no))) or 0


def _events(rows: Sequence[sa.RowMapping]) -> list[ModelEvent]:
    return [ModelEvent(**row) for row in rows]
