"""Events of the calendar: which of them a day or a stretch touches, and what is said of them.

In: a project, and the events that people added. Out: CalendarEvents and sentences. An event
explains what is seen and never changes it: no grade, no recipient and no time depends on one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from config.calendar_schema import YearlyEvent
from config.schema import Project
from storage.records import NO_BRAND, BrandId, CalendarEvent, Grade, Reason, Surge

REASON = "calendar"  # of a grade: explains, asks for nothing, brings no points
BUILT_IN, CONFIGURED = "built-in", "config"
_NAMED = 3  # events in one sentence
_A_YEAR = timedelta(days=366)


def events_between(
    project: Project,
    stored: Iterable[CalendarEvent],
    since: date,
    until: date,
    brand_id: str = "",
) -> tuple[CalendarEvent, ...]:
    """Return all events that touch the days from `since` to `until`, by first day.

    With `brand_id` those of this brand and of all brands. `added_by` says where one comes from:
    "built-in", "config", else who added it.
    """
    found = [*_yearly(project, since, until), *_configured(project, since, until), *stored]
    touching = [
        one
        for one in found
        if one.starts <= until and one.ends >= since and concerns(one, brand_id)
    ]
    return tuple(sorted(touching, key=lambda one: (one.starts, one.ends, one.event_id)))


def concerns(event: CalendarEvent, brand_id: str) -> bool:
    """Say whether an event is about a brand; one without a brand is about all."""
    return not brand_id or event.brand_id in {NO_BRAND, brand_id}


def _yearly(project: Project, since: date, until: date) -> Iterable[CalendarEvent]:
    for one in project.calendar.yearly:
        for year in _years(since, until):
            first, last = one.of(year)
            yield _built_in(one, year, first, last)


def _built_in(one: YearlyEvent, year: int, first: date, last: date) -> CalendarEvent:
    return CalendarEvent(
        event_id=f"{one.event_id}-{year}",
        name=one.name,
        kind=one.kind,
        starts=first,
        ends=last,
        note=one.note,
        added_by=BUILT_IN,
    )


def _configured(project: Project, since: date, until: date) -> Iterable[CalendarEvent]:
    for one in project.calendar.entries:
        for year, first, last in one.spans(_years(since, until)):
            yield CalendarEvent(
                event_id=one.id if year is None else f"{one.id}-{year}",
                name=one.name,
                kind=one.kind,
                starts=first,
                ends=last,
                brand_id=BrandId(one.brand or ""),
                note=one.note,
                added_by=CONFIGURED,
            )


def _years(since: date, until: date) -> range:
    """Return the years in which an event of every year may start and touch these days."""
    return range(max(since - _A_YEAR, date.min + _A_YEAR).year, until.year + 1)


def explained(grade: Grade, events: Iterable[CalendarEvent]) -> Grade:
    """Name the events of the brand beside a surge or a lift of the whole brand; nothing else.

    Level, score and every other ground stay what they are.
    """
    said = event_words(events)
    if not said or not stands_out(grade.surge):
        return grade
    reason = Reason(code=REASON, text=f"同期有：{said}")
    return replace(grade, reasons=(*grade.reasons, reason))


def stands_out(surge: Surge) -> bool:
    """Say whether there is anything to explain: a surge, or a lift of the whole brand."""
    return surge.kind != "none" or surge.lift > 1.0


def event_words(events: Iterable[CalendarEvent]) -> str:
    """Name events with their days: "双11（10月20日至11月12日）", "" for none."""
    names = list(dict.fromkeys(f"{one.name}（{_days(one)}）" for one in events))
    rest = len(names) - _NAMED
    return "、".join(names[:_NAMED]) + (f" 等 {len(names)} 个" if rest > 0 else "")


def during_words(events: Iterable[CalendarEvent], day: date) -> str:
    """Say in which events a day lies: "今天在「双11」期间（10月20日至11月12日）", "" for none."""
    held = [one for one in events if one.starts <= day <= one.ends]
    if not held:
        return ""
    named = "、".join(dict.fromkeys(f"「{one.name}」" for one in held[:_NAMED]))
    days = f"（{_days(held[0])}）" if len(held) == 1 else ""
    more = f"等 {len(held)} 个事件" if len(held) > _NAMED else ""
    return f"今天在{named}{more}期间{days}"


def _days(event: CalendarEvent) -> str:
    first = f"{event.starts.month}月{event.starts.day}日"
    if event.ends == event.starts:
        return first
    return f"{first}至{event.ends.month}月{event.ends.day}日"
