"""groundswell incidents task|shelve|grade …: the acts that take more than one value."""

from __future__ import annotations

import getpass
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
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alerts.incidents import Command
    from storage.records import Incident

IncidentArgument = Annotated[str, typer.Argument(help="code or id")]
TaskArgument = Annotated[str, typer.Argument(help="the task's number, e.g. t1")]
ByOption = Annotated[str, typer.Option(help="who acts (default: your login name)")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of the noun."""
    due = "--due '2026-11-25 18:00'"
    app.command(
        "task",
        help="Give somebody a task with a due time; kinds: guide 舆论引导, fix 排查整改, "
        "solve 解决问题, clarify 澄清回应, contain 传播控制. 安排任务。"
        + example(f'groundswell incidents task 舆-7F3K --kind fix --title "…" {due}'),
    )(task_)
    app.command(
        "task-done",
        help="A task is done; what came of it. 任务完成。"
        + example('groundswell incidents task-done 舆-7F3K t1 --note "…"'),
    )(task_done_)
    app.command(
        "task-drop",
        help="A task is not needed any more, and why. 任务取消。"
        + example('groundswell incidents task-drop 舆-7F3K t1 --reason "…"'),
    )(task_drop_)
    app.command(
        "shelve",
        help="A known trouble: mentions join silently until a day or a number of people; red and "
        "bodily harm pass. 搁置已知问题。"
        + example("groundswell incidents shelve 舆-7F3K --until '2026-11-27 18:00' --note \"…\""),
    )(shelve_)
    app.command(
        "grade",
        help="Set the level by hand; lowering needs a reason; auto gives it back. 人工定级。"
        + example('groundswell incidents grade 舆-7F3K yellow --reason "…"'),
    )(grade_)


def task_(
    context: typer.Context,
    incident: IncidentArgument,
    kind: Annotated[str, typer.Option(help="guide, fix, solve, clarify or contain")],
    title: Annotated[str, typer.Option(help="what is to be done")],
    due: Annotated[str, typer.Option(help="by when, in the project's time zone")],
    to: Annotated[str, typer.Option(help="owner id (default: the incident's owner)")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody a task."""
    from alerts.command import Command, kind_named

    command = Command(
        name="task", actor=_who(by), text=title, owner_id=to, task_kind=kind_named(kind)
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _carry_out(choices, incident, command, until=due, option="--due")


def task_done_(
    context: typer.Context,
    incident: IncidentArgument,
    task: TaskArgument,
    note: Annotated[str, typer.Option(help="what came of it")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that a task is done."""
    from alerts.command import Command

    command = Command(name="task_done", actor=_who(by), text=note, task_id=task)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _carry_out(choices, incident, command)


def task_drop_(
    context: typer.Context,
    incident: IncidentArgument,
    task: TaskArgument,
    reason: Annotated[str, typer.Option(help="why it is not needed")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that a task is not needed."""
    from alerts.command import Command

    command = Command(name="task_drop", actor=_who(by), text=reason, task_id=task)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _carry_out(choices, incident, command)


def shelve_(
    context: typer.Context,
    incident: IncidentArgument,
    until: Annotated[str, typer.Option(help="until when, in the project's time zone")],
    note: Annotated[str, typer.Option(help="what is known and how it will be solved")],
    authors: Annotated[
        int, typer.Option(help="so many people in all bring it back (default: twice as many)")
    ] = 0,
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a known trouble on the shelf."""
    from alerts.command import Command

    command = Command(name="shelve", actor=_who(by), text=note, authors=authors)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _carry_out(choices, incident, command, until=until, option="--until")


def grade_(
    context: typer.Context,
    incident: IncidentArgument,
    level: Annotated[str, typer.Argument(help="blue, yellow, orange, red or auto")],
    reason: Annotated[str, typer.Option(help="why; needed to lower it")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the level by hand."""
    from alerts.command import Command, level_named

    command = Command(name="grade", actor=_who(by), text=reason, level=level_named(level))
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _carry_out(choices, incident, command)


def lines_of(incident: Incident, zone: ZoneInfo) -> list[str]:
    """Return what people set on an incident: level, shelf, tasks, and what is known from before."""
    lines = []
    if incident.level_by:
        why = f"：{incident.level_reason}" if incident.level_reason else ""
        lines.append(f"人工定级 level by  {incident.level_by}{why}")
    if incident.shelf is not None:
        shelf = incident.shelf
        lines.append(
            f"搁置 shelved  到 {shelf.until.astimezone(zone):%m-%d %H:%M} "
            f"或 {shelf.authors} 位作者  {shelf.by}  {shelf.note}"
        )
    if incident.relapse is not None:
        past = incident.relapse
        lines.append(
            f"上次 last time  {past.closed_at.astimezone(zone):%Y-%m-%d} 结案，{past.owner_id}："
            f"{past.cause}；客户侧 customer：{past.said}"
        )
    lines += [
        f"任务 task {task.task_id}  {task.state}  {task.kind.value}  {task.title}  → "
        f"{task.owner_id}，{task.due_at.astimezone(zone):%m-%d %H:%M} 前"
        for task in incident.tasks
    ]
    return lines


def _carry_out(
    choices: Choices, incident: str, command: Command, *, until: str = "", option: str = ""
) -> None:
    from dataclasses import replace

    from groundswell import wiring
    from groundswell.cli.times import moment
    from groundswell.clock import RealClock
    from groundswell.desk import Desk

    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=RealClock(), links=links)
        at = moment(until, project.settings.zone, option)
        after = desk.act(incident, replace(command, until=at))
    line = f"{after.code} → {after.state}（{after.level.zh}）{after.title}"
    show(choices, {"incident": after}, [line, *lines_of(after, project.settings.zone)])


def _who(by: str) -> str:
    return by or getpass.getuser()
