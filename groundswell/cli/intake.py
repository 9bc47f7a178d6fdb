"""groundswell import: mentions from a file."""

from __future__ import annotations

from pathlib import Path
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


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        "import",
        help="Import mentions: .jsonl, .csv, .xlsx, .parquet. 导入；重复导入不产生变化。\n\n"
        "Broken rows go to FILE.rejected.jsonl with the reason; good rows are kept."
        + example("groundswell import mentions.csv --history --map published_at=time"),
    )(import_)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="the file; one mention a row, text required")],
    history: Annotated[
        bool, typer.Option("--history", help="feed baselines and clusters; page nobody")
    ] = False,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="run the file through in its own time, in a scratch database; print what would "
            "have been sent",
        ),
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="our name = the file's column, e.g. published_at=time"),
    ] = None,
    tz: Annotated[str, typer.Option(help="zone of times that carry none")] = "Asia/Shanghai",
    source: Annotated[
        str | None, typer.Option(help="name for rows without a source (default: the file's name)")
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a file in, and carry it through unless a running main job will."""
    from config.errors import ConfigError
    from groundswell import intake

    choices = chosen(context, config=config, database=database, as_json=as_json)
    if history and replay:
        raise ConfigError("--history pages nobody, --replay shows who would be: choose one")
    request = intake.Request(
        path=file,
        history=history,
        columns=_mapping(columns or []),
        tz=tz,
        source=source or file.stem,
    )
    with progress() as bars:
        if replay:
            report = intake.replay(request, choices.config, bars)
        else:
            report = intake.take_in(request, choices.config, choices.database, bars)
    show(choices, report, report.lines())


def _mapping(pairs: list[str]) -> dict[str, str]:
    """Turn `ours=theirs` pairs into {theirs: ours}."""
    from config.errors import ConfigError

    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise ConfigError(f"--map {pair!r}: expected OUR_NAME=COLUMN, e.g. published_at=time")
        mapping[theirs] = ours
    return mapping
