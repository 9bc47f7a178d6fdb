"""What two processes do to one message at the same moment; PostgreSQL only, SQLite lets one write."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from storage import tables
from storage.records import IntentStatus
from storage.store import Store
from tests.make import NOW, make_change

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_message_whose_lease_runs_out_between_two_looks_is_not_taken_for_unsent(
    postgres_url: str,
) -> None:
    store, other = Store(postgres_url), Store(postgres_url)
    try:
        with store.transaction() as tx:
            tx.save_change(make_change())
        [claimed] = other.claim_intents(NOW, 10, 60)
        other.start_delivery(claimed, NOW)
        looks = []

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            if "SKIP LOCKED" not in statement:
                return
            looks.append(statement)
            if len(looks) == 1:  # nothing had run out; now it does, before the second look
                with other.write() as connection:
                    connection.execute(sa.update(tables.intent).values(lease_until=LONG_AGO))

        sa.event.listen(store._engine, "after_cursor_execute", note)
        taken_at_once = store.claim_intents(NOW, 10, 60)
        sa.event.remove(store._engine, "after_cursor_execute", note)
        taken_later = store.claim_intents(NOW, 10, 60)
        with store.read() as queries:
            [intent] = queries.intents()
    finally:
        store.close()
        other.close()

    assert len(looks) == 2
    assert taken_at_once == taken_later == []
    assert intent.status is IntentStatus.AMBIGUOUS
