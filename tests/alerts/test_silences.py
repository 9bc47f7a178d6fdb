"""Silences and maintenance windows: what they hold, what passes, and the one message afterwards."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents import Command, fold, on_command, on_grade
from alerts.scene import Scene
from alerts.silences import current, holding, windows
from alerts.timers import on_timers
from config.schema import Project
from storage.records import Change, Incident, IncidentState, Level, Silence, Timer
from tests.alerts.people import PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade

LINKS = PlainLinks()
EXAMPLES = int(os.environ.get("SILENCE_EXAMPLES", "40"))
HOUR = timedelta(hours=1)
LIVE = tuple((NOW - timedelta(minutes=n), f"tousu:人{n}") for n in range(12, 0, -1))
EVIDENCE = make_evidence(authors=12, live_authors=LIVE, watch_authors=LIVE)


def silence(**fields: Any) -> Silence:
    values: dict[str, Any] = {
        "silence_id": "s-1",
        "starts_at": NOW - HOUR,
        "ends_at": NOW + 4 * HOUR,
        "up_to": "orange",
        "by": "lin",
        "reason": "系统升级，已公告",
        "created_at": NOW - HOUR,
    }
    return Silence(**(values | fields))


def raised(
    *silences: Silence, level: Level = Level.ORANGE, config: Project | None = None
) -> Change:
    project = config or make_project()
    grade = make_grade(level=level)
    change = on_grade(None, EVIDENCE, grade, project, NOW, links=LINKS, silences=silences)
    assert change is not None
    return change


def fire(change: Change, at: datetime, *silences: Silence) -> Change:
    due = [one for one in change.timers if one.status == "pending" and one.due_at <= at]
    assert due, "nothing is due"
    return on_timers(
        change.incident, due, make_project(), at, evidence=EVIDENCE, links=LINKS, silences=silences
    )


def test_notices_are_held_and_state_is_not() -> None:
    change = raised(silence())

    assert change.intents == ()
    assert change.incident.state is IncidentState.OPEN
    assert change.incident.level is Level.ORANGE
    assert (change.incident.muted_by, change.incident.silenced) == ("s-1", ("lin", "zhao"))
    assert [(one.kind, one.due_at) for one in change.timers] == [("mute", NOW + 4 * HOUR)]
    assert fold(change.events) == change.incident


def test_one_message_afterwards_to_everybody_who_would_have_heard() -> None:
    over = fire(raised(silence()), NOW + 4 * HOUR)

    assert [one.kind for one in over.events] == ["unmuted"]
    assert list(dict.fromkeys(one.recipient_id for one in over.intents)) == ["lin", "zhao"]
    assert (over.incident.silenced, over.incident.muted_until) == ((), None)
    assert [one.kind for one in over.timers] == ["step"]  # the ladder goes on from here


def test_nobody_is_told_afterwards_of_what_somebody_has_in_hand() -> None:
    held = raised(silence())
    acked = on_command(held.incident, Command(name="ack", actor="lin"), make_project(), NOW + HOUR)
    over = fire(replace(held, incident=acked.incident), NOW + 4 * HOUR)

    assert [one.kind for one in over.events] == ["unmuted"]
    assert over.intents == ()


@pytest.mark.parametrize(
    ("up_to", "level", "is_held"),
    [
        ("blue", Level.BLUE, True),
        ("blue", Level.YELLOW, False),
        ("yellow", Level.ORANGE, False),
        ("orange", Level.ORANGE, True),
        ("orange", Level.RED, False),
        ("red", Level.RED, False),  # whatever is written: red is never held
    ],
)
def test_level_above_the_cap_passes(up_to: str, level: Level, is_held: bool) -> None:
    change = raised(silence(up_to=up_to), level=level)

    assert bool(change.intents) is not is_held


def test_rise_above_the_cap_is_told_to_all_who_were_not() -> None:
    held = raised(silence(), level=Level.YELLOW)
    red = on_grade(
        held.incident,
        EVIDENCE,
        make_grade(level=Level.RED),
        make_project(),
        NOW + HOUR,
        links=LINKS,
        silences=[silence()],
    )

    assert red is not None
    assert {one.recipient_id for one in red.intents} >= {"lin", "zhao"}
    assert (red.incident.silenced, red.incident.muted_until) == ((), None)
    assert fold([*held.events, *red.events]) == red.incident


def test_step_that_falls_into_a_silence_is_made_up_for() -> None:
    change = raised()
    step = fire(change, NOW + 15 * timedelta(minutes=1), silence())
    over = fire(step, NOW + 4 * HOUR)

    assert step.intents == ()
    assert step.incident.silenced == ("chen",)
    assert {one.recipient_id for one in over.intents} == {"lin", "chen"}


def test_silence_after_silence_is_one_silence() -> None:
    first = raised(silence())
    second = silence(silence_id="s-2", ends_at=NOW + 6 * HOUR)
    goes_on = fire(first, NOW + 4 * HOUR, second)
    over = fire(goes_on, NOW + 6 * HOUR)

    assert goes_on.intents == ()
    assert goes_on.incident.muted_by == "s-2"
    assert {one.recipient_id for one in over.intents} == {"lin", "zhao"}


def test_what_people_do_passes() -> None:
    held = raised(silence())
    given = on_command(
        held.incident,
        Command(name="assign", actor="lin", owner_id="wu"),
        make_project(),
        NOW + HOUR,
        evidence=EVIDENCE,
        links=LINKS,
    )

    assert [one.recipient_id for one in given.intents][:1] == ["wu"]


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"brand": ("yunque",)}, True),
        ({"brand": ("baiheng",)}, False),
        ({"product": ("q3",)}, True),
        ({"product": ("q9",)}, False),
        ({"issue": ("产品质量",)}, True),
        ({"issue": ("物流配送",)}, False),
        ({"region": ("上海",), "brand": ("yunque",)}, True),
        ({"platform": ("weibo",)}, False),
        ({"starts_at": NOW + HOUR}, False),
        ({"ends_at": NOW}, False),
        ({"ended_at": NOW - HOUR}, False),
        ({"incident_id": "yunque-other"}, False),
    ],
)
def test_silence_is_about_what_it_names(fields: dict[str, Any], matches: bool) -> None:
    evidence = make_evidence(
        products=("云雀净水器Q3",),
        regions=("上海",),
        platforms=("tousu",),
        issue_classes=(("产品质量", 9),),
        live_authors=LIVE,
        watch_authors=LIVE,
    )
    project = make_project()
    incident: Incident = raised().incident
    incident = replace(incident, issue_class="产品质量", platforms=("tousu",))
    scene = Scene(project=project, links=LINKS, evidence=evidence, silences=[silence(**fields)])

    assert (holding(incident, scene, NOW) is not None) is matches


def test_weekly_window_holds_while_it_is_open() -> None:
    window = {
        "id": "sunday",
        "reason": "每周维护",
        "brand": ["yunque"],
        "hours": {"from": "11:00", "to": "13:00", "days": ["tue"]},
    }
    project = make_project(maintenance=[window])  # NOW is a Tuesday, noon in Shanghai
    change = raised(*current((), project, NOW), level=Level.YELLOW, config=project)

    assert change.intents == ()
    assert change.incident.muted_until == NOW + HOUR
    assert change.incident.muted_by == "window:sunday"
    assert windows(project, NOW + HOUR) == ()


def test_window_for_once_holds_only_then() -> None:
    window = {
        "id": "double-eleven",
        "reason": "大促",
        "starts": "2026-03-10 11:30",
        "ends": "2026-03-10 14:00",
    }
    project = make_project(maintenance=[window])

    [open_now] = windows(project, NOW)
    assert open_now.ends_at == NOW + 2 * HOUR
    assert windows(project, NOW - HOUR) == ()
    assert windows(project, NOW + 2 * HOUR) == ()


def test_timer_of_a_silence_is_stale_when_it_was_made_longer() -> None:
    held = raised(silence())
    longer = on_command(
        held.incident,
        Command(name="silence", actor="lin", until=NOW + 9 * HOUR),
        make_project(),
        NOW + HOUR,
    )
    timer: Timer = held.timers[0]

    stale = on_timers(longer.incident, [timer], make_project(), NOW + 4 * HOUR)
    assert stale.events == ()


ACTIONS = ("wait", "wait long", "rise", "ack", "silence")


@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=12))
@settings(max_examples=EXAMPLES, deadline=None)
def test_silence_is_kept_and_made_up_for_once(actions: list[str]) -> None:
    """P12: nothing is said by the program meanwhile; afterwards each person hears once."""
    project, now, level = make_project(), NOW, Level.BLUE
    held = [silence(ends_at=NOW + HOUR, up_to="yellow")]
    change = raised(*held, level=level)
    incident, timers = change.incident, {(one.kind, one.step): one for one in change.timers}
    said: list[Change] = [change]

    def keep(made: Change | None) -> Incident:
        if made is None:
            return incident
        for key, timer in list(timers.items()):
            if timer.kind in made.cancel_timers:
                del timers[key]
        timers.update({(one.kind, one.step): one for one in made.timers})
        said.append(made)
        return made.incident

    def run_timers() -> Incident:
        due = [one for one in timers.values() if one.status == "pending" and one.due_at <= now]
        return keep(on_timers(incident, due, project, now, evidence=EVIDENCE, silences=held))

    for action in (*actions, "end"):
        before = len(said)
        match action:
            case "wait" | "wait long" | "end":
                now += {"wait": HOUR / 4, "wait long": 2 * HOUR, "end": 30 * HOUR}[action]
                incident = run_timers()
            case "rise" if level < Level.RED:
                level = Level(level + 1)
                grade = make_grade(level=level)
                made = on_grade(incident, EVIDENCE, grade, project, now, silences=held)
                incident = keep(made)
            case "ack" if incident.state is IncidentState.OPEN:
                incident = keep(
                    on_command(incident, Command(name="ack", actor="lin"), project, now)
                )
            case "silence":
                held.append(
                    silence(silence_id=f"s-{len(held)}", ends_at=now + HOUR, up_to="yellow")
                )
        quiet = any(one.starts_at <= now < one.ends_at for one in held)
        for made in said[before:]:
            if quiet and level <= Level.YELLOW:
                assert not made.intents, (action, [event.kind for event in made.events])
            told = [(one.recipient_id, one.channel_id) for one in made.intents]
            assert len(told) == len(set(told))
    assert incident.silenced == ()
    assert incident.muted_until is None
    assert fold([event for made in said for event in made.events]) == incident
