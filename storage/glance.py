"""A quick look into a SQLite file: what it knows of a source and some of its items.

By the standard library alone: loading what the store is made of takes longer than the look, and a
command that people run twenty times an hour should not wait for it. Reads only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.errors import StoreError
from storage.migrations import HEAD
from storage.records import FetchCause, ItemKey, SourceHealth, SourceId, SourceState

_AT_ONCE = 500  # SQLite takes 999 parameters in older builds
_WAIT_S = 5.0  # for another process's commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What was seen: the stored ones of the keys and hashes, and of the state what schedules ask.

    `state` is None when the source was never polled.
    """

    items: frozenset[ItemKey] = frozenset()
    links: frozenset[str] = frozenset()
    state: SourceState | None = None


def glance(
    path: Path, source_id: SourceId, keys: Collection[ItemKey], hashes: Collection[str]
) -> Glance:
    """Look into a database file. Errors: StoreError when it is not one of this program's version.

    Opened for writing but told not to: a reader of a write-ahead log has to share its index.
    """
    address = f"file:{quote(str(path.resolve()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S)) as connection:
            connection.execute("PRAGMA query_only = ON")
            _check(connection, path)
            return Glance(
                items=frozenset(map(ItemKey, _present(connection, "mention_key.item_key", keys))),
                links=frozenset(_present(connection, "detail_link.url_hash", hashes)),
                state=_state(connection, source_id),
            )
    except sqlite3.Error as error:
        raise StoreError(f'database "{path}" cannot be read: {error}') from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    [(version,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall() or [
        ("",)
    ]
    if version != HEAD:
        raise StoreError(
            f'database "{path}" has schema {version or "none"}, this program needs {HEAD}: '
            "run `groundswell db upgrade`"
        )


def _present(connection: sqlite3.Connection, column: str, values: Collection[str]) -> Iterator[str]:
    table, _, name = column.partition(".")
    wanted = sorted(set(values))
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        query = f"SELECT {name} FROM {table} WHERE {name} IN ({marks})"  # noqa: S608 - our names
        yield from (row[0] for row in connection.execute(query, part))


def _state(connection: sqlite3.Connection, source_id: SourceId) -> SourceState | None:
    query = (
        "SELECT health, cause, failures, polls, interval_s FROM source_state WHERE source_id = ?"
    )
    row = connection.execute(query, [source_id]).fetchone()
    if row is None:
        return None
    return SourceState(
        source_id=source_id,
        health=SourceHealth(row[0]),
        cause=FetchCause(row[1]),
        failures=row[2],
        polls=row[3],
        interval_s=row[4],
    )
