"""On whose word incidents were closed within a time: four figures that are never summed.

In: the range. Out: counts by kind, and how fast first answers came in those incidents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.complainants import Answered, first_answers
from alerts.confirming import closed_by
from groundswell.complainants import late_ones
from storage.complainants import FirstResponse
from storage.queries import Queries
from storage.records import ConfirmKind, IncidentState

_MOST = 10_000  # closed incidents looked at, the newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Closings:
    """What was closed from `since` to `until`, by the word it rests on."""

    since: datetime
    until: datetime
    by_kind: Mapping[ConfirmKind, int]
    first_answers: Answered


def closings(queries: Queries, since: datetime, until: datetime) -> Closings:
    """Count the incidents that were closed within a range, its ends included, and stand closed."""
    found = [
        one
        for one in queries.incidents((IncidentState.CLOSED,), _MOST, 0, "updated")
        if one.closed_at is not None and since <= one.closed_at <= until
    ]
    timed: list[FirstResponse] = []
    late: dict[str, bool] = {}
    for one in found:
        own = queries.first_responses(one.incident_id)
        judged = late_ones(own, one, until)
        # the same person may wait in two incidents: he counts in each
        late |= {f"{one.incident_id}|{name}": is_late for name, is_late in judged.items()}
        timed += own
    return Closings(
        since=since,
        until=until,
        by_kind=closed_by(found),
        first_answers=first_answers(timed, late),
    )
