"""Checks of people, rosters and routes: names of nobody, rings of stand-ins, who cannot be told.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from config.channel_schema import e164
from config.checks import Entries, place_of, references
from config.entries import Entry, positions
from config.people_schema import WAKING_KINDS
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

# Kinds on which a person is written to by an id of his own at the provider.
_BY_ADDRESS = frozenset({"wecom_app", "feishu_app"})


def check_people(entries: Entries) -> Iterator[Problem]:
    """Yield every problem of owners, duties, routes and the fallback."""
    for owner in entries.of("owner"):
        yield from _owner(owner, entries)
    yield from _rings(entries)
    for duty in entries.of("duty"):
        yield from _duty(duty, entries)
    yield from _nobody_woken(entries)
    for route in entries.of("route"):
        for path in ("owner", "also", "chain"):
            yield from people_named(route, (path,), entries)
        yield from references(route, ("service",), "service", entries)
    for window in entries.of("window"):
        for name in ("brand", "product"):
            yield from references(window, (name,), name, entries)
    for fallback in entries.of("fallback"):
        yield from _fallback(fallback, entries)


def people_named(
    entry: Entry,
    path: Where,
    entries: Entries,
    kinds: tuple[str, ...] = ("owner", "duty", "function"),
) -> Iterator[Problem]:
    """Yield a problem for every id at `path` that is of none of these kinds."""
    if {*kinds[1:]} & {*entries.unread}:
        return
    ids = {kind: entries.ids(kind) for kind in kinds}
    known = {one for found in ids.values() for one in found}
    there = [kind for kind in kinds if ids[kind] or kind == "owner"]
    what = " or ".join(filter(None, (", ".join(there[:-1]), there[-1])))
    seen: set[str] = set()
    for place, word in entry.words(*path):
        if word not in known and "owner" not in entries.unread:
            yield entry.problem(f'there is no {what} "{word}"{did_you_mean(word, known)}', *place)
        elif word in seen:
            named = next((kind for kind in reversed(kinds) if word in ids[kind]), "owner")
            yield entry.problem(f'{named} "{word}" is named twice', *place)
        seen.add(word)


def _fallback(fallback: Entry, entries: Entries) -> Iterator[Problem]:
    yield from people_named(fallback, (), entries)
    if fallback.value in ([], ""):
        yield fallback.problem("expected at least one owner's id, got none")
        return
    named = {word for _, word in fallback.words()}
    duties = set(entries.ids("duty"))
    if named and named <= duties:
        yield fallback.problem(
            "expected at least one person: in a roster there may be hours without anybody"
        )


# --- a person --------------------------------------------------------------------------------


def _owner(owner: Entry, entries: Entries) -> Iterator[Problem]:
    yield from references(owner, ("channels",), "channel", entries)
    if owner.get("channels") in ([], ""):
        yield owner.problem("expected at least one channel, or nobody can tell them", "channels")
    yield from _reached(owner, entries)
    yield from _woken(owner, entries)
    email = owner.text("email").strip()
    if email and not _is_address(email):
        yield owner.problem(f"expected an address such as name@company.cn, got {email!r}", "email")
    for name in ("working_hours", "quiet_hours"):
        yield from _hours(owner, (name,))
    for index in positions(owner, "away"):
        first, last = _day(owner.get("away", index, 0)), _day(owner.get("away", index, 1))
        if first and last and first > last:
            yield owner.problem(f"ends on {last}, before it starts on {first}", "away", index)
    yield from references(owner, ("stand_in",), "owner", entries)
    for place, word in owner.words("stand_in"):
        if word == owner.id:
            yield owner.problem("nobody stands in for himself: name somebody else", *place)


def _reached(owner: Entry, entries: Entries) -> Iterator[Problem]:
    """Yield the channels that a person names and that do not know where to find him."""
    kinds = {entry.id: entry.text("kind") for entry in entries.of("channel")}
    personal = {entry.id for entry in entries.of("channel") if _is_personal(entry)}
    mobile = owner.text("mobile").strip()
    named = [*owner.words("channels"), *owner.words("wake_by")]
    for place, word in named:
        kind = kinds.get(word, "")
        if kind == "email" and not owner.text("email").strip():
            text = f'channel "{word}" sends e-mail, but this owner has no "email": add the address'
            yield owner.problem(text, *place)
        if kind in WAKING_KINDS and not mobile:
            text = f'channel "{word}" needs a number, but this owner has no "mobile": add it'
            yield owner.problem(text, *place)
        if word in personal and not owner.text("addresses", word).strip():
            text = (
                f'channel "{word}" writes to one person by his id at the provider: '
                f'add it under "addresses", as {word}: ID'
            )
            yield owner.problem(text, *place)
    if mobile and not e164(mobile):
        text = f"expected eleven digits or a number such as +6581234567, got {mobile!r}"
        yield owner.problem(text, "mobile")
    for word in owner.keys("addresses"):
        if word not in kinds and "channel" not in entries.unread:
            text = f'there is no channel "{word}"{did_you_mean(word, kinds)}'
            yield owner.problem(text, "addresses", word)


def _is_personal(channel: Entry) -> bool:
    """Say whether a channel writes to one person by an id; Slack with a token and no room does."""
    slack = channel.text("kind") == "slack" and channel.text("token") and not channel.text("room")
    return bool(slack) or channel.text("kind") in _BY_ADDRESS


def _woken(owner: Entry, entries: Entries) -> Iterator[Problem]:
    yield from references(owner, ("wake_by",), "channel", entries)
    kinds = {entry.id: entry.text("kind") for entry in entries.of("channel")}
    for place, word in owner.words("wake_by"):
        if word in kinds and kinds[word] not in WAKING_KINDS:
            text = (
                f'channel "{word}" does not ring: wake_by takes channels of kind '
                f"{' or '.join(sorted(WAKING_KINDS))}"
            )
            yield owner.problem(text, *place)


def _hours(entry: Entry, path: Where) -> Iterator[Problem]:
    start, end = entry.get(*path, "from"), entry.get(*path, "to")
    if isinstance(start, str) and start == end:
        yield entry.problem(f"starts and ends at {start}: write the hours or leave it out", *path)


def _is_address(text: str) -> bool:
    name, _, host = text.rpartition("@")
    return bool(name) and "." in host and not any(letter.isspace() for letter in text)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _rings(entries: Entries) -> Iterator[Problem]:
    """Yield a problem for every ring of stand-ins, where it is written first."""
    after = {
        owner.id: [word for _, word in owner.words("stand_in")] for owner in entries.of("owner")
    }
    reported: set[str] = set()
    for owner in entries.of("owner"):
        path = ring(owner.id, after)
        if len(path) > 2 and not reported & set(path):  # of two: he named himself, said above
            reported.update(path)
            way = " -> ".join(f'"{one}"' for one in path)
            yield owner.problem(f"stands in for himself in the end: {way}", "stand_in")


def ring(start: str, after: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the way from a person over stand-ins back to himself, () when there is none."""
    waiting: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        for one in after.get(path[-1], ()):
            if one == start:
                return (*path, start)
            if one not in seen:
                seen.add(one)
                waiting.append((*path, one))
    return ()


