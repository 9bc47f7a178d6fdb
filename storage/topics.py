"""What topics are made of, and which topic each cluster was in when they were last told.

In: a brand and two windows. Out: TopicClusters, samples; rows of cluster_topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import BrandId, ClusterId, Mention, MentionId, TopicCluster
from storage.rows import cluster_of, mappings, mention_of

_assigned = tables.mention_cluster
_cluster = tables.cluster
_fact = tables.cluster_fact
_topic = tables.cluster_topic
Window = tuple[datetime, datetime]  # from the first instant up to the second

_AT_ONCE = 500  # values in one IN list
_FORGET = timedelta(days=62)  # no cluster lives longer without a mention: storage.gathering


class TopicMemory:
    """Transaction part: topics keep their ids from one telling to the next."""

    connection: Connection

    def save_topics(
        self, brand_id: BrandId, topics: Mapping[ClusterId, ClusterId], now: datetime
    ) -> None:
        """Remember the topic of each cluster; what was not told for two months is forgotten."""
        rows = [
            {"cluster_id": cluster_id, "brand_id": brand_id, "topic_id": topic_id, "at": now}
            for cluster_id, topic_id in sorted(topics.items())
        ]
        upsert(self.connection, _topic, rows)
        self.connection.execute(
            sa.delete(_topic).where(_topic.c.brand_id == brand_id, _topic.c.at < now - _FORGET)
        )


class TopicQueries:
    """Queries part: topics."""

    connection: Connection

    def known_topics(self, brand_id: BrandId) -> dict[ClusterId, ClusterId]:
        """Return the topic that each cluster of a brand was last in."""
        query = sa.select(_topic.c.cluster_id, _topic.c.topic_id).where(
            _topic.c.brand_id == brand_id
        )
        return {ClusterId(one): ClusterId(of) for one, of in self.connection.execute(query)}

    def topic_clusters(self, brand_id: BrandId, before: Window, now: Window) -> list[TopicCluster]:
        """Return the clusters with mentions published in a window `now` or in an earlier one."""
        members = _assigned.alias()
        active = (
            sa.select(members.c.cluster_id)
            .where(members.c.brand_id == brand_id, _published(members, before, now))
            .distinct()
        )
        authors = _authors(self.connection, brand_id, before, now)
        texts = _texts(self.connection, brand_id, now)
        classes = _main(self.connection, "issue", active)
        subs = _main(self.connection, "sub", active)
        rows = self.connection.execute(sa.select(_cluster).where(_cluster.c.cluster_id.in_(active)))
        return [
            TopicCluster(
                cluster=cluster_of(row),
                issue_class=classes.get(row["cluster_id"], ""),
                sub_class=subs.get(row["cluster_id"], ""),
                texts=texts.get(row["cluster_id"], 0),
                **authors[row["cluster_id"]],
            )
            for row in mappings(rows)
        ]

    def topic_samples(self, mention_ids: Sequence[MentionId]) -> dict[MentionId, Mention]:
        """Return mentions by id."""
        mention = tables.mention
        found: dict[MentionId, Mention] = {}
        for start in range(0, len(mention_ids), _AT_ONCE):
            wanted = mention_ids[start : start + _AT_ONCE]
            query = sa.select(mention).where(mention.c.mention_pk.in_(wanted))
            for row in mappings(self.connection.execute(query)):
                found[MentionId(row["mention_pk"])] = mention_of(row)
        return found


def _published(members: sa.FromClause, *windows: Window) -> sa.ColumnElement[bool]:
    at = members.c.published_at
    return sa.or_(*(sa.and_(at >= since, at < until) for since, until in windows))


def _authors(
    connection: Connection, brand_id: str, before: Window, now: Window
) -> dict[str, dict[str, Any]]:
    """Count the mentions of each cluster and name its authors, in either window."""
    in_window = _assigned.c.published_at >= now[0]
    query = (
        sa.select(
            _assigned.c.cluster_id,
            _assigned.c.author_key,
            sa.func.sum(sa.case((in_window, 1), else_=0)),
            sa.func.sum(sa.case((sa.and_(in_window, _assigned.c.is_sure), 1), else_=0)),
            sa.func.count(),
        )
        .where(_assigned.c.brand_id == brand_id, _published(_assigned, before, now))
        .group_by(_assigned.c.cluster_id, _assigned.c.author_key)
    )
    counted: dict[str, list[int]] = {}
    here: dict[str, set[str]] = {}
    then: dict[str, set[str]] = {}
    for cluster_id, author, n, sure, every in connection.execute(query):
        sums = counted.setdefault(cluster_id, [0, 0, 0])
        for place, value in enumerate((n, sure, every - n)):
            sums[place] += int(value)
        if n:
            here.setdefault(cluster_id, set()).add(author)
        if every > n:
            then.setdefault(cluster_id, set()).add(author)
    return {
        cluster_id: {
            "mentions": n,
            "negative": sure,
            "mentions_before": earlier,
            "authors": frozenset(here.get(cluster_id, ())),
            "authors_before": frozenset(then.get(cluster_id, ())),
        }
        for cluster_id, (n, sure, earlier) in counted.items()
    }


def _texts(connection: Connection, brand_id: str, now: Window) -> dict[str, int]:
    query = (
        sa.select(_assigned.c.cluster_id, sa.func.count(sa.distinct(_assigned.c.text_key)))
        .where(_assigned.c.brand_id == brand_id, _published(_assigned, now))
        .group_by(_assigned.c.cluster_id)
    )
    return {cluster_id: int(n) for cluster_id, n in connection.execute(query)}


def _main(connection: Connection, kind: str, clusters: sa.Select[Any]) -> dict[str, str]:
    """Return the value of a kind of fact that most mentions of each cluster have."""
    n = sa.func.sum(_fact.c.n)
    query = (
        sa.select(_fact.c.cluster_id, _fact.c.value, n)
        .where(_fact.c.kind == kind, _fact.c.cluster_id.in_(clusters))
        .group_by(_fact.c.cluster_id, _fact.c.value)
        .order_by(n.desc(), _fact.c.value)
    )
    found: dict[str, str] = {}
    for cluster_id, value, _ in connection.execute(query):
        found.setdefault(cluster_id, value)
    return found
