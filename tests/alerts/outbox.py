"""An outbox in memory with the rules of the real one: leases by fence, budgets, plans, summaries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.storm import key_of
from storage import bucket
from storage.records import (
    Backlog,
    Budget,
    ChannelId,
    ChannelState,
    Delivery,
    DeliveryClass,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    Member,
    OwnerId,
    Plan,
    Told,
    Wait,
    Waiting,
)

WAITING = {IntentStatus.PENDING, IntentStatus.RETRY, IntentStatus.AMBIGUOUS}
_HEARD = {None, DeliveryClass.OK, DeliveryClass.AMBIGUOUS}


class MemoryOutbox:
    def __init__(self, *intents: Intent) -> None:
        self.intents: dict[IntentId, Intent] = {intent.intent_id: intent for intent in intents}
        self.deliveries: list[tuple[ChannelId, Delivery]] = []
        self.states: dict[ChannelId, ChannelState] = {}
        self.told_in: dict[IntentId, IntentId] = {}

    def claim_intents(
        self,
        now: datetime,
        limit: int,
        lease_s: float,
        *,
        plan: Callable[[Backlog], Plan] | None = None,
        only: Collection[IntentId] | None = None,
        day_starts: Mapping[OwnerId, datetime] | None = None,
    ) -> list[Intent]:
        assert lease_s > 0
        del day_starts  # nobody here has a budget
        due = [i for i in self.intents.values() if i.status in WAITING and i.due_at <= now]
        due = [i for i in due if only is None or i.intent_id in only]
        due.sort(key=lambda intent: (-intent.level, intent.due_at))
        if plan is not None and due:
            decided = plan(self._backlog(due, now))
            self._carry_out(decided)
            due = [self.intents[one] for one in decided.take]
        claimed = []
        for intent in due[:limit]:
            fenced = replace(intent, fence=intent.fence + 1)
            self.intents[intent.intent_id] = replace(fenced, status=IntentStatus.LEASED)
            claimed.append(fenced)
        return claimed

    def start_delivery(
        self,
        intent: Intent,
        started_at: datetime,
        budget: Budget | None = None,
        *,
        at: datetime | None = None,
        elapsed_at_most_s: float | None = None,
    ) -> Delivery | Wait:
        del elapsed_at_most_s  # the clock is ours
        if budget is not None:
            at = at or started_at
            state = self.states.get(intent.channel_id)
            state = state or bucket.fresh(intent.channel_id, budget, at)
            state, wait = bucket.spend(state, budget, at, grave=intent.level >= Level.ORANGE)
            self.states[intent.channel_id] = state
            if wait is not None:
                return wait
        stored = self.intents[intent.intent_id]
        n = 1 + sum(d.intent_id == intent.intent_id for _, d in self.deliveries)
        delivery = Delivery(intent_id=intent.intent_id, n=n, started_at=started_at)
        self.deliveries.append((intent.channel_id, delivery))
        self.intents[intent.intent_id] = replace(stored, attempts=stored.attempts + 1)
        return delivery

    def finish_delivery(
        self,
        intent: Intent,
        delivery: Delivery | None,
        status: IntentStatus,
        next_due_at: datetime | None = None,
        fallback: Intent | None = None,
        *,
        also: Sequence[Intent] = (),
        at: datetime | None = None,
    ) -> bool:
        if delivery is not None:
            self.deliveries = [
                (channel, delivery if (d.intent_id, d.n) == (delivery.intent_id, delivery.n) else d)
                for channel, d in self.deliveries
            ]
            self._note(intent.channel_id, delivery, at)
        for notice in also:
            self.intents.setdefault(notice.intent_id, notice)
        stored = self.intents[intent.intent_id]
        if stored.fence != intent.fence or stored.status is not IntentStatus.LEASED:
            return False
        self.intents[intent.intent_id] = replace(
            stored, status=status, due_at=next_due_at or stored.due_at, reason=intent.reason
        )
        if fallback is not None:
            assert fallback.intent_id not in self.intents
            self.intents[fallback.intent_id] = fallback
        return True

    def lose_sender(self, intent: Intent, now: datetime) -> None:
        """What the store does when a sender died between start and finish."""
        stored = self.intents[intent.intent_id]
        self.intents[intent.intent_id] = replace(
            stored,
            status=IntentStatus.AMBIGUOUS,
            due_at=now + timedelta(minutes=2),
            fence=stored.fence + 1,
        )

    def _note(self, channel_id: ChannelId, delivery: Delivery, at: datetime | None) -> None:
        state = self.states.get(channel_id)
        ended_at = at or delivery.ended_at
        if state is not None and delivery.outcome is not None and ended_at is not None:
            self.states[channel_id] = bucket.after(
                state, delivery.outcome, ended_at, retry_after_s=delivery.retry_after_s
            )

    def _backlog(self, due: list[Intent], now: datetime) -> Backlog:
        summaries = [
            one
            for one in self.intents.values()
            if one.kind == "summary" and one.status is IntentStatus.PENDING and not one.attempts
        ]
        members: dict[IntentId, list[Member]] = {}
        for member_id, summary_id in self.told_in.items():
            one = self.intents[member_id]
            if one.kind != "summary":
                members.setdefault(summary_id, []).append(
                    Member(
                        level=one.level, subject=one.subject, incident_id=one.incident_id, code=""
                    )
                )
        return Backlog(
            due=tuple(Waiting(intent=one, code=f"舆-{one.intent_id}") for one in due),
            summaries=tuple(summaries),
            members={summary_id: tuple(found) for summary_id, found in members.items()},
            told=tuple(self._told(now)),
            states=dict(self.states),
            read_at=now,
        )

    def _told(self, now: datetime) -> list[Told]:
        told = []
        for channel_id, delivery in self.deliveries:
            one = self.intents[delivery.intent_id]
            if delivery.outcome in _HEARD and delivery.started_at > now - timedelta(minutes=15):
                told.append(
                    Told(
                        recipient_id=one.recipient_id,
                        channel_id=channel_id,
                        at=delivery.started_at,
                        level=one.level,
                        kind=one.kind,
                        key=key_of(one),
                    )
                )
        return told

    def _carry_out(self, plan: Plan) -> None:
        for intent_id, due_at in plan.put_off.items():
            one = self.intents[intent_id]
            keeps = one.status is IntentStatus.AMBIGUOUS or one.kind == "summary"
            status = one.status if keeps else IntentStatus.RETRY
            self.intents[intent_id] = replace(one, status=status, due_at=due_at)
        for summary in plan.summaries:
            told_by = summary.intent.intent_id
            assert summary.is_new is (told_by not in self.intents)
            self.intents[told_by] = summary.intent
            for told, by in list(self.told_in.items()):
                if by in summary.members:
                    self.told_in[told] = told_by
            for member in summary.members:
                self.told_in[member] = told_by
                self.intents[member] = replace(
                    self.intents[member],
                    status=IntentStatus.CANCELLED,
                    reason=f"coalesced:{told_by}",
                )


class FakeClock:
    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **units: float) -> None:
        self.at += timedelta(**units)
