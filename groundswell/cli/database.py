"""groundswell db: the database."""

from __future__ import annotations

import typer

from groundswell.cli.output import ConfigOption, DatabaseOption, JsonOption, chosen, example, show


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Look after the database. 数据库维护。" + example("groundswell db upgrade")
    )
    app.callback()(_noun)
    app.command(
        "upgrade",
        help="Make or upgrade the tables; does nothing when they are current. 建表或升级。"
        + example("groundswell db upgrade"),
    )(upgrade)
    return app


def _noun() -> None:
    """Keep `db` a group although it holds one command so far."""


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
