"""The crash matrix: kill -9 at every point of delivery, under every fault of a provider.

    python -m bench.bench_crash [--trials 2376] [--seed 0] [--databases sqlite,postgres]
                                [--points in_tx,claimed] [--workers 2] [--minutes 0]

Prints per point and fault what was lost, said twice, or said again after a clean restart, and keeps
it in bench/results/crash.txt. Ends with 1 when a promise (docs/adr/0036-crash-matrix.md) is broken.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bench.__main__ import RESULTS, facts
from tests.crash.matrix.plan import DATABASES, PASSES, Fault, Point, Trial, trials
from tests.crash.matrix.planted import FLAWS
from tests.crash.matrix.run import Matrix, Outcome
from tests.postgres import PostgresServer, ServerAbsentError

EACH = 4  # times that every point, pass, fault and database comes
_TOYS = 15  # trials of each wrong design: three deaths at each of five points
_WIDTH = 40
_COLUMNS = ("trials", "kills", "lost", "twice", "again", "other", "extra", "in doubt", "digest")

_LEGEND = (
    "lost: raises that reached nobody; twice: copies beyond what the transport can tell apart;",
    "again: messages after a clean restart; other: order, folds, endings, processes that failed;",
    "extra: copies beyond the first, each marked and after a hold; in doubt: attempts without an",
    "answer; digest: raises of blue whose one attempt was in doubt",
)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    databases = tuple(asked.databases.split(","))
    server = _server(databases)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    try:
        url = None if server is None else server.url
        for outcome in _run(asked, databases, url):
            outcomes.append(outcome)
            _show(outcomes, asked.trials, time.monotonic() - began)
        toys = _toys(asked.seed) if asked.toys else []
    finally:
        if server is not None:
            server.remove()
    print(file=sys.stderr)
    report = "\n".join([*_report(outcomes, time.monotonic() - began), *toys])
    print(report)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "crash.txt").write_text(f"{facts()}\n\n{report}\n", encoding="utf-8")
    return 1 if any(one.sentence.breaches or one.errors for one in outcomes) else 0


def _run(asked: argparse.Namespace, databases: Sequence[str], url: str | None) -> Iterator[Outcome]:
    """Yield the outcomes of all trials as they come, from processes side by side."""
    points = asked.points.split(",") if asked.points else []
    planned = list(trials(asked.trials, asked.seed, databases, points=points))
    until = time.time() + 60 * asked.minutes if asked.minutes else float("inf")
    context = multiprocessing.get_context("spawn")
    done: multiprocessing.Queue[Outcome | str] = context.Queue()
    shares = [planned[n :: asked.workers] for n in range(asked.workers)]
    workers = [context.Process(target=_work, args=(url, share, until, done)) for share in shares]
    for worker in workers:
        worker.start()
    at_work = len(workers)
    while at_work:
        outcome = done.get()
        if isinstance(outcome, Outcome):
            yield outcome
        elif outcome:
            sys.exit(outcome)
        else:
            at_work -= 1
    for worker in workers:
        worker.join()


def _work(
    url: str | None, share: Sequence[Trial], until: float, done: multiprocessing.Queue[Any]
) -> None:
    try:
        with Matrix(url) as matrix:
            for trial in share:
                if time.time() < until:
                    done.put(matrix.run(trial))
        done.put("")
    except Exception:  # noqa: BLE001 - the edge of a process
        done.put(traceback.format_exc())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    every = EACH * len(Point) * len(PASSES) * len(Fault) * len(DATABASES)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=every)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--databases", default=",".join(DATABASES))
    parser.add_argument("--points", default="", help="names of points, comma between them")
    parser.add_argument("--workers", type=int, default=2, help="trials that run side by side")
    parser.add_argument("--minutes", type=float, default=0, help="stop then; 0 never")
    parser.add_argument("--toys", type=int, default=1, help="0 leaves out the wrong designs")
    return parser.parse_args(arguments)


def _server(databases: Sequence[str]) -> PostgresServer | None:
    if "postgres" not in databases:
        return None
    try:
        return PostgresServer().start()
    except ServerAbsentError as error:
        sys.exit(f"no PostgreSQL here ({error}); try --databases sqlite")


def _show(outcomes: Sequence[Outcome], wanted: int, took_s: float) -> None:
    done = len(outcomes)
    bar = "█" * (_WIDTH * done // wanted)
    broken = sum(bool(one.sentence.breaches or one.errors) for one in outcomes)
    left_s = took_s / done * (wanted - done)
    line = f"\r{bar:░<{_WIDTH}} {done}/{wanted}, broken {broken}, {left_s / 60:.0f} min left "
    print(line, end="", file=sys.stderr, flush=True)


def _report(outcomes: Sequence[Outcome], took_s: float) -> Iterable[str]:
    kills = sum(one.killed for one in outcomes)
    yield (
        f"{len(outcomes)} trials, {kills} kills, {took_s / 60:.1f} min, "
        f"{took_s / max(len(outcomes), 1):.2f} s a trial"
    )
    yield ""
    for title, key in (
        ("point", lambda one: one.trial.point.value),
        ("fault", lambda one: one.trial.fault.value),
        ("pass", lambda one: one.trial.nth),
        ("database", lambda one: one.trial.database),
        ("engines", lambda one: "two" if one.trial.twin else "one"),
    ):
        yield from _table(title, outcomes, key)
        yield ""
    yield "point × fault: trials / breaches"
    yield from _cross(outcomes)
    yield ""
    yield from _LEGEND
    for one in outcomes:
        if one.sentence.breaches or one.errors:
            yield f"\n{one.trial}\n" + "\n".join([*one.sentence.breaches, one.errors])


def _table(title: str, outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> Iterable[str]:
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in outcomes:
        for row in (rows[key(one)], rows["all"]):
            row.update(_counts(one))
    names = [name for name in rows if name != "all"] + ["all"]
    yield f"{title:22}" + "".join(f"{column:>10}" for column in _COLUMNS)
    for name in names:
        yield f"{name:22}" + "".join(f"{rows[name][column]:10,}" for column in _COLUMNS)


def _counts(one: Outcome) -> dict[str, int]:
    found = one.sentence
    return {
        "trials": 1,
        "kills": int(one.killed),
        "lost": len(found.lost),
        "twice": len(found.duplicates),
        "again": len(found.renotices),
        "other": len(found.broken) + bool(one.errors),
        "extra": found.extra,
        "in doubt": found.ambiguous,
        "digest": found.to_digest,
    }


def _cross(outcomes: Sequence[Outcome]) -> Iterable[str]:
    cells: Counter[tuple[Point, Fault]] = Counter()
    broken: Counter[tuple[Point, Fault]] = Counter()
    for one in outcomes:
        cells[one.trial.point, one.trial.fault] += 1
        broken[one.trial.point, one.trial.fault] += len(one.sentence.breaches) + bool(one.errors)
    yield f"{'':22}" + "".join(f"{fault.value.split(' at')[0]:>20}" for fault in Fault)
    for point in Point:
        shown = (f"{cells[point, fault]} / {broken[point, fault]}" for fault in Fault)
        yield f"{point.value:22}" + "".join(f"{one:>20}" for one in shown)


def _toys(seed: int) -> list[str]:
    """Run the designs that were decided against through a few deaths at each of their points."""
    points = ("in_tx", "committed", "before_send", "bytes_out", "answered")
    lines = ["", f"{'design (no faults, SQLite)':34}{'kills':>8}{'lost':>8}{'twice':>8}"]
    with Matrix() as matrix:
        for flaw in FLAWS:
            planned = trials(_TOYS, seed, ["sqlite"], points=points)
            ran = [matrix.run(trial, flaw=flaw) for trial in planned]
            kills = sum(one.killed for one in ran)
            lost = sum(bool(one.sentence.lost) for one in ran)
            twice = sum(bool(one.sentence.duplicates) for one in ran)
            judged = "-" if flaw == FLAWS[0] else str(twice)  # it keeps no rows to count by
            lines.append(f"{flaw:34}{kills:8}{lost:8}{judged:>8}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
