"""Who may say what in answer to a message, and what follows."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.incidents import Command
from config.errors import GroundswellError
from groundswell.inbound.desk import Incoming, masked, owner_of
from storage.records import ChannelId, IncidentState, Level, OwnerId
from tests.inbound.world import World, bodies, told, trouble

COMMANDS = ("acknowledged", "assigned", "dismissed", "noted", "handled", "silenced")


def acts(world: World, incident_id: str) -> list[tuple[str, str]]:
    with world.store.read() as queries:
        events = queries.incident_events(incident_id)
    return [(one.kind, one.actor) for one in events if one.kind in COMMANDS]


def test_a_code_and_a_word_acknowledge_once(world: World) -> None:
    raised = trouble(world)

    first = world.say(f"{raised.code}·1·{raised.level.zh} 确认")
    again = world.say(f"{raised.code}·1·{raised.level.zh} 确认")

    after = world.incident(raised)
    assert (first.outcome, again.outcome) == ("done", "repeated")
    assert (after.state, after.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "linxiao")
    assert acts(world, raised.incident_id) == [("acknowledged", "linxiao")]
    assert re.fullmatch(
        rf"{raised.code} 已确认，由你接手。升级通知已停下。请在 \S+ 前回一句进展，否则会重新提醒。",
        first.text,
    )
    assert [(one.outcome, one.owner_id, one.incident_id) for one in world.kept()] == [
        ("done", "linxiao", raised.incident_id)
    ]


def test_the_same_message_given_twice_at_once_is_one_act(world: World) -> None:
    raised = trouble(world)
    incoming = Incoming(
        channel_id=ChannelId("ding"),
        message_id="m1",
        sender="staff-lin",
        text=f"{raised.code} 进展 已联系客户",
    )

    with ThreadPoolExecutor(4) as pool:
        outcomes = [one.outcome for one in pool.map(world.replies.take, [incoming] * 4)]

    assert set(outcomes) <= {"done", "repeated"}
    assert acts(world, raised.incident_id) == [("noted", "linxiao")]
    assert len(world.kept()) == 1


def test_a_bare_word_means_the_only_one_that_waits(world: World) -> None:
    raised = trouble(world)

    assert world.say("1", way="sms", who="+8613800001111").outcome == "done"
    assert world.incident(raised).acknowledged_by == "linxiao"
    assert not world.deliver()  # a text message is answered by the silence after it


def test_a_bare_word_of_somebody_who_was_told_nothing_means_nothing(world: World) -> None:
    taken = world.say("确认", who="staff-zhou")

    assert taken.outcome == "no_code"
    assert "没有等你处理的事件，什么都没有做" in taken.text


def test_strangers_change_nothing_and_are_not_answered(world: World) -> None:
    raised = trouble(world)

    for n, (way, who) in enumerate([("ding", "staff-x"), ("sms", "+8613900000000"), ("mail", "")]):
        taken = world.say(f"{raised.code} 确认", way=way, who=who, n=n)
        assert (taken.outcome, taken.text) == ("unknown_sender", "")

    assert world.incident(raised).state is IncidentState.OPEN
    assert [(one.owner_id, one.text) for one in world.kept()] == [(None, "")] * 3
    assert "+86139****0000" in {one.sender for one in world.kept()}


def test_of_many_strangers_only_some_are_written_down(world: World) -> None:
    for n in range(70):
        world.say("1", who=f"staff-{n}x", n=n)

    assert len(world.kept()) == 60


def test_who_writes_too_often_is_not_heard_for_a_while(world: World) -> None:
    raised = trouble(world)
    for n in range(20):
        world.say("好", n=n)  # says nothing that could be done

    assert world.say(f"{raised.code} 确认", n=20).outcome == "too_many"
    world.clock.advance(minutes=11)
    assert world.say(f"{raised.code} 确认", n=21).outcome == "done"


@pytest.mark.parametrize("kind", ["automatic", "forwarded"])
def test_what_no_person_wrote_to_us_changes_nothing(world: World, kind: str) -> None:
    raised = trouble(world)
    incoming = Incoming(
        channel_id=ChannelId("mail"),
        message_id="<m1@x>",
        sender="linxiao@lanhe.example",
        text=f"{raised.code} 确认",
        unattended=kind,
    )

    taken = world.replies.take(incoming)

    assert (taken.outcome, taken.text) == (kind, "")
    assert world.incident(raised).state is IncidentState.OPEN
    assert not world.deliver()


def test_a_mail_is_known_by_what_it_answers_and_answered_by_mail(world: World) -> None:
    raised = trouble(world)
    notice = told(world, "linxiao")
    incoming = Incoming(
        channel_id=ChannelId("mail"),
        message_id="<m1@x>",
        sender="LinXiao@lanhe.example",
        text="收到\n\n> 误报",
        in_reply_to=("of-somebody-else", notice.intent_id),
    )

    assert world.replies.take(incoming).outcome == "done"
    assert world.incident(raised).acknowledged_by == "linxiao"
    [answer] = world.deliver()
    assert (answer.kind, answer.recipient_id, answer.channel_id) == ("answer", "linxiao", "mail")
    assert answer.subject == f"【回执】{raised.code} 已确认，由你接手"
    assert world.replies.take(incoming).outcome == "repeated"
    assert not world.deliver()


def test_a_mail_counts_only_for_what_its_writer_was_told_of(world: World) -> None:
    raised = trouble(world)
    notice = told(world, "linxiao")

    def mail(n: int, **values: object) -> str:
        sender = "wudi@lanhe.example"  # an engineer, who hears of sources only
        incoming = Incoming(
            channel_id=ChannelId("mail"), message_id=f"<{n}@x>", sender=sender, text="确认"
        )
        return world.replies.take(replace(incoming, **values)).outcome  # type: ignore[arg-type]

    assert mail(1, text=f"{raised.code} 确认") == "not_told"
    assert mail(2, in_reply_to=(notice.intent_id,)) == "no_code"
    assert world.incident(raised).state is IncidentState.OPEN


def test_a_message_of_an_earlier_epoch_changes_nothing(world: World) -> None:
    raised = trouble(world)
    desk = world.desk
    desk.act(raised.code, Command(name="dismiss", actor="zhoulan", text="旧闻"))
    desk.act(raised.code, Command(name="reopen", actor="zhoulan", text="不是旧闻"))
    assert world.incident(raised).epoch == 2

    taken = world.say(f"{raised.code}·1·橙 确认")

    assert taken.outcome == "stale"
    assert "第 1 次的通知；它后来第 2 次出现，现在待确认，什么都没有改" in taken.text
    assert world.incident(raised).state is IncidentState.OPEN
    assert world.say(f"{raised.code} 确认", n=2).outcome == "stale"  # he heard of the first only
    assert world.say(f"{raised.code}·2·橙 确认", n=3).outcome == "done"


def test_every_act_that_a_reply_can_ask_for(world: World) -> None:
    raised = trouble(world)
    code = raised.code
    taken = [
        world.say(f"{code} {text}", n=n).outcome
        for n, text in enumerate(
            ["确认", "进展 已联系客户", "静默 1小时", "转派 周岚", "处理完毕 已上门换新"]
        )
    ]

    after = world.incident(raised)
    assert taken == ["done"] * 5
    assert after.muted_until is None or after.muted_until > world.clock.now()
    assert (after.state, after.handled_note, after.owner_id) == (
        IncidentState.HANDLED,
        "已上门换新",
        "zhoulan",
    )
    assert [kind for kind, _ in acts(world, raised.incident_id)][:2] == ["acknowledged", "noted"]
    assert {actor for _, actor in acts(world, raised.incident_id)} == {"linxiao"}


REFUSED = (
    ("误报", "refused", "误报的理由"),
    ("转派 王五", "refused", "转派给谁没有看懂"),
    ("转派", "refused", "可以写：林晓"),
    ("静默", "refused", "静默要写明多久，最长 24 小时"),
    ("静默 3天", "refused", "最长 24 小时"),
    ("处理完毕", "refused", "要写明做了什么"),
    ("处理完毕 已换新", "refused", "不能执行 handled"),  # nobody has acknowledged yet
    ("确认 不归我管", "unclear", "没有看懂是不是确认"),
    ("什么情况", "no_word", "可以回复：确认"),
    ("", "no_word", "现在待确认"),
)


def test_refusals_name_the_way_and_change_nothing(world: World) -> None:
    raised = trouble(world)

    for n, (text, outcome, said) in enumerate(REFUSED):
        taken = world.say(f"{raised.code} {text}", n=n)
        assert (taken.outcome, said in taken.text) == (outcome, True), (text, taken.text)

    taken = world.say("舆-ZZZZ 确认", n=99)
    assert (taken.outcome, "没有编号是 舆-ZZZZ 的事件" in taken.text) == ("no_code", True)
    assert acts(world, raised.incident_id) == []


def test_who_comes_second_takes_nothing_away(world: World) -> None:
    raised = trouble(world)
    world.say(f"{raised.code} 确认")

    taken = world.say(f"{raised.code} 确认", who="staff-zhou", n=2)

    assert taken.outcome == "stands"
    assert "林晓 已确认接手" in taken.text
    assert world.incident(raised).acknowledged_by == "linxiao"


def test_a_pressed_button_is_good_for_the_one_it_was_made_for(world: World) -> None:
    raised = trouble(world)
    url = world.links.action(raised, "ack", told(world, "linxiao").recipient_id)
    pressed = Incoming(
        channel_id=ChannelId("feishu"),
        message_id="e1",
        sender="ou_lin",
        link=url.rpartition("/")[2],
    )
    other = world.links.action(raised, "ack", OwnerId("zhoulan"))

    forged = replace(pressed, message_id="e0", link=pressed.link[:-2] + "xx")
    of_another = replace(pressed, message_id="e2", link=other.rpartition("/")[2])
    assert world.replies.take(forged).outcome == "refused"
    assert world.replies.take(of_another).outcome == "refused"
    assert world.incident(raised).state is IncidentState.OPEN
    assert world.replies.take(pressed).outcome == "done"
    assert world.incident(raised).acknowledged_by == "linxiao"
    assert not [one for one in world.deliver() if one.kind == "answer"]  # the toast is the answer


def test_a_code_of_proof_comes_back_by_any_way(world: World) -> None:
    verifying = world.verifying()
    verifying.ask("linxiao", "sms", "admin")
    [sent] = world.deliver()
    code = sent.words["code"]

    assert (sent.kind, sent.channel_id, sent.level) == ("verify", "sms", Level.NONE)
    assert code in bodies([sent])[0]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert world.say(f"验证 {wrong}").outcome == "refused"
    assert world.say(code, who="staff-zhou", n=1).outcome == "refused"  # it was not sent to her
    assert world.say(code, n=2).outcome == "verified"
    assert world.say(code, n=3).outcome == "refused"  # it was used
    with world.store.read() as queries:
        [proof] = queries.addresses().values()
    assert (proof.owner_id, proof.channel_id, proof.how) == ("linxiao", "sms", "ding")


def test_a_code_ends_after_an_hour_and_with_another_number(world: World) -> None:
    verifying = world.verifying()
    verifying.ask("linxiao", "sms", "admin")
    with pytest.raises(GroundswellError, match="less than a minute ago"):
        verifying.ask("linxiao", "sms", "admin")
    [sent] = world.deliver()
    code = sent.words["code"]
    world.clock.advance(minutes=61)

    assert verifying.confirm("linxiao", "sms", code, "cli") is None

    verifying.ask("linxiao", "sms", "admin")
    code = world.deliver()[0].words["code"]
    moved = tuple(
        one.model_copy(update={"mobile": "13811112222"}) if one.id == "linxiao" else one
        for one in world.project.owners
    )
    elsewhere = replace(verifying, project=world.project.model_copy(update={"owners": moved}))
    assert elsewhere.confirm("linxiao", "sms", code, "cli") is None
    assert verifying.confirm("linxiao", "sms", code, "cli") is not None
    world.clock.at += timedelta(minutes=2)
    verifying.ask("linxiao", "sms", "admin")  # what is proved stays so while it is asked again
    with world.store.read() as queries:
        [proof] = queries.addresses().values()
    assert proof.verified_at is not None


def test_an_address_of_two_people_is_nobodys(world: World) -> None:
    both = tuple(
        one.model_copy(update={"email": "service@lanhe.example"}) for one in world.project.owners
    )
    shared = world.project.model_copy(update={"owners": both})
    mail = world.project.channel("mail")
    assert mail is not None

    assert owner_of(shared, mail, "service@lanhe.example") is None
    assert owner_of(world.project, mail, " LINXIAO@lanhe.example ") is not None


def test_of_a_number_only_the_ends_are_kept() -> None:
    assert masked("+8613800001111") == "+86138****1111"
    assert masked("13800001111") == "138****1111"
    assert masked("ou_lin") == "ou_lin"
