"""Handing one of the three roles over: it counts only when the receiver accepts.

Until then the giver answers. A receiver who declines, or who does not answer within the level's
time to acknowledge, sends it back. After two that came back (踢皮球) the three stay who they are,
and management is told who offered what to whom and what was answered; only management ends that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.command import Command, CommandName, IllegalMove
from alerts.draft import Draft
from alerts.journal_values import encode_seats, without_offer
from alerts.messages import Occasion, clock_words
from alerts.presence import name_of, person_of
from alerts.quiet import release_at, rules_of
from alerts.routing import fallback_line, people_of, reachable
from alerts.triangle import MANAGEMENT, seat_of
from config.schema import Owner, Project
from storage.records import (
    Handover,
    Incident,
    IncidentState,
    Json,
    OwnerId,
    Seat,
    Timer,
    TriangleRole,
)

BOUNCES = 2
"""So many handovers that came back lock the three (踢皮球), and so many more lock them again."""

_ANSWERS = {
    "": "等待答复",
    "accepted": "已接受",
    "declined": "没有接受",
    "unanswered": "到时没有答复",
    "withdrawn": "因负责人锁定而收回",
}


def offer(draft: Draft, command: Command, key: str) -> None:
    """Ask somebody to take one of the three roles over; who holds it answers until he accepts."""
    incident, project = draft.incident, draft.scene.project
    seat = _seat(incident, command.role)
    if incident.locked_at is not None:
        raise IllegalMove(
            f"{incident.code} 的三位负责人已锁定：移交已退回 {incident.bounces} 次。"
            "解除锁定由管理层决定（unlock） (the three are locked; management may unlock)"
        )
    receiver = _receiver(draft, command.owner_id)
    if seat.offered_to == receiver:
        return  # pressed twice
    if seat.offered_to:
        raise IllegalMove(
            f"{seat.role.zh}已请{name_of(project, seat.offered_to)}接任，请等答复 "
            f"(already offered to {seat.offered_to}: wait for the answer)"
        )
    if receiver == seat.owner_id:
        raise IllegalMove(
            f"{name_of(project, receiver)}已经是{seat.role.zh} ({receiver} holds this role already)"
        )
    told = draft.people((receiver,))
    answer_by = _answer_by(draft, told)
    number = incident.seq + 1
    offered = replace(
        seat,
        offered_to=receiver,
        offered_by=command.actor,
        offered_at=draft.now,
        reason=command.text.strip(),
        answer_by=answer_by,
        offer=number,
    )
    draft.record(
        "handover_offered",
        key=key,
        triangle=_with(incident.triangle, offered),
        offered={"role": seat.role.value, "giver": seat.owner_id, "receiver": receiver},
        text=command.text.strip(),
        told=list(told),
    )
    wait_for_answer(draft, offered)
    _ask(draft, offered, told, again=False)


def accept(draft: Draft, command: Command, key: str) -> None:
    """Take the role over that one was offered; only the receiver can, or who stands in for him."""
    seat = _seat(draft.incident, command.role)
    if not seat.offered_to and _last_answer(draft.incident, seat.role, "accepted") == seat.owner_id:
        return  # pressed twice
    _check_receiver(draft, seat, command)
    project, giver, asker = draft.scene.project, seat.owner_id, seat.offered_by
    taken = replace(without_offer(seat), owner_id=seat.offered_to, since=draft.now, function="")
    draft.record(
        "handover_accepted",
        key=key,
        triangle=_with(draft.incident.triangle, taken),
        answered=[[seat.offer, "accepted"]],
        role=seat.role.value,
        text=command.text.strip(),
    )
    _end_waiting(draft, seat)
    said = f"{name_of(project, taken.owner_id)}接任{seat.role.zh}，由此刻起负责。"
    _answer(draft, (giver, asker, taken.owner_id), lambda _: said)


def decline(draft: Draft, command: Command, key: str) -> None:
    """Send a role back that one was offered, with a reason; the giver goes on answering for it."""
    seat = _seat(draft.incident, command.role)
    incident = draft.incident
    if not seat.offered_to and _is_declined_by(draft, seat.role, command.actor):
        return  # pressed twice
    _check_receiver(draft, seat, command)
    project = draft.scene.project
    _send_back(draft, seat, "declined", key=key, text=command.text.strip())
    said = (
        f"{name_of(project, seat.offered_to)}没有接任{seat.role.zh}：{command.text.strip()}。"
        f"仍由{name_of(project, seat.owner_id)}负责。"
    )
    _answer(draft, (seat.owner_id, seat.offered_by), lambda _: said)
    _lock_after(draft, incident)


def answers_due(draft: Draft, timer: Timer, key: str) -> str:
    """Send back what nobody answered in time; "" when it was answered."""
    incident, project = draft.incident, draft.scene.project
    seat = _offered(incident, timer)
    if seat is None:
        return ""
    _send_back(draft, seat, "unanswered", key=key)
    said = (
        f"请{name_of(project, seat.offered_to)}接任{seat.role.zh}，到时没有答复。"
        f"仍由{name_of(project, seat.owner_id)}负责。"
    )
    people = (seat.owner_id, seat.offered_by, seat.offered_to)
    _answer(draft, people, lambda _: said)
    _lock_after(draft, incident)
    return "handover_unanswered"


def remind(draft: Draft, timer: Timer, key: str) -> str:
    """Ask a receiver once more when half of his time is over."""
    seat = _offered(draft.incident, timer)
    if seat is None or seat.answer_by is None or seat.answer_by <= draft.now:
        return ""
    told = draft.people((seat.offered_to,))
    draft.record("handover_reminded", key=key, role=seat.role.value, told=list(told))
    _ask(draft, seat, told, again=True)
    return "handover_waits"


def unlock(draft: Draft, command: Command, key: str) -> None:
    """Let the three be handed over again: management's decision, with a reason."""
    incident, project = draft.incident, draft.scene.project
    if incident.locked_at is None:
        return  # pressed twice
    actor = person_of(project, command.actor)
    if actor not in managers(draft):
        named = "、".join(name_of(project, one) for one in managers(draft))
        raise IllegalMove(
            f"解除锁定由管理层决定：{named or '没有人'} (only management unlocks, "
            f"{command.actor!r} does not belong to it)"
        )
    draft.record("unlocked", key=key, locked_at=None, text=command.text.strip())
    said = f"管理层（{name_of(project, actor)}）解除了三位负责人的锁定：{command.text.strip()}。"
    _answer(draft, (seat.owner_id for seat in incident.triangle), lambda _: said)


