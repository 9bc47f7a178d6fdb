"""Who has the duty: shifts, rotations, leave and stand-ins, over midnight and over clock changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.duty import Passed, Slot, gaps, instant_at, on_duty, timetable, turn_of
from config.schema import Duty, Project

# Few for CI; the long run sets GROUNDSWELL_EXAMPLES (1,500 was run).
EXAMPLES = int(os.environ.get("GROUNDSWELL_EXAMPLES", "60"))
ZONES = sorted(available_timezones() - {"localtime"})
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = ("wen", "luo", "gu", "pei")
DAY = timedelta(days=1)


def project(duty: dict[str, Any] | None = None, **changes: dict[str, Any]) -> Project:
    """Four people with a bot each; `changes` by person: project(wen={"away": […]})."""
    values = {
        "channels": [{"id": "bot", "kind": "wecom_bot", "key": "env:BOT"}],
        "owners": [
            {"id": one, "name": one, "channels": ["bot"]} | changes.get(one, {}) for one in PEOPLE
        ],
        "fallback": ["pei"],
        "duties": [{"id": "night", "name": "夜班"} | duty] if duty else [],
    }
    return Project.model_validate(values)


def the_duty(found: Project) -> Duty:
    [duty] = found.duties
    return duty


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def holder(found: Project, text: str, zone: ZoneInfo = SHANGHAI) -> str:
    return "+".join(on_duty(the_duty(found), found, at(text, zone)))


DAY_AND_NIGHT = {
    "shifts": [
        {"owners": ["wen"], "hours": {"from": "08:00", "to": "20:00"}},
        {"owners": ["luo"], "hours": {"from": "20:00", "to": "08:00"}},
    ]
}
ROTATION = {"rotation": {"owners": ["wen", "luo", "gu"], "starts": "2026-03-02"}}


# --- shifts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-03-10 07:59:59", "luo"),
        ("2026-03-10 08:00", "wen"),
        ("2026-03-10 19:59:59", "wen"),
        ("2026-03-10 20:00", "luo"),
        ("2026-03-11 00:00", "luo"),
    ],
)
def test_a_shift_runs_over_midnight(moment: str, who: str) -> None:
    assert holder(project(DAY_AND_NIGHT), moment) == who


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday = {"from": "20:00", "to": "08:00", "days": ["fri"]}
    found = project({"shifts": [{"owners": ["wen"], "hours": friday}]})

    assert holder(found, "2026-03-14 07:59") == "wen"  # Saturday morning
    assert holder(found, "2026-03-13 07:59") == ""  # Friday morning


def test_workdays_and_holidays_follow_the_work_calendar() -> None:
    found = project(
        {"shifts": [{"owners": ["wen"], "on": "workdays"}, {"owners": ["luo"], "on": "holidays"}]}
    )

    assert holder(found, "2026-10-01 12:00") == "luo"  # National Day, a Thursday
    assert holder(found, "2026-10-10 12:00") == "wen"  # a Saturday worked for it
    assert holder(found, "2026-10-11 12:00") == "luo"


def test_the_first_shift_that_covers_the_time_wins() -> None:
    noon = {"owners": ["gu"], "hours": {"from": "12:00", "to": "13:00"}}
    found = project({"shifts": [noon, *DAY_AND_NIGHT["shifts"]]})

    assert [holder(found, f"2026-03-10 {hour}:30") for hour in (11, 12, 13)] == ["wen", "gu", "wen"]


# --- rotations -------------------------------------------------------------------------------


def test_a_rotation_hands_over_once_a_week() -> None:
    found = project(ROTATION)

    assert holder(found, "2026-03-02 08:59") == ""  # it has not begun
    assert holder(found, "2026-03-02 09:00") == "wen"
    assert holder(found, "2026-03-09 08:59") == "wen"
    assert holder(found, "2026-03-09 09:00") == "luo"
    assert holder(found, "2026-03-23 09:00") == "wen"  # round again


def test_a_rotation_takes_over_where_no_shift_reaches() -> None:
    shift = {"owners": ["pei"], "hours": {"from": "09:00", "to": "18:00"}, "on": "workdays"}
    found = project({"shifts": [shift]} | ROTATION)

    assert holder(found, "2026-03-10 12:00") == "pei"
    assert holder(found, "2026-03-10 18:00") == "luo"


# --- leave and stand-ins -------------------------------------------------------------------------

AWAY = {"away": [["2026-03-10", "2026-03-11"]]}


def test_stand_ins_come_before_the_next_in_line() -> None:
    found = project(ROTATION, luo=AWAY | {"stand_in": ["pei"]})

    assert holder(found, "2026-03-09 23:59") == "luo"
    assert holder(found, "2026-03-10 00:00") == "pei"
    assert holder(found, "2026-03-12 00:00") == "luo"


def test_without_a_stand_in_the_next_in_line_takes_it() -> None:
    assert holder(project(ROTATION, luo=AWAY), "2026-03-10 12:00") == "gu"


def test_stand_ins_have_stand_ins_and_every_step_has_its_reason() -> None:
    found = project(
        None, wen=AWAY | {"stand_in": ["luo"]}, luo={"channels": ["gone"], "stand_in": ["gu"]}
    )
    turn = turn_of(found, "wen", at("2026-03-10 12:00"))

    assert (turn.owner_ids, turn.by) == (("gu",), "stand_in")
    assert turn.passed == (
        Passed(owner_id="wen", code="owner_away"),
        Passed(owner_id="luo", code="owner_unreachable"),
    )


def test_a_ring_of_stand_ins_ends() -> None:
    away = {one: AWAY | {"stand_in": [other]} for one, other in (("wen", "luo"), ("luo", "wen"))}
    turn = turn_of(project(None, **away), "wen", at("2026-03-10 12:00"))

    assert (turn.owner_ids, turn.by) == ((), "away")


def test_nobody_by_roster_and_nobody_there_are_told_apart() -> None:
    shift = {"owners": ["wen"], "hours": {"from": "08:00", "to": "20:00"}}
    found = project({"shifts": [shift]}, wen=AWAY)

    assert turn_of(found, "night", at("2026-03-10 12:00")).by == "away"
    assert turn_of(found, "night", at("2026-03-10 21:00")).by == "gap"


# --- the timetable ---------------------------------------------------------------------------


def test_the_timetable_has_no_holes_and_no_overlaps() -> None:
    found = project(DAY_AND_NIGHT, wen=AWAY | {"stand_in": ["gu"]})
    start, end = at("2026-03-09 12:00"), at("2026-03-13 12:00")
    slots = list(timetable(the_duty(found), found, start, end))

    assert (slots[0].starts, slots[-1].ends) == (start, end)
    assert all(one.ends == two.starts for one, two in _pairs(slots))
    assert [slot.turn.owner_ids[0] for slot in slots] == [
        *("wen", "luo", "gu", "luo", "gu", "luo", "wen", "luo", "wen"),
    ]


def test_gaps_are_the_hours_without_anybody() -> None:
    shift = {"owners": ["wen"], "hours": {"from": "00:00", "to": "22:00"}}
    found = project({"shifts": [shift]})
    slots = gaps(the_duty(found), found, at("2026-03-10 00:00"))

    assert len(slots) == 28
    assert {slot.ends - slot.starts for slot in slots} == {timedelta(hours=2)}


def _pairs(slots: list[Slot]) -> Iterator[tuple[Slot, Slot]]:
    return pairwise(slots)


# --- when the clock is changed -----------------------------------------------------------------


def test_an_hour_that_comes_twice_hands_over_at_the_first() -> None:
    daily = {"owners": ["wen", "luo"], "starts": "2026-10-20", "every_days": 1, "handover": "02:30"}
    found = project({"timezone": "Europe/Berlin", "rotation": daily})
    around = [at("2026-10-25 00:00", BERLIN) + timedelta(minutes=10 * n) for n in range(36)]
    held = [on_duty(the_duty(found), found, moment)[0] for moment in around]

    assert sum(one != two for one, two in pairwise(held)) == 1
    assert held.index("luo" if held[0] == "wen" else "wen") == 15  # 02:30 the first time


def test_an_hour_that_is_leapt_over_hands_over_at_the_leap() -> None:
    leap = instant_at(date(2026, 3, 29), "02:30", BERLIN)

    assert leap == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00
    assert instant_at(date(2026, 3, 28), "24:00", BERLIN) == at("2026-03-29 00:00", BERLIN)


CLOCKS = st.times().map(lambda one: f"{one.hour:02}:{one.minute:02}")
ZONE_NAMES = st.sampled_from(ZONES)
DATES = st.dates(date(1995, 1, 1), date(2030, 12, 31))


def _near_change(zone: ZoneInfo, day: date) -> date:
    """The next day within a year on which the clock is changed there, else the day itself."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    step, before = timedelta(days=16), noon.astimezone(zone).utcoffset()
    for n in range(1, 24):
        later = noon + n * step
        if later.astimezone(zone).utcoffset() != before:
            while (later - DAY).astimezone(zone).utcoffset() != before:
                later -= DAY
            return later.astimezone(zone).date()
    return day


