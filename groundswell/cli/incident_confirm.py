"""groundswell incidents confirm: close an incident, and say on whose word."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from groundswell.cli.incident_acts import IncidentArgument
from groundswell.cli.output import ConfigOption, DatabaseOption, JsonOption, chosen, example, show


def add_to(app: typer.Typer) -> None:
    """Add the command to those of the noun."""
    app.command(
        "confirm",
        help="Close it on the customer's word: customer 投诉人确认, share 按比例确认, survey "
        "回访调查确认, clarification 澄清后平息. 确认，结案。"
        + example(
            'groundswell incidents confirm 舆-7F3K --evidence "12 位回访均认可"',
            'groundswell incidents confirm 舆-7F3K --how share --evidence "逐户回访，台账 0311"',
            "groundswell incidents confirm 舆-7F3K --how survey --asked 60 --answered 41 "
            '--agreed 37 --evidence "短信回访"',
        ),
    )(confirm_)
    app.command(
        "closings",
        help="On whose word incidents were closed: four figures, never summed. 结案依据统计。"
        + example("groundswell incidents closings --days 30"),
    )(closings_)


def confirm_(
    context: typer.Context,
    incident: IncidentArgument,
    evidence: Annotated[str, typer.Option(help="what the customer's side said, and where")],
    how: Annotated[str, typer.Option(help="customer, share, survey or clarification")] = "",
    who: Annotated[
        list[str] | None, typer.Option(help="a complainant who confirms, by id or ticket")
    ] = None,
    asked: Annotated[int | None, typer.Option(help="survey: how many were asked", min=0)] = None,
    answered: Annotated[int | None, typer.Option(help="survey: how many answered", min=0)] = None,
    agreed: Annotated[int | None, typer.Option(help="survey: how many agreed", min=0)] = None,
    url: Annotated[str, typer.Option(help="clarification: where it was published")] = "",
    by: Annotated[str, typer.Option(help="who acts (default: your login name)")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close an incident on the word that is named."""
    from alerts.command import Command
    from alerts.confirming import kind_of
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.desk import Desk

    said = {"asked": asked, "answered": answered, "agreed": agreed}
    command = Command(
        name="confirm",
        actor=by or getpass.getuser(),
        text=evidence,
        how=how,
        who=tuple(who or ()),
        url=url,
        counts={name: n for name, n in said.items() if n is not None},
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=RealClock(), links=links)
        after = desk.act(incident, command)
    kind = kind_of(after)
    line = f"{after.code} → {after.state}（{kind.zh if kind else after.level.zh}）{after.title}"
    show(choices, {"incident": after}, [line])


def closings_(
    context: typer.Context,
    days: Annotated[int, typer.Option(help="so many days back from now", min=1, max=3650)] = 30,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count closed incidents by the word they rest on."""
    from datetime import UTC, datetime, timedelta

    from groundswell import wiring
    from groundswell.closings import closings
    from groundswell.complainants import speed_words

    choices = chosen(context, config=config, database=database, as_json=as_json)
    until = datetime.now(UTC)
    opened = wiring.opened(choices.config, choices.database)
    with opened as (_, store), store.read() as queries:
        found = closings(queries, until - timedelta(days=days), until)
    lines = [f"{kind.zh} {kind.value}  {n} 起" for kind, n in found.by_kind.items()]
    show(choices, found, [*lines, speed_words(found.first_answers)])
