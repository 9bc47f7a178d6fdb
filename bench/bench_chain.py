"""Mentions a second from intake to incident on SQLite, and how that changes as the work grows."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from config.load import example_dir, load
from groundswell import wiring
from groundswell.demo.story import Item, Story, Variant
from groundswell.replay import SteppedClock
from storage.records import RawMention, SourceId

SIZES = (1_000, 4_000, 10_000)
BATCH = 500


def mentions(count: int) -> list[RawMention]:
    """Everyday talk of many tellings, in order of time; about a third of it is negative."""
    found: list[RawMention] = []
    seed = 0
    while len(found) < count:
        variant = Variant(seed)
        start = variant.start_on(date(2026, 11, 19))
        items = Story(start, variant).items(start + timedelta(hours=12))
        found.extend(_raw(seed, item) for item in items)
        seed += 1
    return sorted(found[:count], key=lambda raw: (raw.published_at, raw.native_id))


def _raw(seed: int, item: Item) -> RawMention:
    return RawMention(
        source_id=SourceId("bench"),
        platform=item.place,
        title=item.title,
        text=item.text,
        author=item.author,
        native_id=f"{seed}-{item.place}-{item.published_at:%Y%m%d}-{item.number}",
        published_at=item.published_at,
        observed_at=item.published_at,
        history=True,
    )


def run(count: int) -> tuple[float, float, int]:
    """Return seconds of wall and CPU for one size, and how many mentions were gathered."""
    raws = mentions(count)
    project = load(example_dir())
    with tempfile.TemporaryDirectory() as folder:
        store = wiring.open_store(f"sqlite:///{Path(folder) / 'bench.db'}")
        application = wiring.wire(project, store, SteppedClock(raws[-1].observed_at))
        wall, cpu = time.perf_counter(), time.process_time()
        for first in range(0, count, BATCH):
            with store.transaction() as tx:
                application.journey.keep(tx, raws[first : first + BATCH], application.clock.now())
            application.stages.drain()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with store.read() as queries:
            gathered = queries.counts()["mention_cluster"]
        store.close()
    return wall, cpu, gathered


def main() -> int:
    """Print the table."""
    print(
        f"{'mentions':>9} {'gathered':>9} {'per s':>7} {'per CPU s':>10} {'ms each':>8} {'MB':>6}"
    )
    for count in SIZES:
        wall, cpu, gathered = run(count)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{count:>9} {gathered:>9} {count / wall:>7.0f} {count / cpu:>10.0f} "
            f"{1000 * cpu / count:>8.2f} {peak_mb:>6.0f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
