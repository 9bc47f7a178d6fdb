"""groundswell db: the database."""

from __future__ import annotations

from typing import Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    progress,
    show,
)


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Look after the database. 数据库维护。" + example("groundswell db upgrade")
    )
    app.command(
        "upgrade",
        help="Make or upgrade the tables; does nothing when they are current. 建表或升级。"
        + example("groundswell db upgrade"),
    )(upgrade)
    app.command(
        "check",
        help="Recount what is counted of clusters, fold the logs of incidents, and say what is "
        "wrong; --repair puts it right. Exit code 1 while something is wrong. "
        "核对聚类的计数、重定向与流水，以及事件与流水是否相符，可修复。"
        + example("groundswell db check", "groundswell db check --repair"),
    )(check)
    return app


def upgrade(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upgrade to the schema that this program knows."""
    from groundswell.places import database_there, database_url, load_project
    from storage import migrate

    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = load_project(choices.config)
    there = database_there(project, directory, choices.database)
    url = database_url(project, directory, choices.database)
    before = migrate.current(there) if there else None
    migrate.upgrade(url)
    after = migrate.current(url)
    document = {"before": before, "after": after}
    line = f"already at {after}" if before == after else f"upgraded {before or 'empty'} → {after}"
    show(choices, document, [line])


def check(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="rebuild what is counted; stop the main job first")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look over what is stored of clusters and incidents."""
    from groundswell.checking import look_over

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with progress() as bars:
        task = bars.add_task("核对 checking", total=None)
        found = look_over(
            choices.config,
            choices.database,
            repair=repair,
            advance=lambda done, total: bars.update(task, completed=done, total=total),
        )
    show(choices, found, found.lines())
    raise typer.Exit(1 if found.left else 0)
