"""groundswell incidents dismiss: a false alarm, with a reason by code and one in words."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from groundswell.cli.incident_acts import IncidentArgument
from groundswell.cli.output import ConfigOption, DatabaseOption, JsonOption, chosen, example, show


def add_to(app: typer.Typer) -> None:
    """Add the command to those of the noun."""
    app.command(
        "dismiss",
        help="A false alarm, with the reason; codes: not_ours, not_negative, duplicate, marketing, "
        "sensitivity, test, other. 误报。"
        + example(
            'groundswell incidents dismiss 舆-7F3K --reason-code not_ours --reason "同名的餐馆"'
        ),
    )(dismiss_)


def dismiss_(
    context: typer.Context,
    incident: IncidentArgument,
    reason: Annotated[str, typer.Option(help="why, in words")],
    reason_code: Annotated[str, typer.Option(help="why, by code")] = "other",
    by: Annotated[str, typer.Option(help="who acts (default: your login name)")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an alarm was a false one."""
    from alerts.command import Command
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.desk import Desk

    actor = by or getpass.getuser()
    command = Command(name="dismiss", actor=actor, text=reason, how=reason_code)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=RealClock(), links=links)
        after = desk.act(incident, command)
    line = f"{after.code} → {after.state}（{after.level.zh}）{after.title}"
    show(choices, {"incident": after}, [line])
