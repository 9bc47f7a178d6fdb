"""The courier: what is said once, again, later, elsewhere or never; properties P2-P4, P15, P21, P22."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels import Answer, make_senders
from alerts.delivery import Courier
from alerts.fallback import fallback_intent
from alerts.ruling import backoff, rule
from config.errors import StoreError
from config.schema import Owner, Project
from storage.records import (
    ChannelId,
    Delivery,
    DeliveryClass,
    IncidentId,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    OwnerId,
)
from tests.alerts.outbox import FakeClock, MemoryOutbox
from tests.alerts.people import make_project, owners
from tests.alerts.receiver import Planned, Receiver
from tests.make import NOW, make_intent

PROJECT = make_project()
FINAL = {IntentStatus.SENT, IntentStatus.CANCELLED, IntentStatus.DEAD}


class Scripted:
    """A channel that gives the planned answers in turn, then OK, and keeps what it was handed."""

    def __init__(
        self, *answers: Answer, is_keyed: bool = False, per_minute: int | None = None
    ) -> None:
        self.answers = list(answers)
        self.is_keyed = is_keyed
        self.per_minute = per_minute
        self.per_second: float | None = None
        self.quiet_minutes: tuple[int, ...] = ()
        self.sent: list[tuple[Intent, bool]] = []

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        assert owner.id == intent.recipient_id
        self.sent.append((intent, repeat))
        return self.answers.pop(0) if self.answers else Answer(outcome=DeliveryClass.OK)


def answer(outcome: DeliveryClass, **fields: Any) -> Answer:
    return Answer(outcome=outcome, text=str(outcome), http_status=200, **fields)


RETRY = answer(DeliveryClass.RETRY)
PERMANENT = answer(DeliveryClass.PERMANENT)
AMBIGUOUS = answer(DeliveryClass.AMBIGUOUS)


class Post:
    """A courier with scripted channels and a clock in hand."""

    def __init__(self, *intents: Intent, project: Project = PROJECT, **channels: Scripted) -> None:
        self.outbox = MemoryOutbox(*intents)
        self.clock = FakeClock(NOW)
        self.channels = {ChannelId(name): sender for name, sender in channels.items()}
        for name in ("bot", "mail", "hook"):
            self.channels.setdefault(ChannelId(name), Scripted())
        self.courier = Courier(self.outbox, self.channels, project, self.clock, chance=lambda: 0.5)

    def deliver(self, limit: int = 50) -> int:
        return asyncio.run(self.courier.deliver_due(limit))

    def run_dry(self, rounds: int = 60) -> None:
        """Deliver, each time going on to when the next one is due."""
        for _ in range(rounds):
            waiting = [i.due_at for i in self.outbox.intents.values() if i.status not in FINAL]
            if not waiting:
                return
            self.clock.at = max(self.clock.at, min(waiting))
            self.deliver()

    def status(self, intent: Intent) -> IntentStatus:
        return self.outbox.intents[intent.intent_id].status

    def heirs(self, intent: Intent) -> list[Intent]:
        return [i for i in self.outbox.intents.values() if i.fallback_of == intent.intent_id]


def notice(n: int = 1, **fields: Any) -> Intent:
    return make_intent(f"intent-{n}", **fields)


def test_due_intent_is_sent_and_its_attempt_recorded() -> None:
    intent = notice()
    post = Post(intent)

    assert post.deliver() == 1
    assert post.status(intent) is IntentStatus.SENT
    [(channel, delivery)] = post.outbox.deliveries
    assert (channel, delivery.n, delivery.outcome) == ("bot", 1, DeliveryClass.OK)
    assert delivery.ended_at == NOW


def test_intent_held_for_later_is_left_alone() -> None:
    post = Post(notice(due_at=NOW + timedelta(hours=1)))

    assert post.deliver() == 0


def test_retries_wait_longer_each_time_and_then_the_next_channel_takes_over() -> None:
    intent = notice(level=Level.RED, deadline_at=NOW + timedelta(minutes=2))
    post = Post(intent, bot=Scripted(*[RETRY] * 20))
    post.run_dry()

    starts = [d.started_at for c, d in post.outbox.deliveries if c == "bot"]
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(starts)]
    assert gaps == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert post.status(intent) is IntentStatus.DEAD
    [heir] = post.heirs(intent)
    assert (heir.recipient_id, heir.channel_id) == ("lin", "mail")
    assert post.status(heir) is IntentStatus.SENT


def test_permanent_failure_uses_the_next_channel_at_once() -> None:
    intent = notice()
    post = Post(intent, bot=Scripted(PERMANENT))
    post.deliver()

    [heir] = post.heirs(intent)
    assert post.status(intent) is IntentStatus.DEAD
    assert heir.due_at == NOW
    assert heir.body == intent.body


def test_when_all_channels_of_a_person_fail_the_fallback_people_hear() -> None:
    body = (
        "【橙】漏水\n编号：舆-7F3K\n查看事件：https://d/i\n确认收到：https://d/t/x\n为什么通知你：…"
    )
    intent = notice(body=body, html="<p>x</p>")
    post = Post(intent, bot=Scripted(PERMANENT), mail=Scripted(PERMANENT))
    post.run_dry()

    last = [i for i in post.outbox.intents.values() if i.kind == "notice"][-1]
    assert (last.recipient_id, last.channel_id) == ("sun", "hook")
    assert "原定通知林晓，未能送达" in last.body
    assert "查看事件：https://d/i" in last.body
    assert "确认收到" not in last.body
    assert last.html == ""
    assert post.status(last) is IntentStatus.SENT


def test_nobody_left_is_tried_on_and_never_dropped() -> None:
    alone = make_project(
        owners=[{"id": "lin", "name": "林晓", "channels": ["bot"]}], routes=[], fallback=["lin"]
    )
    intent = notice()
    post = Post(intent, project=alone, bot=Scripted(PERMANENT, PERMANENT))
    post.deliver()

    assert post.status(intent) is IntentStatus.RETRY
    post.run_dry()
    assert post.status(intent) is IntentStatus.SENT


def test_fallback_line_is_walked_once() -> None:
    intent = notice()
    fails = {name: Scripted(*[PERMANENT] * 400) for name in ("bot", "mail", "hook")}
    post = Post(intent, **fails)
    post.run_dry(rounds=30)

    people = [i.recipient_id for i in post.outbox.intents.values() if i.kind == "notice"]
    assert people == ["lin", "lin", "sun", "sun", "wu"]
    last = [i for i in post.outbox.intents.values() if i.kind == "notice"][-1]
    assert last.status is IntentStatus.RETRY


def test_digest_never_goes_to_somebody_else() -> None:
    intent = notice(kind="digest", incident_id=None, level=Level.NONE, deadline_at=None)
    post = Post(intent, bot=Scripted(PERMANENT), mail=Scripted(PERMANENT))
    post.deliver()
    post.deliver()

    digests = [i for i in post.outbox.intents.values() if i.kind == "digest"]
    assert {i.recipient_id for i in digests} == {"lin"}


@pytest.mark.parametrize(
    ("kind", "status"), [("digest", IntentStatus.CANCELLED), ("source", IntentStatus.DEAD)]
)
def test_digest_of_a_removed_person_is_given_up(kind: str, status: IntentStatus) -> None:
    gone = OwnerId("gone")
    intent = notice(kind=kind, incident_id=None, recipient_id=gone, deadline_at=None)
    post = Post(intent)
    post.run_dry()

    assert post.status(intent) is status


def test_removed_person_is_replaced_by_the_fallback() -> None:
    intent = notice(recipient_id=OwnerId("gone"))
    post = Post(intent)
    post.run_dry()

    [heir] = post.heirs(intent)
    assert heir.recipient_id == "sun"
    assert post.outbox.deliveries[0][1].intent_id == heir.intent_id


def test_fallback_person_on_holiday_is_passed_over() -> None:
    away = [[(NOW - timedelta(days=1)).date().isoformat(), NOW.date().isoformat()]]
    project = make_project(owners=owners(sun={"away": away}))
    heir = fallback_intent(notice(channel_id=ChannelId("mail")), project, NOW)

    assert heir is not None
    assert heir.recipient_id == "wu"


def test_throttled_channel_rests_for_everybody() -> None:
    first, second = notice(1, level=Level.YELLOW), notice(2, level=Level.YELLOW)
    throttled = answer(DeliveryClass.THROTTLED, retry_after_s=90.0)
    bot = Scripted(throttled)
    post = Post(first, second, bot=bot)
    post.deliver(limit=1)
    post.clock.pass_time(seconds=1)
    post.deliver()

    assert len(bot.sent) == 1
    assert {i.due_at for i in post.outbox.intents.values()} == {NOW + timedelta(seconds=90)}


def test_lost_answer_is_sent_again_after_two_minutes_and_marked() -> None:
    intent = notice(level=Level.ORANGE)
    bot = Scripted(AMBIGUOUS)
    post = Post(intent, bot=bot)
    post.deliver()

    assert post.status(intent) is IntentStatus.AMBIGUOUS
    post.clock.pass_time(seconds=119)
    assert post.deliver() == 0
    post.clock.pass_time(seconds=1)
    post.deliver()
    assert [repeat for _, repeat in bot.sent] == [False, True]


def test_keyed_channel_is_tried_again_without_hold_or_mark() -> None:
    intent = notice(channel_id=ChannelId("hook"), recipient_id=OwnerId("chen"))
    hook = Scripted(AMBIGUOUS, is_keyed=True)
    post = Post(intent, hook=hook)
    post.deliver()
    post.clock.pass_time(seconds=2)
    post.deliver()

    assert [repeat for _, repeat in hook.sent] == [False, False]
    assert post.status(intent) is IntentStatus.SENT


def test_a_refused_repeat_stays_a_repeat() -> None:
    intent = notice(level=Level.ORANGE, deadline_at=NOW + timedelta(hours=1))
    bot = Scripted(AMBIGUOUS, RETRY)
    post = Post(intent, bot=bot)
    post.run_dry()

    assert [repeat for _, repeat in bot.sent] == [False, True, True]


def test_yellow_is_sent_again_once_and_then_elsewhere() -> None:
    intent = notice(level=Level.YELLOW, deadline_at=NOW + timedelta(minutes=30))
    bot = Scripted(AMBIGUOUS, AMBIGUOUS)
    post = Post(intent, bot=bot)
    post.run_dry()

    assert len(bot.sent) == 2
    assert [heir.channel_id for heir in post.heirs(intent)] == ["mail"]


def test_blue_is_left_to_the_digest() -> None:
    intent = notice(level=Level.BLUE, deadline_at=NOW + timedelta(hours=20))
    post = Post(intent, bot=Scripted(AMBIGUOUS))
    post.run_dry()

    assert post.status(intent) is IntentStatus.CANCELLED
    assert "digest" in post.outbox.intents[intent.intent_id].reason


def test_sender_that_vanished_makes_the_next_attempt_a_repeat() -> None:
    intent = notice()
    bot = Scripted()
    post = Post(intent, bot=bot)
    [claimed] = post.outbox.claim_intents(NOW, 1, 60)
    post.outbox.start_delivery(claimed, NOW)
    post.outbox.lose_sender(claimed, NOW)
    post.run_dry()

    assert [repeat for _, repeat in bot.sent] == [True]
    assert not post.outbox.finish_delivery(claimed, None, IntentStatus.SENT)


def test_channel_that_breaks_does_not_stop_the_others() -> None:
    class Broken(Scripted):
        async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
            raise ZeroDivisionError

    first = notice(1)
    second = notice(2, channel_id=ChannelId("mail"))
    post = Post(first, second, bot=Broken())
    post.deliver()

    assert post.status(first) is IntentStatus.AMBIGUOUS
    assert post.status(second) is IntentStatus.SENT


def test_lost_lease_leaves_the_message_to_the_other_sender() -> None:
    class Taken(MemoryOutbox):
        def start_delivery(self, *_: Any, **__: Any) -> Delivery:
            raise StoreError("lease lost")

    bot = Scripted()
    post = Post(notice(), bot=bot)
    post.outbox.__class__ = Taken
    post.deliver()

    assert bot.sent == []


def test_dead_channel_gets_no_more_in_the_same_pass() -> None:
    no_line = Answer(outcome=DeliveryClass.RETRY, text="no connection")
    bot = Scripted(*[no_line] * 50)
    post = Post(*(notice(n) for n in range(30)), bot=bot)
    post.deliver()

    assert len(bot.sent) <= 4
    assert all(i.due_at > NOW for i in post.outbox.intents.values())


@pytest.mark.parametrize(("level", "most"), [(Level.YELLOW, 8), (Level.RED, 12)])
def test_no_minute_holds_more_than_the_budget(level: Level, most: int) -> None:
    bot = Scripted(per_minute=12)
    letters = [notice(n, level=level, incident_id=None, deadline_at=None) for n in range(60)]
    post = Post(*letters, bot=bot)
    moments = []
    for _ in range(900):
        before = len(bot.sent)
        post.deliver()
        moments += [post.clock.at] * (len(bot.sent) - before)
        post.clock.pass_time(seconds=1)

    assert len(moments) == 60
    for moment in moments:
        within = [at for at in moments if moment <= at < moment + timedelta(seconds=60)]
        assert len(within) <= most


def test_budget_survives_a_restart() -> None:
    letters = [notice(n, level=Level.RED, incident_id=None, deadline_at=None) for n in range(40)]
    post = Post(*letters, bot=Scripted(per_minute=12))
    for _ in range(59):
        restarted = Courier(post.outbox, post.channels, PROJECT, post.clock, chance=lambda: 0.5)
        asyncio.run(restarted.deliver_due())
        post.clock.pass_time(seconds=1)

    bot = post.channels[ChannelId("bot")]
    assert isinstance(bot, Scripted)
    assert 10 <= len(bot.sent) <= 12


def test_red_goes_before_and_beside_a_crowd_of_yellow() -> None:
    crowd = [notice(n, level=Level.YELLOW, incident_id=IncidentId(f"01I{n:04}")) for n in range(40)]
    bot = Scripted(per_minute=12)
    post = Post(*crowd, bot=bot)
    post.deliver()
    red = notice(99, level=Level.RED)
    post.outbox.intents[red.intent_id] = red
    post.clock.pass_time(seconds=1)
    post.deliver()

    assert len(bot.sent) == 3  # two of the crowd; the others are told together a minute later
    assert bot.sent[-1][0].intent_id == red.intent_id


def test_first_red_waits_for_nobody_and_goes_elsewhere_when_the_channel_rests() -> None:
    bot = Scripted(*[answer(DeliveryClass.THROTTLED, retry_after_s=90.0)])
    first, second = notice(1, level=Level.YELLOW), notice(2, level=Level.RED)
    post = Post(first, bot=bot)
    post.deliver()
    post.outbox.intents[second.intent_id] = second
    post.deliver()

    [heir] = post.heirs(second)
    assert (heir.recipient_id, heir.channel_id) == ("lin", "mail")
    assert post.outbox.intents[first.intent_id].status is IntentStatus.RETRY


def test_channel_that_fails_again_and_again_is_only_probed() -> None:
    down = Answer(outcome=DeliveryClass.RETRY, text="503", http_status=503)
    bot = Scripted(*[down] * 100)
    late = NOW + timedelta(days=1)
    post = Post(
        *(notice(n, level=Level.YELLOW, incident_id=None, deadline_at=late) for n in range(30)),
        bot=bot,
    )
    per_minute = []
    for _ in range(10):
        before = len(bot.sent)
        for _ in range(12):
            post.deliver()
            post.clock.pass_time(seconds=5)
        per_minute.append(len(bot.sent) - before)

    assert per_minute[0] <= 9  # four at once until it is seen that five in a row failed
    assert max(per_minute[3:]) <= 1
    bot.answers.clear()
    post.run_dry(rounds=400)
    assert all(one.status is IntentStatus.SENT for one in post.outbox.intents.values())


def test_refused_message_is_told_to_an_administrator_once_a_day() -> None:
    project = make_project(owners=owners(sun={"role": "admin"}))
    crowd = [notice(n, incident_id=IncidentId(f"01I{n:04}")) for n in range(3)]
    post = Post(*crowd, project=project, bot=Scripted(*[PERMANENT] * 3))
    post.run_dry()

    told = [one for one in post.outbox.intents.values() if one.kind == "channel"]
    assert [(one.recipient_id, one.channel_id) for one in told] == [("sun", "hook")]
    assert "拒收" in told[0].subject
    assert told[0].status is IntentStatus.SENT


@given(
    outcomes=st.lists(st.sampled_from(list(DeliveryClass)), max_size=25),
    level=st.sampled_from(list(Level)),
    is_keyed=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_every_message_ends_and_none_is_lost(
    outcomes: list[DeliveryClass], level: Level, is_keyed: bool
) -> None:
    """P2: sent, cancelled or dead with an heir. P4: copies ≤ 1 + ambiguous attempts."""
    answers = [answer(outcome) for outcome in outcomes]
    intent = notice(level=level, deadline_at=NOW + timedelta(minutes=5))
    channels = {name: Scripted(*answers, is_keyed=is_keyed) for name in ("bot", "mail", "hook")}
    post = Post(intent, **channels)
    post.run_dry(rounds=200)

    for stored in post.outbox.intents.values():
        assert stored.status in FINAL
        if stored.status is IntentStatus.DEAD:
            assert len(post.heirs(stored)) == 1
    by_intent: dict[IntentId, list[DeliveryClass]] = {}
    for _, delivery in post.outbox.deliveries:
        assert delivery.outcome is not None
        by_intent.setdefault(delivery.intent_id, []).append(delivery.outcome)
    for tries in by_intent.values():
        shown = [o for o in tries if o in {DeliveryClass.OK, DeliveryClass.AMBIGUOUS}]
        assert len(shown) <= 1 + tries.count(DeliveryClass.AMBIGUOUS)
    cancelled = [s for s in post.outbox.intents.values() if s.status is IntentStatus.CANCELLED]
    # what a summary says was never tried by itself
    ended_badly = [s for s in cancelled if not s.reason.startswith("coalesced:")]
    assert all(by_intent[s.intent_id][-1] is DeliveryClass.AMBIGUOUS for s in ended_badly)


@given(attempts=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_waits_are_bounded(attempts: int, chance: float) -> None:
    assert 1.0 <= backoff(attempts, chance).total_seconds() <= 300.0


def test_ruling_names_its_reason() -> None:
    ruling = rule(notice(), PERMANENT, NOW, is_keyed=False, chance=0.5)

    assert ruling.reason == "permanent"


# --- the whole way to a real receiver ---


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("YUNQUE_BOT", "bot-key")
    monkeypatch.setenv("YUNQUE_HOOK", "hook-key")
    with Receiver() as receiver:
        yield receiver


def real_project(receiver: Receiver) -> Project:
    return make_project(
        channels=[
            {
                "id": "bot",
                "kind": "wecom_bot",
                "key": "env:YUNQUE_BOT",
                "url": f"{receiver.url}/bot",
            },
            {
                "id": "hook",
                "kind": "webhook",
                "url": f"{receiver.url}/hook",
                "secret": "env:YUNQUE_HOOK",
            },
        ],
        owners=[{"id": "lin", "name": "林晓", "channels": ["bot", "hook"]}],
        routes=[],
        fallback=["lin"],
        settings={"allow_private": [receiver.address]},
    )


def test_refusal_at_http_200_moves_the_message_to_the_next_channel(receiver: Receiver) -> None:
    project = real_project(receiver)
    refusal = b'{"errcode":93000,"errmsg":"invalid webhook url, hint: [1710043200]"}'
    receiver.plan(Planned(body=refusal), Planned(status=204, body=b""))
    outbox = MemoryOutbox(notice())
    courier = Courier(outbox, make_senders(project), project, FakeClock(NOW))
    asyncio.run(courier.deliver_due())
    asyncio.run(courier.deliver_due())

    told = [i.status for i in outbox.intents.values() if i.kind == "notice"]
    assert told == [IntentStatus.DEAD, IntentStatus.SENT]
    assert [d.provider_code for _, d in outbox.deliveries][:2] == ["93000", ""]
    later = receiver.requests[1:]  # with the notice about the channel, in either order
    assert {request.target for request in later} == {"/hook"}
    assert notice().body in [json.loads(request.body)["text"] for request in later]
    assert "bot-key" not in repr(outbox.deliveries)


def test_same_message_with_a_lost_answer_arrives_at_most_twice(receiver: Receiver) -> None:
    project = real_project(receiver)
    receiver.plan(Planned(act="reset"))
    clock = FakeClock(NOW)
    outbox = MemoryOutbox(notice())
    courier = Courier(outbox, make_senders(project), project, clock)
    asyncio.run(courier.deliver_due())
    clock.pass_time(minutes=2)
    asyncio.run(courier.deliver_due())

    first, second = (json.loads(request.body)["text"]["content"] for request in receiver.requests)
    assert second == f"【重发】{first}"
    assert outbox.intents[IntentId("intent-1")].status is IntentStatus.SENT
