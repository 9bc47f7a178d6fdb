"""Rosters and stand-ins where routes name them: at the choice, at each step, when nobody is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.digest_lines import Desk, lines_of
from alerts.escalation import freeze_policy
from alerts.fallback import fallback_intent
from alerts.incidents import Command, CommandName, fold, on_command, on_grade, on_timer
from alerts.journal import encode_policy
from alerts.presence import wakers
from alerts.route_lint import lint_routes
from alerts.routing import choose, fallback_line, last_resort, reachable
from config.schema import Project
from groundswell.upkeep import recipients
from storage.records import Change, DigestFacts, Level, OwnerId
from tests.alerts.people import SETTINGS, make_project, owners
from tests.make import NOW, make_cluster, make_evidence, make_grade, make_intent

# At NOW, a Tuesday at noon in Shanghai, wu has the day; lin has the night.
DUTY: dict[str, Any] = {
    "id": "desk",
    "name": "客服值班",
    "shifts": [
        {"owners": ["wu", "chen"], "hours": {"from": "08:00", "to": "20:00"}},
        {"owners": ["lin"], "hours": {"from": "20:00", "to": "08:00"}},
    ],
}
AWAY = {"away": [["2026-03-09", "2026-03-12"]]}
MORNING_ONLY = DUTY | {"shifts": [{"owners": ["wu"], "hours": {"from": "06:00", "to": "07:00"}}]}
TONIGHT = NOW + timedelta(hours=10)


def staffed(*, duty: dict[str, Any] = DUTY, **changes: Any) -> Project:
    route = {"id": "all", "brand": ["yunque"], "owner": "desk", "also": ["desk", "zhao"]}
    values = {"duties": [duty], "routes": [route | {"chain": ["desk", "sun"]}]} | changes
    return make_project(**values)


def raised(project: Project, level: Level = Level.ORANGE) -> Change:
    change = on_grade(
        None,
        make_evidence(cluster=make_cluster()),
        make_grade(level=level),
        project,
        NOW,
    )
    assert change is not None
    return change


# --- the choice ------------------------------------------------------------------------------


def test_a_roster_is_answered_for_by_who_has_the_duty() -> None:
    project = staffed()
    choice = choose(project, project.routes[0], NOW)

    assert (choice.owner_id, choice.named, choice.code) == ("wu", "desk", "matched")
    assert choice.reason == "按路由 all，由客服值班轮到的吴桐负责"
    assert choice.chain == ("desk", "sun")
    assert not choice.held


def test_the_second_of_a_shift_takes_over_from_one_on_leave() -> None:
    project = staffed(owners=owners(wu=AWAY))
    choice = choose(project, project.routes[0], NOW)

    assert (choice.owner_id, choice.code) == ("chen", "owner_away")
    assert choice.reason == "按路由 all 应由客服值班的吴桐负责，但当前休假，由陈立当班负责"


def test_a_stand_in_takes_over_from_a_person() -> None:
    project = make_project(owners=owners(lin=AWAY | {"stand_in": ["wu"]}))
    choice = choose(project, project.routes[1], NOW)

    assert (choice.owner_id, choice.named) == ("wu", "lin")
    assert choice.reason == "按路由 everything 应由林晓负责，但当前休假，由吴桐代班"


def test_a_gap_goes_to_the_chain_and_then_to_the_fallback_which_holds_it() -> None:
    chained = staffed(duty=MORNING_ONLY)
    alone = staffed(duty=MORNING_ONLY, routes=[{"id": "all", "owner": "desk"}])

    choice = choose(chained, chained.routes[0], NOW)
    assert (choice.owner_id, choice.code, choice.held) == ("sun", "duty_gap", False)

    choice = choose(alone, alone.routes[0], NOW)
    assert (choice.owner_id, choice.code, choice.held) == ("sun", "duty_gap", True)
    assert choice.reason == (
        "按路由 all 应由客服值班负责，但值班表此刻无人当班，按兜底名单由孙悦先接住，等待指派负责人"
    )


def test_a_fallback_may_name_a_roster() -> None:
    project = staffed(fallback=["desk", "sun"])

    assert last_resort(project, (), NOW) == ("wu", "sun")
    assert fallback_line(project) == ("wu", "chen", "lin", "sun")
    nobody = staffed(fallback=["desk"], owners=owners(wu=AWAY, chen=AWAY))
    assert last_resort(nobody, (), NOW) == ("wu", "chen", "lin")  # on leave, but with a channel


# --- at send time ------------------------------------------------------------------------------


def test_a_step_asks_who_has_the_duty_when_it_fires() -> None:
    project = staffed()
    change = raised(project)
    incident = change.incident
    [timer] = [timer for timer in change.timers if timer.kind == "step"]

    assert incident.owner_id == "wu"
    assert {intent.recipient_id for intent in change.intents} == {"wu", "zhao"}
    assert incident.policy.steps[0].owner_ids == ("desk",)  # frozen as it is written
    night = replace(timer, due_at=TONIGHT)
    told = on_timer(incident, night, project, TONIGHT).intents
    assert "lin" in {intent.recipient_id for intent in told}
    assert "desk" not in {intent.recipient_id for intent in told}


def test_who_answers_for_another_is_told_so() -> None:
    project = make_project(
        owners=owners(zhao=AWAY | {"stand_in": ["wu"]}, chen=AWAY),
        duties=[DUTY],
        routes=[{"id": "all", "owner": "lin", "also": ["zhao"], "chain": ["desk"]}],
    )
    change = raised(project)
    bodies = {intent.recipient_id: intent.body for intent in change.intents}

    assert "赵敏休假中，由你代班。" in bodies[OwnerId("wu")]
    assert "代班" not in bodies[OwnerId("lin")]
    [timer] = [timer for timer in change.timers if timer.kind == "step"]
    [later, *_] = on_timer(change.incident, timer, project, timer.due_at).intents
    assert "你此刻在客服值班当班。" in later.body


def test_later_rounds_go_by_the_roster_not_by_who_had_it() -> None:
    project = staffed()
    policy = raised(project, Level.RED).incident.policy

    assert ("wu",) not in {step.owner_ids for step in policy.steps}
    assert sum(step.owner_ids == ("desk",) for step in policy.steps) >= 3


def test_a_deleted_owner_is_passed_over_when_the_step_fires() -> None:
    change = raised(make_project())
    [timer] = [timer for timer in change.timers if timer.kind == "step"]
    left = make_project(owners=[one for one in owners() if one["id"] != "chen"])
    told = on_timer(change.incident, timer, left, timer.due_at).intents

    assert {intent.recipient_id for intent in told} == {"sun", "wu"}  # the fallback


def test_a_deleted_roster_is_passed_over_too() -> None:
    change = raised(staffed())
    [timer] = [timer for timer in change.timers if timer.kind == "step"]
    left = staffed(duties=[])
    told = on_timer(change.incident, timer, left, timer.due_at).intents

    assert {intent.recipient_id for intent in told} == {"sun", "wu"}  # the fallback


def test_reachable_names_each_person_once() -> None:
    assert reachable(staffed(), ("desk", "wu", "zhao"), NOW) == ("wu", "zhao")
    assert reachable(staffed(), ("desk",), TONIGHT) == ("lin",)


# --- held by the fallback --------------------------------------------------------------------------


def test_what_no_route_takes_is_held_until_it_is_assigned() -> None:
    project = make_project(routes=[])
    incident = raised(project).incident
    assign = Command(name=CommandName.ASSIGN, actor="sun", owner_id="lin", command_id="a")
    assigned = on_command(incident, assign, project, NOW)

    assert incident.policy.held
    assert "等待指派负责人" in incident.policy.reason
    assert not assigned.incident.policy.held
    events = (*raised(project).events, *assigned.events)
    assert fold(events) == assigned.incident


def test_who_holds_it_may_be_named_its_owner() -> None:
    project = make_project(routes=[])
    incident = raised(project).incident
    assign = Command(name=CommandName.ASSIGN, actor="wu", owner_id="sun", command_id="a")
    assigned = on_command(incident, assign, project, NOW)

    assert assigned.incident.owner_id == incident.owner_id
    assert not assigned.incident.policy.held


def test_a_held_policy_survives_being_stored() -> None:
    project = make_project(routes=[])
    choice = choose(project, None, NOW)
    policy = freeze_policy(choice, Level.RED, project)

    assert encode_policy(policy)["held"] is True


# --- lint --------------------------------------------------------------------------------------


def codes(project: Project) -> set[tuple[str, str]]:
    return {(one.code, one.where) for one in lint_routes(project, NOW)}


def test_lint_names_gaps_rings_and_leave_without_a_stand_in() -> None:
    people = owners(
        lin=AWAY,
        chen={"stand_in": ["sun"]},
        sun={"stand_in": ["wu"]},
        wu={"stand_in": ["chen"]},
    )
    project = staffed(
        duty=MORNING_ONLY, owners=people, routes=[*SETTINGS["routes"], {"id": "r", "owner": "desk"}]
    )
    found = codes(project)

    assert {("gap", "desk"), ("ring", "chen"), ("no_stand_in", "lin")} <= found


def test_lint_names_a_roster_that_nothing_goes_to() -> None:
    assert ("unnamed", "desk") in codes(make_project(duties=[DUTY]))
    assert ("unnamed", "desk") not in codes(staffed())


def test_lint_names_classes_that_only_the_fallback_takes() -> None:
    narrow = [{"id": "safety", "brand": ["yunque"], "issue": ["安全与人身"], "owner": "lin"}]
    regional = [*narrow, {"id": "south", "region": ["广东"], "owner": "wu"}]
    whole = [*narrow, {"id": "rest", "owner": "wu"}]

    assert ("uncovered_class", "yunque") in codes(make_project(routes=narrow))
    assert ("uncovered_class", "yunque") in codes(make_project(routes=regional))
    assert ("uncovered_class", "yunque") not in codes(make_project(routes=whole))


# --- waking ------------------------------------------------------------------------------------

CALL = {
    "id": "call",
    "kind": "voice",
    "provider": "aliyun",
    "key_id": "env:KEY_ID",
    "secret": "env:KEY",
    "template": "TTS_1",
}


def test_lint_names_routes_that_wake_nobody() -> None:
    channels = [*SETTINGS["channels"], CALL]
    rung = owners(sun={"wake_by": ["call"], "mobile": "13800000000"})
    project = make_project(channels=channels, owners=rung)

    assert ("nobody_wakes", "channels") in codes(make_project())
    assert ("nobody_wakes", "everything") in codes(project)  # lin, zhao, chen
    assert ("nobody_wakes", "safety") not in codes(project)  # sun is at its end


def test_wakers_are_the_people_on_duty_with_what_rings() -> None:
    people = owners(
        wu={"wake_by": ["call"], "mobile": "13800000000"},
        lin={"wake_by": ["call"]},  # without a number
        sun={"wake_by": ["call"], "mobile": "13900000000"},  # on no roster
    )
    project = staffed(channels=[*SETTINGS["channels"], CALL], owners=people)

    assert [(owner.id, channel.id) for owner, channel in wakers(project)] == [
        (OwnerId("wu"), "call")
    ]


# --- what is not an incident, and what could not be delivered ----------------------------------------


def test_a_message_that_failed_goes_to_everybody_whom_the_fallback_names() -> None:
    project = staffed(fallback=["desk", "sun"])
    intent = make_intent(recipient_id=OwnerId("zhao"), channel_id="mail")
    told = []
    while intent := fallback_intent(intent, project, NOW):
        told.append(intent.recipient_id)

    assert tuple(dict.fromkeys(told)) == fallback_line(project)


def test_notices_about_sources_go_to_stand_ins_and_to_the_one_on_duty() -> None:
    ill = make_project(owners=owners(sun=AWAY | {"stand_in": ["wu"]}), fallback=["sun"])

    assert recipients(None, staffed(fallback=["desk"]), NOW) == ("wu",)
    assert recipients(None, ill, NOW) == ("wu",)
    holiday = make_project(owners=owners(sun=AWAY), fallback=["sun"])
    assert recipients(None, holiday, NOW) == ("sun",)  # rather on holiday than nobody


def test_the_digest_says_what_waits_for_an_owner() -> None:
    project = make_project(routes=[])
    incident = raised(project).incident
    names = {owner.id: owner.name for owner in project.owners}
    facts = DigestFacts(day=NOW.date(), since=NOW, until=NOW, incidents=(incident,))
    reader = project.owners[0]
    desk = Desk(facts=facts, owner=reader, names=names, events={}, now=NOW)

    assert "待指派负责人，兜底 孙悦 代管" in lines_of(incident, "新增", desk)
