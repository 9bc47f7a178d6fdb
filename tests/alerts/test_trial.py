"""Trials: what is on trial reaches its reviewer, marked, and nobody else; 1,000 random incidents."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from alerts.channels.answer import Answer
from alerts.delivery import Courier
from alerts.fallback import fallback_intent
from alerts.incidents import Command, IllegalMove, on_command, on_grade
from alerts.timers import on_timers
from alerts.trial import CANCELLED, MARK, digest_share, is_astray, meant_for, redirect, under_way
from config.schema import Owner, Project
from groundswell.digests import Digests
from groundswell.gate import SendGate
from groundswell.links import SignedLinks
from storage import tables
from storage.records import (
    BrandId,
    Change,
    ChannelId,
    DeliveryClass,
    DigestFacts,
    Incident,
    Intent,
    IntentStatus,
    Level,
    TrialEnd,
)
from storage.rows import incident_row
from storage.store import Store
from tests.alerts.outbox import FakeClock
from tests.alerts.people import SETTINGS as SETTINGS_OF
from tests.alerts.people import PlainLinks, make_project
from tests.make import NOW, make_cluster, make_evidence, make_grade, make_intent

# More acts per incident: GROUNDSWELL_TRIAL_ACTS=20 pytest tests/alerts/test_trial.py
ACTS = int(os.environ.get("GROUNDSWELL_TRIAL_ACTS", "0"))
INCIDENTS = 1000
ACTED_ON = 1000 if ACTS else 60
REVIEWER = "wu"
LINKS = PlainLinks()
# 云雀 by brand, 百衡 by the route it comes by (none), whatever else by its reader
TRIALS = [
    {"id": "brand", "brand": ["yunque"], "reviewer": REVIEWER, "since": "2026-03-01"},
    {"id": "rest", "route": ["fallback"], "reviewer": REVIEWER, "since": "2026-03-01"},
    {
        "id": "people",
        "person": ["lin", "zhao", "chen", "sun"],
        "reviewer": REVIEWER,
        "since": "2026-03-01",
    },
]
PEOPLE = ("lin", "zhao", "chen", "sun", "wu")
SETTINGS = {"confirm_addresses": False}


def project_on_trial(trials: list[dict[str, object]] | None = None, **changes: object) -> Project:
    return make_project(
        trials=TRIALS if trials is None else trials, **({"settings": SETTINGS} | changes)
    )


PROJECT = project_on_trial()
ON_BRAND = project_on_trial(TRIALS[:1])


def raised(project: Project, level: Level = Level.ORANGE, n: int = 0) -> Change:
    live = tuple((NOW - timedelta(minutes=i), f"tousu:人{i}") for i in range(12, 0, -1))
    evidence = make_evidence(
        cluster=make_cluster(f"yunque-{n:08x}"), authors=12, live_authors=live, watch_authors=live
    )
    change = on_grade(None, evidence, make_grade(level), project, NOW, links=LINKS)
    assert change is not None
    return change


class Unreliable:
    """A channel that fails in every way at random, and keeps to whom it was handed what."""

    is_keyed = False
    per_minute = 40
    per_second = None
    quiet_minutes = ()

    def __init__(self, chance: random.Random, *outcomes: DeliveryClass) -> None:
        self.chance = chance
        self.outcomes = outcomes or tuple(DeliveryClass)
        self.sent: list[Intent] = []

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        del owner, repeat
        self.sent.append(intent)
        return Answer(outcome=self.chance.choice(self.outcomes), text="随机")


# --- one message ---------------------------------------------------------------------------------


def test_an_act_on_trial_is_one_message_that_names_everybody() -> None:
    change = raised(ON_BRAND)
    [intent] = change.intents

    assert intent.recipient_id == REVIEWER
    assert intent.channel_id == "mail"
    assert intent.trial_id == "brand"
    assert meant_for(intent) == ("lin", "zhao")  # orange: the owner and PR beside him
    first, head, *rest = intent.body.split("\n")
    assert first.startswith(f"【{MARK}】【橙】")
    assert (
        head
        == "试运行（brand）只发给你。本应通知：林晓（bot 12:00、mail 12:00）、赵敏（mail 12:00）"
    )
    assert f"https://desk.yunque.example/t/ack.{REVIEWER}.1" in "\n".join(rest)  # acts as himself
    assert f"ack.{REVIEWER}" in intent.actions[0].url
    assert intent.subject.startswith(f"【{MARK}】")
    assert len(intent.subject) <= 40
    assert head in intent.html
    assert change.events[-1].kind == "on_trial"
    assert change.incident.trial_id == "brand"


def test_what_no_trial_covers_is_left_alone() -> None:
    change = raised(make_project(settings=SETTINGS))
    for intent in change.intents:
        assert redirect(intent, change.incident, make_project()) == intent
    by_route = project_on_trial([TRIALS[1]])

    assert [one.trial_id for one in raised(by_route).intents] == ["", "", ""]


def test_a_person_on_trial_is_read_by_his_reviewer_the_others_are_told() -> None:
    project = project_on_trial([TRIALS[2] | {"person": ["zhao"]}])
    told = {(one.recipient_id, one.trial_id) for one in raised(project).intents}

    assert told == {("lin", ""), (REVIEWER, "people")}


def test_after_going_live_the_next_message_is_real_and_says_so() -> None:
    incident = raised(ON_BRAND).incident
    live = under_way(ON_BRAND, {"brand"}, NOW)
    first = on_command(incident, Command(name="escalate", actor="lin"), live, NOW, links=LINKS)
    again = on_command(
        first.incident, Command(name="escalate", actor="lin"), live, NOW, links=LINKS
    )

    assert {one.recipient_id for one in first.intents} == {"chen"}
    assert "此前为试运行" in first.intents[0].body
    assert first.incident.trial_id == ""
    assert first.incident.told == ("chen",)  # nobody else was told for real
    assert not any("试运行" in one.body for one in again.intents)


def test_a_trial_begins_on_its_first_day_and_ends_by_its_id() -> None:
    assert under_way(ON_BRAND, (), NOW).trials
    assert not under_way(ON_BRAND, (), NOW - timedelta(days=30)).trials
    assert not under_way(ON_BRAND, {"brand"}, NOW).trials
    renamed = project_on_trial([TRIALS[0] | {"id": "second"}])
    assert under_way(renamed, {"brand"}, NOW).trials  # a changed id starts anew


def test_a_reviewer_who_cannot_be_reached_is_tried_on_his_own_channels_only() -> None:
    project = project_on_trial([TRIALS[0] | {"reviewer": "sun"}])
    [intent] = raised(project).intents
    hops = []
    while (heir := fallback_intent(intent, project, NOW)) is not None:
        hops.append((heir.recipient_id, heir.channel_id, heir.trial_id))
        intent = heir

    assert hops == [("sun", "mail", "brand")]


def test_a_reviewer_whom_no_channel_reaches_is_no_reason_to_tell_a_group() -> None:
    owners = [
        one | ({"email": None} if one["id"] == REVIEWER else {}) for one in SETTINGS_OF["owners"]
    ]
    [intent] = raised(project_on_trial(TRIALS[:1], owners=owners)).intents

    assert (intent.recipient_id, intent.channel_id) == (REVIEWER, "mail")  # a dead letter in time


def test_a_digest_shows_what_is_on_trial_to_the_reviewer_only() -> None:
    incident = raised(ON_BRAND).incident
    other = replace(incident, incident_id="baiheng-1", brand_id="baiheng")
    facts = DigestFacts(day=date(2026, 3, 10), since=NOW, until=NOW, incidents=(incident, other))
    lin, wu = (ON_BRAND.owner(one) for one in ("lin", REVIEWER))
    assert lin is not None
    assert wu is not None

    assert digest_share(facts, lin, ON_BRAND).incidents == (other,)
    shown = digest_share(facts, wu, ON_BRAND).incidents
    assert [one.title.startswith("试运行·") for one in shown] == [True, False]
    assert REVIEWER in shown[0].told


def test_only_codes_answers_tests_and_corrections_pass_a_trial() -> None:
    incident = raised(ON_BRAND).incident
    for kind, astray in {
        "notice": True,
        "digest": False,  # not every brand is on trial
        "test": False,
        "verify": False,
        "answer": False,
        "correction": False,
    }.items():
        about = incident if kind == "notice" else None
        intent = make_intent(
            kind=kind, recipient_id="lin", incident_id=about.incident_id if about else None
        )
        assert is_astray(ON_BRAND, intent, about) is astray


# --- 1,000 random incidents ----------------------------------------------------------------------


def _random_raises(chance: random.Random) -> list[Change]:
    found: list[Change] = []
    taken: set[str] = set()
    for n in range(INCIDENTS):
        brand = BrandId(chance.choice(["yunque", "baiheng"]))
        live = ((NOW - timedelta(minutes=5), f"tousu:人{n}"),)
        evidence = make_evidence(
            cluster=make_cluster(f"{brand}-{n:08x}", brand_id=brand),
            live_authors=live,
            watch_authors=live,
            issue_classes=((chance.choice(["安全与人身", "产品质量", "售后服务"]), 1),),
        )
        # as in life: most are blue, and those are quick to write
        [level] = chance.choices([one for one in Level if one], [12, 4, 2, 1])
        grade = make_grade(level)
        change = on_grade(None, evidence, grade, PROJECT, NOW, links=LINKS, taken=taken)
        assert change is not None
        taken.add(change.incident.code)
        found.append(change)
    return found


def _random_acts(
    store: Store, incidents: list[Incident], chance: random.Random
) -> Iterator[Change]:
    """Escalate, assign, decline, acknowledge, close, let timers fire; whatever is allowed."""
    names = (
        "escalate",
        "assign",
        "not_mine",
        "ack",
        "note",
        "handled",
        "dismiss",
        "reopen",
        "grade",
    )
    for known in incidents * (ACTS or 1):
        at = NOW + timedelta(minutes=chance.randrange(600))
        with store.transaction() as tx:
            incident = tx.incident(known.incident_id)
            assert incident is not None
            command = Command(
                name=chance.choice(names),
                actor=chance.choice(PEOPLE),
                owner_id=chance.choice(PEOPLE),
                text="随机的一步",
                level=chance.choice([Level.BLUE, Level.RED]),
            )
            try:
                change = on_command(
                    incident, command, PROJECT, at, links=LINKS, grade=make_grade(at=at)
                )
            except IllegalMove:
                timers = [timer for _, due in tx.due_of([known.incident_id], at) for timer in due]
                change = on_timers(incident, timers, PROJECT, at, links=LINKS)
            if change.events and tx.save_change(change):
                yield change


def test_nothing_on_trial_leaves_the_reviewer_in_1000_random_incidents(sqlite_url: str) -> None:
    chance = random.Random(20260310)
    store = Store(sqlite_url)
    changes = _random_raises(chance)
    incidents = [change.incident for change in changes]
    with store.transaction() as tx:
        for change in changes[:ACTED_ON]:
            assert tx.save_change(change)
        rest = changes[ACTED_ON:]  # by hand: a fifth of the time that save_change takes
        rows = [incident_row(change.incident) for change in rest]
        tx.connection.execute(sa.insert(tables.incident), rows)
        tx.add_intents([intent for change in rest for intent in change.intents])
        # written before the trial was configured, or by a path that forgot it: the second fence
        tx.add_intents(
            [
                make_intent(
                    f"early-{n}", recipient_id=who, incident_id=rest[n].incident.incident_id
                )
                for n, who in enumerate(PEOPLE)
            ]
        )
    acts = list(_random_acts(store, incidents[:ACTED_ON], chance))
    links = SignedLinks("https://desk.yunque.example", "k" * 32)
    digests = Digests(store=store, project=PROJECT, links=links).write_due(NOW)
    clock = FakeClock(NOW)
    senders = {ChannelId(one.id): Unreliable(chance) for one in PROJECT.channels}
    gate = SendGate(store=store, project=PROJECT, clock=clock)
    courier = Courier(store, senders, PROJECT, clock, meter=clock, gate=gate)
    for _ in range(12):
        asyncio.run(courier.deliver_due(50))
        clock.pass_time(minutes=3)
    with store.read() as queries:
        kept = queries.outbox("all", clock.now(), 100_000)
    store.close()

    reached = {one.recipient_id for sender in senders.values() for one in sender.sent}
    assert reached == {REVIEWER}
    astray = [one for one in kept if one.recipient_id != REVIEWER]
    assert {(one.status, one.reason) for one in astray} == {(IntentStatus.CANCELLED, CANCELLED)}
    assert len(astray) == 4  # those that were put in before; one of the five was the reviewer's
    assert {len(change.intents) for change in changes} == {1}  # an act, not a person
    assert len(acts) > 20
    assert digests == len(PEOPLE)
    kinds = {one.kind for one in kept}
    assert {"notice", "digest", "summary", "escalation"} <= kinds
    assert any(one.fallback_of or one.status is IntentStatus.DEAD for one in kept)
    assert all(one.subject.startswith(f"【{MARK}】") for one in kept if one.trial_id)


@pytest.mark.parametrize("ended", [False, True])
def test_the_courier_knows_what_went_live(sqlite_url: str, ended: bool) -> None:
    store = Store(sqlite_url)
    change = raised(make_project(settings=SETTINGS))
    with store.transaction() as tx:
        assert tx.save_change(change)
        if ended:
            end = TrialEnd(
                trial_id="brand", at=NOW, by="sun", since=NOW, alerts=0, incidents=0,
                false_alarms=0, judged=0,
            )  # fmt: skip
            assert tx.end_trial(end)
            assert not tx.end_trial(end)
    clock = FakeClock(NOW)
    senders = {
        ChannelId(one.id): Unreliable(random.Random(1), DeliveryClass.OK)
        for one in ON_BRAND.channels
    }
    gate = SendGate(store=store, project=ON_BRAND, clock=clock)
    asyncio.run(Courier(store, senders, ON_BRAND, clock, gate=gate).deliver_due(9))
    store.close()

    reached = {one.recipient_id for sender in senders.values() for one in sender.sent}
    assert reached == ({"lin", "zhao"} if ended else {REVIEWER})  # in their place


def test_what_waits_for_a_reviewer_who_changed_reaches_the_new_one(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    change = raised(ON_BRAND)
    with store.transaction() as tx:
        assert tx.save_change(change)
    project = project_on_trial([{**TRIALS[0], "reviewer": "sun"}])
    clock = FakeClock(NOW)
    senders = {
        ChannelId(one.id): Unreliable(random.Random(1), DeliveryClass.OK)
        for one in project.channels
    }
    gate = SendGate(store=store, project=project, clock=clock)
    for _ in range(3):
        asyncio.run(Courier(store, senders, project, clock, meter=clock, gate=gate).deliver_due(9))
        clock.pass_time(minutes=3)
    store.close()

    [intent] = [one for sender in senders.values() for one in sender.sent]
    assert (intent.recipient_id, intent.trial_id, intent.actions) == ("sun", "brand", ())
    assert intent.body.startswith(f"【{MARK}】【橙】")
    assert f"ack.{REVIEWER}" not in intent.body
