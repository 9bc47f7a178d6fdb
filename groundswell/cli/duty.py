"""groundswell duty: who has the duty, now or in the coming days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import ConfigOption, JsonOption, chosen, example, show, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from alerts.duty import Slot
    from config.schema import Duty, Project

_BY = {
    "shift": "班次 shift",
    "rotation": "轮值 rotation",
    "gap": "无人 gap",
    "away": "都不在 away",
}


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(help="Duty rosters. 值班。" + example("groundswell duty who"))
    app.command(
        "list",
        help="The rosters of the coming days, leave and stand-ins counted in. 值班表。"
        + example("groundswell duty list", "groundswell duty list --days 28 --json"),
    )(list_)
    app.command(
        "who",
        help="Who has the duty at a time, and until when. 此刻谁当班。"
        + example("groundswell duty who", "groundswell duty who --at '2026-11-23 03:00'"),
    )(who)
    return app


def list_(
    context: typer.Context,
    duty: Annotated[str, typer.Argument(help="roster id (default: all)")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="how many days")] = 14,
    at: Annotated[str, typer.Option(help="from when (default: now)")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a line per change of who has the duty."""
    from datetime import timedelta

    from alerts.duty import timetable

    choices = chosen(context, config=config, as_json=as_json)
    project, start = _at(choices.config, at)
    rosters = _rosters(project, duty)
    slots = {
        one.id: list(timetable(one, project, start, start + timedelta(days=days)))
        for one in rosters
    }
    lines = [line for one in rosters for line in _lines(one, project, slots[one.id])]
    show(choices, {"duties": slots}, lines or [_NONE])


def who(
    context: typer.Context,
    at: Annotated[str, typer.Option(help="when, in the project's time zone (default: now)")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a line per roster, and one per function."""
    from datetime import timedelta

    from alerts.duty import timetable
    from alerts.functions import filled

    choices = chosen(context, config=config, as_json=as_json)
    project, now = _at(choices.config, at)
    found = {
        one.id: next(timetable(one, project, now, now + timedelta(days=_LOOK_DAYS)))
        for one in project.duties
    }
    rows = []
    for one in project.duties:
        slot = found[one.id]
        until = f"{slot.ends.astimezone(one.zone):%m-%d %H:%M}"
        rows.append((one.id, one.name, _person(project, slot), until, *_why(project, slot)))
    header = ("id", "roster 值班表", "on duty 当班", "until 至", "by 依据", "passed over 跳过")
    lines = [*(table(header, rows) if rows else [_NONE]), *_functions(project, now)]
    document = {"at": now, "duties": found, "functions": filled(project, now)}
    show(choices, document, lines)


def _functions(project: Project, now: datetime) -> Iterator[str]:
    from alerts.functions import filled_lines

    lines = filled_lines(project, now)
    if lines:
        yield "部门 functions："
    yield from lines


_LOOK_DAYS = 14  # a slot that lasts longer is shown as ending then
_NONE = "没有值班表 (no roster: write duties, see docs/people.zh-CN.md)"


def _at(config: str | None, at: str) -> tuple[Project, datetime]:
    from datetime import UTC, datetime

    from groundswell.cli.times import moment
    from groundswell.wiring import load_project

    project, _ = load_project(config)
    return project, moment(at, project.settings.zone) or datetime.now(UTC)


def _rosters(project: Project, named: str) -> tuple[Duty, ...]:
    from config.errors import ConfigError

    if not named:
        return project.duties
    duty = project.duty(named)
    if duty is None:
        known = ", ".join(one.id for one in project.duties) or "none"
        raise ConfigError(f'there is no duty "{named}"; known: {known}')
    return (duty,)


def _lines(duty: Duty, project: Project, slots: list[Slot]) -> Iterator[str]:
    yield f"{duty.name}（{duty.id}，{duty.timezone}）"
    rows = []
    for slot in slots:
        starts, ends = slot.starts.astimezone(duty.zone), slot.ends.astimezone(duty.zone)
        span = (f"{starts:%m-%d} {_DAYS[starts.weekday()]} {starts:%H:%M}", f"{ends:%m-%d %H:%M}")
        rows.append((*span, _person(project, slot), *_why(project, slot)))
    yield from table(("from 从", "until 至", "on duty 当班", "by 依据", "passed over 跳过"), rows)


_DAYS = "一二三四五六日"


def _person(project: Project, slot: Slot) -> str:
    from alerts.presence import name_of

    named = [name_of(project, one) for one in slot.turn.owner_ids]
    return "、".join(named) or "—"


def _why(project: Project, slot: Slot) -> tuple[str, str]:
    from alerts.routing import passed_words

    return _BY.get(slot.turn.by, slot.turn.by), "、".join(passed_words(project, slot.turn.passed))
