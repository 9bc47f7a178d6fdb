"""What an edit of clusters needs to know first, and how it says no.

In: names that people gave. Out: the clusters of today, or a refusal that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import GroundswellError
from storage import tables
from storage.evidence import find_cluster
from storage.records import Cluster, ClusterEvent, ClusterId
from storage.rows import mappings

_event = tables.cluster_event
_assigned = tables.mention_cluster
_NEVER = 1 << 62  # stands in for the number of a row that there is not


class EditRefusedError(GroundswellError):
    """An edit of clusters that cannot be; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEdit:
    """What an edit came to: the clusters that changed, the one to look at first, and its rows."""

    clusters: tuple[ClusterId, ...]
    events: tuple[ClusterEvent, ...]


def named_actor(actor: str) -> str:
    """Return who acts; EditRefusedError when that is nobody, or sounds like the program."""
    if not actor.strip() or actor == "system":
        raise EditRefusedError(
            f"改动聚类要写明是谁改的，不能是 {actor!r} (name the person who edits)"
        )
    return actor


def cluster_of_today(connection: Connection, cluster_id: str) -> Cluster:
    """Return the cluster that an id stands for today, through whatever it was merged into."""
    found = find_cluster(connection, ClusterId(cluster_id))
    if found is None:
        raise EditRefusedError(
            f"没有聚类 {cluster_id!r}；用 groundswell cluster list 查看编号 "
            "(no such cluster; see: groundswell cluster list)"
        )
    return found


def filled(connection: Connection, cluster: Cluster) -> Cluster:
    """Return the cluster; EditRefusedError when it has no members left."""
    query = sa.select(_assigned.c.mention_pk).where(_assigned.c.cluster_id == cluster.cluster_id)
    if connection.scalar(query.limit(1)) is None:
        raise EditRefusedError(
            f"聚类 {cluster.cluster_id} 里已经没有提及，没有可以改动的 (the cluster is empty)"
        )
    return cluster


def of_one_shard(one: Cluster, other: Cluster) -> None:
    """Refuse two clusters that can never be one: of two brands, or of two languages."""
    if one.brand_id != other.brand_id:
        raise EditRefusedError(
            f"{one.cluster_id} 属于品牌 {one.brand_id}，{other.cluster_id} 属于 {other.brand_id}；"
            "聚类不跨品牌 (clusters belong to one brand)"
        )
    if one.shard_id != other.shard_id:
        languages = [cluster.shard_id.rpartition("/")[2] for cluster in (one, other)]
        raise EditRefusedError(
            f"{one.cluster_id} 是 {languages[0]} 的，{other.cluster_id} 是 {languages[1]} 的；"
            "不同语言的词无法比较，聚类按语言分开。是同一件事就合并它们的事件："
            "groundswell incidents merge (clusters are kept per language; merge the incidents)"
        )


def births(connection: Connection, cluster_ids: Iterable[str]) -> dict[str, int]:
    """Return the number of the journal row that opened each cluster, or split it off.

    Clusters without such a row come last.
    """
    names = list(cluster_ids)
    found = dict.fromkeys(names, _NEVER)
    for column, kind in ((_event.c.cluster_id, "open"), (_event.c.other_id, "split")):
        query = (
            sa.select(column, sa.func.min(_event.c.event_no))
            .where(column.in_(names), _event.c.kind == kind)
            .group_by(column)
        )
        for cluster_id, event_no in connection.execute(query):
            found[cluster_id] = min(found[cluster_id], event_no)
    return found


def older_first(connection: Connection, one: Cluster, other: Cluster) -> tuple[Cluster, Cluster]:
    """Return two clusters, the older one first: its id survives a merge."""
    born = births(connection, (one.cluster_id, other.cluster_id))

    def age(cluster: Cluster) -> tuple[int, float, str]:
        first = cluster.first_at.timestamp() if cluster.first_at else float("inf")
        return born[cluster.cluster_id], first, cluster.cluster_id

    first, second = sorted((one, other), key=age)
    return first, second


def pairs_apart(
    connection: Connection, brand_id: str
) -> dict[tuple[ClusterId, ClusterId], list[tuple[str, str]]]:
    """Return the pairs that people want apart, as clusters of today, with the rows that say so.

    A merge hands what was said of either on to the survivor; an undo gives it back. The smaller id
    comes first.
    """
    table, one, other = tables.cluster_apart, tables.cluster.alias(), tables.cluster.alias()
    query = (
        sa.select(
            table.c.first_id,
            table.c.second_id,
            sa.func.coalesce(one.c.alias_of, table.c.first_id).label("first_today"),
            sa.func.coalesce(other.c.alias_of, table.c.second_id).label("second_today"),
        )
        .outerjoin(one, one.c.cluster_id == table.c.first_id)
        .outerjoin(other, other.c.cluster_id == table.c.second_id)
        .where(table.c.brand_id == brand_id)
        .order_by(table.c.first_id, table.c.second_id)
    )
    found: dict[tuple[ClusterId, ClusterId], list[tuple[str, str]]] = {}
    for row in mappings(connection.execute(query)):
        first, second = sorted((row["first_today"], row["second_today"]))
        if first != second:
            pair = (ClusterId(first), ClusterId(second))
            found.setdefault(pair, []).append((row["first_id"], row["second_id"]))
    return found
