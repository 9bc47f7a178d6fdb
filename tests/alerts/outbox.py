"""An outbox in memory with the rules of the real one: leases by fence, previous status on claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from storage.records import ChannelId, Delivery, Intent, IntentId, IntentStatus

WAITING = {IntentStatus.PENDING, IntentStatus.RETRY, IntentStatus.AMBIGUOUS}


class MemoryOutbox:
    def __init__(self, *intents: Intent) -> None:
        self.intents: dict[IntentId, Intent] = {intent.intent_id: intent for intent in intents}
        self.deliveries: list[tuple[ChannelId, Delivery]] = []

    def claim_intents(self, now: datetime, limit: int, lease_s: float) -> list[Intent]:
        assert lease_s > 0
        due = [i for i in self.intents.values() if i.status in WAITING and i.due_at <= now]
        due.sort(key=lambda intent: (-intent.level, intent.due_at))
        claimed = []
        for intent in due[:limit]:
            fenced = replace(intent, fence=intent.fence + 1)
            self.intents[intent.intent_id] = replace(fenced, status=IntentStatus.LEASED)
            claimed.append(fenced)
        return claimed

    def start_delivery(self, intent: Intent, started_at: datetime) -> Delivery:
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
    ) -> bool:
        if delivery is not None:
            self.deliveries = [
                (channel, delivery if (d.intent_id, d.n) == (delivery.intent_id, delivery.n) else d)
                for channel, d in self.deliveries
            ]
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

    def sent_since(self, channel_id: ChannelId, since: datetime) -> int:
        return sum(
            channel == channel_id and delivery.started_at >= since
            for channel, delivery in self.deliveries
        )

    def lose_sender(self, intent: Intent, now: datetime) -> None:
        """What the store does when a sender died between start and finish."""
        stored = self.intents[intent.intent_id]
        self.intents[intent.intent_id] = replace(
            stored,
            status=IntentStatus.AMBIGUOUS,
            due_at=now + timedelta(minutes=2),
            fence=stored.fence + 1,
        )


class FakeClock:
    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **units: float) -> None:
        self.at += timedelta(**units)
