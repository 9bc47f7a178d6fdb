"""Who has the duty at an instant: a roster, the project and a time in, people and reasons out.

Shifts and handovers are kept as instants, one per wall time: at a change of the clock an hour that
comes twice does not hand over twice, and one that is leapt over hands over when the leap is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.hours import begins_on
from alerts.presence import absence, members
from config.schema import Duty, Function, Project, Rotation, Shift
from config.workdays import is_workday
from storage.records import OwnerId

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

AHEAD = timedelta(days=28)
"""How far rosters are looked over for hours without anybody: four weeks, as they are planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Somebody who would have been told and cannot be; `code` as in `absence`."""

    owner_id: OwnerId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who answers for one id at one instant, and who was passed over before him.

    `by` says by what: "person", "stand_in", "shift", "rotation"; of a roster without anybody
    "gap" (no shift covers the instant) or "away" (one does, nobody of it can be told). Of a
    function "function" (somebody who fills it), "filled_in" (`via` stands in for it), "gap" (it
    names nobody) or "away".
    """

    owner_ids: tuple[OwnerId, ...]
    passed: tuple[Passed, ...]
    by: Literal["person", "stand_in", "shift", "rotation", "gap", "away", "function", "filled_in"]
    via: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A span of a roster in which nothing changes: from `starts` up to, not including, `ends`."""

    starts: datetime
    ends: datetime
    turn: Turn


def on_duty(duty: Duty, project: Project, now: datetime) -> tuple[OwnerId, ...]:
    """Return the person who has the duty at this instant; nobody when the roster has a gap."""
    return turn_of_duty(duty, project, now).owner_ids


def turn_of_duty(duty: Duty, project: Project, now: datetime) -> Turn:
    """Say who has the duty: the first shift that covers the instant, else whose turn it is.

    Of the names in line the first who can be told; before the next name come the stand-ins of the
    one who cannot, and theirs.
    """
    passed: dict[str, str] = {}
    covered = False
    for shift in duty.shifts:
        if not _covers(shift, duty, project, now):
            continue
        covered = True
        found = _first(project, shift.owners, now, passed)
        if found:
            return Turn(owner_ids=(found,), passed=_said(passed), by="shift")
    line = _line(duty.rotation, duty.zone, now) if duty.rotation else ()
    found = _first(project, line, now, passed)
    if found:
        return Turn(owner_ids=(found,), passed=_said(passed), by="rotation")
    return Turn(owner_ids=(), passed=_said(passed), by="away" if covered or line else "gap")


def turn_of_person(project: Project, owner_id: str, now: datetime) -> Turn:
    """Say who answers for a person: himself, else the first of his stand-ins, and theirs."""
    passed: dict[str, str] = {}
    found = _first(project, (owner_id,), now, passed)
    if not found:
        return Turn(owner_ids=(), passed=_said(passed), by="away")
    return Turn(
        owner_ids=(found,), passed=_said(passed), by="person" if found == owner_id else "stand_in"
    )


def turn_of(project: Project, named: str, now: datetime, regions: Sequence[str] = ()) -> Turn:
    """Say who answers for an id that a route names: a roster's, a function's or a person's.

    `regions` are those of what happened: functions may have a team of their own for each.
    """
    duty = project.duty(named)
    if duty is not None:
        return turn_of_duty(duty, project, now)
    function = project.function(named) if project.owner(named) is None else None
    if function is not None:
        return turn_of_function(function, project, now, regions)
    return turn_of_person(project, named, now)


def turn_of_function(
    function: Function,
    project: Project,
    now: datetime,
    regions: Sequence[str] = (),
    asked: frozenset[str] = frozenset(),
) -> Turn:
    """Say who fills a function: the first of its people who can be told, else what stands in.

    `asked` are functions that were asked before: a ring of stand-ins ends by itself.
    """
    passed: dict[str, Passed] = {}

    def found(turn: Turn, by: Literal["function", "filled_in"], via: str) -> Turn | None:
        passed.update({one.owner_id: one for one in turn.passed if one.owner_id not in passed})
        if not turn.owner_ids:
            return None
        said = tuple(passed.values())
        return Turn(owner_ids=turn.owner_ids, passed=said, by=by, via=via)

    line = function.line(tuple(regions))
    for one in line:
        if turn := found(turn_of(project, one, now), "function", one):
            return turn
    asked |= {function.id}
    for one in function.stand_in:
        other = project.function(one)
        if other is None:
            turn = found(turn_of(project, one, now), "filled_in", one)
        elif other.id not in asked:
            turn = found(turn_of_function(other, project, now, regions, asked), "filled_in", one)
        else:
            turn = None
        if turn is not None:
            return turn
    return Turn(owner_ids=(), passed=tuple(passed.values()), by="away" if line else "gap")


def timetable(duty: Duty, project: Project, start: datetime, end: datetime) -> Iterator[Slot]:
    """Yield the roster's spans between two instants, leave and stand-ins counted in, in order."""
    edges = sorted({start, end, *_edges(duty, project, start, end)})
    held: Slot | None = None
    for at, until in pairwise(edges):
        turn = turn_of_duty(duty, project, at)
        if held and held.turn == turn:
            held = Slot(starts=held.starts, ends=until, turn=turn)
            continue
        if held:
            yield held
        held = Slot(starts=at, ends=until, turn=turn)
    if held:
        yield held


