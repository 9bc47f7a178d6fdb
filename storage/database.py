"""One engine per database URL, and database errors in words that say what to do.

In: a SQLAlchemy URL. Out: connections that are set up alike, or StoreError.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine

from config.errors import StoreError

_BUSY_TIMEOUT_S = 30.0  # a write waits this long for another process's commit
_CONNECT_TIMEOUT_S = 10
_READ_ONLY = "storage_read_only"  # execution option of reading connections

# What SQLite says -> what happened and what to do. The first that occurs in the text wins.
_SQLITE_CAUSES = (
    ("unable to open database file", "is missing or may not be opened: check path and rights"),
    (
        "readonly database",
        "is read-only: let this user write the file and its folder",
    ),
    ("database or disk is full", "cannot grow, the disk is full: free space, then run again"),
    ("disk i/o error", "cannot be read or written (I/O error): check the disk and free space"),
    ("malformed", "is corrupt: restore a backup, or run `groundswell db check`"),
    ("not a database", "is not a SQLite database: check the path, or restore a backup"),
    ("database is locked", "is held by another process: end the other write, then run again"),
    ("no such table", "has no Groundswell tables: run `groundswell db upgrade`"),
)
_POSTGRES_STATES = {
    "53100": "has a full disk: free space on the server, then run again",
    "53300": "takes no more connections: raise max_connections or stop other clients",
    "25006": "is read-only (a standby, or set so): connect to the primary",
    "28P01": "refuses the password: correct the user and password in the URL",
    "28000": "refuses this user: correct the user in the URL or pg_hba.conf",
    "3D000": "or its user does not exist: create it with `createdb`, or correct the URL",
    "42P01": "has no Groundswell tables: run `groundswell db upgrade`",
    "42501": "refuses the right to do this: grant it to the user of the URL",
    "40P01": "ended a deadlock at our cost: the work is repeated at the next pass",
    "55P03": "is held by another write: end it, then run again",
}

# A refused connection carries no state, only words: the state that they stand for.
_POSTGRES_WORDS = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("does not exist", "3D000"),
    ("too many clients", "53300"),
)


def parse_url(url: str) -> URL:
    """Return the URL with our driver filled in, or StoreError for a database we do not know."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise StoreError(
            "the database URL cannot be read: expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise StoreError(f"database {kind!r} is not supported: expected sqlite or postgresql")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("a SQLite URL must name a file: expected sqlite:///FILE")
    return parsed


def describe(url: URL) -> str:
    """Name the database in an error text, never with its password."""
    if url.get_backend_name() == "sqlite":
        return f'database "{url.database}"'
    return f'database "{url.render_as_string(hide_password=True)}"'


def open_engine(url: str, *, create: bool = False) -> Engine:
    """Return an engine; nothing is connected yet. `create` lets SQLite make the file."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, create=create)
    return _open_postgresql(parsed)


def _open_sqlite(url: URL, *, create: bool) -> Engine:
    path = Path(str(url.database))
    if create:
        _make_folder(path, url)
    elif not path.exists():
        raise StoreError(
            f"{describe(url)} does not exist: run `groundswell db upgrade` to create it"
        )
    mode = "rwc" if create else "rw"  # "rw": a file that vanishes is an error, not a fresh database
    engine = sa.create_engine(
        f"sqlite:///file:{quote(str(path))}?mode={mode}&uri=true",
        connect_args={"timeout": _BUSY_TIMEOUT_S},
        hide_parameters=True,  # an error in a log must not tell what was to be stored
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(path: Path, url: URL) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{describe(url)}: its folder cannot be made ({error.strerror}): choose another path"
        ) from error


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:
    del record
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut (decisions 16)
    connection.execute("PRAGMA cache_size = -16000")  # 16 MB


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reading else 'OFF'}")
    # IMMEDIATE takes the write lock at once: a later upgrade of a read lock could only fail
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _open_postgresql(url: URL) -> Engine:
    try:
        return sa.create_engine(
            url,
            pool_pre_ping=True,  # a server that came back is found again
            hide_parameters=True,  # as above: no text, no digest of a password in a log
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": "-c timezone=UTC -c lock_timeout=30s",
                "application_name": "groundswell",
            },
        )
    except ImportError as error:
        raise StoreError(
            "PostgreSQL needs the psycopg driver: run `pip install 'groundswell[postgres]'`"
        ) from error


@contextmanager
def writing(engine: Engine, url: URL) -> Iterator[Connection]:
    """Give a connection inside a transaction: committed at the end, rolled back on any error."""
    with translated(url), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine, url: URL) -> Iterator[Connection]:
    """Give a connection that sees one moment of the database and can change nothing."""
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with translated(url), engine.connect() as connection:
        yield connection.execution_options(**options)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the database's errors into StoreError; everything else passes."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise StoreError(_explain(error, url)) from error


def _explain(error: exc.SQLAlchemyError, url: URL) -> str:
    name = describe(url)
    original = error.orig if isinstance(error, exc.DBAPIError) else None
    if isinstance(error, exc.TimeoutError):
        return f"{name}: no free connection within the time limit: run again"
    if original is None:
        return f"{name}: {_first_line(error)}"
    if isinstance(original, sqlite3.Error):
        return f"{name} {_sqlite_cause(original)}"
    return f"{name} {_postgres_cause(original, error)}"


def _sqlite_cause(original: sqlite3.Error) -> str:
    text = _first_line(original)
    for words, cause in _SQLITE_CAUSES:
        if words in text.lower():
            return cause
    return f"refuses the work: {text}"


def _postgres_cause(original: BaseException, error: exc.SQLAlchemyError) -> str:
    words = str(original)
    spoken = (state for text, state in _POSTGRES_WORDS if text in words)
    state = str(getattr(original, "sqlstate", None) or next(spoken, ""))
    if state in _POSTGRES_STATES:
        return _POSTGRES_STATES[state]
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    # no state at all, connection exceptions (08) and a server that shuts down (57P)
    unreached = isinstance(error, exc.OperationalError) and (not state or state[:2] in {"08", "57"})
    if lost or unreached:
        return (
            f"cannot be reached ({_first_line(original)}): "
            "check that the server runs; unfinished work is repeated when it is back"
        )
    return f"refuses the work: {_first_line(original)}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
