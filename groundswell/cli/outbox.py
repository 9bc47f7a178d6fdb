"""groundswell outbox: what waits to be sent, what is stuck or dead, and tests of a channel."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    Choices,
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
    from collections.abc import Sequence

    from groundswell.outbox_desk import OutboxDesk, OutboxItem
    from storage.records import Intent

_VIEWS = ("waiting", "stuck", "dead", "sent", "cancelled", "all")
_LOOK_S = 0.5


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Messages on their way. 发件箱：待发、积压、死信。"
        + example("groundswell outbox list")
    )
    app.command(
        "list",
        help="What waits, is stuck (past its deadline) or dead (no heir). 待发、积压、死信。"
        + example("groundswell outbox list", "groundswell outbox list dead"),
    )(list_)
    app.command(
        "show",
        help="One message: text, every attempt, what it stands for. 单条消息和每次投递。"
        + example("groundswell outbox show ABCDEF"),
    )(show_)
    app.command(
        "retry",
        help="Send one that waits or is dead now; again changes nothing. 立即重发。"
        + example("groundswell outbox retry ABCDEF"),
    )(retry)
    app.command(
        "drop",
        help="Give one up, with the reason. 放弃一条消息，须写明原因。"
        + example("groundswell outbox drop ABCDEF --reason '已电话告知'"),
    )(drop)
    app.command(
        "correct",
        help="Tell the same readers that a sent message was wrong. 更正一条已发出的消息。"
        + example("groundswell outbox correct ABCDEF --text '这批并未停产' --act"),
    )(correct_)
    app.command(
        "test",
        help="A real message to a person, on one channel or on all of his. 给某人发一条测试消息。"
        + example("groundswell outbox test zhoulan", "groundswell outbox test zhoulan mail"),
    )(try_)
    return app


def list_(
    context: typer.Context,
    view: Annotated[str, typer.Argument(help="|".join(_VIEWS))] = "waiting",
    limit: Annotated[int, typer.Option("--limit", min=1, help="at most so many")] = 50,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the messages of one view."""
    if view not in _VIEWS:
        raise typer.BadParameter(f"expected one of {', '.join(_VIEWS)}, got {view!r}")
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        found, glance, states = desk.messages(view, limit), desk.glance(), desk.channels()  # type: ignore[arg-type]
    lines = [
        f"待发 {glance.waiting} 条，过期未达 {glance.stuck} 条，死信 {glance.dead} 条。",
        *(
            f"渠道 {state.channel_id}：连续失败 {state.failures} 次 {state.reason}"
            for state in states.values()
            if state.failures
        ),
        *_rows(found),
    ]
    show(choices, {"glance": glance, "channels": list(states.values()), "messages": found}, lines)


