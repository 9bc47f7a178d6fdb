"""What a shard asks of the past while it gathers: stored members, texts, clusters that are cold.

In: cluster ids, mention ids, features. Out: records. It reads inside the shard's own transaction
and knows nothing of the batch in hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_checks import pairs_apart
from storage.records import (
    COLD_SHARED,
    MADE_ANEW_FROM,
    Cluster,
    ClusterId,
    Mention,
    MentionId,
    Recalled,
    ShardId,
)
from storage.rows import assignment_of, cluster_of, mappings, mention_of, verdict_of

_assigned = tables.mention_cluster
_mention = tables.mention
_verdict = tables.verdict
_cluster = tables.cluster
_cold = tables.cold_feature

FIRST = 3  # of a cluster that is made anew: its founders, beside the newest


class ShardRecall:
    """The past of one shard; what classify.recall.Recall describes."""

    def __init__(self, connection: Connection, shard_id: ShardId) -> None:
        self._connection = connection
        self._shard_id = shard_id

    def members(self, cluster_ids: Sequence[ClusterId], limit: int) -> list[Recalled]:
        """Return the newest members of these clusters that are no copies, newest first."""
        return _members(self._connection, cluster_ids, limit, newest=True)

    def mentions(self, ids: Sequence[MentionId]) -> list[Mention]:
        """Return mentions by id; those that are gone are left out."""
        query = sa.select(_mention).where(_mention.c.mention_pk.in_(list(ids)))
        return [mention_of(row) for row in mappings(self._connection.execute(query))]

    def copies(
        self, cluster_ids: Sequence[ClusterId], originals: Sequence[MentionId]
    ) -> list[Recalled]:
        """Return the members of these clusters that copy one of these texts."""
        where = sa.and_(
            _assigned.c.cluster_id.in_(list(cluster_ids)),
            _assigned.c.duplicate_of.in_(list(originals)),
        )
        return _recalled(self._connection, where)

    def known(self, cluster_ids: Sequence[ClusterId]) -> list[Cluster]:
        """Return clusters of any state by id; ids that nothing has are left out."""
        query = sa.select(_cluster).where(_cluster.c.cluster_id.in_(list(cluster_ids)))
        return [cluster_of(row) for row in mappings(self._connection.execute(query))]

    def has_cold(self) -> bool:
        """Say whether any cluster of the shard can be found by its features."""
        query = sa.select(_cold.c.feature).where(_cold.c.shard_id == self._shard_id).limit(1)
        return self._connection.scalar(query) is not None

    def cold(self, features: Sequence[int], limit: int) -> list[Cluster]:
        """Return the cold clusters that share most of these features, at least two of them."""
        shared = sa.func.count()
        found = (
            sa.select(_cold.c.cluster_id)
            .where(_cold.c.shard_id == self._shard_id, _cold.c.feature.in_(list(features)))
            .group_by(_cold.c.cluster_id)
            .having(shared >= COLD_SHARED)
            .order_by(shared.desc(), _cold.c.cluster_id)
            .limit(limit)
        )
        ids = list(self._connection.scalars(found))
        if not ids:
            return []
        by_id = {one.cluster_id: one for one in self.known(ids) if one.state == "cold"}
        return [by_id[cluster_id] for cluster_id in ids if cluster_id in by_id]


def _members(
    connection: Connection, cluster_ids: Sequence[ClusterId], limit: int, *, newest: bool
) -> list[Recalled]:
    where = sa.and_(
        _assigned.c.cluster_id.in_(list(cluster_ids)), _assigned.c.duplicate_of.is_(None)
    )
    return _recalled(connection, where, limit, newest=newest)


def _recalled(
    connection: Connection,
    where: sa.ColumnElement[bool],
    limit: int | None = None,
    *,
    newest: bool = False,
) -> list[Recalled]:
    query = (
        sa.select(
            _mention,
            *(c for c in _assigned.c if c.name not in {"mention_pk", "published_at"}),
            *(column.label(f"v_{column.name}") for column in _verdict.c),
        )
        .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
        .join(
            _verdict,
            sa.and_(
                _verdict.c.mention_pk == _assigned.c.mention_pk,
                _verdict.c.brand_id == _assigned.c.brand_id,
                _verdict.c.is_current,
            ),
        )
        .where(where)
        .order_by(_assigned.c.seq.desc() if newest else _assigned.c.seq)
        .limit(limit)
    )
    names = [column.name for column in _verdict.c]
    return [
        Recalled(
            mention=mention_of(row),
            verdict=verdict_of({name: row[f"v_{name}"] for name in names}),
            assignment=assignment_of(row),
            is_placed=bool(row["placed_by"]),
        )
        for row in mappings(connection.execute(query))
    ]


def members_to_rebuild(
    connection: Connection, cluster_ids: Sequence[ClusterId]
) -> Mapping[ClusterId, tuple[Recalled, ...]]:
    """Return of each cluster the members that it is made anew from, in order of `seq`."""
    found = {}
    for cluster_id in cluster_ids:
        first = _members(connection, [cluster_id], FIRST, newest=False)
        last = _members(connection, [cluster_id], MADE_ANEW_FROM, newest=True)
        known = {one.assignment.seq: one for one in (*first, *last)}
        found[cluster_id] = tuple(known[seq] for seq in sorted(known))
    return found


def read_apart(connection: Connection, brand_id: str) -> frozenset[tuple[ClusterId, ClusterId]]:
    """Return the pairs of a brand's clusters of today that people want apart, smaller id first."""
    return frozenset(pairs_apart(connection, brand_id))
