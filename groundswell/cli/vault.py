"""groundswell vault: customers' contacts, kept sealed; every reading is written down."""

from __future__ import annotations

from typing import Annotated

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

_BY = "command line"
MentionArgument = Annotated[
    int, typer.Argument(min=1, max=2**63 - 1, help="the number of a mention")
]
ReasonOption = Annotated[str, typer.Option(help="why; it stands in the log")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Contacts of customers, sealed. 客户联系方式保险库。"
        + example("groundswell vault log"),
        no_args_is_help=True,
    )
    app.command(
        "show",
        help="Show the contact of a mention, as an account with the permission. 查看联系方式。"
        + example('groundswell vault show 1024 --user zhouwen --reason "回访：安排取机"'),
    )(show_)
    app.command(
        "log",
        help="List who read what and why, the newest first. 查看记录。"
        + example("groundswell vault log --limit 20"),
    )(log)
    app.command(
        "forget",
        help="Delete the contact of a mention for good, e.g. at the customer's request. 删除。"
        + example('groundswell vault forget 1024 --reason "客户要求删除"'),
    )(forget)
    app.command(
        "purge",
        help="Delete what was kept long enough (the running job does so too). 清除到期的。"
        + example("groundswell vault purge"),
    )(purge)
    app.command(
        "rekey",
        help="Seal with the key of project.yaml what an older key sealed. 更换密钥。"
        + example("groundswell vault rekey --old env:GROUNDSWELL_VAULT_OLD"),
    )(rekey)
    return app


def show_(
    context: typer.Context,
    mention: MentionArgument,
    user: Annotated[str, typer.Option(help="your account; its password is asked")],
    reason: ReasonOption,
    password_env: Annotated[
        str | None,
        typer.Option("--password-env", help="variable that holds the password (default: asked)"),
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a contact."""
    from datetime import UTC, datetime

    from groundswell import wiring
    from groundswell.cli.user import asked_password
    from groundswell.console.accounts import Accounts
    from groundswell.vault import KINDS, Vault, checked_reason, read
    from storage.records import MentionId

    choices = chosen(context, config=config, database=database, as_json=as_json)
    checked_reason(reason)
    said = asked_password(password_env, twice=False)
    now = datetime.now(UTC)
    with wiring.opened(choices.config, choices.database) as (project, store):
        Accounts(store).check(user, said)
        vault = Vault.of(project.settings.vault)
        found = read(store, vault, MentionId(mention), actor=user, reason=reason, now=now, at=now)
    facts = {one.kind: one.value for one in found}
    lines = [f"{KINDS.get(one.kind, one.kind)} {one.kind}: {one.value}" for one in found]
    show(choices, {"mention": mention, "contact": facts}, lines)


def log(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="most lines")] = 100,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the readings."""
    from groundswell import wiring

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (_, store), store.read() as queries:
        lines = queries.contact_log(limit)
    names = ("at", "actor", "action", "target", "detail")
    facts = [{name: line[name] for name in names} for line in lines]
    rows = [(f"{line['at']:%Y-%m-%d %H:%M}", *(line[name] for name in names[1:])) for line in lines]
    show(choices, facts, table(("at (UTC)", "who", "what", "mention", "why"), rows))


def forget(
    context: typer.Context,
    mention: MentionArgument,
    reason: ReasonOption,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete the contact of a mention."""
    from datetime import UTC, datetime

    from groundswell import vault, wiring
    from storage.records import MentionId

    choices = chosen(context, config=config, database=database, as_json=as_json)
    now = datetime.now(UTC)
    with wiring.opened(choices.config, choices.database) as (_, store):
        gone = vault.forget(store, MentionId(mention), actor=_BY, reason=reason, now=now)
    show(choices, {"mention": mention, "deleted": gone}, [f"已删除 deleted: {gone}"])


def purge(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what was kept long enough."""
    from datetime import UTC, datetime

    from groundswell import vault, wiring

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        gone = vault.purge(store, project.settings.vault, datetime.now(UTC))
    show(choices, {"deleted": gone}, [f"已清除到期的 {gone} 项 deleted"])


def rekey(
    context: typer.Context,
    old: Annotated[str, typer.Option(help="the key before: env:NAME or file:/path")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Seal old entries with the key of project.yaml."""
    from datetime import UTC, datetime

    from config.errors import ConfigError
    from config.values import SecretRef
    from groundswell import vault, wiring

    choices = chosen(context, config=config, database=database, as_json=as_json)
    try:
        before = SecretRef.parse(old)
    except ValueError as error:
        raise ConfigError(f"--old: {error}") from error
    with wiring.opened(choices.config, choices.database) as (project, store):
        if project.settings.vault.key is None:
            raise ConfigError(f"vault rekey: {vault.CLOSED}")
        done, left = vault.rekey(
            store,
            vault.Key.of(before),
            vault.Key.of(project.settings.vault.key),
            actor=_BY,
            now=datetime.now(UTC),
        )
    lines = [f"{done} 项已换用新密钥 sealed anew"]
    if left:
        lines.append(f"{left} 项两把密钥都打不开，没有动 opened by neither key, untouched")
    show(choices, {"rekeyed": done, "left": left}, lines)
