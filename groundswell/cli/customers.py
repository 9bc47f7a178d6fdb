"""groundswell customers: lists that say which complainant is a customer of which tier."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
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
    from groundswell.customer_lists import CustomerDesk, ImportedList

By = Annotated[str, typer.Option("--by", help="who asks (default: your login name)")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Customer lists and tiers; only keyed digests are kept. 客户名单与等级。"
        + example("groundswell customers list")
    )
    app.command(
        "import",
        help="Import a list (CSV, XLSX); one of the same name is replaced. 导入客户名单。"
        + example("groundswell customers import vip.xlsx --origin '客户名单 2026-11'"),
    )(import_)
    app.command(
        "list",
        help="Lists, how many keys of each tier they hold, and the tiers. 已导入的名单。"
        + example("groundswell customers list"),
    )(list_)
    app.command(
        "forget",
        help="Delete a list; tiers that incidents took on stay. 删除一份名单。"
        + example("groundswell customers forget '客户名单 2026-11'"),
    )(forget)
    return app


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX with 等级 and 客户编号, 手机 ...")],
    origin: Annotated[
        str, typer.Option(help="what the list is called (default: the file's name)")
    ] = "",
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a customer list."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk, progress() as bars:
        task = bars.add_task("customers", total=None)
        found = desk.bring(
            file,
            by or getpass.getuser(),
            origin=origin,
            progress=lambda done, total: bars.update(task, completed=done, total=total or None),
        )
        names = {one.id: one.name for one in desk.project.customer_tiers}
    show(choices, found, _lines(found, names))


def _lines(found: ImportedList, names: dict[str, str]) -> Iterator[str]:
    of_tiers = "，".join(f"{names.get(tier, tier)} {n}" for tier, n in found.tiers.items())
    yield f"{found.origin}：{found.rows} 行，{found.customers} 位客户（{of_tiers}）"
    yield f"只保存摘要 {found.keys} 个，不保存姓名、电话和编号 (keyed digests only)"
    if found.bad_rows:
        yield f"{found.bad_rows} 行没有导入 (rows left out)："
        yield from (f"  {line}" for line in found.bad)
        if found.bad_rows > len(found.bad):
            yield f"  另有 {found.bad_rows - len(found.bad)} 行"
    yield from (f"事件等级提高 tier raised  {code}" for code in found.raised)


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was imported."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        lists, zone = desk.lists(), desk.project.settings.zone
        tiers = desk.project.customer_tiers
        default = desk.project.default_tier.id
    names = {one.id: one.name for one in tiers}
    rows = [
        (
            one["origin"],
            names.get(str(one["tier"]), one["tier"]),
            one["kind"],
            one["keys"],
            f"{one['imported_at'].astimezone(zone):%Y-%m-%d %H:%M}",  # type: ignore[attr-defined]
        )
        for one in lists
    ]
    header = ("list 名单", "tier 等级", "known by 依据", "keys 摘要", "imported 导入")
    lines = [
        f"{one.name}（{one.id}）{'，默认 default' if one.id == default else ''}"
        f"{f'，服务 service {one.service}' if one.service else ''}"
        for one in tiers
    ]
    lines += table(header, rows) if rows else ["还没有导入客户名单 no customer lists"]
    show(choices, {"tiers": [one.model_dump() for one in tiers], "lists": lists}, lines)


def forget(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="the list's name")],
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a list."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        gone = desk.forget(origin, by or getpass.getuser())
    show(choices, {"origin": origin, "keys": gone}, [f"已删除 forgotten  {origin}，{gone} 个摘要"])


@contextmanager
def _desk(config: str | None, database: str | None) -> Iterator[CustomerDesk]:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.customer_lists import CustomerDesk

    with wiring.opened(config, database) as (project, store):
        yield CustomerDesk(
            store=store,
            project=project,
            clock=RealClock(),
            pseudonym=wiring.make_pseudonym(store),
        )
