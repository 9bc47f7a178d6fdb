"""How fast clusters grow, read from the hour tables: one cluster, or those that grow most.

In: a cluster id or a brand, and the instant that is "now". Out: Growth and GrowthLine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import growing, tables
from storage.cluster_search import cluster_says
from storage.evidence import find_cluster
from storage.hour_figures import read_hours
from storage.incidents import find_incident_of
from storage.records import (
    BrandId,
    Cluster,
    ClusterId,
    Growth,
    GrowthLine,
)
from storage.rows import cluster_of, mappings

_assigned = tables.mention_cluster
_author = tables.cluster_hour_author
_cluster = tables.cluster
_platform = tables.cluster_hour_platform
_text = tables.cluster_hour_text


class GrowthQueries:
    """Queries part: growth."""

    connection: Connection

    def growth(self, cluster_id: ClusterId, now: datetime, hours: int = 72) -> Growth:
        """Return how a cluster grows, with its last `hours` hours up to that of `now`.

        Of an alias the survivor's is returned. Errors: StoreError for a cluster that never was.
        """
        cluster = find_cluster(self.connection, cluster_id)
        if cluster is None:
            raise StoreError(f"reading growth: there is no cluster {cluster_id!r}")
        one = cluster.cluster_id
        *_, end = growing.windows(now)
        since = end - timedelta(hours=hours)
        figures = read_figures(self.connection, [one], now)[one]
        return Growth(
            cluster_id=one,
            hours=read_hours(self.connection, one, since, end),
            platforms=_count_platforms(self.connection, one),
            first_at=_edge(self.connection, one, sa.func.min),
            last_at=_edge(self.connection, one, sa.func.max),
            **figures,
        )

    def growing(
        self,
        now: datetime,
        *,
        brand_id: BrandId | None = None,
        window_h: int = 24,
        words: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> list[GrowthLine]:
        """Return the clusters in which somebody wrote within `window_h` hours, growing first.

        First those that won most distinct authors in 24 hours against the 24 before, then those
        with most authors in 24 hours, then the largest. `words`: see storage.cluster_search.
        """
        moved = _moved(now, brand_id, window_h)
        if words:
            moved = moved.where(cluster_says(words))
        query = _growing_first(moved, now).limit(limit).offset(offset)
        found = [cluster_of(row) for row in mappings(self.connection.execute(query))]
        return growth_lines(self.connection, found, now)


def growth_lines(
    connection: Connection, clusters: Sequence[Cluster], now: datetime
) -> list[GrowthLine]:
    """Return clusters with their figures and the codes of their incidents, in their order."""
    figures = read_figures(connection, [one.cluster_id for one in clusters], now)
    lines = []
    for cluster in clusters:
        incident = find_incident_of(connection, cluster.cluster_id)
        code = "" if incident is None else incident.code
        own = figures[cluster.cluster_id]
        lines.append(GrowthLine(cluster=cluster, incident_code=code, **own))
    return lines


def read_figures(
    connection: Connection, cluster_ids: Sequence[str], now: datetime
) -> dict[str, dict[str, Any]]:
    """Return what Growth and GrowthLine have in common, by cluster."""
    before, since, end = growing.windows(now)
    author, hour = _author.c.author_key, _author.c.hour
    figures = {}
    for cluster_id in cluster_ids:
        counts = connection.execute(
            sa.select(
                sa.func.sum(_author.c.n).label("mentions"),
                sa.func.sum(_author.c.n_negative).label("negative"),
                sa.func.count(sa.distinct(author)).label("authors"),
            ).where(_author.c.cluster_id == cluster_id)
        )
        own = {name: int(n or 0) for name, n in counts.mappings().one().items()}
        texts = connection.scalar(
            sa.select(sa.func.count(sa.distinct(_text.c.text_key))).where(
                _text.c.cluster_id == cluster_id
            )
        )
        first = connection.execute(
            sa.select(sa.func.min(hour), author)
            .where(_author.c.cluster_id == cluster_id, hour < end)
            .group_by(author)
        )
        newcomers = [row[0] for row in first]
        wrote = [
            (row[0], row[1])
            for row in connection.execute(
                sa.select(hour, author).where(
                    _author.c.cluster_id == cluster_id, hour >= before, hour < end
                )
            )
        ]
        figures[cluster_id] = own | {
            "texts": texts or 0,
            "copies": own["mentions"] - (texts or 0),
            "authors_24h": growing.authors_of(wrote, since, end),
            "authors_before_24h": growing.authors_of(wrote, before, since),
            "doubling_h": growing.doubling_hours(newcomers, len(newcomers), now),
        }
    return figures


def _growing_first(moved: sa.Select[Any], now: datetime) -> sa.Select[Any]:
    before, since, end = growing.windows(now)
    hour, author = _author.c.hour, _author.c.author_key
    recent = sa.func.count(sa.distinct(sa.case((hour >= since, author))))
    earlier = sa.func.count(sa.distinct(sa.case((hour < since, author))))
    counted = (
        sa.select(_author.c.cluster_id, recent.label("recent"), earlier.label("earlier"))
        .where(_author.c.cluster_id.in_(moved), hour >= before, hour < end)
        .group_by(_author.c.cluster_id)
        .subquery()
    )
    return (
        sa.select(_cluster)
        .join(counted, counted.c.cluster_id == _cluster.c.cluster_id, isouter=True)
        .where(_cluster.c.cluster_id.in_(moved))
        .order_by(
            sa.func.coalesce(counted.c.recent - counted.c.earlier, 0).desc(),
            sa.func.coalesce(counted.c.recent, 0).desc(),
            _cluster.c.size.desc(),
            _cluster.c.cluster_id,
        )
    )


def _moved(now: datetime, brand_id: BrandId | None, window_h: int) -> sa.Select[Any]:
    since = now - timedelta(hours=window_h)
    within = (
        sa.select(_assigned.c.mention_pk)
        .where(
            _assigned.c.cluster_id == _cluster.c.cluster_id,
            _assigned.c.published_at > since,
            _assigned.c.published_at <= now,
        )
        .exists()
    )
    query = sa.select(_cluster.c.cluster_id).where(
        _cluster.c.last_at > since, _cluster.c.alias_of.is_(None), within
    )
    return query if brand_id is None else query.where(_cluster.c.brand_id == brand_id)


def _count_platforms(connection: Connection, cluster_id: str) -> int:
    query = sa.select(sa.func.count(sa.distinct(_platform.c.platform))).where(
        _platform.c.cluster_id == cluster_id
    )
    return connection.scalar(query) or 0


def _edge(connection: Connection, cluster_id: str, edge: Any) -> datetime | None:
    query = sa.select(edge(_assigned.c.published_at)).where(_assigned.c.cluster_id == cluster_id)
    found: datetime | None = connection.scalar(query)
    return found
