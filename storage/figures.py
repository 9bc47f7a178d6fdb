"""Counters of spread over time, what was edited or deleted, and what is worth reading again.

In: ids. Out: the points of a mention's curve, the changed members of a cluster, its members that
spread most.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.evidence import find_cluster
from storage.incidents import OPEN_STATES
from storage.records import ClusterId, Figure, Incident, Mention, MentionId
from storage.rows import incident_of, mappings, mention_of

_assigned = tables.mention_cluster
_mention = tables.mention
_figure = tables.figure
_incident = tables.incident

# How much of spread one count stands for: a repost shows a post to new people, a comment and a like
# keep it up, most views pass on. Judgement; it only chooses what to read again, and grades nothing.
_WEIGHTS = {"reposts": 10.0, "comments": 5.0, "likes": 1.0, "views": 0.01}


class FigureQueries:
    """Queries part: what became of mentions after they were taken in."""

    connection: Connection

    def figures(self, mention_id: MentionId) -> tuple[Figure, ...]:
        """Return the counters of a mention as they were read again, oldest first."""
        query = sa.select(_figure).where(_figure.c.mention_pk == mention_id).order_by(_figure.c.at)
        return tuple(
            Figure(
                at=row["at"],
                reposts=row["reposts"],
                comments=row["comments"],
                likes=row["likes"],
                views=row["views"],
            )
            for row in mappings(self.connection.execute(query))
        )

    def changed_mentions(self, cluster_id: ClusterId, limit: int = 20) -> list[Mention]:
        """Return members that were deleted or edited, deleted ones first, newest first."""
        cluster = find_cluster(self.connection, cluster_id)
        if cluster is None:
            return []
        gone_first = sa.case((_mention.c.gone_at.is_not(None), 0), else_=1)
        query = (
            sa.select(_mention)
            .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
            .where(
                _assigned.c.cluster_id == cluster.cluster_id,
                sa.or_(_mention.c.gone_at.is_not(None), _mention.c.revision > 0),
            )
            .order_by(gone_first, _mention.c.published_at.desc(), _mention.c.mention_pk)
            .limit(limit)
        )
        return [mention_of(row) for row in mappings(self.connection.execute(query))]

    def reposts_of(self, mention_ids: Collection[MentionId]) -> dict[MentionId, int]:
        """Return per original how many near-duplicates of it stand in its cluster."""
        query = (
            sa.select(_assigned.c.duplicate_of, sa.func.count())
            .where(_assigned.c.duplicate_of.in_(sorted(mention_ids)))
            .group_by(_assigned.c.duplicate_of)
        )
        return {MentionId(row[0]): row[1] for row in self.connection.execute(query)}

    def working_incidents(self) -> list[Incident]:
        """Return the incidents that have not ended, the newest first."""
        query = (
            sa.select(_incident.c.document)
            .where(_incident.c.state.in_(sorted(OPEN_STATES)))
            .order_by(_incident.c.opened_at.desc(), _incident.c.incident_id)
        )
        return [incident_of(row) for row in mappings(self.connection.execute(query))]

    def planned_until(self, url_hashes: Collection[str]) -> dict[str, datetime | None]:
        """Return the `until` of each of these links that exists."""
        link = tables.detail_link
        query = sa.select(link.c.url_hash, link.c.until).where(
            link.c.url_hash.in_(sorted(url_hashes))
        )
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def spreading_mentions(
        self, cluster_id: ClusterId, sources: Collection[str], limit: int
    ) -> list[Mention]:
        """Return the representative and the members that spread most, public ones with a page.

        Only members found by one of `sources` are looked at, and none that stands below something
        else: a reply is read with the page that it stands on.
        """
        cluster = find_cluster(self.connection, cluster_id)
        if cluster is None or not sources:
            return []
        is_face = sa.case((_mention.c.mention_pk == cluster.representative_id, 0), else_=1)
        spread = sum(
            (sa.func.coalesce(_mention.c[name], 0) * weight for name, weight in _WEIGHTS.items()),
            start=sa.literal(0.0),
        )
        query = (
            sa.select(_mention)
            .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
            .where(
                _assigned.c.cluster_id == cluster.cluster_id,
                _mention.c.source_id.in_(sorted(sources)),
                _mention.c.channel != "internal",
                _mention.c.url != "",
                _mention.c.parent_url == "",
            )
            .order_by(is_face, spread.desc(), _mention.c.published_at.desc(), _mention.c.mention_pk)
            .limit(limit)
        )
        return [mention_of(row) for row in mappings(self.connection.execute(query))]
