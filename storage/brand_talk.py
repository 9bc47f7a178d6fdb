"""The talk about a whole brand: what its clusters bring together, and who of them brings most.

In: a brand and a range of time. Out: counts per hour and per ten minutes, and the pseudo cluster
`brand:<id>` under which the whole is graded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import Instant, ten_minutes
from storage.completeness import blind_hours, hours_between
from storage.hour_figures import read_hours
from storage.instants import hour_of
from storage.records import BRAND_PREFIX, BrandId, Cluster, ClusterId, HourCount, ShardId, SourceId

_LABEL = "整体负面声量上升"
# One trouble may stand in some clusters: so many of the loudest never speak for a whole brand.
LOUD = 3
_SLOT = timedelta(minutes=10)
_SLOTS_AN_HOUR = 6
_BLIND_FOR = timedelta(days=35)  # as far back as a baseline reaches

_assigned = tables.mention_cluster
_hour = tables.brand_hour


class BrandQueries:
    """Queries part: whole brands."""

    connection: Connection

    def brand_hours(
        self, brand_id: BrandId, since: datetime, until: datetime
    ) -> tuple[HourCount, ...]:
        """Return the hours of a brand that hold something, oldest first."""
        return read_brand_hours(self.connection, brand_id, since, until)

    def cluster_hours_of(
        self, cluster_id: ClusterId, since: datetime, until: datetime
    ) -> tuple[HourCount, ...]:
        """Return the hours of one cluster, as it stands, within [since, until)."""
        return read_hours(self.connection, cluster_id, since, until)

    def brand_slots(self, brand_id: BrandId, since: datetime, until: datetime) -> tuple[int, ...]:
        """Return distinct authors per ten minutes from the hour of `since` to that of `until`.

        Shape: six an hour, those that nobody wrote in included. History does not count.
        """
        first, end = hour_of(since), hour_of(until)
        slot = ten_minutes(_assigned.c.published_at)
        rows = self.connection.execute(
            sa.select(
                sa.type_coerce(slot, Instant), sa.func.count(sa.distinct(_assigned.c.author_key))
            )
            .where(*_fresh(brand_id, first, end))
            .group_by(slot)
        )
        counts = [0] * (_SLOTS_AN_HOUR * len(hours_between(first, end)))
        for at, n in rows:
            counts[(at - first) // _SLOT] = n
        return tuple(counts)

    def blind_hours(self, sources: Sequence[SourceId], now: datetime) -> tuple[datetime, ...]:
        """Return the hours of a baseline in which none of these sources saw what was written."""
        return blind_hours(self.connection, now - _BLIND_FOR, now, sources)

    def loudest_clusters(
        self, brand_id: BrandId, since: datetime, until: datetime, but: ClusterId | None = None
    ) -> list[ClusterId]:
        """Return the three clusters in which most distinct authors wrote, `but` left out."""
        return loudest_clusters(self.connection, brand_id, since, until, but)


def brand_cluster(connection: Connection, cluster_id: str) -> Cluster | None:
    """Return the pseudo cluster of a brand; None for one that nobody ever complained about."""
    brand_id = cluster_id.removeprefix(BRAND_PREFIX)
    known = sa.select(_hour.c.hour).where(_hour.c.brand_id == brand_id).limit(1)
    if connection.scalar(known) is None:
        return None
    return Cluster(
        cluster_id=ClusterId(cluster_id),
        shard_id=ShardId(""),
        brand_id=BrandId(brand_id),
        label=_LABEL,
    )


def read_brand_hours(
    connection: Connection, brand_id: str, since: datetime, until: datetime
) -> tuple[HourCount, ...]:
    """Return the hours of a brand that hold something, oldest first, `until` included."""
    names = ("hour", "mentions", "authors", "texts", "live", "watch")
    rows = connection.execute(
        sa.select(*(_hour.c[name] for name in names))
        .where(_hour.c.brand_id == brand_id, _hour.c.hour >= since, _hour.c.hour <= until)
        .order_by(_hour.c.hour)
    )
    return tuple(
        HourCount(
            hour=hour, mentions=mentions, authors=authors, texts=texts, live=live, watch=watch
        )
        for hour, mentions, authors, texts, live, watch in rows
    )


def loudest_clusters(
    connection: Connection,
    brand_id: str,
    since: datetime,
    until: datetime,
    but: ClusterId | None = None,
) -> list[ClusterId]:
    """Return the three clusters in which most distinct authors wrote, `but` left out."""
    n = sa.func.count(sa.distinct(_assigned.c.author_key))
    query = (
        sa.select(_assigned.c.cluster_id)
        .where(*_fresh(brand_id, since, until))
        .group_by(_assigned.c.cluster_id)
        .order_by(n.desc(), _assigned.c.cluster_id)
        .limit(LOUD)
    )
    if but is not None:
        query = query.where(_assigned.c.cluster_id != but)
    return [ClusterId(one) for one in connection.scalars(query)]


def less(
    hours: Iterable[HourCount], taken: Iterable[tuple[HourCount, ...]]
) -> tuple[HourCount, ...]:
    """Take the hours of some clusters out of those of their brand; no count falls below nought.

    Who wrote in several clusters within one hour is taken out more than once: one too few is left,
    never one too many.
    """
    left = {one.hour: one for one in hours}
    for one in (one for some in taken for one in some if one.hour in left):
        now = left[one.hour]
        names = ("mentions", "authors", "texts", "live", "watch")
        counts = {name: max(0, getattr(now, name) - getattr(one, name)) for name in names}
        left[one.hour] = replace(now, **counts)
    return tuple(left.values())


def _fresh(brand_id: str, since: datetime, until: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    at = _assigned.c.published_at
    of_brand = _assigned.c.brand_id == brand_id
    return of_brand, at >= since, at < until, sa.not_(_assigned.c.history)
