"""How fast the outbox and its timers are with many open incidents, and what a storm comes to.

Ticks: due timers carried out and due messages sent, with 1,000 to 30,000 open incidents and 100,000
old messages. A red: from the raise to the first byte at the channel, beside 1,000 raises in a
minute and a channel that hangs. python -m bench act (ACT_SIZES=1000,10000 for fewer)
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import sqlalchemy as sa

from alerts.channels import Answer
from alerts.delivery import Courier
from alerts.incidents import on_grade
from alerts.scene import NoLinks
from config.schema import Owner, Project
from groundswell import wiring
from groundswell.replay import SteppedClock
from storage import migrate, tables
from storage.records import ChannelId, DeliveryClass, Intent, Level, OwnerId
from storage.rows import columns_of
from storage.store import Store
from tests.alerts.people import make_project
from tests.make import NOW, make_cluster, make_evidence, make_grade

SIZES = tuple(int(n) for n in os.environ.get("ACT_SIZES", "1000,10000,30000").split(","))
OLD = 100_000
TICKS = 200
SPAN_S = 4 * 3600  # the timers of all open incidents fall due within four hours
PEOPLE = 20
BASE = 500  # so many are raised as always; the others are copies of theirs


class Wire:
    """A channel that takes everything at once, or hangs; notes when the first byte of what left."""

    is_keyed = False
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, per_minute: int | None = None, hang_s: float = 0.0) -> None:
        self.per_minute = per_minute
        self.hang_s = hang_s
        self.left: list[tuple[float, Intent]] = []

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Take a message."""
        del owner, repeat
        self.left.append((time.perf_counter(), intent))
        if self.hang_s:
            await asyncio.sleep(self.hang_s)
            return Answer(outcome=DeliveryClass.AMBIGUOUS, text="no answer")
        return Answer(outcome=DeliveryClass.OK, http_status=200)


def company() -> Project:
    """Twenty people of one brand, all on one bot first, then by mail."""
    people = [
        {
            "id": f"p{n}",
            "name": f"员工{n}",
            "channels": ["bot", "mail"],
            "email": f"p{n}@lanhe.example",
        }
        for n in range(PEOPLE)
    ]
    route = {"id": "all", "owner": "p0", "also": ["p1"], "chain": [f"p{n}" for n in range(2, 8)]}
    return make_project(owners=people, routes=[route], fallback=["p18", "p19"])


