"""The three who answer for a grave incident together (铁三角): named, and shown as they stand.

Every orange or red incident names one person for each role, by the functions that `triangle:` of
the project gives it. They stay named when the level falls. The incident's owner is another matter:
he is who acknowledges and is reminded; the three answer for the customer, the cause, the delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.draft import Draft
from alerts.duty import turn_of
from alerts.functions import first_holder, function_name
from alerts.journal_values import encode_seats
from alerts.messages import Occasion
from alerts.presence import name_of
from alerts.seats import tells_apart
from config.schema import Owner, Project
from storage.records import Incident, Level, OwnerId, Seat, TriangleRole

MANAGEMENT = "management"


def seat_of(incident: Incident, role: TriangleRole | str) -> Seat | None:
    """Return who answers for one of the three roles; None while nobody was named."""
    return next((seat for seat in incident.triangle if seat.role == role), None)


def name_three(draft: Draft) -> tuple[Seat, ...]:
    """Name the three when the incident has become grave; () when there is nothing to name."""
    incident = draft.incident
    if incident.triangle or incident.level < Level.ORANGE or incident.shelf is not None:
        return ()
    found = would_be(draft.scene.project, draft.now, draft.scene.regions)
    seats = tuple(
        Seat(
            role=role,
            owner_id=owner_id or incident.owner_id,
            since=draft.now,
            function=function,
        )
        for role, function, owner_id in found
    )
    people = draft.people(seat.owner_id for seat in seats)
    draft.record(
        "triangle_named",
        triangle=encode_seats(seats),
        text=three_words(draft.scene.project, seats),
        told=list(people),
    )
    return seats


def tell_three(draft: Draft, seats: Sequence[Seat]) -> None:
    """Tell each of the three which of them he is; whoever is two of them hears it once."""
    if not seats or not tells_apart(draft.incident):
        return
    project = draft.scene.project
    roles: dict[OwnerId, list[Seat]] = {}
    for seat in seats:
        for told in draft.people((seat.owner_id,)):
            roles.setdefault(told, []).append(seat)

    def why(owner: Owner) -> str:
        held = roles[OwnerId(owner.id)]
        return f"你是这起事件的{'、'.join(_role_words(project, seat) for seat in held)}。"

    draft.tell(Occasion.TRIANGLE, roles, why)


def three_words(project: Project, seats: Sequence[Seat]) -> str:
    """Return who the three are, as the log says it."""
    return "；".join(
        f"{seat.role.zh}：{name_of(project, seat.owner_id)}{_by_function(project, seat)}"
        for seat in seats
    )


def would_be(
    project: Project, now: datetime, regions: Sequence[str] = ()
) -> list[tuple[TriangleRole, str, OwnerId]]:
    """Return whom the functions give each role at this instant; "" where the owner has it."""
    return [
        (role, *first_holder(project, _functions(project, role), now, regions=regions))
        for role in TriangleRole
    ]


def _functions(project: Project, role: TriangleRole) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(project.triangle, role.value)
    return tuple(one for one in found if project.function(one) is not None)


def _role_words(project: Project, seat: Seat) -> str:
    return f"{seat.role.zh}{_by_function(project, seat)}"


def _by_function(project: Project, seat: Seat) -> str:
    return f"（{function_name(project, seat.function)}）" if seat.function else ""


def is_stood_in_for(project: Project, seat: Seat, now: datetime) -> bool:
    """Say whether somebody else answers for a role at this instant than who holds it."""
    return seat.owner_id not in turn_of(project, seat.owner_id, now).owner_ids
