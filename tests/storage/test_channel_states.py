"""What processes share of a channel, on both databases: budgets, rests, circuits; summaries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.storm import Storm
from config.errors import StoreError
from storage.records import (
    Budget,
    ChannelId,
    Delivery,
    DeliveryClass,
    IncidentId,
    IntentStatus,
    Level,
    OwnerId,
    Plan,
    Summary,
    Wait,
)
from storage.store import Store
from tests.alerts.people import make_project
from tests.make import NOW, make_change, make_incident, make_intent

BOT = ChannelId("bot")
BUDGET = Budget(per_minute=12)
PROJECT = make_project()
STORM = Storm(PROJECT, {BOT: BUDGET, ChannelId("mail"): Budget()}, lambda one: f"https://d/{one}")


def letters(count, **fields):
    values = {"incident_id": None, "deadline_at": None, "level": Level.RED} | fields
    return [make_intent(f"m{n:02}", **values) for n in range(count)]


def raise_incidents(store, count, **fields):
    """Store so many incidents, each with one message to its owner."""
    values = {"level": Level.YELLOW, "deadline_at": NOW + timedelta(minutes=30)} | fields
    with store.transaction() as tx:
        for n in range(count):
            name = f"01ACT{n:09}"
            incident = make_incident(name, cluster_id=f"c{n}", code=f"舆-{n:04}")
            intent = make_intent(f"m{n:02}", incident_id=IncidentId(name), **values)
            tx.save_change(make_change(incident, intents=(intent,), timers=()))


def started(store, claimed, at=None):
    """Begin all of these; return how many were allowed to."""
    found = [store.start_delivery(one, NOW, BUDGET, at=at) for one in claimed]
    return sum(isinstance(one, Delivery) for one in found)


def planned(store, now=NOW, limit=50, lease_s=60.0):
    return store.claim_intents(
        now, limit, lease_s, plan=lambda backlog: STORM.plan(backlog, now, limit)
    )


def by_id(store):
    with store.read() as queries:
        return {one.intent_id: one for one in queries.intents(None, 500)}


def test_budget_is_one_for_all_who_use_the_database(store, database_url):
    with store.transaction() as tx:
        tx.add_intents(letters(24))
    claimed = store.claim_intents(NOW, 24, 60.0)
    other = Store(database_url)
    try:
        with ThreadPoolExecutor(4) as pool:
            halves = [
                pool.submit(started, one, claimed[i::2], NOW)
                for i, one in enumerate((store, other))
            ]
            assert sum(half.result() for half in halves) == 4
        assert started(other, claimed[-1:], NOW + timedelta(seconds=30)) == 1
    finally:
        other.close()


def test_budget_runs_on_the_database_clock(store):
    with store.transaction() as tx:
        tx.add_intents(letters(12))
    claimed = store.claim_intents(NOW, 12, 60.0)

    assert started(store, claimed) in {4, 5}  # a token may come back while the database is slow
    with store.read() as queries:
        state = queries.channel_states()[BOT]
    assert abs((state.refilled_at - NOW).days) > 30


def test_refused_token_leaves_the_message_as_it_was(store):
    with store.transaction() as tx:
        tx.add_intents(letters(5))
    claimed = store.claim_intents(NOW, 5, 60.0)
    assert started(store, claimed, NOW) == 4
    refused = store.start_delivery(claimed[4], NOW, BUDGET, at=NOW)

    assert isinstance(refused, Wait)
    assert by_id(store)["m04"].attempts == 0


def test_throttle_and_circuit_are_kept_with_the_outcome(store):
    with store.transaction() as tx:
        tx.add_intents(letters(9))
    claimed = store.claim_intents(NOW, 9, 60.0)
    at = NOW
    for one, outcome in zip(
        claimed, [DeliveryClass.OK, *[DeliveryClass.RETRY] * 5, DeliveryClass.OK], strict=False
    ):
        at += timedelta(minutes=1)
        delivery = store.start_delivery(one, NOW, BUDGET, at=at)
        assert isinstance(delivery, Delivery)
        done = replace(delivery, ended_at=NOW, outcome=outcome, text="503")
        store.finish_delivery(one, done, IntentStatus.RETRY, NOW, at=at)
        if outcome is DeliveryClass.RETRY:
            last_failed = at
    with store.transaction() as tx:
        state = tx.channel_state(BOT)
    assert (state.failures, state.blocked_until, state.last_ok_at) == (0, None, at)
    assert last_failed == at - timedelta(minutes=1)

    delivery = store.start_delivery(claimed[7], NOW, BUDGET, at=at + timedelta(minutes=1))
    throttled = replace(
        delivery, ended_at=NOW, outcome=DeliveryClass.THROTTLED, retry_after_s=600.0, text="45009"
    )
    at += timedelta(minutes=1)
    store.finish_delivery(claimed[7], throttled, IntentStatus.RETRY, NOW, at=at)
    later = store.start_delivery(claimed[8], NOW, BUDGET, at=at + timedelta(minutes=9))
    assert later == Wait(seconds=60.0, reason="blocked")


def test_lost_lease_takes_no_token(store):
    with store.transaction() as tx:
        tx.add_intents(letters(1))
    [lost] = store.claim_intents(NOW, 1, -1.0)
    store.claim_intents(NOW, 1, 60.0)

    with pytest.raises(StoreError, match="lost to another sender"):
        store.start_delivery(lost, NOW, BUDGET)
    with store.read() as queries:
        assert queries.channel_states() == {}


# --- plans and summaries -----------------------------------------------------------------------


def test_summary_and_what_it_stands_for_are_one_act(store):
    raise_incidents(store, 30)
    claimed = planned(store)
    stored = by_id(store)

    assert len(claimed) == 2
    [summary] = [one for one in stored.values() if one.kind == "summary"]
    told = [one for one in stored.values() if one.status is IntentStatus.CANCELLED]
    assert {one.reason for one in told} == {f"coalesced:{summary.intent_id}"}
    assert len(told) == 28
    assert "舆-0002 " in summary.body
    with store.read() as queries:
        members = queries.summary_members(summary.intent_id)
    assert len(members) == 28
    assert planned(store) == []


def test_waiting_summary_grows_in_place_and_is_sent_when_due(store):
    raise_incidents(store, 10)
    planned(store)
    with store.transaction() as tx:
        more = [
            make_intent(f"n{n}", incident_id=f"01ACT{n:09}", level=Level.YELLOW, epoch=2)
            for n in (5, 6, 7)
        ]
        tx.add_intents(more)
    later = NOW + timedelta(seconds=20)
    planned(store, later)
    [summary] = [one for one in by_id(store).values() if one.kind == "summary"]

    assert "黄 11 条" in summary.body
    assert summary.due_at == NOW + timedelta(minutes=1)
    sent = planned(store, NOW + timedelta(seconds=61))
    assert summary.intent_id in {one.intent_id for one in sent}


def test_summary_that_failed_is_taken_into_a_newer_one_with_all_it_stood_for(store):
    raise_incidents(store, 10)
    planned(store)
    at = NOW + timedelta(seconds=61)
    [summary] = [one for one in planned(store, at) if one.kind == "summary"]
    delivery = store.start_delivery(summary, at, BUDGET, at=at)
    failed = replace(delivery, ended_at=at, outcome=DeliveryClass.RETRY)
    store.finish_delivery(summary, failed, IntentStatus.RETRY, at)
    newer = make_intent("newer", incident_id=None, kind="summary", level=Level.YELLOW)
    written = Summary(intent=newer, members=(summary.intent_id,), is_new=True)
    store.claim_intents(at, 9, 60.0, plan=lambda _: Plan(summaries=(written,)))

    assert by_id(store)[summary.intent_id].reason == "coalesced:newer"
    with store.read() as queries:
        assert len(queries.summary_members("newer")) == 8
        assert queries.summary_members(summary.intent_id) == []


def test_message_that_is_put_off_holds_up_the_later_ones_of_its_incident(store):
    raise_incidents(store, 1)
    with store.transaction() as tx:
        tx.add_intents([make_intent("m-later", incident_id="01ACT000000000", level=Level.YELLOW)])
    until = NOW + timedelta(seconds=30)
    store.claim_intents(NOW, 9, 60.0, plan=lambda _: Plan(put_off={"m00": until}))

    assert by_id(store)["m00"].status is IntentStatus.RETRY
    assert store.claim_intents(NOW + timedelta(seconds=5), 9, 60.0) == []
    first = store.claim_intents(until, 9, 60.0)
    assert [one.intent_id for one in first] == ["m00"]


def test_message_that_became_graver_does_not_wait_for_the_milder_one(store):
    raise_incidents(store, 1)
    with store.transaction() as tx:
        tx.add_intents([make_intent("m-red", incident_id="01ACT000000000", level=Level.RED)])

    assert [one.intent_id for one in store.claim_intents(NOW, 9, 60.0)] == ["m-red", "m00"]


def test_only_the_named_message_is_taken(store):
    with store.transaction() as tx:
        tx.add_intents(letters(4, recipient_id=OwnerId("lin")))

    [one] = store.claim_intents(NOW, 9, 60.0, only=["m02"])
    assert one.intent_id == "m02"
