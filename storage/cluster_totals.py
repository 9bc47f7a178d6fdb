"""What a cluster adds up to: mentions, and the distinct authors and texts of all its hours.

Distinct counts of hours do not add up, so each write asks, by index, which of its authors and texts
the cluster had already. Reading the totals of a cluster is then one row, whatever its size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.rows import mappings

_author = tables.cluster_hour_author
_text = tables.cluster_hour_text
_total = tables.cluster_total
_KEYS_AT_ONCE = 500  # values in one IN list

SUMS = ("n", "n_negative", "reposts", "n_reposts", "views", "n_views")
DISTINCT = ("authors", "public_authors", "texts")
COLUMNS = (*SUMS, *DISTINCT)

_T = TypeVar("_T")
Totals = Counter[tuple[str, str]]  # (cluster, column) -> difference


def distinct_changes(
    connection: Connection,
    authors: Mapping[tuple[str, Any, str, str], int],
    texts: Mapping[tuple[str, Any, int], int],
) -> Totals:
    """Return how the distinct counts change by differences that are not written yet.

    `authors`: by (cluster, hour, author, column), `texts`: by (cluster, hour, text).
    """
    found: Totals = Counter()
    wrote: dict[tuple[str, Any], list[int]] = {}  # (cluster, author) -> n, n_public
    for (cluster_id, _, author, counted), n in authors.items():
        if n and counted in {"n", "n_public"}:
            wrote.setdefault((cluster_id, author), [0, 0])[counted == "n_public"] += n
    said: dict[tuple[str, Any], list[int]] = {}
    for (cluster_id, _, text), n in texts.items():
        if n:
            said.setdefault((cluster_id, text), [0])[0] += n
    known = _known(connection, {cluster_id for cluster_id, _ in (*wrote, *said)})
    for names, key_column, n_columns, changes in (
        (
            ("authors", "public_authors"),
            _author.c.author_key,
            (_author.c.n, _author.c.n_public),
            wrote,
        ),
        (("texts",), _text.c.text_key, (_text.c.n,), said),
    ):
        before = _sums(connection, key_column, n_columns, changes, known)
        for key, change in changes.items():
            had = before.get(key, (0,) * len(names))
            for name, was, n in zip(names, had, change, strict=True):
                found[key[0], name] += (was + n > 0) - (was > 0)
    return found


def total_rows(totals: Totals) -> list[dict[str, Any]]:
    """Return one row of differences per cluster that changes."""
    rows: dict[str, dict[str, Any]] = {}
    for (cluster_id, column), n in totals.items():
        if n:
            blank = {"cluster_id": cluster_id, **dict.fromkeys(COLUMNS, 0)}
            rows.setdefault(cluster_id, blank)[column] = n
    return list(rows.values())


def shared_counts(connection: Connection, loser: str, survivor: str) -> Totals:
    """Return what two clusters have both, as a difference to the sum of their totals."""
    found: Totals = Counter()
    for name, column, counted in (
        ("authors", _author.c.author_key, _author.c.n),
        ("public_authors", _author.c.author_key, _author.c.n_public),
        ("texts", _text.c.text_key, _text.c.n),
    ):
        table = column.table
        other = table.alias("other")
        # a set, built once: no index leads from a cluster to one of its authors
        there = sa.select(other.c[column.name]).where(
            other.c.cluster_id == survivor, other.c[counted.name] > 0
        )
        query = sa.select(sa.func.count(sa.distinct(column))).where(
            table.c.cluster_id == loser, counted > 0, column.in_(there)
        )
        found[survivor, name] -= connection.scalar(query) or 0
    return found


def read_totals(connection: Connection, cluster_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the totals of clusters by id; those of a cluster without members are all 0."""
    found = {cluster_id: dict.fromkeys(COLUMNS, 0) for cluster_id in cluster_ids}
    for some in _parts(cluster_ids):
        rows = connection.execute(sa.select(_total).where(_total.c.cluster_id.in_(some)))
        for row in mappings(rows):
            found[row["cluster_id"]] = {name: row[name] for name in COLUMNS}
    return found


def _known(connection: Connection, cluster_ids: Iterable[str]) -> list[str]:
    """Return which clusters hold something: of a new one nothing needs to be asked."""
    found: list[str] = []
    for some in _parts(sorted(cluster_ids)):
        query = sa.select(_total.c.cluster_id).where(_total.c.cluster_id.in_(some))
        found += connection.scalars(query)
    return found


def _sums(
    connection: Connection,
    column: sa.Column[Any],
    counted: Sequence[sa.Column[Any]],
    changes: Iterable[tuple[str, Any]],
    known: Sequence[str],
) -> dict[tuple[str, Any], tuple[int, ...]]:
    """Return what all hours of these (cluster, author or text) hold.

    Every cluster is asked for every author: one statement that is compiled once, and at 100 of each
    4 ms of look-ups in the index; a query for each cluster took 20.
    """
    there = set(known)
    wanted = [key for key in changes if key[0] in there]
    table = column.table
    sums: dict[tuple[str, Any], tuple[int, ...]] = {}
    for some in _parts(sorted({cluster_id for cluster_id, _ in wanted})):
        own = set(some)
        for part in _parts(sorted({key for cluster_id, key in wanted if cluster_id in own})):
            query = (
                sa.select(table.c.cluster_id, column, *(sa.func.sum(one) for one in counted))
                .where(table.c.cluster_id.in_(some), column.in_(part))
                .group_by(table.c.cluster_id, column)
            )
            for cluster_id, key, *found in connection.execute(query).all():
                sums[cluster_id, key] = tuple(int(n) for n in found)
    return sums


def _parts(values: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (values[start : start + _KEYS_AT_ONCE] for start in range(0, len(values), _KEYS_AT_ONCE))
