"""Gathering: quality on every dev set, cost per mention as a shard grows, memory, restart.

Reads the labelled data from $GROUNDSWELL_DATA (default: shared/data beside the repository) and
says so where a set is absent; the generated set always runs. All times are CPU time of one core.
`--limit N` takes the first N rows of each set, `--levels A,B` the live clusters at which
`--sample N` mentions are timed, `--texts N` what is weighed, `--a-day N` the mentions of a day.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from bench.cluster_growth import Point, Run, read, vary, weigh_clusters
from classify.cluster_rules import Rules
from classify.duplicates import SketchIndex
from classify.evaluation import read_csv
from classify.evaluation_clusters import (
    evaluate_clusters,
    mentions_of,
    percentile,
)
from classify.fingerprint import digest64, key_of, sketch_of
from classify.text import rewrite
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
MARK = 10_000
FILLING_DAYS = 130  # clusters that go on renew their sixty days: two windows fill a shard
HEAD = (
    " mentions clusters  docs/s  p50 ms  p99 ms  p99.9   worst  gc ms added MB state MB kB/cluster"
)
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


def print_growth(levels: Sequence[int], sample: int) -> None:
    """Real texts up to the first mark, then singles made of their vectors up to each level."""
    texts = vary(texts_of(MARK + (1 + len(levels)) * sample), MARK + (1 + len(levels)) * sample)
    print(
        f"\ngrowth: {len(texts):,} distinct texts, singles in between, nothing expires, one shard"
    )
    print(HEAD)
    run = Run(texts, Rules(keep_clusters=100_000_000), timedelta(seconds=1))
    readings = read(texts[:MARK])
    points = [run.gather(MARK)]
    print_point(points[0])
    for level in levels:
        at = time.process_time()
        run.fill(level, readings)
        spent = time.process_time() - at
        points.append(run.gather(sample))
        print_point(points[-1])
        print(f"{'':18} filled in {spent:.0f} s of CPU")
    plot(points, "clusters")


def print_point(one: Point) -> None:
    print(
        f"{one.mentions:9,} {one.clusters:8,} {one.docs_per_s:7.0f} {one.p50:7.2f} {one.p99:7.2f} "
        f"{one.p999:6.2f} {one.worst:7.2f} {one.collected:6.2f} {one.rss_mb:8.0f} "
        f"{one.state_mb:8.1f} {1024 * one.state_mb / max(1, one.clusters):10.3f}",
        flush=True,
    )


def print_days(a_day: int) -> None:
    """Steady arrivals with the windows that ship: days to fill them, then ninety."""
    days = FILLING_DAYS + 90
    texts = vary(texts_of(days * a_day), days * a_day)
    print(f"\ndays: {a_day:,} mentions a day for {days} days, 60 and 14 days in memory, keep 0")
    print(HEAD)
    run = Run(texts, Rules(keep_clusters=0), timedelta(days=1) / a_day)
    points = []
    for _ in range(0, days, 5):
        points.append(run.gather(5 * a_day))
        print_point(points[-1])
    steady = [one for one in points if one.mentions > FILLING_DAYS * a_day]
    x = [one.mentions / a_day for one in steady]
    for name in ("rss_mb", "state_mb"):
        y = [float(getattr(one, name)) for one in steady]
        slope, level = np.polyfit(x, y, 1)
        start = slope * x[0] + level
        print(f"{name}: {start:.1f} MB, {100 * slope * 90 / start:+.2f} % in 90 days")
    plot(points, "cluster_days")


def print_memory(count: int) -> None:
    texts = vary(texts_of(count), count)
    print(f"\nmemory: {len(texts):,} texts, live clusters alone (vectors, index, names, dates)")
    print("kind       clusters  B by RSS  B as counted")
    for one in weigh_clusters(texts, (1, 2, 3, 6, 20)):
        print(f"{one.kind:9} {one.clusters:9,} {one.rss_bytes:9.0f} {one.own_bytes:13.0f}")


def plot(points: Sequence[Point], name: str) -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    x = [one.clusters / 1000 for one in points]
    label = "thousand live clusters"
    if name.endswith("days"):
        x, label = [5.0 * (n + 1) for n in range(len(points))], "days"
    for key in ("p50", "p99", "p999"):
        left.plot(x, [getattr(one, key) for one in points], marker="o", label=key)
    left.set(xlabel=label, ylabel="CPU ms per mention", title="cost of a mention")
    left.legend()
    right.plot(x, [one.rss_mb for one in points], marker="o", label="resident")
    right.plot(x, [one.state_mb for one in points], marker="o", label="live clusters")
    right.set(xlabel=label, ylabel="MB added", title="memory of a shard", ylim=(0, None))
    right.legend()
    target = ROOT / "bench" / "results" / f"{name}.png"
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
    parser.add_argument("--texts", type=int, default=30_000)
    parser.add_argument("--a-day", type=int, default=500)
    parser.add_argument("--levels", default="50000,200000,500000")
    parser.add_argument("--sample", type=int, default=4000)
    parser.add_argument("--parts", default="quality,copies,restart,memory,growth,days")
    asked = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "quality": lambda: print_quality(asked.limit),
        "copies": print_duplicates,
        "restart": print_restart,
        "memory": lambda: print_memory(asked.texts),
        "growth": lambda: print_growth([int(one) for one in asked.levels.split(",")], asked.sample),
        "days": lambda: print_days(asked.a_day),
    }
    for name in asked.parts.split(","):
        parts[name]()


if __name__ == "__main__":
    main()
