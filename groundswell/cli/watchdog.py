"""groundswell watchdog: speaks when the main job is dead, stuck, or cannot deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import ConfigOption, DatabaseOption, JsonOption, chosen, example, show

if TYPE_CHECKING:
    from groundswell.watchdog import Watchdog


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="Look after the main job from outside, by settings.heartbeat. 主任务停了有人知道。"
        + example("groundswell watchdog --once", "groundswell watchdog --every 60")
    )(watchdog)


def watchdog(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="one look, for cron; 1 when ill")] = False,
    every: Annotated[float, typer.Option(min=1, help="seconds between two looks")] = 60.0,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look once, or until stopped; says each change once, and once a day while it lasts."""
    import asyncio

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.log import set_up
    from groundswell.watchdog import Watchdog, state_file
    from storage.store import Store

    choices = chosen(context, config, database, as_json)
    set_up()
    project, directory = wiring.load_project(choices.config)
    if not project.settings.heartbeat.to:
        raise ConfigError(
            "watchdog: nobody is named to be told; write settings.heartbeat.to (owner ids) and "
            "settings.heartbeat.channel (a channel that no route uses)"
        )
    url = wiring.database_url(project, directory, choices.database)
    stores: list[Store] = []

    def opened() -> Store:
        if not stores:
            stores.append(Store(url))
        return stores[0]

    dog = Watchdog(project, opened, state_file(url), inside=False)
    try:
        if not once:
            asyncio.run(_watch(dog, every))
            return
        troubles = asyncio.run(dog.tick(RealClock().now()))
    finally:
        for store in stores:
            store.close()
    lines = [trouble.text for trouble in troubles] or ["一切正常。"]
    show(choices, {"troubles": troubles}, lines)
    if troubles:
        raise typer.Exit(1)


async def _watch(dog: Watchdog, every_s: float) -> None:
    """Look again and again, until the process is told to end."""
    import asyncio
    import contextlib
    import signal

    from groundswell.clock import RealClock

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    while not stopping.is_set():
        await dog.tick(RealClock().now())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every_s)
