"""The outbox as people see it and act on it: what waits, what is stuck, tests of a channel.

In: choices of the command line and the console. Out: records; every act is in the audit log.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from alerts.routing import usable_channels
from config.errors import GroundswellError
from config.schema import Channel, Owner, Project
from groundswell.clock import Clock
from storage.outbox_pages import OutboxGlance as OutboxGlance  # noqa: PLC0414 - for pages
from storage.outbox_pages import OutboxView as OutboxView  # noqa: PLC0414 - for pages
from storage.records import (
    ChannelId,
    ChannelState,
    Delivery,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    Member,
    OwnerId,
    Receipt,
)
from storage.store import Store

TEST = "test"
_TEST_WITHIN = timedelta(minutes=2)  # as long as a red one may try (alerting.md 2.4)
ENDED = frozenset({IntentStatus.SENT, IntentStatus.DEAD, IntentStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """One message with all that is known of it."""

    intent: Intent
    deliveries: tuple[Delivery, ...]
    members: tuple[tuple[IntentId, Member], ...] = ()  # of a summary: what it stands for
    heir: Intent | None = None  # the message that took over from a dead one
    receipts: tuple[Receipt, ...] = ()  # what the provider reported later


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxDesk:
    """Shows the outbox and acts on it; `woken` is called after a commit that left messages."""

    store: Store
    project: Project
    clock: Clock
    woken: Callable[[], None] = lambda: None

    def glance(self) -> OutboxGlance:
        """Return how much waits, since when, and what is stuck or dead."""
        with self.store.read() as queries:
            return queries.outbox_glance(self.clock.now())

    def channels(self) -> dict[ChannelId, ChannelState]:
        """Return what is known of each channel that was used: tokens, rests, failures."""
        with self.store.read() as queries:
            return queries.channel_states()

    def messages(self, view: OutboxView = "waiting", limit: int = 100) -> list[Intent]:
        """Return the messages of one view."""
        with self.store.read() as queries:
            return queries.outbox(view, self.clock.now(), limit)

    def show(self, intent_id: str) -> OutboxItem:
        """Return one message. Errors: GroundswellError when there is none of this id."""
        with self.store.read() as queries:
            found = queries.intent(intent_id)
            if found is None:
                raise GroundswellError(_unknown(intent_id))
            deliveries = tuple(queries.deliveries(intent_id))
            named = dict.fromkeys(one.provider_message_id for one in deliveries)
            reported = (queries.receipts_for(found.channel_id, one) for one in named if one)
            return OutboxItem(
                intent=found,
                deliveries=deliveries,
                receipts=tuple(receipt for receipts in reported for receipt in receipts),
                members=tuple(queries.summary_members(intent_id)),
                heir=queries.fallback_of(intent_id),
            )

    def retry(self, intent_id: str, actor: str) -> Intent:
        """Send a message that waits or is dead now. Errors: GroundswellError when it cannot be."""
        return self._change(intent_id, actor, "outbox_retry", "")

    def drop(self, intent_id: str, actor: str, reason: str) -> Intent:
        """Give a message up, with the reason. Errors: GroundswellError when it cannot be."""
        if not reason.strip():
            raise GroundswellError(f"dropping message {intent_id!r}: say why, in a few words")
        return self._change(intent_id, actor, "outbox_drop", reason.strip())

    def test(self, owner_id: str, channel_id: str | None, actor: str) -> list[Intent]:
        """Put a test message per channel of a person into the outbox; return them.

        They leave by the main job like any other message, and end with what the provider said.
        Errors: GroundswellError when person or channel are unknown, or no channel can reach him.
        """
        owner = self.project.owner(owner_id)
        if owner is None:
            known = ", ".join(one.id for one in self.project.owners)
            raise GroundswellError(f"testing owner {owner_id!r}: expected one of {known}")
        intents = [self._test(owner, channel, actor) for channel in self._tested(owner, channel_id)]
        with self.store.transaction() as tx:
            tx.add_intents(intents)
            for one in intents:
                tx.audit(actor, "outbox_test", owner_id, self.clock.now(), one.channel_id)
        self.woken()
        return intents

    def _tested(self, owner: Owner, channel_id: str | None) -> tuple[Channel, ...]:
        own = (*owner.channels, *owner.wake_by)
        ways = owner.model_copy(update={"channels": tuple(dict.fromkeys(own))})
        usable = usable_channels(ways, self.project)
        if channel_id is None:
            if not usable:
                raise GroundswellError(f"testing owner {owner.id!r}: no channel can reach him")
            return usable
        chosen = tuple(channel for channel in usable if channel.id == channel_id)
        if not chosen:
            named = ", ".join(channel.id for channel in usable) or "none"
            raise GroundswellError(
                f"testing channel {channel_id!r} of owner {owner.id!r}: expected one that can "
                f"reach him: {named}"
            )
        return chosen

    def _test(self, owner: Owner, channel: Channel, actor: str) -> Intent:
        now = self.clock.now()
        text = f"【测试】{owner.name}，这个渠道能收到听潮的通知"
        local = now.astimezone(owner.zone)
        lines = [text, f"渠道：{channel.id}", f"由 {actor} 于 {local:%m-%d %H:%M} 发出，无需处理。"]
        return Intent(
            intent_id=IntentId(secrets.token_hex(13)),
            incident_id=None,
            epoch=0,
            kind=TEST,
            step=0,
            recipient_id=OwnerId(owner.id),
            channel_id=ChannelId(channel.id),
            level=Level.NONE,
            subject=text[:40],
            body="\n".join(lines),
            words={"title": "测试消息", "name": owner.name, "text": text[:60], "level": "测试"},
            created_at=now,
            due_at=now,
            deadline_at=now + _TEST_WITHIN,
        )

    def _change(self, intent_id: str, actor: str, action: str, reason: str) -> Intent:
        now = self.clock.now()
        with self.store.transaction() as tx:
            found = tx.queries.intent(intent_id)
            if found is None:
                raise GroundswellError(_unknown(intent_id))
            if action == "outbox_retry":
                done = tx.retry_intent(intent_id, now)
            else:
                done = tx.drop_intent(intent_id, f"dropped by {actor}: {reason}")
            if not done:
                raise GroundswellError(
                    f"changing message {intent_id!r}: it is {found.status}; only what waits or is "
                    "dead can be retried or dropped"
                )
            tx.audit(actor, action, intent_id, now, reason)
            changed = tx.queries.intent(intent_id)
        assert changed is not None, "it was there a moment ago"
        self.woken()
        return changed


def _unknown(intent_id: str) -> str:
    return f"message {intent_id!r} is unknown: `groundswell outbox list` names them"
