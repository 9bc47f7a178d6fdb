"""One act on one incident while it is being put together; out comes a whole Change.

Events are applied as they are recorded, so the incident of the Change is always the fold of its
events. Messages are rendered here, once; one act tells a person once, whatever it has to say.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import journal
from alerts.command import Published
from alerts.escalation import deadline_at, step_timer
from alerts.first_response import FIRST_TIMERS, first_timer
from alerts.messages import Address, Occasion, Scene, render_notice
from alerts.meters import encode_meter
from alerts.presence import waking_channels
from alerts.quiet import release_at
from alerts.routing import last_resort, reachable, standing, usable_channels
from alerts.service_clock import SERVICE_TIMERS, metered, next_words
from alerts.silences import holding
from alerts.trial import covering, reader_of, redirect_all, trial_of_incident
from config.schema import Channel, Owner
from storage.records import (
    Change,
    ChannelId,
    Complainant,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Intent,
    IntentId,
    Level,
    OwnerId,
    Silence,
    Timer,
)

SYSTEM = "system"

# Timers that end with another one.
_WITH = {"ack": ("lease_warn",), "handover": ("handover_warn",)}
# Said to everybody who hears of an incident for the first time after its trial.
_WENT_LIVE = "此前为试运行，之前的通知只发给了审阅人。"
# Answers to what people did: a silence keeps back what the program says by itself.
_PASS = frozenset(
    {
        Occasion.ASSIGNED,
        Occasion.TASK,
        Occasion.TASK_WARNING,
        Occasion.TASK_DUE,
        Occasion.TASK_OVER,
        Occasion.CONFIRM,
        Occasion.CLOSING,
        Occasion.HANDOVER,
        Occasion.HANDOVER_SAID,
        Occasion.LOCKED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one person is to be told, before it is worded for his channels."""

    incident: Incident  # as it stood when it was decided
    occasion: Occasion
    owner: Owner
    at: datetime
    ask_by: datetime | None
    why: str
    late: timedelta | None


