"""Tiers of customers in words: what one is called, and why an incident has it."""

from __future__ import annotations

from config.schema import Project
from storage.records import Incident


def tier_name(project: Project, tier_id: str) -> str:
    """Return what a tier is called; of people of whom nothing is known, the default's name."""
    tier = project.tier(tier_id) if tier_id else project.default_tier
    return tier.name if tier else tier_id


def tier_words(incident: Incident, project: Project) -> str:
    """Say of which tier an incident is and why: "SVIP，1 位 SVIP（客户名单 2026-11）".

    "" while no complainant is known.
    """
    if not incident.tier:
        return ""
    return f"{tier_name(project, incident.tier)}，{incident.tier_why}"
