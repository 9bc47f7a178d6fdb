"""How late timers are: in the running main job, and after a day on which nothing ran.

    python -m bench.bench_timers [--open 1000,3000,10000] [--minutes 20] [--rate 10]

Goals (alerting.md 5, number 6): the error of a timer p99 ≤ 10 s; after an outage of 24 h all that
is overdue is carried out within 60 s, with at most one message per incident, person and channel.
The main job is the shipped one, on SQLite, on a clock that runs `rate` times as fast; messages go
to a server on this machine. Errors are in seconds of that clock: its ticks come as often in it as
in real life. On a loaded machine they are larger than on a quiet one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from alerts.incidents import on_grade
from config.schema import Project
from groundswell import wiring
from groundswell.clock import ScaledClock
from groundswell.scheduler import MainJob
from storage.records import (
    BrandId,
    Cluster,
    ClusterId,
    Evidence,
    Grade,
    Level,
    Reason,
    ShardChanges,
    ShardId,
    Surge,
)
from storage.store import Store

START = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
BRAND, SHARD = BrandId("lanhe"), ShardId("lanhe/zh")
GOAL_ERROR_S, GOAL_OUTAGE_S = 10.0, 60.0
_STEP_S = 600.0  # of orange: one step of each incident in ten minutes


class _Sink(BaseHTTPRequestHandler):
    """Takes every message."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""


