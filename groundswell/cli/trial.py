"""groundswell trial: what is on trial, what it would have told whom, and putting it live."""

from __future__ import annotations

import getpass
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
)

if TYPE_CHECKING:
    from typing import Any

    from groundswell.trials import TrialDesk, TrialView

TrialArgument = Annotated[str, typer.Argument(help="trial id")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Trials: one reviewer reads what others would get. 试运行。"
        + example("groundswell trial list")
    )
    app.command(
        "list",
        help="All trials with their figures. 全部试运行。" + example("groundswell trial list"),
    )(list_)
    app.command(
        "show",
        help="One trial: alerts a day, levels, precision, open addresses. 一个试运行的数字。"
        + example("groundswell trial show first-weeks"),
    )(show_)
    app.command(
        "live",
        help="Put it live: everybody is told himself from now on. 上线。"
        + example("groundswell trial live first-weeks --note '两周无重大误报'"),
    )(live)
    return app


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print all trials."""
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        found = desk.listed()
        lines = [line for view in found for line in _lines(desk, view)]
    nothing = ["没有试运行 (no trial is configured; docs/trial.zh-CN.md)"]
    show(choices, {"trials": [document_of(view) for view in found]}, lines or nothing)


def show_(
    context: typer.Context,
    trial: TrialArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one trial."""
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        view = desk.show(trial)
        lines = _lines(desk, view)
    show(choices, document_of(view), lines)


def live(
    context: typer.Context,
    trial: TrialArgument,
    by: Annotated[str, typer.Option(help="who decides (default: your login name)")] = "",
    note: Annotated[str, typer.Option(help="why, for the audit log")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the trial did, ask, and put it live."""
    choices = chosen(context, config, database, as_json)
    with _desk(choices) as desk:
        view = desk.show(trial)
        if not yes and view.end is None and not view.unproved:
            for line in _lines(desk, view):
                say(line)
            typer.confirm("上线之后通知会直接发给本人，确定吗 (put it live)?", abort=True, err=True)
        end = desk.live(trial, by or getpass.getuser(), note=note)
    line = (
        f"{end.trial_id} 已上线：试运行期间 {end.alerts} 条通知，{end.incidents} 个事件，"
        f"误报 {end.false_alarms}/{end.judged}。配置里的这一段可以删去。"
    )
    show(choices, {"end": end}, [line])


def document_of(view: TrialView) -> dict[str, Any]:
    """Return a trial as other programs read it."""
    trial, found = view.trial, view.precision
    return {
        "id": trial.id,
        "scope": trial.scope,
        "covers": list(trial.covered),
        "reviewer": trial.reviewer,
        "since": trial.since.isoformat(),
        "state": view.state,
        "days": round(view.days, 2),
        "alerts": view.alerts,
        "alerts_per_day": round(view.per_day, 2),
        "alerts_per_day_of": {one: round(view.per_day_of(one), 2) for one in view.by_person},
        "incidents": view.incidents,
        "levels": {level.name.lower(): n for level, n in view.by_level.items()},
        "precision": {
            "true": found.true,
            "false": found.false,
            "undecided": found.undecided,
            "value": found.value,
            "low": found.low,
            "high": found.high,
        },
        "refused": view.refused,
        "unconfirmed": list(view.unproved),
        "overheard": list(view.overheard),
        "live_at": view.end.at.isoformat() if view.end else None,
        "live_by": view.end.by if view.end else None,
    }


def _lines(desk: TrialDesk, view: TrialView) -> list[str]:
    from groundswell.trials import view_lines

    return list(view_lines(view, desk.project))


@contextmanager
def _desk(choices: Choices) -> Iterator[TrialDesk]:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.trials import TrialDesk

    with wiring.opened(choices.config, choices.database) as (project, store):
        yield TrialDesk(store=store, project=project, clock=RealClock())
