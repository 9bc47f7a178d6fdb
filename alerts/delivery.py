"""Sending what was decided: intents in, one attempt each, its outcome and what follows out.

Promise (alerting.md 2.4): every intent ends sent, cancelled, or dead with a fallback written in
the same transaction; a message that may have arrived is sent again only after a hold. How much a
channel carries, whether it rests and who has heard enough stands in the database, for all
processes.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from alerts.budget import day_starts
from alerts.channel_notices import refused_notices
from alerts.channels.answer import Answer, Sender
from alerts.fallback import fallback_intent, is_over
from alerts.gate import TOLD_BESIDE, UNCONFIRMED, Gate, Sight, bare_lines
from alerts.ruling import Ruling, rule, rule_wait
from alerts.storm import Storm
from alerts.trial import CANCELLED, redirect_all
from config.errors import StoreError
from config.schema import Owner, Project
from storage.records import (
    Backlog,
    Budget,
    ChannelId,
    Delivery,
    DeliveryClass,
    IncidentId,
    Intent,
    IntentId,
    IntentStatus,
    OwnerId,
    Plan,
    Wait,
)

log = logging.getLogger(__name__)

_LEASE_S = 60.0  # alerting.md 2.3: longer than any attempt
_MOST_OF_LEASE_S = 40.0  # no attempt begins later than this: it must end within its lease
_AT_ONCE = 4  # attempts on one channel side by side; intents in order are never claimed together
_PAUSE_S = 5.0  # a channel that just failed gets no more in this pass
_PACE_S = 2.0  # the longest pause within a pass for a channel that counts seconds
_PACES = 20  # and so many of them before a message waits for the next pass


class Outbox(Protocol):
    """Where intents wait; every call is a transaction of its own."""

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
        """Take due intents by the plan; each carries the status that it had before."""
        ...

    def start_delivery(
        self,
        intent: Intent,
        started_at: datetime,
        budget: Budget | None = None,
        *,
        at: datetime | None = None,
        elapsed_at_most_s: float | None = None,
    ) -> Delivery | Wait:
        """Take a token and write down that an attempt begins.

        Errors: StoreError when the lease was lost.
        """
        ...

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
        """Write down what it came to; False when the lease was lost meanwhile."""
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
    admission: asyncio.Lock = field(default_factory=asyncio.Lock)
    resting: str = ""


class Courier:
    """Takes due intents and brings them to their channels.

    `chance` returns a number in [0, 1) for spreading retries; `in_thread` runs a blocking call of
    the outbox off the loop; `page` gives the address of an incident's page. Channels are metered by
    the database's clock, by `meter` where time itself is made up (a rehearsal). `gate` is asked for
    each message: what a trial covers goes to its reviewer only, and an address that nobody
    confirmed gets nothing. Without one everything goes where it is addressed.
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
        page: Callable[[IncidentId], str] = lambda _: "",
        meter: Clock | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._outbox = outbox
        self._gate = gate
        self._sights: dict[IntentId, Sight] = {}
        self._open_sight = Sight(project=project.model_copy(update={"trials": ()}))
        self._channels = channels
        self._project = project
        self._clock = clock
        self._chance = chance
        self._in_thread = in_thread
        self._meter = meter
        self._budgets = {
            channel_id: Budget(
                per_minute=sender.per_minute,
                per_second=sender.per_second,
                quiet_minutes=sender.quiet_minutes,
            )
            for channel_id, sender in channels.items()
        }
        self._storm = Storm(project, self._budgets, page)
        self._claiming = asyncio.Lock()
        self._busy: Counter[ChannelId] = Counter()  # attempts under way
        self._taken_at: dict[ChannelId, float] = {}  # by the steady clock: when a token was taken

    async def deliver_due(
        self, limit: int = 50, *, only: Collection[IntentId] | None = None
    ) -> int:
        """Try what is due and has room, the gravest first; return how many were taken.

        Channels do not wait for each other within a round; calls may overlap, so that a provider
        that hangs holds up nobody else's. `only` leaves all other messages alone. Errors:
        StoreError when the database is gone; what was being sent then counts as ambiguous once its
        lease has run out.
        """
        passes: defaultdict[ChannelId, _Pass] = defaultdict(_Pass)
        taken = 0
        while taken < limit:
            claimed = await self._claim(limit - taken, only)
            if not claimed:
                break
            taken += len(claimed)
            results = await asyncio.gather(
                *(self._occupy(intent, passes[intent.channel_id]) for intent in claimed),
                return_exceptions=True,
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        return taken

    async def _claim(self, limit: int, only: Collection[IntentId] | None) -> list[Intent]:
        """Take what may go now: no more per channel than are attempted side by side."""
        async with self._claiming:
            now = self._clock.now()
            slots = {one: max(0, _AT_ONCE - self._busy[one]) for one in self._channels}
            plan = functools.partial(self._storm.plan, now=now, limit=limit, slots=slots)
            claimed: list[Intent] = await self._in_thread(
                functools.partial(
                    self._outbox.claim_intents,
                    plan=plan,
                    only=only,
                    day_starts=day_starts(self._project, now),
                ),
                now,
                limit,
                _LEASE_S,
            )
            self._busy.update(intent.channel_id for intent in claimed)
            if self._gate is not None and claimed:
                sight: Sight = await self._in_thread(self._gate.look, claimed)
                self._sights |= {intent.intent_id: sight for intent in claimed}
            return claimed

    async def _occupy(self, intent: Intent, at: _Pass) -> None:
        try:
            await self._carry(intent, at)
        finally:
            self._busy[intent.channel_id] -= 1
            self._sights.pop(intent.intent_id, None)

    async def _carry(self, intent: Intent, at: _Pass) -> None:
        sender = self._channels.get(intent.channel_id)
        owner = self._project.owner(intent.recipient_id)
        if sender is None or owner is None:
            gone = "channel" if sender is None else "recipient"
            ruling = Ruling.hopeless(f"the {gone} is no longer configured", self._clock.now())
            await self._finish(intent, None, ruling)
            return
        if (refusal := self._refusal(intent, owner)) is not None:
            kept = None
            if refusal.reason == CANCELLED:  # the reviewer reads it instead
                kept = self._sight(intent).instead(intent, self._clock.now())
            await self._finish(intent, None, refusal, (kept,) if kept else ())
            return
        delivery = await self._admit(intent, at)
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

    def _sight(self, intent: Intent) -> Sight:
        return self._sights.get(intent.intent_id, self._open_sight)

    def _refusal(self, intent: Intent, owner: Owner) -> Ruling | None:
        """Return what becomes of a message that may not go where it is addressed."""
        channel = self._project.channel(intent.channel_id)
        assert channel is not None, "it has a sender"
        refusal = self._sight(intent).refusal(intent, owner, channel)
        if refusal in {CANCELLED, TOLD_BESIDE}:
            return Ruling(status=IntentStatus.CANCELLED, reason=refusal)
        return Ruling.hopeless(refusal, self._clock.now()) if refusal else None

    async def _admit(self, intent: Intent, at: _Pass) -> Delivery | None:
        """Begin an attempt, unless the channel must rest: then the intent waits, or goes elsewhere.

        One at a time per channel, so that those who wait for a token keep their order.
        """
        async with at.admission:
            found = await self._begin(intent, at)
        if not isinstance(found, Wait):
            return found
        await self._finish(intent, None, rule_wait(intent, found, self._clock.now()))
        return None

    async def _begin(self, intent: Intent, at: _Pass) -> Delivery | Wait | None:
        channel_id = intent.channel_id
        wait = Wait(seconds=_PAUSE_S, reason="resting")
        for _ in range(_PACES):
            if at.resting or time.monotonic() - at.began > _MOST_OF_LEASE_S:
                return Wait(seconds=_PAUSE_S, reason="resting")
            taken_at = self._taken_at.get(channel_id)
            start = functools.partial(
                self._outbox.start_delivery,
                at=self._meter.now() if self._meter else None,
                elapsed_at_most_s=None
                if taken_at is None or self._meter
                else time.monotonic() - taken_at,
            )
            try:
                found: Delivery | Wait = await self._in_thread(
                    start, intent, self._clock.now(), self._budgets[channel_id]
                )
            except StoreError as error:
                log.warning("delivery intent=%s not begun: %s", intent.intent_id, error)
                return None
            if not isinstance(found, Wait):
                self._taken_at[channel_id] = time.monotonic()
                return found
            wait = found
            if wait.reason != "pace" or wait.seconds > _PACE_S or self._meter:
                break
            await asyncio.sleep(wait.seconds)
        return wait

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
        if answer.http_status is None and answer.outcome in {
            DeliveryClass.RETRY,
            DeliveryClass.AMBIGUOUS,
        }:
            at.resting = answer.text
        also: tuple[Intent, ...] = ()
        if answer.outcome is DeliveryClass.PERMANENT:
            found = refused_notices(intent, answer.text, self._project, now)
            also = tuple(redirect_all(found, None, self._sight(intent).project))
        await self._finish(intent, done, ruling, also)

    async def _finish(
        self,
        intent: Intent,
        delivery: Delivery | None,
        ruling: Ruling,
        also: Sequence[Intent] = (),
    ) -> None:
        fallback = None
        if ruling.use_fallback:
            now, sight = self._clock.now(), self._sight(intent)
            fallback = fallback_intent(intent, sight.project, now, sight.ways(intent))
            if fallback is None:
                also = (*also, *_in_its_place(intent, ruling, sight, now))
                ruling = _without_fallback(intent, ruling, self._project)
        held: bool = await self._in_thread(
            functools.partial(
                self._outbox.finish_delivery,
                also=also,
                at=self._meter.now() if self._meter else None,
            ),
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


def _in_its_place(
    intent: Intent, ruling: Ruling, sight: Sight, now: datetime
) -> tuple[Intent, ...]:
    """Return the bare lines for a message whose ways are all unconfirmed, or fail."""
    refused = ruling.reason == UNCONFIRMED
    if refused or fallback_intent(intent, sight.project, now) is not None:
        return tuple(bare_lines(intent, sight, now))
    return ()


def _without_fallback(intent: Intent, ruling: Ruling, project: Project) -> Ruling:
    """Rule for a message that nobody takes over: on trial, or unproved, it is a dead letter."""
    if intent.trial_id or ruling.reason == UNCONFIRMED:
        return replace(ruling, use_fallback=False)
    return ruling.without_fallback(ends=is_over(intent, project))
