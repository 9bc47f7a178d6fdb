"""What people were unhappy about in a week: the topics of each brand, against the week before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from alerts.events import event_words, events_between
from groundswell.console.base import Console
from groundswell.topics import DAYS, survey_topics
from storage.records import BrandTopics, Topic

_SHOWN = 12  # topics of a brand before a fold
_WIDTH, _HEIGHT = 300, 22  # of a bar, in its own units
_FIRST = date(2000, 1, 1)  # nothing is asked of earlier weeks
DIRECTIONS: Mapping[str, str] = {
    "new": "新出现",
    "up": "比前一周多",
    "down": "比前一周少",
    "steady": "和前一周差不多",
}


def page(console: Console, request: Request) -> Response:
    """Show a week that ends with the day asked for, today when none is."""
    now = console.clock.now()
    today = now.astimezone(console.project.settings.zone).date()
    day = _day(request.query_params.get("day", ""), today)
    brand = request.query_params.get("brand", "")
    known = console.project.brand(brand) is not None
    with console.store.read() as queries:
        found = survey_topics(
            queries, console.project, day, brand=brand if known else None, now=now
        )
        first = day - timedelta(days=DAYS - 1)
        stored = queries.calendar_events(first, day)
    events = events_between(console.project, stored, first, day, brand if known else "")

    def address(to: date, of: str = brand if known else "") -> str:
        asked = {"day": to.isoformat()} | ({"brand": of} if of else {})
        return f"/topics?{urlencode(asked)}"

    week = timedelta(days=DAYS)
    return console.page(
        request,
        "topics.html",
        found=sorted(found, key=lambda one: one.competitor),
        day=day,
        today=today,
        first=day - week + timedelta(days=1),
        before=address(day - week),
        after=address(min(day + week, today)) if day < today else "",
        brands=[
            (one.name, address(day, one.id), one.id)
            for one in sorted(console.project.brands, key=lambda one: one.competitor)
        ],
        all_brands=address(day, ""),
        brand=brand if known else "",
        bars={one.brand_id: bars(one) for one in found},
        directions=DIRECTIONS,
        shown=_SHOWN,
        events=event_words(events),
    )


def bars(brand: BrandTopics) -> dict[str, Markup]:
    """Draw of each topic its authors as a bar, and those of the week before as a line below."""
    most = max((max(one.authors, one.authors_before) for one in brand.topics), default=1)
    return {one.topic_id: _bar(one, most) for one in brand.topics}


def _bar(topic: Topic, most: int) -> Markup:
    now, then = (
        max(2, round(n / most * _WIDTH)) if n else 0 for n in (topic.authors, topic.authors_before)
    )
    shape = Markup(
        '<svg class="weeks" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" '
        'aria-label="{label}"><rect class="week" width="{now}" height="14" rx="2"/>'
        '<rect class="before" y="17" width="{then}" height="4" rx="1"/></svg>'
    )
    label = f"这一周 {topic.authors} 人，前一周 {topic.authors_before} 人"
    return shape.format(w=_WIDTH, h=_HEIGHT, label=label, now=now, then=then)


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return min(day, today) if day >= _FIRST else today
