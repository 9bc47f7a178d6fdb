from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from config.errors import StoreError
from storage.records import ChannelId, DeliveryClass, IntentStatus, Level, OwnerId
from tests.make import NOW, make_change, make_incident_event, make_intent

LATER = NOW + timedelta(minutes=1)


def put(store, *intents):
    """Put messages of incident 01TESTINCIDENT (and others without one) into the outbox."""
    with store.transaction() as tx:
        if tx.incident("01TESTINCIDENT") is None:
            tx.save_change(make_change(intents=()))
        tx.add_intents(intents)


def claim(store, at=NOW, limit=10, lease_s=60.0):
    return store.claim_intents(at, limit, lease_s)


def ids(intents):
    return [intent.intent_id for intent in intents]


def status(store, intent_id):
    with store.read() as queries:
        return next(i for i in queries.intents() if i.intent_id == intent_id)


def send(store, intent, to=IntentStatus.SENT, outcome=DeliveryClass.OK, **rest):
    delivery = store.start_delivery(intent, NOW)
    done = replace(delivery, ended_at=LATER, outcome=outcome)
    return store.finish_delivery(intent, done, to, **rest)


def test_a_due_message_is_claimed_once_with_a_new_fence(store):
    put(store, make_intent("m1"), make_intent("m2", due_at=LATER))

    [claimed] = claim(store)
    assert (claimed.intent_id, claimed.status, claimed.fence) == ("m1", IntentStatus.PENDING, 1)
    assert claim(store) == []
    assert status(store, "m1").status is IntentStatus.LEASED


def test_an_attempt_is_written_down_before_the_send_and_completed_after(store):
    put(store, make_intent("m1"))
    [claimed] = claim(store)
    delivery = store.start_delivery(claimed, NOW)

    assert (delivery.n, delivery.ended_at) == (1, None)
    done = replace(
        delivery, ended_at=LATER, outcome=DeliveryClass.OK, http_status=200, provider_code="0",
        provider_message_id="abc", size_bytes=120, text="ok",
    )  # fmt: skip
    assert store.finish_delivery(claimed, done, IntentStatus.SENT, None, None) is True
    with store.read() as queries:
        [(intent, deliveries)] = queries.incident_intents("01TESTINCIDENT")
    assert (intent.status, intent.attempts, deliveries) == (IntentStatus.SENT, 1, (done,))
    assert claim(store, at=NOW + timedelta(days=9)) == []


def test_a_retry_waits_for_its_time(store):
    put(store, make_intent("m1"))
    [claimed] = claim(store)
    send(store, claimed, IntentStatus.RETRY, DeliveryClass.RETRY, next_due_at=LATER)

    assert claim(store) == []
    [again] = claim(store, at=LATER)
    assert (again.status, again.attempts, again.fence) == (IntentStatus.RETRY, 1, 2)
    assert store.start_delivery(again, LATER).n == 2


def test_a_dead_message_leaves_its_fallback_in_the_same_act(store):
    put(store, make_intent("m1"))
    [claimed] = claim(store)
    fallback = make_intent("m1-mail", channel_id=ChannelId("mail"), fallback_of=claimed.intent_id)
    send(store, claimed, IntentStatus.DEAD, DeliveryClass.PERMANENT, fallback=fallback)

    assert status(store, "m1").status is IntentStatus.DEAD
    assert claim(store) == [replace(fallback, fence=1)]


def test_a_message_can_be_ended_or_put_off_without_an_attempt(store):
    put(store, make_intent("m1"), make_intent("m2", recipient_id=OwnerId("zhao")))
    first, second = claim(store)
    store.finish_delivery(first, None, IntentStatus.RETRY, LATER, None)
    store.finish_delivery(replace(second, reason="nobody"), None, IntentStatus.DEAD, None, None)

    assert ids(claim(store, at=LATER)) == ["m1"]
    assert (status(store, "m1").attempts, status(store, "m2").reason) == (0, "nobody")


# --- leases and fences -----------------------------------------------------------------------


def test_a_lease_that_ran_out_before_the_send_is_taken_over(store):
    put(store, make_intent("m1"))
    [lost] = claim(store, lease_s=-1)
    [taken] = claim(store)

    assert (taken.status, taken.fence) == (IntentStatus.PENDING, lost.fence + 1)
    with pytest.raises(StoreError, match="its lease was lost to another sender"):
        store.start_delivery(lost, NOW)
    assert store.finish_delivery(lost, None, IntentStatus.SENT, None, None) is False
    assert store.start_delivery(taken, NOW).n == 1


def test_a_lease_that_ran_out_during_the_send_is_ambiguous_and_rests(store):
    put(store, make_intent("m1"))
    [lost] = claim(store, lease_s=-1)
    store.start_delivery(lost, NOW)

    assert claim(store) == []
    assert status(store, "m1").status is IntentStatus.AMBIGUOUS
    with store.read() as queries:
        [(_, [delivery])] = queries.incident_intents("01TESTINCIDENT")
    assert (delivery.outcome, delivery.ended_at) == (DeliveryClass.AMBIGUOUS, NOW)
    [again] = claim(store, at=NOW + timedelta(minutes=2))
    assert (again.status, again.attempts) == (IntentStatus.AMBIGUOUS, 1)


