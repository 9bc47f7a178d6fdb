"""What the pages of clusters show beyond a cluster: members, kin, hours, a search.

In: cluster ids, words, limits. Out: records, without the clusterer's blobs, which no page needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_checks import pairs_apart
from storage.cluster_search import cluster_says
from storage.growth import growth_lines
from storage.records import (
    BrandId,
    Cluster,
    ClusterEvent,
    ClusterId,
    GrowthLine,
    Mention,
    MentionId,
    Verdict,
)
from storage.rows import cluster_of, mappings, mention_of, verdict_of

_assigned = tables.mention_cluster
_cluster = tables.cluster
_event = tables.cluster_event
_hour = tables.cluster_hour
_mention = tables.mention
_verdict = tables.verdict

_WITHOUT_BLOB = (
    *(column for column in _cluster.c if column.name != "blob"),
    sa.literal(b"", sa.LargeBinary).label("blob"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """A member of a cluster. `copies`: near-duplicates of it that stand in the same cluster.

    `placed_by` is the person who put it there, "" the program.
    """

    mention: Mention
    verdict: Verdict
    copies: int = 0
    placed_by: str = ""


class ClusterPageQueries:
    """Queries part: what pages show of clusters."""

    connection: Connection

    def clusters_by_id(self, cluster_ids: Collection[str]) -> dict[ClusterId, Cluster]:
        """Return clusters as they are stored, aliases as aliases; unknown ids are left out."""
        query = sa.select(*_WITHOUT_BLOB).where(_cluster.c.cluster_id.in_(sorted(cluster_ids)))
        return {one.cluster_id: one for one in self._clusters(query)}

    def cluster_aliases(self, cluster_id: ClusterId, limit: int | None = None) -> list[Cluster]:
        """Return the clusters that were merged into this one, the latest first."""
        query = sa.select(*_WITHOUT_BLOB).where(_cluster.c.alias_of == cluster_id)
        order = (_cluster.c.last_at.desc(), _cluster.c.cluster_id)
        return self._clusters(query.order_by(*order).limit(limit))

    def count_aliases(self, cluster_id: ClusterId) -> int:
        """Count the clusters that were merged into this one."""
        query = sa.select(sa.func.count()).where(_cluster.c.alias_of == cluster_id)
        return self.connection.scalar(query) or 0

    def clusters_apart(self, cluster: Cluster) -> list[Cluster]:
        """Return the clusters that a person wants apart from this one."""
        one = cluster.cluster_id
        pairs = pairs_apart(self.connection, cluster.brand_id)
        others = {
            first if second == one else second for first, second in pairs if one in {first, second}
        }
        return sorted(self.clusters_by_id(others).values(), key=lambda other: other.cluster_id)

    def cluster_story(self, cluster: Cluster, limit: int | None = None) -> list[ClusterEvent]:
        """Return the journal of a cluster and of what was merged into it, oldest first.

        `limit`: of a longer one only so many of the newest rows.
        """
        cluster_id = cluster.cluster_id
        aliases = sa.select(_cluster.c.cluster_id).where(_cluster.c.alias_of == cluster_id)
        named = sa.union(
            *(
                sa.select(_event.c.event_no).where(condition)
                for side in (_event.c.cluster_id, _event.c.other_id)
                for condition in (side == cluster_id, side.in_(aliases))
            )
        )
        query = sa.select(_event).where(_event.c.event_no.in_(named))
        newest = query.order_by(_event.c.event_no.desc()).limit(limit)
        return [ClusterEvent(**row) for row in mappings(self.connection.execute(newest))][::-1]

    def listed_clusters(
        self,
        now: datetime,
        *,
        brand_id: BrandId | None = None,
        state: str = "",
        words: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> list[GrowthLine]:
        """Return clusters in a state ("" live and cold ones) that have members, the latest first.

        `words`: see storage.cluster_search.
        """
        query = sa.select(*_WITHOUT_BLOB).where(
            _cluster.c.state.in_((state,) if state else ("live", "cold")),
            _cluster.c.size + _cluster.c.n_duplicates > 0,
        )
        if brand_id is not None:
            query = query.where(_cluster.c.brand_id == brand_id)
        if words:
            query = query.where(cluster_says(words))
        order = (_cluster.c.last_at.desc(), _cluster.c.cluster_id)
        found = self._clusters(query.order_by(*order).limit(limit).offset(offset))
        return growth_lines(self.connection, found, now)

    def neighbours(self, cluster: Cluster, words: str = "", limit: int = 1000) -> list[Cluster]:
        """Return clusters of the same shard that an edit may name, the latest first.

        `words`: a part of the label or of a keyword, or the beginning of an id.
        """
        query = sa.select(*_WITHOUT_BLOB).where(
            _cluster.c.shard_id == cluster.shard_id,
            _cluster.c.state.in_(("live", "cold")),
            _cluster.c.cluster_id != cluster.cluster_id,
            _cluster.c.size > 0,
        )
        if words:
            query = query.where(cluster_says(words))
        order = (_cluster.c.last_at.desc(), _cluster.c.cluster_id)
        return self._clusters(query.order_by(*order).limit(limit))

    def cluster_originals(
        self, cluster_id: ClusterId, limit: int = 20, offset: int = 0, *, says: str = ""
    ) -> list[MemberLine]:
        """Return members that are no copies, newest first, each with the number of its copies.

        `says`: only those whose title or text hold these words.
        """
        query = _members().where(
            _assigned.c.cluster_id == cluster_id, _assigned.c.duplicate_of.is_(None)
        )
        if says:
            part = says.lower()
            title, body = sa.func.lower(_mention.c.title), sa.func.lower(_mention.c.text)
            query = query.where(
                sa.or_(title.contains(part, autoescape=True), body.contains(part, autoescape=True))
            )
        lines = self._lines(query.order_by(*_NEWEST).limit(limit).offset(offset))
        counted = self.copies_in(cluster_id, [line.mention.mention_id for line in lines])
        return [
            MemberLine(
                mention=line.mention,
                verdict=line.verdict,
                copies=counted.get(line.mention.mention_id, 0),
                placed_by=line.placed_by,
            )
            for line in lines
        ]

    def cluster_copies(
        self, cluster_id: ClusterId, original_id: MentionId, limit: int = 50, offset: int = 0
    ) -> list[MemberLine]:
        """Return the copies of one member, newest first."""
        query = _members().where(
            _assigned.c.cluster_id == cluster_id, _assigned.c.duplicate_of == original_id
        )
        return self._lines(query.order_by(*_NEWEST).limit(limit).offset(offset))

    def cluster_members_of(
        self, cluster_id: ClusterId, mention_ids: Collection[MentionId]
    ) -> list[MemberLine]:
        """Return those of these mentions that are members of a cluster, newest first."""
        query = _members().where(
            _assigned.c.cluster_id == cluster_id, _assigned.c.mention_pk.in_(sorted(mention_ids))
        )
        return self._lines(query.order_by(*_NEWEST))

    def hours_of_clusters(
        self, cluster_ids: Collection[ClusterId], since: datetime
    ) -> dict[ClusterId, list[tuple[datetime, int]]]:
        """Return the mentions per hour of several clusters, oldest hour first."""
        query = (
            sa.select(_hour.c.cluster_id, _hour.c.hour, _hour.c.mentions)
            .where(_hour.c.cluster_id.in_(sorted(cluster_ids)), _hour.c.hour >= since)
            .order_by(_hour.c.cluster_id, _hour.c.hour)
        )
        found: dict[ClusterId, list[tuple[datetime, int]]] = {}
        for row in self.connection.execute(query):
            found.setdefault(ClusterId(row[0]), []).append((row[1], row[2]))
        return found

    def copies_in(
        self, cluster_id: ClusterId, mention_ids: Sequence[MentionId]
    ) -> dict[MentionId, int]:
        """Return per original how many copies of it stand in this cluster."""
        query = (
            sa.select(_assigned.c.duplicate_of, sa.func.count())
            .where(_assigned.c.cluster_id == cluster_id, _assigned.c.duplicate_of.in_(mention_ids))
            .group_by(_assigned.c.duplicate_of)
        )
        return {MentionId(row[0]): row[1] for row in self.connection.execute(query)}

    def _clusters(self, query: sa.Select[Any]) -> list[Cluster]:
        return [cluster_of(row) for row in mappings(self.connection.execute(query))]

    def _lines(self, query: sa.Select[Any]) -> list[MemberLine]:
        names = [column.name for column in _verdict.c]
        return [
            MemberLine(
                mention=mention_of(row),
                verdict=verdict_of({name: row[f"v_{name}"] for name in names}),
                placed_by=row["a_placed_by"],
            )
            for row in mappings(self.connection.execute(query))
        ]


_NEWEST = (_assigned.c.published_at.desc(), _assigned.c.mention_pk.desc())


def _members() -> sa.Select[Any]:
    return (
        sa.select(
            _mention,
            _assigned.c.placed_by.label("a_placed_by"),
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
    )
