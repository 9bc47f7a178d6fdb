"""All that grading may know of a cluster, read in a handful of indexed queries.

In: a cluster id and the instant it is judged at. Out: Evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import tables
from storage.authors import read_voices
from storage.brand_talk import brand_cluster, less, loudest_clusters, read_brand_hours
from storage.cluster_totals import read_totals
from storage.completeness import blind_hours
from storage.hour_figures import read_hours
from storage.records import BRAND_PREFIX, Cluster, ClusterId, Evidence, HourCount, MentionId
from storage.rows import cluster_of, mappings

_AUTHORS_FOR = timedelta(days=7)  # the longest detection window (alerting.md 3.2)
_HOURS_FOR = timedelta(days=35)  # a baseline of 28 days that lags by up to 7 (alerting.md 3.2)
_LOUD_FOR = timedelta(hours=24)
_SAMPLES = 12  # more than a message or a page shows at once

Authors = tuple[tuple[datetime, str], ...]

_assigned = tables.mention_cluster
_cluster = tables.cluster
_mention = tables.mention


def find_cluster(connection: Connection, cluster_id: ClusterId) -> Cluster | None:
    """Return a cluster, or the one it was merged into; None when there never was one."""
    if cluster_id.startswith(BRAND_PREFIX):
        return brand_cluster(connection, cluster_id)
    row = _row_of(connection, cluster_id)
    while row is not None and row["alias_of"] is not None:
        row = _row_of(connection, row["alias_of"])
    return None if row is None else cluster_of(row)


def family(connection: Connection, cluster: Cluster) -> list[str]:
    """Return the ids of a cluster and of all that were merged into it."""
    aliases = sa.select(_cluster.c.cluster_id).where(_cluster.c.alias_of == cluster.cluster_id)
    return [cluster.cluster_id, *connection.scalars(aliases.order_by(_cluster.c.cluster_id))]


def edges(connection: Connection, cluster_id: str) -> tuple[datetime | None, datetime | None]:
    """Return when the first and the last member of a cluster were published."""
    at = _assigned.c.published_at
    of_cluster = sa.select(at).where(_assigned.c.cluster_id == cluster_id).limit(1)
    # the ends of an index; asked for both in one statement, SQLite reads every member
    first: datetime | None = connection.scalar(of_cluster.order_by(at))
    last: datetime | None = connection.scalar(of_cluster.order_by(at.desc()))
    return first, last


def face_first(
    connection: Connection,
    cluster: Cluster,
    limit: int,
    *,
    members: sa.ColumnElement[bool] | None = None,
) -> list[MentionId]:
    """Return some members of a cluster: its face, then originals, then copies, each newest first.

    `members` narrows which count as members. Each part is the end of an index, so a large cluster
    is not sorted for it.
    """
    of_cluster = _assigned.c.cluster_id == cluster.cluster_id if members is None else members
    is_copy = _assigned.c.duplicate_of.is_not(None)
    found: list[MentionId] = []
    for part in (_assigned.c.mention_pk == cluster.representative_id, sa.not_(is_copy), is_copy):
        if len(found) >= limit:
            break
        query = (
            sa.select(_assigned.c.mention_pk)
            .where(of_cluster, part)
            .order_by(_assigned.c.published_at.desc(), _assigned.c.mention_pk)
            .limit(limit)
        )
        known = set(found)
        found += [MentionId(one) for one in connection.scalars(query) if one not in known]
    return found[:limit]


def gather_evidence(
    connection: Connection, cluster_id: ClusterId, now: datetime, *, history: bool = False
) -> Evidence:
    """Return the evidence on a cluster as it stands at `now`.

    With `history` old mentions count as if they could page, and nothing published after `now` is
    seen: what grading would have said then (decisions.md 5).
    """
    cluster = find_cluster(connection, cluster_id)
    if cluster is None:
        raise StoreError(f"reading evidence: there is no cluster {cluster_id!r}")
    kind = _BrandReader if cluster_id.startswith(BRAND_PREFIX) else _Reader
    reader = kind(connection, cluster, now, history=history)
    live, watch, copiers = reader.authors()
    return Evidence(
        cluster=cluster,
        hours=reader.hours() if not history else reader.past_hours(),
        brand_hours=reader.brand_hours(),
        brand_clusters=max(1, reader.brand_clusters()),
        brand_first_at=reader.brand_first_at(),
        live_authors=live,
        watch_authors=watch,
        copiers=copiers,
        samples=reader.samples(),
        blind_hours=reader.blind_hours(),
        voices=read_voices(connection, cluster.cluster_id, now),
        **(reader.totals() if not history else reader.past_totals()),
        **reader.facts(),
    )


class _Reader:
    """The queries that make up the evidence on one cluster."""

    def __init__(
        self, connection: Connection, cluster: Cluster, now: datetime, *, history: bool
    ) -> None:
        self._connection = connection
        self._cluster = cluster
        self._now = now
        self._history = history
        member = _assigned.c.cluster_id == cluster.cluster_id
        self._members = sa.and_(member, _assigned.c.published_at <= now) if history else member

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        return mappings(self._connection.execute(query))

    def hours(self) -> tuple[HourCount, ...]:
        since = self._now - _HOURS_FOR
        return read_hours(self._connection, self._cluster.cluster_id, since)

    def past_hours(self) -> tuple[HourCount, ...]:
        """Count history as live: the hour tables hold it apart, so the members are counted."""
        rows = self._rows(
            sa.select(
                _assigned.c.published_at,
                _assigned.c.author_key,
                _assigned.c.text_key,
                _assigned.c.is_sure,
            )
            .where(self._members, _assigned.c.published_at >= self._now - _HOURS_FOR)
            .order_by(_assigned.c.published_at)
        )
        hours: dict[datetime, list[sa.RowMapping]] = {}
        for row in rows:
            hour = row["published_at"].replace(minute=0, second=0, microsecond=0)
            hours.setdefault(hour, []).append(row)
        return tuple(
            HourCount(
                hour=hour,
                mentions=len(found),
                authors=len({row["author_key"] for row in found}),
                texts=len({row["text_key"] for row in found}),
                live=len({row["author_key"] for row in found if row["is_sure"]}),
                watch=len({row["author_key"] for row in found}),
            )
            for hour, found in hours.items()
        )

    def brand_hours(self) -> tuple[HourCount, ...]:
        since = self._now - _HOURS_FOR
        return read_brand_hours(self._connection, self._cluster.brand_id, since, self._now)

    def brand_clusters(self) -> int:
        found: int | None = self._connection.scalar(
            sa.select(sa.func.count()).where(
                _cluster.c.brand_id == self._cluster.brand_id, _cluster.c.state == "live"
            )
        )
        return found or 0

    def brand_first_at(self) -> datetime | None:
        table = tables.brand_hour
        first: datetime | None = self._connection.scalar(
            sa.select(sa.func.min(table.c.hour)).where(table.c.brand_id == self._cluster.brand_id)
        )
        return first

    def authors(self) -> tuple[Authors, Authors, frozenset[str]]:
        """List who wrote in the last 7 days, with their first post in them: the sure, and all.

        Then those of them who only repeated a text that somebody had written.
        """
        first = sa.func.min(_assigned.c.published_at)
        sure = sa.func.min(sa.case((_assigned.c.is_sure, _assigned.c.published_at)))
        # mostly it is the same post: not read twice, an instant costs more than its row
        later = sa.case((sure > first, sure)).label("later")
        own_words = sa.func.count() - sa.func.count(_assigned.c.duplicate_of)
        query = (
            sa.select(first, sure.is_not(None), later, _assigned.c.author_key, own_words)
            .where(self._members, _assigned.c.published_at >= self._now - _AUTHORS_FOR)
            .group_by(_assigned.c.author_key)
            .order_by(first, _assigned.c.author_key)
        )
        if not self._history:
            query = query.where(sa.not_(_assigned.c.history))
        rows = self._connection.execute(query).all()
        watch = tuple((at, author) for at, _, _, author, _ in rows)
        live = [(since or at, author) for at, is_sure, since, author, _ in rows if is_sure]
        copiers = frozenset(author for *_, author, own in rows if not own)
        return tuple(sorted(live)), watch, copiers

    def totals(self) -> dict[str, Any]:
        """Read what the cluster adds up to, whatever its size."""
        one = self._cluster.cluster_id
        found = read_totals(self._connection, [one])[one]
        first_at, last_at = edges(self._connection, one)
        return {
            "mentions": found["n"],
            **{name: found[name] for name in ("authors", "public_authors", "texts")},
            **{name: found[name] if found[f"n_{name}"] else None for name in ("reposts", "views")},
            "first_at": first_at,
            "last_at": last_at,
        }

    def past_totals(self) -> dict[str, Any]:
        """Count the members that there were by then."""
        counts = self._connection.execute(
            sa.select(
                sa.func.count().label("mentions"),
                sa.func.count(sa.distinct(_assigned.c.author_key)).label("authors"),
                sa.func.count(sa.distinct(_assigned.c.text_key)).label("texts"),
                sa.func.min(_assigned.c.published_at).label("first_at"),
                sa.func.max(_assigned.c.published_at).label("last_at"),
            ).where(self._members)
        )
        is_public = _mention.c.channel != "internal"
        public_author = sa.case((is_public, _assigned.c.author_key))
        spread = self._connection.execute(
            sa.select(
                sa.func.sum(sa.case((is_public, _mention.c.reposts))).label("reposts"),
                sa.func.sum(sa.case((is_public, _mention.c.views))).label("views"),
                sa.func.count(sa.distinct(public_author)).label("public_authors"),
            )
            .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
            .where(self._members)
        )
        figures = spread.mappings().one()
        return {
            **counts.mappings().one(),
            **{name: None if n is None else int(n) for name, n in figures.items()},
        }

    def facts(self) -> dict[str, Any]:
        """Read what members state, most frequent first; history may not make a grade rise."""
        table = tables.cluster_fact
        weight = table.c.n if self._history else table.c.n_watch
        counted = sa.func.sum(sa.case((table.c.kind == "severity", 1), else_=weight))
        rows = self._rows(
            sa.select(table.c.kind, table.c.value, counted.label("n"))
            .where(table.c.cluster_id == self._cluster.cluster_id, weight > 0)
            .group_by(table.c.kind, table.c.value)
            .order_by(counted.desc(), table.c.value)
        )
        by_kind: dict[str, list[tuple[str, int]]] = {}
        for row in rows:
            by_kind.setdefault(row["kind"], []).append((row["value"], int(row["n"])))
        names = {"platforms": "platform", "tiers": "tier", "regions": "region"}
        names["products"] = "product"
        return {
            **{
                name: tuple(value for value, _ in by_kind.get(kind, ()))
                for name, kind in names.items()
            },
            "issue_classes": tuple(by_kind.get("issue", ())),
            "also_classes": tuple(by_kind.get("also", ())),
            "sub_classes": tuple(by_kind.get("sub", ())),
            "severity": tuple(by_kind.get("severity", ())),
            "symptoms": tuple(by_kind.get("symptom", ())),
        }

    def samples(self) -> tuple[MentionId, ...]:
        """Name the representative, then originals, then copies, each newest first, some in all."""
        return tuple(face_first(self._connection, self._cluster, _SAMPLES, members=self._members))

    def blind_hours(self) -> tuple[datetime, ...]:
        """Hours in which no source saw in time what was written: the digest's own rule."""
        return blind_hours(self._connection, self._now - _HOURS_FOR, self._now)


