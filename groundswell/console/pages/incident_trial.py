"""What an incident's page says of its trial, and of those who said that it is not theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.trial import trial_of_incident
from groundswell.console.base import Console
from groundswell.gate import with_trials
from storage.queries import Queries
from storage.records import Incident


def trial_facts(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> dict[str, Any] | None:
    """Return the trial that it is on now, and who declined; None when neither is there."""
    trial = trial_of_incident(with_trials(console.project, queries, now), incident)
    if trial is None and not incident.declined:
        return None
    return {"trial": trial, "declined": incident.declined}
