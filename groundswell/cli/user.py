"""groundswell user: who may log in to the console, and what each may do beyond the role."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    Choices,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
    table,
)

if TYPE_CHECKING:
    from storage.records import Account

_BY = "command line"
PasswordOption = Annotated[
    str | None,
    typer.Option("--password-env", help="variable that holds the password (default: asked)"),
]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Accounts of the console and their permissions. 控制台账号与权限。"
        + example("groundswell user list"),
        no_args_is_help=True,
    )
    app.command(
        "add",
        help="Add an account; its first login asks for a new password. 新建账号。"
        + example("groundswell user add zhouwen --role service"),
    )(add)
    app.command(
        "list",
        help="List the accounts, their roles and permissions. 列出账号。"
        + example("groundswell user list"),
    )(list_)
    app.command(
        "permit",
        help="Give a permission: customer_contact reads customers' contacts. 授予权限。"
        + example("groundswell user permit zhouwen customer_contact"),
    )(permit)
    app.command(
        "forbid",
        help="Take a permission back; it ends at once. 收回权限，立即生效。"
        + example("groundswell user forbid zhouwen customer_contact"),
    )(forbid)
    app.command(
        "password",
        help="Set a new password and end all sessions of the account. 重设密码。"
        + example("groundswell user password zhouwen"),
    )(password_)
    return app


def asked_password(variable: str | None, *, twice: bool) -> str:
    """Return a password of the environment or of the terminal, never of the arguments.

    Errors: ConfigError when the variable is not set.
    """
    from config.errors import ConfigError

    if variable is None:
        said: str = typer.prompt(
            "密码 password", hide_input=True, confirmation_prompt=twice, err=True
        )
        return said
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(f"--password-env {variable}: the variable is not set or empty")
    return value


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the login; an owner's id gives that owner's view")],
    role: Annotated[str, typer.Option(help="role, as in owners.yaml, or readonly")] = "service",
    password_env: PasswordOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an account."""
    from groundswell import wiring
    from groundswell.users import add_user

    choices = chosen(context, config=config, database=database, as_json=as_json)
    said = asked_password(password_env, twice=True)
    with wiring.opened(choices.config, choices.database) as (_, store):
        add_user(store, name, role, said, by=_BY)
    show(choices, {"name": name, "role": role}, [f"已新建账号 added: {name} ({role})"])


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the accounts."""
    from groundswell import wiring

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (_, store), store.read() as queries:
        accounts = queries.users()
    rows = [
        (one.name, one.role, one.permissions or "—", "待改密码" if one.must_change else "")
        for one in accounts
    ]
    facts = [_facts(one) for one in accounts]
    show(choices, facts, table(("name", "role", "permissions", ""), rows))


def permit(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the account's name")],
    permission: Annotated[str, typer.Argument(help="customer_contact")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a permission."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _set_permission(choices, name, permission, given=True)


def forbid(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the account's name")],
    permission: Annotated[str, typer.Argument(help="customer_contact")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a permission back."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _set_permission(choices, name, permission, given=False)


def _set_permission(choices: Choices, name: str, permission: str, *, given: bool) -> None:
    from groundswell import wiring
    from groundswell.users import set_permission

    with wiring.opened(choices.config, choices.database) as (_, store):
        account = set_permission(store, name, permission, given=given, by=_BY)
    word = "已授予 given" if given else "已收回 taken back"
    show(choices, _facts(account), [f"{word}: {name} {permission}"])


def password_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the account's name")],
    password_env: PasswordOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a new password."""
    from groundswell import wiring
    from groundswell.users import set_password

    choices = chosen(context, config=config, database=database, as_json=as_json)
    said = asked_password(password_env, twice=True)
    with wiring.opened(choices.config, choices.database) as (_, store):
        set_password(store, name, said, by=_BY)
    show(choices, {"name": name}, [f"已重设密码，旧会话全部失效 password set: {name}"])


def _facts(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role,
        "permissions": account.permissions.split(),
        "must_change": account.must_change,
    }
