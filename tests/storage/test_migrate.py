from __future__ import annotations

import pytest
import sqlalchemy as sa

from config.errors import StoreError
from storage import database, migrate
from storage.migrations import HEAD
from storage.records import IncidentId
from storage.store import Store
from storage.tables import metadata
from tests.make import NOW, make_change, make_incident, make_intent


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/folder/empty.db"
    return request.getfixturevalue("postgres_empty_url")


def _table_names(url):
    engine = database.open_engine(url)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_upgrade_makes_exactly_the_tables_of_the_program(empty_url):
    assert migrate.upgrade(empty_url) == HEAD
    assert _table_names(empty_url) == {*metadata.tables, "alembic_version"}
    assert migrate.differences(empty_url) == []
    assert migrate.current(empty_url) == HEAD


def test_upgrade_twice_changes_nothing(empty_url):
    migrate.upgrade(empty_url)

    assert migrate.upgrade(empty_url) == HEAD


def test_downgrade_takes_everything_back_and_upgrade_brings_it_again(empty_url):
    migrate.upgrade(empty_url)

    assert migrate.downgrade(empty_url, "base") == "base"
    assert _table_names(empty_url) == {"alembic_version"}
    assert migrate.current(empty_url) is None
    assert migrate.upgrade(empty_url) == HEAD
    Store(empty_url).close()


def test_the_known_revision_is_the_newest_file():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "storage:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def _set_revision(url, revision):
    engine = database.open_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(database_url):
    _set_revision(database_url, "9999")

    for work in (Store, migrate.upgrade):
        with pytest.raises(
            StoreError, match=r"schema 9999, newer than .* install the newer Groundswell"
        ):
            work(database_url)
    assert migrate.current(database_url) == "9999"


def test_an_older_schema_is_refused_with_the_command_that_helps(database_url):
    _set_revision(database_url, "0000")

    with pytest.raises(StoreError, match=r"has schema 0000.*groundswell db upgrade"):
        Store(database_url)


def test_a_database_without_tables_is_refused_with_the_command_that_helps(postgres_empty_url):
    with pytest.raises(StoreError, match="no Groundswell tables: run `groundswell db upgrade`"):
        Store(postgres_empty_url)


def test_what_was_written_before_is_carried_on_after_the_next_upgrade(empty_url):
    migrate.upgrade(empty_url)
    store = Store(empty_url)
    waiting = make_intent("waiting", incident_id=IncidentId("old"), due_at=NOW)
    with store.transaction() as tx:
        tx.save_change(make_change(make_incident("old"), intents=(waiting,)))
    store.close()

    assert migrate.downgrade(empty_url, "0004") == "0004"  # as a program before would have it
    assert migrate.upgrade(empty_url) == HEAD
    store = Store(empty_url)
    with store.transaction() as tx:
        assert tx.incident("old") == make_incident("old")
    [claimed] = store.claim_intents(NOW, 10, 60.0)
    assert (claimed.intent_id, claimed.actions, claimed.words) == ("waiting", (), {})
    store.close()