class Draft:
    """Collects the events, timers and intents of one act at one instant."""

    def __init__(
        self, incident: Incident | None, scene: Scene, now: datetime, *, actor: str = SYSTEM
    ) -> None:
        self.scene = scene
        self.now = now
        self.actor = actor
        self._standing: dict[OwnerId, str] = {}  # for whom people answer, in words to them
        self._went_live = ""  # that it was on trial until now, in words
        self._incident = incident
        self._metered = incident.meter if incident else None
        self._told: list[_Told] = []
        self._events: list[IncidentEvent] = []
        self._timers: list[Timer] = []
        self._cancelled: list[str] = []
        self._cancel_intents = ""
        self.complainants: dict[str, Complainant] = {}  # those whom the act may name
        self.published: tuple[Published, ...] = ()  # what was answered in public
        self.unanswered: Sequence[datetime | None] = ()  # when those posted who wait for an answer
        self._before = incident
        self._moved: dict[str, Complainant] = {}

    @property
    def incident(self) -> Incident:
        """The incident as it stands after what was recorded so far."""
        assert self._incident is not None, "nothing was recorded yet"
        return self._incident

    @property
    def last_event(self) -> IncidentEvent:
        """What was recorded last."""
        return self._events[-1]

    def move(self, complainants: Mapping[str, Complainant]) -> None:
        """Note how the last event leaves complainants; their rows are written with it."""
        self._moved |= complainants
        self.complainants |= complainants

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
        after = journal.apply(before, event)
        meter = metered(before, after, kind, self.now)
        if meter is not None:  # a service clock starts, stops, or has another limit from here on
            event = replace(event, data=values | {"meter": encode_meter(meter)})
            after = journal.apply(before, event)
        self._incident = after
        self._events.append(event)

    def people(self, owner_ids: Iterable[str], *, anew: bool = False) -> tuple[OwnerId, ...]:
        """Return those who can be told now, the fallback when none of them can.

        Who said in this epoch that it is not theirs is not asked again, unless it is `anew`.
        """
        project = self.scene.project
        fallback = self._incident.policy.fallback if self._incident else ()
        named = tuple(owner_ids)
        regions = self.scene.regions
        self._standing |= standing(project, named, self.now, regions=regions)
        found = reachable(project, named, self.now, regions=regions)
        declined = self._incident.declined if self._incident and not anew else ()
        resort = last_resort(project, fallback, self.now)
        if not declined:
            return found or resort
        kept = (tuple(one for one in group if one not in declined) for group in (found, resort))
        return next((group for group in kept if group), resort)

    def tell(
        self,
        occasion: Occasion,
        owner_ids: Iterable[OwnerId],
        why: Callable[[Owner], str],
        *,
        late: timedelta | None = None,
    ) -> None:
        """Tell each of these people, and start the next step's clock.

        The clock runs from when the first of them may be reached: quiet hours do not eat it. What
        the program says by itself while a silence holds is noted, and said when it ends.
        """
        owners = [one for one in map(self.scene.project.owner, dict.fromkeys(owner_ids)) if one]
        if self.actor == SYSTEM and occasion not in _PASS and self._is_silent():
            self._hold(occasion, owners)
            return
        owners = self._with_silenced(owners)
        self._note_trial(owners)
        incident, project = self.incident, self.scene.project
        urgency, calendar = self.urgency(occasion), project.settings.calendar
        due = [release_at(one, urgency, project.levels, self.now, calendar) for one in owners]
        ask_by = None
        asks = incident.state is IncidentState.OPEN and incident.shelf is None
        if asks and occasion.asks_to_acknowledge:
            timer = step_timer(incident, min(due, default=self.now))
            self.wait(timer)
            ask_by = timer.due_at if timer else None
        self._told += [
            _Told(
                incident=incident,
                occasion=occasion,
                owner=owner,
                at=at,
                ask_by=ask_by,
                why=why(owner) + self._standing.get(OwnerId(owner.id), "") + self._went_live,
                late=late,
            )
            for owner, at in zip(owners, due, strict=True)
        ]

    def _note_trial(self, owners: Iterable[Owner]) -> None:
        """Note that what is said from here on goes to a reviewer, or to the people again."""
        told = [owner.id for owner in owners]
        trial = trial_of_incident(self.scene.project, self.incident)
        if not told or (trial.id if trial else "") == self.incident.trial_id:
            return
        if trial is not None:
            self.record("on_trial", trial_id=trial.id)
        else:
            self.record("went_live", trial_id="", told=told)
            self._went_live = _WENT_LIVE

    def urgency(self, occasion: Occasion) -> Level:
        """Return how urgent a message is now: what is left to do after the end waits like blue."""
        return _urgency(self.incident, occasion)

    def silence(self) -> Silence | None:
        """Return the silence or maintenance window that holds notices about the incident now."""
        return holding(self.incident, self.scene, self.now)

    def _is_silent(self) -> bool:
        until = self.incident.muted_until
        return (until is not None and self.now < until) or self.silence() is not None

    def _hold(self, occasion: Occasion, owners: Iterable[Owner]) -> None:
        """Note what is not said now, and whom to tell when the silence ends."""
        incident, silence = self.incident, self.silence()
        until, by, text = incident.muted_until or self.now, incident.muted_by, ""
        if silence is not None and silence.ends_at >= until:
            until, by, text = silence.ends_at, silence.silence_id, silence.reason
        self.record(
            "held",
            muted_until=until.isoformat(),
            muted_by=by,
            silenced=list(dict.fromkeys((*incident.silenced, *(one.id for one in owners)))),
            occasion=str(occasion),
            text=text,
        )
        self.stop("step")
        self.wait_for_silence()

    def wait_for_silence(self) -> None:
        """Start the clock that ends the silence on this incident."""
        incident = self.incident
        if incident.muted_until is not None:
            self.wait(
                Timer(
                    incident_id=incident.incident_id,
                    epoch=incident.epoch,
                    kind="mute",
                    step=incident.seq,  # silences may follow each other; the number is unique
                    due_at=incident.muted_until,
                )
            )

    def _with_silenced(self, owners: list[Owner]) -> list[Owner]:
        """Add those who were not told while it was silent: now they hear, with this message."""
        waiting = self.incident.silenced
        if not waiting or self._is_silent():
            return owners
        self.record("caught_up", silenced=[], muted_by="")
        more = map(self.scene.project.owner, self.people(waiting))
        return list({one.id: one for one in (*owners, *more) if one}.values())

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
        named = [one for kind in kinds for one in (kind, *_WITH.get(kind, ()))]
        self._cancelled += [kind for kind in dict.fromkeys(named) if kind not in self._cancelled]

    def drop_unsent(self, reason: str) -> None:
        """Cancel what was written before this act and has not left yet."""
        self._cancel_intents = reason

    def change(self, reason: str) -> Change:
        """Return all of it."""
        if self.incident.meter != self._metered:
            self._wait_for_service()
        self._wait_for_first()
        timers = {(timer.epoch, timer.kind, timer.step): timer for timer in self._timers}
        return Change(
            incident=self.incident,
            events=tuple(self._events),
            timers=tuple(timers.values()),
            cancel_timers=tuple(self._cancelled),
            intents=tuple(self._written()),
            cancel_intents=self._cancel_intents,
            reason=reason,
            complainants=tuple(self._moved.values()),
        )

    def _wait_for_service(self) -> None:
        """Start anew the clocks of the next warnings and breaches: they stopped, or went on."""
        incident = self.incident
        self.stop(*SERVICE_TIMERS)
        for kind, at in next_words(incident):
            self.wait_too(
                Timer(
                    incident_id=incident.incident_id,
                    epoch=incident.epoch,
                    kind=kind,
                    step=incident.seq,  # clocks stop and go on; the event's number is unique
                    due_at=at,
                )
            )

    def _wait_for_first(self) -> None:
        """Look anew at first answers: the incident began or came back, or the promise changed."""
        before, after = self._before, self.incident
        is_same = before is not None and before.epoch == after.epoch
        if is_same and before is not None and before.policy.service == after.policy.service:
            return
        evidence = self.scene.evidence
        self.stop(*FIRST_TIMERS)
        timer = first_timer(after, evidence.first_at if evidence else None, self.now)
        if timer is not None:
            self.wait_too(timer)

    def _written(self) -> list[Intent]:
        """Word what each person is told: several occasions of one act become one message."""
        by_owner: dict[str, list[_Told]] = {}
        written: list[Intent] = []
        for told in self._told:
            by_owner.setdefault(told.owner.id, []).append(told)
        for first, *further in by_owner.values():
            said = dict.fromkeys((first.why, *(told.why for told in further)))
            told = replace(first, why="".join(said))
            written += [self._intent(told, channel) for channel in _channels(told, self.scene)]
        project, incident = self.scene.project, self._incident
        return redirect_all(written, incident, project, is_worded=True)

    def _intent(self, told: _Told, channel: Channel) -> Intent:
        incident, occasion, owner = told.incident, told.occasion, told.owner
        urgency, project = _urgency(incident, occasion), self.scene.project
        trial = covering(project, incident, owner.id)
        reader, shown_on = reader_of(project, trial) if trial else (owner, channel)
        address = Address(
            recipient=owner,
            channel=shown_on or channel,
            at=told.at,
            ask_by=told.ask_by,
            why=told.why,
            late=told.late,
            signed_for=OwnerId(reader.id),
        )
        # a mail keeps its HTML wherever it may end up; chat-only people never need one
        mailed = any(item.kind == "email" for item in usable_channels(reader, project))
        rendered = render_notice(incident, occasion, self.scene, address, has_page=mailed)
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
            html=rendered.html,
            actions=rendered.actions,
            words=rendered.words,
            created_at=self.now,
            due_at=address.at,
            deadline_at=deadline_at(owner, urgency, address.at),
        )


def _urgency(incident: Incident, occasion: Occasion) -> Level:
    level = occasion.urgency(incident.level)
    return level if incident.at_work else min(level, Level.BLUE)


def _channels(told: _Told, scene: Scene) -> tuple[Channel, ...]:
    """Return by which channels a person is told: orange by two of them, red by all he has.

    What rings (`wake_by`) goes with both, when it asks for an acknowledge (alerting.md 4).
    """
    usable = usable_channels(told.owner, scene.project)
    urgency = _urgency(told.incident, told.occasion)
    if urgency < Level.ORANGE or not told.occasion.asks_to_acknowledge:
        return usable[:1]
    waking = waking_channels(told.owner, scene.project)
    if urgency >= Level.RED:
        chosen = (*usable, *waking)
    else:
        chosen = (*usable[:1], *waking) if waking else usable[:2]
    return tuple({channel.id: channel for channel in chosen}.values())


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
