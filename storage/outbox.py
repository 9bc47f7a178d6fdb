"""The outbox: what must be said, taken by one sender at a time and finished with its outcome.

Leases and budgets run on the database's clock, due times on the caller's (decisions.md 3). A fence
number per claim keeps a sender that lost its lease from overwriting what the next one found out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import tables
from storage.backlog import read_backlog
from storage.channel_states import note_outcome, take_token
from storage.columns import database_clock, read_clock
from storage.incidents import Incidents
from storage.records import (
    Backlog,
    Budget,
    Delivery,
    DeliveryClass,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    OwnerId,
    Plan,
    Summary,
    Wait,
    Waiting,
)
from storage.rows import columns_of, intent_of, intent_row, mappings

_intent = tables.intent
_delivery = tables.delivery

FINAL = ("sent", "dead", "cancelled")
_WAITING = ("pending", "retry", "ambiguous")
_BEGUN = "begun"  # no status of a row: bytes may be out this very moment

# As the partial index says it, letter by letter: SQLite uses it only so.
_IN_OUTBOX = "intent.status IN ('pending', 'retry', 'ambiguous', 'leased')"

# A message that may be out is not sent again at once: a late answer, or a person, may still settle
# it (alerting.md 2.4).
_AMBIGUOUS_HOLD = timedelta(minutes=2)

# So many waiting messages are looked at together: 1,000 raises and what was there before.
_BACKLOG = 2000


class _Opens(Protocol):
    def write(self) -> AbstractContextManager[Connection]: ...

    def look(self) -> AbstractContextManager[Connection]: ...


class Outbox:
    """Store part: each call is a transaction of its own, so that nothing is sent inside one."""

    def claim_intents(
        self: _Opens,
        now: datetime,
        limit: int,
        lease_s: float,
        *,
        plan: Callable[[Backlog], Plan] | None = None,
        only: Collection[IntentId] | None = None,
        day_starts: Mapping[OwnerId, datetime] | None = None,
    ) -> list[Intent]:
        """Take due messages for `lease_s` seconds; each carries the status it had before.

        Of one incident, recipient and channel only the earliest unfinished one is given, and what
        became graver since. One whose sender vanished after it began to send becomes AMBIGUOUS and
        rests two minutes. With `plan` that decides what of the backlog is taken, waits or is told
        together; it must be pure. `only` leaves all other messages alone. `day_starts` says since
        when those who have a budget are counted.
        """
        with self.write() as connection:
            _release_expired(connection, now)
            rows = _claimable(connection, now, limit if plan is None else _BACKLOG, only)
            if plan is not None and rows:
                due = tuple(Waiting(intent=intent_of(row), code=row["code"] or "") for row in rows)
                decided = plan(read_backlog(connection, due, now, day_starts))
                _carry_out(connection, decided, due)
                by_id = {row["intent_id"]: row for row in rows}
                rows = [by_id[one] for one in decided.take]
            if not rows:
                return []
            lease_until = read_clock(connection) + timedelta(seconds=lease_s)
            connection.execute(
                sa.update(_intent)
                .where(_intent.c.intent_id.in_([row["intent_id"] for row in rows]))
                .values(status="leased", fence=_intent.c.fence + 1, lease_until=lease_until)
            )
            return [intent_of({**row, "fence": row["fence"] + 1}) for row in rows]

    def start_delivery(
        self: _Opens,
        intent: Intent,
        started_at: datetime,
        budget: Budget | None = None,
        *,
        at: datetime | None = None,
        elapsed_at_most_s: float | None = None,
    ) -> Delivery | Wait:
        """Write down that a send begins, and take a token of its channel in the same act.

        A Wait, and nothing is written of the message, when the channel must rest. By the database's
        clock unless `at` says otherwise; without a budget nothing is counted and nothing rests.
        Errors: StoreError when the lease was lost meanwhile.
        """
        with self.write() as connection:
            if not _still_held(connection, intent):
                raise StoreError(
                    f"starting to send {intent.intent_id!r}: its lease was lost to another sender; "
                    "leave it to that one"
                )
            if budget is not None:
                wait = take_token(
                    connection,
                    intent.channel_id,
                    budget,
                    grave=intent.level >= Level.ORANGE,
                    at=at,
                    elapsed_at_most_s=elapsed_at_most_s,
                )
                if wait is not None:
                    return wait
            return _begin(connection, intent, started_at)

    def finish_delivery(
        self: _Opens,
        intent: Intent,
        delivery: Delivery | None,
        status: IntentStatus,
        next_due_at: datetime | None = None,
        fallback: Intent | None = None,
        *,
        also: Sequence[Intent] = (),
        at: datetime | None = None,
    ) -> bool:
        """Write what an attempt came to, and the fallback message in the same transaction.

        `delivery` is None when the message is ended without an attempt. `also` are notices about
        the channel, written whatever became of the message; `at` as in start_delivery. False when
        the lease was lost, or the message was cancelled while it was under way and did not arrive:
        then only the attempt's outcome is written down.
        """
        with self.write() as connection:
            if delivery is not None:
                _complete(connection, delivery)
                note_outcome(connection, intent.channel_id, delivery, at)
            _add(connection, also)
            if not _still_held(connection, intent, landed=status is IntentStatus.SENT):
                return False
            values: dict[str, Any] = {
                "status": status.value,
                "lease_until": None,
                "reason": intent.reason or (delivery.text if delivery is not None else ""),
            }
            if next_due_at is not None:
                values["due_at"] = next_due_at
            connection.execute(
                sa.update(_intent).where(_intent.c.intent_id == intent.intent_id).values(values)
            )
            if fallback is not None:
                _add(connection, [fallback])
            return True


def _begin(connection: Connection, intent: Intent, started_at: datetime) -> Delivery:
    last: int | None = connection.scalar(
        sa.select(sa.func.max(_delivery.c.n)).where(_delivery.c.intent_id == intent.intent_id)
    )
    delivery = Delivery(intent_id=intent.intent_id, n=(last or 0) + 1, started_at=started_at)
    row = columns_of(delivery, _delivery) | {"channel_id": intent.channel_id}
    connection.execute(sa.insert(_delivery), [row])
    connection.execute(
        sa.update(_intent)
        .where(_intent.c.intent_id == intent.intent_id)
        .values(attempts=_intent.c.attempts + 1)
    )
    return delivery


def _add(connection: Connection, intents: Sequence[Intent]) -> None:
    outbox = Incidents()
    outbox.connection = connection
    outbox.add_intents(intents)


def _carry_out(connection: Connection, plan: Plan, due: Sequence[Waiting]) -> None:
    """Write what a plan says of messages that are not taken now."""
    rows = [
        {
            "key": one.intent.intent_id,
            "waits_as": _waits_as(one.intent),
            "until": plan.put_off[one.intent.intent_id],
        }
        for one in due
        if one.intent.intent_id in plan.put_off
    ]
    if rows:
        waiting = (
            sa.update(_intent)
            .where(_intent.c.intent_id == sa.bindparam("key"))
            .values(status=sa.bindparam("waits_as"), due_at=sa.bindparam("until"), lease_until=None)
        )
        connection.execute(waiting, rows)
    for summary in plan.summaries:
        _write_summary(connection, summary)


def _waits_as(intent: Intent) -> str:
    """Return the status of a message that is put off: one of an incident still holds up the later.

    An untried summary stays as it is, so that it may still grow.
    """
    if intent.status is IntentStatus.AMBIGUOUS or intent.kind == "summary":
        return intent.status.value
    return IntentStatus.RETRY.value


def _write_summary(connection: Connection, summary: Summary) -> None:
    written = summary.intent
    if summary.is_new:
        _add(connection, [written])
    else:
        row = intent_row(written)
        names = ("level", "subject", "body", "html", "actions", "words", "due_at", "deadline_at")
        connection.execute(
            sa.update(_intent)
            .where(_intent.c.intent_id == written.intent_id)
            .values({name: row[name] for name in names})
        )
    told = _intent.c.intent_id.in_(summary.members)
    connection.execute(
        sa.update(_intent)
        .where(_intent.c.summary_id.in_(summary.members))
        .values(summary_id=written.intent_id)  # of a summary that this one takes in
    )
    connection.execute(
        sa.update(_intent)
        .where(told)
        .values(
            status="cancelled",
            reason=f"{summary.reason}:{written.intent_id}",
            summary_id=written.intent_id,
            lease_until=None,
        )
    )


def _release_expired(connection: Connection, now: datetime) -> None:
    """Free leases that ran out; what had begun to be sent is ambiguous."""
    expired = sa.and_(_intent.c.status == "leased", _intent.c.lease_until < database_clock())
    begun = (
        sa.select(_delivery.c.intent_id)
        .join(_intent, _intent.c.intent_id == _delivery.c.intent_id)
        .where(expired, sa.text(_IN_OUTBOX), _delivery.c.ended_at.is_(None))
        .with_for_update(of=_intent, skip_locked=True)
    )
    ids = sorted(set(connection.scalars(begun)))
    if ids:
        connection.execute(
            sa.update(_delivery)
            .where(_delivery.c.intent_id.in_(ids), _delivery.c.ended_at.is_(None))
            .values(
                ended_at=now,
                outcome=DeliveryClass.AMBIGUOUS.value,
                text="the sender ended before the answer came",
            )
        )
        connection.execute(
            sa.update(_intent)
            .where(_intent.c.intent_id.in_(ids))
            .values(
                status="ambiguous",
                due_at=now + _AMBIGUOUS_HOLD,
                lease_until=None,
                fence=_intent.c.fence + 1,
                reason="bytes may be out",
            )
        )


def _claimable(
    connection: Connection, now: datetime, limit: int, only: Collection[IntentId] | None
) -> list[dict[str, Any]]:
    expired = sa.and_(_intent.c.status == "leased", _intent.c.lease_until < database_clock())
    earlier = _intent.alias("earlier")
    # One that is held for later and was never touched does not hold up what is due before it.
    blocks = sa.exists().where(
        earlier.c.incident_id == _intent.c.incident_id,
        earlier.c.recipient_id == _intent.c.recipient_id,
        earlier.c.channel_id == _intent.c.channel_id,  # a call at night waits for no group bot
        # "+ 0" keeps SQLite from walking through all that a person ever got, by its number
        earlier.c.intent_no + 0 < _intent.c.intent_no,
        earlier.c.status.not_in(FINAL),
        sa.or_(earlier.c.due_at <= _intent.c.due_at, earlier.c.status != "pending"),
        earlier.c.level >= _intent.c.level,  # what became graver overtakes
    )
    incident = tables.incident
    query = (
        sa.select(_intent, incident.c.code)
        .join(incident, incident.c.incident_id == _intent.c.incident_id, isouter=True)
        .where(
            sa.or_(_intent.c.status.in_(_WAITING), expired),
            sa.text(_IN_OUTBOX),
            _intent.c.due_at <= now,
            sa.not_(blocks),
        )
        .order_by(_intent.c.level.desc(), _intent.c.due_at, _intent.c.intent_no)
        .limit(limit)
        .with_for_update(skip_locked=True, of=_intent)
    )
    if only is not None:
        query = query.where(_intent.c.intent_id.in_(only))
    rows = mappings(connection.execute(query))
    stale = [row["intent_id"] for row in rows if row["status"] == "leased"]
    before = _status_before_lease(connection, stale) if stale else {}
    found = [{**row, "status": before.get(row["intent_id"], row["status"])} for row in rows]
    # begun by a slow sender after the look for leases that ran out: the next pass holds it back
    return [row for row in found if row["status"] != _BEGUN]


def _status_before_lease(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return what messages were before a lease that ran out, _BEGUN where an attempt is open."""
    last = connection.execute(
        sa.select(_delivery.c.intent_id, _delivery.c.outcome)
        .where(_delivery.c.intent_id.in_(ids))
        .order_by(_delivery.c.intent_id, _delivery.c.n)
    )
    outcomes: dict[str, str] = {row[0]: row[1] for row in last}
    status = dict.fromkeys(ids, "pending") | dict.fromkeys(outcomes, "retry")
    may_be_out = (one for one, outcome in outcomes.items() if outcome == "ambiguous")
    begun = (one for one, outcome in outcomes.items() if outcome is None)
    return status | dict.fromkeys(may_be_out, "ambiguous") | dict.fromkeys(begun, _BEGUN)


def _still_held(connection: Connection, intent: Intent, *, landed: bool = False) -> bool:
    # one that was cancelled under way is still ours; when it landed all the same, that is the truth
    ours = ("leased", "cancelled") if landed else ("leased",)
    query = (
        sa.select(_intent.c.intent_id)
        .where(
            _intent.c.intent_id == intent.intent_id,
            _intent.c.fence == intent.fence,
            _intent.c.status.in_(ours),
        )
        .with_for_update()
    )
    return connection.scalar(query) is not None


def _complete(connection: Connection, delivery: Delivery) -> None:
    values = columns_of(delivery, _delivery)
    key = {name: values.pop(name) for name in ("intent_id", "n")}
    connection.execute(
        sa.update(_delivery)
        .where(_delivery.c.intent_id == key["intent_id"], _delivery.c.n == key["n"])
        .values(values)
    )
