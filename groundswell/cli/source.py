"""groundswell source: the crawler engineer's loop."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
    table,
)

if TYPE_CHECKING:
    from config.schema import Project, SourceConfig


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(help="Sources: see and try them. 信源：查看与试抓。")
    app.command(
        "list",
        help="All sources with their health. 信源与健康状态。" + example("groundswell source list"),
    )(list_)
    app.command(
        "try",
        help="Try a source without saving anything: live, or on a saved page. 试抓，不写库。\n\n"
        "Exit: 0 ok, 1 failed, 2 usage or config, 3 expectations unmet, 4 blocked, 5 network."
        + example("groundswell source try jing-tousu --page saved.html"),
    )(try_)
    return app


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List sources: health, cause, last success and next poll."""
    from groundswell import wiring

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        states = {state.source_id: state for state in queries.sources()}
    rows = []
    document = []
    for source in project.sources:
        state = states.get(source.id)  # type: ignore[call-overload]
        document.append({"id": source.id, "name": source.name, "kind": source.kind, "state": state})
        rows.append(
            (
                source.id,
                source.name,
                source.kind,
                state.health if state else "new",
                state.cause_text if state else "",
                state.items if state else 0,
                _when(state.last_ok_at if state else None),
                _when(state.next_poll_at if state else None),
            )
        )
    header = ("id", "name", "kind", "health", "cause", "mentions", "last ok", "next poll")
    show(choices, {"sources": document}, table(header, rows))


def _when(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%m-%d %H:%M") if moment else "never"


def try_(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="a source's id, or a YAML file with one source")],
    url: Annotated[str | None, typer.Option(help="another start URL")] = None,
    page: Annotated[Path | None, typer.Option(help="a saved page instead of the network")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch (or read) one page and show what each selector found."""
    from config.errors import ConfigError
    from crawlers.trial import try_source
    from groundswell import wiring

    choices = chosen(context, config=config, as_json=as_json)
    project, _ = wiring.load_project(choices.config)
    chosen_source = _source(project, source)
    body = None
    if page is not None:
        try:
            body = page.read_bytes()
        except OSError as error:
            raise ConfigError(f"reading --page {str(page)!r}: {error.strerror}") from error
    trial = try_source(chosen_source, project.settings, now=datetime.now(UTC), url=url, page=body)
    show(choices, trial, trial.lines())
    raise typer.Exit(trial.exit_code)


def _source(project: Project, name: str) -> SourceConfig:
    from config.errors import ConfigError
    from config.load import load_source

    if name.endswith((".yaml", ".yml")):
        return load_source(Path(name))
    source = project.source(name)
    if source is None:
        known = ", ".join(item.id for item in project.sources)
        raise ConfigError(f"no source {name!r}; known: {known}; or give a YAML file")
    return source
