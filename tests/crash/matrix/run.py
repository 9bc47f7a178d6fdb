"""Runs trials: databases made from templates, processes from the zygote, a verdict for each."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlalchemy as sa

from config.load import load
from config.schema import Project
from groundswell import wiring
from groundswell.replay import SteppedClock
from groundswell.stages import Stages
from storage import migrate, tables
from storage.store import Store
from tests.crash.matrix.judge import Left, Sentence, judge, look
from tests.crash.matrix.live import (
    PATIENCE_S,
    SHORT_PATIENCE_S,
    STARTS_AGAIN,
    Journal,
    MarkedLinks,
    Order,
    WarmStore,
)
from tests.crash.matrix.plan import PASSES, Fault, Point, Story, Trial
from tests.crash.matrix.provider import Provider
from tests.crash.matrix.story import FIRST_WAVES, START, complaints, write_project

ROOT = Path(__file__).parents[3]
_CHILD_S = 200.0  # a process takes tenths of a second; one that hangs must not hang the matrix
_KILLED = -9
_AGAIN = 8  # how often a trial is repeated that ended before its process came to die


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One trial: whether a process died, and the sentence. `errors`: of processes that failed."""

    trial: Trial
    killed: bool
    sentence: Sentence
    took_s: float
    errors: str = ""


class Databases:
    """Fresh databases from templates: understood and not gathered, or of the revision before."""

    def __init__(self, folder: Path, project: Project, admin_url: str | None) -> None:
        self._folder = folder
        self._admin_url = admin_url
        self._admin = (
            None if admin_url is None else psycopg.connect(_dsn(admin_url), autocommit=True)
        )
        self._names = f"gs_crash_{os.getpid()}"
        self._number = 0
        self.kinds: tuple[str, ...] = ("sqlite",) if admin_url is None else ("sqlite", "postgres")
        for kind in self.kinds:
            for is_old in (False, True):
                self._make_template(kind, is_old, project)

    def fresh(self, kind: str, *, old: bool) -> str:
        """Return the URL of a new copy of a template."""
        self._number += 1
        template = self._template(kind, old)
        if kind == "sqlite":
            path = self._folder / f"trial{self._number}.db"
            shutil.copy(template, path)
            return f"sqlite:///{path}"
        name = f"{self._names}_{self._number}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove a copy."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            for path in self._folder.glob(f"{Path(str(parsed.database)).name}*"):
                path.unlink()
        else:
            self._execute(f"DROP DATABASE {parsed.database} WITH (FORCE)")

    def close(self) -> None:
        if self._admin is not None:
            for is_old in (False, True):
                self._execute(f"DROP DATABASE {self._template('postgres', is_old)} WITH (FORCE)")
            self._admin.close()

    def _make_template(self, kind: str, is_old: bool, project: Project) -> None:
        name = self._template(kind, is_old)
        if kind == "sqlite":
            url = f"sqlite:///{name}"
        else:
            self._execute(f"CREATE DATABASE {name}")
            url = self._url(name)
        migrate.upgrade(url)
        store = Store(url)
        with store.transaction() as tx:
            # keys are random per installation: the runs compared are one installation
            tx.set_meta("link_key", "a key of links")
            tx.set_meta("author_key", "a key of authors")
        application = wiring.wire(project, store, SteppedClock(START))
        links = MarkedLinks("http://desk.lanhe.example", "a key of the trial")
        journey = replace(application.journey, links=links)
        with store.transaction() as tx:
            for wave in FIRST_WAVES:
                journey.keep(tx, complaints(wave, START), START)
            while journey.understand(tx, START)[0]:
                pass
        if is_old:
            Stages(store, journey, application.clock, wiring.restorer(project)).drain()
        store.close()
        if is_old:
            migrate.downgrade(url, "-1")

    def _template(self, kind: str, is_old: bool) -> str:
        name = "old" if is_old else "new"
        return str(self._folder / f"{name}.db") if kind == "sqlite" else f"{self._names}_{name}"

    def _url(self, name: str) -> str:
        assert self._admin_url is not None
        return sa.make_url(self._admin_url).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        assert self._admin is not None
        self._admin.execute(statement)  # type: ignore[call-overload]