@contextmanager
def database(size: int) -> Iterator[Store]:
    """Give a SQLite database with so many open incidents, and old messages."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'act.db'}"
        migrate.upgrade(url)
        store = Store(url)
        fill(store, size)
        yield store
        store.close()


def raise_one(store_tx: Any, n: int, level: Level, project: Project) -> None:
    """Raise one incident of a cluster of its own; its owner goes by its number."""
    cluster = make_cluster(f"c{n:07}", label=f"滤芯渗水{n}")
    store_tx.connection.execute(sa.insert(tables.cluster), [columns_of(cluster, tables.cluster)])
    evidence = make_evidence(cluster=cluster, authors=12)
    routed = replace_owner(project, n)
    change = on_grade(None, evidence, make_grade(level), routed, NOW, links=NoLinks())
    store_tx.save_change(change)


_ROUTED: dict[int, Project] = {}


def replace_owner(project: Project, n: int) -> Project:
    """Return the project with another owner of the route, so that people share the incidents."""
    one = n % PEOPLE
    if one not in _ROUTED:
        route = project.routes[0].model_copy(update={"owner": f"p{one}", "also": ()})
        _ROUTED[one] = project.model_copy(update={"routes": (route,)})
    return _ROUTED[one]


def fill(store: Store, size: int) -> None:
    """Raise BASE incidents, copy them to `size`, and their messages, sent long ago, to OLD."""
    project = company()
    base = min(size, BASE)
    for start in range(0, base, 100):
        with store.transaction() as tx:
            for n in range(start, min(base, start + 100)):
                raise_one(tx, n, Level.YELLOW, project)
    rng = random.Random(6)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE intent SET status = 'sent'")
        for copy in range(1, size // base):
            for table in (tables.cluster, tables.incident, tables.incident_cluster, tables.timer):
                connection.exec_driver_sql(_copied(table, copy))
        have = connection.exec_driver_sql("SELECT count(*) FROM intent").scalar_one()
        for copy in range(1, -(-OLD // max(1, have)) + 1):
            connection.exec_driver_sql(_copied(tables.intent, copy))
        connection.exec_driver_sql("UPDATE counter SET value = 900000000 WHERE name = 'intent'")
        due = [
            {"key": row[0], "at": NOW + timedelta(seconds=60 + rng.random() * SPAN_S)}
            for row in connection.exec_driver_sql("SELECT incident_id FROM timer")
        ]
        moved = sa.update(tables.timer).where(tables.timer.c.incident_id == sa.bindparam("key"))
        connection.execute(moved.values(due_at=sa.bindparam("at")), due)


def _copied(table: sa.Table, copy: int) -> str:
    """Return the statement that copies the rows first raised, under names of their own."""
    own = {"incident": "incident_id", "cluster": "cluster_id", "intent": "intent_id"}
    renamed = {"cluster_id": f"cluster_id || '~{copy}'", "incident_id": f"incident_id || '~{copy}'"}
    if table.name == "intent":
        renamed = {"intent_id": f"intent_id || '~{copy}'", "intent_no": f"intent_no + {copy}000000"}
    if table.name == "incident":
        inner = f"replace(document, incident_id, incident_id || '~{copy}')"
        renamed["code"] = f"code || '~{copy}'"
        renamed["document"] = f"replace({inner}, cluster_id, cluster_id || '~{copy}')"
    names = [column.name for column in table.c]
    values = ", ".join(renamed.get(name, name) for name in names)
    key = own.get(table.name, "incident_id")
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {table.name} "
        f"WHERE instr({key}, '~') = 0"
    )


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return cuts[49], cuts[98]


def measure_ticks(size: int) -> tuple[float, float, float, int]:
    """Return p50 and p99 of a tick in seconds, the p99 of its CPU, and timers carried out."""
    with database(size) as store:
        project, clock = company(), SteppedClock(NOW)
        app = wiring.wire(project, store, clock)
        channels = {ChannelId("bot"): Wire(), ChannelId("mail"): Wire(), ChannelId("hook"): Wire()}
        courier = Courier(store, channels, project, clock, meter=clock)
        app.stages.remind()
        took, cpu, timers = [], [], 0
        for n in range(TICKS):
            clock.at = NOW + timedelta(seconds=60 + 5 * n)
            began, worked = time.perf_counter(), time.process_time()
            timers += len(app.stages.remind())
            asyncio.run(courier.deliver_due())
            took.append(time.perf_counter() - began)
            cpu.append(time.process_time() - worked)
        return *percentiles(took), percentiles(cpu)[1], timers


async def storm(store: Store, raises: int, *, hang: bool) -> dict[str, Any]:
    """Raise so many within a minute of the clock, reds among them; nine more minutes of ticks.

    Passes of the courier overlap, as the main job has it.
    """
    project, clock = company(), SteppedClock(NOW)
    bot, mail = Wire(per_minute=12), Wire(hang_s=10.0 if hang else 0.0)
    channels = {ChannelId("bot"): bot, ChannelId("mail"): mail, ChannelId("hook"): Wire()}
    courier = Courier(store, channels, project, clock, meter=clock)
    passes: set[asyncio.Task[int]] = set()
    reds: dict[str, int] = {}
    sent_at: list[tuple[int, Intent]] = []
    reds_left = iter(range(0, raises, max(1, raises // 20)))
    next_red = next(reds_left)
    for second in range(600):
        clock.at = NOW + timedelta(seconds=second)
        seen = len(bot.left)
        for n in range(second * raises // 60, (second + 1) * raises // 60) if second < 60 else ():
            level = Level.RED if n == next_red else Level.YELLOW
            with store.transaction() as tx:
                raise_one(tx, 10_000_000 + n, level, project)
            if level is Level.RED:
                next_red = next(reds_left, -1)
                reds[f"c{10_000_000 + n:07}"] = second
        task = asyncio.ensure_future(courier.deliver_due())
        passes.add(task)
        task.add_done_callback(passes.discard)
        if not hang:
            await task
        else:
            await asyncio.sleep(0.05)
        sent_at += [(second, intent) for _, intent in bot.left[seen:]]
    if passes:
        await asyncio.wait(passes)
    return report(store, reds, sent_at)


def report(store: Store, reds: dict[str, int], sent_at: list[tuple[int, Intent]]) -> dict[str, Any]:
    """Return what the storm came to, as people saw it."""
    minutes = [sum(at <= other < at + 60 for other, _ in sent_at) for at, _ in sent_at]
    people: Counter[OwnerId] = Counter(intent.recipient_id for _, intent in sent_at)
    with store.look() as connection:
        rows = connection.exec_driver_sql(
            "SELECT intent.level, intent.status, intent.summary_id, incident.cluster_id, "
            "intent.intent_id FROM intent JOIN incident USING (incident_id) "
            "WHERE incident.cluster_id >= 'c10000000'"
        ).all()
        sums = {
            row[0]: row[1]
            for row in connection.exec_driver_sql(
                "SELECT intent_id, status FROM intent WHERE kind = 'summary'"
            )
        }
    left = {str(intent.intent_id): second for second, intent in sent_at}
    delays = []
    for row in rows:
        began = reds.get(row[3])
        when = left.get(row[4], left.get(row[2]))
        if began is not None and when is not None:
            delays.append(when - began)
    told = sum(row[1] == "sent" or sums.get(row[2]) == "sent" for row in rows)
    waiting = sum(row[1] in {"pending", "retry"} or sums.get(row[2]) == "pending" for row in rows)
    return {
        "messages": len(rows),
        "told": told,
        "waiting": waiting,
        "lost": len(rows) - told - waiting - sum(row[1] == "dead" for row in rows),
        "bot": len(sent_at),
        "minute": max(minutes, default=0),
        "person": max(people.values(), default=0),
        "red_delays": delays or [0],
        "reds": len(reds),
    }


def measure_red(size: int) -> tuple[float, float]:
    """Return p50 and p99 of a red's raise to first byte, each tick beside 16 yellow raises."""
    with database(size) as store:
        project, clock = company(), SteppedClock(NOW)
        bot = Wire()
        channels = {ChannelId("bot"): bot, ChannelId("mail"): Wire(), ChannelId("hook"): Wire()}
        delays = []
        courier = Courier(store, channels, project, clock, meter=clock)
        for n in range(100):
            clock.at = NOW + timedelta(minutes=11 * n)  # nobody is over his ten
            with store.transaction() as tx:
                for k in range(16):
                    raise_one(tx, 20_000_000 + 20 * n + k, Level.YELLOW, project)
            with store.write() as connection:
                connection.exec_driver_sql(
                    "UPDATE intent SET due_at = due_at WHERE status = 'pending'"
                )
            began = time.perf_counter()
            with store.transaction() as tx:
                raise_one(tx, 20_000_000 + 20 * n + 17, Level.RED, project)
            bot.left.clear()
            asyncio.run(courier.deliver_due())
            first = min(at for at, intent in bot.left if intent.level is Level.RED)
            delays.append(first - began)
        return percentiles(delays)


