"""Too much at once: what is sent, what waits, what is told together; alerting.md 5.5 and P15."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels import Answer
from alerts.delivery import Courier
from alerts.storm import MOST, Storm
from config.schema import Owner, Project
from storage import bucket
from storage.records import (
    Backlog,
    Budget,
    ChannelId,
    DeliveryClass,
    IncidentId,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    OwnerId,
    Plan,
    Waiting,
)
from tests.alerts.outbox import FakeClock, MemoryOutbox
from tests.alerts.people import make_project
from tests.make import NOW, make_intent

BOT = ChannelId("bot")
PEOPLE = ("lin", "zhao", "chen", "sun", "wu")
BUDGET = Budget(per_minute=12)


def company() -> Project:
    """Five people who all hear on one group bot first, and by mail when it fails."""
    return make_project(
        owners=[
            {"id": one, "name": one, "channels": ["bot", "mail"], "email": f"{one}@yunque.example"}
            for one in PEOPLE
        ],
        routes=[],
        fallback=["sun", "wu"],
    )


PROJECT = company()


def notice(n: int, owner: str = "lin", level: Level = Level.YELLOW, **fields: Any) -> Intent:
    at = fields.pop("at", NOW)
    values: dict[str, Any] = {
        "incident_id": IncidentId(f"01STORM{n:05}"),
        "recipient_id": OwnerId(owner),
        "level": level,
        "subject": f"【{level.zh}】澜禾滤芯渗水{n}·{n}人",
        "created_at": at,
        "due_at": at,
        "deadline_at": at + timedelta(minutes=30),
    }
    return make_intent(f"m{n:05}-{owner}", **(values | fields))


def plan(*intents: Intent, limit: int = 50, at: datetime = NOW, **fields: Any) -> Plan:
    due = sorted(intents, key=lambda one: (-one.level, one.due_at))
    backlog = Backlog(
        due=tuple(Waiting(intent=one, code=f"舆-{one.intent_id[1:6]}") for one in due),
        read_at=at,
        **fields,
    )
    storm = Storm(
        PROJECT, {BOT: BUDGET, ChannelId("mail"): Budget()}, lambda one: f"https://d/{one}"
    )
    return storm.plan(backlog, at, limit)


def test_what_fits_is_taken_one_by_one() -> None:
    decided = plan(notice(1), notice(2, "zhao"))

    assert decided == Plan(take=(IntentId("m00001-lin"), IntentId("m00002-zhao")))


def test_crowd_of_one_person_is_told_together_and_every_one_is_named_or_counted() -> None:
    decided = plan(*(notice(n) for n in range(40)))

    [summary] = decided.summaries
    assert len(decided.take) == 2
    assert {*decided.take, *summary.members} == {f"m{n:05}-lin" for n in range(40)}
    assert summary.intent.due_at == NOW + timedelta(minutes=1)
    assert "黄 38 条" in summary.intent.body
    assert "https://d/01STORM00002" in summary.intent.body
    assert "另有 26 条" in summary.intent.body
    assert "汇-" in summary.intent.body


def test_text_stays_within_the_bytes_of_the_channel() -> None:
    crowd = [notice(n, level=Level.RED, subject="【红】" + "澜" * 36) for n in range(60)]
    [summary] = plan(*crowd).summaries

    assert len(summary.intent.body.encode()) <= 2048
    assert summary.intent.body.split("\n")[1].startswith("编号：汇-")
    assert len(summary.intent.subject) <= 40
    assert len(summary.intent.words["text"]) <= 60


def test_red_ones_go_singly_within_their_share_and_the_rest_at_once_together() -> None:
    decided = plan(*(notice(n, level=Level.RED) for n in range(9)))

    [summary] = decided.summaries
    assert len(decided.take) == 4
    assert len(summary.members) == 5
    assert (summary.intent.level, summary.intent.due_at) == (Level.RED, NOW)


def test_waiting_summary_grows_and_a_graver_one_hurries_it() -> None:
    [first] = plan(*(notice(n) for n in range(9))).summaries
    later = NOW + timedelta(seconds=5)
    state = bucket.fresh(BOT, BUDGET, later)
    known = {first.intent.intent_id: tuple(_member(n) for n in range(2, 9))}
    reds = [notice(n, level=Level.RED, at=later) for n in range(50, 57)]
    decided = plan(
        *reds, notice(70), at=later, summaries=(first.intent,), members=known, states={BOT: state}
    )

    [grown] = decided.summaries
    assert not grown.is_new
    assert grown.intent.intent_id == first.intent.intent_id
    assert grown.intent.due_at <= later
    assert "红 3 条、黄 8 条" in grown.intent.body


def _member(n: int) -> Any:
    from storage.records import Member

    one = notice(n)
    return Member(level=one.level, subject=one.subject, incident_id=one.incident_id, code="")


def test_what_may_be_out_already_is_never_folded() -> None:
    maybe = [notice(n, status=IntentStatus.AMBIGUOUS) for n in range(9)]
    decided = plan(*maybe)

    assert decided.summaries == ()
    assert len(decided.take) + len(decided.put_off) == 9


def test_digests_and_tests_wait_for_room_and_are_not_folded() -> None:
    letters = [notice(n, incident_id=None, kind="digest", level=Level.NONE) for n in range(9)]
    decided = plan(*letters)

    assert decided.summaries == ()
    assert (len(decided.take), len(decided.put_off)) == (2, 7)
    assert min(decided.put_off.values()) > NOW


def test_crowded_minutes_of_a_provider_hold_what_is_below_orange() -> None:
    storm = Storm(PROJECT, {BOT: Budget(per_minute=60, quiet_minutes=(0,))}, lambda _: "")
    due = (Waiting(intent=notice(1, level=Level.RED)), Waiting(intent=notice(2, "zhao")))
    decided = storm.plan(Backlog(due=due, read_at=NOW), NOW, 50)

    assert NOW.minute == 0
    assert decided.take == (IntentId("m00001-lin"),)
    assert decided.put_off[IntentId("m00002-zhao")] >= NOW + timedelta(seconds=60)


class Provider:
    """A group bot as the provider runs it: more than 20 in any minute is refused."""

    is_keyed = False
    per_minute = 12
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.shown: list[tuple[datetime, Intent]] = []
        self.throttled = 0

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        del owner, repeat
        since = self.clock.at - timedelta(seconds=60)
        if sum(at > since for at, _ in self.shown) >= 20:
            self.throttled += 1
            return Answer(outcome=DeliveryClass.THROTTLED, text="45009", retry_after_s=60.0)
        self.shown.append((self.clock.at, intent))
        return Answer(outcome=DeliveryClass.OK, http_status=200)


class Mail(Provider):
    per_minute = None  # type: ignore[assignment]


def weather(raises: int, red_at: int) -> tuple[MemoryOutbox, Provider, dict[str, datetime]]:
    """Raise so many incidents within a minute, each told to two people, and twenty quiet minutes."""
    clock = FakeClock(NOW)
    outbox, bot = MemoryOutbox(), Provider(clock)
    channels = {BOT: bot, ChannelId("mail"): Mail(clock)}
    courier = Courier(outbox, channels, PROJECT, clock, chance=lambda: 0.5)
    raised: dict[str, datetime] = {}
    for second in range(1260):
        if second < 60:
            for n in range(second * raises // 60, (second + 1) * raises // 60):
                level = (
                    Level.RED if n == red_at else (Level.ORANGE if n % 50 == 0 else Level.YELLOW)
                )
                for owner in (PEOPLE[n % 5], "sun" if n % 5 != 3 else "wu"):
                    one = notice(n, owner, level, at=clock.at)
                    outbox.intents[one.intent_id] = one
                    raised[one.intent_id] = clock.at
        asyncio.run(courier.deliver_due())
        clock.pass_time(seconds=1)
    return outbox, bot, raised


def test_storm_of_a_thousand_raises() -> None:
    """0 throttles, first red within the minute, ten messages a person at most, all told."""
    raises = int(os.environ.get("GROUNDSWELL_STORM", "300"))
    outbox, bot, raised = weather(raises, red_at=raises // 2)

    assert bot.throttled == 0
    sent = {intent.intent_id for _, intent in bot.shown}
    for intent_id in raised:
        told_by = outbox.told_in.get(IntentId(intent_id), IntentId(intent_id))
        assert told_by in sent, (intent_id, outbox.intents[IntentId(intent_id)])
    reds = [(at, one) for at, one in bot.shown if one.level is Level.RED and one.kind == "notice"]
    assert {one.recipient_id for _, one in reds} == {"sun", PEOPLE[(raises // 2) % 5]}
    assert all(at - one.created_at <= timedelta(seconds=10) for at, one in reds)
    for person in PEOPLE:
        heard = [at for at, one in bot.shown if one.recipient_id == person]
        most = max(sum(at <= x < at + timedelta(minutes=10) for x in heard) for at in heard)
        assert most <= MOST
    minutes = Counter(int((at - NOW).total_seconds()) // 60 for at, _ in bot.shown)
    assert max(minutes.values()) <= 12


@settings(max_examples=int(os.environ.get("GROUNDSWELL_EXAMPLES", "60")), deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.booleans(), st.sampled_from(["", "restart", "back"])),
        max_size=120,
    ),
    per_minute=st.integers(1, 60),
)
def test_no_sixty_seconds_hold_more_than_the_budget(
    steps: list[tuple[float, bool, str]], per_minute: int
) -> None:
    """P15: whatever the levels and the pauses, over restarts and a clock that is set back."""
    budget = Budget(per_minute=per_minute)
    steady, wall = 0.0, NOW
    state = bucket.fresh(BOT, budget, wall)
    taken: list[tuple[float, bool]] = []
    last: float | None = None
    for pause, grave, event in steps:
        steady += pause
        wall += timedelta(seconds=pause)
        if event == "back":
            wall -= timedelta(days=3)
        if event == "restart":
            last = None  # a new process knows the row only
        state, wait = bucket.spend(
            state,
            budget,
            wall,
            grave=grave,
            elapsed_at_most_s=None if last is None else steady - last,
        )
        if wait is None:
            taken.append((steady, grave))
            last = steady
    for start, _ in taken:
        within = [grave for at, grave in taken if start <= at < start + 60]
        assert len(within) <= per_minute
        assert within.count(False) <= max(1, per_minute * 2 // 3)


def test_clock_set_forward_by_a_year_adds_a_burst_at_most() -> None:
    budget = Budget(per_minute=12)
    state = bucket.fresh(BOT, budget, NOW)
    taken = 0
    for at in [NOW] * 9 + [NOW + timedelta(days=400)] * 9:
        state, wait = bucket.spend(state, budget, at, grave=True)
        taken += wait is None

    assert taken == 8  # of the provider's twenty
    state, wait = bucket.spend(
        state, budget, NOW + timedelta(days=800), grave=True, elapsed_at_most_s=0.1
    )
    assert wait is not None


def test_clock_set_back_stops_nothing() -> None:
    budget = Budget(per_minute=12)
    state = bucket.fresh(BOT, budget, NOW)
    blocked = bucket.after(state, DeliveryClass.THROTTLED, NOW, retry_after_s=300.0)
    early = NOW - timedelta(days=400)
    state, first = bucket.spend(blocked, budget, early, grave=True)
    state, second = bucket.spend(state, budget, early + timedelta(seconds=61), grave=True)

    assert first is not None
    assert first.seconds <= 60
    assert second is None


def test_channel_with_a_pace_keeps_it() -> None:
    budget = Budget(per_minute=60, per_second=2.0)
    state = bucket.fresh(BOT, budget, NOW)
    state, first = bucket.spend(state, budget, NOW, grave=True)
    _, second = bucket.spend(state, budget, NOW + timedelta(seconds=0.2), grave=True)

    assert first is None
    assert second is not None
    assert (second.reason, round(second.seconds, 3)) == ("pace", 0.3)


def test_waiting_for_a_token_always_takes_some_time() -> None:
    """A wait that rounds to no time at all is due at once, and never over on a clock that stands."""
    budget = Budget(per_minute=12)
    state, at = bucket.fresh(ChannelId("bot"), budget, NOW), NOW
    for _ in range(200):
        state, wait = bucket.spend(state, budget, at, grave=False)
        if wait is not None:
            later = at + timedelta(seconds=wait.seconds)
            assert later > at
            at = later
