"""How long the engineer's loop takes: a saved page tried, a recorded page tested.

    python -m bench.bench_loop [--runs 7]

Each command runs as people run it, as a process of its own, on the packaged example and its own
recorded pages. The least of the runs counts, and CPU time judges: the rest is what else the machine
was doing. The goal of collect.md 4.6 is a saved page tried in less than a second.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from config.load import example_dir
from storage import migrate

FIXTURES = example_dir() / "fixtures"
GOAL_S = 1.0


def run(*arguments: str) -> tuple[float, float, str]:
    """Run a command; return wall and CPU seconds and what it printed."""
    command = [sys.executable, "-m", "groundswell", *arguments]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, cpu, done.stdout


def least(runs: int, *arguments: str) -> tuple[float, float]:
    """Return the least wall and CPU seconds of some runs."""
    taken = [run(*arguments)[:2] for _ in range(runs)]
    return min(wall for wall, _ in taken), min(cpu for _, cpu in taken)


def tries(runs: int, database: str, absent: str) -> None:
    """Print what trying each recorded first page takes, with a database and without."""
    print(f"source try --page, least of {runs} (goal: less than {GOAL_S:g} s)")
    for place in sorted(FIXTURES.glob("*/*/page.bin")):
        if place.parent.name.endswith("-detail"):
            continue
        source = place.parent.parent.name
        for label, url in (("database", database), ("none", absent)):
            words = ("--database", url, "source", "try", source, "--page", str(place))
            wall, cpu = least(runs, *words)
            verdict = "ok" if cpu < GOAL_S else "SLOW"
            print(f"  {source:<16} {label:<9} {wall:5.2f} s  {cpu:5.2f} s CPU  {verdict}")


def tests() -> None:
    """Print what testing the recorded pages takes."""
    wall, cpu, said = run("source", "test", "--json")
    print(f"source test, whole command: {wall:.2f} s, {cpu:.2f} s CPU")
    for each in json.loads(said)["fixtures"]:
        print(f"  {each['source_id']}/{each['name']:<14} {each['duration_ms']:7.1f} ms")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'there.db'}"
        migrate.upgrade(database)
        tries(given.runs, database, f"sqlite:///{Path(folder) / 'none.db'}")
    tests()


if __name__ == "__main__":
    main()
