"""groundswell replies: answers that may be given as they stand (口径库, FAQ)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.cards import By, knowledge_desk
from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
    table,
)

if TYPE_CHECKING:
    from datetime import date

    from storage.records import ApprovedReply


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Approved replies: who approved them, and until when. 口径库。"
        + example("groundswell replies list")
    )
    app.command(
        "list",
        help="Approved replies; expired ones are marked. 列出口径。"
        + example("groundswell replies list --find 漏水"),
    )(list_)
    app.command(
        "add",
        help="Approve a reply. 添加一条口径。"
        + example(
            "groundswell replies add --brand lanhe --question '壶底漏水怎么办' "
            "--answer '请停用，免费换新' --approved-by 周岚"
        ),
    )(add_)
    app.command(
        "import",
        help="Approve the replies of a table (.csv, .xlsx) with 问题, 答复, 批准人; also 品牌, "
        "产品, 有效期. 从表格导入口径。" + example("groundswell replies import koujing.xlsx"),
    )(import_)
    app.command(
        "retire",
        help="Offer a reply no more. 停用一条口径。"
        + example("groundswell replies retire r-abcdefgh23"),
    )(retire_)
    return app


def list_(
    context: typer.Context,
    find: Annotated[str, typer.Option(help="only replies that hold this")] = "",
    everything: Annotated[bool, typer.Option("--all", help="retired ones, too")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List approved replies."""
    from groundswell.cards_search import replies_holding

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk, desk.store.read() as queries:
        found = replies_holding(queries.approved_replies(retired=everything), find)
        today = desk.clock.now().astimezone(desk.project.settings.zone).date()
    rows = [_row(one, today) for one in found]
    header = ("id", "brand", "product", "until", "approved by", "question")
    show(choices, {"replies": found}, table(header, rows) if rows else ["没有口径 no replies"])


def add_(
    context: typer.Context,
    question: Annotated[str, typer.Option(help="when it fits")],
    answer: Annotated[str, typer.Option(help="what may be answered")],
    approved_by: Annotated[str, typer.Option(help="who approved it")],
    brand: Annotated[str, typer.Option(help="brand id (default: every brand)")] = "",
    product: Annotated[str, typer.Option(help="product id")] = "",
    until: Annotated[str, typer.Option(help="the last day on which it may be given")] = "",
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a reply."""
    from config.errors import ConfigError

    given = {
        "question": question,
        "answer": answer,
        "approved_by": approved_by,
        "brand": brand,
        "product": product,
        "until": until,
    }
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk:
        try:
            reply = desk.reply(given, origin="hand")
        except ValueError as error:
            raise ConfigError(f"adding a reply: {error}") from error
        desk.add_replies([reply], by or getpass.getuser())
    show(choices, {"reply": reply}, [f"已添加 added  {reply.reply_id}  {reply.question}"])


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="a table, .csv or .xlsx")],
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve the replies of a file: all of it, or nothing where a row is wrong."""
    from config.errors import ConfigError

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk:
        read = desk.read(file)
        if read.problems:
            raise ConfigError(
                f"importing {str(file)!r}: nothing was imported\n" + "\n".join(read.problems)
            )
        new = desk.add_replies(read.replies, by or getpass.getuser())
    known = len(read.replies) - new
    lines = [f"已导入 imported  {new} 条，{known} 条已经在库里 known"]
    show(choices, {"new": new, "known": known}, lines)


def retire_(
    context: typer.Context,
    reply: Annotated[str, typer.Argument(help="the reply's id")],
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Offer a reply no more."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk:
        found = desk.retire_reply(reply, by or getpass.getuser())
    show(choices, {"reply": found}, [f"已停用 retired  {found.reply_id}  {found.question}"])


def _row(reply: ApprovedReply, today: date) -> tuple[str, ...]:
    until = reply.until.isoformat() if reply.until else "-"
    if reply.retired_at is not None:
        until += "（已停用 retired）"
    elif reply.until is not None and reply.until < today:
        until += "（已过期 expired）"
    return (
        reply.reply_id,
        reply.brand_id or "*",
        reply.product,
        until,
        reply.approved_by,
        reply.question,
    )
