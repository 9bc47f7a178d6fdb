"""What an incident's page is made of besides its head and its log: one part, one template.

A part says what its template needs, or None when there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from groundswell.console.base import Console
from groundswell.console.pages import complainants
from groundswell.console.pages.incident_lessons import facts as lessons
from groundswell.console.pages.incident_tasks import task_facts
from groundswell.console.pages.incident_three import three
from groundswell.console.pages.incident_tier import tier
from groundswell.console.pages.incident_trial import trial_facts
from storage.queries import Queries
from storage.records import Incident

Facts = Callable[[Queries, Console, Incident, datetime], dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the page: its template, and what fills it."""

    template: str
    facts: Facts


PARTS: tuple[Part, ...] = (
    Part(template="incident_trial.html", facts=trial_facts),
    Part(template="incident_three.html", facts=three),
    Part(template="incident_tier.html", facts=tier),
    Part(template="incident_people.html", facts=complainants.part),
    Part(template="incident_tasks.html", facts=task_facts),
    Part(template="incident_lessons.html", facts=lessons),
)
"""In the order in which they stand on the page."""


def parts_of(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the template and the values of each part that has something to show."""
    for part in PARTS:
        values = part.facts(queries, console, incident, now)
        if values is not None:
            yield part.template, values
