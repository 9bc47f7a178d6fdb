"""Raising an incident: what it is called, whom it concerns, who hears of it first."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Collection
from datetime import datetime
from typing import Any

from alerts import journal
from alerts.acts import first_told
from alerts.draft import Draft
from alerts.escalation import freeze_policy
from alerts.messages import Occasion, Scene
from alerts.regrouping import Origin, holder_of, stays_with
from alerts.routing import RouteChoice, find_route
from alerts.subject import fingerprint_of, further_of, issue_class_of, title_of
from alerts.triangle import name_three, tell_three
from storage.records import Change, Cluster, Evidence, Grade, IncidentId, Level

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def is_history(evidence: Evidence) -> bool:
    """Say whether nothing in this cluster may page: all of it was old when it was taken in."""
    return not evidence.live_authors and not evidence.watch_authors


def raise_incident(  # noqa: PLR0917 - what is known, then why it is raised
    scene: Scene,
    evidence: Evidence,
    grade: Grade,
    now: datetime,
    previous: str,
    origin: Origin | None = None,
    taken: Collection[str] = (),
) -> Change | None:
    """Raise the incident of a cluster, if its level and the age of what was said allow it.

    `previous` is the id of the cluster's incident before this one, `taken` the codes in use.
    """
    if grade.level < Level.BLUE or is_history(evidence):
        return None
    project, cluster = scene.project, evidence.cluster
    choice = route_of(scene, evidence, now)
    policy = freeze_policy(choice, grade.level, project)
    draft = Draft(None, scene, now)
    told = draft.people(first_told(policy, choice.owner_id, grade.level))
    incident_id = _id_of(cluster, previous)
    code = next(one for one in codes_of(cluster.cluster_id, previous) if one not in taken)
    draft.record(
        "raised",
        key=f"raise:{incident_id}:1",
        incident_id=incident_id,
        code=code,
        brand_id=cluster.brand_id,
        cluster_id=cluster.cluster_id,
        title=title_of(project, evidence),
        issue_class=issue_class_of(evidence),
        owner_id=choice.owner_id,
        level=int(grade.level),
        grade=journal.encode_grade(grade),
        policy=journal.encode_policy(policy),
        told=list(told),
        fingerprint=fingerprint_of(project, evidence),
        **size_of(evidence),
        **(origin.data() if origin else {}),
    )
    seats = name_three(draft)
    known = origin.knows(grade.level) if origin else ()
    fresh = [owner_id for owner_id in told if owner_id not in known]
    if origin is not None and not fresh and (holder := holder_of(origin.incident)):
        stays_with(draft, holder)
        tell_three(draft, seats)
        return draft.change("raised")
    came = f"由事件 {origin.incident.code} 拆出。" if origin and origin.is_now else ""
    draft.tell(  # with nobody left to tell, the clock of the next step starts all the same
        Occasion.NOTICE,
        fresh,
        lambda owner: (
            f"{came}{policy.reason}。"
            if owner.id == choice.owner_id
            else f"{came}黄色及以上同时知会你。{policy.reason}。"
        ),
    )
    tell_three(draft, seats)
    return draft.change("raised")


def codes_of(cluster_id: str, previous: str = "") -> tuple[str, ...]:
    """Return the human codes that a cluster's n-th incident may have, the shortest first.

    The same whenever the same cluster raises it again; `previous` is the id of the incident before.
    A longer one is taken where two incidents would have the same.
    """
    number = int.from_bytes(_digest(cluster_id, previous), "big")
    first = "".join(_CROCKFORD[number >> shift & 31] for shift in (15, 10, 5, 0))
    more = "".join(_CROCKFORD[number >> shift & 31] for shift in range(20, 80, 5))
    return tuple(f"舆-{first}{more[:n]}" for n in range(len(more) + 1))


def _id_of(cluster: Cluster, previous: str) -> IncidentId:
    digest = _digest(cluster.cluster_id, previous)
    return IncidentId(f"{cluster.brand_id}-{b32encode(digest[:5]).decode().lower()}")


def _digest(cluster_id: str, previous: str) -> bytes:
    return hashlib.blake2b(f"{cluster_id}|{previous}".encode(), digest_size=10).digest()


def size_of(evidence: Evidence) -> dict[str, Any]:
    """Return how large a cluster is, as events note it."""
    return {"authors": evidence.authors, "platforms": list(evidence.platforms)}


def route_of(scene: Scene, evidence: Evidence, now: datetime) -> RouteChoice:
    """Choose the route of a cluster as it stands."""
    return find_route(
        scene.project,
        brand_id=evidence.cluster.brand_id,
        issue_class=issue_class_of(evidence),
        further=further_of(evidence),
        products=evidence.products,
        regions=evidence.regions,
        platforms=evidence.platforms,
        now=now,
    )
