"""What is not said for the time being: silences of people and maintenance windows, an incident in.

A silence suppresses notices, never state: what would have been said is noted on the incident, and
when the silence ends whoever would have heard gets one message, if it is still to be dealt with.
A level above its cap passes, and red is never held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.hours import instant_of
from alerts.quiet import quiet_until
from alerts.routing import CONDITIONS, Traits, route_traits
from alerts.scene import Scene
from alerts.subject import further_of
from config.schema import MaintenanceWindow, Project
from storage.records import Incident, Level, Silence

WINDOW = "window:"  # what the ids of maintenance windows begin with where a silence's id stands
_CAPS = {"blue": Level.BLUE, "yellow": Level.YELLOW, "orange": Level.ORANGE}


def cap_of(silence: Silence) -> Level:
    """Return the highest level that a silence holds; never red, whatever is written."""
    return _CAPS.get(silence.up_to, Level.ORANGE)


def holding(incident: Incident, scene: Scene, now: datetime) -> Silence | None:
    """Return the silence that holds notices about an incident now: of several the last to end."""
    found = [
        silence
        for silence in scene.silences
        if silence.starts_at <= now < silence.ends_at
        and silence.ended_at is None
        and incident.level <= cap_of(silence)
        and is_about(silence, incident, scene)
    ]
    return max(found, key=lambda one: (one.ends_at, one.silence_id), default=None)


def is_about(silence: Silence, incident: Incident, scene: Scene) -> bool:
    """Say whether an incident is what a silence is for. Empty conditions match everything."""
    if silence.incident_id is not None:
        return silence.incident_id == incident.incident_id
    traits = _traits(incident, scene)
    conditions: Iterable[tuple[tuple[str, ...], frozenset[str]]] = (
        (getattr(silence, name), getattr(traits, name)) for name, _ in CONDITIONS
    )
    return all(not wanted or bool(found & set(wanted)) for wanted, found in conditions)


def windows(project: Project, now: datetime) -> tuple[Silence, ...]:
    """Return the maintenance windows that are open now, as the silences that they are."""
    found = ((window, _open_until(window, project, now)) for window in project.maintenance)
    return tuple(
        Silence(
            silence_id=f"{WINDOW}{window.id}",
            starts_at=now,
            ends_at=until,
            up_to=window.up_to,
            by=f"{WINDOW}{window.id}",
            reason=window.reason,
            created_at=now,
            brand=window.brand,
            product=window.product,
            issue=window.issue,
            region=window.region,
            platform=window.platform,
        )
        for window, until in found
        if until is not None
    )


def current(silences: Sequence[Silence], project: Project, now: datetime) -> tuple[Silence, ...]:
    """Return all that holds now: the silences that people asked for, and maintenance windows."""
    return (*silences, *windows(project, now))


def _open_until(window: MaintenanceWindow, project: Project, now: datetime) -> datetime | None:
    if window.hours is not None:
        return quiet_until(window.hours, window.zone, now, project.settings.calendar)
    if window.starts is None or window.ends is None:
        return None
    wall = now.astimezone(window.zone).replace(tzinfo=None)
    return (
        instant_of(window.ends, window.zone, now) if window.starts <= wall < window.ends else None
    )


def _traits(incident: Incident, scene: Scene) -> Traits:
    evidence = scene.evidence
    return route_traits(
        scene.project,
        brand_id=incident.brand_id,
        issue_class=incident.issue_class,
        further=further_of(evidence) if evidence else (),
        products=evidence.products if evidence else (),
        regions=evidence.regions if evidence else (),
        platforms={*incident.platforms, *(evidence.platforms if evidence else ())},
    )
