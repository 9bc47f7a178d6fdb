"""Column types that behave alike on SQLite and PostgreSQL, and what SQL the two spell differently.

In: Python values of the records. Out: values that come back equal, whichever database kept them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.storable import storable as storable  # noqa: PLC0414 - callers find it here

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Words(TypeDecorator[str]):
    """Text from anywhere; what no database keeps is replaced on the way in."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean a value on its way in."""
        del dialect
        return None if value is None else storable(value)


class Instant(TypeDecorator[datetime]):
    """An aware instant, back as UTC with its microseconds.

    SQLite has no type for it: microseconds since 1970 sort rightly and take 8 bytes.
    """

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use timestamptz where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times: nobody can know what they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected an aware datetime, got {value!r}")
        return value if dialect.name == "postgresql" else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give back aware UTC."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            instant: datetime = value
            return instant.astimezone(UTC)
        return _EPOCH + timedelta(microseconds=value)


class Document(TypeDecorator[Any]):
    """A JSON document kept as text, so that both databases give back exactly what was written."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON with sorted keys: equal documents are equal text."""
        del dialect
        if value is None:
            return None
        return storable(
            json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        )

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Parse the document."""
        del dialect
        return None if value is None else json.loads(value)


class database_clock(ColumnElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock, which leases are timed by (decisions.md 3)."""

    type = Instant()
    inherit_cache = True


@compiles(database_clock, "postgresql")
def _clock_on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    del element, compiler, options
    return "clock_timestamp()"


@compiles(database_clock, "sqlite")
def _clock_on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    del element, compiler, options
    # julianday of 1970-01-01 is 2440587.5; a double keeps it to some 40 microseconds
    return "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"


class hour_start(ColumnElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The start of the UTC hour that holds an instant of a column."""

    type = Instant()
    inherit_cache = True

    def __init__(self, instant: ColumnElement[Any]) -> None:
        self.instant = instant


@compiles(hour_start, "postgresql")
def _hour_on_postgresql(element: hour_start, compiler: SQLCompiler, **options: Any) -> str:
    return f"date_trunc('hour', {compiler.process(element.instant, **options)}, 'UTC')"


@compiles(hour_start, "sqlite")
def _hour_on_sqlite(element: hour_start, compiler: SQLCompiler, **options: Any) -> str:
    instant = compiler.process(element.instant, **options)
    # mentions from before 1970 do not occur: integer division rounds down
    return f"({instant} / 3600000000 * 3600000000)"


class ten_minutes(ColumnElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The start of the ten minutes of the clock that hold an instant of a column."""

    type = Instant()
    inherit_cache = True

    def __init__(self, instant: ColumnElement[Any]) -> None:
        self.instant = instant


@compiles(ten_minutes, "postgresql")
def _ten_minutes_on_postgresql(element: ten_minutes, compiler: SQLCompiler, **options: Any) -> str:
    instant = compiler.process(element.instant, **options)
    return f"date_bin('10 minutes', {instant}, TIMESTAMPTZ '1970-01-01 00:00:00+00')"


@compiles(ten_minutes, "sqlite")
def _ten_minutes_on_sqlite(element: ten_minutes, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.instant, **options)} / 600000000 * 600000000)"


def read_clock(connection: Connection) -> datetime:
    """Return the database's own time, aware UTC."""
    now: datetime = connection.execute(sa.select(database_clock())).scalar_one()
    return now


def insert_new(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose key is not there yet, leave the others alone."""
    if rows:
        connection.execute(_keeping(connection.dialect.name, table), rows)


def insert_one(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert a row; False when its key is there already, and nothing changes."""
    insert = _insert(connection.dialect.name, table).values(dict(row)).on_conflict_do_nothing()
    counted = insert.execution_options(preserve_rowcount=True)
    return connection.execute(counted).rowcount == 1


def upsert(
    connection: Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Iterable[str] = (),
    add: Iterable[str] = (),
) -> None:
    """Insert rows, or overwrite those with the same primary key.

    Columns named in `keep` stay as they are on an overwrite; those in `add` are summed.
    """
    if not rows:
        return
    statement = _upserting(connection.dialect.name, table, tuple(rows[0]), tuple(keep), tuple(add))
    connection.execute(statement, rows)


def upsert_from(
    connection: Connection,
    table: sa.Table,
    columns: Sequence[str],
    select: sa.Select[Any],
    *,
    add: Iterable[str],
) -> None:
    """Insert what a SELECT gives; where a key is there already, sum the columns in `add`."""
    insert = _insert(connection.dialect.name, table).from_select(list(columns), select)
    key = {column.name for column in table.primary_key}
    keep = set(columns) - key - set(add)
    connection.execute(_overwriting(insert, table, tuple(columns), tuple(keep), tuple(add)))


# Building the statement costs as much as running it for a hundred rows.
@lru_cache(maxsize=128)
def _keeping(dialect: str, table: sa.Table) -> Any:
    return _insert(dialect, table).on_conflict_do_nothing()


@lru_cache(maxsize=128)
def _upserting(
    dialect: str,
    table: sa.Table,
    columns: tuple[str, ...],
    keep: tuple[str, ...],
    add: tuple[str, ...],
) -> Any:
    return _overwriting(_insert(dialect, table), table, columns, keep, add)


def _overwriting(
    insert: Any,
    table: sa.Table,
    columns: tuple[str, ...],
    keep: tuple[str, ...],
    add: tuple[str, ...],
) -> Any:
    key = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in columns if name not in {*keep, *add, *key}}
    changed |= {name: table.c[name] + insert.excluded[name] for name in add}
    if not changed:
        return insert.on_conflict_do_nothing()
    return insert.on_conflict_do_update(index_elements=key, set_=changed)


def _insert(dialect: str, table: sa.Table) -> Any:
    # The one seam between the dialects: both spell ON CONFLICT alike.
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