# --- a roster --------------------------------------------------------------------------------


def _duty(duty: Entry, entries: Entries) -> Iterator[Problem]:
    for owner in entries.of("owner"):
        if duty.id and owner.id == duty.id:
            text = f"this id is already taken by an owner in {place_of(owner, 'id')}"
            yield duty.problem(f"{text}: routes name both, so it must be another", "id")
    if not positions(duty, "shifts") and not duty.keys("rotation"):
        yield duty.problem('expected "shifts" or a "rotation", or nobody is ever on duty')
    for index in positions(duty, "shifts"):
        yield from _line(duty, ("shifts", index, "owners"), entries)
        yield from _hours(duty, ("shifts", index, "hours"))
    yield from _line(duty, ("rotation", "owners"), entries)


def _line(duty: Entry, path: Where, entries: Entries) -> Iterator[Problem]:
    """Check the people of a shift or a rotation: persons, for rosters are not nested."""
    yield from references(duty, path, "owner", entries)
    if duty.get(*path) in ([], ""):
        yield duty.problem("expected at least one owner's id, got none", *path)


def _nobody_woken(entries: Entries) -> Iterator[Problem]:
    """Yield who stands in a roster and has nothing that rings, where a channel of the project does.

    A project without any such channel is warned by `check` (alerts/route_lint.py).
    """
    ringing = [entry.id for entry in entries.of("channel") if entry.text("kind") in WAKING_KINDS]
    staff: dict[str, str] = {}
    for duty in entries.of("duty"):
        paths: list[Where] = [("shifts", index, "owners") for index in positions(duty, "shifts")]
        for path in (*paths, ("rotation", "owners")):
            for _, word in duty.words(*path):
                staff.setdefault(word, duty.id)
    for owner in entries.of("owner"):
        if ringing and owner.id in staff and not list(owner.words("wake_by")):
            text = (
                f'stands in duty "{staff[owner.id]}", but nothing wakes them at night: '
                f"add wake_by, such as [{ringing[0]}]"
            )
            yield owner.problem(text)
