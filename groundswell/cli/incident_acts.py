"""groundswell incidents shelve|grade …: the acts that take more than one value, but for tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from groundswell.cli import incident_tasks
from groundswell.cli.incident_work import ByOption, carry_out, who
from groundswell.cli.incident_work import IncidentArgument as IncidentArgument  # noqa: PLC0414
from groundswell.cli.incident_work import lines_of as lines_of  # noqa: PLC0414
from groundswell.cli.output import ConfigOption, DatabaseOption, JsonOption, chosen, example


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of the noun."""
    incident_tasks.add_to(app)
    app.command(
        "shelve",
        help="A known trouble: mentions join silently until a day or a number of people; red and "
        "bodily harm pass. 搁置已知问题。"
        + example("groundswell incidents shelve 舆-7F3K --until '2026-11-27 18:00' --note \"…\""),
    )(shelve_)
    app.command(
        "grade",
        help="Set the level by hand; lowering needs a reason; auto gives it back. 人工定级。"
        + example('groundswell incidents grade 舆-7F3K yellow --reason "…"'),
    )(grade_)


def shelve_(
    context: typer.Context,
    incident: IncidentArgument,
    until: Annotated[str, typer.Option(help="until when, in the project's time zone")],
    note: Annotated[str, typer.Option(help="what is known and how it will be solved")],
    authors: Annotated[
        int, typer.Option(help="so many people in all bring it back (default: twice as many)")
    ] = 0,
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a known trouble on the shelf."""
    from alerts.command import Command

    command = Command(name="shelve", actor=who(by), text=note, authors=authors)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command, until=until, option="--until")


def grade_(
    context: typer.Context,
    incident: IncidentArgument,
    level: Annotated[str, typer.Argument(help="blue, yellow, orange, red or auto")],
    reason: Annotated[str, typer.Option(help="why; needed to lower it")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the level by hand."""
    from alerts.command import Command, level_named

    command = Command(name="grade", actor=who(by), text=reason, level=level_named(level))
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)
