"""Bring a database's schema up, down, or say where it stands; Alembic, run from the program.

One process at a time: SQLite's write lock and an advisory lock on PostgreSQL see to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from config.errors import StoreError
from storage import database
from storage.migrations import HEAD

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 7_208_111_704  # any number that no other program on the server uses
_VERSIONS = sa.table("alembic_version", sa.column("version_num", sa.String))


def upgrade(url: str, revision: str = "head") -> str:
    """Bring the schema to a revision, creating a SQLite file where there is none; return it."""
    with _connected(url, create=True) as connection:
        _refuse_newer(connection, database.parse_url(url))
        if revision == "head" and _stored(connection) == HEAD:
            return HEAD  # as it is for nearly every command: no need of a library to see it
        from alembic import command

        command.upgrade(_config(connection), revision)
        return _stored(connection) or "base"


def downgrade(url: str, revision: str) -> str:
    """Take the schema back to a revision ("base" drops everything); return where it stands."""
    with _connected(url) as connection:
        from alembic import command

        command.downgrade(_config(connection), revision)
        return _stored(connection) or "base"


def current(url: str) -> str | None:
    """Return the schema's revision, None when the database has no schema of ours."""
    engine = database.open_engine(url)
    try:
        with database.reading(engine, database.parse_url(url)) as connection:
            return _stored(connection)
    finally:
        engine.dispose()


def check_schema(engine: Engine, url: str) -> None:
    """Raise StoreError unless the schema is the one this program works with."""
    parsed = database.parse_url(url)
    with database.reading(engine, parsed) as connection:
        stored = _stored(connection)
    name = database.describe(parsed)
    if stored is None:
        raise StoreError(f"{name} has no Groundswell tables: run `groundswell db upgrade`")
    if stored > HEAD:
        raise StoreError(_newer(name, stored))
    if stored < HEAD:
        raise StoreError(
            f"{name} has schema {stored}, this program needs {HEAD}: run `groundswell db upgrade`"
        )


def differences(url: str) -> list[object]:
    """Return what autogenerate would change in the database to match storage.tables."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from storage.tables import metadata

    with _connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


@contextmanager
def _connected(url: str, *, create: bool = False) -> Iterator[Connection]:
    parsed = database.parse_url(url)
    engine = database.open_engine(url, create=create)
    try:
        with database.writing(engine, parsed) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes["connection"] = connection
    return config


def _stored(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(sa.select(_VERSIONS.c.version_num))


def _refuse_newer(connection: Connection, url: sa.URL) -> None:
    stored = _stored(connection)
    if stored is not None and stored > HEAD:
        raise StoreError(_newer(database.describe(url), stored))


def _newer(name: str, stored: str) -> str:
    return (
        f"{name} has schema {stored}, newer than the {HEAD} this program knows: "
        "install the newer Groundswell, or restore a backup made before the upgrade"
    )
