"""Tiers of customers: who among the complainants counts most, and what follows for an incident.

In: complainants that are known, each with a tier and by what he is known. Out: the highest tier
with a sentence that names how many and why, and the Change by which an incident takes it on. A
tier never sinks while an incident lives: what was promised to one customer holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts import journal
from alerts.draft import Draft
from alerts.scene import NoLinks, Scene
from alerts.service_clock import frozen_service
from alerts.service_terms import stricter
from alerts.tier_words import tier_name
from config.schema import Project
from storage.records import Change, Incident, Level

_SOURCES = 3  # lists named in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One complainant of whom a tier is known. `person` tells him apart, and is shown nowhere."""

    person: str
    tier: str
    why: str  # by what it is known: the name of a list, or "登记"


def rank_of(project: Project, tier_id: str) -> int:
    """Return the place of a tier, the lowest 0; -1 for none, or for one that is gone."""
    ids = [one.id for one in project.customer_tiers]
    return ids.index(tier_id) if tier_id in ids else -1


def tier_named(project: Project, text: str) -> str:
    """Return the id of a tier by its id or its name, whatever the case; "" when there is none."""
    said = text.strip().casefold()
    for one in project.customer_tiers:
        if said in {one.id.casefold(), one.name.strip().casefold()}:
            return one.id
    return ""


def highest(project: Project, known: Iterable[Known]) -> tuple[str, str]:
    """Return the highest tier among complainants and why: "1 位 SVIP（客户名单 2026-11）".

    ("", "") when no tier of the project is known of any.
    """
    ranked = [one for one in known if rank_of(project, one.tier) >= 0]
    if not ranked:
        return "", ""
    top = max((one.tier for one in ranked), key=lambda tier: rank_of(project, tier))
    those = [one for one in ranked if one.tier == top]
    people = len({one.person for one in those})
    sources = sorted({one.why for one in those if one.why})
    named = "、".join(sources[:_SOURCES]) + (" 等" if len(sources) > _SOURCES else "")
    return top, f"{people} 位 {tier_name(project, top)}" + (f"（{named}）" if named else "")


def rises(project: Project, incident: Incident, tier_id: str) -> bool:
    """Say whether an incident that lives would take on this tier: only a higher one counts."""
    return incident.at_work and rank_of(project, tier_id) > rank_of(project, incident.tier)


def taken_over(incident: Incident, merged: Incident, project: Project) -> dict[str, Any]:
    """Return what an incident takes over of the customers of one that was merged into it."""
    if not rises(project, incident, merged.tier):
        return {}
    return _with_service(incident, merged.tier, merged.tier_why, project)


def on_tier(
    incident: Incident, tier_id: str, why: str, project: Project, now: datetime
) -> Change | None:
    """Take on a higher tier with its service; None when nothing changes.

    The stricter of what was promised and what the tier promises holds from here on; what was used
    of the limits stays used. Nobody is told: what changes is how soon they are reminded.
    """
    if not rises(project, incident, tier_id):
        return None
    draft = Draft(incident, Scene(project=project, links=NoLinks()), now)
    key = f"tiered:{incident.incident_id}:{incident.epoch}:{tier_id}"
    draft.record("tiered", key=key, text=why, **_with_service(incident, tier_id, why, project))
    return draft.change("tiered")


def _with_service(incident: Incident, tier_id: str, why: str, project: Project) -> dict[str, Any]:
    """Return a tier as event data, with the policy when its service changes."""
    tier = project.tier(tier_id)
    level = max(Level.BLUE, incident.level)
    promised = frozen_service(project, project.service(tier.service if tier else None), level)
    policy = replace(incident.policy, service=stricter(incident.policy.service, promised))
    values: dict[str, Any] = {"tier": tier_id, "tier_why": why}
    if policy != incident.policy:
        values["policy"] = journal.encode_policy(policy)
    return values
