"""Runs of the child: unbroken, or killed and started again; and what they left, made comparable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage import tables
from storage.store import Store
from tests.crash.world import World

ROOT = Path(__file__).parents[2]
_CHILD_S = 120  # a run takes some seconds; a child that hangs must not hang the tests
Row = dict[str, Any]

# All that may differ from an unbroken run, and why.
_MAY_DIFFER = {
    "fetch_event": {"duration_ms"},  # wall time of the request
    "host_state": {"latency_ms", "updated_at"},  # wall time; written when it has moved enough
    "detail_link": {"attempts"},  # counts claims, so that a page that kills is found: its purpose
    "intent": {"fence"},  # counts claims
    "delivery": {"started_at", "ended_at"},  # a death delays what waited in line: see `delays`
    # counts attempts by the database's clock; a death repeats one
    "channel_state": {"tokens", "mild_tokens", "refilled_at", "last_ok_at"},
}
# Of a message whose sender was killed between "begun" and "ended": nobody knows whether it went
# out, so it is sent once more, later, under the same key.
_MAY_DIFFER_IF_REPEATED = {
    "intent": {"attempts", "due_at", "reason"},
    "delivery": {"n"},
}


@dataclass(frozen=True)
class Left:
    """What a run left: all tables, the messages that came by key, and the commits in their order,
    each as the steps that it belongs to."""

    tables: Mapping[str, Sequence[Row]]
    messages: Mapping[str, Sequence[bytes]]
    trail: Sequence[Sequence[str]]


def run_through(url: str, world: World, folder: Path, points: Sequence[str] = ()) -> Left:
    """Empty the database and run the child to its end, killed at each of the points in turn."""
    folder = folder / uuid.uuid4().hex[:8]
    folder.mkdir()
    seen = len(world.messages)
    store = Store(url)
    try:
        with store.transaction() as tx:
            for table in reversed(tables.metadata.sorted_tables):
                tx.connection.execute(sa.delete(table))
            # keys are random per installation: the runs compared are one installation
            tx.set_meta("link_key", "a key of links")
            tx.set_meta("author_key", "a key of authors")
        order = {
            "project": str(world.write_project(folder / "project")),
            "database": url,
            "journal": str(folder / "journal.json"),
            "world": world.site.url,
        }
        for point in points:
            ended, errors = _run(order | {"point": point}, folder)
            assert ended == -signal.SIGKILL, f"no death at {point}: exit {ended}\n{errors}"
            _let_leases_run_out(store)
        ended, errors = _run(order, folder)
        assert ended == 0, errors
        with store.read() as queries:
            rows = {name: queries.table_rows(name) for name in sorted(tables.metadata.tables)}
    finally:
        store.close()
    messages = defaultdict(list)
    for hit in world.messages[seen:]:
        messages[hit.headers["idempotency-key"]].append(hit.body)
    trail = json.loads((folder / "journal.json").read_text())["trail"]
    return Left(tables=rows, messages=messages, trail=trail)


def _run(order: Mapping[str, str], folder: Path) -> tuple[int, str]:
    path = folder / "order.json"
    path.write_text(json.dumps(order))
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.child", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=_CHILD_S,
        check=False,
    )
    return done.returncode, done.stderr[-4000:]


def _let_leases_run_out(store: Store) -> None:
    """Let the time pass that leases run on the database's clock: a minute or two, not waited for."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with store.write() as connection:
        for table in (tables.detail_link, tables.intent):
            held = table.c.lease_until.is_not(None)
            connection.execute(sa.update(table).where(held).values(lease_until=long_ago))


def comparable(left: Left, repeated: Collection[str]) -> dict[str, list[Row]]:
    """Return all tables without the few columns that may differ; of a message its last attempt.

    The rounds of the engine are left out, and their number: each process notes its own, and a new
    one says everything again with its first.
    """
    last = {row["intent_id"]: row for row in left.tables["delivery"]}
    return {
        name: [
            _without(name, row, repeated)
            for row in (last.values() if name == "delivery" else rows)
            if (name, row.get("name")) != ("counter", "pass")
        ]
        for name, rows in left.tables.items()
        if name != "grading_pass"
    }


def _without(name: str, row: Row, repeated: Collection[str]) -> Row:
    dropped = set(_MAY_DIFFER.get(name, ()))
    if row.get("intent_id") in repeated:
        dropped |= _MAY_DIFFER_IF_REPEATED[name]
    kept = {column: value for column, value in row.items() if column not in dropped}
    if name == "source_state":
        # How pages usually look is written with the next poll: a death forgets one pass of it.
        kept["learned"] = {word: fact for word, fact in row["learned"].items() if word != "pages"}
    return kept


def delays(left: Left, unbroken: Left) -> list[timedelta]:
    """Return by how much later than in the unbroken run each message's last attempt began."""
    began = [
        {row["intent_id"]: row["started_at"] for row in run.tables["delivery"]}
        for run in (left, unbroken)
    ]
    return [began[0][intent_id] - at for intent_id, at in began[1].items()]


def repeats(left: Left) -> dict[str, list[Row]]:
    """Return the attempts before the last one, by message."""
    attempts: defaultdict[str, list[Row]] = defaultdict(list)
    for row in left.tables["delivery"]:
        attempts[row["intent_id"]].append(row)
    return {intent_id: rows[:-1] for intent_id, rows in attempts.items() if len(rows) > 1}
