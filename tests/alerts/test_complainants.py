"""On whose word an incident closes, and how fast first answers come: figures against a recount."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from alerts.command import Published
from alerts.complainant_counts import quantile
from alerts.complainants import counts_of, counts_words, first_answers, fold_people
from alerts.confirming import closed_by, closed_words, kind_of
from alerts.first_response import FIRST_TIMERS, standing_of
from alerts.incidents import Command, IllegalMove, on_command
from alerts.service_clock import seconds_between
from alerts.timers import on_timers
from storage.records import (
    Change,
    Complainant,
    ConfirmKind,
    Contact,
    Incident,
    IncidentId,
    IncidentState,
    Level,
    Service,
    Timer,
)
from tests.alerts.people import PlainLinks, make_project
from tests.make import NOW, make_incident, make_policy

LINKS = PlainLinks()
SERVICE = Service(tier_id="day", react_s=4 * 3600, solve_s=86400, warn_left=0.3, timezone="UTC")


def handled(**fields) -> Incident:
    values = {
        "state": IncidentState.HANDLED,
        "handled_at": NOW,
        "level": Level.YELLOW,
        "grade": None,
    }
    return make_incident(**(values | fields))


def one(n: int, state: Contact = Contact.WAITING, **fields) -> Complainant:
    values = {
        "incident_id": IncidentId("01TESTINCIDENT"),
        "complainant_id": f"tousu:人{n}",
        "author": f"人{n}",
        "platform": "tousu",
        "posted_at": NOW - timedelta(hours=n),
        "state": state,
        "at": NOW if state is not Contact.WAITING else None,
        "responded_at": NOW if state is not Contact.WAITING else None,
    }
    return Complainant(**(values | fields))


def crowd(**states: int) -> list[Complainant]:
    named = [Contact(name) for name, n in states.items() for _ in range(n)]
    return [one(n, state) for n, state in enumerate(named)]


def confirm(
    incident: Incident, people: Sequence[Complainant], *, now: datetime = NOW, actor: str = "lin",
    published: Sequence[Published] = (), **fields,
) -> Change:  # fmt: skip
    command = Command(name="confirm", actor=actor, text="台账 0311", **fields)
    return on_command(
        incident, command, make_project(), now, links=LINKS, complainants=people,
        published=published,
    )  # fmt: skip


def test_the_customers_word_is_everybodys_who_can_be_reached() -> None:
    bare = confirm(handled(), ())
    assert (bare.incident.state, bare.incident.closed_how) == (IncidentState.CLOSED, "customer")
    people = crowd(waiting=2, contacted=1, solved=3, unreachable=1)
    change = confirm(handled(), people)
    assert {moved.state for moved in change.complainants} == {Contact.SOLVED}
    assert {moved.text for moved in change.complainants} == {"台账 0311"}
    assert len(change.complainants) == 3
    assert change.events[0].data["rest"] == ["tousu:人6"]
    for refusing, said, why in (
        (crowd(solved=3, refused=1), {}, "不接受"),
        (crowd(unreachable=2), {}, "联系不上"),
        (crowd(waiting=3), {"who": ("tousu:人0",)}, "还有 2 位"),
        (crowd(waiting=3), {"who": ("tousu:谁",)}, "没有这些"),
        (crowd(waiting=3), {"how": "telepathy"}, "没有这种"),
    ):
        with pytest.raises(IllegalMove, match=why):
            confirm(handled(), refusing, **said)
    agreed = confirm(handled(), crowd(solved=3, refused=1), who=("tousu:人3",))
    assert agreed.incident.closed_how == "customer"


@pytest.mark.parametrize(
    ("states", "closes"),
    [
        ({"solved": 40, "waiting": 10}, True),
        ({"solved": 39, "waiting": 11}, False),
        ({"solved": 4, "refused": 1, "unreachable": 30}, True),
        ({"solved": 3, "refused": 1, "unreachable": 30}, False),
        ({"unreachable": 3}, False),
    ],
)
def test_a_share_is_of_those_who_can_be_reached(states: dict[str, int], closes: bool) -> None:
    people = crowd(**states)
    if not closes:
        with pytest.raises(IllegalMove, match="可联系"):
            confirm(handled(), people, how="share")
        return
    change = confirm(handled(told=("lin", "chen")), people, how="share")
    [event] = change.events
    assert event.data["solved"] / event.data["reachable"] >= 0.8
    assert len(event.data["rest"]) == len(people) - states["solved"]
    assert change.complainants == ()
    assert kind_of(change.incident) is ConfirmKind.SHARE
    [told] = change.intents
    assert "按比例" in told.body
    assert "客户侧已确认" not in told.subject + told.body


def test_a_survey_states_its_figures() -> None:
    people = crowd(waiting=60)
    good = {"asked": 60, "answered": 41, "agreed": 37}
    change = confirm(handled(), people, how="survey", counts=good)
    assert change.events[0].data["survey"] == good
    for figures, why in (
        ({"asked": 60, "answered": 9, "agreed": 9}, "至少要 10"),
        ({"asked": 60, "answered": 40, "agreed": 31}, "需要 80%"),
        ({"asked": 5, "answered": 9, "agreed": 9}, "对不上"),
        ({"asked": 60}, "三个数"),
    ):
        with pytest.raises(IllegalMove, match=why):
            confirm(handled(), people, how="survey", counts=figures)


def test_a_rumour_ends_with_a_clarification_quiet_days_and_the_pr_lead() -> None:
    rumour = handled(issue_class="舆论与传闻")
    said = [Published(at=NOW, url="https://lanhe.example/notice/7")]
    people = [one(1), one(2, is_repost=True, posted_at=NOW + timedelta(days=2))]
    week = NOW + timedelta(days=7)
    done = confirm(rumour, people, how="clarification", actor="zhao", published=said, now=week)
    assert done.incident.closed_how == "clarification"
    assert done.events[0].data["url"] == said[0].url
    late = [*people, one(3, posted_at=None, found_at=NOW + timedelta(days=1))]
    for incident, who, fields, why in (
        (handled(), people, {}, "不能以澄清结案"),
        (rumour, people, {"actor": "lin"}, "公关负责人签字"),
        (rumour, people, {"published": ()}, "还没有登记澄清"),
        (rumour, people, {"url": "https://other.example/"}, "没有登记过"),
        (rumour, people, {"now": week - timedelta(hours=1)}, "平静 7 天"),
        (rumour, late, {}, "1 位新的原发作者"),
    ):
        given = {"actor": "zhao", "published": said, "now": week} | fields
        with pytest.raises(IllegalMove, match=why):
            confirm(incident, who, how="clarification", **given)


def test_closed_by_counts_are_apart() -> None:
    kinds = ["customer", "share", "survey", "clarification", "", "share"]
    closed = [make_incident(state=IncidentState.CLOSED, closed_how=how) for how in kinds]
    counted = closed_by([*closed, make_incident()])
    assert counted == {
        ConfirmKind.CUSTOMER: 2,  # closed before kinds were told apart: it was the customer's word
        ConfirmKind.SHARE: 2,
        ConfirmKind.SURVEY: 1,
        ConfirmKind.CLARIFICATION: 1,
    }
    assert closed_words(counted).startswith("投诉人确认 2 起，按比例确认 2 起")


def test_what_was_solved_before_a_return_confirms_nothing_now() -> None:
    again = handled(returned_at=NOW + timedelta(days=1), epoch=2)
    people = [*crowd(solved=62), *(one(100 + n) for n in range(10))]
    with pytest.raises(IllegalMove, match="可联系的 10 位里已解决 0 位"):
        confirm(again, people, how="share", now=NOW + timedelta(days=2))


def test_who_waits_again_in_a_merged_incident_keeps_his_first_answer() -> None:
    known = one(1, at=NOW, by="lin", text="又发了新的内容", responded_at=NOW - timedelta(hours=1))
    command = Command(name="give", actor="lin", owner_id="zhao", who=(known.complainant_id,))

    change = on_command(handled(), command, make_project(), NOW, complainants=[known])

    [folded] = fold_people(change.events).values()
    assert (folded,) == change.complainants
    assert (folded.responded_at, folded.at) == (known.responded_at, NOW)


def test_the_line_of_the_digest() -> None:
    people = crowd(waiting=18, unreachable=3, contacted=5, offered=2, solved=30, refused=4)
    assert counts_words(counts_of(people)) == (
        "62 位投诉人，41 已联系，30 已解决，4 不接受，3 联系不上"
    )


def test_first_answers_are_timed_from_posts_and_the_unknown_stay_unknown() -> None:
    people = [
        one(1, Contact.CONTACTED, responded_at=NOW),
        one(3, Contact.SOLVED, responded_at=NOW),
        one(9, answered_at=NOW - timedelta(hours=4)),
        one(5),
        one(6, Contact.CONTACTED, posted_at=None),
    ]
    speed = first_answers(people, {"tousu:人1": False, "tousu:人3": False, "tousu:人5": True})
    assert (speed.answered, speed.waiting, speed.unknown) == (3, 1, 1)
    assert (speed.median_s, speed.p90_s) == (3 * 3600, 5 * 3600)
    assert speed.share == 2 / 3
    assert quantile([], 0.5) is None
    assert first_answers([]).share is None


def test_who_is_near_and_over_is_what_a_recount_says() -> None:
    chance = random.Random(7)
    for opens in ("", "09:00"):
        closes = "18:00" if opens else ""
        service = Service(
            tier_id="day", react_s=4 * 3600, solve_s=86400, warn_left=0.3, timezone="UTC",
            opens=opens, closes=closes, days=("mon", "tue", "wed", "thu", "fri") if opens else (),
        )  # fmt: skip
        for _ in range(20):
            now = datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(hours=chance.uniform(0, 99))
            ages = [chance.choice([None, chance.uniform(0, 60)]) for _ in range(12)]
            posted = [None if age is None else now - timedelta(hours=age) for age in ages]
            used = [seconds_between(service, at, now) for at in posted if at is not None]
            found = standing_of(service, posted, now)
            assert found.over == sum(s >= service.react_s for s in used)
            assert found.over + found.near == sum(s >= 0.7 * service.react_s for s in used)
            assert found.unknown == ages.count(None)


def test_a_warning_and_a_breach_are_said_once_with_their_figures() -> None:
    incident = make_incident(policy=make_policy(service=SERVICE), level=Level.YELLOW, grade=None)
    timer = Timer(incident_id=incident.incident_id, epoch=1, kind="first_warn", step=1, due_at=NOW)
    said = []
    log = []
    now = NOW
    for _ in range(12):
        now = max(now, timer.due_at)
        change = on_timers(
            incident, [timer], make_project(), now, links=LINKS, unanswered=[NOW] * 3
        )
        said += [(event.kind, event.data["over"], now - NOW) for event in change.events]
        log += change.events
        incident = change.incident
        [timer] = [
            one for one in change.timers if one.status == "pending" and one.kind in FIRST_TIMERS
        ]
    assert said == [
        ("first_warned", 0, timedelta(hours=2.8)),
        ("first_over", 3, timedelta(hours=4)),
    ]
    assert "3 位投诉人还没有人联系，已过时限" in log[-1].data["text"]
    assert incident.first_over_at == NOW + timedelta(hours=4)
