"""What happens when a timer is due: an incident and its timer in, a whole Change out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts import journal
from alerts.acts import ask_for_confirmation, escalate, is_muted
from alerts.draft import Draft
from alerts.escalation import due_reminders, due_steps, insert_step
from alerts.messages import Links, NoLinks, Occasion, Scene
from alerts.shelf import shelf_is_over
from alerts.tasks import remind_of_task
from config.schema import Project
from storage.records import Change, Evidence, Incident, IncidentState, Mention, Timer, Verdict

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
) -> Change:
    """Carry out a due timer: escalate, take an acknowledge back, ask again, end a silence.

    A timer that no longer fits the incident changes nothing: its Change has no events and ends the
    timer only.
    """
    scene = Scene(project=project, links=links or NoLinks(), evidence=evidence, samples=samples)
    draft = Draft(incident, scene, now)
    key = f"timer:{incident.incident_id}:{timer.epoch}:{timer.kind}:{timer.step}"
    if timer.due_at <= now and (reason := _of_work(draft, timer, key)):
        return draft.change(reason)
    if timer.epoch == incident.epoch and timer.due_at <= now:
        match timer.kind:
            case "step" if incident.state is IncidentState.OPEN and timer.step > incident.step:
                if not is_muted(incident, now):  # else its clock starts anew when that ends
                    return _step_due(draft, timer, key)
            case "ack" if incident.state is IncidentState.ACKNOWLEDGED and incident.lease_until:
                if incident.lease_until <= now:
                    return _lease_over(draft, key)
            case "confirm" if incident.state is IncidentState.HANDLED and not incident.dormant:
                if timer.step > incident.reminders:
                    return _confirm_due(draft, key)
            case "mute" if incident.muted_until and incident.muted_until <= now:
                return _mute_over(draft, key)
            case _:
                pass
    return Change(
        incident=incident, events=(), timers=(replace(timer, status="done"),), reason="stale_timer"
    )


def _of_work(draft: Draft, timer: Timer, key: str) -> str:
    """Carry out the timer of a task, which outlives epochs, or of the shelf; "" for others."""
    match timer.kind:
        case "task" if remind_of_task(draft, timer, key):
            return "task_due"
        case "shelf" if timer.epoch == draft.incident.epoch and shelf_is_over(draft, key):
            return "shelf_over"
        case _:
            return ""


def _step_due(draft: Draft, timer: Timer, key: str) -> Change:
    incident = draft.incident
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
    return draft.change("nobody_acknowledged")


def _lease_over(draft: Draft, key: str) -> Change:
    """Take an acknowledge without progress back, and go on where the ladder stood."""
    incident = draft.incident
    draft.stop("ack")
    if is_muted(incident, draft.now):
        draft.record("lease_expired", key=key)
    else:
        escalate(draft, 1, "lease_expired", Occasion.LEASE, key=key)
    return draft.change("no_progress")


def _confirm_due(draft: Draft, key: str) -> Change:
    incident = draft.incident
    assert incident.handled_at is not None, "a handled incident carries the time of it"
    asked, dormant = due_reminders(incident.handled_at, draft.now)
    draft.stop("confirm")
    if dormant:
        draft.record("dormant", key=key, reminders=asked, dormant=True)
        return draft.change("no_answer")
    draft.record("reminded", key=key, reminders=asked, told=[incident.owner_id])
    ask_for_confirmation(
        draft, f"处理后还没有登记客户侧的确认，这是第 {asked} 次提醒。请联系客户侧并登记确认依据。"
    )
    return draft.change("confirmation_missing")


def _mute_over(draft: Draft, key: str) -> Change:
    """End a silence: exactly one message to catch up, if nobody has the incident in hand."""
    incident = draft.incident
    draft.stop("mute")
    if incident.state is not IncidentState.OPEN:
        draft.record("unmuted", key=key, muted_until=None)
        return draft.change("silence_over")
    told = draft.people((incident.owner_id,))
    draft.record(
        "unmuted",
        key=key,
        muted_until=None,
        step=incident.step + 1,
        policy=journal.encode_policy(insert_step(incident.policy, incident.step, told)),
        told=list(told),
    )
    draft.tell(
        Occasion.UNMUTED, told, lambda _: "静默时间已到，事件仍然没有人确认，升级计时重新开始。"
    )
    return draft.change("silence_over")
