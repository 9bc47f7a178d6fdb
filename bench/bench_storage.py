"""How fast mentions are kept and gathered, and how large they get, on SQLite and PostgreSQL.

    python -m bench.bench_storage [--rows 20000]

Prints one table. PostgreSQL runs with fsync off (the tests' server); its rows/s are of work, not of
the disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from storage import migrate
from storage.records import ClusterId, MentionId, RawMention, ShardId
from storage.store import Store
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    fingerprint_of,
    make_assignment,
    make_change,
    make_cluster,
    make_incident,
    make_raw,
    make_shard_changes,
    make_verdict,
)
from tests.postgres import PostgresServer, ServerAbsentError

KEEP_BATCH, STAGE_BATCH = 500, 100
CLUSTERS = 200
CORE = (
    "mention", "mention_key", "sighting", "verdict", "mention_cluster", "cluster_hour_author",
    "cluster_hour_text", "cluster_hour_platform", "cluster_hour", "cluster_total", "cluster_fact",
    "brand_hour",
)  # fmt: skip


def raws(n: int) -> list[RawMention]:
    filler = (
        "买了不到两周就出现同样的毛病，打电话客服让等，等了五天没人联系，"
        "门店说只能寄回厂家自付运费，希望平台介入处理并尽快退款赔偿。"
    )
    return [
        replace(
            make_raw(i),
            text=f"第{i}单：净水器第三批次滤芯漏水，地板泡坏了。{filler}{filler[: i % 20]}",
            published_at=NOW - timedelta(minutes=i % 30000),
            author=f"用户{i % (n * 3 // 4)}",
        )
        for i in range(n)
    ]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rate(n: int, work: Callable[[], object]) -> str:
    """Rows a second, and rows a second of our own CPU (which other load does not blur)."""
    cpu = time.process_time()
    wall = timed(work)
    return f"{n / wall:,.0f}/s ({n / (time.process_time() - cpu):,.0f}/cpu-s)"


def chunks(n: int, size: int) -> Iterator[range]:
    for start in range(0, n, size):
        yield range(start, min(n, start + size))


def keep(store: Store, items: list[RawMention]) -> None:
    for part in chunks(len(items), KEEP_BATCH):
        with store.transaction() as tx:
            tx.keep([items[i] for i in part], NOW)


def understand(store: Store) -> None:
    while True:
        with store.transaction() as tx:
            mentions = tx.pending_mentions(STAGE_BATCH)
            if not mentions:
                return
            ids = [mention.mention_id for mention in mentions]
            tx.save_verdicts(ids, [make_verdict(i) for i in ids], NOW)


def gather(store: Store) -> None:
    while True:
        with store.transaction() as tx:
            items = tx.pending_verdicts(SHARD, STAGE_BATCH)
            if not items:
                return
            ids = [mention.mention_id for mention, _ in items]
            used = {i % CLUSTERS for i in ids}
            changes = make_shard_changes(
                assignments=tuple(
                    make_assignment(
                        i,
                        cluster_id=ClusterId(f"{BRAND}-{i % CLUSTERS:08d}"),
                        fingerprint=fingerprint_of(str(i)),
                        sketch=b"s" * 64,
                    )
                    for i in ids
                ),
                clusters=tuple(make_cluster(f"{BRAND}-{c:08d}", blob=b"b" * 2000) for c in used),
            )
            tx.save_gathering(changes, items)


def grow(store: Store, n: int) -> str:
    """Put everything into one cluster and read the evidence on it."""
    with store.transaction() as tx:
        for c in range(1, CLUSTERS):
            alias = make_cluster(
                f"{BRAND}-{c:08d}", state="alias", alias_of=ClusterId(f"{BRAND}-{0:08d}")
            )
            tx.save_gathering(make_shard_changes(clusters=(alias,)), [])
    with store.read() as queries:
        took = timed(lambda: queries.evidence(ClusterId(f"{BRAND}-{0:08d}"), NOW))
    return f"{took * 1000:.0f} ms for {n} mentions"


def size_of(url: str, rows: int) -> int:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            names = ", ".join(f"'{name}'" for name in CORE)
            query = (
                f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname IN ({names})"
            )
        else:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
            names = ", ".join(f"'{name}'" for name in CORE)
            query = (
                "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master "
                f"WHERE tbl_name IN ({names}))"
            )
        try:
            return int(connection.execute(sa.text(query)).scalar_one()) // rows
        except sa.exc.OperationalError:  # SQLite built without dbstat: the whole file
            pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
            return int(pages) * 4096 // rows


def measure(url: str, n: int) -> dict[str, str]:
    migrate.upgrade(url)
    store = Store(url)
    items = raws(n)
    result = {"keep, new": rate(n, lambda: keep(store, items))}
    result["keep, all known"] = rate(n, lambda: keep(store, items))
    result["read + save_verdicts"] = rate(n, lambda: understand(store))
    result["read + save_gathering"] = rate(n, lambda: gather(store))
    with store.read() as queries:
        cluster = ClusterId(f"{BRAND}-{0:08d}")
        queries.evidence(cluster, NOW)
        took = timed(lambda: queries.evidence(cluster, NOW))
        result["evidence"] = f"{took * 1000:.0f} ms for {n // CLUSTERS} mentions"
    result["core bytes/mention"] = f"{size_of(url, n):,}"
    changes = [
        make_change(
            make_incident(f"INCIDENT-{i}", cluster_id=ClusterId(f"{BRAND}-{i % CLUSTERS:08d}"))
        )
        for i in range(200)
    ]

    def act() -> None:
        for change in changes:
            with store.transaction() as tx:
                tx.save_change(change)

    result["save_change, one a commit"] = rate(len(changes), act)
    result["load_shard"] = f"{timed(lambda: load(store)) * 1000:.0f} ms"
    result["evidence, all merged"] = grow(store, n)
    store.close()
    return result


def load(store: Store) -> None:
    with store.transaction() as tx:
        state = tx.load_shard(ShardId(SHARD), NOW)
        assert state.recent[0][0].mention_id == MentionId(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    columns = {}
    with tempfile.TemporaryDirectory() as folder:
        columns["SQLite"] = measure(f"sqlite:///{Path(folder) / 'bench.db'}", rows)
    try:
        server = PostgresServer().start()
    except ServerAbsentError as error:
        print(f"no PostgreSQL: {error}")
    else:
        try:
            columns["PostgreSQL"] = measure(server.url, rows)
        finally:
            server.remove()
    print(f"{rows:,} mentions")
    print("| step | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for step in columns["SQLite"]:
        print(f"| {step} | " + " | ".join(column[step] for column in columns.values()) + " |")


if __name__ == "__main__":
    main()
