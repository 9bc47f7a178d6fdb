"""The tables that are counted from members: where they differ from a recount, and their rebuilding.

In: cluster ids. Out: per cluster and table how many rows differ; or the tables made anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_totals import COLUMNS
from storage.hours import AUTHOR_COUNTS, Counts, stored_members

_HOUR_COUNTS = ("mentions", "authors", "texts", "live", "watch", "negative", "platforms")
_CACHES: dict[str, tuple[str, ...]] = {
    "cluster_hour_author": AUTHOR_COUNTS,
    "cluster_hour_text": ("n",),
    "cluster_hour_platform": ("n",),
    "cluster_fact": ("n", "n_watch"),
    "cluster_hour": _HOUR_COUNTS,
    "cluster_total": COLUMNS,
}
Rows = dict[tuple[Any, ...], tuple[int, ...]]  # key of the table -> its counts


def differing(connection: Connection, ids: Sequence[str]) -> dict[str, Counter[str]]:
    """Return, by cluster and table, how many rows are not what the members add up to."""
    counts = _counted(connection, ids)
    found: dict[str, Counter[str]] = {}
    for name, true in _expected(counts).items():
        stored = _stored(connection, tables.metadata.tables[name], _CACHES[name], ids)
        for key in stored.keys() | true.keys():
            if stored.get(key) != true.get(key):
                found.setdefault(key[0], Counter())[name] += 1
    return found


def rebuild(connection: Connection, ids: Sequence[str]) -> None:
    """Count the members of clusters and write all tables that are counted from them anew."""
    for name in _CACHES:
        table = tables.metadata.tables[name]
        connection.execute(sa.delete(table).where(table.c.cluster_id.in_(ids)))
    _counted(connection, ids).write(connection)


def _counted(connection: Connection, ids: Sequence[str]) -> Counts:
    counts = Counts()
    for row in stored_members(connection, tables.mention_cluster.c.cluster_id.in_(ids)):
        counts.add(row["member"])
    return counts


def _stored(
    connection: Connection, table: sa.Table, names: Sequence[str], ids: Sequence[str]
) -> Rows:
    key = [column.name for column in table.primary_key]
    query = sa.select(*(table.c[name] for name in (*key, *names)))
    rows = connection.execute(query.where(table.c.cluster_id.in_(ids)))
    return {tuple(row[: len(key)]): tuple(int(n) for n in row[len(key) :]) for row in rows}


def _expected(counts: Counts) -> dict[str, Rows]:
    authors = _by_column(counts.authors, AUTHOR_COUNTS)
    texts: Rows = {key: (n,) for key, n in counts.texts.items() if n}
    platforms: Rows = {key: (n,) for key, n in counts.platforms.items() if n}
    return {
        "cluster_hour_author": authors,
        "cluster_hour_text": texts,
        "cluster_hour_platform": platforms,
        "cluster_fact": _by_column(counts.facts, ("n", "n_watch")),
        "cluster_hour": _hours(authors, texts, platforms),
        "cluster_total": _totals(counts, authors, texts),
    }


def _by_column(counter: Mapping[Any, int], names: Sequence[str]) -> Rows:
    """Turn (key …, column) -> n into key -> (n of each column)."""
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for (*key, column), n in counter.items():
        found.setdefault(tuple(key), {})[column] = n
    rows = {key: tuple(row.get(name, 0) for name in names) for key, row in found.items()}
    return {key: row for key, row in rows.items() if row[0]}


def _hours(authors: Rows, texts: Rows, platforms: Rows) -> Rows:
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for (cluster_id, hour, _), row in authors.items():
        n, n_live, n_watch, n_negative, _ = row
        found.setdefault((cluster_id, hour), Counter()).update(
            mentions=n, authors=1, live=n_live > 0, watch=n_watch > 0, negative=n_negative
        )
    for name, rows in (("texts", texts), ("platforms", platforms)):
        for cluster_id, hour, _ in rows:
            found[cluster_id, hour][name] += 1
    return {key: tuple(row[name] for name in _HOUR_COUNTS) for key, row in found.items()}


def _totals(counts: Counts, authors: Rows, texts: Rows) -> Rows:
    distinct: dict[str, dict[str, set[Any]]] = {}
    for (cluster_id, _, author), row in authors.items():
        own = distinct.setdefault(cluster_id, {"authors": set(), "public_authors": set()})
        own["authors"].add(author)
        if row[AUTHOR_COUNTS.index("n_public")]:
            own["public_authors"].add(author)
    for cluster_id, _, text in texts:
        distinct[cluster_id].setdefault("texts", set()).add(text)
    found = {}
    for cluster_id, sets in distinct.items():
        sums = {name: len(values) for name, values in sets.items()}
        sums |= {name: counts.totals[cluster_id, name] for name in COLUMNS if name not in sums}
        found[(cluster_id,)] = tuple(sums[name] for name in COLUMNS)
    return found
