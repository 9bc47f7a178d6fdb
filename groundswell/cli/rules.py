"""groundswell rules: try other rules on what really happened, before anybody is called by them."""

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
        help="Try other rules on the past. 规则预演。" + example("groundswell rules rehearse")
    )
    app.command(
        "rehearse",
        help="Replay the last days under the present rules, another project's, or a few changed "
        "values: alerts per day, incidents kept, missed, new, delayed. 换一套配置，过去几天会怎样。"
        + example(
            "groundswell rules rehearse --days 7",
            "groundswell rules rehearse --set levels.yellow.score=45",
        ),
    )(rehearse)
    return app


def rehearse(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=90, help="replay so many days")] = 30,
    with_: Annotated[
        str | None, typer.Option("--with", help="the folder of another project to try")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="one changed value: PATH=VALUE; may be given several times"),
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option("--thorough", help="judge all rounds anew, also where nothing came of them"),
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a rehearsal gives; 1 when the present rules do not give what happened."""
    import getpass
    from datetime import UTC, datetime, timedelta

    from groundswell.places import load_project
    from groundswell.rehearsal import rehearse as play
    from groundswell.rehearsal_lines import lines, save
    from groundswell.rehearsal_trial import with_values
    from groundswell.wiring import opened

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with opened(choices.config, choices.database) as (project, store):
        other = with_values(load_project(with_)[0] if with_ else project, values or ())
        title = "；".join([*([f"--with {with_}"] if with_ else []), *(values or ())])
        now = datetime.now(UTC)
        with progress() as bars:
            task = bars.add_task("rehearse", total=None)
            found = play(
                project,
                store,
                other,
                since=now - timedelta(days=days),
                until=now,
                thorough=thorough,
                advance=lambda done, of: bars.update(task, completed=done, total=of),
            )
        said = save(store, found, title or "现用配置 (present rules)", getpass.getuser(), now)
    show(choices, said, lines(said, project))
    if found.unlike:
        raise typer.Exit(1)
