"""One act on one incident while it is being put together; out comes a whole Change.

Events are applied as they are recorded, so the incident of the Change is always the fold of its
events. Messages are rendered here, once.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from alerts import journal
from alerts.escalation import deadline_at, release_at, step_timer
from alerts.messages import Address, Occasion, Scene, render_notice
from alerts.routing import last_resort, reachable, standing, usable_channels
from config.schema import Channel, Owner
from storage.records import (
    Change,
    ChannelId,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Intent,
    IntentId,
    OwnerId,
    Timer,
)

SYSTEM = "system"


class Draft:
    """Collects the events, timers and intents of one act at one instant."""

    def __init__(
        self, incident: Incident | None, scene: Scene, now: datetime, *, actor: str = SYSTEM
    ) -> None:
        self.scene = scene
        self.now = now
        self.actor = actor
        self._standing: dict[OwnerId, str] = {}  # for whom people answer, in words to them
        self._incident = incident
        self._events: list[IncidentEvent] = []
        self._timers: list[Timer] = []
        self._cancelled: list[str] = []
        self._intents: list[Intent] = []
        self._cancel_intents = ""

    @property
    def incident(self) -> Incident:
        """The incident as it stands after what was recorded so far."""
        assert self._incident is not None, "nothing was recorded yet"
        return self._incident

    @property
    def last_kind(self) -> str:
        """The kind of what was recorded last."""
        return self._events[-1].kind if self._events else ""

    def record(
        self,
        kind: str,
        *,
        key: str = "",
        incident_id: IncidentId | None = None,
        epoch: int | None = None,
        **values: Any,
    ) -> None:
        """Add an event and apply it; `key` is what it is recognised by when fed twice."""
        before = self._incident
        named = incident_id or self.incident.incident_id
        seq = before.seq + 1 if before else 1
        event = IncidentEvent(
            incident_id=named,
            seq=seq,
            kind=kind,
            at=self.now,
            actor=self.actor,
            epoch=epoch or (before.epoch if before else 1),
            data=values,
            source_event_id=key or f"{kind}:{named}:{seq}",
        )
        self._incident = journal.apply(before, event)
        self._events.append(event)

    def people(self, owner_ids: Iterable[str]) -> tuple[OwnerId, ...]:
        """Return those who can be told now, the fallback when none of them can."""
        project = self.scene.project
        fallback = self._incident.policy.fallback if self._incident else ()
        named = tuple(owner_ids)
        self._standing |= standing(project, named, self.now)
        return reachable(project, named, self.now) or last_resort(project, fallback, self.now)

    def tell(
        self,
        occasion: Occasion,
        owner_ids: Iterable[OwnerId],
        why: Callable[[Owner], str],
        *,
        late: timedelta | None = None,
    ) -> None:
        """Write one message to each of these people, and start the next step's clock.

        The clock runs from when the first of them may be reached: quiet hours do not eat it.
        """
        incident, project = self.incident, self.scene.project
        urgency = occasion.urgency(incident.level)
        owners = [owner for owner in map(project.owner, dict.fromkeys(owner_ids)) if owner]
        due = {owner.id: release_at(owner, urgency, project.levels, self.now) for owner in owners}
        ask_by = None
        asks = incident.state is IncidentState.OPEN and incident.shelf is None
        if asks and occasion.asks_to_acknowledge:
            timer = step_timer(incident, min(due.values(), default=self.now))
            self.wait(timer)
            ask_by = timer.due_at if timer else None
        for owner in owners:
            [channel, *_] = usable_channels(owner, project)
            address = Address(
                recipient=owner,
                channel=channel,
                at=due[owner.id],
                ask_by=ask_by,
                why=why(owner) + self._standing.get(OwnerId(owner.id), ""),
                late=late,
            )
            self._intents.append(self._intent(occasion, owner, channel, address))

    def wait(self, timer: Timer | None) -> None:
        """Add a timer; it takes the place of those of its kind."""
        if timer is not None:
            self.stop(timer.kind)
            self._timers.append(timer)

    def wait_too(self, timer: Timer) -> None:
        """Add a timer beside those of its kind, or note that this one is done."""
        self._timers.append(timer)

    def stop(self, *kinds: str) -> None:
        """End the pending timers of these kinds."""
        self._cancelled += [kind for kind in kinds if kind not in self._cancelled]

    def drop_unsent(self, reason: str) -> None:
        """Cancel what was written before this act and has not left yet."""
        self._cancel_intents = reason

    def change(self, reason: str) -> Change:
        """Return all of it."""
        return Change(
            incident=self.incident,
            events=tuple(self._events),
            timers=tuple(self._timers),
            cancel_timers=tuple(self._cancelled),
            intents=tuple(self._intents),
            cancel_intents=self._cancel_intents,
            reason=reason,
        )

    def _intent(
        self, occasion: Occasion, owner: Owner, channel: Channel, address: Address
    ) -> Intent:
        incident = self.incident
        urgency = occasion.urgency(incident.level)
        rendered = render_notice(incident, occasion, self.scene, address)
        # a mail keeps its HTML wherever it may end up; chat-only people never need one
        project = self.scene.project
        mailed = any(item.kind == "email" for item in usable_channels(owner, project))
        return Intent(
            intent_id=intent_id(
                incident,
                occasion=occasion,
                step=incident.step,
                recipient=owner.id,
                channel=channel.id,
            ),
            incident_id=incident.incident_id,
            epoch=incident.epoch,
            kind=occasion.intent_kind,
            step=incident.step,
            recipient_id=OwnerId(owner.id),
            channel_id=ChannelId(channel.id),
            level=urgency,
            subject=rendered.subject,
            body=rendered.body,
            html=rendered.html if mailed else "",
            actions=rendered.actions,
            words=rendered.words,
            created_at=self.now,
            due_at=address.at,
            deadline_at=deadline_at(owner, urgency, address.at),
        )


def intent_id(
    incident: Incident, *, occasion: Occasion, step: int, recipient: str, channel: str
) -> IntentId:
    """Return the idempotency key of one message: the same act always writes the same key.

    Source: alerting.md 2.2; the part is the number of the event that caused it, so that two acts
    of one kind at one step stay apart.
    """
    parts = (
        incident.incident_id,
        str(incident.epoch),
        occasion.value,
        str(step),
        recipient,
        channel,
        str(incident.seq),
    )
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    return IntentId(b32encode(digest).decode()[:26].lower())
