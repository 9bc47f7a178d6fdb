"""Numbers without gaps: a counter row, moved in the transaction that uses the numbers.

An aborted transaction takes its numbers back, so a run that was killed and repeated gives the same
ids as an unbroken one. Databases' own sequences leave gaps.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new

_counter = tables.counter


def lock_counter(connection: Connection, name: str) -> int:
    """Hold the counter for this transaction and return the last number given out."""
    query = sa.select(_counter.c.value).where(_counter.c.name == name).with_for_update()
    value: int | None = connection.scalar(query)
    if value is not None:
        return value
    insert_new(connection, _counter, [{"name": name, "value": 0}])
    first: int = connection.execute(query).scalar_one()
    return first


def share_counter(connection: Connection, name: str) -> None:
    """Keep others from holding the counter until this transaction ends; any number may share it."""
    query = sa.select(_counter.c.value).where(_counter.c.name == name).with_for_update(read=True)
    if connection.scalar(query) is None:
        insert_new(connection, _counter, [{"name": name, "value": 0}])


def move_counter(connection: Connection, name: str, value: int) -> None:
    """Remember the last number given out."""
    connection.execute(sa.update(_counter).where(_counter.c.name == name).values(value=value))


def take_numbers(connection: Connection, name: str, n: int) -> range:
    """Return the next `n` numbers."""
    if n == 0:
        return range(0)
    last = lock_counter(connection, name)
    move_counter(connection, name, last + n)
    return range(last + 1, last + n + 1)
