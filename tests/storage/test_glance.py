"""A glance into a SQLite file says what the store says."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from config.errors import StoreError
from storage.glance import glance
from storage.identity import item_key
from storage.known import known_items, known_links
from storage.records import (
    DetailLink,
    FetchCause,
    ItemKey,
    RawMention,
    SourceHealth,
    SourceId,
    SourceState,
)
from storage.store import Store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ONE = SourceId("one")
RAW = RawMention(source_id=ONE, text="壶冒烟", native_id="7", platform="论坛", observed_at=NOW)
STATE = SourceState(
    source_id=ONE,
    health=SourceHealth.QUARANTINED,
    cause=FetchCause.LAYOUT,
    failures=6,
    polls=40,
    interval_s=900.5,
)


def path_of(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def test_a_glance_and_the_store_agree(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with store.transaction() as tx:
        tx.keep([RAW], NOW)
        tx.save_source(STATE)
        tx.add_links([DetailLink(url_hash="abc", source_id=ONE, url="https://x.cn/1")], NOW)
    keys = {item_key(RAW), ItemKey("url:none")} | {ItemKey(f"url:{n}") for n in range(1200)}
    hashes = {"abc", "none"}

    seen = glance(path_of(sqlite_url), ONE, keys, hashes)

    with store.look() as connection:
        assert seen.items == known_items(connection, keys) == {item_key(RAW)}
        assert seen.links == known_links(connection, hashes) == {"abc"}
    with store.read() as queries:
        stored = queries.source(ONE)
    assert stored is not None
    assert seen.state == replace(SourceState(source_id=ONE), **_asked(stored)) == STATE
    store.close()


def _asked(state: SourceState) -> dict[str, object]:
    names = ("health", "cause", "failures", "polls", "interval_s")
    return {name: getattr(state, name) for name in names}


def test_a_source_that_was_never_polled_has_no_state(sqlite_url: str) -> None:
    seen = glance(path_of(sqlite_url), ONE, (), ())

    assert (seen.state, seen.items, seen.links) == (None, frozenset(), frozenset())


def test_a_glance_works_beside_a_writer(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with store.transaction() as tx:
        tx.save_source(STATE)
        assert glance(path_of(sqlite_url), ONE, (), ()).state is None
    assert glance(path_of(sqlite_url), ONE, (), ()).state == STATE
    store.close()


def test_another_schema_is_named(sqlite_url: str) -> None:
    with sqlite3.connect(path_of(sqlite_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()

    with pytest.raises(StoreError, match=r"schema 0001.*db upgrade"):
        glance(path_of(sqlite_url), ONE, (), ())


@pytest.mark.parametrize("body", [b"", b"this is no database, only a text of some length" * 20])
def test_what_is_no_database_of_ours_is_said(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(body)

    with pytest.raises(StoreError, match="cannot be read"):
        glance(path, ONE, (), ())
    with pytest.raises(StoreError, match="cannot be read"):
        glance(tmp_path / "none.db", ONE, (), ())
    assert not (tmp_path / "none.db").exists()
