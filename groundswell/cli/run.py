"""groundswell run: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import ConfigOption, DatabaseOption, chosen, example, say

if TYPE_CHECKING:
    from config.schema import Project
    from storage.store import Store


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="Run the main job: collect, understand, gather, act, deliver, digest. 主任务。"
        + example("groundswell run --once --no-console")
    )(run)


def run(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    once: Annotated[bool, typer.Option("--once", help="one round, then end")] = False,
    console: Annotated[bool, typer.Option(help="serve the console pages")] = True,
    port: Annotated[int | None, typer.Option(help="console port")] = None,
) -> None:
    """Run until Ctrl-C or SIGTERM; a later start goes on where this one stopped.

    Changed project files are taken over by starting again, on systems where a process can.
    """
    import os

    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.log import set_up
    from groundswell.reloading import Watch, start_again
    from groundswell.service import serve, serve_once

    choices = chosen(context, config=config, database=database)
    set_up()
    watch = Watch(wiring.project_dir(choices.config)) if os.name == "posix" else None
    project, directory = wiring.load_project(choices.config)
    if port is not None:
        settings = project.settings.model_copy(
            update={"console": project.settings.console.model_copy(update={"port": port})}
        )
        project = project.model_copy(update={"settings": settings})
    url = wiring.database_url(project, directory, choices.database)
    store = wiring.open_store(url)
    is_changed = False
    try:
        if once:
            serve_once(project, store, RealClock())
        else:
            is_changed = serve(
                project,
                store,
                RealClock(),
                console=console,
                opening=lambda: _welcome(project, store),
                watching=watch,
                directory=directory,
            )
    finally:
        store.close()
    if is_changed:
        start_again()


def _welcome(project: Project, store: Store) -> None:
    """Say where the console is, and its first password until somebody has set their own."""
    from groundswell.clock import RealClock
    from groundswell.console.accounts import FIRST_USER, ensure_first_user

    rules = project.settings.console
    say(f"控制台 console {rules.address}")
    password = ensure_first_user(store, RealClock().now())
    if password:
        say(f"登录 login    {FIRST_USER} / {password}   （只显示这一次 shown once）")
