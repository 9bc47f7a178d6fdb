"""What went live, and what a trial has shown until then.

In and out: records. What a trial would have told whom is read from the outbox, where every message
to its reviewer names the trial and those it was meant for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_one
from storage.records import ChannelId, Incident, IncidentId, OwnerId, TrialEnd
from storage.rows import columns_of, incident_of, mappings

_trial_end = tables.trial_end
_intent = tables.intent
_incident = tables.incident


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAlert:
    """One message to a reviewer. `meant_for`: ids with a comma between."""

    at: datetime
    kind: str
    incident_id: IncidentId | None
    meant_for: str
    status: str
    reason: str
    recipient_id: OwnerId
    channel_id: ChannelId


class TrialEnds:
    """Transaction part: putting a trial live."""

    connection: Connection

    def end_trial(self, end: TrialEnd) -> bool:
        """Write down that a trial went live; False when it did so before."""
        return insert_one(self.connection, _trial_end, columns_of(end, _trial_end))


class TrialQueries:
    """Part of the queries: trials."""

    connection: Connection

    def ended_trials(self) -> dict[str, TrialEnd]:
        """Return the trials that went live, by id."""
        rows = mappings(self.connection.execute(sa.select(_trial_end)))
        return {row["trial_id"]: TrialEnd(**row) for row in rows}

    def trial_alerts(self, trial_id: str) -> list[TrialAlert]:
        """Return what was written to the reviewer of a trial, oldest first, summaries left out."""
        columns = (
            _intent.c.created_at,
            _intent.c.kind,
            _intent.c.incident_id,
            _intent.c.meant_for,
            _intent.c.status,
            _intent.c.reason,
            _intent.c.recipient_id,
            _intent.c.channel_id,
        )
        query = (
            sa.select(*columns)
            .where(
                _intent.c.trial_id == trial_id,
                _intent.c.kind != "summary",
                _intent.c.fallback_of.is_(None),
            )
            .order_by(_intent.c.intent_no)
        )
        return [
            TrialAlert(at=row["created_at"], **{k: v for k, v in row.items() if k != "created_at"})
            for row in mappings(self.connection.execute(query))
        ]

    def trial_refused(self, since: datetime) -> int:
        """Return how many messages the courier kept back because they were on trial."""
        query = sa.select(sa.func.count()).where(
            _intent.c.status == "cancelled",
            _intent.c.reason == "trial",
            _intent.c.created_at >= since,
        )
        return int(self.connection.scalar(query) or 0)

    def incidents_named(self, incident_ids: list[IncidentId]) -> list[Incident]:
        """Return the incidents of these ids."""
        found: list[Incident] = []
        for start in range(0, len(incident_ids), 500):  # SQLite binds so many values at ease
            named = incident_ids[start : start + 500]
            query = sa.select(_incident.c.document).where(_incident.c.incident_id.in_(named))
            found += [incident_of(row) for row in mappings(self.connection.execute(query))]
        return found
