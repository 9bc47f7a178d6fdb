"""Going live, addresses that nobody confirmed, corrections: the desks on a real database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.delivery import Courier
from alerts.fallback import fallback_intent
from alerts.gate import TOLD_BESIDE, UNCONFIRMED
from alerts.incidents import Command, on_command
from alerts.misroutes import misroutes_of
from config.errors import GroundswellError
from config.schema import Project
from groundswell.correcting import correct
from groundswell.gate import SendGate
from groundswell.misroutes import digest_lines, lines, survey
from groundswell.outbox_desk import OutboxDesk
from groundswell.trials import TrialDesk, lines_for_check, view_lines
from groundswell.unconfirmed import unconfirmed_lines
from groundswell.verifying import Verifying
from storage.records import ChannelId, DeliveryClass, Incident, Intent, IntentStatus, Level
from storage.store import Store
from tests.alerts.outbox import FakeClock
from tests.alerts.people import make_project
from tests.alerts.raising import LINKS, raise_incidents
from tests.alerts.test_trial import TRIALS, Unreliable
from tests.make import NOW, make_intent

CONFIRM = {"confirm_addresses": True}
OPEN = {"confirm_addresses": False}
LATER = NOW + timedelta(days=4)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = Store(sqlite_url)
    yield opened
    opened.close()


def prove(store: Store, project: Project, *ways: tuple[str, str]) -> None:
    """Let codes come back from these people on these channels."""
    verifying = Verifying(store=store, project=project, clock=FakeClock(NOW))
    for owner, channel in ways:
        code = verifying.ask(owner, channel, "test").words["code"]
        assert verifying.confirm(owner, channel, code, "cli") is not None


def deliver(
    store: Store, project: Project, *outcomes: DeliveryClass, rounds: int = 6
) -> list[Intent]:
    """Let a courier work for an hour; return what was handed to channels."""
    clock = FakeClock(NOW)
    chance = random.Random(7)
    senders = {
        ChannelId(one.id): Unreliable(chance, *(outcomes or (DeliveryClass.OK,)))
        for one in project.channels
    }
    gate = SendGate(store=store, project=project, clock=clock)
    courier = Courier(store, senders, project, clock, meter=clock, gate=gate)
    for _ in range(rounds):
        asyncio.run(courier.deliver_due())
        clock.pass_time(minutes=10)
    return [one for sender in senders.values() for one in sender.sent if one.kind != "verify"]


def kept(store: Store) -> list[Intent]:
    with store.read() as queries:
        return [one for one in queries.outbox("all", NOW, 1000) if one.kind != "verify"]


# --- addresses -----------------------------------------------------------------------------------


def test_an_address_without_a_code_gets_nothing_and_the_next_way_takes_over(store: Store) -> None:
    project = make_project(settings=CONFIRM)
    raise_incidents(store, project, [Level.ORANGE], NOW)
    prove(store, project, ("lin", "mail"), ("sun", "hook"))
    sent = deliver(store, project)

    ways = {(one.recipient_id, one.channel_id) for one in sent}
    assert ways == {("lin", "mail"), ("sun", "hook")}  # not his group bot, not 赵敏's mail
    assert len([one for one in sent if one.recipient_id == "lin"]) == 1  # two channels, one proved
    beside = [one for one in kept(store) if one.reason == TOLD_BESIDE]
    assert [(one.channel_id, one.status) for one in beside] == [("bot", IntentStatus.CANCELLED)]
    dead = [one for one in kept(store) if one.status is IntentStatus.DEAD]
    assert {one.reason for one in dead} == {UNCONFIRMED}
    assert not [one for one in kept(store) if one.kind == "bare"]
    with store.read() as queries:
        said = unconfirmed_lines(queries, project)
    assert "林晓（lin）：bot" in said
    assert "陈立" not in "".join(
        said
    )  # his webhook reaches whoever 孙悦's does: one code is enough


def test_when_nobody_is_confirmed_the_fallback_gets_a_bare_line(store: Store) -> None:
    project = make_project(settings=CONFIRM)
    [incident] = raise_incidents(store, project, [Level.RED], NOW)
    sent = deliver(store, project)

    assert {one.kind for one in sent} == {"bare"}
    assert {(one.recipient_id, one.channel_id) for one in sent} == {("sun", "hook"), ("wu", "mail")}
    assert len(sent) == 2  # one act, one line each
    for one in sent:
        said = f"{one.subject}{one.body}{one.words}"
        assert incident.code in one.body
        assert "登录控制台查看" in one.body
        assert "地址未确认" in one.subject
        assert "红" in one.subject
        for secret in ("云雀", "漏水", "滤芯", "林晓", "赵敏", "孙悦", incident.title):
            assert secret not in said
        assert not one.actions
        assert not one.html
    heir = fallback_intent(sent[0], project, NOW)  # it names nobody where it goes on to either
    assert heir is not None
    assert heir.body == sent[0].body
    assert heir.words == sent[0].words


def test_a_trial_is_not_read_by_the_fallback_and_a_demo_needs_no_codes(store: Store) -> None:
    project = make_project(settings=CONFIRM, trials=TRIALS[:1])
    raise_incidents(store, project, [Level.YELLOW], NOW)
    assert deliver(store, project) == []
    assert [(one.recipient_id, one.status) for one in kept(store)] == [("wu", IntentStatus.DEAD)]

    demo = make_project(settings=CONFIRM | {"demo": True})
    with store.read() as queries:
        assert unconfirmed_lines(queries, demo) == []


# --- going live ----------------------------------------------------------------------------------


def test_a_trial_goes_live_when_all_addresses_are_confirmed(store: Store) -> None:
    project = make_project(settings=CONFIRM, trials=TRIALS[:1])
    found = raise_incidents(store, project, [Level.ORANGE, Level.YELLOW], NOW)
    with store.transaction() as tx:
        act = Command(name="dismiss", actor="wu", text="与本品牌无关", how="not_ours")
        assert tx.save_change(on_command(found[1], act, project, NOW, links=LINKS))
    desk = TrialDesk(store=store, project=project, clock=FakeClock(NOW + timedelta(hours=1)))
    with pytest.raises(GroundswellError, match="林晓（lin）的 bot"):
        desk.live("brand", "wu")
    with pytest.raises(GroundswellError, match="现有：brand"):
        desk.live("other", "wu")
    everybody = [("lin", "bot"), ("lin", "mail"), ("zhao", "mail"), ("chen", "hook")]
    prove(store, project, *everybody, ("sun", "mail"), ("wu", "mail"))

    view = desk.show("brand")
    assert (view.state, view.alerts, view.incidents, view.unproved) == ("running", 2, 2, ())
    assert view.by_person == {"lin": 2, "zhao": 2}
    assert view.overheard == ()
    assert view.by_level == {Level.ORANGE: 1, Level.YELLOW: 1}
    assert (view.precision.true, view.precision.false, view.precision.undecided) == (0, 1, 1)
    end = desk.live("brand", "wu", note="两周没有误报")
    assert (end.alerts, end.incidents, end.false_alarms, end.judged) == (2, 2, 1, 1)
    with pytest.raises(GroundswellError, match="上线"):
        desk.live("brand", "wu")
    assert desk.show("brand").state == "live"
    assert "上线" in "\n".join(view_lines(desk.show("brand"), project))
    with store.read() as queries:
        assert queries.audits(1)[0]["action"] == "trial_live"
        [line] = lines_for_check(project, queries.ended_trials())
    assert "可删去" in line


# --- not mine, misroutes --------------------------------------------------------------------------


def test_misroutes_name_the_line_to_change(store: Store) -> None:
    project = make_project(settings=OPEN)
    found = raise_incidents(store, project, [Level.YELLOW] * 4, NOW)
    acts = [
        [("not_mine", "lin", "zhao"), ("ack", "zhao", "")],
        [("not_mine", "lin", ""), ("assign", "chen", "zhao"), ("ack", "zhao", "")],
        [("assign", "wu", "zhao"), ("ack", "zhao", "")],
        [("ack", "lin", ""), ("assign", "lin", "chen")],  # after the first acknowledge: no misroute
    ]
    for incident, each in zip(found, acts, strict=True):
        act_on(store, project, incident, *each)
    with store.read() as queries:
        [misroute] = survey(queries, NOW + timedelta(hours=1))

    assert (misroute.route_id, misroute.n, misroute.wrong) == ("everything", 4, 3)
    assert (misroute.not_mine, misroute.assigned) == (2, 1)
    assert (misroute.by, misroute.to) == ({"lin": 3, "chen": 1}, {"zhao": 3})
    assert misroute.proposed == "zhao"
    said = "\n".join(lines(project, [misroute], None))
    assert "4 个里有 3 个" in said
    assert "owner: lin → owner: zhao" in said
    assert digest_lines(project, [misroute]) == (
        "路由 everything：3/4 个先到了别人那里，多由赵敏接手",
    )
    assert misroutes_of([]) == []


def act_on(
    store: Store, project: Project, incident: Incident, *acts: tuple[str, str, str]
) -> Incident:
    for name, actor, to in acts:
        command = Command(name=name, actor=actor, owner_id=to)
        with store.transaction() as tx:
            change = on_command(incident, command, project, NOW, links=LINKS)
            assert tx.save_change(change)
        incident = change.incident
    return incident


# --- corrections ---------------------------------------------------------------------------------


def test_a_sent_message_is_corrected_where_it_was_sent_and_never_repeated(store: Store) -> None:
    project = make_project(settings=OPEN)
    [incident] = raise_incidents(store, project, [Level.ORANGE], NOW)
    desk = OutboxDesk(store=store, project=project, clock=FakeClock(NOW + timedelta(minutes=5)))
    waiting = kept(store)
    with pytest.raises(GroundswellError, match="never sent"):
        correct(desk, waiting[0].intent_id, "这批不是我们的", "wu")
    sent = deliver(store, project, rounds=1)
    assert len(sent) == 3
    [mail] = [one for one in sent if (one.recipient_id, one.channel_id) == ("zhao", "mail")]
    with pytest.raises(GroundswellError, match="repeats"):
        correct(desk, mail.intent_id, f"不是“{mail.subject}”", "wu")
    with pytest.raises(GroundswellError, match="--text"):
        correct(desk, mail.intent_id, "  ", "wu")
    [one] = correct(desk, mail.intent_id, "品牌认错了，请忽略", "wu")
    again = correct(desk, mail.intent_id, "品牌认错了，请忽略", "wu", whole_act=True)

    assert (one.recipient_id, one.channel_id, one.kind) == ("zhao", "mail", "correction")
    assert one.body.startswith("【更正】")
    assert f"更正：上一条（编号 {incident.code}，" in one.body
    assert "品牌认错了，请忽略" in one.body
    for line in mail.body.split("\n")[2:]:
        assert line not in one.body
    assert len(again) == 3
    corrections = [each for each in kept(store) if each.kind == "correction"]
    assert len(corrections) == 3  # the first one is not sent twice
    deliver(store, project)
    with pytest.raises(GroundswellError, match="it is a correction"):
        correct(desk, one.intent_id, "又错了", "wu")


def test_a_correction_follows_its_message_and_goes_nowhere_else(store: Store) -> None:
    project = make_project(settings=OPEN)
    raise_incidents(store, project, [Level.YELLOW], NOW)
    [wrong, *_] = deliver(store, project, rounds=1)
    desk = OutboxDesk(store=store, project=project, clock=FakeClock(NOW))
    [one] = correct(desk, wrong.intent_id, "发错群了", "wu")
    deliver(store, project, DeliveryClass.PERMANENT)
    found = {each.intent_id: each for each in kept(store)}

    assert found[one.intent_id].status is IntentStatus.CANCELLED
    assert not [each for each in found.values() if each.fallback_of == one.intent_id]
    lost = project.model_copy(update={"owners": ()})
    gone = OutboxDesk(store=store, project=lost, clock=FakeClock(NOW))
    with pytest.raises(GroundswellError, match="no longer configured"):
        correct(gone, wrong.intent_id, "又一条", "wu")


def test_what_was_told_in_a_summary_is_corrected_there(store: Store) -> None:
    project = make_project(settings=OPEN)
    told = make_intent("alone", incident_id=None, status=IntentStatus.CANCELLED)
    with store.transaction() as tx:
        tx.add_intents([replace(told, reason="coalesced:summary-1")])
    desk = OutboxDesk(store=store, project=project, clock=FakeClock(NOW))
    with pytest.raises(GroundswellError, match="summary-1"):
        correct(desk, "alone", "错了", "wu")
