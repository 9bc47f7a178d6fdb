"""What happens when timers are due: an incident and its timers in, one whole Change out.

Whatever is due of one incident is carried out together, so that a person gets one message about it,
also after an outage in which a step, a silence and a service limit all passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.acts import ask_for_confirmation, escalate, is_muted
from alerts.draft import Draft
from alerts.escalation import asked_by, due_steps, lease_warning_at
from alerts.first_response import first_due
from alerts.handover import answers_due
from alerts.handover import remind as ask_again
from alerts.hush import hold_on, let_hear
from alerts.messages import Links, NoLinks, Occasion, Scene, clock_words
from alerts.service_due import service_due
from alerts.shelf import shelf_is_over
from alerts.task_rounds import bring_up
from config.schema import Project
from storage.records import (
    Change,
    Evidence,
    Incident,
    IncidentState,
    Mention,
    Silence,
    Timer,
    Verdict,
)

_WORTH_NAMING = timedelta(minutes=5)  # a tick comes every few seconds; more is an outage


def on_timer(
    incident: Incident,
    timer: Timer,
    project: Project,
    now: datetime,
    *,
    evidence: Evidence | None = None,
    samples: Sequence[tuple[Mention, Verdict]] = (),
    links: Links | None = None,
    silences: Sequence[Silence] = (),
) -> Change:
    """Carry out one due timer; see `on_timers`."""
    return on_timers(
        incident,
        [timer],
        project,
        now,
        evidence=evidence,
        samples=samples,
        links=links,
        silences=silences,
    )


def on_timers(
    incident: Incident,
    timers: Sequence[Timer],
    project: Project,
    now: datetime,
    *,
    evidence: Evidence | None = None,
    samples: Sequence[tuple[Mention, Verdict]] = (),
    links: Links | None = None,
    silences: Sequence[Silence] = (),
    lesson: str = "",
    unanswered: Sequence[datetime | None] = (),
) -> Change:
    """Carry out what is due of one incident: escalate, take an acknowledge back, ask again, warn.

    `unanswered`: when those posted who wait for a first answer, where a timer asks for them.
    Timers that no longer fit the incident change nothing; a Change without events ends them only.
    """
    scene = Scene(
        project=project,
        links=links or NoLinks(),
        evidence=evidence,
        samples=samples,
        silences=silences,
        lesson=lesson,
    )
    draft = Draft(incident, scene, now)
    draft.unanswered = unanswered
    due = sorted((one for one in timers if one.due_at <= now), key=_first_things_first)
    reasons = [reason for timer in due if (reason := _carry_out(draft, timer))]
    if not reasons:
        ended = tuple(replace(timer, status="done") for timer in due)
        return Change(incident=incident, events=(), timers=ended, reason="stale_timer")
    change = draft.change(" ".join(reasons))
    known = {(timer.epoch, timer.kind, timer.step) for timer in change.timers}
    left = (one for one in due if one.kind not in change.cancel_timers)  # the others end with it
    ended = tuple(
        replace(one, status="done") for one in left if (one.epoch, one.kind, one.step) not in known
    )
    return replace(change, timers=(*change.timers, *ended))


def _carry_out(draft: Draft, timer: Timer) -> str:
    """Do what a timer is for, and return why; "" when it no longer fits."""
    act = _ACTS.get(timer.kind)
    # a task outlives epochs, and the incident's end
    if act is None or (timer.epoch != draft.incident.epoch and timer.kind != "task"):
        return ""
    key = f"timer:{timer.incident_id}:{timer.epoch}:{timer.kind}:{timer.step}"
    return act(draft, timer, key)


def _step_due(draft: Draft, timer: Timer, key: str) -> str:
    incident = draft.incident
    if incident.state is not IncidentState.OPEN or timer.step <= incident.step:
        return ""
    if is_muted(incident, draft.now):
        return ""  # its clock starts anew when that ends
    highest = due_steps(incident.policy, incident.step, timer.due_at, draft.now)
    late = draft.now - timer.due_at
    escalate(
        draft,
        highest - incident.step,
        "escalated",
        Occasion.ESCALATION,
        key=key,
        late=late if late >= _WORTH_NAMING else None,
    )
    return "nobody_acknowledged"


def _lease_over(draft: Draft, timer: Timer, key: str) -> str:
    """Take an acknowledge without progress back, and go on where the ladder stood."""
    del timer
    incident = draft.incident
    held = incident.lease_until is not None and incident.lease_until > draft.now
    if incident.state is not IncidentState.ACKNOWLEDGED or incident.lease_until is None or held:
        return ""
    draft.stop("ack")
    if is_muted(incident, draft.now):
        draft.record("lease_expired", key=key)
    else:
        escalate(draft, 1, "lease_expired", Occasion.LEASE, key=key)
    return "no_progress"


def _lease_ends_soon(draft: Draft, timer: Timer, key: str) -> str:
    """Remind whoever has it in hand, once, that his acknowledge ends without a word of progress."""
    del timer
    incident, project, now = draft.incident, draft.scene.project, draft.now
    until = incident.lease_until
    if incident.state is not IncidentState.ACKNOWLEDGED or until is None or until <= now:
        return ""
    if incident.reminded_of == until or lease_warning_at(incident) > now:
        return ""
    holder = incident.acknowledged_by
    told = draft.people((holder if project.owner(holder) else incident.owner_id,))
    draft.record("lease_reminded", key=key, reminded_of=until.isoformat(), told=list(told))
    draft.tell(
        Occasion.LEASE_WARNING,
        told,
        lambda owner: (
            f"确认之后还没有进展记录。到 {clock_words(until, now, owner.zone)} 仍没有，"
            "将按升级顺序通知下一位；写一条进展，计时就重新开始。"
        ),
    )
    return "lease_ends_soon"


def _confirm_due(draft: Draft, timer: Timer, key: str) -> str:
    """Ask the customer's side again; after the last question the incident goes dormant.

    Counted from the timer, not from the handling: a clock that was put right moves timers only.
    """
    incident = draft.incident
    if incident.state is not IncidentState.HANDLED or incident.dormant:
        return ""
    if timer.step <= incident.reminders:
        return ""
    asked, dormant, since = asked_by(timer, draft.now)
    draft.stop("confirm")
    if dormant:
        draft.record("dormant", key=key, reminders=asked, dormant=True)
        return "no_answer"
    draft.record("reminded", key=key, reminders=asked, told=[incident.owner_id])
    ask_for_confirmation(
        draft,
        f"处理后还没有登记客户侧的确认，这是第 {asked} 次提醒。请联系客户侧并登记确认依据。",
        since=since,
    )
    return "confirmation_missing"


def _mute_over(draft: Draft, timer: Timer, key: str) -> str:
    """End a silence that has run out."""
    del timer
    until = draft.incident.muted_until
    if until is None or until > draft.now:
        return ""
    if hold_on(draft, key):
        return "silence_goes_on"
    let_hear(draft, key, "静默时间已到")
    return "silence_over"


def _task_due(draft: Draft, timer: Timer, key: str) -> str:
    del timer, key  # which task it was for, and whether it was said, is read from the tasks
    return bring_up(draft)


def _shelf_due(draft: Draft, timer: Timer, key: str) -> str:
    del timer
    return "shelf_over" if shelf_is_over(draft, key) else ""


_ACTS: Mapping[str, Callable[[Draft, Timer, str], str]] = {
    "ack": _lease_over,
    "step": _step_due,
    "mute": _mute_over,
    "shelf": _shelf_due,
    "first_warn": first_due,
    "first_over": first_due,
    "react": service_due,
    "solve": service_due,
    "react_warn": service_due,
    "solve_warn": service_due,
    "lease_warn": _lease_ends_soon,
    "confirm": _confirm_due,
    "task": _task_due,
    "handover": answers_due,
    "handover_warn": ask_again,
}
_ORDER = {kind: place for place, kind in enumerate(_ACTS)}


def _first_things_first(timer: Timer) -> tuple[int, datetime, int]:
    """Order what is due at once: the first to speak to a person gives the first line."""
    return _ORDER.get(timer.kind, len(_ORDER)), timer.due_at, timer.step
