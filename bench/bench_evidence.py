"""How long evidence on one cluster takes as the cluster grows, on SQLite and PostgreSQL.

    python -m bench.bench_evidence [--sizes 100,1000,10000,50000]

All members are of the last 30 days, 40 in 100 of the last day, as in a crisis; three in ten are
copies, a quarter of the authors write twice. Prints milliseconds (the least of 5: of our own CPU on
SQLite, which other load does not blur, of the wall on PostgreSQL) and how many times as long the
largest takes as the smallest. PostgreSQL runs with fsync off (the tests' server).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from storage import migrate
from storage.queries import Queries
from storage.records import ClusterId, MentionId
from storage.store import Store
from tests.make import (
    NOW,
    SHARD,
    fingerprint_of,
    make_assignment,
    make_cluster,
    make_raw,
    make_shard_changes,
    make_verdict,
)
from tests.postgres import PostgresServer, ServerAbsentError

CLUSTER = ClusterId("yunque-aaaaaaaa")
BATCH = 500
SINCE = NOW - timedelta(hours=48)  # as regrading asks
STEPS: dict[str, Callable[[Queries], object]] = {
    "evidence": lambda queries: queries.evidence(CLUSTER, NOW),
    "samples of a message": lambda queries: queries.cluster_mentions(CLUSTER, 3),
    "growth": lambda queries: queries.growth(CLUSTER, NOW),
    "growing": lambda queries: queries.growing(NOW),
    "active_clusters": lambda queries: queries.active_clusters(SINCE, 3),
}
REPEATS = 5


def published(n: int) -> datetime:
    span = timedelta(days=1) if n % 5 < 2 else timedelta(days=30)
    return NOW - span * ((n * 7919 % 100_003) / 100_003)


def grow(store: Store, first: int, last: int) -> None:
    """Bring the cluster from `first` members to `last` through the steps of the pipeline."""
    for start in range(first, last, BATCH):
        numbers = range(start + 1, min(start + BATCH, last) + 1)
        with store.transaction() as tx:
            raws = [
                replace(
                    make_raw(n, published_at=published(n), author=f"用户{n * 4 // 5}"),
                    reposts=n % 9,
                )
                for n in numbers
            ]
            ids = [mention_id for _, mention_id in tx.keep(raws, NOW)]
            tx.save_verdicts(ids, [make_verdict(one) for one in ids], NOW)
            items = tx.pending_verdicts(SHARD, BATCH)
            copied = {one: MentionId(one - one % 10 or one) for one in ids if one % 10 in {1, 2, 3}}
            assignments = tuple(
                make_assignment(
                    one,
                    cluster_id=CLUSTER,
                    fingerprint=fingerprint_of(str(copied.get(one, one))),
                    duplicate_of=copied.get(one),
                )
                for one in ids
            )
            cluster = make_cluster(CLUSTER, blob=b"b" * 2000, first_at=NOW, last_at=NOW)
            changes = make_shard_changes(assignments=assignments, clusters=(cluster,))
            tx.save_gathering(changes, items)


def milliseconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    took = []
    for _ in range(REPEATS):
        start = clock()
        work()
        took.append(clock() - start)
    return min(took) * 1000


def measure(url: str, sizes: Sequence[int]) -> dict[str, list[float]]:
    migrate.upgrade(url)
    store = Store(url)
    clock = time.process_time if url.startswith("sqlite") else time.perf_counter
    rows: dict[str, list[float]] = {name: [] for name in STEPS}
    before = 0
    for size in sizes:
        grow(store, before, size)
        before = size
        with store.read() as queries:
            for name, work in STEPS.items():
                rows[name].append(milliseconds(partial(work, queries), clock))
    store.close()
    return rows


def show(name: str, sizes: Sequence[int], rows: dict[str, list[float]]) -> None:
    print(f"\n{name}\n| ms | " + " | ".join(f"{size:,}" for size in sizes) + " | ratio |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    for step, took in rows.items():
        figures = " | ".join(f"{ms:.1f}" for ms in took)
        print(f"| {step} | {figures} | {took[-1] / took[0]:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000,10000,50000")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        show("SQLite", sizes, measure(f"sqlite:///{Path(folder) / 'bench.db'}", sizes))
    try:
        server = PostgresServer().start()
    except ServerAbsentError as error:
        print(f"no PostgreSQL: {error}")
        return
    try:
        show("PostgreSQL", sizes, measure(server.url, sizes))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