class Zygote:
    """The process whose forks live and die."""

    def __init__(self) -> None:
        env = os.environ | {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "CRASH_BOT": "a-key-of-a-bot",
            "CRASH_HOOK": "a-secret-of-a-hook",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.matrix.zygote"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def warm(self, order: Order) -> None:
        code = self._ask({"do": "warm", "order": asdict(order)})["code"]
        if code:
            raise RuntimeError(f"the first run of all ended with {code}")

    def start(self, order: Order) -> int:
        pid: int = self._ask({"do": "start", "order": asdict(order)})["pid"]
        return pid

    def wait(self, pid: int) -> int | None:
        code: int | None = self._ask({"do": "wait", "pid": pid, "timeout_s": _CHILD_S})["code"]
        return code

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the zygote ended: {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Matrix:
    """Runs trials one after the other; use as a context manager."""

    def __init__(self, admin_url: str | None = None, folder: Path | None = None) -> None:
        self._stack = contextlib.ExitStack()
        made = tempfile.TemporaryDirectory(prefix="gs-crash-", dir=folder or _memory())
        self._folder = Path(self._stack.enter_context(made))
        self._provider = self._stack.enter_context(Provider())
        self._project_dir = write_project(self._folder / "project", self._provider.authority)
        self._project = load(self._project_dir)
        edited = write_project(self._folder / "edited", self._provider.authority)
        self._edited = load(write_project(edited, self._provider.authority, edited=True))
        self._databases = Databases(self._folder, self._project, admin_url)
        self._stack.callback(self._databases.close)
        self._zygote = Zygote()
        self._stack.callback(self._zygote.close)
        self._unbroken: dict[tuple[str, Story, int, str], tuple[Left, Journal]] = {}
        self._counts: dict[tuple[str, Story, Fault], Journal] = {}
        self._number = 0
        for kind in self._databases.kinds:
            trial = Trial(point=Point.IN_TX, nth="1st", fault=Fault.SLOW, database=kind, seed=0)
            with self._place(trial) as (url, place):
                self._zygote.warm(replace(self._order(trial, url, place, ""), role="warm"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def databases(self) -> tuple[str, ...]:
        """The kinds of databases that there are trials for."""
        return self._databases.kinds

    def run(self, trial: Trial, *, flaw: str = "", dies: bool = True) -> Outcome:
        """Run one trial and judge it; without `dies` nobody is killed.

        With a `flaw` the provider has no faults: what goes wrong is the flaw's own.
        """
        began = time.perf_counter()
        unbroken, journal = self._reference(trial, flaw)
        nth = self._nth(trial, journal) if dies else 0
        for _ in range(_AGAIN):
            with self._place(trial) as (url, folder):
                outcome = self._trial(trial, unbroken, url, folder, nth=nth, flaw=flaw)
                passed = self._passes(trial, Journal(folder / "journal"))
            if not dies or outcome.killed or outcome.errors or not passed:
                break
            nth = passed  # fewer passes than in the run that was counted: the last of these
        return replace(outcome, took_s=time.perf_counter() - began)

    # --- one trial ---

    def _trial(
        self, trial: Trial, unbroken: Left, url: str, folder: Path, *, nth: int, flaw: str
    ) -> Outcome:
        by_provider = trial.point is Point.BYTES_OUT and nth > 0
        fault = None if flaw else trial.fault
        self._provider.begin(fault, trial.seed, kill_at=nth if by_provider else 0)
        order = self._order(trial, url, folder, flaw)
        twin = self._zygote.start(replace(order, role="twin")) if trial.twin else 0
        mortal = order if by_provider else replace(order, point=trial.point, nth=nth)
        code, killed = self._live(mortal, url, is_victim=by_provider)
        Journal(folder / "journal").be_quiet()
        codes = [code]
        if twin:
            codes.append(self._zygote.wait(twin))
        with contextlib.closing(WarmStore(url)) as store:
            left = look(store, self._provider.accepted, self._provider.altered)
        self._provider.heal()
        codes.append(self._zygote.wait(self._zygote.start(replace(order, role="clean"))))
        with contextlib.closing(WarmStore(url)) as store:
            after = look(store, self._provider.accepted)
        project = self._edited if trial.story == "reload" else self._project
        errors = "" if set(codes) == {0} else f"{codes}\n{_tail(folder / 'stderr')}"
        return Outcome(
            trial=trial,
            killed=killed,
            sentence=judge(left, unbroken, after, project),
            took_s=0.0,
            errors=errors,
        )

    def _live(self, order: Order, url: str, *, is_victim: bool) -> tuple[int | None, bool]:
        """Run the main process to its end, started again after a death and after a reload."""
        killed = False
        while True:
            pid = self._zygote.start(order)
            if is_victim and not killed:
                self._provider.watch(pid)
            code = self._zygote.wait(pid)
            if code == _KILLED and not killed:
                killed = True
                self._provider.watch(0)
                _let_leases_run_out(url, Path(order.folder) / f"claims-{pid}")
                order = replace(order, point="", nth=0)
            elif code != STARTS_AGAIN:
                return code, killed

    def _order(self, trial: Trial, url: str, folder: Path, flaw: str) -> Order:
        project = self._project_dir
        if trial.story == "reload":
            project = write_project(folder / "project", self._provider.authority)
        return Order(
            story=trial.story,
            folder=str(folder),
            project=str(project),
            authority=self._provider.authority,
            database=url,
            seed=trial.seed,
            flaw=flaw,
            patience_s=SHORT_PATIENCE_S if trial.fault is Fault.HANG else PATIENCE_S,
        )

    # --- what trials are held against ---

    def _reference(self, trial: Trial, flaw: str) -> tuple[Left, Journal]:
        """Return what a run leaves in which nothing fails and nobody dies, and its passes."""
        key = (trial.database, trial.story, trial.seed % 2, flaw)
        if key not in self._unbroken:
            self._unbroken[key] = self._undisturbed(replace(trial, twin=False), None, flaw)
        return self._unbroken[key]

    def _undisturbed(self, trial: Trial, fault: Fault | None, flaw: str) -> tuple[Left, Journal]:
        with self._place(trial) as (url, folder):
            self._provider.begin(fault, trial.seed)
            code, _ = self._live(self._order(trial, url, folder, flaw), url, is_victim=False)
            if code != 0:
                raise RuntimeError(f"an unbroken run ended with {code}: {_tail(folder / 'stderr')}")
            with contextlib.closing(WarmStore(url)) as store:
                left = look(store, self._provider.accepted)
            journal = Journal(folder / "journal")
        return left, journal

    def _nth(self, trial: Trial, journal: Journal) -> int:
        place = PASSES.index(trial.nth)
        if place < 2:
            return place + 1
        return max(self._passes(trial, journal), 1)

    def _passes(self, trial: Trial, journal: Journal) -> int:
        if trial.point is Point.BYTES_OUT:
            return journal.passes(Point.ANSWERED)
        return journal.passes(trial.point)

    @contextlib.contextmanager
    def _place(self, trial: Trial) -> Iterator[tuple[str, Path]]:
        self._number += 1
        folder = self._folder / f"trial{self._number}"
        folder.mkdir()
        url = self._databases.fresh(trial.database, old=trial.story == "migration")
        try:
            yield url, folder
        finally:
            self._databases.drop(url)
            shutil.rmtree(folder)


def _let_leases_run_out(url: str, claims: Path) -> None:
    """Let the minute pass that the leases of a dead process last on the database's clock."""
    if not claims.exists():
        return
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with contextlib.closing(WarmStore(url)) as store, store.write() as connection:
        connection.execute(
            sa.update(tables.intent)
            .where(
                tables.intent.c.intent_id.in_(claims.read_text().split()),
                tables.intent.c.status == "leased",
            )
            .values(lease_until=long_ago)
        )


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-3000:] if path.exists() else ""


def _memory() -> Path | None:
    """Return a folder in memory, if there is one: SIGKILL loses nothing that was written."""
    shm = Path("/dev/shm")
    return shm if shm.is_dir() and os.access(shm, os.W_OK) else None


def _dsn(url: str) -> str:
    parsed = sa.make_url(url)
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)
