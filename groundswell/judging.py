"""What the program makes of a cluster at an instant: its grade, and what surrounds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from alerts.events import explained, stands_out
from alerts.grading import grade
from alerts.incidents import Standing, codes_of
from alerts.launch import launch_of
from alerts.subject import fingerprint_of
from alerts.surge import detect
from config.schema import Project
from groundswell.pulses import PulseView
from storage.records import ClusterId, Evidence, Grade, Incident
from storage.store import Transaction


def judge(  # noqa: PLR0917 - what is known, as everywhere here
    evidence: Evidence,
    known: Incident | None,
    incident: Incident | None,
    project: Project,
    now: datetime,
    pulses: PulseView | None = None,
) -> Grade:
    """Judge a cluster; `known` tells which hours were no normal time, `incident` who waits.

    `pulses`: what rises only as its whole brand does is no surge of its own. Asked where something
    surges; without it the cluster is judged by itself.
    """
    launch = launch_of(project, evidence, now)
    rules = project.settings.surge
    find = partial(
        detect,
        rules=launch.tightened(rules) if launch else rules,
        now=now,
        opened_at=known.waiting_since if known and known.at_work else None,
        since=_ended_at(known),
        fits=None if pulses is None else pulses.fits,
    )
    surge = find(evidence)
    if pulses is not None and surge.kind != "none" and surge.ended_at is not None:
        if evidence.is_brand:
            evidence = pulses.wave(evidence, surge.ended_at)
        else:
            evidence = pulses.lifted(evidence, surge.ended_at)
            surge = find(evidence)
    graded = grade(evidence, surge, project.levels, now, _waits_since(incident), launch=launch)
    if pulses is None or not stands_out(surge):
        return graded
    began = (surge.ended_at or now) - timedelta(hours=surge.window_hours)
    return explained(graded, pulses.events(evidence.cluster.brand_id, began))


def closed_before(
    tx: Transaction, evidence: Evidence, project: Project, now: datetime
) -> Incident | None:
    """Return the closed incident that a cluster without one brings back, if it is a relapse."""
    fingerprint = fingerprint_of(project, evidence)
    return tx.relapse_of(fingerprint, evidence.cluster.cluster_id, now) if fingerprint else None


def taken_codes(
    tx: Transaction, cluster_id: ClusterId, incident: Incident | None
) -> frozenset[str]:
    """Return which codes of a cluster's next incident are in use; none where none can be raised."""
    if incident is not None and incident.at_work:
        return frozenset()
    return tx.taken_codes(codes_of(cluster_id, incident.incident_id if incident else ""))


def standing_of(  # noqa: PLR0917 - what is known, as everywhere here
    tx: Transaction,
    incident: Incident | None,
    evidence: Evidence,
    graded: Grade,
    project: Project,
    now: datetime,
) -> Standing:
    """Say what a cluster is to its incident beside the incident's other clusters."""
    if incident is None or not incident.at_work or graded.level >= incident.level:
        return Standing.LIVE
    if evidence.is_brand:
        return Standing.LIVE  # the talk about a brand has no other cluster, and may rest
    clusters = tx.clusters_of(incident.incident_id)
    others = [tx.evidence(one, now) for one in clusters if one != evidence.cluster.cluster_id]
    if not evidence.mentions and not any(one.mentions for one in others):
        # judged again, as after a promotion, they are on their way back: to end is for later
        on_the_way = tx.is_gathering(evidence.cluster.brand_id)
        return Standing.ASIDE if on_the_way else Standing.EMPTY
    levels = (judge(one, incident, incident, project, now).level for one in others)
    return Standing.ASIDE if any(level > graded.level for level in levels) else Standing.LIVE


def _waits_since(incident: Incident | None) -> datetime | None:
    """Return since when somebody is waited for; on the shelf nobody is."""
    if incident is None or not incident.unhandled or incident.shelf is not None:
        return None
    return incident.waiting_since


def _ended_at(known: Incident | None) -> datetime | None:
    """Return before when nobody counts: people of a trouble that is over do not fire again."""
    if known is None or known.at_work or known.was_emptied:
        return None
    return known.ended_at
