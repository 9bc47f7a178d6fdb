"""Databases for the tests: every test that asks for `database_url` or `store` runs on both.

`TEST_DATABASE_URL` (a PostgreSQL URL whose user may create databases) wins over our own server.
"""

from __future__ import annotations

import gc
import os
import shutil
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres import PostgresServer, ServerAbsentError

if TYPE_CHECKING:
    from storage.store import Store

_VARIABLE = "TEST_DATABASE_URL"
_ABSENT = "TEST_DATABASE_ABSENT"
_SERVER = pytest.StashKey[PostgresServer]()


def _serve(config: pytest.Config) -> None:
    """Start the server once and tell everyone (xdist workers too) through the environment."""
    if os.environ.get(_VARIABLE) or os.environ.get(_ABSENT):
        return
    try:
        server = PostgresServer().start()
    except ServerAbsentError as error:
        os.environ[_ABSENT] = str(error)
        return
    config.stash[_SERVER] = server
    os.environ[_VARIABLE] = server.url


def pytest_configure(config: pytest.Config) -> None:
    """With xdist only the controller starts the server; without it the first test that asks does."""
    # tests make much and keep little: a tenth of their time went into looking for rings of objects
    gc.set_threshold(50_000, 20, 50)
    if not hasattr(config, "workerinput") and getattr(config.option, "numprocesses", None):
        _serve(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that this process started."""
    server = config.stash.get(_SERVER, None)
    if server is not None:
        server.remove()
        os.environ.pop(_VARIABLE, None)


@pytest.fixture(scope="session")
def postgres_admin(request: pytest.FixtureRequest) -> str:
    """The URL of a PostgreSQL server's maintenance database; skips when there is no server."""
    _serve(request.config)
    url = os.environ.get(_VARIABLE)
    if not url:
        pytest.skip(f"no PostgreSQL to test with: {os.environ[_ABSENT]}")
    return url


@pytest.fixture(scope="session", autouse=True)
def one_parser() -> Iterator[None]:
    """Make typer's tree of our two hundred commands once: a fifth of a second for each call."""
    import typer.testing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command))
        yield


def _execute(admin_url: str, statement: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(admin_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def _database(admin_url: str, name: str) -> str:
    import sqlalchemy as sa

    return sa.make_url(admin_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def postgres_empty_url(postgres_admin: str) -> Iterator[str]:
    """A PostgreSQL database with nothing in it."""
    name = f"gs_empty_{uuid.uuid4().hex[:12]}"
    _execute(postgres_admin, f"CREATE DATABASE {name}")
    yield _database(postgres_admin, name)
    _execute(postgres_admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_migrated(postgres_admin: str) -> Iterator[str]:
    """The URL of this process's migrated database; tests take it through `postgres_url`."""
    from storage import migrate

    name = f"gs_{uuid.uuid4().hex[:12]}"
    _execute(postgres_admin, f"CREATE DATABASE {name}")
    url = _database(postgres_admin, name)
    migrate.upgrade(url)
    yield url
    _execute(postgres_admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_migrated: str) -> str:
    """A migrated PostgreSQL database with no rows; emptying takes a tenth of a fresh one's time."""
    from storage.migrations import HEAD
    from storage.tables import metadata

    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    emptied = [f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables)]
    _execute(
        postgres_migrated,
        f"{others} AND datname = current_database(); {'; '.join(emptied)}; "
        f"UPDATE alembic_version SET version_num = '{HEAD}'",
    )
    return postgres_migrated


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file of this process."""
    from storage import migrate

    path = tmp_path_factory.mktemp("template") / "groundswell.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite file of one test."""
    path = tmp_path / "groundswell.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of one test, on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a migrated database, on SQLite and on PostgreSQL."""
    from storage.store import Store

    opened = Store(database_url)
    yield opened
    opened.close()
