"""What the journey looks up of complainants: who waits for an answer, and who wrote again.

In: due timers, or the mentions that a cluster has just got. Out: complainants, and the event by
which somebody who counted as solved no longer does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.complainants import complained_again
from alerts.draft import Draft
from alerts.first_response import FIRST_TIMERS
from alerts.messages import NoLinks, Scene
from config.schema import Project
from storage.queries import Queries
from storage.records import Change, Complainant, Incident, Mention, Timer
from storage.store import Transaction

# Crawlers are late by design: what was written at the same time is no answer to being solved.
_GRACE = timedelta(minutes=30)

Again = Sequence[tuple[Complainant, datetime]]


def unanswered_of(
    queries: Queries, incident: Incident, timers: Sequence[Timer]
) -> Sequence[datetime | None]:
    """Return when those posted who wait for a first answer, where one of these timers asks."""
    if not any(timer.kind in FIRST_TIMERS for timer in timers):
        return ()
    return queries.complainants_unanswered(incident.incident_id)


def wrote_again(queries: Queries, incident: Incident | None, fresh: Sequence[Mention]) -> Again:
    """Return the solved complainants who wrote again after it, each with when he last did."""
    said: dict[str, datetime] = {}
    for mention in fresh:
        if mention.author_key and not mention.history:
            known = said.get(mention.author_key, mention.published_at)
            said[mention.author_key] = max(known, mention.published_at)
    if incident is None or not said:
        return ()
    solved = queries.solved_among(incident.incident_id, said)
    return [
        (one, said[one.complainant_id])
        for one in solved
        if one.at is not None and said[one.complainant_id] > one.at + _GRACE
    ]


def take_back(
    tx: Transaction,
    before: Incident | None,
    change: Change | None,
    again: Again,
    *,
    project: Project,
    now: datetime,
) -> Change | None:
    """Write down that these are not solved after all; nothing where the incident has ended."""
    incident = change.incident if change is not None else before
    if not again or incident is None or before is None or not incident.at_work:
        return None
    if incident.incident_id != before.incident_id:
        return None
    draft = Draft(incident, Scene(project=project, links=NoLinks()), now)
    complained_again(draft, [one for one, _ in again], max(at for _, at in again))
    written = draft.change("complained_again")
    return written if tx.save_change(written) else None