def project(port: int) -> Project:
    """A company of five on one webhook; the chain is long, so that steps keep coming."""
    people = [{"id": f"p{n}", "name": f"同事{n}", "channels": ["hook"]} for n in range(5)]
    return Project.model_validate(
        {
            "settings": {"allow_private": [f"127.0.0.1:{port}"], "confirm_addresses": False},
            "levels": {
                "orange": {"score": 60, "ack_within": "10m", "step_every": "10m", "loops": 5}
            },
            "brands": [{"id": "lanhe", "name": "澜禾", "aliases": ["澜禾电器"]}],
            "channels": [{"id": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{port}/hook"}],
            "owners": people,
            "routes": [{"id": "all", "owner": "p0", "also": ["p1"], "chain": ["p2", "p3", "p4"]}],
            "fallback": ["p4"],
        }
    )


def raise_all(store: Store, config: Project, starts: list[datetime]) -> None:
    """Store one orange incident for each start."""
    taken: set[str] = set()
    for first in range(0, len(starts), 500):
        with store.transaction() as tx:
            for n, at in enumerate(starts[first : first + 500], first):
                cluster = Cluster(
                    cluster_id=ClusterId(f"lanhe-{n:08x}"),
                    shard_id=SHARD,
                    brand_id=BRAND,
                    size=12,
                    first_at=at - timedelta(hours=2),
                    last_at=at,
                    label="门体异响",
                    keywords=("异响", "维修"),
                    blob=b"state",
                )
                tx.save_gathering(ShardChanges(shard_id=SHARD, clusters=(cluster,)), [])
                live = tuple((at - timedelta(minutes=k), f"tousu:人{k}") for k in range(12, 0, -1))
                evidence = Evidence(
                    cluster=cluster, authors=12, mentions=14, live_authors=live, watch_authors=live
                )
                change = on_grade(None, evidence, graded(at), config, at, taken=taken)
                assert change is not None
                tx.save_change(change)
                taken.add(change.incident.code)


def graded(at: datetime) -> Grade:
    """An orange grade."""
    surge = Surge(
        kind="spike",
        setting="page",
        window_hours=6,
        observed=12,
        expected=1.0,
        p_value=1e-9,
        ratio=12.0,
        threshold=8.0,
        reason="spike_page",
    )
    reason = Reason(code="speed", text="6 小时内 12 位作者", value=12.0, points=62.0)
    return Grade(
        level=Level.ORANGE, score=62.0, reasons=(reason,), surge=surge, rule_version="bench", at=at
    )


def outage(folder: Path, config: Project, n: int) -> None:
    """Print how long it takes to carry out what a day without the program left."""
    store = opened(folder / f"outage{n}.db")
    try:
        raise_all(store, config, [START] * n)
        back = START + timedelta(hours=24)
        application = wiring.wire(config, store, ScaledClock(back, 1.0))
        longest, changes, began, cpu = 0.0, [], time.perf_counter(), time.process_time()
        while True:
            call = time.perf_counter()
            found = application.stages.remind()
            longest = max(longest, time.perf_counter() - call)
            if not found:
                break
            changes += found
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        told = Counter(
            (one.incident_id, one.recipient_id, one.channel_id)
            for change in changes
            for one in change.intents
        )
        with store.read() as queries:
            left = len(queries.incidents_due(back))
    finally:
        store.close()
    good = took <= GOAL_OUTAGE_S and left == 0 and max(told.values()) == 1
    print(
        f"  {n:>6} overdue  {took:6.1f} s ({cpu:.1f} s CPU, {1000 * cpu / n:.1f} ms each)  "
        f"longest call {longest:4.2f} s  left {left}  messages per incident, person and channel "
        f"{max(told.values())}  {'ok' if good else 'MISSED'}"
    )


def running(folder: Path, config: Project, minutes: float, rate: float, per_hour: int) -> None:
    """Print how late the steps of a running main job are."""
    store = opened(folder / "running.db")
    try:
        n = round(per_hour * _STEP_S / 3600)
        spread = [START - timedelta(seconds=_STEP_S * k / n) for k in range(n)]
        raise_all(store, config, spread)
        asyncio.run(_run(store, config, minutes, rate))
        errors = lateness(store)
    finally:
        store.close()
    p50, p99 = (errors[min(len(errors) - 1, int(len(errors) * share))] for share in (0.5, 0.99))
    print(
        f"  {len(errors)} steps in {minutes:g} min ({len(errors) * 60 / minutes:,.0f}/h), "
        f"clock ×{rate:g}"
        f"  p50 {p50:.1f} s  p99 {p99:.1f} s  max {errors[-1]:.1f} s  "
        f"{'ok' if p99 <= GOAL_ERROR_S else 'MISSED'}"
    )


async def _run(store: Store, config: Project, minutes: float, rate: float) -> None:
    application = wiring.wire(config, store, ScaledClock(START, rate))
    job = MainJob(application, rate=rate)
    asyncio.get_running_loop().call_later(minutes * 60 / rate, job.stop)
    await job.run()


def lateness(store: Store) -> list[float]:
    """Return by how many seconds each step was carried out after its time, in order."""
    with store.read() as queries:
        due = {
            (row["incident_id"], row["step"]): row["due_at"]
            for row in queries.table_rows("timer")
            if row["kind"] == "step"
        }
        events = [row for row in queries.table_rows("incident_event") if row["kind"] == "escalated"]
    found = ((row["at"], due.get((row["incident_id"], row["data"]["step"]))) for row in events)
    return sorted(
        (at - planned).total_seconds() for at, planned in found if planned and planned >= START
    )


def opened(path: Path) -> Store:
    """Make a database and open it."""
    return wiring.open_store(f"sqlite:///{path}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", default="1000,3000,10000", help="overdue incidents")
    parser.add_argument("--minutes", type=float, default=20, help="of the clock, in the main job")
    parser.add_argument("--rate", type=float, default=10, help="how many times as fast it runs")
    parser.add_argument("--per-hour", type=int, default=2000, help="timers an hour of the clock")
    chosen = parser.parse_args()
    logging.disable(logging.ERROR)
    sink = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    config = project(sink.server_address[1])
    with tempfile.TemporaryDirectory() as folder:
        print(f"After 24 h without the program (goal: ≤ {GOAL_OUTAGE_S:g} s, one message)")
        for n in chosen.open.split(","):
            outage(Path(folder), config, int(n))
        print(f"In the running main job (goal: p99 ≤ {GOAL_ERROR_S:g} s)")
        running(Path(folder), config, chosen.minutes, chosen.rate, chosen.per_hour)
    sink.shutdown()


if __name__ == "__main__":
    main()
