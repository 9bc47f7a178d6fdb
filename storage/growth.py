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
from storage.cluster_totals import read_totals
from storage.evidence import edges, find_cluster
from storage.hour_figures import read_hours
from storage.incidents import find_incident_of
from storage.records import BrandId, Cluster, ClusterId, Growth, GrowthLine
from storage.rows import cluster_of, mappings

_assigned = tables.mention_cluster
_author = tables.cluster_hour_author
_cluster = tables.cluster
_platform = tables.cluster_hour_platform


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
        first_at, last_at = edges(self.connection, one)
        return Growth(
            cluster_id=one,
            hours=read_hours(self.connection, one, since, end),
            platforms=_count_platforms(self.connection, one),
            first_at=first_at,
            last_at=last_at,
            **read_figures(self.connection, [one], now)[one],
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
    totals = read_totals(connection, cluster_ids)
    return {
        cluster_id: {
            "mentions": own["n"],
            "authors": own["authors"],
            "texts": own["texts"],
            "copies": own["n"] - own["texts"],
            "negative": own["n_negative"],
            **_pace(connection, cluster_id, own["authors"], now),
        }
        for cluster_id, own in totals.items()
    }


def _pace(
    connection: Connection, cluster_id: str, authors: int, now: datetime
) -> dict[str, float | int | None]:
    """Return authors per day and the doubling time. It reads the hours of the last week only."""
    before, since, end = growing.windows(now)
    hour, author = _author.c.hour, _author.c.author_key
    of_cluster = _author.c.cluster_id == cluster_id
    wrote = connection.execute(
        sa.select(hour, author).where(of_cluster, hour >= end - growing.LONGEST, hour < end)
    )
    recent = [(row[0], row[1]) for row in wrote]
    later = connection.scalar(
        # a date ahead of the clock is not believed: those who only wrote then are not there yet
        sa.select(sa.func.count(sa.distinct(author))).where(
            of_cluster, hour >= end, sa.not_(_wrote_before(end))
        )
    )
    daily = {
        "authors_24h": growing.authors_of(recent, since, end),
        "authors_before_24h": growing.authors_of(recent, before, since),
    }
    there = authors - (later or 0)
    newcomers = _newcomers(connection, cluster_id, recent, end - growing.LONGEST)
    return {**daily, "doubling_h": growing.doubling_hours(newcomers, there, now)}


def _newcomers(
    connection: Connection,
    cluster_id: str,
    recent: Sequence[tuple[datetime, str]],
    since: datetime,
) -> list[datetime]:
    """Return the hour in which each author of `recent` first wrote who never did before `since`."""
    known = set(
        connection.scalars(
            sa.select(_author.c.author_key)
            .distinct()
            .where(
                _author.c.cluster_id == cluster_id, _author.c.hour >= since, _wrote_before(since)
            )
        )
    )
    first: dict[str, datetime] = {}
    for hour, author in recent:
        if author not in known:
            first[author] = min(hour, first.get(author, hour))
    return list(first.values())


def _wrote_before(instant: datetime) -> sa.ColumnElement[bool]:
    """Say, by index, whether the author of a row wrote in that cluster before an hour."""
    earlier = _author.alias("earlier")
    return (
        sa.select(earlier.c.hour)
        .where(
            earlier.c.cluster_id == _author.c.cluster_id,
            earlier.c.author_key == _author.c.author_key,
            earlier.c.hour < instant,
        )
        .exists()
    )


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
