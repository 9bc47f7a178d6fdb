"""Replies and proofs of addresses, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage.records import (
    ChannelId,
    DeliveryClass,
    IncidentId,
    IntentId,
    IntentStatus,
    OwnerId,
    Receipt,
    Reply,
    VerifiedAddress,
)
from tests.make import NOW, ago, make_change, make_intent

LIN, BOT = OwnerId("lin"), ChannelId("bot")
REPLY = Reply(
    channel_id=BOT, message_id="m1", at=NOW, sender="staff-1", owner_id=LIN, text="确认",
    outcome="done", incident_id=IncidentId("01TESTINCIDENT"),
)  # fmt: skip


def send(store, intent, **answer):
    [claimed] = store.claim_intents(NOW, 1, 60.0, only=[intent.intent_id])
    begun = store.start_delivery(claimed, NOW)
    done = replace(begun, ended_at=NOW, **answer)
    ok = answer["outcome"] is DeliveryClass.OK
    assert store.finish_delivery(claimed, done, IntentStatus.SENT if ok else IntentStatus.RETRY)


def test_a_reply_is_kept_once_and_counted(store):
    stranger = replace(REPLY, message_id="m2", sender="staff-x", owner_id=None, incident_id=None)
    with store.transaction() as tx:
        assert tx.add_reply(REPLY)
        assert not tx.add_reply(replace(REPLY, text="again"))
        assert tx.add_reply(replace(REPLY, channel_id=ChannelId("other"), at=ago(hours=2)))
        assert tx.add_reply(stranger)

    with store.read() as queries:
        assert queries.reply(BOT, "m1") == REPLY
        assert queries.reply(BOT, "m9") is None
        assert [one.text for one in queries.replies(limit=2)] == ["确认", "确认"]
        assert queries.replies_since("staff-1", ago(hours=1)) == 1
        assert queries.replies_since("staff-1", ago(hours=3)) == 2
        assert queries.strange_replies_since(BOT, ago(hours=1)) == 1


def test_what_may_have_arrived_is_what_a_person_was_told_of(store):
    mine = make_intent("i1", recipient_id=LIN, channel_id=BOT)
    unsent = make_intent("i2", recipient_id=OwnerId("zhao"), channel_id=BOT)
    with store.transaction() as tx:
        tx.save_change(make_change(intents=(mine, unsent)))
    send(store, mine, outcome=DeliveryClass.OK, provider_message_id="p1")

    with store.read() as queries:
        found = queries.told_of(LIN, ago(days=1))
        assert found == [(mine.incident_id, mine.epoch)]
        assert queries.told_of(LIN, NOW + timedelta(days=1)) == []
        assert queries.told_of(OwnerId("zhao"), ago(days=1)) == []
        assert queries.told_by(mine.intent_id) == (LIN, mine.incident_id, mine.epoch)
        assert queries.told_by(IntentId("none")) is None


def test_what_was_last_heard_of_a_person_on_a_channel(store):
    mine = make_intent("i1", recipient_id=LIN, channel_id=BOT)
    with store.transaction() as tx:
        tx.save_change(make_change(intents=(mine,)))
        tx.add_reply(REPLY)
        receipt = Receipt(
            channel_id=BOT, provider_message_id="p1", at=NOW, state="answered", text=""
        )
        tx.add_receipts([receipt, replace(receipt, state="failed")])
    send(store, mine, outcome=DeliveryClass.OK, provider_message_id="p1")

    with store.read() as queries:
        found = queries.last_heard(ago(days=1))
        assert queries.last_heard(NOW + timedelta(days=1)) == {}
    assert found == {(LIN, BOT): {"sent": NOW, "answered": NOW, "replied": NOW}}


def test_a_proof_takes_the_place_of_the_one_before(store):
    asked = VerifiedAddress(
        owner_id=LIN, channel_id=BOT, address="d1", code_hash="c1", asked_at=ago(hours=1)
    )
    proved = replace(asked, code_hash="", verified_at=NOW, how="cli")
    with store.transaction() as tx:
        tx.save_address(asked)
        tx.save_address(replace(asked, owner_id=OwnerId("zhao")))
        tx.save_address(proved)

    with store.read() as queries:
        assert queries.addresses(LIN) == {(LIN, BOT): proved}
        assert len(queries.addresses()) == 2
