"""“不归我管”: no acknowledge, the clock runs on, the next person hears at once, nobody is blamed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.incidents import Command, IllegalMove, fold, on_command, on_grade
from alerts.timers import on_timers
from config.schema import Project
from groundswell.inbound.reading import read
from storage.records import Change, Incident, IncidentState, Level
from tests.alerts.people import PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade

PROJECT = make_project()
LINKS = PlainLinks()


def raised(project: Project = PROJECT, level: Level = Level.ORANGE) -> Change:
    live = tuple((NOW - timedelta(minutes=i), f"tousu:人{i}") for i in range(12, 0, -1))
    evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
    change = on_grade(None, evidence, make_grade(level), project, NOW, links=LINKS)
    assert change is not None
    return change


def say(incident: Incident, who: str, to: str = "", name: str = "not_mine", **more: str) -> Change:
    command = Command(name=name, actor=who, owner_id=to, **more)
    return on_command(incident, command, PROJECT, NOW + timedelta(minutes=2), links=LINKS)


def told(change: Change) -> set[str]:
    return {one.recipient_id for one in change.intents}


def test_the_next_of_the_ladder_is_told_at_once_with_that_fact_alone() -> None:
    before = raised()
    change = say(before.incident, "lin")
    after = change.incident

    assert after.state is IncidentState.OPEN  # no acknowledge
    assert after.acknowledged_at is None
    assert after.declined == ("lin",)
    assert after.owner_id == "chen"
    assert told(change) == {"chen"}
    assert "林晓回复这件事不归自己管" in change.intents[0].body
    [step] = [timer for timer in change.timers if timer.kind == "step"]
    assert step.step == after.step + 1
    assert fold([*before.events, *change.events]) == after
    assert say(after, "lin").events == ()  # said twice, noted once
    assert "t/not_mine.chen.1" in change.intents[0].body


def test_who_declined_is_not_asked_again_in_this_epoch() -> None:
    project = make_project(
        routes=[{"id": "all", "owner": "lin", "also": ["zhao"], "chain": ["zhao", "lin", "chen"]}]
    )
    incident = raised(project).incident
    first = on_command(incident, Command(name="not_mine", actor="lin"), project, NOW, links=LINKS)
    second = on_command(
        first.incident, Command(name="not_mine", actor="zhao"), project, NOW, links=LINKS
    )
    assert told(first) == {"zhao"}
    assert told(second) == {"chen"}  # not 林晓, who stands between them
    grown = make_grade(Level.RED)
    change = on_command(
        second.incident, Command(name="grade", actor="sun", level=Level.RED), project, NOW,
        links=LINKS, grade=grown,
    )  # fmt: skip
    assert not told(change) & {"lin", "zhao"}


def test_when_everybody_declined_the_fallback_and_then_anybody_hears() -> None:
    change = raised()
    heard = []
    for who in ("lin", "chen", "zhao", "sun", "wu"):
        change = say(change.incident, who)
        heard.append(told(change))

    assert heard[:2] == [{"chen"}, {"sun", "wu"}]  # the ladder, then the fallback
    assert heard[-1] == {"sun", "wu"}  # all declined: it is never unheard
    assert change.incident.declined == ("lin", "chen", "zhao", "sun", "wu")


def test_whoever_is_named_is_told_next_and_owns_it() -> None:
    change = say(raised().incident, "lin", to="zhao", text="净水器归赵敏")

    assert told(change) == {"zhao"}
    assert change.incident.owner_id == "zhao"
    assert "认为应由赵敏负责：净水器归赵敏" in change.intents[0].body
    back = say(change.incident, "zhao", to="lin")  # he thinks it is theirs after all
    assert told(back) == {"lin"}
    assert back.incident.declined == ("zhao",)
    with pytest.raises(IllegalMove, match="另一个人"):
        say(raised().incident, "lin", to="lin")


def test_who_had_it_in_hand_gives_it_back_others_only_say_so() -> None:
    mine = say(raised().incident, "lin", name="ack").incident
    aside = say(mine, "zhao")
    assert (aside.incident.state, told(aside)) == (IncidentState.ACKNOWLEDGED, set())
    assert aside.incident.declined == ("zhao",)
    change = say(mine, "lin")

    assert change.incident.state is IncidentState.OPEN
    assert told(change) == {"chen"}
    assert "ack" in change.cancel_timers


def test_who_enters_it_for_the_one_who_has_it_in_hand_gives_it_back() -> None:
    mine = say(raised().incident, "lin", name="ack").incident
    command = Command(name="not_mine", actor="key:desk", who=("lin",))
    change = on_command(mine, command, PROJECT, NOW, links=LINKS)

    assert change.incident.state is IncidentState.OPEN
    assert told(change) == {"chen"}


def test_who_was_not_asked_moves_nobody() -> None:
    before = raised().incident
    change = say(before, "wu")  # he read it in a group

    assert (change.incident.owner_id, change.incident.step) == (before.owner_id, before.step)
    assert change.intents == ()
    assert change.cancel_timers == ()
    assert change.incident.declined == ("wu",)  # and is not asked later
    assert change.events[0].data["before_ack"] is False  # no misroute
    assert told(say(before, "wu", to="zhao")) == {"zhao"}  # who knows whose it is helps


def test_a_new_epoch_asks_anew_and_an_assignment_may_say_otherwise() -> None:
    declined = say(raised().incident, "lin").incident
    assigned = say(declined, "sun", to="lin", name="assign")
    assert told(assigned) == {"lin"}
    assert assigned.incident.declined == ()
    declined = say(raised().incident, "zhao").incident
    ended = say(declined, "sun", name="dismiss", text="与本品牌无关", how="not_ours").incident
    again = say(ended, "sun", name="reopen", text="又来了")
    assert again.incident.declined == ()
    assert told(again) >= {"lin", "zhao"}


def test_the_ladder_goes_on_by_itself_afterwards() -> None:
    change = say(raised().incident, "lin")
    [step] = [timer for timer in change.timers if timer.kind == "step"]
    later = on_timers(change.incident, [step], PROJECT, step.due_at, links=LINKS)

    assert told(later) == {"sun", "wu"}


@pytest.mark.parametrize(
    "text", ["不归我管", "舆-7F3K 不归我管 找赵敏", "这事不该我管", "not mine"]
)
def test_it_is_understood_in_a_chat(text: str) -> None:
    assert read(text)[-1].word == "not_mine"


@pytest.mark.parametrize("text", ["收到", "我来接手", "误报"])
def test_other_answers_are_not_taken_for_it(text: str) -> None:
    assert read(text)[0].word != "not_mine"


def test_the_log_says_who_said_it_and_where_it_went() -> None:
    [event] = say(raised().incident, "lin", text="电商的事").events

    assert event.kind == "not_mine"
    assert event.data["who"] == "lin"
    assert event.data["route_id"] == "everything"
    assert event.data["before_ack"] is True
