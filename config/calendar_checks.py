"""Checks of the calendar and of customer tiers: names of nothing, days that contradict each other.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.calendar_schema import YEARLY
from config.checks import Entries, place_of, references
from config.entries import Entry, positions
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where


def check_calendar(entries: Entries) -> Iterator[Problem]:
    """Yield every problem of the sections `calendar` and `tiers`."""
    for calendar in entries.of("calendar"):
        yield from _events(calendar, entries)
        yield from _days(calendar)
    yield from _tiers(entries)


def _events(calendar: Entry, entries: Entries) -> Iterator[Problem]:
    own = [one.event_id for one in YEARLY]
    for place, word in calendar.words("without"):
        if word not in own:
            text = f'there is no event "{word}" of the program\'s own{did_you_mean(word, own)}'
            yield calendar.problem(f"{text}; there are {', '.join(own)}", *place)
    seen: dict[str, Where] = {}
    for index in positions(calendar, "entries"):
        path: Where = ("entries", index)
        yield from references(calendar, (*path, "brand"), "brand", entries)
        event_id = calendar.text(*path, "id")
        first = seen.setdefault(event_id, (*path, "id"))
        if event_id and first != (*path, "id"):
            text = f'event "{event_id}" is already in {place_of(calendar, *first)}'
            yield calendar.problem(text, *path, "id")
        if event_id in own:
            text = (
                f'"{event_id}" is an event of the program\'s own: name it under "without" and '
                "give yours another id"
            )
            yield calendar.problem(text, *path, "id")


def _days(calendar: Entry) -> Iterator[Problem]:
    off = {str(calendar.get("holidays", n)) for n in positions(calendar, "holidays")}
    for index in positions(calendar, "workdays"):
        day = str(calendar.get("workdays", index))
        if day in off:
            yield calendar.problem(f"{day} is both a holiday and a workday", "workdays", index)


def _tiers(entries: Entries) -> Iterator[Problem]:
    tiers = entries.of("tier")
    names: dict[str, Entry] = {}
    for tier in tiers:
        yield from references(tier, ("service",), "service", entries)
        for word in dict.fromkeys((tier.id.casefold(), tier.text("name").strip().casefold())):
            first = names.setdefault(word, tier)
            if word and first is not tier:
                text = f'"{word}" already means tier "{first.id}" in {place_of(first)}'
                yield tier.problem(text, "name")
    defaults = [tier for tier in tiers if tier.get("default") is True]
    for tier in defaults[1:]:
        text = f'tier "{defaults[0].id}" is the default already: there is one'
        yield tier.problem(text, "default")
