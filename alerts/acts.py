"""What grades, people and timers have in common when they move an incident: the shared acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts import journal
from alerts.command import IllegalMove
from alerts.draft import Draft
from alerts.escalation import confirm_timer, freeze_policy, insert_step, lease_warning_at
from alerts.launch_routes import route_named
from alerts.messages import Occasion, clock_words
from alerts.routing import RouteChoice, choose, name_of
from alerts.triangle import name_three, tell_three
from config.schema import Owner, Project
from storage.records import Incident, IncidentState, Level, OwnerId, Policy, Timer

ALL_TIMERS = (
    "step",
    "ack",
    "lease_warn",
    "confirm",
    "mute",
    "shelf",
    "handover",
    "first_warn",
    "first_over",
)


def first_told(policy: Policy, owner_id: OwnerId, level: Level) -> tuple[OwnerId, ...]:
    """Return who hears of an incident at once: its owner, and from yellow up those beside him."""
    also = policy.also if level >= Level.YELLOW else ()
    return tuple(dict.fromkeys((owner_id, *also)))


def same_route(draft: Draft) -> RouteChoice:
    """Choose again from the route that an incident came by, for it was not graded anew."""
    project, route_id = draft.scene.project, draft.incident.policy.route_id
    route = route_named(project, route_id, draft.now)
    return choose(project, route, draft.now, regions=draft.scene.regions)


def open_again(
    draft: Draft, kind: str, occasion: Occasion, choice: RouteChoice, level: Level, **values: Any
) -> None:
    """Begin a new epoch: a fresh policy, everybody concerned told at once, the clocks from zero."""
    incident, project = draft.incident, draft.scene.project
    asked = draft.people((incident.owner_id, choice.owner_id), anew=True)
    [owner_id, *_] = (*asked, choice.owner_id)
    policy = freeze_policy(choice, level, project, incident.tier)
    if owner_id == incident.owner_id:
        policy = replace(policy, held=incident.policy.held)
    told = draft.people(first_told(policy, owner_id, level), anew=True)
    draft.record(
        kind,
        epoch=incident.epoch + 1,
        key=f"{kind}:{incident.incident_id}:{incident.epoch + 1}",
        level=int(level),
        owner_id=owner_id,
        policy=journal.encode_policy(policy),
        told=list(told),
        **values,
    )
    seats = name_three(draft)
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent(kind)
    text = str(values.get("text", ""))
    draft.tell(occasion, told, lambda owner: _again_words(draft.incident, occasion, text, owner))
    tell_three(draft, seats)


def escalate(draft: Draft, steps: int, kind: str, occasion: Occasion, **how: Any) -> None:
    """Carry out the next `steps` steps of the ladder as one: each person hears of it once.

    `how` may hold `key` and `text` of the event, `late` and `before` (who did not acknowledge).
    """
    incident = draft.incident
    policy, step = incident.policy, incident.step
    if step >= len(policy.steps):  # past its end a ladder goes on with the fallback
        policy = insert_step(policy, step, policy.fallback)
    reached = min(step + steps, len(policy.steps))
    told = draft.people(who for item in policy.steps[step:reached] for who in item.owner_ids)
    late: timedelta | None = how.get("late")
    draft.record(
        kind,
        key=how.get("key", ""),
        step=reached,
        told=list(told),
        text=how.get("text", ""),
        late_s=int(late.total_seconds()) if late else 0,
        policy=journal.encode_policy(policy),
        **({"muted_until": None} if incident.muted_until else {}),
    )
    draft.stop("step", "mute")
    asked = incident.acknowledged_by
    draft.tell(
        occasion,
        told,
        lambda owner: _escalation_words(draft, occasion, asked, how.get("text", ""), owner),
        late=late,
    )


def hold_acknowledge(draft: Draft) -> datetime:
    """Return until when an acknowledge made now holds without a word of progress."""
    return draft.now + timedelta(seconds=draft.incident.policy.ack_lease_s)


def wait_for_progress(draft: Draft) -> None:
    """Start the clock after which an acknowledge without progress is taken back."""
    incident = draft.incident
    if incident.lease_until is None or incident.state is not IncidentState.ACKNOWLEDGED:
        return
    draft.wait(
        Timer(
            incident_id=incident.incident_id,
            epoch=incident.epoch,
            kind="ack",
            step=incident.seq,  # leases are renewed within an epoch; the event's number is unique
            due_at=incident.lease_until,
        )
    )
    draft.wait(
        Timer(
            incident_id=incident.incident_id,
            epoch=incident.epoch,
            kind="lease_warn",
            step=incident.seq,
            due_at=lease_warning_at(incident),
        )
    )


def progress(draft: Draft) -> dict[str, Any]:
    """Return what an act of work does to an acknowledge that runs: it holds as long again."""
    incident = draft.incident
    if incident.state is not IncidentState.ACKNOWLEDGED or incident.shelf is not None:
        return {}
    until = hold_acknowledge(draft)
    if incident.extended and incident.lease_until is not None:
        until = max(until, incident.lease_until)  # work never shortens what was extended
    return {"lease_until": until.isoformat()}


def known_owner(project: Project, owner_id: str) -> OwnerId:
    """Return the id of a person of the project. IllegalMove names those there are."""
    if project.owner(owner_id) is None:
        known = "、".join(owner.id for owner in project.owners)
        raise IllegalMove(f"没有负责人 {owner_id!r}，可选：{known} (no owner {owner_id!r})")
    return OwnerId(owner_id)


def ask_for_confirmation(draft: Draft, why: str, *, since: datetime | None = None) -> None:
    """Tell the owner to ask the customer's side, and wait for the next time to ask.

    `since`: from when the days of waiting count, None for the handling itself.
    """
    incident = draft.incident
    draft.tell(Occasion.CONFIRM, draft.people((incident.owner_id,)), lambda _: why)
    draft.wait(confirm_timer(incident, incident.reminders, since))


def is_muted(incident: Incident, now: datetime) -> bool:
    """Say whether notices about this incident are held back at this instant."""
    return incident.muted_until is not None and now < incident.muted_until


def is_open(incident: Incident) -> bool:
    """Say whether somebody still has to do something about it."""
    return incident.state in journal.OPEN_STATES


def told_words(draft: Draft, old: Level) -> str:
    """Return why people hear of a higher level."""
    incident = draft.incident
    return f"等级由{old.zh}升为{incident.level.zh}。{incident.policy.reason}。"


def new_people(incident: Incident, owner_ids: Iterable[OwnerId]) -> tuple[OwnerId, ...]:
    """Return those who have not heard of this incident yet."""
    return tuple(owner_id for owner_id in owner_ids if owner_id not in incident.told)


def _again_words(incident: Incident, occasion: Occasion, text: str, owner: Owner) -> str:
    del owner
    reason = incident.policy.reason
    if occasion is Occasion.REJECTED:
        return (
            f"客户侧反馈问题没有解决：{text}。{reason}。"
            if text
            else f"客户侧反馈问题没有解决。{reason}。"
        )
    return f"{text}。{reason}。" if text else f"{reason}。"


def _escalation_words(draft: Draft, occasion: Occasion, asked: str, text: str, owner: Owner) -> str:
    incident, project = draft.incident, draft.scene.project
    at = clock_words(draft.now, draft.now, owner.zone)
    step = f"按升级顺序轮到你（第 {incident.step} 步）。{incident.policy.reason}。"
    if occasion is Occasion.LEASE:
        return f"{name_of(project, asked)}确认后，到 {at} 还没有进展记录，{step}"
    if draft.actor != "system":
        said = f"：{text}" if text else ""
        return f"{name_of(project, draft.actor)}请求升级{said}。{step}"
    if incident.state is not IncidentState.OPEN:
        return step
    return f"到 {at} 尚无人确认，{step}"
