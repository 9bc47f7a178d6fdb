"""The alert budget: how many messages a day somebody can take in, and by what it is used up.

Over it blue and yellow wait for one summary (alerts.storm); orange and red always pass. Nothing is
dropped. A day is a day of that person's own clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from config.schema import Owner, Project
from storage.records import IncidentId, OwnerId

_WEEK = timedelta(days=6)  # today and the six days before


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What somebody was sent of his budget. `rules` say by what, the most frequent first."""

    owner_id: OwnerId
    name: str
    budget: int
    today: int
    week: int
    rules: tuple[tuple[str, int], ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the budget of today is used up."""
        return self.today >= self.budget


def day_start(owner: Owner, now: datetime) -> datetime:
    """Return when the person's own day began."""
    local = now.astimezone(owner.zone)
    return datetime.combine(local.date(), time(), owner.zone).astimezone(now.tzinfo)


def day_end(owner: Owner, now: datetime) -> datetime:
    """Return when the person's own day ends."""
    tomorrow = now.astimezone(owner.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), owner.zone).astimezone(now.tzinfo)


def week_start(owner: Owner, now: datetime) -> datetime:
    """Return when the week that ends today began, on the person's own clock."""
    return day_start(owner, now - _WEEK)


def day_starts(project: Project, now: datetime) -> dict[OwnerId, datetime]:
    """Return when the day of everybody with a budget began."""
    return {
        OwnerId(owner.id): day_start(owner, now)
        for owner in project.owners
        if owner.alert_budget is not None
    }


def use_of(
    owner: Owner,
    heard: Sequence[tuple[datetime, IncidentId | None]],
    rules: Mapping[IncidentId, Sequence[str]],
    now: datetime,
) -> Use:
    """Return what of a budget is used. `heard`: when what was sent, about which incident.

    `rules` are the grounds by which each incident was raised. Of a message that several grounds
    asked for, each counts: the figures of `rules` need not add up to the number of messages.
    """
    begun = day_start(owner, now)
    today = [incident_id for at, incident_id in heard if at >= begun]
    named = Counter(
        rule
        for incident_id in today
        if incident_id is not None
        for rule in rules.get(incident_id, ())
    )
    return Use(
        owner_id=OwnerId(owner.id),
        name=owner.name,
        budget=owner.alert_budget or 0,
        today=len(today),
        week=len(heard),
        rules=tuple(named.most_common()),
    )
