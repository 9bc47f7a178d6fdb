"""groundswell token: keys of programs that push mentions in, or read what was found."""

from __future__ import annotations

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

ReadOption = Annotated[
    bool, typer.Option("--read", help="a key that reads what was found, and pushes nothing")
]
EditOption = Annotated[
    bool, typer.Option("--edit", help="a key that reads, and edits clusters in people's name")
]
_SHOWN = (
    ("name", "name"),
    ("channel", "channel"),
    ("created_at", "created"),
    ("expires_at", "ends"),
    ("revoked_at", "revoked"),
    ("last_used_at", "last used"),
    ("uses", "calls"),
)


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Keys for /api/v1: pushing mentions in, or reading. 接口的密钥。"
        + example("groundswell token list"),
        no_args_is_help=True,
    )
    app.command(
        "create",
        help="Make a key and print it, once. 新建密钥，只显示这一次。"
        + example(
            "groundswell token create crm --channel internal",
            "groundswell token create dashboard --read",
            "groundswell token create crm --edit",
        ),
    )(create)
    app.command(
        "list",
        help="List the keys and when each was last used; never the keys themselves. 列出密钥。"
        + example("groundswell token list"),
    )(list_)
    app.command(
        "revoke",
        help="End a key at once. 吊销密钥。" + example("groundswell token revoke crm"),
    )(revoke)
    return app


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="who pushes: a system or a supplier")],
    channel: Annotated[
        str, typer.Option(help="public, or internal for what never counts as public spread")
    ] = "public",
    days: Annotated[int | None, typer.Option(help="ends by itself after so many days")] = None,
    read: ReadOption = False,
    edit: EditOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key."""
    from datetime import UTC, datetime, timedelta

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.doors import make_key
    from groundswell.importing_values import CHANNELS

    choices = chosen(context, config=config, database=database, as_json=as_json)
    if channel not in CHANNELS:
        raise ConfigError(f"--channel {channel!r}: expected public or internal")
    if days is not None and not 1 <= days <= 3660:  # ten years
        raise ConfigError(f"--days {days}: expected 1 to 3660")
    with wiring.opened(choices.config, choices.database) as (_, store):
        key = make_key(
            store,
            _kind(read=read, edit=edit),
            name,
            by="command line",
            now=datetime.now(UTC),
            channel=channel,
            lasts=None if days is None else timedelta(days=days),
        )
    if not choices.as_json:
        say(f"密钥 {name}（只显示这一次，请现在保存 shown once）:")
    show(choices, {"name": name.strip(), "channel": channel, "key": key}, [key])


def list_(
    context: typer.Context,
    read: ReadOption = False,
    edit: EditOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    show_keys(choices, _kind(read=read, edit=edit), _SHOWN)


def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the key's name")],
    read: ReadOption = False,
    edit: EditOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    end_key(choices, _kind(read=read, edit=edit), name, "已吊销")


def _kind(*, read: bool, edit: bool) -> str:
    from config.errors import ConfigError
    from groundswell.doors import EDIT, PUSH, READ

    if read and edit:
        raise ConfigError("--read and --edit: give one; a key that edits reads, too")
    return EDIT if edit else READ if read else PUSH
