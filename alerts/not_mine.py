"""Somebody who was told says that it is not his: no acknowledge, the next one is told at once.

Nothing is said about him but that fact. He is not asked again in this epoch, the clocks run on, and
when everybody has said so the fallback people, then the management, hear of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alerts.acts import known_owner
from alerts.command import Command, IllegalMove
from alerts.draft import Draft
from alerts.escalation import insert_step
from alerts.journal import encode_policy
from alerts.messages import Occasion
from alerts.routing import last_resort, name_of, reachable
from storage.records import NO_OWNER, IncidentState, OwnerId, Policy

_MANAGEMENT = "management"


def not_mine(draft: Draft, command: Command, key: str) -> None:
    """Note that a person says it is not his, and tell the next; said twice, it is noted once."""
    incident, project = draft.incident, draft.scene.project
    who = _whose_word(draft, command)
    if who in incident.declined:
        return
    named = known_owner(project, command.owner_id) if command.owner_id else NO_OWNER
    if named == who:
        raise IllegalMove("“不归我管”要么不写归谁，要么写另一个人 (name somebody else, or nobody)")
    declined = tuple(one for one in (*incident.declined, who) if one != named)
    values: dict[str, Any] = {
        "declined": list(declined),
        "who": who,
        "to": named,
        "text": command.text,
        "route_id": incident.policy.route_id,
        "before_ack": incident.state is IncidentState.OPEN,
    }
    asked = {*incident.told, incident.owner_id}
    if who not in asked and not named and not incident.trial_id:
        # he read it in a group, or in the console: those who were asked still are
        draft.record("not_mine", key=key, **(values | {"before_ack": False}))
        return
    if incident.state is IncidentState.ACKNOWLEDGED:
        if incident.acknowledged_by not in {command.actor, who}:  # somebody else has it in hand
            draft.record("not_mine", key=key, **values)
            return
        draft.record("not_mine", key=key, **values)
        draft.stop("ack")
        _tell_next(draft, who, named, "lease_expired", {"text": command.text})
        return
    _tell_next(draft, who, named, "not_mine", values | {"key": key})


def _whose_word(draft: Draft, command: Command) -> OwnerId:
    """Return who says so; a colleague or a program that enters it speaks for the owner."""
    project = draft.scene.project
    if command.who:
        return known_owner(project, command.who[0])
    if project.owner(command.actor) is not None:
        return OwnerId(command.actor)
    return draft.incident.owner_id


def _tell_next(
    draft: Draft, who: OwnerId, named: OwnerId, kind: str, values: dict[str, Any]
) -> None:
    incident, project = draft.incident, draft.scene.project
    declined = tuple(map(OwnerId, values.get("declined", incident.declined)))
    policy, reached, told = _next(draft, named, declined)
    if named or incident.owner_id == who:
        values["owner_id"] = named or next(iter(told), incident.owner_id)
    if incident.muted_until:
        values["muted_until"] = None
    draft.record(kind, policy=encode_policy(policy), step=reached, told=list(told), **values)
    draft.stop("step", "mute")
    said = f"，认为应由{name_of(project, named)}负责" if named else ""
    text = str(values.get("text", ""))
    note = f"：{text}" if text else ""
    words = f"{name_of(project, who)}回复这件事不归自己管{said}{note}。计时没有停，现在请你看一下。"
    draft.tell(Occasion.ESCALATION, told, lambda _: f"{words}{draft.incident.policy.reason}。")


def _next(
    draft: Draft, named: OwnerId, declined: Iterable[OwnerId]
) -> tuple[Policy, int, tuple[OwnerId, ...]]:
    """Return the ladder, the step that is reached and who stands there: nobody who declined."""
    policy, step = draft.incident.policy, draft.incident.step
    if named:
        told = draft.people((named,), anew=True)
        return insert_step(policy, step, told), step + 1, told
    for reached in range(step, len(policy.steps)):
        told = _there(draft, policy.steps[reached].owner_ids, declined)
        if told:
            return policy, reached + 1, told
    project = draft.scene.project
    everybody = last_resort(project, policy.fallback, draft.now)
    told = (
        _there(draft, policy.fallback, declined)
        or _there(draft, (_MANAGEMENT,), declined)
        or tuple(one for one in everybody if one not in declined)
        or everybody
    )
    step = len(policy.steps)
    return insert_step(policy, step, told), step + 1, told


def _there(
    draft: Draft, owner_ids: Iterable[str], declined: Iterable[OwnerId]
) -> tuple[OwnerId, ...]:
    project, regions = draft.scene.project, draft.scene.regions
    found = reachable(project, owner_ids, draft.now, regions=regions)
    return tuple(one for one in found if one not in declined)
