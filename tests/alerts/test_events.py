"""Events of the calendar: which days they touch, what is said, and that nothing depends on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.events import during_words, event_words, events_between, explained
from alerts.incidents import on_grade
from config.schema import EventCalendar, Project
from storage.records import BrandId, CalendarEvent, Change, Level
from tests.alerts.people import SETTINGS, PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade, make_surge

LINKS = PlainLinks()


def calendar(**said: Any) -> Project:
    return make_project(calendar={"entries": [], **said})


def event(name: str = "秋季发布", **fields: Any) -> CalendarEvent:
    values: dict[str, Any] = {
        "event_id": f"e-{name}",
        "name": name,
        "kind": "发布",
        "starts": date(2026, 3, 9),
        "ends": date(2026, 3, 11),
    }
    return CalendarEvent(**(values | fields))


def names(project: Project, first: str, last: str, brand: str = "") -> list[str]:
    days = (date.fromisoformat(first), date.fromisoformat(last))
    return [one.name for one in events_between(project, (), *days, brand)]


def test_yearly_events_come_each_year_and_can_be_left_out() -> None:
    whole = calendar()

    assert names(whole, "2026-11-12", "2026-11-12") == ["双11"]
    assert names(whole, "2026-11-13", "2026-12-07") == []
    assert names(whole, "2027-06-20", "2027-10-20") == ["618", "双11"]
    assert names(calendar(without=["double-11"]), "2026-11-01", "2026-11-12") == []
    assert names(calendar(events=False), "2026-01-01", "2026-12-31") == []


def test_an_event_over_new_year_belongs_to_the_year_it_starts_in() -> None:
    entry = {"id": "dan", "name": "双旦", "kind": "促销", "starts": "12-24", "ends": "01-03"}
    project = calendar(events=False, entries=[entry])

    [found] = events_between(project, (), date(2027, 1, 2), date(2027, 1, 2))
    assert (found.event_id, found.starts, found.ends) == (
        "dan-2026",
        date(2026, 12, 24),
        date(2027, 1, 3),
    )
    assert names(project, "2027-01-04", "2027-12-23") == []


def test_an_event_of_one_brand_is_none_of_anothers() -> None:
    entry = {"id": "x", "name": "代言官宣", "starts": "2026-03-10", "brand": "yunque"}
    project = calendar(events=False, entries=[entry])

    assert names(project, "2026-03-10", "2026-03-10", "yunque") == ["代言官宣"]
    assert names(project, "2026-03-10", "2026-03-10", "baiheng") == []


def test_leap_day_of_every_year_has_a_day_in_each() -> None:
    project = calendar(events=False, entries=[{"id": "leap", "name": "闰日", "starts": "02-29"}])

    assert names(project, "2027-02-28", "2027-02-28") == ["闰日"]
    assert names(project, "2028-02-29", "2028-02-29") == ["闰日"]


def test_words_name_the_days_and_only_what_holds_the_day() -> None:
    launch, price = event(), event("涨价", starts=date(2026, 3, 11), ends=date(2026, 3, 11))

    assert event_words((launch, price)) == "秋季发布（3月9日至3月11日）、涨价（3月11日）"
    assert during_words((launch, price), date(2026, 3, 10)) == (
        "今天在「秋季发布」期间（3月9日至3月11日）"
    )
    assert during_words((launch, price), date(2026, 3, 11)) == "今天在「秋季发布」、「涨价」期间"
    assert during_words((launch,), date(2026, 3, 12)) == ""


@pytest.mark.parametrize(
    ("kind", "lift", "said"), [("spike", 1.0, 1), ("none", 3.0, 1), ("none", 1.0, 0)]
)
def test_only_what_stands_out_is_explained(kind: str, lift: float, said: int) -> None:
    grade = make_grade(surge=make_surge(kind=kind, lift=lift))

    found = explained(grade, (event(),))

    assert [one.text for one in found.reasons if one.code == "calendar"] == [
        "同期有：秋季发布（3月9日至3月11日）"
    ] * said


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(["双11", "秋季发布", "3·15 晚会", "涨价", "<b>秒杀</b>"]),
        kind=st.sampled_from(["促销", "晚会", "涨价"]),
        brand_id=st.sampled_from([BrandId(""), BrandId("yunque")]),
    ),
    max_size=5,
)


def told(change: Change | None) -> list[tuple[object, ...]]:
    assert change is not None
    intents = [
        (one.kind, one.recipient_id, one.channel_id, one.due_at, one.deadline_at, one.level)
        for one in change.intents
    ]
    timers = [(one.kind, one.step, one.due_at) for one in change.timers]
    found = change.incident
    assert found.grade is not None
    stands = (found.level, found.grade.score, found.owner_id, found.policy, found.muted_until)
    return [*intents, *timers, stands]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED]),
    st.sampled_from(["spike", "ramp", "none"]),
    st.floats(1.0, 9.0),
    EVENTS,
)
def test_nothing_depends_on_the_calendar(
    level: Level, kind: str, lift: float, events: list[CalendarEvent]
) -> None:
    """Level, score, recipients, channels, times: the same with and without any calendar."""
    live = tuple((NOW - timedelta(minutes=n), f"tousu:人{n}") for n in range(12, 0, -1))
    evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
    bare = make_grade(level=level, surge=make_surge(kind=kind, lift=lift))
    said = explained(bare, events)

    assert replace(said, reasons=bare.reasons) == bare
    assert [one for one in said.reasons if one.code != "calendar"] == list(bare.reasons)
    with_all = make_project(calendar=EventCalendar().model_dump())
    without = make_project(calendar={"events": False})
    raised = [
        on_grade(None, evidence, grade, project, NOW, links=LINKS)
        for grade, project in ((said, with_all), (bare, without))
    ]
    assert told(raised[0]) == told(raised[1])
    higher = Level(min(level + 1, Level.RED))
    later = NOW + timedelta(hours=1)
    risen = [
        on_grade(one.incident, evidence, replace(grade, level=higher), project, later, links=LINKS)
        for one, grade, project in zip(raised, (said, bare), (with_all, without), strict=True)
        if one is not None
    ]
    if higher > level:
        assert told(risen[0]) == told(risen[1])


def test_safety_stays_first_in_an_event() -> None:
    """A red incident in 双11 says its facts before the event, and tells the same people."""
    live = tuple((NOW - timedelta(minutes=n), f"tousu:人{n}") for n in range(12, 0, -1))
    evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
    grade = explained(make_grade(level=Level.RED), (event("双11"),))

    change = on_grade(None, evidence, grade, make_project(), NOW, links=LINKS)

    assert change is not None
    body = next(one.body for one in change.intents if one.recipient_id == "lin")
    assert "同期有：双11" in body
    assert {one["id"] for one in SETTINGS["owners"]} >= {one.recipient_id for one in change.intents}
    assert datetime(2026, 3, 10, 4, tzinfo=UTC) == change.intents[0].due_at
