"""That messages reach a person on a channel: what was asked, and when it was proved.

In and out: verified addresses. The address itself is not here, only its digest.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import ChannelId, OwnerId, VerifiedAddress
from storage.rows import columns_of, mappings

_address = tables.verified_address


class Addresses:
    """Transaction part: proofs of addresses."""

    connection: Connection

    def save_address(self, address: VerifiedAddress) -> None:
        """Write down what is known of a person's address on a channel, in place of what was."""
        upsert(self.connection, _address, [columns_of(address, _address)])


class AddressQueries:
    """Part of the queries: proofs of addresses."""

    connection: Connection

    def addresses(
        self, owner_id: OwnerId | None = None
    ) -> dict[tuple[OwnerId, ChannelId], VerifiedAddress]:
        """Return what is known of addresses, of everybody or of one person."""
        query = sa.select(_address)
        if owner_id is not None:
            query = query.where(_address.c.owner_id == owner_id)
        rows = (VerifiedAddress(**row) for row in mappings(self.connection.execute(query)))
        return {(row.owner_id, row.channel_id): row for row in rows}
