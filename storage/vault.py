"""Clear personal data of customers, sealed before it comes here: what is kept, found, forgotten.

In: VaultEntry whose `sealed` nobody can read without a key that is in no table. Out: the same. An
entry whose `sealed` is empty was forgotten by request: it stays until its time is over, so that
importing the same file again does not bring the value back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.counters import take_numbers
from storage.records import MentionId, VaultEntry
from storage.rows import Row, columns_of, mappings
from storage.tables_understand import vault_entry

_entry = vault_entry


class Contacts:
    """Transaction part: sealed contacts of customers."""

    connection: Connection

    def first_seen(self, mention_ids: Collection[MentionId]) -> dict[MentionId, datetime]:
        """Return when mentions were first taken in: their contacts' time is counted from there."""
        mention = tables.mention
        query = sa.select(mention.c.mention_pk, mention.c.observed_at).where(
            mention.c.mention_pk.in_(sorted(mention_ids))
        )
        return {MentionId(row[0]): row[1] for row in self.connection.execute(query)}

    def keep_contacts(self, entries: Sequence[VaultEntry], now: datetime) -> int:
        """Keep entries whose time is not over; return how many. Their numbers are given here.

        A value of the same mention and kind takes the place of the one before and keeps its time,
        if it comes by the same door: nobody else may redirect a call. What was forgotten by request
        stays forgotten.
        """
        wanted = {(one.mention_id, one.kind): one for one in entries if one.expires_at > now}
        known = {
            (one.mention_id, one.kind): one
            for one in find_contacts(self.connection, {key[0] for key in wanted})
        }
        new = [one for key, one in wanted.items() if key not in known]
        numbers = take_numbers(self.connection, "vault", len(new))
        rows = [
            _row_of(replace(one, entry_no=number)) for number, one in zip(numbers, new, strict=True)
        ]
        if rows:
            self.connection.execute(sa.insert(_entry), rows)
        changed = [
            key
            for key, one in known.items()
            if one.sealed and key in wanted and one.door == wanted[key].door
        ]
        for key in changed:
            self.reseal(replace(wanted[key], entry_no=known[key].entry_no))
        return len(rows) + len(changed)

    def reseal(self, entry: VaultEntry) -> None:
        """Put another sealed value in the place of the one of this number, unless it was forgotten.

        Asked again here: on PostgreSQL somebody may have forgotten it since it was read.
        """
        named = sa.update(_entry).where(
            _entry.c.entry_no == entry.entry_no, sa.func.length(_entry.c.sealed) > 0
        )
        self.connection.execute(named.values(sealed=entry.sealed, key_id=entry.key_id))

    def forget_contacts(self, mention_id: MentionId) -> int:
        """Delete the values of a mention for good (takedown); return how many there were."""
        named = sa.update(_entry).where(
            _entry.c.mention_pk == mention_id, sa.func.length(_entry.c.sealed) > 0
        )
        return self.connection.execute(named.values(sealed=b"", key_id="")).rowcount

    def purge_contacts(self, now: datetime, kept_since: datetime) -> int:
        """Delete entries whose time is over, or that came before `kept_since`; return how many."""
        over = sa.or_(_entry.c.expires_at <= now, _entry.c.at < kept_since)
        return self.connection.execute(sa.delete(_entry).where(over)).rowcount


class ContactQueries:
    """Part of the queries: which contacts there are, and who read them."""

    connection: Connection

    def contacts(self, mention_id: MentionId) -> list[VaultEntry]:
        """Return the entries of a mention, the forgotten ones included, by kind."""
        return find_contacts(self.connection, {mention_id})

    def contacts_after(self, entry_no: int, limit: int) -> list[VaultEntry]:
        """Return the next entries that hold a value, by number."""
        query = sa.select(_entry).where(
            _entry.c.entry_no > entry_no, sa.func.length(_entry.c.sealed) > 0
        )
        query = query.order_by(_entry.c.entry_no).limit(limit)
        return [_entry_of(row) for row in mappings(self.connection.execute(query))]

    def contact_log(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest audit lines about contacts, newest first."""
        table = tables.audit
        query = sa.select(table).where(table.c.action.like("contact!_%", escape="!"))
        query = query.order_by(table.c.audit_no.desc()).limit(limit)
        return [dict(row) for row in mappings(self.connection.execute(query))]


def find_contacts(connection: Connection, mention_ids: Collection[MentionId]) -> list[VaultEntry]:
    """Return the entries of mentions."""
    query = sa.select(_entry).where(_entry.c.mention_pk.in_(sorted(mention_ids)))
    found = connection.execute(query.order_by(_entry.c.mention_pk, _entry.c.kind))
    return [_entry_of(row) for row in mappings(found)]


def _row_of(entry: VaultEntry) -> dict[str, Any]:
    return {**columns_of(entry, _entry), "mention_pk": entry.mention_id}


def _entry_of(row: Row) -> VaultEntry:
    values = {name: row[name] for name in row if name != "mention_pk"}
    return VaultEntry(mention_id=row["mention_pk"], **values)
