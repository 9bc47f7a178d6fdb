"""Which cluster people mean: an id, an alias, or the beginning of an id.

In: what was typed. Out: the cluster of today.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_checks import EditRefusedError, cluster_of_today
from storage.records import Cluster

_cluster = tables.cluster
_SHOWN = 5  # ids that a refusal names


class ClusterNames:
    """Queries part: clusters as people name them."""

    connection: Connection

    def named_cluster(self, name: str) -> Cluster:
        """Return the cluster of today that an id, an alias or the beginning of an id names.

        Errors: EditRefusedError when there is none, or several begin so.
        """
        typed = name.strip()
        exact = sa.select(_cluster.c.cluster_id).where(_cluster.c.cluster_id == typed)
        if not typed or self.connection.scalar(exact) is not None:
            return cluster_of_today(self.connection, typed)
        today = sa.func.coalesce(_cluster.c.alias_of, _cluster.c.cluster_id)
        query = (
            sa.select(today)
            .where(_cluster.c.cluster_id.startswith(typed, autoescape=True))
            .distinct()
            .order_by(today)
            .limit(_SHOWN + 1)
        )
        found = list(self.connection.scalars(query))
        if len(found) > 1:
            shown = "、".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
            raise EditRefusedError(
                f"{typed!r} 开头的聚类不止一个：{shown}；多写几个字 (more than one begins so)"
            )
        return cluster_of_today(self.connection, found[0] if found else typed)
