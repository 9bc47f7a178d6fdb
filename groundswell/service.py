"""Starting and stopping the main job with its console, from a command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator

from config.schema import Project
from groundswell import wiring
from groundswell.clock import Clock
from groundswell.scheduler import MainJob
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
) -> None:
    """Run the main job until a signal; returns after a clean shutdown."""

    async def run() -> None:
        job, application = _job(project, store, clock, rate)
        started(job)
        await job.run(console=_console(application) if console else None)

    asyncio.run(run())


def serve_once(project: Project, store: Store, clock: Clock) -> None:
    """Run one round of everything and return."""

    async def run() -> None:
        job, _ = _job(project, store, clock, 1.0)
        await job.run_once()

    asyncio.run(run())


def _job(
    project: Project, store: Store, clock: Clock, rate: float
) -> tuple[MainJob, Application]:
    waker: list[Callable[[], None]] = []
    application = wiring.wire(
        project, store, clock, woken=lambda: waker[0]() if waker else None
    )
    job = MainJob(application, rate=rate)
    waker.append(job.wake)
    return job, application


def _console(application: Application) -> Callable[[], Awaitable[None]]:
    """Return the coroutine that serves the console pages on the running loop."""
    import uvicorn

    from groundswell.console.app import create_app

    rules = application.project.settings.console
    app = create_app(application)
    server = _QuietServer(
        uvicorn.Config(
            app, host=rules.host, port=rules.port, log_level="warning", lifespan="off"
        )
    )
    return server.serve


def _quiet_server() -> type:
    import uvicorn

    class QuietServer(uvicorn.Server):
        """Leaves signals to the main job, which stops everything in order."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return QuietServer
