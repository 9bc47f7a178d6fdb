"""groundswell calendar: what makes people talk and is known beforehand."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    say,
    show,
    table,
)

if TYPE_CHECKING:
    from groundswell.calendar_desk import CalendarDesk
    from storage.records import CalendarEvent

By = Annotated[str, typer.Option("--by", help="who asks (default: your login name)")]
Since = Annotated[str, typer.Option("--since", help="first day (default: today)")]
Until = Annotated[str, typer.Option("--until", help="last day (default: a year later)")]
OfBrand = Annotated[str, typer.Option("--brand", help="brand id; events of all brands stay in")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Events that explain what is seen; they never change a grade. 事件日历。"
        + example("groundswell calendar list")
    )
    app.command(
        "list",
        help="Events of the coming year, built in, configured and added. 列出事件。"
        + example("groundswell calendar list --since 2026-11-01 --until 2026-11-30"),
    )(list_)
    app.command(
        "add",
        help="Add an event. 添加事件。"
        + example("groundswell calendar add 秋季新品发布 --starts 2026-10-15 --kind 发布"),
    )(add)
    app.command(
        "import",
        help="Import CSV, XLSX or ICS; known events stay one. 导入日历文件。"
        + example("groundswell calendar import market.ics"),
    )(import_)
    app.command(
        "remove",
        help="Remove an event that was added. 删除事件。"
        + example("groundswell calendar remove e-abcdefgh"),
    )(remove)
    app.command(
        "export",
        help="Print what was configured or added as CSV or ICS. 导出日历。"
        + example("groundswell calendar export --as ics > calendar.ics"),
    )(export)
    return app


def list_(
    context: typer.Context,
    since: Since = "",
    until: Until = "",
    brand: OfBrand = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List events."""
    from config.workdays import unknown_year

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        events = desk.listed(_day(since, "--since"), _day(until, "--until"), brand)
        warning = unknown_year(desk.project.settings.calendar, desk.today())
        names = {one.id: one.name for one in desk.project.brands}
    lines = list(table(_HEADER, [_row(one, names) for one in events])) if events else []
    lines = lines or ["没有事件 no events"]
    if warning:
        lines.append(f"warning: {warning}")
    show(choices, {"events": events, "warnings": [warning] if warning else []}, lines)


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="what it is called")],
    starts: Annotated[str, typer.Option(help="the first day, such as 2026-12-12")],
    ends: Annotated[str, typer.Option(help="the last day (default: the first)")] = "",
    kind: Annotated[str, typer.Option(help="促销 发布 涨价 代言 购物节 晚会 其他")] = "其他",
    brand: Annotated[str, typer.Option(help="brand id or name (default: all brands)")] = "",
    note: Annotated[str, typer.Option(help="a line about it")] = "",
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an event."""
    from config.errors import ConfigError
    from groundswell.calendar_desk import EventWish

    choices = chosen(context, config=config, database=database, as_json=as_json)
    first = _day(starts, "--starts")
    if first is None:
        raise ConfigError("--starts: expected a day such as 2026-12-12")
    wish = EventWish(
        name=name, starts=first, ends=_day(ends, "--ends"), kind=kind, brand=brand, note=note
    )
    with _desk(choices.config, choices.database) as desk:
        event = desk.add(wish, by or getpass.getuser())
        names = {one.id: one.name for one in desk.project.brands}
    show(choices, event, table(_HEADER, [_row(event, names)]))


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, XLSX (name,kind,starts,ends,brand,note), ICS")],
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a calendar."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        found = desk.bring(file, by or getpass.getuser())
    lines = [f"{found.rows} 个事件：新增 new {found.new}，已有 known {found.known}"]
    if found.bad_rows:
        lines.append(f"{found.bad_rows} 个没有导入 (left out)：")
        lines += [f"  {line}" for line in found.bad]
    show(choices, found, lines)


def remove(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="the event's id, see calendar list")],
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove an event."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        desk.remove(event, by or getpass.getuser())
    show(choices, {"removed": event}, [f"已删除 removed  {event}"])


def export(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--as", help="csv or ics")] = "csv",
    since: Since = "",
    until: Until = "",
    brand: OfBrand = "",
    everything: Annotated[bool, typer.Option("--all", help="the built-in events, too")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="a file (default: print)")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Export events."""
    from alerts.events import BUILT_IN
    from config.errors import ConfigError
    from groundswell.calendar_files import to_csv, to_ics

    choices = chosen(context, config=config, database=database)
    writers = {"csv": to_csv, "ics": to_ics}
    if kind not in writers:
        raise ConfigError(f"--as {kind!r}: expected csv or ics")
    with _desk(choices.config, choices.database) as desk:
        found = desk.listed(_day(since, "--since"), _day(until, "--until"), brand)
    text = writers[kind](one for one in found if everything or one.added_by != BUILT_IN)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
    say(f"日历已写入 wrote {out}")


_HEADER = ("id", "name 名称", "kind", "from", "until", "brand", "by", "note")


def _row(event: CalendarEvent, names: dict[str, str]) -> tuple[str, ...]:
    return (
        event.event_id,
        event.name,
        event.kind,
        str(event.starts),
        str(event.ends),
        names.get(event.brand_id, event.brand_id) or "全部 all",
        event.added_by,
        event.note,
    )


def _day(text: str, option: str) -> date | None:
    from config.errors import ConfigError

    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(f"{option} {text[:40]!r}: expected a day such as 2026-12-12") from error


@contextmanager
def _desk(config: str | None, database: str | None) -> Iterator[CalendarDesk]:
    from groundswell import wiring
    from groundswell.calendar_desk import CalendarDesk
    from groundswell.clock import RealClock

    with wiring.opened(config, database) as (project, store):
        yield CalendarDesk(store=store, project=project, clock=RealClock())
