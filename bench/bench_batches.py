"""Batch signals: how often they cry wolf, what they see, and what they cost.

`python -m bench.bench_batches --months N` (default 300): N quiet months per line, N/3 bad ones.
A quiet month holds no bad batch; where "the hurt read labels", who tells of one symptom states the
batch three times as often. A bad batch adds so many complaints of one batch, four in five of them
of one symptom; the symptom is either new to the product or usual there.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.batches import cells, signals
from storage import migrate
from storage.facts import count_facts, write_facts
from storage.records import Fact
from storage.store import Store
from tests.eval.batch_streams import Complaint, complain, count, quiet_month
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_raw,
    make_shard_changes,
    make_verdict,
)

NEW, USUAL = "冒烟起火", "症状3"


def alarms(n: int, months: int, selective: float) -> tuple[float, float, int]:
    """Return the share of quiet months with a false signal, signals a month, cells looked at."""
    months_with = found = looked = 0
    for month in range(months):
        rng = random.Random(f"quiet/{n}/{selective}/{month}")
        counts = count(quiet_month(rng, n, selective))
        false = [one for one in signals(counts, BRAND) if one.kind != "product"]
        months_with += bool(false)
        found += len(false)
        looked += sum(cell.both >= 3 and cell.kind != "product" for cell in cells(counts))
    return months_with / months, found / months, looked // months


def bad_batch(size: int, symptom: str, rng: random.Random) -> list[Complaint]:
    other = f"症状{rng.randrange(12)}"
    told = [symptom if rng.random() < 0.8 else other for _ in range(size)]
    return [one for what in told for one in complain(1, what, product="p1", batch="1-7")]


def seen(n: int, size: int, symptom: str, months: int) -> float:
    """Return the share of months in which the bad batch is a signal."""
    hits = 0
    for month in range(months):
        rng = random.Random(f"bad/{n}/{size}/{symptom}/{month}")
        counts = count([*quiet_month(rng, n), *bad_batch(size, symptom, rng)])
        hits += any(
            (one.kind, one.value, one.symptom) == ("batch", "1-7", symptom)
            for one in signals(counts, BRAND)
        )
    return hits / months


def cost(mentions: int) -> None:
    """Store so many complaints on SQLite and time the query and the judging."""
    rng = random.Random(f"cost/{mentions}")
    told = quiet_month(rng, mentions)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        migrate.upgrade(url)
        store = Store(url)
        _fill(store, told)
        since, until = NOW - timedelta(days=30), NOW + timedelta(minutes=1)
        times = []
        for _ in range(5):
            with store.look() as connection:
                start = time.process_time()
                counts = count_facts(connection, BRAND, since, until)
                read = time.process_time()
                signals(counts, BRAND)
                times.append((read - start, time.process_time() - read))
        store.close()
    query, judging = (min(part) * 1000 for part in zip(*times, strict=True))
    print(f"{mentions:9,} {query:10.1f} {judging:10.1f} {len(counts):10,}")


def _fill(store: Store, told: Sequence[Complaint]) -> None:
    for start in range(0, len(told), 100):
        some = told[start : start + 100]
        with store.transaction() as tx:
            tx.keep([make_raw(start + n + 1) for n in range(len(some))], NOW)
            ids = [mention.mention_id for mention in tx.pending_mentions(100)]
            verdicts = [
                replace(
                    make_verdict(mention_id, products=(product,)),
                    facts=(
                        *(Fact(kind=kind, value=value) for kind, value in groups),
                        *(Fact(kind="symptom", value=one) for one in symptoms),
                    ),
                )
                for mention_id, (product, groups, symptoms) in zip(ids, some, strict=True)
            ]
            tx.save_verdicts(ids, verdicts, NOW)
            write_facts(tx.connection, ids, verdicts)
            items = tx.pending_verdicts(SHARD, 100)
            made = tuple(make_assignment(mention.mention_id) for mention, _ in items)
            clusters = (make_cluster(),)
            tx.save_gathering(make_shard_changes(assignments=made, clusters=clusters), items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=300)
    months = parser.parse_args().months
    print("false alarms: quiet months with a signal within a product, signals a month, cells")
    for selective, label in ((1.0, "anybody states it"), (3.0, "the hurt read labels")):
        for n in (60, 200, 600, 2000):
            runs = months if n < 1000 else max(1, months // 3)
            share, each, looked = alarms(n, runs, selective)
            print(f"{label:22} {n:6,} {share:8.1%} {each:8.3f} {looked:6}")
    print("power: share of bad batches seen, by complaints of that batch")
    for symptom, label in ((NEW, "new symptom"), (USUAL, "usual symptom")):
        for n in (200, 600):
            found = [seen(n, size, symptom, max(1, months // 3)) for size in (3, 5, 10, 20)]
            print(f"{label:22} {n:6,} " + " ".join(f"{one:6.0%}" for one in found))
    print("cost on SQLite, CPU ms: complaints in the window, query, judging, combinations")
    for mentions in (300, 3_000):
        cost(mentions)


if __name__ == "__main__":
    main()
