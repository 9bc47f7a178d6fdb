"""The three owners of a grave incident: named, told, handed over by acceptance, locked."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alerts.digest import compose
from alerts.handover import BOUNCES
from alerts.incidents import (
    Command,
    IllegalMove,
    allowed_commands,
    fold,
    on_command,
    on_grade,
)
from alerts.regrouping import revive
from alerts.scene import Scene
from alerts.timers import on_timers
from alerts.triangle import is_stood_in_for, seat_of
from config.schema import Project
from storage.records import (
    Change,
    DigestFacts,
    Incident,
    IncidentEvent,
    IncidentState,
    Level,
    Timer,
)
from tests.alerts.people import PlainLinks, make_project, owners
from tests.make import NOW, make_evidence, make_grade

LINKS = PlainLinks()
FUNCTIONS = [
    {"id": "service", "team": ["lin"]},
    {"id": "quality", "team": ["wu"]},
    {"id": "dealer", "regions": {"广东": ["zhao"]}},
    {"id": "management", "team": ["sun"]},
]
AWAY = {"away": [["2026-03-09", "2026-03-11"]]}
LIVE = tuple((NOW - timedelta(minutes=n), f"tousu:{n}") for n in range(12, 0, -1))
EVIDENCE = make_evidence(
    authors=12, live_authors=LIVE, watch_authors=LIVE, regions=("广东", "四川")
)


def company(**changes: Any) -> Project:
    return make_project(**{"functions": FUNCTIONS} | changes)


PROJECT = company()


def raised(level: Level = Level.ORANGE, project: Project = PROJECT) -> Change:
    change = on_grade(None, EVIDENCE, make_grade(level), project, NOW, links=LINKS)
    assert change is not None
    return change


def act(
    incident: Incident,
    name: str,
    actor: str,
    minutes: float = 0,
    *,
    project: Project = PROJECT,
    **values: Any,
) -> Change:
    command = Command(name=name, actor=actor, **values)
    now = NOW + timedelta(minutes=minutes)
    return on_command(incident, command, project, now, evidence=EVIDENCE, links=LINKS)


def offered(incident: Incident, to: str = "chen", role: str = "customer", **more: Any) -> Change:
    more = {"text": "他在现场"} | more
    return act(incident, "handover", "lin", owner_id=to, role=role, **more)


def timed(change: Change, kind: str, project: Project = PROJECT) -> Change:
    [timer] = [one for one in change.timers if one.kind == kind and one.status == "pending"]
    return on_timers(
        change.incident, [timer], project, timer.due_at, evidence=EVIDENCE, links=LINKS
    )


def to(change: Change, person: str) -> str:
    bodies = [one.body for one in change.intents if one.recipient_id == person]
    return "\n".join(bodies)


def holders(incident: Incident) -> list[str]:
    return [seat.owner_id for seat in incident.triangle]


def test_an_orange_incident_names_its_three_in_the_same_change() -> None:
    change = raised()

    assert [event.kind for event in change.events] == ["raised", "triangle_named"]
    assert holders(change.incident) == ["lin", "wu", "zhao"]  # the dealer of the first region
    assert fold(change.events) == change.incident
    assert "你是这起事件的客户关系责任人（服务）。" in to(change, "lin")
    assert "你是这起事件的解决方案责任人（品质研发）。" in to(change, "wu")
    said = "客户关系责任人 林晓；解决方案责任人 吴桐；交付维护责任人 赵敏。"
    assert said in to(change, "zhao")
    # one message per person and channel, whatever there is to say
    told = [(one.recipient_id, one.channel_id) for one in change.intents]
    assert len(set(told)) == len(told)
    assert change.incident.owner_id == "lin"
    assert raised(Level.YELLOW).incident.triangle == ()


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_rise_names_them_and_a_fall_leaves_them(by_hand: bool) -> None:
    quiet = raised(Level.YELLOW).incident
    if by_hand:
        risen = act(quiet, "grade", "chen", 5, level=Level.RED, text="记者来电")
    else:
        later = NOW + timedelta(minutes=5)
        found = on_grade(
            quiet, EVIDENCE, make_grade(Level.RED, score=90), PROJECT, later, links=LINKS
        )
        assert found is not None
        risen = found
    assert "triangle_named" in [event.kind for event in risen.events]
    assert holders(risen.incident) == ["lin", "wu", "zhao"]
    fallen = act(risen.incident, "grade", "chen", 9, level=Level.BLUE, text="误判")
    assert holders(fallen.incident) == ["lin", "wu", "zhao"]
    again = act(fallen.incident, "grade", "chen", 12, level=Level.ORANGE)
    assert "triangle_named" not in [event.kind for event in again.events]


def test_without_a_dealer_service_delivers_and_without_quality_the_owner_solves() -> None:
    bare = [one for one in FUNCTIONS if one["id"] == "service"]
    incident = raised(project=company(functions=bare)).incident
    assert holders(incident) == ["lin", "lin", "lin"]
    assert [seat.function for seat in incident.triangle] == ["service", "", "service"]
    other = raised(project=company(triangle={"solution": ["service"], "delivery": "management"}))
    assert holders(other.incident) == ["lin", "lin", "sun"]


def test_a_handover_counts_when_the_receiver_accepts() -> None:
    change = offered(raised().incident)
    seat = seat_of(change.incident, "customer")
    assert seat is not None
    assert (seat.owner_id, seat.offered_to, seat.reason) == ("lin", "chen", "他在现场")
    assert seat.answer_by == NOW + timedelta(minutes=15)  # orange is acknowledged within 15
    [asked] = change.intents
    assert [one.name for one in asked.actions] == ["accept-customer", "decline-customer"]
    assert "在你接受之前由林晓负责" in asked.body
    for somebody in ("lin", "zhao", "sun", "system"):
        with pytest.raises(IllegalMove, match="只能由接任人陈立本人或其代班人答复"):
            act(change.incident, "accept", somebody, 1, role="customer")
    taken = act(change.incident, "accept", "chen", 2, role="customer")
    assert holders(taken.incident) == ["chen", "wu", "zhao"]
    assert taken.incident.owner_id == "lin"  # who acknowledges is another matter
    assert "陈立接任客户关系责任人" in to(taken, "lin")
    assert not act(taken.incident, "accept", "chen", 3, role="customer").events
    assert taken.incident.bounces == 0


def test_a_key_called_like_a_person_answers_for_him() -> None:
    change = offered(raised().incident)
    assert holders(act(change.incident, "accept", "key:chen", role="customer").incident)[0] == (
        "chen"
    )
    with pytest.raises(IllegalMove):
        act(change.incident, "accept", "key:crm", role="customer")


def test_a_stand_in_on_duty_is_asked_and_may_answer() -> None:
    away = company(owners=owners(chen=AWAY | {"stand_in": ["sun"]}))
    change = offered(raised().incident, project=away)
    assert {one.recipient_id for one in change.intents} == {"sun"}
    taken = act(change.incident, "accept", "sun", 2, role="customer", project=away)
    assert holders(taken.incident)[0] == "chen"
    assert is_stood_in_for(away, taken.incident.triangle[0], NOW)
    nobody = company(owners=owners(chen=AWAY))
    with pytest.raises(IllegalMove, match="此刻没有可以接任的"):
        offered(raised().incident, project=nobody)


def test_a_holder_who_left_is_stood_in_for_and_shown_so() -> None:
    incident = raised().incident
    gone = company(owners=[one for one in owners() if one["id"] != "wu"], fallback=["sun"])
    gone = gone.model_copy(update={"functions": PROJECT.functions})
    assert is_stood_in_for(gone, incident.triangle[1], NOW)
    noted = act(incident, "assign", "lin", 4, owner_id="chen", project=gone)
    assert "解决方案责任人 wu（配置中没有此人，跳过）" in to(noted, "chen")


def test_it_is_asked_again_at_half_time_and_comes_back_at_its_end() -> None:
    change = offered(raised().incident)
    again = timed(change, "handover_warn")
    assert [event.kind for event in again.events] == ["handover_reminded"]
    assert "还在等答复" in to(again, "chen")
    over = timed(replace(change, incident=again.incident), "handover")
    assert [event.kind for event in over.events] == ["handover_unanswered"]
    assert (over.incident.bounces, holders(over.incident)[0]) == (1, "lin")
    assert "到时没有答复。仍由林晓负责" in to(over, "lin")
    answered = act(change.incident, "accept", "chen", 1, role="customer")
    stale = timed(replace(change, incident=answered.incident), "handover")
    assert not stale.events


def locked() -> Change:
    first = act(offered(raised().incident).incident, "decline", "chen", role="customer", text="忙")
    more = offered(first.incident, "zhao", "solution", text="换人更快")
    other = offered(more.incident, "wu", text="原因在品质")
    return act(other.incident, "decline", "wu", 5, role="customer", text="不负责客户")


def test_two_that_come_back_lock_the_three_and_tell_management() -> None:
    change = locked()
    assert [event.kind for event in change.events] == ["handover_declined", "locked"]
    incident = change.incident
    assert incident.bounces == BOUNCES
    assert incident.locked_at == NOW + timedelta(minutes=5)
    assert [seat.offered_to for seat in incident.triangle] == ["", "", ""]
    assert [one.answer for one in incident.handovers] == ["declined", "withdrawn", "declined"]
    account = to(change, "sun")
    assert "客户关系责任人：林晓请陈立接任（他在现场），没有接受（忙）" in account
    assert "解决方案责任人：由林晓提出，吴桐请赵敏接任（换人更快），因负责人锁定而收回" in account
    assert "客户关系责任人：林晓请吴桐接任（原因在品质），没有接受（不负责客户）" in account
    assert all(word not in account for word in ("推诿", "踢皮球", "扯皮", "失职"))
    with pytest.raises(IllegalMove, match="解除锁定由管理层决定"):
        offered(incident)
    with pytest.raises(IllegalMove):
        act(incident, "accept", "zhao", 6, role="solution")


def test_only_management_unlocks_and_two_more_lock_again() -> None:
    incident = locked().incident
    assert "unlock" in allowed_commands(incident)
    with pytest.raises(IllegalMove, match="解除锁定由管理层决定：孙悦"):
        act(incident, "unlock", "lin", 6, text="再试一次")
    with pytest.raises(IllegalMove, match="需要写明解除锁定的理由"):
        act(incident, "unlock", "sun", 6)
    freed = act(incident, "unlock", "sun", 6, text="经销商已换人")
    assert freed.incident.locked_at is None
    assert "unlock" not in allowed_commands(freed.incident)
    assert freed.incident.bounces == BOUNCES
    incident = freed.incident
    for n in range(BOUNCES):
        change = offered(incident, minutes=10 + n)
        incident = act(change.incident, "decline", "chen", role="customer", text="忙").incident
    assert (incident.bounces, incident.locked_at is not None) == (2 * BOUNCES, True)


def test_a_new_epoch_begins_without_offers_and_without_the_lock() -> None:
    incident = locked().incident
    ended = act(incident, "dismiss", "lin", 7, text="测试数据", how="test").incident
    back = act(ended, "reopen", "lin", 9, text="判错了").incident
    assert (back.bounces, back.locked_at, back.handovers) == (0, None, ())
    assert holders(back) == ["lin", "wu", "zhao"]
    waiting = offered(back).incident
    closed = act(waiting, "dismiss", "lin", 11, text="测试数据", how="test")
    assert "handover" in closed.cancel_timers
    again = act(closed.incident, "reopen", "lin", 12, text="判错了").incident
    assert again.triangle[0].offered_to == ""


def test_an_undone_merge_waits_for_the_answer_again() -> None:
    change = offered(raised().incident)
    merged = replace(change.incident, state=IncidentState.MERGED)
    back = revive(
        merged,
        "聚类的合并已撤销",
        unheard=(),
        scene=Scene(project=PROJECT, links=LINKS),
        actor="lin",
        now=NOW + timedelta(minutes=3),
    )
    due = {one.kind: one.due_at for one in back.timers}
    assert due["handover"] == NOW + timedelta(minutes=15)


def test_what_a_handover_lacks_is_named() -> None:
    incident = raised().incident
    for values, said in (
        ({"role": "boss", "owner_id": "chen", "text": "x"}, "没有角色"),
        ({"role": "customer", "owner_id": "lin", "text": "x"}, "已经是客户关系责任人"),
        ({"role": "customer", "owner_id": "nobody", "text": "x"}, "此刻没有可以接任的"),
        ({"role": "customer", "owner_id": "chen"}, "需要写明移交的理由"),
    ):
        with pytest.raises(IllegalMove, match=said):
            act(incident, "handover", "lin", **values)
    by_function = act(
        incident, "handover", "lin", role="客户关系责任人", owner_id="quality", text="x"
    )
    assert by_function.incident.triangle[0].offered_to == "wu"
    with pytest.raises(IllegalMove, match="请等答复"):
        offered(by_function.incident)
    assert not offered(offered(incident).incident).events  # pressed twice
    assert "handover" not in allowed_commands(raised(Level.YELLOW).incident)


def digest(reader: str, *incidents: Incident, minutes: float = 0) -> dict[str, list[str]]:
    now = NOW + timedelta(minutes=minutes)
    facts = DigestFacts(
        day=now.date(), since=now - timedelta(days=1), until=now, incidents=incidents
    )
    owner = PROJECT.owner(reader)
    assert owner is not None
    found = compose(facts, owner, PROJECT.owners, now).sections
    return {name: [item.text for item in items] for name, items in found}


def test_the_digest_says_what_came_back_is_locked_or_waits_too_long() -> None:
    once = act(offered(raised().incident).incident, "decline", "chen", role="customer", text="忙")
    waiting = offered(once.incident)
    code = waiting.incident.code
    assert "移交" not in digest("chen", raised().incident)
    assert digest("lin", once.incident)["移交"] == [f"{code}，移交退回 1 次"]
    [line] = digest("chen", waiting.incident, minutes=20)["移交"]
    assert line == (
        f"{code}，移交退回 1 次；客户关系责任人请陈立接任，应在 3月10日 12:15 前答复，已超时，现由林晓负责"
    )
    assert digest("sun", locked().incident)["移交"] == [
        f"{code}，移交退回 2 次，三位负责人已锁定，待管理层决定"
    ]


# --- random histories ---------------------------------------------------------------------------

PEOPLE = ("lin", "zhao", "chen", "sun", "wu")
ROLES = ("customer", "solution", "delivery")
SEATS = frozenset({"handover", "accept", "decline", "unlock"})


class HandoverMachine(RuleBasedStateMachine):
    """Whatever people offer and answer: one answers per role, and a lock holds."""

    def __init__(self) -> None:
        super().__init__()
        change = raised()
        self.now = NOW
        self.incident = change.incident
        self.events: list[IncidentEvent] = list(change.events)
        self.timers: dict[tuple[str, int], Timer] = {}

    def keep(self, change: Change) -> None:
        before = self.incident
        self.incident = change.incident
        self.events += change.events
        self.timers |= {(one.kind, one.step): one for one in change.timers}
        kinds = [event.kind for event in change.events]
        moved = [
            a.role
            for a, b in zip(before.triangle, self.incident.triangle, strict=True)
            if a.owner_id != b.owner_id
        ]
        assert len(moved) == kinds.count("handover_accepted")  # nothing else moves a role
        if before.locked_at is not None:
            assert not moved
            assert self.incident.locked_at is not None or "unlocked" in kinds
        came_back = sum(kind in {"handover_declined", "handover_unanswered"} for kind in kinds)
        assert self.incident.bounces == before.bounces + came_back
        assert ("locked" in kinds) is (came_back > 0 and self.incident.bounces % BOUNCES == 0)
        for intent in change.intents:
            owner = PROJECT.owner(intent.recipient_id)
            assert owner is not None

    @rule(
        name=st.sampled_from(sorted(SEATS)),
        actor=st.sampled_from(PEOPLE),
        other=st.sampled_from(PEOPLE),
        role=st.sampled_from(ROLES),
    )
    def somebody_acts(self, name: str, actor: str, other: str, role: str) -> None:
        seat = seat_of(self.incident, role)
        assert seat is not None
        command = Command(name=name, actor=actor, owner_id=other, role=role, text="按流程")
        try:
            change = on_command(
                self.incident, command, PROJECT, self.now, evidence=EVIDENCE, links=LINKS
            )
        except IllegalMove:
            return
        if name == "accept" and change.events:
            assert seat.offered_to == actor
        self.keep(change)

    @rule(minutes=st.sampled_from([1, 8, 16]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        due = [
            one
            for one in self.timers.values()
            if one.status == "pending" and one.due_at <= self.now and one.kind in _OURS
        ]
        for one in due:
            change = on_timers(
                self.incident, [one], PROJECT, self.now, evidence=EVIDENCE, links=LINKS
            )
            self.keep(change)
            self.timers[one.kind, one.step] = replace(one, status="done")

    @invariant()
    def one_answers_per_role(self) -> None:
        incident = self.incident
        assert [seat.role.value for seat in incident.triangle] == list(ROLES)
        for seat in incident.triangle:
            waits = [one for one in incident.handovers if one.offer == seat.offer and seat.offer]
            assert [one.answer for one in waits] == ([""] if seat.offered_to else [])
        assert incident.bounces == sum(one.came_back for one in incident.handovers)

    @invariant()
    def it_is_the_fold_of_its_events(self) -> None:
        stored = [replace(one, data=json.loads(json.dumps(one.data))) for one in self.events]
        assert fold(stored) == self.incident


_OURS = frozenset({"handover", "handover_warn"})
TestHandovers = HandoverMachine.TestCase
TestHandovers.settings = settings(
    max_examples=int(os.environ.get("GROUNDSWELL_EXAMPLES", "15")),
    stateful_step_count=25,
    deadline=None,
)
