from __future__ import annotations

from dataclasses import replace

from storage.records import ChannelId, DeliveryClass, IncidentId, IntentStatus, Receipt
from tests.make import NOW, make_change, make_intent

RECEIPT = Receipt(
    channel_id=ChannelId("bot"), provider_message_id="b-1", at=NOW, state="failed", text="MK:0001"
)


def test_receipts_are_kept_once_and_found_by_incident(store):
    with store.transaction() as tx:
        tx.save_change(make_change(intents=(make_intent("m1"),)))
    [claimed] = store.claim_intents(NOW, 1, 60.0)
    delivery = store.start_delivery(claimed, NOW)
    done = replace(delivery, ended_at=NOW, outcome=DeliveryClass.OK, provider_message_id="b-1")
    assert store.finish_delivery(claimed, done, IntentStatus.SENT)

    later = replace(RECEIPT, state="delivered", text="DELIVERED")
    with store.transaction() as tx:
        tx.add_receipts([RECEIPT, replace(RECEIPT, channel_id=ChannelId("other")), RECEIPT])
        tx.add_receipts([replace(RECEIPT, text="said again"), later])
        tx.add_receipts([])

    with store.read() as queries:
        found = queries.receipts_of(IncidentId("01TESTINCIDENT"))
        assert queries.receipts_of(IncidentId("01ANOTHER")) == {}
        assert queries.receipts_for(ChannelId("bot"), "b-1") == [later, RECEIPT]
    assert found == {(ChannelId("bot"), "b-1"): [later, RECEIPT]}
