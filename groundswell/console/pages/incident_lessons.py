"""The part of an incident's page that tells what is known: cards, replies, if answers worked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from groundswell.console.base import Console
from groundswell.knowledge import given_to, lessons_for
from groundswell.likeness import WHY_ZH
from storage.instants import hour_of
from storage.queries import Queries
from storage.records import Incident, PublicResponse


def answer_marks(responses: Sequence[PublicResponse], since: datetime) -> str:
    """Return when the brand answered, for the curve: one line an hour, seconds of Unix time."""
    firsts = {hour_of(one.at): one.at for one in reversed(responses) if one.at >= since}
    return json.dumps([round(at.timestamp()) for _, at in sorted(firsts.items())])


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
