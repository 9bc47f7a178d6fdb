"""What people set on an incident: its level, the shelf; and what the program may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.command import kind_named, level_named
from alerts.grading import RULE_VERSION, grade
from alerts.incidents import (
    Command,
    IllegalMove,
    allowed_commands,
    fold,
    on_command,
    on_grade,
    on_timer,
)
from storage.records import (
    Change,
    Evidence,
    Grade,
    Incident,
    IncidentState,
    Level,
    Reason,
    TaskKind,
    Timer,
)
from tests.alerts.people import PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade, make_surge

PROJECT = make_project()
LINKS = PlainLinks()
FRIDAY = NOW + timedelta(days=3)
QUIET = make_surge(kind="none", observed=0, threshold=9.0, ratio=0.0, reason="not_unusual")


def seen(authors: int = 12, **fields: Any) -> Evidence:
    live = tuple((NOW - timedelta(minutes=i), f"tousu:人{i}") for i in reversed(range(authors)))
    values: dict[str, Any] = {"authors": authors, "live_authors": live, "watch_authors": live}
    return make_evidence(**(values | fields))


def ground(code: str, level: Level, value: float = 1.0) -> Reason:
    return Reason(code=code, text=f"{code} {value:g}", value=value, level=level)


def graded(level: Level, *grounds: Reason, **fields: Any) -> Grade:
    return make_grade(level, reasons=grounds, surge=QUIET, **fields)


SPIKE = ground("spike_page", Level.YELLOW, 12)
VIEWS = ground("trigger_views", Level.ORANGE, 120_000)


def raised(judged: Grade | None = None) -> Incident:
    change = on_grade(
        None, seen(), judged or graded(Level.ORANGE, VIEWS, SPIKE), PROJECT, NOW, links=LINKS
    )
    assert change is not None
    return change.incident


def act(
    incident: Incident,
    name: str,
    now: datetime = NOW,
    *,
    judged: Grade | None = None,
    evidence: Evidence | None = None,
    **fields: Any,
) -> Change:
    command = Command(**({"name": name, "actor": "lin"} | fields))
    change = on_command(
        incident, command, PROJECT, now, links=LINKS, grade=judged, evidence=evidence
    )
    if change.events:
        assert change.incident.seq == change.events[-1].seq
    return change


def follow(
    incident: Incident, judged: Grade, now: datetime = NOW, evidence: Evidence | None = None
) -> Change | None:
    at = replace(judged, at=now)
    return on_grade(incident, evidence or seen(), at, PROJECT, now, links=LINKS)


def told(change: Change | None) -> list[str]:
    assert change is not None
    return [*dict.fromkeys(intent.recipient_id for intent in change.intents)]


def waiting(change: Change, kind: str) -> Timer:
    [timer] = [one for one in change.timers if one.kind == kind and one.status == "pending"]
    return timer


# --- the level by hand ----------------------------------------------------------------------------


def test_lowering_a_level_needs_a_reason_and_tells_nobody() -> None:
    incident = raised()
    with pytest.raises(IllegalMove, match="lowering a level needs a reason"):
        act(incident, "grade", level=Level.YELLOW)

    change = act(incident, "grade", level=Level.YELLOW, text="同一位博主重复发布")

    after = change.incident
    assert (after.level, after.level_by) == (Level.YELLOW, "lin")
    assert after.level_reason == "同一位博主重复发布"
    assert after.grade is not None
    assert after.grade.reasons[0].text == "林晓定为黄级：同一位博主重复发布"
    assert told(change) == []
    assert waiting(change, "step").due_at == NOW + timedelta(minutes=30)  # the pace of yellow


def test_raising_a_level_is_free_and_told_like_any_rise() -> None:
    incident = raised(graded(Level.BLUE, SPIKE))

    change = act(incident, "grade", level=Level.ORANGE, actor="zhao")

    assert (change.incident.level, change.incident.level_by) == (Level.ORANGE, "zhao")
    assert told(change) == ["lin", "zhao"]
    assert all("赵敏定为橙级" in intent.body for intent in change.intents)


@pytest.mark.parametrize("hours", [1, 7, 100])
def test_the_program_does_not_lower_what_a_person_set(hours: int) -> None:
    incident = act(raised(graded(Level.BLUE, SPIKE)), "grade", level=Level.YELLOW).incident

    change = follow(incident, graded(Level.NONE, score=0.0), NOW + timedelta(hours=hours))

    assert change is None


@pytest.mark.parametrize(
    ("reasons", "rises"),
    [
        ((VIEWS, SPIKE), False),  # what the person knew of
        ((ground("trigger_views", Level.ORANGE, 150_000), SPIKE), False),
        ((ground("trigger_views", Level.ORANGE, 240_000), SPIKE), True),  # twice as many
        ((ground("trigger_views", Level.RED, 1_000_000), SPIKE), True),
        ((VIEWS, ground("trigger_reposts", Level.YELLOW, 600)), False),  # asks for no more
        ((VIEWS, ground("trigger_provincial", Level.ORANGE)), True),
        ((ground("ramp_page", Level.YELLOW, 12), VIEWS), False),  # still one surge
    ],
)
def test_only_a_new_ground_raises_what_a_person_lowered(
    reasons: tuple[Reason, ...], rises: bool
) -> None:
    judged = graded(Level.ORANGE, VIEWS, SPIKE)
    incident = act(
        raised(judged), "grade", level=Level.YELLOW, text="重复发布", judged=judged
    ).incident
    highest = max(reason.level for reason in reasons)

    change = follow(incident, graded(highest, *reasons))

    if not rises:
        assert change is None
        return
    assert change is not None
    assert (change.incident.level, change.incident.level_by) == (highest, "")
    assert "林晓定为黄级之后出现了新的依据" in change.intents[0].body


def test_a_level_given_back_is_the_programs_again() -> None:
    judged = graded(Level.BLUE, SPIKE)
    incident = act(raised(judged), "grade", level=Level.ORANGE).incident

    change = act(incident, "grade", judged=judged)

    assert (change.incident.level, change.incident.level_by) == (Level.BLUE, "")
    assert change.incident.level_grounds == ()
    assert told(change) == []
    assert not act(change.incident, "grade", judged=judged).events


def test_grade_names_its_rule_version() -> None:
    judged = grade(seen(), make_surge(), PROJECT.levels, NOW)

    assert judged.rule_version == RULE_VERSION == "grade-4"


def test_names_of_levels_and_kinds_are_read_in_both_languages() -> None:
    assert [level_named(name) for name in ("orange", "橙", "auto", "自动")] == [
        Level.ORANGE,
        Level.ORANGE,
        None,
        None,
    ]
    assert kind_named("fix") is kind_named("排查整改") is TaskKind.FIX
    for bad in ("none", "", "紫"):
        with pytest.raises(IllegalMove):
            level_named(bad)
    with pytest.raises(IllegalMove, match="传播控制"):
        kind_named("other")


# --- P16: flapping --------------------------------------------------------------------------------


def test_a_flap_every_ten_minutes_for_a_day_is_said_at_most_twice() -> None:
    high = make_grade(
        Level.YELLOW, score=41.0, surge=make_surge(observed=9, threshold=8.0), reasons=(SPIKE,)
    )
    low = make_grade(Level.BLUE, score=22.0, surge=make_surge(kind="none", observed=2), reasons=())
    incident, notices = None, 0
    for minute in range(0, 24 * 60, 10):
        now = NOW + timedelta(minutes=minute)
        judged = replace(high if minute // 10 % 2 else low, at=now)
        change = on_grade(incident, seen(), judged, PROJECT, now, links=LINKS)
        if change is not None:
            incident = change.incident
            notices += bool(change.intents)

    assert incident is not None
    assert incident.level is Level.YELLOW
    assert notices == 2  # raised blue, then once yellow


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.booleans(), st.floats(28.0, 39.9)), max_size=40))
def test_inside_the_band_a_level_is_said_once_however_it_flaps(
    flaps: list[tuple[int, bool, float]],
) -> None:
    calm = make_surge(kind="none", observed=2)
    incident, now, ups = raised(graded(Level.BLUE, SPIKE)), NOW, 0
    for minutes, is_high, score in flaps:
        now += timedelta(minutes=minutes)
        level, figure = (Level.YELLOW, 41.0) if is_high else (Level.BLUE, score)
        change = follow(incident, make_grade(level, score=figure, surge=calm, reasons=()), now)
        if change is not None:
            incident = change.incident
            ups += bool(change.intents)

    assert ups == int(any(is_high for _, is_high, _ in flaps))


# --- the shelf ------------------------------------------------------------------------------------


def shelved(level: Level = Level.ORANGE, **fields: Any) -> Change:
    incident = raised(graded(level, SPIKE))
    values = {"until": FRIDAY, "text": "周五换新批次", "authors": 40}
    return act(incident, "shelve", evidence=seen(), **(values | fields))


def test_on_the_shelf_nobody_is_called_and_levels_are_stored() -> None:
    change = shelved(Level.YELLOW)
    incident = change.incident

    grown = follow(incident, graded(Level.ORANGE, VIEWS), evidence=seen(30))

    assert set(change.cancel_timers) >= {"step", "ack", "mute"}
    assert change.cancel_intents == "shelved"
    assert grown is not None
    assert (grown.incident.level, grown.incident.shelf) == (Level.ORANGE, incident.shelf)
    assert grown.intents == ()
    assert grown.timers == ()
    allowed = allowed_commands(grown.incident)
    assert "unshelve" in allowed
    assert not {"ack", "escalate", "silence"} & set(allowed)


@pytest.mark.parametrize(
    ("judged", "evidence", "reason"),
    [
        (graded(Level.RED, ground("trigger_regulator", Level.RED)), seen(), "red"),
        (graded(Level.ORANGE, SPIKE), seen(severity=(("injury", 1),)), "harm"),
        (graded(Level.ORANGE, SPIKE), seen(40), "people"),
        (graded(Level.RED, ground("score", Level.RED)), seen(60), "red"),
    ],
)
def test_what_is_grave_or_large_comes_off_the_shelf_at_once(
    judged: Grade, evidence: Evidence, reason: str
) -> None:
    change = follow(shelved().incident, judged, evidence=evidence)

    assert change is not None
    assert change.incident.shelf is None
    assert change.incident.state is IncidentState.OPEN
    [off] = [event for event in change.events if event.kind == "unshelved"]
    assert off.data["reason"] == reason
    pairs = [(intent.recipient_id, intent.channel_id) for intent in change.intents]
    assert pairs
    assert len(pairs) == len(set(pairs))
    assert waiting(change, "step")
    assert "shelf" in change.cancel_timers
    assert follow(change.incident, judged, evidence=evidence) is None


@pytest.mark.parametrize(
    ("judged", "authors", "why"),
    [
        (graded(Level.RED, ground("trigger_x", Level.RED)), 12, "red"),
        (graded(Level.ORANGE, VIEWS, SPIKE), 40, "people"),
    ],
)
def test_what_comes_off_the_shelf_is_told_where_a_person_set_the_level(
    judged: Grade, authors: int, why: str
) -> None:
    raised_once = act(raised(), "grade", level=Level.YELLOW, text="已核实", judged=judged).incident
    shelf = {"until": FRIDAY, "text": "周五换新", "evidence": seen()}
    change = follow(act(raised_once, "shelve", **shelf).incident, judged, evidence=seen(authors))

    off = change.events[0]
    assert (off.kind, off.data["reason"]) == ("unshelved", why)
    assert {one.recipient_id for one in change.intents} == {"lin"}
    assert [one.kind for one in change.timers if one.kind == "step"] == ["step"]


def test_a_note_on_what_ended_starts_no_clock() -> None:
    ended = act(act(raised(), "ack").incident, "dismiss", text="误判").incident

    assert act(ended, "note", text="补记").timers == ()


def test_the_day_takes_it_off_the_shelf_with_one_message() -> None:
    change = shelved()
    timer = waiting(change, "shelf")

    early = on_timer(change.incident, timer, PROJECT, FRIDAY - timedelta(minutes=1), links=LINKS)
    due = on_timer(change.incident, timer, PROJECT, FRIDAY, links=LINKS)

    assert not early.events
    assert told(due) == ["lin"]
    assert {intent.kind for intent in due.intents} == {"notice"}
    assert "到了搁置时定的日期" in due.intents[0].body
    assert due.incident.state is IncidentState.OPEN
    assert not on_timer(due.incident, timer, PROJECT, FRIDAY, links=LINKS).events


def test_a_new_shelf_outlives_the_timer_of_the_old_one() -> None:
    first = shelved()
    longer = act(
        first.incident, "shelve", evidence=seen(), until=FRIDAY + timedelta(days=7), text="延期"
    )

    assert not on_timer(
        longer.incident, waiting(first, "shelf"), PROJECT, FRIDAY, links=LINKS
    ).events


def test_whoever_takes_it_off_the_shelf_has_it_in_hand() -> None:
    change = act(shelved().incident, "unshelve", actor="zhao")

    assert change.incident.state is IncidentState.ACKNOWLEDGED
    assert change.incident.acknowledged_by == "zhao"
    assert change.incident.shelf is None
    assert told(change) == []
    assert waiting(change, "ack")


@pytest.mark.parametrize(
    ("level", "evidence", "fields", "said"),
    [
        (Level.RED, seen(), {}, "red is never shelved"),
        (Level.ORANGE, seen(severity=(("injury", 2),)), {}, "bodily harm"),
        (Level.ORANGE, seen(), {"until": NOW}, "end in the future"),
        (Level.ORANGE, seen(), {"authors": 12}, "must exceed the 12 authors"),
        (Level.ORANGE, seen(), {"text": ""}, "what is known"),
    ],
)
def test_what_is_not_to_lie_on_a_shelf_is_refused(
    level: Level, evidence: Evidence, fields: dict[str, Any], said: str
) -> None:
    incident = raised(graded(level, ground("score", level)))
    values = {"until": FRIDAY, "text": "周五换新批次"}
    with pytest.raises(IllegalMove, match=said):
        act(incident, "shelve", evidence=evidence, **(values | fields))


def test_without_a_number_the_shelf_holds_until_the_people_have_doubled() -> None:
    shelf = shelved(authors=0).incident.shelf

    assert shelf is not None
    assert shelf.authors == 24


def test_raising_by_hand_takes_it_off_the_shelf() -> None:
    change = act(shelved(Level.YELLOW).incident, "grade", level=Level.ORANGE)

    assert change.incident.shelf is None
    assert told(change) == ["lin", "zhao"]
    assert [event.kind for event in change.events] == ["unshelved", "level_set", "triangle_named"]


# --- the end --------------------------------------------------------------------------------------


def test_a_dismissal_has_a_date_of_its_own_and_is_taken_back_by_a_person() -> None:
    dismissed = act(raised(), "dismiss", text="同名的另一家公司").incident
    back = act(dismissed, "reopen", text="核实后就是我们的产品")

    assert (dismissed.closed_at, dismissed.dismissed_at) == (None, NOW)
    assert dismissed.ended_at == NOW
    assert (back.incident.state, back.incident.epoch) == (IncidentState.OPEN, 2)
    assert back.incident.dismissed_at is None
    assert told(back) == ["lin", "zhao"]


def test_two_open_incidents_on_one_cluster_are_refused() -> None:
    dismissed = act(raised(), "dismiss", text="误报").incident
    other = replace(raised(), code="舆-OTHR")
    command = Command(name="reopen", actor="lin", text="再看")

    with pytest.raises(IllegalMove, match="舆-OTHR"):
        on_command(dismissed, command, PROJECT, NOW, beside=[other])


def test_events_of_every_act_fold_to_the_incident() -> None:
    first = on_grade(None, seen(), graded(Level.YELLOW, SPIKE), PROJECT, NOW, links=LINKS)
    assert first is not None
    incident, events = first.incident, list(first.events)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("task", {"task_kind": TaskKind.GUIDE, "until": FRIDAY, "text": "准备口径"}),
        ("grade", {"level": Level.ORANGE}),
        ("shelve", {"until": FRIDAY, "text": "周五换新", "evidence": seen()}),
        ("unshelve", {}),
        ("task_move", {"task_id": "t1", "text": "口径已送审"}),
        ("draft", {"task_id": "t1", "text": "我们正在逐台检测"}),
        ("extend", {"task_id": "t1", "text": "等检测报告"}),
        ("task_done", {"task_id": "t1", "text": "口径已定", "url": "https://weibo.example/1"}),
        ("grade", {"level": None, "judged": graded(Level.YELLOW, SPIKE)}),
        ("handled", {"text": "换新"}),
        ("confirm", {"text": "客户认可"}),
        ("reopen", {"text": "客户又来电"}),
    ]
    for name, fields in steps:
        change = act(incident, name, **fields)
        incident, events = change.incident, [*events, *change.events]
        assert fold(events) == incident
