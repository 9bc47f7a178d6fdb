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
from storage.cluster_journal import write_journal
from storage.records import ClusterEvent, ClusterId, MentionId
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
    write_journal(
        connection,
        [
            ClusterEvent(
                cluster_id=ClusterId(row["cluster_id"]),
                kind="retract",
                at=now,
                actor=actor,
                mention_id=MentionId(row["mention_pk"]),
            )
            for row in rows
        ],
    )


def recount_clusters(
    connection: Connection, cluster_ids: Sequence[str], *, anew: bool = False
) -> None:
    """Count the members of clusters that lost some; a face that left is nobody's face.

    `anew`: what left does not come back, so a live one is made anew from the rest when its shard is
    loaded again, and an empty one is cold. Without it (mentions that are judged again mostly come
    back) a cluster stays findable by what it was.
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
        if anew:
            is_live = sa.and_(is_it, _cluster.c.state == "live")
            state = "live" if every else "cold"
            connection.execute(sa.update(_cluster).where(is_live).values(blob=b"", state=state))
        is_member = sa.select(_assigned.c.mention_pk).where(
            _assigned.c.cluster_id == cluster_id,
            _assigned.c.mention_pk == _cluster.c.representative_id,
        )
        connection.execute(
            sa.update(_cluster)
            .where(is_it, sa.not_(is_member.exists()))
            .values(representative_id=None)
        )
