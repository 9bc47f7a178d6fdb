"""Handovers of the three owners in a digest: facts of the day in, one line an incident out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.digest_lines import Desk, person
from storage.records import DigestItem, Incident, Seat

TITLE = "移交"
ENGLISH = "Handovers"


def seat_items(desk: Desk, mine: Sequence[Incident]) -> list[DigestItem]:
    """Name what of these incidents is locked, came back or waits for an answer, in this order."""
    mine_too = {incident.incident_id for incident in mine}
    found = [
        incident
        for incident in desk.facts.incidents
        if incident.at_work and (incident.incident_id in mine_too or _concerns(incident, desk))
    ]
    told = [(incident, list(_words(incident, desk))) for incident in found]
    ranked = sorted(told, key=lambda one: (one[0].locked_at is None, -one[0].bounces, one[0].code))
    return [_item(incident, words) for incident, words in ranked if words]


def _concerns(incident: Incident, desk: Desk) -> bool:
    return any(desk.owner.id in {seat.owner_id, seat.offered_to} for seat in incident.triangle)


def _words(incident: Incident, desk: Desk) -> Iterator[str]:
    if incident.locked_at is not None:
        yield f"移交退回 {incident.bounces} 次，三位负责人已锁定，待管理层决定"
    elif incident.bounces:
        yield f"移交退回 {incident.bounces} 次"
    for seat in incident.triangle:
        if seat.offered_to:
            yield _waiting(seat, desk)


def _waiting(seat: Seat, desk: Desk) -> str:
    asked = f"{seat.role.zh}请{person(seat.offered_to, desk)}接任"
    kept = f"现由{person(seat.owner_id, desk)}负责"
    if seat.answer_by is None:
        return f"{asked}，等待接受，{kept}"
    late = "，已超时" if seat.answer_by <= desk.now else ""
    return f"{asked}，应在 {desk.clock(seat.answer_by)} 前答复{late}，{kept}"


def _item(incident: Incident, words: Sequence[str]) -> DigestItem:
    return DigestItem(
        incident_id=None,
        code="",
        level=incident.level,
        title=incident.title,
        text=f"{incident.code}，{'；'.join(words)}",
        owner_id=incident.owner_id,
        path=f"/incidents/{incident.incident_id}",
    )
