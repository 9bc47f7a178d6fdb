"""groundswell import: mentions from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    progress,
    show,
    table,
)

if TYPE_CHECKING:
    from groundswell.columns import Proposal


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        "import",
        help="Import mentions: .jsonl, .csv, .xlsx, .parquet. 导入；重复导入不产生变化。\n\n"
        "Columns are told by their names and values (--propose); a saved mapping is found again by "
        "the headers. Broken rows go to FILE.rejected.jsonl with the reason."
        + example(
            "groundswell import mentions.xlsx --propose",
            "groundswell import mentions.csv --history --map published_at=time",
        ),
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
    tz: Annotated[
        str | None, typer.Option(help="zone of times that carry none (default: Asia/Shanghai)")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="name for rows without a source (default: the file's name)")
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(help="internal: hotline, service desk, shops; never counts as public spread"),
    ] = None,
    sheet: Annotated[str, typer.Option(help="name or number of the sheet")] = "",
    mapping: Annotated[
        str, typer.Option("--mapping", help="a saved mapping or a layout such as 客服工单")
    ] = "",
    save_mapping: Annotated[
        str, typer.Option("--save-mapping", help="save how the columns are read under this name")
    ] = "",
    propose: Annotated[
        bool, typer.Option("--propose", help="only show how the columns would be read")
    ] = False,
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
        source=source,
        channel=channel,
        sheet=sheet,
        mapping=mapping,
        save_as=save_mapping,
    )
    if propose:
        proposal = intake.look(request, choices.config, choices.database)
        show(choices, proposal, _table_of(proposal))
        return
    with progress() as bars:
        if replay:
            report = intake.replay(request, choices.config, bars, choices.database)
        else:
            report = intake.take_in(request, choices.config, choices.database, bars)
    show(choices, report, report.lines())


def _table_of(proposal: Proposal) -> Iterator[str]:
    """Word how a table is read."""
    sheet = f"工作表 {proposal.sheet}，" if len(proposal.sheets) > 1 else ""
    known = f"；像“{proposal.known_as}”" if proposal.known_as else ""
    inside = "；内部渠道 internal" if proposal.channel == "internal" else ""
    yield f"{sheet}表头在第 {proposal.header_at + 1} 行{known}{inside}"
    yield from table(("列 column", "当作 as", "依据 why", "例 example"), proposal.lines())
    if not proposal.readable:
        yield "没有一列像正文：用 --map text=列名 指定 (no column holds the text)"


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
