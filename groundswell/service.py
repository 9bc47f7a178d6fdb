"""Starting and stopping the main job with its console, from a command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from config.schema import Project
from groundswell import wiring
from groundswell.clock import Clock
from groundswell.digests import Digests
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
    opening: Callable[[], None] = lambda: None,
) -> None:
    """Run the main job until a signal; returns after a clean shutdown.

    `opening` is called in a thread before the console opens, when this database is ours.
    """

    async def run() -> None:
        job, application = _job(project, store, clock, rate)
        started(job)
        await job.run(console=_console(application, opening) if console else None)

    asyncio.run(run())


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


def _console(
    application: Application, opening: Callable[[], None]
) -> Callable[[], Awaitable[None]]:
    """Return the coroutine that serves the console pages on the running loop."""
    import uvicorn

    from groundswell.console.app import create_app

    rules = application.project.settings.console
    digests = Digests(store=application.store, project=application.project, links=application.links)
    app = create_app(
        application.store,
        application.project,
        application.desk,
        application.clock,
        lambda owner, day, now: digests.compose(owner, day, now=now),
        application.links,
    )
    config = uvicorn.Config(
        app, host=rules.host, port=rules.port, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    # the main job takes the signals and stops everything in order; uvicorn would end alone
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]

    async def run() -> None:
        await asyncio.to_thread(opening)
        serving = asyncio.ensure_future(server.serve())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving

    return run
