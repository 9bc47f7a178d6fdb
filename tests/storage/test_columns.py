from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import database, tables
from storage.columns import hour_start, read_clock, storable
from tests.make import NOW, make_mention

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHARED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def connection(database_url):
    engine = database.open_engine(database_url)
    with database.writing(engine, database.parse_url(database_url)) as opened:
        yield opened
    engine.dispose()


def test_instants_come_back_aware_utc_with_microseconds_and_sort(connection):
    early = datetime(2026, 3, 10, 3, 59, 59, 999999, tzinfo=UTC)
    late = datetime(2026, 3, 10, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    for key, at in (("late", late), ("early", early)):
        connection.execute(
            sa.insert(tables.lease), [{"name": key, "holder": "me", "expires_at": at}]
        )

    stored = list(
        connection.scalars(sa.select(tables.lease.c.expires_at).order_by(tables.lease.c.expires_at))
    )

    assert stored == [early, late]
    assert [at.tzinfo for at in stored] == [UTC, UTC]


@SHARED
@given(at=st.integers(0, 2**52).map(lambda n: EPOCH + timedelta(microseconds=n)))  # to 2112
def test_every_instant_comes_back_equal(connection, at):
    connection.execute(sa.delete(tables.lease))
    connection.execute(sa.insert(tables.lease), [{"name": "a", "holder": "b", "expires_at": at}])
    row = connection.execute(
        sa.select(tables.lease.c.expires_at, hour_start(tables.lease.c.expires_at))
    ).one()

    assert tuple(row) == (at, at.replace(minute=0, second=0, microsecond=0))


@SHARED
@given(text=st.text())
def test_any_text_can_be_stored(connection, text):
    connection.execute(sa.delete(tables.meta))
    connection.execute(sa.insert(tables.meta), [{"key": "k", "value": text}])

    assert connection.scalar(sa.select(tables.meta.c.value)) == storable(text)


@SHARED
@given(
    document=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**62), 2**62)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    ).filter(lambda document: document is not None)
)
def test_documents_come_back_equal(connection, document):
    row = {
        "url_hash": "a",
        "source_id": "s",
        "url": "u",
        "attempts": 0,
        "found_at": NOW,
        "history": False,
        "state": "open",
        "reason": "",
        "link_no": 1,
    }
    connection.execute(sa.delete(tables.detail_link))
    connection.execute(sa.insert(tables.detail_link), [row | {"listed": document}])

    assert connection.scalar(sa.select(tables.detail_link.c.listed)) == document


def test_naive_times_are_refused(connection):
    with pytest.raises(sa.exc.StatementError, match="expected an aware datetime"):
        connection.execute(
            sa.insert(tables.lease),
            [{"name": "a", "holder": "b", "expires_at": datetime(2026, 3, 10)}],  # noqa: DTZ001
        )


def test_the_database_clock_is_real_time(connection):
    before = datetime.now(UTC)
    clock = read_clock(connection)

    assert abs(clock - before) < timedelta(seconds=5)


def test_unstorable_characters_are_replaced():
    assert storable("漏\x00水\ud83d！") == "漏�水�！"
    assert storable(make_mention().text) == make_mention().text
