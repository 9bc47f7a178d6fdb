"""What people look at in the outbox: what waits, what is stuck, what is dead, what is behind both.

In: a choice and a limit. Out: messages, the newest first, with their attempts where asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.backlog import read_members
from storage.records import Delivery, Intent, IntentId, Member
from storage.rows import delivery_of, intent_of, mappings

_intent = tables.intent
_delivery = tables.delivery
_OPEN = sa.text("intent.status IN ('pending', 'retry', 'ambiguous', 'leased')")
_DEAD_DAYS = 30  # dead letters are looked for so far back

# "stuck": past its deadline and still not sent. "dead": nothing took its place.
OutboxView = Literal["waiting", "stuck", "dead", "sent", "cancelled", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxGlance:
    """How the outbox stands at one instant; ages are None when nothing is due."""

    waiting: int
    due_since: datetime | None  # of the oldest message that is due and was not sent
    stuck: int
    dead: int


class OutboxQueries:
    """Part of the queries: the outbox as people look at it."""

    connection: Connection

    def intent(self, intent_id: IntentId | str) -> Intent | None:
        """Return one message."""
        query = sa.select(_intent).where(_intent.c.intent_id == intent_id)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else intent_of(row)

    def sent_with(self, intent: Intent) -> list[Intent]:
        """Return the messages that one act wrote, this one among them, in their order."""
        same = [_intent.c.created_at == intent.created_at]
        if intent.incident_id is not None:
            same.append(_intent.c.incident_id == intent.incident_id)
        else:
            same += [_intent.c.kind == intent.kind, _intent.c.subject == intent.subject]
        query = sa.select(_intent).where(*same).order_by(_intent.c.intent_no)
        return [intent_of(row) for row in mappings(self.connection.execute(query))]

    def deliveries(self, intent_id: IntentId | str) -> list[Delivery]:
        """Return the attempts to send one message, in order."""
        query = (
            sa.select(_delivery).where(_delivery.c.intent_id == intent_id).order_by(_delivery.c.n)
        )
        return [delivery_of(row) for row in mappings(self.connection.execute(query))]

    def outbox(self, view: OutboxView, now: datetime, limit: int = 100) -> list[Intent]:
        """Return messages of one kind, the newest first; those that wait, the longest due first."""
        query = sa.select(_intent).where(*_view(view, now)).limit(limit)
        is_open = view in {"waiting", "stuck"}
        order = _intent.c.due_at.asc() if is_open else _intent.c.intent_no.desc()
        return [intent_of(row) for row in mappings(self.connection.execute(query.order_by(order)))]

    def outbox_glance(self, now: datetime) -> OutboxGlance:
        """Return how the outbox stands."""
        due = sa.and_(_OPEN, _intent.c.due_at <= now)
        return OutboxGlance(
            waiting=self._number(_OPEN),
            due_since=self.connection.scalar(sa.select(sa.func.min(_intent.c.due_at)).where(due)),
            stuck=self._number(*_view("stuck", now)),
            dead=self._number(*_view("dead", now)),
        )

    def summary_members(self, intent_id: IntentId | str) -> list[tuple[IntentId, Member]]:
        """Return what a summary stands for; empty for other messages."""
        return read_members(self.connection, IntentId(intent_id))

    def fallback_of(self, intent_id: IntentId | str) -> Intent | None:
        """Return the message that took over from a dead one."""
        query = sa.select(_intent).where(_intent.c.fallback_of == intent_id).limit(1)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else intent_of(row)

    def _number(self, *conditions: Any) -> int:
        query = sa.select(sa.func.count()).select_from(_intent).where(*conditions)
        return int(self.connection.execute(query).scalar_one())


class OutboxEdits:
    """Transaction part: what people do to a message that does not arrive."""

    connection: Connection

    def retry_intent(self, intent_id: IntentId | str, now: datetime) -> bool:
        """Make a message due now, without a deadline; False when it was sent or is under way.

        One that may have arrived stays a repeat, and is marked so.
        """
        return self._move_intent(
            intent_id,
            ("pending", "retry", "ambiguous", "dead"),
            {
                "status": sa.case((_intent.c.status == "ambiguous", "ambiguous"), else_="retry"),
                "due_at": now,
                "deadline_at": None,
            },
        )

    def drop_intent(self, intent_id: IntentId | str, reason: str) -> bool:
        """End a message unsent, with the reason; False when it was sent or is under way."""
        values = {"status": "cancelled", "reason": reason}
        return self._move_intent(intent_id, ("pending", "retry", "ambiguous", "dead"), values)

    def _move_intent(
        self, intent_id: str, before: tuple[str, ...], values: Mapping[str, Any]
    ) -> bool:
        changed = (
            sa.update(_intent)
            .where(_intent.c.intent_id == intent_id, _intent.c.status.in_(before))
            .values(**values)
        )
        return self.connection.execute(changed).rowcount == 1


def _view(view: OutboxView, now: datetime) -> tuple[Any, ...]:
    match view:
        case "waiting":
            return (_OPEN,)
        case "stuck":
            return (_OPEN, _intent.c.deadline_at < now, _intent.c.due_at <= now + _SOON)
        case "dead":
            heir = _intent.alias("heir")
            replaced = sa.exists().where(heir.c.fallback_of == _intent.c.intent_id)
            since = now - timedelta(days=_DEAD_DAYS)
            return (
                sa.text("intent.status = 'dead'"),
                _intent.c.created_at >= since,
                sa.not_(replaced),
            )
        case "all":
            return ()
        case status:
            return (_intent.c.status == status,)


_SOON = timedelta(minutes=10)  # a message that is tried on is due again within five minutes
