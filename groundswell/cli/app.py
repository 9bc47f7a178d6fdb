"""The tree of commands, put together from one module per noun."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import typer

from groundswell.cli import (
    brand,
    calendar,
    cards,
    cluster,
    cluster_tune,
    coverage,
    customers,
    database,
    demo,
    digest,
    duty,
    evaluate,
    explain,
    facts,
    incidents,
    intake,
    label,
    launch,
    ledger,
    messages,
    model,
    outbox,
    people,
    project,
    replies,
    reporter,
    routes,
    rules,
    run,
    sales,
    sentiment,
    silence,
    source,
    token,
    topics,
    trial,
    user,
    vault,
    watchdog,
)
from groundswell.cli.output import Choices, example

HELP = """听潮 Groundswell: hear complaints while they gather, and keep at it until they are solved.

自托管的品牌舆情监测：采集、识别品牌、判断负面、聚类、分级、派单、催办，直到客户一侧确认解决。
"""


@cache
def build() -> typer.Typer:
    """Return the command line as one application."""
    app = typer.Typer(
        help=HELP + example("groundswell demo"),
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for module in (
        project,
        run,
        watchdog,
        demo,
        intake,
        explain,
        digest,
        coverage,
        sentiment,
        facts,
        topics,
        ledger,
    ):
        module.register(app)
    app.add_typer(brand.commands(), name="brand")
    clusters = cluster_tune.commands()
    cluster.register(clusters)
    topics.register_proposing(clusters)
    app.add_typer(clusters, name="cluster")
    app.add_typer(source.commands(), name="source")
    app.add_typer(token.commands(), name="token")
    app.add_typer(reporter.commands(), name="reporter")
    app.add_typer(incidents.commands(), name="incidents")
    app.add_typer(silence.commands(), name="silence")
    app.add_typer(cards.commands(), name="cards")
    app.add_typer(replies.commands(), name="replies")
    app.add_typer(routes.commands(), name="routes")
    app.add_typer(rules.commands(), name="rules")
    app.add_typer(duty.commands(), name="duty")
    app.add_typer(people.commands(), name="people")
    app.add_typer(messages.commands(), name="messages")
    app.add_typer(trial.commands(), name="trial")
    app.add_typer(outbox.commands(), name="outbox")
    app.add_typer(label.commands(), name="label")
    app.add_typer(launch.commands(), name="launch")
    app.add_typer(sales.commands(), name="sales")
    app.add_typer(model.commands(), name="model")
    app.add_typer(evaluate.commands(), name="eval")
    app.add_typer(user.commands(), name="user")
    app.add_typer(vault.commands(), name="vault")
    app.add_typer(customers.commands(), name="customers")
    app.add_typer(calendar.commands(), name="calendar")
    app.add_typer(database.commands(), name="db")
    return app


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("groundswell"))
        raise typer.Exit


def _root(
    context: typer.Context,
    config: Annotated[
        str | None, typer.Option("--config", help="project folder", envvar="GROUNDSWELL_CONFIG")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", help="database URL", envvar="GROUNDSWELL_DATABASE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="print the version", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Take the options that every command shares; they may also follow the command's name."""
    del version  # its callback has answered
    context.obj = Choices(config=config, database=database, as_json=as_json)
