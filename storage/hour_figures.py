"""Hours of a cluster as they are read: mentions and the distinct counts of each.

In: a cluster and a span of hours. Out: HourCounts, oldest first, only hours that hold something.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import HourCount
from storage.rows import mappings

_author = tables.cluster_hour_author
_text = tables.cluster_hour_text
_platform = tables.cluster_hour_platform


def read_hours(
    connection: Connection, cluster_id: str, since: datetime, until: datetime | None = None
) -> tuple[HourCount, ...]:
    """Return the hours of a cluster within [since, until) that hold something, oldest first."""
    of_author, of_text, of_platform = (
        _within(table, cluster_id, since, until) for table in (_author, _text, _platform)
    )
    author, hour = _author.c.author_key, _author.c.hour
    rows = connection.execute(
        sa.select(
            hour,
            sa.func.sum(_author.c.n).label("mentions"),
            sa.func.count(sa.distinct(author)).label("authors"),
            sa.func.count(sa.distinct(sa.case((_author.c.n_live > 0, author)))).label("live"),
            sa.func.count(sa.distinct(sa.case((_author.c.n_watch > 0, author)))).label("watch"),
            sa.func.sum(_author.c.n_negative).label("negative"),
        )
        .where(of_author)
        .group_by(hour)
        .order_by(hour)
    )
    texts = _distinct_per_hour(connection, _text.c.hour, _text.c.text_key, of_text)
    platforms = _distinct_per_hour(connection, _platform.c.hour, _platform.c.platform, of_platform)
    return tuple(
        HourCount(
            **{**row, "mentions": int(row["mentions"]), "negative": int(row["negative"])},
            texts=texts.get(row["hour"], 0),
            platforms=platforms.get(row["hour"], 0),
        )
        for row in mappings(rows)
    )


def _within(
    table: sa.Table, cluster_id: str, since: datetime, until: datetime | None
) -> sa.ColumnElement[bool]:
    found = sa.and_(table.c.cluster_id == cluster_id, table.c.hour >= since)
    return found if until is None else sa.and_(found, table.c.hour < until)


def _distinct_per_hour(
    connection: Connection,
    hour: sa.ColumnElement[Any],
    column: sa.ColumnElement[Any],
    where: sa.ColumnElement[bool],
) -> dict[datetime, int]:
    # the key of the table holds the column, so each row of an hour is another value
    query = sa.select(hour, sa.func.count(column)).where(where).group_by(hour)
    return {row[0]: row[1] for row in connection.execute(query)}