def wait_for_answer(draft: Draft, seat: Seat) -> None:
    """Start the clocks of an offer: asked again at half of its time, back at its end."""
    incident = draft.incident
    if seat.answer_by is None or seat.offered_at is None:
        return
    half = seat.offered_at + (seat.answer_by - seat.offered_at) / 2
    for kind, at in (("handover_warn", half), ("handover", seat.answer_by)):
        draft.wait_too(
            Timer(
                incident_id=incident.incident_id,
                epoch=incident.epoch,
                kind=kind,
                step=seat.offer,
                due_at=at,
            )
        )


def managers(draft: Draft) -> tuple[str, ...]:
    """Return who may decide for management: its people and who stands in, else the fallback's."""
    project = draft.scene.project
    if project.function(MANAGEMENT) is None:
        return fallback_line(project)
    return (
        *people_of(project, MANAGEMENT),
        *reachable(project, (MANAGEMENT,), draft.now, regions=draft.scene.regions),
    )


def handover_words(project: Project, one: Handover) -> str:
    """Return one handover as the log and the account tell it: facts, and nobody judged."""
    by, giver = name_of(project, person_of(project, one.by)), name_of(project, one.giver)
    offered = f"由{by}提出，" if person_of(project, one.by) != one.giver else ""
    said = f"（{one.said}）" if one.said else ""
    return (
        f"{one.role.zh}：{offered}{giver}请{name_of(project, one.receiver)}接任"
        f"（{one.reason}），{_ANSWERS[one.answer]}{said}"
    )


