"""Mentions leave clusters: the journal says who took them out, and the clusters' sizes follow.

In: rows of mention_cluster that must go. Out: they are gone, with one row of cluster_event each.
The hour tables are the caller's: see storage.hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.counters import take_numbers
from storage.rows import Row

_assigned = tables.mention_cluster
_cluster = tables.cluster


def drop_members(connection: Connection, rows: Sequence[Row], actor: str, now: datetime) -> None:
    """Take members out of their clusters, with a row in the journal (decisions.md 22)."""
    if not rows:
        return
    for row in rows:
        connection.execute(
            sa.delete(_assigned).where(
                _assigned.c.mention_pk == row["mention_pk"],
                _assigned.c.brand_id == row["brand_id"],
            )
        )
    numbers = take_numbers(connection, "cluster_event", len(rows))
    events = [
        {
            "event_no": number,
            "cluster_id": row["cluster_id"],
            "kind": "retract",
            "at": now,
            "actor": actor,
            "other_id": None,
            "note": f"mention {row['mention_pk']}",
        }
        for row, number in zip(rows, numbers, strict=True)
    ]
    connection.execute(sa.insert(tables.cluster_event), events)


def recount_clusters(connection: Connection, cluster_ids: Sequence[str]) -> None:
    """Count the members of clusters that lost some; a face that left is nobody's face.

    The clusterer takes these figures when it loads the shard again.
    """
    if not cluster_ids:
        return
    is_text = sa.case((_assigned.c.duplicate_of.is_(None), 1), else_=0)
    counted = connection.execute(
        sa.select(_assigned.c.cluster_id, sa.func.sum(is_text), sa.func.count())
        .where(_assigned.c.cluster_id.in_(list(cluster_ids)))
        .group_by(_assigned.c.cluster_id)
    )
    found = {row[0]: (int(row[1]), int(row[2])) for row in counted}
    for cluster_id in cluster_ids:
        texts, every = found.get(cluster_id, (0, 0))
        is_it = _cluster.c.cluster_id == cluster_id
        connection.execute(
            sa.update(_cluster).where(is_it).values(size=texts, n_duplicates=every - texts)
        )
        is_member = sa.select(_assigned.c.mention_pk).where(
            _assigned.c.cluster_id == cluster_id,
            _assigned.c.mention_pk == _cluster.c.representative_id,
        )
        connection.execute(
            sa.update(_cluster)
            .where(is_it, sa.not_(is_member.exists()))
            .values(representative_id=None)
        )