def main() -> None:
    """Print all three."""
    print("tick: timers and delivery (goal p99 1 s at 10,000)")
    print(f"{'open':>7} {'p50 ms':>8} {'p99 ms':>8} {'CPU p99':>8} {'timers':>7}")
    before = 0.0
    for size in SIZES:
        p50, p99, cpu, timers = measure_ticks(size)
        ratio = f"  CPU x{cpu / before:.2f}" if before else ""
        row = f"{size:>7} {p50 * 1000:>8.1f} {p99 * 1000:>8.1f} {cpu * 1000:>8.1f} {timers:>7}"
        print(row + ratio, flush=True)
        before = cpu
    print("\nred: raise to first byte, 16 yellow raises beside each (goal p99 3 s at 10,000)")
    for size in SIZES[:2]:
        p50, p99 = measure_red(size)
        print(f"{size:>7} {p50 * 1000:>8.1f} {p99 * 1000:>8.1f}", flush=True)
    for hang in (False, True):
        with database(SIZES[0]) as store:
            found = asyncio.run(storm(store, 1000, hang=hang))
        delays = found.pop("red_delays")
        words = ", ".join(f"{name} {value}" for name, value in found.items())
        print(
            f"\nstorm of 1,000 raises in 60 s, 20 reds, bot 12/min{', mail hangs' if hang else ''}"
        )
        print(f"  {words}")
        print(f"  reds on the bot after s (first {delays[0]}): {sorted(delays)}")


if __name__ == "__main__":
    main()