# --- what the acts have in common ------------------------------------------------------------


def _seat(incident: Incident, role: str) -> Seat:
    """Return the seat of a role. IllegalMove names the roles, or says that none was named."""
    known = {one.value: one for one in TriangleRole} | {one.zh: one for one in TriangleRole}
    if role.strip() not in known:
        names = "、".join(f"{one.zh}（{one.value}）" for one in TriangleRole)
        raise IllegalMove(f"没有角色 {role!r}，可选：{names} (no role {role!r})")
    seat = seat_of(incident, known[role.strip()])
    if seat is None:
        raise IllegalMove(
            f"{incident.code} 还没有三位负责人：橙色和红色事件才会指定 "
            "(no three owners yet: they are named at orange and red)"
        )
    return seat


def _receiver(draft: Draft, named: str) -> OwnerId:
    """Return the person who is asked: himself, or who answers for a roster or function now."""
    project = draft.scene.project
    found = reachable(project, (named,), draft.now, regions=draft.scene.regions)
    if not found:
        there = reachable(project, (one.id for one in project.owners), draft.now)
        known = "、".join((*there, *(one.id for one in project.functions)))
        raise IllegalMove(
            f"此刻没有可以接任的 {named!r}，可选：{known} (nobody to ask under {named!r} now)"
        )
    return OwnerId(named) if project.owner(named) else found[0]


def _check_receiver(draft: Draft, seat: Seat, command: Command) -> None:
    """Refuse an answer of anybody but the receiver, or who stands in for him at this instant."""
    project = draft.scene.project
    if not seat.offered_to:
        raise IllegalMove(
            f"{seat.role.zh}没有等待答复的移交 (nothing was offered, or it was answered already)"
        )
    actor = person_of(project, command.actor)
    if actor == seat.offered_to or actor in reachable(project, (seat.offered_to,), draft.now):
        return
    raise IllegalMove(
        f"移交只能由接任人{name_of(project, seat.offered_to)}本人或其代班人答复 "
        f"(only {seat.offered_to} or who stands in for them can answer, not {command.actor!r})"
    )


def _answer_by(draft: Draft, told: Iterable[OwnerId]) -> datetime:
    """Return until when an answer is awaited: the level's time to acknowledge, from being told."""
    project, level = draft.scene.project, draft.incident.level
    owners = [one for one in map(project.owner, told) if one]
    calendar = project.settings.calendar
    heard = [release_at(one, level, project.levels, draft.now, calendar) for one in owners]
    span: timedelta = rules_of(project.levels, level).ack_within
    return min(heard, default=draft.now) + span


def _with(seats: Iterable[Seat], changed: Seat) -> list[Json]:
    return encode_seats(changed if one.role is changed.role else one for one in seats)


def _ask(draft: Draft, seat: Seat, told: tuple[OwnerId, ...], *, again: bool) -> None:
    project, until = draft.scene.project, seat.answer_by or draft.now
    by, giver = (
        name_of(project, person_of(project, seat.offered_by)),
        name_of(project, seat.owner_id),
    )
    asked = f"{by}请你接任{seat.role.zh}：{seat.reason}。"
    if again:
        asked = f"请你接任{seat.role.zh}的移交还在等答复：{seat.reason}。"

    def why(owner: Owner) -> str:
        clock = clock_words(until, draft.now, owner.zone)
        return f"{asked}到 {clock} 没有答复就退回；在你接受之前由{giver}负责。"

    draft.tell(Occasion.HANDOVER, told, why)


def _answer(draft: Draft, people: Iterable[str], why: Callable[[Owner], str]) -> None:
    """Tell those whom an answer concerns, but not who has just given it."""
    project = draft.scene.project
    actor = person_of(project, draft.actor)
    named = dict.fromkeys(person_of(project, one) for one in people)
    concerned = [one for one in named if project.owner(one) and one != actor]
    if concerned:
        draft.tell(Occasion.HANDOVER_SAID, draft.people(concerned), why)


