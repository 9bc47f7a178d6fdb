"""What all commands that act on one incident have in common: carry it out, print how it stands."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import Choices, show

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alerts.incidents import Command
    from storage.records import Incident, Task

IncidentArgument = Annotated[str, typer.Argument(help="code or id")]
ByOption = Annotated[str, typer.Option(help="who acts (default: your login name)")]


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
        f"{task.owner_id}，{task.due_at.astimezone(zone):%m-%d %H:%M} 前{_further(task)}"
        for task in incident.tasks
    ]
    return lines


def _further(task: Task) -> str:
    """Say how often an open task was brought up, how many parts there are, what it shows."""
    from alerts.recall_parts import VERDICTS

    said = []
    if task.state == "open" and task.rounds:
        said.append(f"已催 {task.rounds} 轮 rounds")
    if task.units is not None:
        units = task.units
        said.append(f"故障件 parts {units.wanted}/{units.received}/{units.analysed}")
        said.append(f"{VERDICTS.get(units.verdict, '结论未定')} {units.verdict or 'no verdict'}")
    said += filter(None, (task.receipt, task.url))
    return "".join(f"  {one}" for one in said)


def carry_out(
    choices: Choices, incident: str, command: Command, *, until: str = "", option: str = ""
) -> None:
    """Carry out one command on an incident and print how it stands then.

    `until` is a time as typed by `option`, in the project's zone.
    """
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


def who(by: str) -> str:
    """Return who acts: as named, else the login name."""
    return by or getpass.getuser()
