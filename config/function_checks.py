"""Checks of functions and of what names them: rings of stand-ins, ids of nobody, ids taken twice.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.checks import Entries, place_of
from config.entries import Entry
from config.function_schema import FUNCTIONS
from config.people_checks import people_named, ring
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

_TRIANGLE = ("customer", "solution", "delivery")
_SPEAKERS = ("product_quality", "otherwise")
_TASKS = ("guide", "fix", "solve", "clarify", "contain")


def check_functions(entries: Entries) -> Iterator[Problem]:
    """Yield every problem of functions, of the three owners and of who speaks in public."""
    for function in entries.of("function"):
        yield from _function(function, entries)
    yield from _rings(entries)
    for triangle in entries.of("triangle"):
        for role in _TRIANGLE:
            yield from _named(triangle, (role,), entries)
            if triangle.get(role) in ([], ""):
                yield triangle.problem("expected at least one function's id, got none", role)
    for tasks in entries.of("tasks"):
        for kind in _TASKS:
            yield from _named(tasks, (kind, "function"), entries)
    for settings in entries.of("settings"):
        for name in _SPEAKERS:
            yield from _named(settings, ("speakers", name), entries)


def _function(function: Entry, entries: Entries) -> Iterator[Problem]:
    for kind in ("owner", "duty"):
        for other in entries.of(kind):
            if function.id and other.id == function.id:
                what = "an owner" if kind == "owner" else "a duty"
                text = f"this id is already taken by {what} in {place_of(other, 'id')}"
                yield function.problem(f"{text}: routes name both, so it must be another", "id")
    if function.id and function.id not in FUNCTIONS and not function.text("name").strip():
        known = ", ".join(f"{one} {name}" for one, name in FUNCTIONS.items())
        text = f'expected a "name", or one of the known functions as its id: {known}'
        yield function.problem(text, "id")
    places: list[Where] = [("team",), ("lead",)]
    places += [("regions", region) for region in function.keys("regions")]
    for path in places:
        yield from people_named(function, path, entries, ("owner", "duty"))
    yield from people_named(function, ("stand_in",), entries, ("owner", "duty", "function"))
    for place, word in function.words("stand_in"):
        if word == function.id:
            yield function.problem("nothing stands in for itself: name something else", *place)


def _named(entry: Entry, path: Where, entries: Entries) -> Iterator[Problem]:
    """Yield a problem for every id that is no function: neither the project's nor a known one."""
    if "function" in entries.unread:
        return
    ids = {*entries.ids("function"), *FUNCTIONS}
    for place, word in entry.words(*path):
        if word not in ids:
            yield entry.problem(f'there is no function "{word}"{did_you_mean(word, ids)}', *place)


def _rings(entries: Entries) -> Iterator[Problem]:
    """Yield a problem for every ring of functions that stand in, where it is written first."""
    ids = set(entries.ids("function"))
    after = {
        one.id: [word for _, word in one.words("stand_in") if word in ids]
        for one in entries.of("function")
    }
    reported: set[str] = set()
    for function in entries.of("function"):
        path = ring(function.id, after)
        if len(path) > 2 and not reported & set(path):  # of two: it named itself, said above
            reported.update(path)
            way = " -> ".join(f'"{one}"' for one in path)
            yield function.problem(f"stands in for itself in the end: {way}", "stand_in")