def _end_waiting(draft: Draft, seat: Seat) -> None:
    """Note that the clocks of an offer are over; those of other offers run on."""
    for kind in ("handover_warn", "handover"):
        draft.wait_too(
            Timer(
                incident_id=draft.incident.incident_id,
                epoch=draft.incident.epoch,
                kind=kind,
                step=seat.offer,
                due_at=seat.answer_by or draft.now,
                status="done",
            )
        )


def _send_back(draft: Draft, seat: Seat, answer: str, *, key: str, text: str = "") -> None:
    incident = draft.incident
    draft.record(
        f"handover_{answer}",
        key=key,
        triangle=_with(incident.triangle, without_offer(seat)),
        answered=[[seat.offer, answer]],
        role=seat.role.value,
        bounces=incident.bounces + 1,
        text=text,
    )
    _end_waiting(draft, seat)


def _lock_after(draft: Draft, before: Incident) -> None:
    """Make the three stay when handovers came back often enough, and tell management."""
    incident, project = draft.incident, draft.scene.project
    if incident.bounces == before.bounces or incident.bounces % BOUNCES:
        return
    waiting = [seat for seat in incident.triangle if seat.offered_to]
    for seat in waiting:
        _end_waiting(draft, seat)
    withdrawn = {seat.offer: "withdrawn" for seat in waiting}
    told = draft.people((MANAGEMENT,))
    account = "；".join(
        handover_words(project, replace(one, answer=withdrawn.get(one.offer, one.answer)))
        for one in incident.handovers
    )
    draft.record(
        "locked",
        locked_at=draft.now.isoformat(),
        triangle=encode_seats(map(without_offer, incident.triangle)),
        answered=[[number, answer] for number, answer in withdrawn.items()],
        text=account,
        told=list(told),
    )
    count = incident.bounces
    three = "、".join(
        f"{seat.role.zh} {name_of(project, seat.owner_id)}" for seat in incident.triangle
    )
    said = f"移交已退回 {count} 次，三位负责人锁定，不再移交：{three}。经过：{account}。"
    draft.tell(
        Occasion.LOCKED, told, lambda _: f"{said}需要调整时请管理层决定，并登记解除锁定的理由。"
    )
    _answer(
        draft,
        (*(one.owner_id for one in incident.triangle), *(one.offered_to for one in waiting)),
        lambda _: f"移交已退回 {count} 次，三位负责人锁定，不再移交：{three}。已报管理层。",
    )


def _offered(incident: Incident, timer: Timer) -> Seat | None:
    """Return the seat whose offer a timer is about, None when it was answered or is over."""
    if incident.state not in {
        IncidentState.OPEN,
        IncidentState.ACKNOWLEDGED,
        IncidentState.HANDLED,
    }:
        return None
    return next((one for one in incident.triangle if one.offer == timer.step and one.offer), None)


def _last_answer(incident: Incident, role: TriangleRole, answer: str) -> str:
    """Return the receiver of the role's last handover when it had this answer."""
    last = next((one for one in reversed(incident.handovers) if one.role is role), None)
    return last.receiver if last is not None and last.answer == answer else ""


def _is_declined_by(draft: Draft, role: TriangleRole, actor: str) -> bool:
    last = next((one for one in reversed(draft.incident.handovers) if one.role is role), None)
    return last is not None and last.answer == "declined" and last.answered_by == actor


def is_possible(incident: Incident, name: CommandName) -> bool:
    """Say whether an act on the three makes sense as they stand; others are none of its business.

    A locked handover stays in the list: its refusal says who may unlock.
    """
    match name:
        case CommandName.HANDOVER:
            return bool(incident.triangle)
        case CommandName.ACCEPT | CommandName.DECLINE:
            return bool(incident.handovers)
        case CommandName.UNLOCK:
            return incident.locked_at is not None
        case _:
            return True
