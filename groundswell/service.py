"""Starting and stopping the main job with its console, from a command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from config.errors import GroundswellError
from config.schema import ConsoleRules, Project
from groundswell import wiring
from groundswell.clock import Clock
from groundswell.cluster_desk import ClusterDesk
from groundswell.digests import Digests
from groundswell.hot import HotLists
from groundswell.label_desk import LabelDesk
from groundswell.launch_desk import LaunchDesk
from groundswell.outbox_desk import OutboxDesk
from groundswell.reloading import Watch
from groundswell.scheduler import MainJob
from groundswell.silence_desk import SilenceDesk
from groundswell.sourcing_desk import Workbench
from groundswell.wiring import Application
from storage.store import Store

log = logging.getLogger(__name__)


def serve(
    project: Project,
    store: Store,
    clock: Clock,
    *,
    console: bool = True,
    rate: float = 1.0,
    started: Callable[[MainJob], None] = lambda _: None,
    opening: Callable[[], None] = lambda: None,
    watching: Watch | None = None,
    directory: Path | None = None,
) -> bool:
    """Run the main job until a signal; returns after a clean shutdown.

    `opening` is called in a thread before the console opens, when this database is ours. With
    `watching` it also ends when the project's files are changed and good; returns whether it did.
    `directory`: where launches are written from the console; without it they are only shown.
    Errors: GroundswellError when the console's address is taken or another program has the lease.
    """

    async def run() -> bool:
        job, application = _job(project, store, clock, rate)
        started(job)
        with _watched(watching, job):
            if not console:
                await job.run()
            else:
                with _listen(project.settings.console) as listening:
                    await job.run(console=_console(application, job, listening, opening, directory))
        return watching is not None and watching.changed and not job.is_told_to_end

    return asyncio.run(run())


@contextlib.contextmanager
def _watched(watch: Watch | None, job: MainJob) -> Iterator[None]:
    """Let a change of the project's files end the job; called on the running loop."""
    if watch is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(job.stop)

    watch.start(stop)
    try:
        yield
    finally:
        watch.close()


def serve_once(project: Project, store: Store, clock: Clock) -> None:
    """Run one round of everything and return."""

    async def run() -> None:
        job, _ = _job(project, store, clock, 1.0)
        await job.run_once()

    asyncio.run(run())


def _job(project: Project, store: Store, clock: Clock, rate: float) -> tuple[MainJob, Application]:
    waker: list[Callable[[], None]] = []
    application = wiring.wire(project, store, clock, woken=lambda: waker[0]() if waker else None)
    job = MainJob(application, rate=rate)
    waker.append(job.wake)
    return job, application


def _listen(rules: ConsoleRules) -> socket.socket:
    """Take the console's address, before anything is begun: uvicorn would end the whole program."""
    family = socket.AF_INET6 if ":" in rules.host else socket.AF_INET
    try:
        return socket.create_server((rules.host, rules.port), family=family)
    except OSError as error:
        cause = str(error.strerror).partition(" (")[0]  # Python adds the address once more
        raise GroundswellError(
            f"opening the console on {rules.host}:{rules.port}: {cause}; "
            "free it, or choose another with --port"
        ) from error


def _console(
    application: Application,
    job: MainJob,
    listening: socket.socket,
    opening: Callable[[], None],
    directory: Path | None,
) -> Callable[[], Awaitable[None]]:
    """Return the coroutine that serves the console pages on the running loop."""
    import uvicorn

    from groundswell.console.app import create_app

    digests = Digests(store=application.store, project=application.project, links=application.links)
    app = create_app(
        application.store,
        application.project,
        application.desk,
        application.clock,
        lambda owner, day, now: digests.compose(owner, day, now=now),
        application.links,
        keep=application.journey.keep_each,
        label_desk=LabelDesk(
            store=application.store,
            project=application.project,
            clock=application.clock,
            links=application.links,
            woken=application.desk.woken,
        ),
        cluster_desk=ClusterDesk(
            application.store,
            application.project,
            HotLists(application.project),
            application.links,
            application.desk.woken,
        ),
        outbox_desk=OutboxDesk(
            store=application.store,
            project=application.project,
            clock=application.clock,
            woken=application.desk.woken,
        ),
        silence_desk=SilenceDesk(
            store=application.store,
            project=application.project,
            clock=application.clock,
            links=application.links,
            woken=application.desk.woken,
        ),
        launch_desk=LaunchDesk(
            store=application.store,
            project=application.project,
            clock=application.clock,
            directory=directory,
        ),
        bench=Workbench(
            project=application.project,
            store=application.store,
            call=job.collector.parsing.call,
            live=job.collector.trial,
        ),
    )
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    # the main job takes the signals and stops everything in order; uvicorn would end alone
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]

    async def run() -> None:
        await asyncio.to_thread(opening)
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving

    return run
