"""The clock on the wall was put right: what an incident remembers of the time before, moved along.

In: an open incident and by how much the wall jumped. Out: a Change with one event, or None. What
people named as a day (a task's due time, a shelf's end) stays: it is a day on the wall.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts.draft import Draft
from alerts.meters import encode_meter
from alerts.scene import NoLinks, Scene
from alerts.service_clock import reading
from config.schema import Project
from storage.records import Change, Incident

_COUNTED = ("lease_until", "reminded_of", "muted_until", "below_since")


def after_jump(incident: Incident, by: timedelta, project: Project, now: datetime) -> Change | None:
    """Move the instants that count a length of time; None when the incident keeps none.

    Nothing is said to anybody: what is left of a lease, a silence or a service limit stays left.
    """
    moved: dict[str, Any] = {
        name: (at + by).isoformat()
        for name in _COUNTED
        if (at := getattr(incident, name)) is not None
    }
    if incident.meter is not None:
        meter = replace(reading(incident, now - by), at=now)
        moved["meter"] = encode_meter(meter)
    if not moved:
        return None
    draft = Draft(incident, Scene(project=project, links=NoLinks()), now)
    draft.record("clock_jumped", by_s=round(by.total_seconds()), **moved)
    return draft.change("clock_jumped")
