"""The process that dies: the shipped engine on a story, from where an earlier process was killed.

Deaths come from wrappers round the store and the senders; the program itself has no hooks.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import re
import signal
import struct
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.channels import make_senders
from alerts.channels.answer import Answer, Sender
from alerts.commands import Command, CommandName
from alerts.delivery import Courier
from config.load import load
from config.schema import Owner, Project
from groundswell import wiring
from groundswell.cluster_desk import ClusterDesk
from groundswell.digests import Digests
from groundswell.hot import HotLists
from groundswell.links import SignedLinks
from groundswell.reloading import Watch
from groundswell.stages import Stages
from storage import migrate, tables
from storage.records import Delivery, Incident, IncidentState, Intent
from storage.store import Store
from tests.crash.matrix.plan import Point, Story
from tests.crash.matrix.story import (
    LATER_WAVE,
    START,
    STEPS,
    complaints,
    marked,
    write_project,
)

PATIENCE_S = 3.0  # of a sender; in the main job 10
SHORT_PATIENCE_S = 0.15  # where the provider hangs, which nobody should have to wait for
STARTS_AGAIN = 75  # exit code: the files were changed, run the same command again
_LOOK_S = 0.01  # how often the project's files are looked at
_STUCK_S = 90.0  # a machine may be busy with much else
_WRITES = re.compile(
    r"\s*(INSERT|UPDATE|CREATE|ALTER|DROP|DELETE)\b(?: OR IGNORE)?(?: INTO)? \"?(\w+)"
)
_COUNTED = tuple(Point)
WARM: dict[str, sa.Engine] = {}  # by dialect: the first engine of this process


class Journal:
    """What outlives the process, in a file mapped into memory: clock, step, passes by point."""

    _CLOCK, _STEP, _QUIET, _PASSES = 0, 1, 2, 3

    def __init__(self, path: Path) -> None:
        if not path.exists():  # two engines may begin at once: the name appears with its content
            made = path.with_name(f"{path.name}.{os.getpid()}")
            made.write_bytes(b"\0" * 8 * (self._PASSES + len(_COUNTED)))
            with contextlib.suppress(FileExistsError):
                os.link(made, path)
            made.unlink()
        with path.open("r+b") as file:
            self._kept = mmap.mmap(file.fileno(), 0)

    def _get(self, place: int) -> int:
        found: int = struct.unpack_from("q", self._kept, 8 * place)[0]
        return found

    def _set(self, place: int, value: int) -> None:
        struct.pack_into("q", self._kept, 8 * place, value)

    @property
    def at(self) -> datetime:
        return START + timedelta(microseconds=self._get(self._CLOCK))

    @at.setter
    def at(self, value: datetime) -> None:
        self._set(self._CLOCK, (value - START) // timedelta(microseconds=1))

    def now(self) -> datetime:
        """Return the present instant: all processes of a trial share one clock."""
        return self.at

    @property
    def step(self) -> int:
        return self._get(self._STEP)

    @step.setter
    def step(self, value: int) -> None:
        self._set(self._STEP, value)

    @property
    def is_quiet(self) -> bool:
        return bool(self._get(self._QUIET))

    def be_quiet(self) -> None:
        self._set(self._QUIET, 1)

    def passes(self, point: Point) -> int:
        return self._get(self._PASSES + _COUNTED.index(point))

    def pass_by(self, point: Point) -> int:
        place = self._PASSES + _COUNTED.index(point)
        self._set(place, self._get(place) + 1)
        return self._get(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a process is to do. `role`: "main", "twin" (delivers beside it), "clean" or "warm"."""

    story: Story
    folder: str
    project: str
    authority: str
    database: str
    seed: int
    role: str = "main"
    point: str = ""  # at the `nth` pass of which it dies; "" never
    nth: int = 0
    flaw: str = ""  # see planted.py
    patience_s: float = PATIENCE_S


class Death:
    """Counts how often each point is passed, and kills this process at the pass it was told."""

    def __init__(self, journal: Journal, order: Order) -> None:
        self._journal = journal
        self._point, self._nth = order.point, order.nth
        self._counts = order.role == "main"
        self._lock = threading.Lock()  # messages are sent side by side
        self.step = ""

    def at(self, point: Point) -> None:
        if not self._counts:
            return
        with self._lock:
            if self._journal.pass_by(point) == self._nth and point == self._point:
                os.kill(os.getpid(), signal.SIGKILL)


