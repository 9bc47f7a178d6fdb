"""The part of an incident's page that tells what is known: cards, replies, if answers worked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from groundswell.console.base import Console
from groundswell.knowledge import WHY_ZH, given_to, lessons_for
from storage.queries import Queries
from storage.records import Incident


def facts(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> dict[str, Any] | None:
    """Return the nearest cards and replies, and what came after each public answer."""
    lessons = lessons_for(queries, incident, console.project, now)
    own = [
        card
        for card in queries.cards_of(incident.incident_id)
        if card.epoch == incident.epoch and card.retired_at is None
    ]
    given = given_to(queries, incident, console.project, now)
    if not (lessons.cards or lessons.replies or own or given):
        return None
    return {
        "cards": lessons.cards,
        "replies": lessons.replies,
        "own": own,
        "given": given[::-1],
        "why": WHY_ZH,
    }
