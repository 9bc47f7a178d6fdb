"""Hours of clusters as they are read: a cache of what the hour tables say, one row an hour.

In: (cluster, hour) pairs whose hour rows changed. Out: rows of cluster_hour that equal a recount,
and HourCounts, oldest first, only hours that hold something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import HourCount

_author = tables.cluster_hour_author
_text = tables.cluster_hour_text
_platform = tables.cluster_hour_platform
_hour = tables.cluster_hour
_AT_ONCE = 500  # values in one IN list

Pair = tuple[str, datetime]


def read_hours(
    connection: Connection, cluster_id: str, since: datetime, until: datetime | None = None
) -> tuple[HourCount, ...]:
    """Return the hours of a cluster within [since, until) that hold something, oldest first."""
    query = (
        sa.select(*(column for column in _hour.c if column.name != "cluster_id"))
        .where(_hour.c.cluster_id == cluster_id, _hour.c.hour >= since)
        .order_by(_hour.c.hour)
    )
    if until is not None:
        query = query.where(_hour.c.hour < until)
    return tuple(
        HourCount(
            hour=hour,
            mentions=mentions,
            authors=authors,
            texts=texts,
            live=live,
            watch=watch,
            negative=negative,
            platforms=platforms,
        )
        for hour, mentions, authors, texts, live, watch, negative, platforms in connection.execute(
            query
        )
    )


def refresh_hours(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Recount the cache of these clusters and hours from the hour tables as they are."""
    wanted = sorted(set(pairs))
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found = _count(connection, some)
        upsert(connection, _hour, [found[pair] for pair in some if pair in found])
        gone = [
            {"key_cluster": one, "key_hour": hour} for one, hour in some if (one, hour) not in found
        ]
        if gone:
            is_it = sa.and_(
                _hour.c.cluster_id == sa.bindparam("key_cluster"),
                _hour.c.hour == sa.bindparam("key_hour", type_=_hour.c.hour.type),
            )
            connection.execute(sa.delete(_hour).where(is_it), gone)


def _count(connection: Connection, pairs: list[Pair]) -> dict[Pair, dict[str, Any]]:
    """Count the hours of these pairs. In each table the key holds what is counted: rows differ."""
    some = set(pairs)
    of_author = (
        sa.func.sum(_author.c.n),
        sa.func.count(),
        sa.func.sum(sa.case((_author.c.n_live > 0, 1), else_=0)),
        sa.func.sum(sa.case((_author.c.n_watch > 0, 1), else_=0)),
        sa.func.sum(_author.c.n_negative),
    )
    names = ("mentions", "authors", "live", "watch", "negative")
    blank = dict.fromkeys(("texts", "platforms"), 0)
    found: dict[Pair, dict[str, Any]] = {}
    for one, hour, *counts in _grouped(connection, _author, pairs, *of_author):
        if (one, hour) in some:
            own = {name: int(n) for name, n in zip(names, counts, strict=True)}
            found[one, hour] = {"cluster_id": one, "hour": hour, **blank, **own}
    for name, table in (("texts", _text), ("platforms", _platform)):
        for one, hour, n in _grouped(connection, table, pairs, sa.func.count()):
            if (one, hour) in found:
                found[one, hour][name] = n
    return found


def _grouped(
    connection: Connection, table: sa.Table, pairs: list[Pair], *counted: sa.ColumnElement[Any]
) -> Iterable[Sequence[Any]]:
    """Group the rows of every cluster and every hour named: the two lead the key of each table."""
    query = (
        sa.select(table.c.cluster_id, table.c.hour, *counted)
        .where(
            table.c.cluster_id.in_(sorted({one for one, _ in pairs})),
            table.c.hour.in_(sorted({hour for _, hour in pairs})),
        )
        .group_by(table.c.cluster_id, table.c.hour)
    )
    return connection.execute(query).all()
