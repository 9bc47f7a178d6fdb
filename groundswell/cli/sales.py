"""groundswell sales: units sold by product and day, so that complaints have a denominator."""

from __future__ import annotations

import getpass
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


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Units sold by product and day. 销量。" + example("groundswell sales import sales.csv")
    )
    app.callback()(_noun)
    app.command(
        "import",
        help="Read a .csv or .xlsx with day, product, units (日期、产品、销量). Bad rows are named,"
        " the others count; a day that is there already is replaced; returns are negative."
        + example("groundswell sales import sales.xlsx"),
    )(import_)
    return app


def _noun() -> None:
    """Keep the verb a word of its own although there is only one."""


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="the table")],
    dry_run: Annotated[
        bool, typer.Option(help="read and say what came of it, store nothing")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="who does it (default: your login name)")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import sales; exit 1 when a row was left out."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.sales_import import import_sales

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store), progress() as bars:
        task = bars.add_task("销量 sales", total=None)

        def advance(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total or None)

        found = import_sales(
            store, project, file, RealClock().now(), by=by or getpass.getuser(),
            dry_run=dry_run, advance=advance,
        )  # fmt: skip
    told = "检查过，没有写入 (dry run)" if dry_run else "已写入 stored"
    more = found.bad - len(found.problems)
    summary = (
        f"{found.rows} 行 rows，{found.bad} 行未用 left out；"
        f"{len(found.products)} 个产品 products，{found.days} 个产品日 days，"
        f"共 {found.units:,} 台 units；{told}"
    )
    rest = [f"… 另有 {more} 行 and {more} more"] if more else []
    show(choices, found, [*found.problems, *rest, summary])
    if found.bad:
        raise typer.Exit(1)
