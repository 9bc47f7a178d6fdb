"""The part of an incident's page that shows its three owners and lets a role be handed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.functions import function_name
from alerts.handover import handover_words
from alerts.journal import OPEN_STATES
from alerts.presence import name_of
from alerts.routing import answering, reachable
from alerts.triangle import is_stood_in_for
from config.schema import Project
from groundswell.console.base import Console
from storage.queries import Queries
from storage.records import Incident, Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One of the three as the page shows him."""

    seat: Seat
    who: str  # with who answers for him now, when that is somebody else
    function: str
    offered_to: str
    offered_by: str
    stood_in_for: bool


def three(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> dict[str, Any] | None:
    """Return what the part shows; None while the incident has no three owners."""
    if not incident.triangle:
        return None
    project = console.project
    evidence = queries.evidence(incident.cluster_id, now)
    people = reachable(project, (one.id for one in project.owners), now, regions=evidence.regions)
    return {
        "rows": [_row(project, seat, now) for seat in incident.triangle],
        "open": incident.state in OPEN_STATES,
        "people": [(one, name_of(project, one)) for one in people],
        "functions": [
            (one.id, one.title)
            for one in project.functions
            if reachable(project, (one.id,), now, regions=evidence.regions)
        ],
        "past": [(one, handover_words(project, one)) for one in incident.handovers],
        "by_owner": not any(seat.function for seat in incident.triangle) and not project.functions,
    }


def _row(project: Project, seat: Seat, now: datetime) -> Row:
    return Row(
        seat=seat,
        who=answering(project, seat.owner_id, now),
        function=function_name(project, seat.function) if seat.function else "",
        offered_to=answering(project, seat.offered_to, now) if seat.offered_to else "",
        offered_by=name_of(project, seat.offered_by),
        stood_in_for=is_stood_in_for(project, seat, now),
    )
