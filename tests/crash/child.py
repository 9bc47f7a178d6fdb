"""The program that is killed: the real chain over real HTTP, on a clock that stands where it is put.

`python -m tests.crash.child ORDER.json`. Where its clock stands and which steps were committed is
kept in a journal beside the database, so that a restart goes on there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.channels import make_senders
from alerts.channels.answer import Answer, Sender
from alerts.delivery import Courier
from config.load import load
from config.schema import Owner
from crawlers.runner import Collector
from groundswell import wiring
from groundswell.collecting import StoreFrontier
from groundswell.replay import SteppedClock
from storage.records import Intent
from storage.store import Store
from tests.crash.world import LOOKS, START, STEP, STEPS

# What a commit wrote -> the step that it belongs to. A batch may gather and raise in one.
_STEPS = {
    "INSERT mention": "collect",
    "INSERT source_state": "collect",
    "INSERT detail_link": "collect",
    "UPDATE detail_link": "collect",
    "INSERT verdict": "classify",
    "INSERT mention_cluster": "cluster",
    "INSERT incident_event": "alert",
    "INSERT delivery": "deliver",
    "UPDATE delivery": "deliver",
}


class Journal:
    """What outlives the process: the number of the instant, and the steps done, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept: dict[str, Any] = {"instant": 0, "trail": []}
        if path.exists():
            kept = json.loads(path.read_text())
        self.instant: int = kept["instant"]
        self.trail: list[list[str]] = kept["trail"]  # per commit or send: what it was

    def save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"instant": self.instant, "trail": self.trail}))
        fresh.replace(self._path)


class Death:
    """Dies just before or just after a step is done for the n-th time; `point` is STEP:N:SIDE.

    A step that is repeated after an earlier death may have been done more often by then: the next
    one counts.
    """

    def __init__(self, journal: Journal, point: str) -> None:
        self._journal = journal
        self._step, number, self._side = (point or "none:0:never").split(":")
        self._n = int(number)
        self._lock = threading.Lock()  # messages are sent side by side

    def before(self, steps: Collection[str]) -> None:
        with self._lock:
            if self._side == "before" and self._step in steps and self._done() + 1 >= self._n:
                os.kill(os.getpid(), signal.SIGKILL)

    def after(self, steps: Collection[str]) -> None:
        if not steps:
            return
        with self._lock:
            self._journal.trail.append(sorted(steps))
            self._journal.save()
            if self._side == "after" and self._step in steps and self._done() >= self._n:
                os.kill(os.getpid(), signal.SIGKILL)

    def _done(self) -> int:
        return sum(self._step in steps for steps in self._journal.trail)


class MortalStore(Store):
    """The store, dying around the commit that it is told."""

    def __init__(self, url: str, death: Death) -> None:
        super().__init__(url)
        self._death = death

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            wrote: set[str] = set()

            def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
                words = statement.split(maxsplit=3)
                wrote.add(f"{words[0]} {words[2 if words[0] == 'INSERT' else 1]}")

            sa.event.listen(connection, "before_cursor_execute", note)
            yield connection
            sa.event.remove(connection, "before_cursor_execute", note)
            steps = {step for what, step in _STEPS.items() if what in wrote}
            if "UPDATE intent" in wrote and "alert" not in steps:
                steps.add("deliver")
            self._death.before(steps)
        self._death.after(steps)


class MortalSender:
    """A channel's sender, dying around the sending that it is told; one at a time, to be counted."""

    def __init__(self, sender: Sender, death: Death) -> None:
        self._sender = sender
        self._death = death
        self._turn = asyncio.Lock()
        self.is_keyed = sender.is_keyed
        self.per_minute = sender.per_minute
        self.per_second = sender.per_second
        self.quiet_minutes = sender.quiet_minutes

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        async with self._turn:
            self._death.before({"send"})
            answer = await self._sender.send(intent, owner, repeat=repeat)
            self._death.after({"send"})
            return answer


@dataclass(frozen=True)
class Order:
    """What the test asks for."""

    project: str
    database: str
    journal: str
    world: str
    point: str = ""


async def live(order: Order) -> None:
    """Go on from the instant at which an earlier process died, to the end of the story."""
    journal = Journal(Path(order.journal))
    death = Death(journal, order.point)
    clock = SteppedClock(START)
    project = load(Path(order.project))
    store = MortalStore(order.database, death)
    application = wiring.wire(project, store, clock)
    frontier = StoreFrontier(store=store, journey=application.journey, clock=clock)
    collector = Collector(project.sources, project.settings, frontier, clock)
    senders = {
        channel: MortalSender(sender, death) for channel, sender in make_senders(project).items()
    }
    courier = Courier(store, senders, project, clock, chance=lambda: 0.5)
    await collector.start()
    try:
        instants = [START + step * STEP + look for step in range(STEPS) for look in LOOKS]
        for number in range(journal.instant, len(instants)):
            journal.instant = number
            journal.save()
            clock.at = instants[number]
            if number % len(LOOKS) == 0:
                await _carry(application, collector, order.world, clock.at)
            await courier.deliver_due()
    finally:
        await collector.stop()
        store.close()


async def _carry(
    application: wiring.Application, collector: Collector, world: str, at: datetime
) -> None:
    await asyncio.to_thread(_tell_time, world, at)
    await collector.poll_due()  # one host: its sources wait for each other, in their order
    for stage in (
        application.stages.drain,
        application.stages.regrade,
        application.stages.remind,
    ):
        await asyncio.to_thread(stage)


def _tell_time(world: str, at: datetime) -> None:
    urllib.request.urlopen(f"{world}/now?at={quote(at.isoformat())}", timeout=10).read()


if __name__ == "__main__":
    asyncio.run(live(Order(**json.loads(Path(sys.argv[1]).read_text()))))