class WarmStore(Store):
    """The store; its statements were compiled before the fork, which saves a third of a trial."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        warm = WARM.setdefault(self._engine.dialect.name, self._engine)
        warm.pool, self._engine = self._engine.pool, warm


class MortalStore(WarmStore):
    """The store, dying inside, after and between its transactions."""

    def __init__(self, url: str, death: Death, folder: Path) -> None:
        super().__init__(url)
        self._death = death
        self._claims = folder / f"claims-{os.getpid()}"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            wrote: set[str] = set()

            def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
                found = _WRITES.match(statement)
                if found is None or found[1] != "INSERT":
                    return
                wrote.add(found[2])
                if found[2] == "digest_run":
                    self._death.at(Point.DIGEST)
                if found[2] == "incident_event" and self._death.step == "merge":
                    self._death.at(Point.MERGE)

            sa.event.listen(connection, "after_cursor_execute", note)
            yield connection
            sa.event.remove(connection, "after_cursor_execute", note)
            if "incident_event" in wrote:
                self._death.at(Point.IN_TX)
                if self._death.step == "merge":
                    self._death.at(Point.MERGE)
        if "incident_event" in wrote:
            self._death.at(Point.COMMITTED)

    def claim_intents(self, *how: Any, **more: Any) -> list[Intent]:
        claimed = super().claim_intents(*how, **more)
        if claimed:
            with self._claims.open("a") as file:
                file.writelines(f"{intent.intent_id}\n" for intent in claimed)
            self._death.at(Point.CLAIMED)
        return claimed

    def finish_delivery(
        self, intent: Intent, delivery: Delivery | None, *rest: Any, **more: Any
    ) -> bool:
        held = super().finish_delivery(intent, delivery, *rest, **more)
        if delivery is not None:
            self._death.at(Point.FINISHED)
        return held


class MortalSender:
    """A channel's sender, dying just before and just after an attempt."""

    def __init__(self, sender: Sender, death: Death) -> None:
        self._sender = sender
        self._death = death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sender, name)  # what it says of itself: is_keyed, per_minute ...

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        self._death.at(Point.BEFORE_SEND)
        answer = await self._sender.send(intent, owner, repeat=repeat)
        self._death.at(Point.ANSWERED)
        return answer


class MarkedLinks(SignedLinks):
    """The program's links; an incident's address also says which event a message is about."""

    def incident(self, incident: Incident) -> str:
        return marked(super().incident(incident), incident)


class Engine:
    """The shipped parts, wired, and the steps of the stories."""

    def __init__(
        self, order: Order, project: Project, store: Store, journal: Journal, death: Death
    ) -> None:
        self.order, self.project, self.store = order, project, store
        self.clock, self.death = journal, death
        application = wiring.wire(project, store, journal)
        links = MarkedLinks("http://desk.lanhe.example", "a key of the trial")
        self.journey = replace(application.journey, links=links)
        self.stages = Stages(store, self.journey, journal, wiring.restorer(project))
        self.desk = replace(application.desk, links=links)
        self.clusters = ClusterDesk(store, project, HotLists(project), links)
        self.digests = Digests(store=store, project=project, links=application.links)
        self.senders = {
            channel: MortalSender(sender, death)
            for channel, sender in make_senders(project, timeout_s=order.patience_s).items()
        }
        self.courier = Courier(
            store, self.senders, project, journal, chance=lambda: 0.5, meter=journal
        )
        self.changed: asyncio.Event | None = None

    # --- the steps ---

    async def drain(self) -> None:
        self.stages.drain()

    async def arrive(self) -> None:
        now = self.clock.now()
        with self.store.transaction() as tx:
            self.journey.keep(tx, complaints(LATER_WAVE, now), now)
        self.stages.drain()

    async def regrade(self) -> None:
        self.stages.regrade()

    async def remind(self) -> None:
        self.stages.remind()

    async def wait(self) -> None:
        until = self._next_step()
        if until is not None:
            self.clock.at = max(self.clock.at, until)

    async def deliver(self) -> None:
        await self._deliver_until(self._next_step() or self.clock.at)

    async def settle(self) -> None:
        await self._deliver_until(self.clock.at + timedelta(days=1))

    async def morning(self) -> None:
        self.clock.at = max(self.clock.at, datetime(2026, 3, 10, 1, 0, 30, tzinfo=UTC))

    async def digest(self) -> None:
        self.digests.write_due(self.clock.now())

    async def ack(self) -> None:
        self._act(CommandName.ACK, {IncidentState.OPEN})

    async def handled(self) -> None:
        self._act(CommandName.HANDLED, {IncidentState.ACKNOWLEDGED})

    async def confirm(self) -> None:
        self._act(CommandName.CONFIRM, {IncidentState.HANDLED})

    async def merge(self) -> None:
        """Two troubles turn out to be one: said of the incidents, or of their clusters."""
        mild, grave = sorted(self._incidents("lanhe"), key=lambda one: one.level)
        if self.order.seed % 2:
            if mild.state is IncidentState.OPEN:
                said = Command(name=CommandName.MERGE, actor="lin", text="同一件事")
                self.desk.act(mild.incident_id, said, into=grave.incident_id)
            return
        with self.store.read() as queries:
            today = {queries.cluster(one.cluster_id).cluster_id for one in (mild, grave)}  # type: ignore[union-attr]
        if len(today) == 2:
            self.clusters.merge(*sorted(today), "lin", self.clock.now())

    async def edit(self) -> None:
        write_project(Path(self.order.project), self.order.authority, edited=True)

    async def reload(self) -> None:
        if self.project.owner("qian") is None:
            return  # this is the process that was started with the changed files
        assert self.changed is not None
        await asyncio.wait_for(self.changed.wait(), _STUCK_S)
        raise StartAgain

    # --- what they share ---

    def _incidents(self, brand_id: str) -> list[Incident]:
        with self.store.read() as queries:
            return [one for one in queries.incidents() if one.brand_id == brand_id]

    def _act(self, name: CommandName, states: Collection[IncidentState]) -> None:
        grave = max(self._incidents("lanhe"), key=lambda one: one.level)
        if grave.state not in states:
            return  # carried out just before the process was killed
        said = Command(
            name=name, actor=grave.owner_id, text="电话回访，问题已解决", command_id=str(name)
        )
        self.desk.act(grave.incident_id, said)

    def _next_step(self) -> datetime | None:
        timer = tables.timer
        query = sa.select(sa.func.min(timer.c.due_at)).where(
            timer.c.status == "pending", timer.c.kind == "step"
        )
        with self.store.look() as connection:
            found: datetime | None = connection.scalar(query)
        return found

    async def _deliver_until(self, horizon: datetime) -> None:
        """Deliver, going on each time to when the next message is due, up to the horizon."""
        give_up_at = time.monotonic() + _STUCK_S
        while time.monotonic() < give_up_at:
            if await self.courier.deliver_due():
                continue
            upcoming, leased = self._next_message()
            if leased:  # the twin has them
                await asyncio.sleep(0.005)
                continue
            if upcoming is None or upcoming > horizon:
                return
            self.clock.at = upcoming
        raise TimeoutError("messages wait and nobody sends them")

    def _next_message(self) -> tuple[datetime | None, int]:
        intent, now = tables.intent, self.clock.now()
        waiting = intent.c.status.in_(["pending", "retry", "ambiguous"])
        later = sa.select(sa.func.min(intent.c.due_at)).where(waiting, intent.c.due_at > now)
        leased = sa.select(sa.func.count()).where(intent.c.status == "leased")
        with self.store.look() as connection:
            return connection.scalar(later), connection.execute(leased).scalar_one()


