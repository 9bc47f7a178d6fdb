"""Levels that move: up with its consequences, by the program or by a person's word.

A level set by hand stands until it is given back. Only a ground that was not there when the person
decided, or that asks for more than it did then, lets the program raise it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts import journal
from alerts.acts import first_told, new_people, same_route, told_words, wait_for_progress
from alerts.command import Command, IllegalMove
from alerts.draft import Draft
from alerts.escalation import continue_policy, freeze_policy
from alerts.journal_values import encode_reasons
from alerts.messages import Occasion
from alerts.routing import RouteChoice, name_of
from alerts.score import name_of as level_words
from alerts.triangle import name_three, tell_three
from storage.records import Grade, Incident, IncidentState, Level, OwnerId, Reason

BY_HAND = "by_hand"  # the reason that says who set a level

# Grounds that count people or spread: twice as many as when the person decided is a new ground.
_COUNTED = frozenset(
    f"trigger_{name}" for name in ("death", "injury", "fire", "views", "reposts", "platforms")
) | {"surge"}


def rise(
    draft: Draft, choice: RouteChoice, grade: Grade, kind: str, why: str = "", **values: Any
) -> None:
    """Raise the level: re-route at once; who has acknowledged is left in peace, new people hear."""
    incident, project = draft.incident, draft.scene.project
    fresh = freeze_policy(choice, grade.level, project, incident.tier)
    wanted = first_told(fresh, incident.owner_id, grade.level)
    acknowledged = incident.state is IncidentState.ACKNOWLEDGED
    told: tuple[OwnerId, ...] = new_people(incident, wanted) if acknowledged else wanted
    told = draft.people(told) if told else ()
    old = incident.level
    lease = incident.lease_until
    if acknowledged and lease:
        lease = min(lease, draft.now + timedelta(seconds=fresh.ack_lease_s))
    draft.record(
        kind,
        level=int(grade.level),
        grade=journal.encode_grade(grade),
        policy=journal.encode_policy(continue_policy(incident.policy, incident.step, told, fresh)),
        step=incident.step + 1,
        told=list(told),
        below_since=None,
        muted_until=None,  # a silence holds for the level at which it was asked for
        lease_until=lease.isoformat() if lease else None,
        **values,
    )
    seats = name_three(draft)
    draft.stop("step", "mute")
    if incident.state is IncidentState.OPEN:
        draft.drop_unsent("superseded")
    if acknowledged:
        wait_for_progress(draft)
    said = f"{why}。" if why else ""
    draft.tell(Occasion.LEVEL_UP, told, lambda _: said + told_words(draft, old))
    tell_three(draft, seats)


def set_level(draft: Draft, command: Command, key: str, grade: Grade | None) -> None:
    """Set the level by hand, or give it back to the program.

    `grade` is the program's own judgement of this instant. To lower it needs a reason.
    """
    incident = draft.incident
    wanted, judged = command.level, grade or incident.grade
    if wanted is None:
        _give_back(draft, judged, key)
        return
    if wanted is Level.NONE:
        raise IllegalMove("等级只能是蓝、黄、橙、红；误报请用 dismiss (no level; use dismiss)")
    if wanted < incident.level and not command.text.strip():
        raise IllegalMove(
            f"由{level_words(incident.level)}降为{level_words(wanted)}需要写明理由 "
            "(lowering a level needs a reason)"
        )
    if wanted == incident.level and incident.level_by == command.actor:
        return  # pressed twice
    grounds = [one for one in judged.reasons if one.level > Level.NONE] if judged else []
    said = f"：{command.text.strip()}" if command.text.strip() else ""
    by = f"{name_of(draft.scene.project, command.actor)}定为{level_words(wanted)}{said}"
    values: dict[str, Any] = {
        "key": key,
        "text": command.text.strip(),
        "level_by": command.actor,
        "level_reason": command.text.strip(),
        "level_grounds": encode_reasons(grounds),
    }
    _move(draft, _held(judged, wanted, Reason(code=BY_HAND, text=by)), "level_set", by, values)


def may_raise(incident: Incident, grade: Grade) -> Reason | None:
    """Return the new ground by which the program may raise a level that a person has set."""
    if grade.level <= incident.level:
        return None
    stood = {_about(one): one for one in incident.level_grounds}
    for reason in sorted(grade.reasons, key=lambda one: -one.level):
        if reason.level > incident.level and _is_more(reason, stood.get(_about(reason))):
            return reason
    return None


def _is_more(reason: Reason, before: Reason | None) -> bool:
    if before is None or reason.level > before.level:
        return True
    doubled = (reason.value or 0.0) >= 2 * (before.value or 0.0) > 0
    return _about(reason) in _COUNTED and doubled


def _about(reason: Reason) -> str:
    """Return what a ground is about: a surge stays one, whatever its setting."""
    return "surge" if reason.code.startswith(("spike", "ramp")) else reason.code


def _give_back(draft: Draft, judged: Grade | None, key: str) -> None:
    incident = draft.incident
    if not incident.level_by:
        return
    by = f"{name_of(draft.scene.project, draft.actor)}把等级交回程序判断"
    values = {"key": key, "text": by, "level_by": "", "level_reason": "", "level_grounds": []}
    level = max(Level.BLUE, judged.level if judged else incident.level)
    _move(draft, _held(judged, level), "level_returned", by, values)


def call_back(draft: Draft, grade: Grade) -> None:
    """Take back, quietly, a level that only mentions of another trouble had brought about."""
    text = "合并已撤销，由合并带来的升级收回"
    _move(draft, grade, "level_recalled", text, {"text": text})


def _move(draft: Draft, grade: Grade | None, kind: str, why: str, values: dict[str, Any]) -> None:
    """Record a level that a person decided: up is told like any rise, down is quiet."""
    incident = draft.incident
    choice = same_route(draft)
    if grade is None:
        return
    if grade.level > incident.level and incident.state is not IncidentState.HANDLED:
        if incident.shelf is not None:  # who makes it more urgent takes it off the shelf
            draft.record("unshelved", shelf=None, reason="level", text=why)
            draft.stop("shelf")
        rise(draft, choice, grade, kind, why, **values)
        return
    told: dict[str, Any] = {"level": int(grade.level), "grade": journal.encode_grade(grade)}
    if grade.level < incident.level:
        fresh = freeze_policy(choice, grade.level, draft.scene.project, incident.tier)
        policy = continue_policy(incident.policy, incident.step, (), fresh)
        told |= {"policy": journal.encode_policy(policy), "step": incident.step + 1}
    draft.record(kind, below_since=None, **told, **values)
    tell_three(draft, name_three(draft))
    if grade.level < incident.level:
        draft.tell(Occasion.LEVEL_UP, (), lambda _: "")  # nobody; its own pace starts now


def _held(judged: Grade | None, level: Level, *first: Reason) -> Grade | None:
    """Return a judgement with the level that a person decided and the ground for it in front."""
    if judged is None:
        return None
    rest = _but(judged.reasons, {one.code for one in first} | {BY_HAND})
    return replace(judged, level=level, reasons=(*first, *rest))


def _but(reasons: Iterable[Reason], codes: set[str]) -> list[Reason]:
    return [one for one in reasons if one.code not in codes]
