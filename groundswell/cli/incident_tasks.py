"""groundswell incidents task … and tasks suggest: tasks, drafts, more time, parts called back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.incident_work import ByOption, IncidentArgument, carry_out, who
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
    from alerts.task_defaults import Suggestion
    from config.schema import Project

TaskArgument = Annotated[str, typer.Argument(help="the task's number, e.g. t1")]
TextOption = Annotated[str, typer.Option("--note", help="what was done or said")]
DueOption = Annotated[str, typer.Option("--due", help="by when, in the project's time zone")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of the noun."""
    root = "groundswell incidents"
    app.command(
        "task",
        help="Give a task; kinds: guide 舆论引导, fix 排查整改, solve 解决问题, clarify 澄清回应, "
        "contain 传播控制. Without --to and --due those of its kind and the level. 安排任务。"
        + example(f'{root} task 舆-7F3K --kind fix --title "…"'),
    )(task_)
    app.command(
        "task-done",
        help="A task is done, with the evidence of its kind. 任务完成，登记依据。"
        + example(
            f'{root} task-done 舆-7F3K t1 --cause "…" --measure "…"',
            f'{root} task-done 舆-7F3K t2 --note "…" --url https://…',
        ),
    )(task_done_)
    app.command(
        "task-drop",
        help="A task is not needed any more, and why. 任务取消。"
        + example(f'{root} task-drop 舆-7F3K t1 --reason "…"'),
    )(task_drop_)
    app.command(
        "task-move",
        help="Work on a task went on; an overdue one waits a step longer. 任务有进展。"
        + example(f'{root} task-move 舆-7F3K t1 --note "…"'),
    )(task_move_)
    app.command(
        "extend",
        help="More time, once and for a reason: the acknowledge, or with --task a task. 延长一次。"
        + example(
            f'{root} extend 舆-7F3K --reason "…"', f'{root} extend 舆-7F3K --task t1 --reason "…"'
        ),
    )(extend_)
    app.command(
        "draft",
        help="Keep the draft of a reply or statement; it is sent nowhere. 存草稿，不会发出。"
        + example(f'{root} draft 舆-7F3K --text "…" --task t1'),
    )(draft_)
    app.command(
        "recall-parts",
        help="Call failed parts back for a batch signal of the incident. 收回故障件。"
        + example(f"{root} recall-parts 舆-7F3K --wanted 5"),
    )(recall_parts_)
    app.command(
        "units",
        help="How many parts are wanted, received, analysed now. 登记故障件件数。"
        + example(f"{root} units 舆-7F3K t1 --received 3 --analysed 1"),
    )(units_)
    app.command(
        "verdict",
        help="Is it the batch: batch or no_batch, with the reason; it labels the signal. 下结论。"
        + example(f'{root} verdict 舆-7F3K t1 batch --note "…"'),
    )(verdict_)
    app.add_typer(_tasks(), name="tasks")


def _tasks() -> typer.Typer:
    app = typer.Typer(
        help="Tasks that a level asks for. 建议任务。"
        + example("groundswell incidents tasks suggest 舆-7F3K")
    )
    app.command(
        "suggest",
        help="Suggest tasks for an incident's level, with owner and due time. 按级别建议任务。"
        + example("groundswell incidents tasks suggest 舆-7F3K"),
    )(suggest_)
    app.callback()(_nothing)
    return app


def _nothing() -> None:
    """Keep one command a command of the group."""


