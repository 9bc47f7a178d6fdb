"""Sending what was decided: intents in, one attempt each, its outcome and what follows out.

Promise (alerting.md 2.4): every intent ends sent, cancelled, or dead with a fallback written in
the same transaction; a message that may have arrived is sent again only after a hold.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from alerts.channels.answer import Answer, Sender
from alerts.fallback import fallback_intent
from alerts.ruling import Ruling, rule
from config.errors import StoreError
from config.schema import Project
from storage.records import (
    ChannelId,
    Delivery,
    DeliveryClass,
    Intent,
    IntentStatus,
    Level,
)

log = logging.getLogger(__name__)

_LEASE_S = 60.0  # alerting.md 2.3: longer than any attempt
_MOST_OF_LEASE_S = 40.0  # no attempt begins later than this: it must end within its lease
_AT_ONCE = 4  # attempts on one channel side by side; intents in order are never claimed together
_PAUSE_S = 5.0  # a channel that just failed gets no more in this pass
_WINDOW_S = 60.0  # providers count messages a minute


class Outbox(Protocol):
    """Where intents wait; every call is a transaction of its own."""

    def claim_intents(self, now: datetime, limit: int, lease_s: float) -> list[Intent]:
        """Take due intents; each carries the status that it had before."""
        ...

    def start_delivery(self, intent: Intent, started_at: datetime) -> Delivery:
        """Write down that an attempt begins; StoreError when the lease was lost."""
        ...

    def finish_delivery(
        self,
        intent: Intent,
        delivery: Delivery | None,
        status: IntentStatus,
        next_due_at: datetime | None = None,
        fallback: Intent | None = None,
    ) -> bool:
        """Write down what it came to; False when the lease was lost meanwhile."""
        ...

    def sent_since(self, channel_id: ChannelId, since: datetime) -> int:
        """Return how many attempts a channel has made since an instant."""
        ...


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        ...


InThread = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class _Pass:
    """What is known of one channel during one pass."""

    began: float = field(default_factory=time.monotonic)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    admission: asyncio.Lock = field(default_factory=asyncio.Lock)
    resting: str = ""
    deferred: int = 0


class Courier:
    """Takes due intents and brings them to their channels.

    `chance` returns a number in [0, 1) for spreading retries; `in_thread` runs a blocking call of
    the outbox off the loop.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[ChannelId, Sender],
        project: Project,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        in_thread: InThread = asyncio.to_thread,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._project = project
        self._clock = clock
        self._chance = chance
        self._in_thread = in_thread
        self._blocked_until: dict[ChannelId, datetime] = {}

    async def deliver_due(self, limit: int = 50) -> int:
        """Try every intent that is due once, the gravest first; return how many were taken.

        Channels do not wait for each other. Errors: StoreError when the database is gone; what was
        being sent then counts as ambiguous once its lease has run out.
        """
        claimed: list[Intent] = await self._in_thread(
            self._outbox.claim_intents, self._clock.now(), limit, _LEASE_S
        )
        passes: defaultdict[ChannelId, _Pass] = defaultdict(_Pass)
        results = await asyncio.gather(
            *(self._carry(intent, passes[intent.channel_id]) for intent in claimed),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(claimed)

    async def _carry(self, intent: Intent, at: _Pass) -> None:
        sender = self._channels.get(intent.channel_id)
        owner = self._project.owner(intent.recipient_id)
        if sender is None or owner is None:
            gone = "channel" if sender is None else "recipient"
            ruling = Ruling.hopeless(f"the {gone} is no longer configured", self._clock.now())
            await self._finish(intent, None, ruling)
            return
        async with at.slots:
            delivery = await self._admit(intent, sender, at)
            if delivery is None:
                return
            try:
                answer = await sender.send(
                    intent, owner, repeat=intent.status is IntentStatus.AMBIGUOUS
                )
            except Exception:  # the edge of a channel: one that breaks must not stop the others
                log.exception(
                    "delivery channel=%s broke intent=%s", intent.channel_id, intent.intent_id
                )
                answer = Answer(outcome=DeliveryClass.AMBIGUOUS, text="the channel's program broke")
            await self._conclude(intent, delivery, answer, sender, at)

    async def _admit(self, intent: Intent, sender: Sender, at: _Pass) -> Delivery | None:
        """Begin an attempt, unless the channel must rest: then the intent waits its turn.

        Counting and beginning are one act per channel, so that no minute holds too many.
        """
        async with at.admission:
            now = self._clock.now()
            wait = await self._wait_for(intent, sender, at, now)
            if wait is None:
                try:
                    started: Delivery = await self._in_thread(
                        self._outbox.start_delivery, intent, now
                    )
                except StoreError as error:
                    log.warning("delivery intent=%s not begun: %s", intent.intent_id, error)
                    return None
                return started
            at.deferred += 1
            status = (
                IntentStatus.AMBIGUOUS
                if intent.status is IntentStatus.AMBIGUOUS
                else IntentStatus.RETRY
            )
            await self._finish(
                intent, None, Ruling(status=status, next_due_at=now + wait, reason="waits its turn")
            )
            return None

    async def _wait_for(
        self, intent: Intent, sender: Sender, at: _Pass, now: datetime
    ) -> timedelta | None:
        """Return how long this intent must wait for its channel, None when it may go now.

        A third of a counted channel is kept for orange and red (alerting.md 2.4).
        """
        blocked = self._blocked_until.get(intent.channel_id)
        if blocked is not None and blocked > now:
            return blocked - now
        if at.resting or time.monotonic() - at.began > _MOST_OF_LEASE_S:
            return timedelta(seconds=_PAUSE_S)
        if sender.per_minute is None:
            return None
        grave = intent.level >= Level.ORANGE
        budget = sender.per_minute if grave else sender.per_minute * 2 // 3
        since = now - timedelta(seconds=_WINDOW_S)
        sent: int = await self._in_thread(self._outbox.sent_since, intent.channel_id, since)
        if sent < budget:
            return None
        return timedelta(seconds=(at.deferred + 1) * _WINDOW_S / budget)

    async def _conclude(
        self, intent: Intent, delivery: Delivery, answer: Answer, sender: Sender, at: _Pass
    ) -> None:
        now = self._clock.now()
        done = replace(
            delivery,
            ended_at=now,
            outcome=answer.outcome,
            http_status=answer.http_status,
            provider_code=answer.provider_code,
            provider_message_id=answer.provider_message_id,
            retry_after_s=answer.retry_after_s,
            size_bytes=answer.size_bytes,
            text=answer.text,
        )
        ruling = rule(intent, answer, now, is_keyed=sender.is_keyed, chance=self._chance())
        if answer.outcome is DeliveryClass.THROTTLED and ruling.next_due_at is not None:
            self._blocked_until[intent.channel_id] = ruling.next_due_at
        if answer.http_status is None and answer.outcome in {
            DeliveryClass.RETRY,
            DeliveryClass.AMBIGUOUS,
        }:
            at.resting = answer.text
        await self._finish(intent, done, ruling)

    async def _finish(self, intent: Intent, delivery: Delivery | None, ruling: Ruling) -> None:
        fallback = None
        if ruling.use_fallback:
            fallback = fallback_intent(intent, self._project, self._clock.now())
            if fallback is None:
                ruling = ruling.without_fallback()
        held: bool = await self._in_thread(
            self._outbox.finish_delivery,
            replace(intent, reason=ruling.reason),
            delivery,
            ruling.status,
            ruling.next_due_at,
            fallback,
        )
        log.info(
            "delivery intent=%s channel=%s outcome=%s status=%s fallback=%s held=%s",
            intent.intent_id,
            intent.channel_id,
            delivery.outcome if delivery else "none",
            ruling.status,
            fallback.channel_id if fallback else "",
            held,
        )