def show_(
    context: typer.Context,
    message: Annotated[str, typer.Argument(help="message id")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one message, its attempts and what it stands for."""
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        item = desk.show(message)
    document = {
        "message": item.intent,
        "deliveries": item.deliveries,
        "receipts": item.receipts,
        "stands_for": [{"id": one, "message": member} for one, member in item.members],
        "taken_over_by": item.heir.intent_id if item.heir else None,
    }
    show(choices, document, _details(item))


def retry(
    context: typer.Context,
    message: Annotated[str, typer.Argument(help="message id")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a message due now."""
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        changed = desk.retry(message, getpass.getuser())
    show(choices, changed, [f"已排到最前，等待发送：{changed.intent_id}"])


def drop(
    context: typer.Context,
    message: Annotated[str, typer.Argument(help="message id")],
    reason: Annotated[str, typer.Option("--reason", help="why it is not sent")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a message unsent."""
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        changed = desk.drop(message, getpass.getuser(), reason)
    show(choices, changed, [f"已放弃：{changed.intent_id}（{changed.reason}）"])


def correct_(
    context: typer.Context,
    message: Annotated[str, typer.Argument(help="message id")],
    text: Annotated[str, typer.Option("--text", help="what is right; the wrong is not repeated")],
    act: Annotated[bool, typer.Option("--act", help="all messages of the same act")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a correction into the outbox, to the same reader on the same channel."""
    from groundswell.correcting import correct

    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        made = correct(desk, message, text, getpass.getuser(), whole_act=act)
    lines = [f"更正已排进发件箱：{one.recipient_id} / {one.channel_id}" for one in made]
    show(choices, {"corrections": made}, lines)


def try_(
    context: typer.Context,
    owner: Annotated[str, typer.Argument(help="owner id")],
    channel: Annotated[
        str | None, typer.Argument(help="channel id; all of his when left out")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="seconds to wait for it")] = 30.0,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send test messages through the outbox and say what became of them; 1 when one failed."""
    from storage.records import IntentStatus

    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        sent = desk.test(owner, channel, getpass.getuser())
        items = _wait_for(desk, sent, wait)
    lines = [f"{one.intent.channel_id}：{_result(one)}" for one in items]
    show(choices, [{"message": one.intent, "deliveries": one.deliveries} for one in items], lines)
    if any(one.intent.status is not IntentStatus.SENT for one in items):
        raise typer.Exit(1)


@contextmanager
def _desk(choices: Choices) -> Iterator[OutboxDesk]:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.outbox_desk import OutboxDesk

    with wiring.opened(choices.config, choices.database) as (project, store):
        yield OutboxDesk(store=store, project=project, clock=RealClock())


def _wait_for(desk: OutboxDesk, sent: Sequence[Intent], seconds: float) -> list[OutboxItem]:
    """Wait until the messages have ended; without a main job they are sent from here."""
    import asyncio

    from alerts.channels import make_senders
    from alerts.delivery import Courier
    from groundswell.outbox_desk import ENDED
    from groundswell.scheduler import ENGINE_LEASE

    ids = [one.intent_id for one in sent]
    until = time.monotonic() + seconds
    while True:
        if desk.store.lease_holder(ENGINE_LEASE) is None:
            senders = make_senders(desk.project)
            courier = Courier(desk.store, senders, desk.project, desk.clock)
            asyncio.run(courier.deliver_due(only=ids))
        items = [desk.show(one) for one in ids]
        if all(one.intent.status in ENDED for one in items):
            return items
        if time.monotonic() > until:
            say("仍在等待，结果可稍后用 groundswell outbox show 查看")
            return items
        time.sleep(_LOOK_S)


def _result(item: OutboxItem) -> str:
    last = item.deliveries[-1] if item.deliveries else None
    said = last.text or last.provider_code if last else ""
    if item.intent.status == "sent":
        return "已送达对方服务器 sent"
    reason = item.intent.reason
    return f"未送达 {item.intent.status}：{reason}" + (f" {said}" if said not in reason else "")


def _rows(found: Sequence[Intent]) -> Iterator[str]:
    if not found:
        yield "没有消息。"
        return
    rows = [
        (
            one.intent_id,
            one.level.zh or "-",
            one.kind,
            one.recipient_id,
            one.channel_id,
            one.status,
            f"{one.attempts}",
            f"{one.due_at:%m-%d %H:%M:%S}",
            one.reason[:40] or one.subject[:40],
        )
        for one in found
    ]
    header = ("id", "级别", "类型", "收件人", "渠道", "状态", "次数", "到期 UTC", "原因/标题")
    yield from table(header, rows)


def _details(item: OutboxItem) -> Iterator[str]:
    one = item.intent
    yield f"{one.intent_id}  {one.kind}  {one.level.zh}  → {one.recipient_id} / {one.channel_id}"
    yield f"状态 {one.status}  {one.reason}"
    for attempt in item.deliveries:
        outcome = attempt.outcome or "under way"
        yield f"  第 {attempt.n} 次 {attempt.started_at:%m-%d %H:%M:%S} {outcome} {attempt.text}"
    for receipt in item.receipts:
        yield f"  回执 {receipt.at:%m-%d %H:%M:%S} {receipt.state} {receipt.text}".rstrip()
    if item.heir is not None:
        heir = item.heir
        yield f"由 {heir.intent_id} 接替：{heir.recipient_id} / {heir.channel_id}"
    if item.members:
        yield f"代表 {len(item.members)} 条通知："
        yield from (
            f"  {member.level.zh} {member.code} {member.subject}" for _, member in item.members
        )
    yield ""
    yield from one.body.split("\n")
