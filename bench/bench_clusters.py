"""Gathering: quality on every dev set, cost per mention as a shard grows, memory, restart.

Reads the labelled data from $GROUNDSWELL_DATA (default: shared/data beside the repository) and
says so where a set is absent; the generated set always runs. All times are CPU time of one core.
`--limit N` takes the first N rows of each set, `--texts N` the number of texts of the growth run.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.duplicates import SketchIndex
from classify.evaluation import read_csv
from classify.evaluation_clusters import (
    evaluate_clusters,
    mentions_of,
    peak_rss_mb,
    percentile,
)
from classify.fingerprint import digest64, key_of, sketch_of
from classify.recall import Ledger
from classify.segment import segment
from classify.text import rewrite
from classify.vectors import Background
from storage.records import BrandId, ShardId
from tests.eval.complaints import complaints
from tests.make import make_verdict

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GROUNDSWELL_DATA", ROOT.parent / "shared" / "data"))
SETS = (
    "complaints_same_issue_dev",
    "weibo_incident_headlines_dev",
    "mstream_news",
    "mstream_tweets",
)
GROWTH = ("online_shopping_10_cats", "covid_weibo_hashtag_stream_early", "cold_offensive")
COLUMNS = (
    "n", "clusters", "bcubed_precision", "bcubed_recall", "bcubed_f1", "best_match_f1", "v_measure",
    "ari", "docs_per_s", "p99_assign_ms",
)  # fmt: skip
STEP = 10_000
Row = dict[str, str]


def rows_of(name: str, limit: int | None) -> Sequence[Row]:
    path = DATA / f"{name}.csv"
    return read_csv(path, ["text"])[:limit] if path.is_file() else ()


def car_rows(limit: int | None) -> Sequence[Row]:
    """One-line complaints in time order; the same series and first fault code is the same issue."""
    rows = sorted(rows_of("car_complaint_12365_early", limit), key=lambda row: row["time"])
    return [row | {"label": f"{row['series']}/{row['label'].split(',')[0]}"} for row in rows]


def print_quality(limit: int | None) -> None:
    print("quality, one pass in row order, shipped defaults")
    print(f"{'set':34}" + "".join(f"{name[:10]:>11}" for name in COLUMNS))
    sets: list[tuple[str, Sequence[Row]]] = [("generated", complaints(0))]
    sets += [(name, rows_of(name, limit)) for name in SETS]
    sets.append(("car complaints, one shard a brand", car_rows(limit)))
    for name, rows in sets:
        if not rows:
            print(f"{name:34} absent from {DATA}")
            continue
        figures = evaluate_clusters(rows)
        cells = "".join(f"{figures[key]:>11.4g}" for key in COLUMNS)
        print(f"{name:34}{cells}", flush=True)


def print_duplicates() -> None:
    rows = rows_of("neardup_weibo_dev", None)
    if not rows:
        print(f"\nneardup_weibo_dev absent from {DATA}")
        return
    index = SketchIndex()
    found: list[int | None] = []
    spent = []
    for number, row in enumerate(rows):
        at = time.thread_time()
        key, stripped = key_of(rewrite(row["text"]))
        exact, sketch = digest64(key), sketch_of(key, stripped)
        found.append(index.find(exact, sketch))
        if found[-1] is None:
            index.add(number, exact, sketch)
        spent.append((time.thread_time() - at) * 1000)
    by_edit: dict[str, list[bool]] = defaultdict(list)
    right = []
    hard = 0
    for row, original in zip(rows, found, strict=True):
        is_right = original is not None and rows[original]["label"] == row["label"]
        if row["typ"] not in {"base", "hard"}:
            by_edit[row["typ"]].append(is_right)
        if original is not None:
            right.append(is_right)
            hard += row["typ"] == "hard"
    every = [hit for hits in by_edit.values() for hit in hits]
    print(
        f"\nnear-duplicates: recall {sum(every) / len(every):.3f}, "
        f"precision {sum(right) / len(right):.3f}, look-alikes merged {hard}, "
        f"{1000 * len(rows) / sum(spent):,.0f} texts/s, p99 {percentile(spent, 0.99):.2f} ms"
    )
    print("  " + ", ".join(f"{k} {sum(v) / len(v):.2f}" for k, v in sorted(by_edit.items())))


def texts_of(count: int) -> list[str]:
    """Distinct real texts where there are any, else generated ones; shuffled by a fixed seed."""
    texts = [row["text"] for name in GROWTH for row in rows_of(name, None)]
    if not texts:
        texts = [row["text"] for seed in range(count // 150) for row in complaints(seed)]
    texts = sorted(set(texts))
    random.Random(1).shuffle(texts)
    return texts[:count]


def rss_mb() -> float:
    """Resident memory now; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_rss_mb()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@dataclass(frozen=True)
