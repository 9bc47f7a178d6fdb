"""groundswell silence: hold notices about what is known, for a time and up to a level."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
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

    from groundswell.silence_desk import SilenceDesk
    from storage.records import Silence

By = Annotated[str, typer.Option("--by", help="who asks (default: your login name)")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Notices held for a time; red is never held. 静默与维护时段。"
        + example("groundswell silence list")
    )
    app.command(
        "add",
        help="Hold notices about what matches. 静默一段时间内的通知。"
        + example("groundswell silence add --brand lanhe --hours 4 --reason '系统升级，已公告'"),
    )(add_)
    app.command(
        "list",
        help="Silences and open maintenance windows. 正在和将要生效的静默。"
        + example("groundswell silence list"),
    )(list_)
    app.command(
        "end",
        help="End a silence now; who was not told hears once. 提前结束静默。"
        + example("groundswell silence end s-abcdefgh"),
    )(end_)
    return app


def add_(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="why; it stands in the journal")],
    hours: Annotated[float | None, typer.Option(help="for how many hours")] = None,
    until: Annotated[str, typer.Option(help="until when, in the project's time zone")] = "",
    starts: Annotated[str, typer.Option("--from", help="from when (default: now)")] = "",
    up_to: Annotated[str, typer.Option(help="blue, yellow or orange: graver passes")] = "yellow",
    incident: Annotated[str, typer.Option(help="only this incident: code or id")] = "",
    brand: Annotated[list[str] | None, typer.Option(help="brand id")] = None,
    product: Annotated[list[str] | None, typer.Option(help="product id")] = None,
    issue: Annotated[list[str] | None, typer.Option(help="issue class or sub-class")] = None,
    region: Annotated[list[str] | None, typer.Option(help="region")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="platform")] = None,
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a silence."""
    from groundswell.silence_desk import Wish

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        zone, now = desk.project.settings.zone, desk.clock.now()
        begins = _moment(starts, zone, "--from")
        wish = Wish(
            ends_at=_end(hours, _moment(until, zone, "--until"), begins or now),
            reason=reason,
            up_to=up_to,
            starts_at=begins,
            incident=incident,
            brand=tuple(brand or ()),
            product=tuple(product or ()),
            issue=tuple(issue or ()),
            region=tuple(region or ()),
            platform=tuple(platform or ()),
        )
        silence, held = desk.add(wish, by or getpass.getuser())
        lines = [*table(_HEADER, [_row(silence, zone)])]
    lines += [f"已静默 held  {one.code}（{one.level.zh}）{one.title}" for one in held]
    show(choices, {"silence": silence, "held": held}, lines)


def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="those that are over, too")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List silences, those to come included."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        since = datetime(2000, 1, 1, tzinfo=desk.project.settings.zone) if everything else None
        silences, windows = desk.listed(since)
        zone = desk.project.settings.zone
    if not everything:
        silences = [one for one in silences if one.ended_at is None]
    rows = [_row(one, zone) for one in (*silences, *windows)]
    document = {"silences": silences, "maintenance": windows}
    show(choices, document, table(_HEADER, rows) if rows else ["没有静默 no silences"])


def end_(
    context: typer.Context,
    silence: Annotated[str, typer.Argument(help="the silence's id")],
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a silence before its time."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices.config, choices.database) as desk:
        heard = desk.end(silence, by or getpass.getuser())
    lines = [f"已结束 ended  {silence}"]
    lines += [f"恢复通知 heard again  {one.code}（{one.level.zh}）{one.title}" for one in heard]
    show(choices, {"silence": silence, "heard": heard}, lines)


_HEADER = ("id", "from", "until", "up to", "about", "by", "reason")


def _row(silence: Silence, zone: ZoneInfo) -> tuple[str, ...]:
    named = (silence.brand, silence.product, silence.issue, silence.region, silence.platform)
    about = " ".join(word for words in named for word in words)
    ended = " (ended)" if silence.ended_at else ""
    return (
        silence.silence_id,
        f"{silence.starts_at.astimezone(zone):%m-%d %H:%M}",
        f"{silence.ends_at.astimezone(zone):%m-%d %H:%M}{ended}",
        silence.up_to,
        silence.incident_id or about or "全部 all",
        silence.by,
        silence.reason,
    )


def _end(hours: float | None, until: datetime | None, begins: datetime) -> datetime:
    from config.errors import ConfigError

    if (hours is None) is (until is None):
        raise ConfigError("expected either --hours or --until")
    if until is not None:
        return until
    try:
        return begins + timedelta(hours=hours or 0)
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"--hours {hours!r}: expected a number of hours") from error


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime | None:
    from config.errors import ConfigError

    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r}: expected a time such as '2026-11-20 10:05'"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


@contextmanager
def _desk(config: str | None, database: str | None) -> Iterator[SilenceDesk]:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.silence_desk import SilenceDesk

    with wiring.opened(config, database) as (project, store):
        links = wiring.make_links(project, store)
        yield SilenceDesk(store=store, project=project, clock=RealClock(), links=links)
