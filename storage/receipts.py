"""What providers reported of messages that they had taken: delivered, answered, failed."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.records import ChannelId, IncidentId, Receipt
from storage.rows import columns_of, mappings

_receipt = tables.receipt
_delivery = tables.delivery
_intent = tables.intent


class Receipts:
    """Transaction part: receipts. Each state of a message is kept once, as first reported."""

    connection: Connection

    def add_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Write receipts down; one that was reported before changes nothing."""
        rows = [columns_of(receipt, _receipt) for receipt in receipts]
        if rows:
            insert_new(self.connection, _receipt, rows)


class ReceiptQueries:
    """Part of the queries: receipts."""

    connection: Connection

    def receipts_of(self, incident_id: IncidentId) -> dict[tuple[ChannelId, str], list[Receipt]]:
        """Return the receipts of an incident's messages, oldest first.

        Keyed by channel and the number that the provider gave the message.
        """
        query = (
            sa.select(_receipt)
            .join(
                _delivery,
                sa.and_(
                    _delivery.c.channel_id == _receipt.c.channel_id,
                    _delivery.c.provider_message_id == _receipt.c.provider_message_id,
                ),
            )
            .join(_intent, _intent.c.intent_id == _delivery.c.intent_id)
            .where(_intent.c.incident_id == incident_id)
            .order_by(_receipt.c.at, _receipt.c.state)
            .distinct()
        )
        found: dict[tuple[ChannelId, str], list[Receipt]] = {}
        for row in mappings(self.connection.execute(query)):
            receipt = Receipt(**row)
            found.setdefault((receipt.channel_id, receipt.provider_message_id), []).append(receipt)
        return found

    def receipts_for(self, channel_id: ChannelId, message_id: str) -> list[Receipt]:
        """Return what was reported of one message, oldest first."""
        query = (
            sa.select(_receipt)
            .where(
                _receipt.c.channel_id == channel_id, _receipt.c.provider_message_id == message_id
            )
            .order_by(_receipt.c.at, _receipt.c.state)
        )
        return [Receipt(**row) for row in mappings(self.connection.execute(query))]
