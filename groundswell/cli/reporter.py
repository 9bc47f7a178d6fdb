"""groundswell reporter: links by which shops and dealers report, printed as QR codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.keys import end_key, show_keys
from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    say,
    show,
)

_SHOWN = (
    ("name", "name"),
    ("region", "region"),
    ("created_at", "created"),
    ("revoked_at", "revoked"),
    ("last_used_at", "last used"),
    ("uses", "reports"),
)


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Links for shops and dealers. 门店上报链接。" + example("groundswell reporter list"),
        no_args_is_help=True,
    )
    app.command(
        "add",
        help="Make a link for one shop and print it, once; --qr writes its QR code. 新建门店链接。"
        + example("groundswell reporter add 徐汇旗舰店 --region 上海 --qr xuhui.svg"),
    )(add)
    app.command(
        "list",
        help="List the links and when each was last used, never the links. 列出门店链接。"
        + example("groundswell reporter list"),
    )(list_)
    app.command(
        "revoke",
        help="End a link at once. 停用门店链接。"
        + example("groundswell reporter revoke 徐汇旗舰店"),
    )(revoke)
    return app


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the shop or dealer; shown on its form")],
    region: Annotated[str, typer.Option(help="province or city of its reports")] = "",
    qr: Annotated[
        Path | None, typer.Option("--qr", help="write the QR code to this .svg or .png")
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link."""
    from datetime import UTC, datetime

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.doors import REPORTER, make_key

    choices = chosen(context, config=config, database=database, as_json=as_json)
    if qr is not None and qr.suffix.lower() not in {".svg", ".png"}:
        raise ConfigError(f"--qr {str(qr)!r}: expected a name ending in .svg or .png")
    with wiring.opened(choices.config, choices.database) as (project, store):
        now = datetime.now(UTC)
        key = make_key(
            store, REPORTER, name, by="command line", now=now, region=region, channel="internal"
        )
    rules = project.settings.console
    link = f"{rules.address}/r/{key}"
    if qr is not None:
        _write_qr(link, qr)
    if not rules.base_url:
        say("settings.console.base_url 没有配置：这个地址只有本机能打开 (only this machine)")
    if not choices.as_json:
        say(f"{name} 的链接（只显示这一次 shown once）:")
    show(choices, {"name": name.strip(), "region": region, "link": link}, [link])


def _write_qr(link: str, path: Path) -> None:
    import segno

    from config.errors import ConfigError

    try:
        segno.make(link, error="m", micro=False).save(str(path), scale=8, border=3)
    except OSError as error:
        raise ConfigError(f"--qr {str(path)!r}: writing it: {error.strerror}") from error


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the links."""
    from groundswell.doors import REPORTER

    choices = chosen(context, config=config, database=database, as_json=as_json)
    show_keys(choices, REPORTER, _SHOWN)


def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the link's name")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a link."""
    from groundswell.doors import REPORTER

    choices = chosen(context, config=config, database=database, as_json=as_json)
    end_key(choices, REPORTER, name, "已停用")
