"""A part of an incident's page: of which tier its customers are, and by what that is known."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from alerts.tier_words import tier_name
from alerts.tiers import rank_of
from groundswell.console.base import Console
from groundswell.customer_book import CustomerBook
from storage.queries import Queries
from storage.records import Incident


def tier(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> dict[str, Any] | None:
    """Return the incident's tier, and how many complainants of each are known; None without any."""
    del now
    project = console.project
    if not incident.tier:
        return None
    book = CustomerBook.of(project, queries)
    known = book.known(queries.incident_clusters(incident.incident_id)) if book else []
    highest: dict[str, str] = {}
    for one in known:
        if rank_of(project, one.tier) > rank_of(project, highest.get(one.person, "")):
            highest[one.person] = one.tier
    counted = Counter(highest.values())
    service = incident.policy.service
    return {
        "name": tier_name(project, incident.tier),
        "why": incident.tier_why,
        "counts": [(each.name, counted[each.id]) for each in project.customer_tiers[::-1]],
        "service": service.tier_id if service else "",
    }