def task_(
    context: typer.Context,
    incident: IncidentArgument,
    kind: Annotated[str, typer.Option(help="guide, fix, solve, clarify or contain")],
    title: Annotated[str, typer.Option(help="what is to be done")],
    due: DueOption = "",
    to: Annotated[str, typer.Option(help="a person or a function (default: the kind's own)")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody a task."""
    from alerts.command import Command, kind_named

    command = Command(
        name="task", actor=who(by), text=title, owner_id=to, task_kind=kind_named(kind)
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command, until=due, option="--due")


def task_done_(
    context: typer.Context,
    incident: IncidentArgument,
    task: TaskArgument,
    note: TextOption = "",
    url: Annotated[str, typer.Option(help="of the answer, the statement or the notice")] = "",
    cause: Annotated[str, typer.Option(help="of a fix: what the cause is")] = "",
    measure: Annotated[str, typer.Option(help="of a fix: what is done about it")] = "",
    solved: Annotated[int, typer.Option(min=0, help="of solve: complainants helped")] = 0,
    platform: Annotated[str, typer.Option(help="of a lawful report: where")] = "",
    receipt: Annotated[str, typer.Option(help="of a lawful report: the platform's number")] = "",
    ground: Annotated[str, typer.Option(help="of a lawful report: its legal ground")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that a task is done."""
    from alerts.command import Command
    from alerts.task_evidence import cause_words

    text = "；".join(filter(None, [cause_words(cause, measure) if cause or measure else "", note]))
    command = Command(
        name="task_done",
        actor=who(by),
        text=text,
        task_id=task,
        url=url,
        counts={"solved": solved} if solved else {},
        channel=platform,
        receipt=receipt,
        how=ground,
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)


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

    command = Command(name="task_drop", actor=who(by), text=reason, task_id=task)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)


def task_move_(
    context: typer.Context,
    incident: IncidentArgument,
    task: TaskArgument,
    note: TextOption,
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that work on a task went on."""
    from alerts.command import Command

    command = Command(name="task_move", actor=who(by), text=note, task_id=task)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)


def extend_(
    context: typer.Context,
    incident: IncidentArgument,
    reason: Annotated[str, typer.Option(help="why more time is needed")],
    task: Annotated[str, typer.Option(help="a task's number (default: the acknowledge)")] = "",
    due: DueOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give more time, once."""
    from alerts.command import Command

    command = Command(name="extend", actor=who(by), text=reason, task_id=task)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command, until=due, option="--due")


def draft_(
    context: typer.Context,
    incident: IncidentArgument,
    text: Annotated[str, typer.Option(help="the draft")],
    task: Annotated[str, typer.Option(help="the task that it is for")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a draft."""
    from alerts.command import Command

    command = Command(name="draft", actor=who(by), text=text, task_id=task)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)


def recall_parts_(
    context: typer.Context,
    incident: IncidentArgument,
    wanted: Annotated[int, typer.Option(min=1, help="how many parts")] = 5,
    signal: Annotated[str, typer.Option(help="a signal's key (default: the strongest)")] = "",
    to: Annotated[str, typer.Option(help="a person or a function (default: that of a fix)")] = "",
    due: DueOption = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a task that calls failed parts back."""
    from alerts.command import Command
    from alerts.task_defaults import RECALL
    from storage.records import TaskKind

    command = Command(
        name="task",
        actor=who(by),
        text=RECALL,
        task_kind=TaskKind.FIX,
        counts={"wanted": wanted},
        how=signal,
        owner_id=to,
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command, until=due, option="--due")


def units_(
    context: typer.Context,
    incident: IncidentArgument,
    task: TaskArgument,
    wanted: Annotated[int | None, typer.Option(min=0, help="how many are to come")] = None,
    received: Annotated[int | None, typer.Option(min=0, help="how many came")] = None,
    analysed: Annotated[int | None, typer.Option(min=0, help="how many were looked at")] = None,
    reason: Annotated[str, typer.Option(help="why fewer, or more than wanted")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note how many parts there are."""
    from alerts.command import Command

    said = {"wanted": wanted, "received": received, "analysed": analysed}
    command = Command(
        name="units",
        actor=who(by),
        text=reason,
        task_id=task,
        counts={name: n for name, n in said.items() if n is not None},
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)


def verdict_(
    context: typer.Context,
    incident: IncidentArgument,
    task: TaskArgument,
    verdict: Annotated[str, typer.Argument(help="batch or no_batch")],
    note: TextOption,
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether it is the batch."""
    from alerts.command import Command

    command = Command(name="verdict", actor=who(by), text=note, task_id=task, how=verdict)
    choices = chosen(context, config=config, database=database, as_json=as_json)
    carry_out(choices, incident, command)


def suggest_(
    context: typer.Context,
    incident: IncidentArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the tasks that an incident's level asks for."""
    from datetime import UTC, datetime

    from alerts.task_defaults import suggestions
    from config.errors import GroundswellError
    from groundswell import wiring
    from groundswell.batches import BatchView

    choices = chosen(context, config=config, database=database, as_json=as_json)
    now = datetime.now(UTC)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        found = queries.incident(incident)
        if found is None:
            raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
        evidence = BatchView(project, queries, now).see(queries.evidence(found.cluster_id, now))
    asked = suggestions(
        found, project, now, signals=evidence.batches, regions=tuple(evidence.regions)
    )
    show(choices, {"suggestions": asked}, _lines(asked, project))


def _lines(asked: tuple[Suggestion, ...], project: Project) -> list[str]:
    zone = project.settings.zone
    if not asked:
        return ["没有要建议的任务 nothing to suggest"]
    rows = [
        (
            one.kind.name.lower(),
            one.kind.value,
            one.owner_id,
            f"{one.due_at.astimezone(zone):%m-%d %H:%M}",
            f"{one.title}（{one.wanted} 件）" if one.wanted else one.title,
            one.reason,
        )
        for one in asked
    ]
    return list(table(("kind", "种类", "owner", "due", "what", "why"), rows))
