"""groundswell incidents handover|accept|decline|unlock: the three owners of a grave incident."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.incident_acts import IncidentArgument
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
    from datetime import datetime

    from alerts.incidents import Command
    from config.schema import Project
    from storage.records import Incident

_ROLES = "customer 客户关系, solution 解决方案, delivery 交付维护"
RoleArgument = Annotated[str, typer.Argument(help=_ROLES)]
ByOption = Annotated[str, typer.Option(help="who acts (default: your login name)")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of the noun."""
    code = "groundswell incidents"
    app.command(
        "handover",
        help="Ask somebody to take one of the three roles over; until they accept, the giver "
        f"answers. Roles: {_ROLES}. 移交，对方接受才算。"
        + example(f'{code} handover 舆-7F3K customer --to zhoulan --reason "…"'),
    )(handover_)
    app.command(
        "accept",
        help="Take over the role that you were offered; only the receiver, or who stands in, can. "
        "接任。" + example(f"{code} accept 舆-7F3K customer --by zhoulan"),
    )(accept_)
    app.command(
        "decline",
        help="Do not take it, and why; it comes back to the giver. 不接任。"
        + example(f'{code} decline 舆-7F3K customer --reason "…" --by zhoulan'),
    )(decline_)
    app.command(
        "unlock",
        help="Let the three be handed over again after they were locked; management decides. "
        "解除锁定。" + example(f'{code} unlock 舆-7F3K --reason "…" --by xunuo'),
    )(unlock_)


def handover_(
    context: typer.Context,
    incident: IncidentArgument,
    role: RoleArgument,
    to: Annotated[str, typer.Option(help="owner or function id")],
    reason: Annotated[str, typer.Option(help="why")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Offer a role to somebody else."""
    from alerts.command import Command

    command = Command(name="handover", actor=_who(by), role=role, owner_id=to, text=reason)
    _carry_out(chosen(context, config, database, as_json), incident, command)


def accept_(
    context: typer.Context,
    incident: IncidentArgument,
    role: RoleArgument,
    note: Annotated[str, typer.Option(help="a note for the log")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a role over."""
    from alerts.command import Command

    command = Command(name="accept", actor=_who(by), role=role, text=note)
    _carry_out(chosen(context, config, database, as_json), incident, command)


def decline_(
    context: typer.Context,
    incident: IncidentArgument,
    role: RoleArgument,
    reason: Annotated[str, typer.Option(help="why")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a role back."""
    from alerts.command import Command

    command = Command(name="decline", actor=_who(by), role=role, text=reason)
    _carry_out(chosen(context, config, database, as_json), incident, command)


def unlock_(
    context: typer.Context,
    incident: IncidentArgument,
    reason: Annotated[str, typer.Option(help="why")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the lock of the three."""
    from alerts.command import Command

    command = Command(name="unlock", actor=_who(by), text=reason)
    _carry_out(chosen(context, config, database, as_json), incident, command)


def lines_of(project: Project, incident: Incident, now: datetime) -> list[str]:
    """Return who the three are, what is offered to whom, and what came back."""
    from alerts.presence import name_of
    from alerts.routing import answering

    zone = project.settings.zone
    lines = []
    for seat in incident.triangle:
        line = f"{seat.role.zh} {seat.role.value}  {answering(project, seat.owner_id, now)}"
        if seat.offered_to and seat.answer_by is not None:
            line += (
                f"  → {name_of(project, seat.offered_to)} 待接受，"
                f"{seat.answer_by.astimezone(zone):%m-%d %H:%M} 前（{seat.reason}）"
            )
        lines.append(line)
    if incident.bounces:
        locked = "，已锁定 locked" if incident.locked_at else ""
        lines.append(f"移交退回 came back  {incident.bounces} 次{locked}")
    return lines


def _carry_out(choices: Choices, incident: str, command: Command) -> None:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.desk import Desk

    clock = RealClock()
    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=clock, links=links)
        after = desk.act(incident, command)
    line = f"{after.code} → {after.state}（{after.level.zh}）{after.title}"
    show(choices, {"incident": after}, [line, *lines_of(project, after, clock.now())])


def _who(by: str) -> str:
    return by or getpass.getuser()