class _BrandReader(_Reader):
    """The same of a whole brand, but for the clusters that speak for themselves.

    These are the three loudest of the last day and those of open incidents: what they bring is
    known, and no sign of the whole.
    """

    def __init__(
        self, connection: Connection, cluster: Cluster, now: datetime, *, history: bool
    ) -> None:
        super().__init__(connection, cluster, now, history=history)
        of_brand = _assigned.c.brand_id == cluster.brand_id
        loud = loudest_clusters(connection, cluster.brand_id, now - _LOUD_FOR, now)
        self._aside = {*loud, *self._at_work()}
        conditions = [of_brand, _assigned.c.cluster_id.not_in(sorted(self._aside))]
        self._members = sa.and_(*conditions, _assigned.c.published_at <= now)

    def _at_work(self) -> list[ClusterId]:
        incident, link = tables.incident, tables.incident_cluster
        rows = self._connection.scalars(
            sa.select(link.c.cluster_id)
            .join(incident, incident.c.incident_id == link.c.incident_id)
            .where(
                incident.c.brand_id == self._cluster.brand_id,
                incident.c.state.in_(["open", "acknowledged", "handled"]),
                sa.not_(link.c.cluster_id.startswith(BRAND_PREFIX)),
            )
        )
        found = (find_cluster(self._connection, ClusterId(one)) for one in rows)
        return [one.cluster_id for one in found if one is not None]

    def hours(self) -> tuple[HourCount, ...]:
        since = self._now - _HOURS_FOR
        aside = (read_hours(self._connection, one, since) for one in sorted(self._aside))
        return less(self.brand_hours(), aside)

    def past_hours(self) -> tuple[HourCount, ...]:
        return self.hours()

    def brand_clusters(self) -> int:
        return 1

    def totals(self) -> dict[str, Any]:
        """Count what was written in the last 7 days; what it reached is known of clusters only."""
        counts = self._connection.execute(
            sa.select(
                sa.func.count().label("mentions"),
                sa.func.count(sa.distinct(_assigned.c.author_key)).label("authors"),
                sa.func.count(sa.distinct(_assigned.c.text_key)).label("texts"),
                sa.func.max(_assigned.c.published_at).label("last_at"),
            ).where(self._members, _assigned.c.published_at >= self._now - _AUTHORS_FOR)
        )
        return {**counts.mappings().one(), "first_at": self.brand_first_at()}

    def past_totals(self) -> dict[str, Any]:
        return self.totals()

    def facts(self) -> dict[str, Any]:
        """Say nothing: what single mentions state is judged where they are gathered."""
        return {}

    def samples(self) -> tuple[MentionId, ...]:
        """Name the newest."""
        newest = (
            sa.select(_assigned.c.mention_pk)
            .where(self._members, _assigned.c.duplicate_of.is_(None))
            .order_by(_assigned.c.published_at.desc(), _assigned.c.mention_pk)
            .limit(_SAMPLES)
        )
        return tuple(MentionId(one) for one in self._connection.scalars(newest))


def _row_of(connection: Connection, cluster_id: str) -> sa.RowMapping | None:
    query = sa.select(_cluster).where(_cluster.c.cluster_id == cluster_id)
    return connection.execute(query).mappings().one_or_none()