class StartAgain(Exception):  # noqa: N818 - no error: the same command is to be run again
    """The project's files became another good configuration."""


async def live(order: Order) -> int:
    """Do what is ordered; return the exit code."""
    folder = Path(order.folder)
    journal = Journal(folder / "journal")
    death = Death(journal, order)
    watch = Watch(Path(order.project), look_s=_LOOK_S)
    project = load(Path(order.project))
    if order.role == "main" and order.story == "migration":
        _upgrade(order.database, death)
    store = _store(order, death, folder)
    engine = _engine(order, project, store, journal, death)
    try:
        if order.role == "twin":
            await _deliver_beside(engine)
        elif order.role == "clean":
            for step in ("drain", "remind", "digest", "regrade", "settle"):
                if step != "digest" or order.story == "digest":
                    await getattr(engine, step)()
        else:
            await _tell(engine, watch)
    except StartAgain:
        watch.close()
        store.close()
        death.at(Point.RELOAD)
        return STARTS_AGAIN
    store.close()
    return 0


async def _tell(engine: Engine, watch: Watch) -> None:
    """Go through the story from the step at which an earlier process died."""
    order, journal, death = engine.order, engine.clock, engine.death
    if order.story == "reload":
        if engine.project.owner("qian") is None:
            death.at(Point.RELOAD)
        engine.changed, loop = asyncio.Event(), asyncio.get_running_loop()
        changed = engine.changed

        def stop() -> None:
            death.at(Point.RELOAD)
            loop.call_soon_threadsafe(changed.set)

        watch.start(stop)
    steps = STEPS[order.story]
    for number in range(journal.step, len(steps)):
        journal.step = number
        death.step = steps[number]
        await getattr(engine, steps[number])()
    journal.step = len(steps)
    watch.close()


async def _deliver_beside(engine: Engine) -> None:
    give_up_at = time.monotonic() + 2 * _STUCK_S
    while not engine.clock.is_quiet and time.monotonic() < give_up_at:
        if not await engine.courier.deliver_due():
            await asyncio.sleep(0.02)


def _upgrade(url: str, death: Death) -> None:
    """Bring the database to the program's schema, dying between two statements of it."""

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if _WRITES.match(statement):
            death.at(Point.MIGRATION)

    sa.event.listen(sa.engine.Engine, "after_cursor_execute", note)
    migrate.upgrade(url)
    sa.event.remove(sa.engine.Engine, "after_cursor_execute", note)


def _store(order: Order, death: Death, folder: Path) -> Store:
    if not order.flaw:
        return MortalStore(order.database, death, folder)
    from tests.crash.matrix.planted import flawed_store

    return flawed_store(order, death, folder)


def _engine(order: Order, project: Project, store: Store, journal: Journal, death: Death) -> Engine:
    if not order.flaw:
        return Engine(order, project, store, journal, death)
    from tests.crash.matrix.planted import flawed_engine

    return flawed_engine(order, project, store, journal, death)
