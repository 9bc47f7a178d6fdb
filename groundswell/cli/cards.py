"""groundswell cards: what was learnt from incidents that closed."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from groundswell.knowledge import Lessons
    from groundswell.knowledge_desk import KnowledgeDesk
    from storage.records import Card

By = Annotated[str, typer.Option("--by", help="who acts (default: your login name)")]
CardArgument = Annotated[str, typer.Argument(help="the card's id, e.g. k-abcdefgh2345")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Cards: cause, fix and reply of closed incidents. 知识卡片。"
        + example("groundswell cards list")
    )
    app.command(
        "list",
        help="Cards, newest first, or those that hold a word. 列出或查找卡片。"
        + example("groundswell cards list --find 漏水"),
    )(list_)
    app.command(
        "show",
        help="One card in full. 看一张卡片。" + example("groundswell cards show k-abcdefgh2345"),
    )(show_)
    app.command(
        "for",
        help="The nearest cards and approved replies for an incident. 与一个事件相近的卡片和口径。"
        + example("groundswell cards for 舆-7F3K"),
    )(for_)
    app.command(
        "edit",
        help="Put a card right. 修改卡片。"
        + example("groundswell cards edit k-abcdefgh2345 --cause '滤芯座批次问题'"),
    )(edit_)
    app.command(
        "retire",
        help="Offer a card no more. 停用卡片。"
        + example("groundswell cards retire k-abcdefgh2345"),
    )(retire_)
    return app


def list_(
    context: typer.Context,
    find: Annotated[str, typer.Option(help="only cards that hold this")] = "",
    everything: Annotated[bool, typer.Option("--all", help="retired ones, too")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cards."""
    from groundswell.cards_search import holding

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk, desk.store.read() as queries:
        found = holding(queries.cards(retired=everything), find)
        zone = desk.project.settings.zone
    rows = [
        (
            one.card_id,
            f"{one.created_at.astimezone(zone):%Y-%m-%d}",
            one.brand_id,
            one.product,
            one.title + ("（已停用 retired）" if one.retired_at else ""),
        )
        for one in found
    ]
    header = ("id", "closed", "brand", "product", "title")
    show(choices, {"cards": found}, table(header, rows) if rows else ["没有卡片 no cards"])


def show_(
    context: typer.Context,
    card: CardArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one card."""
    from config.errors import GroundswellError

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk, desk.store.read() as queries:
        found = queries.card(card)
        zone = desk.project.settings.zone
    if found is None:
        raise GroundswellError(f"no card {card!r}; see: groundswell cards list")
    show(choices, {"card": found}, lines_of(found, zone))


def for_(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="code or id")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known that may help with an incident."""
    from config.errors import GroundswellError
    from groundswell.knowledge import lessons_for

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk, desk.store.read() as queries:
        found = queries.incident(incident)
        if found is None:
            raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
        lessons = lessons_for(queries, found, desk.project, desk.clock.now())
    show(choices, {"lessons": lessons}, lesson_lines(lessons))


def edit_(
    context: typer.Context,
    card: CardArgument,
    title: Annotated[str | None, typer.Option(help="what it is about")] = None,
    cause: Annotated[str | None, typer.Option(help="what was wrong")] = None,
    fix: Annotated[str | None, typer.Option(help="what was done about it")] = None,
    reply: Annotated[str | None, typer.Option(help="the reply that worked")] = None,
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a card right."""
    given = {"title": title, "cause": cause, "fix": fix, "reply": reply}
    texts = {name: text for name, text in given.items() if text is not None}
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk:
        found = desk.edit_card(card, by or getpass.getuser(), **texts)
        zone = desk.project.settings.zone
    show(choices, {"card": found}, lines_of(found, zone))


def retire_(
    context: typer.Context,
    card: CardArgument,
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Offer a card no more."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with knowledge_desk(choices.config, choices.database) as desk:
        found = desk.retire_card(card, by or getpass.getuser())
    show(choices, {"card": found}, [f"已停用 retired  {found.card_id}  {found.title}"])


def lines_of(card: Card, zone: ZoneInfo) -> list[str]:
    """Return a card for people."""
    edited = ""
    if card.edited_at is not None:
        edited = f"；{card.edited_by} 于 {card.edited_at.astimezone(zone):%Y-%m-%d} 改过"
    closed = f"{card.created_at.astimezone(zone):%Y-%m-%d} 结案，{card.by}{edited}"
    return [
        f"{card.card_id}  {card.title}",
        f"来自 from  {card.code}（{closed}）",
        f"原因 cause  {card.cause or '没有记录'}",
        f"处理 fix  {card.fix or '没有记录'}",
        f"回应 reply  {card.reply or '没有记录'}  {card.reply_url}".rstrip(),
        *(["已停用 retired"] if card.retired_at else []),
    ]


def lesson_lines(lessons: Lessons) -> list[str]:
    """Return what may help with an incident, for people."""
    from groundswell.likeness import WHY_ZH

    lines = []
    for found in lessons.cards:
        one = found.card
        lines += [
            f"卡片 card  {one.card_id}  {one.title}（{WHY_ZH[found.why]}，{found.score:.2f}）",
            f"  处理 fix  {one.fix or one.cause or '没有记录'}",
            *([f"  回应 reply  {one.reply}"] if one.reply else []),
        ]
    for answer in lessons.replies:
        reply = answer.reply
        until = f"，有效到 {reply.until}" if reply.until else ""
        lines += [
            f"口径 approved  {reply.reply_id}  {reply.question}（{reply.approved_by} 批准{until}）",
            f"  {reply.answer}",
        ]
    return lines or ["没有相近的卡片和口径 nothing like it"]


@contextmanager
def knowledge_desk(config: str | None, database: str | None) -> Iterator[KnowledgeDesk]:
    """Give the desk of cards and replies."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.knowledge_desk import KnowledgeDesk

    with wiring.opened(config, database) as (project, store):
        yield KnowledgeDesk(store=store, project=project, clock=RealClock())
