"""What the program makes of a cluster at an instant: evidence in, grade out."""

from __future__ import annotations

from datetime import datetime

from alerts.grading import grade
from alerts.launch import launch_of
from alerts.surge import detect
from config.schema import Project
from storage.records import Evidence, Grade, Incident


def judge(
    evidence: Evidence,
    known: Incident | None,
    incident: Incident | None,
    project: Project,
    now: datetime,
) -> Grade:
    """Judge a cluster; `known` tells which hours were no normal time, `incident` who waits."""
    launch = launch_of(project, evidence, now)
    rules = project.settings.surge
    surge = detect(
        evidence,
        launch.tightened(rules) if launch else rules,
        now,
        opened_at=known.opened_at if known and known.at_work else None,
        since=_ended_at(known),
    )
    waits = incident.opened_at if incident and incident.unhandled else None
    return grade(evidence, surge, project.levels, now, waits, launch=launch)


def _ended_at(known: Incident | None) -> datetime | None:
    """Return before when nobody counts: people of a trouble that is over do not fire again."""
    if known is None or known.at_work or known.was_emptied:
        return None
    return known.ended_at
