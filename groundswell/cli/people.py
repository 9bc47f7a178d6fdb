"""groundswell people: who can be reached how, whether it is proved, and what people answered."""

from __future__ import annotations

import getpass
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


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="People and their channels. 找得到谁，怎么确认。" + example("groundswell people list")
    )
    app.command(
        "list",
        help="Each person: what sends, what wakes, how to answer. 每个人的通道和回复办法。"
        + example("groundswell people list", "groundswell people list --json"),
    )(list_)
    app.command(
        "verify",
        help="Send a code by a channel, and take it back: proof that it works. 验证某人的通道。"
        + example(
            "groundswell people verify linxiao sms",
            "groundswell people verify linxiao sms --code 123456",
        ),
    )(verify)
    app.command(
        "replies",
        help="What people answered and what became of it. 收到的回复和处理结果。"
        + example("groundswell people replies", "groundswell people replies --limit 10 --json"),
    )(replies)
    return app


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a line per person, and one per function."""
    from datetime import UTC, datetime

    from alerts.functions import filled, filled_lines
    from groundswell.inbound.ways import line_of, link_trouble, ways_by_owner
    from groundswell.wiring import opened

    choices = chosen(context, config, database, as_json)
    with opened(choices.config, choices.database) as (project, store), store.read() as queries:
        now = datetime.now(UTC)
        found = ways_by_owner(project, queries, now)
    link = link_trouble(project)
    lines = [f"消息里的链接：{link}"] if link else []
    lines += [
        f"{owner.name}（{owner.id}）：{line_of(found[owner.id], owner, link)}"
        for owner in project.owners
    ]
    functions = filled(project, now)
    if functions:
        lines += ["部门 functions：", *filled_lines(project, now)]
    show(choices, {"link_trouble": link, "people": found, "functions": functions}, lines)


def verify(
    context: typer.Context,
    owner: Annotated[str, typer.Argument(help="owner id")],
    channel: Annotated[str, typer.Argument(help="channel id")],
    code: Annotated[str, typer.Option("--code", help="the six digits that arrived")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a message with a code into the outbox, or take the code; 1 when it is not the one."""
    from groundswell.clock import RealClock
    from groundswell.verifying import Verifying
    from groundswell.wiring import opened

    choices = chosen(context, config, database, as_json)
    with opened(choices.config, choices.database) as (project, store):
        verifying = Verifying(store=store, project=project, clock=RealClock())
        if not code:
            intent = verifying.ask(owner, channel, getpass.getuser())
            lines = [
                f"验证码排进发件箱了（{intent.intent_id}），由主任务发出 (the main job sends it)",
                f"本人回复六位数字，或者：groundswell people verify {owner} {channel} --code ……",
            ]
            show(choices, {"message": intent.intent_id, "verified": None}, lines)
            return
        proved = verifying.confirm(owner, channel, code.strip(), "cli")
    if proved is None:
        text = "验证码不对、已过一小时，或者号码改过 (not the code, too late, or a changed number)"
        show(choices, {"verified": None, "problem": text}, [text])
        raise typer.Exit(1)
    line = f"{owner} 的 {channel} 已验证 (verified)"
    show(choices, {"verified": proved.verified_at}, [line])


def replies(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="at most so many")] = 50,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what came in, the newest first."""
    from groundswell.wiring import opened

    choices = chosen(context, config, database, as_json)
    with opened(choices.config, choices.database) as (project, store), store.read() as queries:
        found = queries.replies(limit)
    zone = project.settings.zone
    rows = [
        (
            f"{one.at.astimezone(zone):%m-%d %H:%M}",
            one.channel_id,
            one.owner_id or one.sender,
            one.outcome,
            one.text[:40],
        )
        for one in found
    ]
    header = ("at 时间", "channel 通道", "from 谁", "outcome 结果", "text 内容")
    show(choices, {"replies": found}, table(header, rows) if rows else ["还没有回复 (none yet)"])
