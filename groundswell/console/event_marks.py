"""Events of the calendar on curves: shaded stretches with names, and the same in words.

In: the brand of a curve and its ends. Out: Marks, for a script, for a drawing and for a table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from alerts.events import event_words, events_between
from config.schema import Project
from storage.queries import Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What happened beside a curve. `spans` are (name, first instant, instant after the last)."""

    words: str
    spans: tuple[tuple[str, datetime, datetime], ...]

    @property
    def series(self) -> str:
        """The spans as JSON in Unix seconds, as console.js reads them."""
        return json.dumps(
            [
                {"name": name, "from": int(first.timestamp()), "to": int(end.timestamp())}
                for name, first, end in self.spans
            ],
            ensure_ascii=False,
        )

    def at(self, instant: datetime) -> str:
        """Return the names of the events that hold an instant, "" for none."""
        return "、".join(name for name, first, end in self.spans if first <= instant < end)

    def on(self, day: date) -> str:
        """Return the names of the events that hold a day of the project's zone, "" for none."""
        named = (name for name, first, end in self.spans if first.date() <= day < end.date())
        return "、".join(named)


def event_marks(
    queries: Queries, project: Project, brand_id: str, since: datetime, until: datetime
) -> Marks:
    """Return the events of a brand that touch a stretch; days are the project's."""
    zone = project.settings.zone
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    found = events_between(project, queries.calendar_events(first, last), first, last, brand_id)
    spans = tuple(
        (
            one.name,
            datetime.combine(one.starts, time(), zone),
            datetime.combine(one.ends + timedelta(days=1), time(), zone),
        )
        for one in found
    )
    return Marks(words=event_words(found), spans=spans)
