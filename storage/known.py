"""Which items and links the project has already. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import ItemKey

_AT_ONCE = 500  # SQLite takes 999 parameters in older builds


def known_items(connection: Connection, keys: Collection[ItemKey]) -> set[ItemKey]:
    """Return those of the keys under which a mention is stored."""
    column = tables.mention_key.c.item_key
    return {ItemKey(key) for key in _present(connection, column, keys)}


def known_links(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those of the url hashes whose page was found before, fetched or not."""
    return set(_present(connection, tables.detail_link.c.url_hash, hashes))


def _present(
    connection: Connection, column: sa.Column[str], values: Collection[str]
) -> Iterator[str]:
    wanted = sorted(set(values))
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        yield from connection.scalars(sa.select(column).where(column.in_(part)))
