"""What is read of clusters: their members, their hours, their journal, which of them moved.

In: cluster ids and instants. Out: records and counts.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.evidence import face_first, find_cluster, gather_evidence
from storage.hour_figures import read_hours
from storage.incidents import OPEN_STATES
from storage.records import BRAND_PREFIX, Cluster, ClusterId, Evidence, HourCount, Mention, Verdict
from storage.rows import mappings, mention_of, verdict_of

_incident = tables.incident
_assigned = tables.mention_cluster
_mention = tables.mention
_verdict = tables.verdict


class ClusterQueries:
    """Queries part: clusters."""

    connection: Connection

    def cluster(self, cluster_id: ClusterId) -> Cluster | None:
        """Return a cluster, or the one it was merged into."""
        return find_cluster(self.connection, cluster_id)

    def cluster_mentions(
        self, cluster_id: ClusterId, limit: int = 50
    ) -> list[tuple[Mention, Verdict]]:
        """Return the representative, then originals, then copies, each newest first."""
        cluster = find_cluster(self.connection, cluster_id)
        if cluster is None:
            return []
        is_here = _assigned.c.cluster_id == cluster.cluster_id
        if cluster.cluster_id.startswith(BRAND_PREFIX):
            is_here = _assigned.c.brand_id == cluster.brand_id
        ids = face_first(self.connection, cluster, limit, members=is_here)
        query = (
            sa.select(_mention, *(column.label(f"v_{column.name}") for column in _verdict.c))
            .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
            .join(
                _verdict,
                sa.and_(
                    _verdict.c.mention_pk == _assigned.c.mention_pk,
                    _verdict.c.brand_id == _assigned.c.brand_id,
                    _verdict.c.is_current,
                ),
            )
            .where(is_here, _assigned.c.mention_pk.in_(ids))
        )
        names = [column.name for column in _verdict.c]
        found = {
            row["mention_pk"]: (
                mention_of(row),
                verdict_of({name: row[f"v_{name}"] for name in names}),
            )
            for row in mappings(self.connection.execute(query))
        }
        return [found[one] for one in ids if one in found]

    def cluster_hours(self, cluster_id: ClusterId, since: datetime) -> list[HourCount]:
        """Return the hours of a cluster that hold something, oldest first."""
        cluster = find_cluster(self.connection, cluster_id)
        if cluster is None:
            return []
        return list(read_hours(self.connection, cluster.cluster_id, since))

    def active_clusters(self, since: datetime, authors: int = 1) -> list[ClusterId]:
        """Return clusters in which that many authors wrote since then, and those at work."""
        cluster = tables.cluster
        # no more authors of a cluster are looked at than are asked for
        some = (
            sa.select(_assigned.c.author_key)
            .distinct()
            .where(
                _assigned.c.cluster_id == cluster.c.cluster_id, _assigned.c.published_at >= since
            )
            .limit(authors)
            .correlate(cluster)
            .subquery()
        )
        n = sa.select(sa.func.count()).select_from(some).scalar_subquery()
        moved = sa.select(cluster.c.cluster_id).where(
            cluster.c.last_at >= since, cluster.c.alias_of.is_(None), n >= authors
        )
        is_open = _incident.c.state.in_(sorted(OPEN_STATES))
        at_work = self.connection.scalars(sa.select(_incident.c.cluster_id).where(is_open))
        found = (find_cluster(self.connection, ClusterId(one)) for one in at_work)
        ids = {one.cluster_id for one in found if one is not None}
        return sorted(ids | {ClusterId(one) for one in self.connection.scalars(moved)})

    def authors_between(self, cluster_id: ClusterId, since: datetime, until: datetime) -> int:
        """Count the distinct authors of a cluster who published within [since, until]."""
        within = _assigned.c.published_at.between(since, until)
        query = sa.select(sa.func.count(_assigned.c.author_key.distinct())).where(
            _assigned.c.cluster_id == cluster_id, within
        )
        return self.connection.scalar(query) or 0

    def evidence(self, cluster_id: ClusterId, now: datetime, *, history: bool = False) -> Evidence:
        """Return all that grading may know of a cluster; see storage.evidence."""
        return gather_evidence(self.connection, cluster_id, now, history=history)
