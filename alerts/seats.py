"""What is plain of the three owners of an incident, without a project: an incident in."""

from __future__ import annotations

from storage.records import Incident


def tells_apart(incident: Incident) -> bool:
    """Say whether the three say more than the incident's owner does.

    Where a project fills no function, whoever was the owner then is all three: nobody is told so.
    """
    seats = incident.triangle
    is_named = any(seat.function for seat in seats)
    return is_named or bool(incident.handovers) or len({seat.owner_id for seat in seats}) > 1