@given(name=ZONE_NAMES, day=DATES, handover=CLOCKS, every=st.integers(1, 9))
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_instant_has_one_person_and_every_turn_one_handover(
    name: str, day: date, handover: str, every: int
) -> None:
    zone = ZoneInfo(name)
    day = _near_change(zone, day)
    rotation = {
        "owners": list(PEOPLE),
        "starts": (day - 3 * DAY).isoformat(),
        "every_days": every,
        "handover": handover,
    }
    found = project({"timezone": name, "rotation": rotation})
    start = instant_at(day - 3 * DAY, handover, zone)
    around = [start + timedelta(minutes=23 * n) for n in range(6 * 1440 // 23)]
    held = [on_duty(the_duty(found), found, moment) for moment in around]
    order = [held[0], *(two for one, two in pairwise(held) if one != two)]

    assert {len(one) for one in held} == {1}
    # each turn comes once and in order; one whose days the clock leapt over may be missing
    turns = [PEOPLE.index(one[0]) for one in order]
    steps = [(two - one) % len(PEOPLE) for one, two in pairwise(turns)]
    assert set(steps) <= {1, 2}
    assert steps.count(2) <= 1


@given(name=ZONE_NAMES, day=DATES, begins=CLOCKS, changes=CLOCKS)
@settings(max_examples=EXAMPLES, deadline=None)
def test_two_shifts_that_touch_never_overlap_and_leave_no_gap(
    name: str, day: date, begins: str, changes: str
) -> None:
    if begins == changes:
        return
    zone = ZoneInfo(name)
    day = _near_change(zone, day)
    shifts = [
        {"owners": ["wen"], "hours": {"from": begins, "to": changes}},
        {"owners": ["luo"], "hours": {"from": changes, "to": begins}},
    ]
    found = project({"timezone": name, "shifts": shifts})
    duty = the_duty(found)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    slots = list(timetable(duty, found, start, start + 4 * DAY))
    alone = [
        {"id": "night", "name": "夜班", "timezone": name, "shifts": [shift]} for shift in shifts
    ]

    assert all(slot.turn.owner_ids for slot in slots)
    assert all(one.turn != two.turn for one, two in _pairs(slots))
    for slot in slots:  # by itself, each shift holds just its own slots
        here = [on_duty(Duty.model_validate(one), found, slot.starts) for one in alone]
        assert [one for one in here if one] == [slot.turn.owner_ids]