def test_an_ambiguous_message_stays_ambiguous_when_its_next_sender_vanishes_early(store):
    put(store, make_intent("m1"))
    [lost] = claim(store, lease_s=-1)
    store.start_delivery(lost, NOW)
    claim(store)
    claim(store, at=NOW + timedelta(minutes=2), lease_s=-1)

    [again] = claim(store, at=NOW + timedelta(minutes=2))
    assert again.status is IntentStatus.AMBIGUOUS


def test_an_answer_after_the_lease_is_written_down_but_decides_nothing(store):
    put(store, make_intent("m1"))
    [lost] = claim(store, lease_s=-1)
    delivery = store.start_delivery(lost, NOW)
    claim(store)
    late = replace(delivery, ended_at=LATER, outcome=DeliveryClass.OK)

    assert store.finish_delivery(lost, late, IntentStatus.SENT, None, None) is False
    assert status(store, "m1").status is IntentStatus.AMBIGUOUS
    with store.read() as queries:
        assert queries.incident_intents("01TESTINCIDENT")[0][1] == (late,)


def _acknowledge(store):
    incident = replace(make_change().incident, seq=2)
    event = make_incident_event(seq=2, kind="acknowledged")
    change = make_change(
        incident, events=(event,), timers=(), intents=(), cancel_intents="acknowledged"
    )
    with store.transaction() as tx:
        tx.save_change(change)


def test_a_message_in_flight_at_an_acknowledge_counts_as_sent_when_it_lands(store):
    put(store, make_intent("m1"))
    [claimed] = claim(store)
    delivery = store.start_delivery(claimed, NOW)
    _acknowledge(store)
    landed = replace(delivery, ended_at=LATER, outcome=DeliveryClass.OK)

    assert store.finish_delivery(claimed, landed, IntentStatus.SENT, None, None) is True
    assert status(store, "m1").status is IntentStatus.SENT


def test_a_message_in_flight_at_an_acknowledge_is_not_sent_again_when_it_fails(store):
    put(store, make_intent("m1"))
    [claimed] = claim(store)
    delivery = store.start_delivery(claimed, NOW)
    _acknowledge(store)
    lost = replace(delivery, ended_at=LATER, outcome=DeliveryClass.PERMANENT)
    fallback = make_intent("m1-mail", fallback_of=claimed.intent_id)

    assert store.finish_delivery(claimed, lost, IntentStatus.DEAD, None, fallback) is False
    assert status(store, "m1").status is IntentStatus.CANCELLED
    assert claim(store, at=NOW + timedelta(days=1)) == []


def test_leases_run_on_the_databases_clock_not_on_the_callers(store):
    put(store, make_intent("m1"))
    claim(store, lease_s=60)

    assert claim(store, at=NOW + timedelta(days=400)) == []


# --- order -----------------------------------------------------------------------------------


def test_one_recipient_hears_of_one_incident_in_order(store):
    put(
        store,
        make_intent("m1"),
        make_intent("m2", step=1),
        make_intent("m3", recipient_id=OwnerId("zhao")),
    )
    first = claim(store)

    assert ids(first) == ["m1", "m3"]
    assert claim(store) == []
    send(store, first[0], IntentStatus.RETRY, DeliveryClass.RETRY, next_due_at=LATER)
    assert claim(store) == []
    [again] = claim(store, at=LATER)
    send(store, again)
    assert ids(claim(store, at=LATER)) == ["m2"]


def test_a_message_put_off_without_an_attempt_keeps_its_place(store):
    put(store, make_intent("m1"), make_intent("m2", step=1))
    [first] = claim(store)
    store.finish_delivery(first, None, IntentStatus.RETRY, LATER, None)

    assert claim(store) == []


def test_a_message_held_till_morning_does_not_hold_up_an_urgent_one(store):
    morning = NOW + timedelta(hours=9)
    put(store, make_intent("held", due_at=morning), make_intent("urgent", level=Level.RED, step=1))

    assert ids(claim(store)) == ["urgent"]


def test_other_incidents_and_digests_do_not_wait_for_each_other(store):
    put(
        store,
        make_intent("m1"),
        make_intent("digest-1", incident_id=None),
        make_intent("digest-2", incident_id=None),
    )

    assert len(claim(store)) == 3


def test_the_gravest_is_claimed_first(store):
    put(
        store,
        make_intent("blue", level=Level.BLUE, recipient_id=OwnerId("a")),
        make_intent("red", level=Level.RED, recipient_id=OwnerId("b")),
        make_intent(
            "red-earlier",
            level=Level.RED,
            recipient_id=OwnerId("c"),
            due_at=NOW - timedelta(hours=1),
        ),
    )

    assert ids(claim(store, limit=2)) == ["red-earlier", "red"]


def test_two_senders_never_claim_the_same_message(store):
    put(store, *(make_intent(f"m{n:02}", recipient_id=OwnerId(f"p{n}")) for n in range(40)))

    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(lambda _: ids(claim(store, limit=7)), range(8)))
    taken = [one for part in claimed for one in part]
    assert len(taken) == len(set(taken))
    assert sorted(taken + ids(claim(store, limit=50))) == [f"m{n:02}" for n in range(40)]
