"""What became of a brand's clusters: arrivals and journal in order of time, people's corrections.

In: a brand (None: all) and instants. Out: streams for pictures, samples to calibrate by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import BrandId, ClusterEvent, ClusterId, Recalled, ShardId
from storage.rows import assignment_of, mappings, mention_of, verdict_of

_assigned = tables.mention_cluster
_cluster = tables.cluster
_event = tables.cluster_event
_mention = tables.mention
_verdict = tables.verdict

_AT_ONCE = 5000  # rows of a stream held in memory
_IN_LIST = 500
SYSTEM = "system"
# What people do to clusters that says which mentions belong together; names and pins do not.
TELLING = ("merge", "split", "move", "apart", "together", "undo")
_joined = sa.func.coalesce(_assigned.c.home_id, _assigned.c.cluster_id)


class ClusterHistoryQueries:
    """Queries part: the past of clusters."""

    connection: Connection

    def cluster_arrivals(
        self, brand_id: BrandId | None, since: datetime, until: datetime
    ) -> Iterator[tuple[datetime, ClusterId]]:
        """Yield when each mention was said and which cluster it joined, oldest first."""
        query = (
            sa.select(_assigned.c.published_at, _joined)
            .where(_assigned.c.published_at.between(since, until), *_of_brand(_assigned, brand_id))
            .order_by(_assigned.c.published_at, _assigned.c.mention_pk)
            .execution_options(yield_per=_AT_ONCE)
        )
        for at, cluster_id in self.connection.execute(query):
            yield at, ClusterId(cluster_id)

    def cluster_journal(
        self, brand_id: BrandId | None, since: datetime, until: datetime
    ) -> Iterator[ClusterEvent]:
        """Yield the rows of the journal of these days, oldest first."""
        query = (
            sa.select(_event)
            .join(_cluster, _cluster.c.cluster_id == _event.c.cluster_id)
            .where(_event.c.at.between(since, until), *_of_brand(_cluster, brand_id))
            .order_by(_event.c.at, _event.c.event_no)
            .execution_options(yield_per=_AT_ONCE)
        )
        for row in self.connection.execute(query).mappings():
            yield ClusterEvent(**row)

    def cluster_sizes(self, brand_id: BrandId | None, before: datetime) -> dict[ClusterId, int]:
        """Return how many mentions from before clusters hold that something came into since."""
        query = (
            sa.select(_joined, sa.func.count())
            .join(_cluster, _cluster.c.cluster_id == _assigned.c.cluster_id)
            .where(
                _cluster.c.last_at >= before,
                _assigned.c.published_at < before,
                *_of_brand(_assigned, brand_id),
            )
            .group_by(_joined)
        )
        return {ClusterId(row[0]): int(row[1]) for row in self.connection.execute(query)}

    def live_counts(self, brand_id: BrandId | None) -> tuple[int, int]:
        """Return how many clusters live now, and how many of them hold one mention."""
        alone = sa.case((_cluster.c.size + _cluster.c.n_duplicates == 1, 1), else_=0)
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(alone), 0)).where(
            _cluster.c.state == "live", *_of_brand(_cluster, brand_id)
        )
        live, singles = self.connection.execute(query).one()
        return int(live), int(singles)

    def cluster_labels(self, ids: Sequence[ClusterId]) -> dict[ClusterId, str]:
        """Return the names of clusters, aliases included."""
        found: dict[ClusterId, str] = {}
        for start in range(0, len(ids), _IN_LIST):
            some = list(ids[start : start + _IN_LIST])
            query = sa.select(_cluster.c.cluster_id, _cluster.c.label).where(
                _cluster.c.cluster_id.in_(some)
            )
            found |= {ClusterId(row[0]): row[1] for row in self.connection.execute(query)}
        return found

    def corrected_clusters(self, brand_id: BrandId | None) -> dict[ShardId, set[ClusterId]]:
        """Return, by shard, the clusters of today that people took apart, joined or kept apart."""
        query = (
            sa.select(_event.c.cluster_id, _event.c.other_id)
            .join(_cluster, _cluster.c.cluster_id == _event.c.cluster_id)
            .where(
                _event.c.actor != SYSTEM,
                _event.c.kind.in_(TELLING),
                # undone names and pins are no word on members: their rows name no other cluster
                sa.or_(_event.c.kind != "undo", _event.c.other_id.is_not(None)),
                *_of_brand(_cluster, brand_id),
            )
        )
        named = sorted({one for row in self.connection.execute(query) for one in row if one})
        found: dict[ShardId, set[ClusterId]] = {}
        for start in range(0, len(named), _IN_LIST):
            some = named[start : start + _IN_LIST]
            today = sa.func.coalesce(_cluster.c.alias_of, _cluster.c.cluster_id)
            rows = sa.select(_cluster.c.shard_id, today).where(_cluster.c.cluster_id.in_(some))
            for shard_id, cluster_id in self.connection.execute(rows):
                found.setdefault(ShardId(shard_id), set()).add(ClusterId(cluster_id))
        return found

    def shard_members(self, shard_id: ShardId, limit: int) -> list[Recalled]:
        """Return the newest members of a shard that are no copies, in the order they came."""
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
            .where(_assigned.c.shard_id == shard_id, _assigned.c.duplicate_of.is_(None))
            .order_by(_assigned.c.seq.desc())
            .limit(limit)
        )
        names = [column.name for column in _verdict.c]
        rows = mappings(self.connection.execute(query))
        return [
            Recalled(
                mention=mention_of(row),
                verdict=verdict_of({name: row[f"v_{name}"] for name in names}),
                assignment=assignment_of(row),
                is_placed=bool(row["placed_by"]),
            )
            for row in reversed(rows)
        ]


def _of_brand(table: sa.Table, brand_id: BrandId | None) -> list[sa.ColumnElement[Any]]:
    return [] if brand_id is None else [table.c.brand_id == brand_id]
