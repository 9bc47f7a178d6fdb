"""Carry mentions through the store without a classifier or a clusterer."""

from __future__ import annotations

from tests.make import (
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_raw,
    make_shard_changes,
    make_verdict,
)


def keep_and_judge(store, n, **verdict):
    """Take in n mentions and judge them all alike."""
    with store.transaction() as tx:
        tx.keep([make_raw(i) for i in range(1, n + 1)], NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(n)]
        tx.save_verdicts(ids, [make_verdict(i, **verdict) for i in ids], NOW)


def gather(store, placed, **changes):
    """Gather waiting mentions: `placed` maps mention id -> cluster id."""
    with store.transaction() as tx:
        items = tx.pending_verdicts(SHARD, 100)
        known = {cluster.cluster_id for cluster in changes.get("clusters", ())}
        clusters = [make_cluster(c) for c in sorted(set(placed.values()) - known)]
        tx.save_gathering(
            make_shard_changes(
                assignments=tuple(make_assignment(i, cluster_id=c) for i, c in placed.items()),
                **changes | {"clusters": (*clusters, *changes.get("clusters", ()))},
            ),
            items,
        )


def rows(store, table):
    with store.read() as queries:
        return queries.table_rows(table)