def gaps(duty: Duty, project: Project, now: datetime) -> list[Slot]:
    """Return the spans of the coming four weeks in which nobody has the duty."""
    spans = timetable(duty, project, now, now + AHEAD)
    return [slot for slot in spans if not slot.turn.owner_ids]


def instant_at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """Return the one instant at which this wall time comes: the first of two, else after a leap.

    Units: `clock` is "HH:MM" and may be "24:00", the next day's midnight.
    """
    hour, minute = clock.split(":")
    wall = datetime.combine(day, time()) + timedelta(hours=int(hour), minutes=int(minute))
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if _wall(instant, zone) == wall:
        return instant
    # leapt over: by the offset after the leap it lies before it, by the one before behind it
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while instant - before > _SECOND:
        middle = before + (instant - before) / 2
        if _wall(middle, zone) < wall:
            before = middle
        else:
            instant = middle
    return instant.replace(microsecond=0)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _first(
    project: Project, line: Iterable[str], now: datetime, passed: dict[str, str]
) -> OwnerId | None:
    """Return the first who can be told, noting the others in `passed`; a ring ends by itself."""
    waiting = list(reversed(tuple(line)))
    while waiting:
        owner_id = waiting.pop()
        if owner_id in passed:
            continue
        code = absence(project, owner_id, now)
        if not code:
            return OwnerId(owner_id)
        passed[owner_id] = code
        owner = project.owner(owner_id)
        waiting.extend(reversed(owner.stand_in if owner else ()))
    return None


def _said(passed: dict[str, str]) -> tuple[Passed, ...]:
    return tuple(Passed(owner_id=OwnerId(one), code=code) for one, code in passed.items())


def _covers(shift: Shift, duty: Duty, project: Project, now: datetime) -> bool:
    today = now.astimezone(duty.zone).date()
    days = (today - _DAY, today, today + _DAY)
    spans = (_span(shift, duty, project, day) for day in days)
    return any(span is not None and span[0] <= now < span[1] for span in spans)


def _span(
    shift: Shift, duty: Duty, project: Project, day: date
) -> tuple[datetime, datetime] | None:
    """Return when the shift that begins on a day starts and ends; None when none does.

    A shift belongs to the day on which it begins, also where it runs over midnight.
    """
    if shift.on != "all" and is_workday(project.settings.calendar, day) != (shift.on == "workdays"):
        return None
    if shift.hours is None:
        return instant_at(day, "00:00", duty.zone), instant_at(day, "24:00", duty.zone)
    if not begins_on(shift.hours, day, project.settings.calendar):
        return None
    begins, ends = shift.hours.from_, shift.hours.to
    last = day + _DAY if ends != "24:00" and ends <= begins else day
    return instant_at(day, begins, duty.zone), instant_at(last, ends, duty.zone)


def _line(rotation: Rotation, zone: ZoneInfo, now: datetime) -> tuple[str, ...]:
    """Return the rotation's people beginning with whose turn it is; nobody before it starts."""
    day = now.astimezone(zone).date() + _DAY
    while instant_at(day, rotation.handover, zone) > now:
        day -= _DAY
    passed_days = (day - rotation.starts).days
    if passed_days < 0:
        return ()
    turn = passed_days // rotation.every_days % len(rotation.owners)
    return (*rotation.owners[turn:], *rotation.owners[:turn])


def _edges(duty: Duty, project: Project, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every instant within a span at which somebody may take over or go."""
    day = start.astimezone(duty.zone).date() - _DAY
    last = end.astimezone(duty.zone).date() + _DAY
    found: list[datetime] = []
    while day <= last:
        for shift in duty.shifts:
            found.extend(_span(shift, duty, project, day) or ())
        if duty.rotation:
            found.append(instant_at(day, duty.rotation.handover, duty.zone))
        day += _DAY
    if members(duty):
        for owner in project.owners:  # whoever stands in may go on leave, too
            for first, until in owner.away:
                found.append(instant_at(first, "00:00", owner.zone))
                found.append(instant_at(until, "24:00", owner.zone))
    yield from (at for at in found if start < at < end)