class Point:
    """Where a growing shard stood after some mentions."""

    mentions: int
    clusters: int
    docs_per_s: float
    p50: float
    p99: float
    p999: float
    worst: float
    rss_mb: float


def grow(texts: Sequence[str]) -> list[Point]:
    """Gather into one shard that nothing leaves."""
    ledger = Ledger(ShardId("bench/zh"), BrandId("bench"))
    rules = Rules(keep_clusters=10_000_000)
    shard = Shard.restore(ledger.state(), rules, Background.load("zh"), segment=segment)
    clusters: dict[str, object] = {}
    gc.collect()
    before = rss_mb()
    mentions = mentions_of([{"text": text} for text in texts])
    spent: list[float] = []
    points: list[Point] = []
    for first in range(0, len(mentions), 100):
        for mention in mentions[first : first + 100]:
            at = time.thread_time()
            items = [(mention, make_verdict(mention.mention_id))]
            changes = shard.gather(items, mention.observed_at, ledger)
            spent.append((time.thread_time() - at) * 1000)
            clusters |= {one.cluster_id: one.state for one in changes.clusters}
        done = first + 100
        if done % STEP == 0 or done >= len(mentions):
            live = sum(one == "live" for one in clusters.values())
            last = spent[-STEP:]
            points.append(
                Point(
                    done, live, 1000 * len(last) / sum(last), percentile(last, 0.5),
                    percentile(last, 0.99), percentile(last, 0.999), max(last),
                    rss_mb() - before,
                )
            )  # fmt: skip
    return points


def print_growth(count: int) -> None:
    texts = texts_of(count)
    print(f"\ngrowth: {len(texts):,} distinct texts, nothing expires, one shard")
    print("mentions clusters  docs/s  p50 ms  p99 ms  p99.9   worst  added MB  kB/cluster")
    points = grow(texts)
    for one in points:
        print(
            f"{one.mentions:8,} {one.clusters:8,} {one.docs_per_s:7.0f} {one.p50:7.2f} "
            f"{one.p99:7.2f} {one.p999:6.2f} {one.worst:7.2f} {one.rss_mb:9.0f} "
            f"{1000 * one.rss_mb / max(1, one.clusters):11.2f}"
        )
    plot(points)


def plot(points: Sequence[Point]) -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    clusters = [one.clusters for one in points]
    for name in ("p50", "p99", "p999"):
        left.plot(clusters, [getattr(one, name) for one in points], marker="o", label=name)
    left.set(xlabel="live clusters", ylabel="CPU ms per mention", title="cost of a mention")
    left.legend()
    right.plot(clusters, [one.rss_mb for one in points], marker="o")
    right.set(xlabel="live clusters", ylabel="MB added", title="memory of a shard")
    target = ROOT / "bench" / "results" / "clusters.png"
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, dpi=110)
    print(f"plot: {target.relative_to(ROOT)}")


def print_restart() -> None:
    """How long a shard of 5,000 mentions takes to come back."""
    from tests.classify.ledger import new_ledger, restore

    mentions = mentions_of([{"text": text} for text in texts_of(5000)])
    items = [
        (replace(one, published_at=one.published_at + timedelta(minutes=n)), make_verdict(n + 1))
        for n, one in enumerate(mentions)
    ]
    ledger = new_ledger()
    shard = restore(ledger)
    for first in range(0, len(items), 100):
        batch = items[first : first + 100]
        ledger.save(shard.gather(batch, batch[-1][0].observed_at, ledger), batch)
    at = time.process_time()
    restore(ledger)
    blobs = sum(len(one.blob) for one in ledger.clusters.values())
    print(
        f"\nrestart: {len(items):,} mentions, {len(ledger.clusters):,} clusters in "
        f"{time.process_time() - at:.2f} s; blobs {blobs / len(ledger.clusters):.0f} B a cluster"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--texts", type=int, default=60_000)
    parser.add_argument("--parts", default="quality,copies,restart,growth")
    asked = parser.parse_args()
    parts = {
        "quality": lambda: print_quality(asked.limit),
        "copies": print_duplicates,
        "restart": print_restart,
        "growth": lambda: print_growth(asked.texts),
    }
    for name in asked.parts.split(","):
        parts[name]()


if __name__ == "__main__":
    main()
