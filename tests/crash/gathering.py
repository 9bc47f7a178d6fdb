"""Gathers what waits in a database in batches of given sizes, and dies in the midst of the last.

`python -m tests.crash.gathering URL SIZE...`: killed when everything of the last batch is written
and nothing of it committed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.segment import segment
from classify.vectors import Background
from storage.records import ShardState
from storage.store import Store
from tests.make import NOW, SHARD

# Small windows and low scores: a hundred mentions merge, split, go cold and come back.
TIGHT = Rules(
    keep_clusters=5, window_days=3, single_window_days=1, duplicate_window_days=3,
    duplicate_texts=60, complaint_score=0.2, post_score=0.2, complaint_merge=0.34,
    post_merge=0.34, least_cohesion=0.9,
)  # fmt: skip


def restore(state: ShardState) -> Shard:
    return Shard.restore(state, TIGHT, Background.load("zh"), segment=segment)


def carry(store: Store, sizes: Sequence[int], *, die: bool = False) -> None:
    """Gather batches of these sizes; the shard stays in memory from one to the next."""
    shard = None
    for size in sizes:
        with store.transaction() as tx:
            shard = shard or restore(tx.load_shard(SHARD, NOW))
            items = tx.pending_verdicts(SHARD, size)
            tx.save_gathering(shard.gather(items, NOW, tx.recall(SHARD)), items)
            if die and size == sizes[-1]:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    carry(Store(sys.argv[1]), [int(size) for size in sys.argv[2:]], die=True)
