"""groundswell incidents people: the complainants of an incident on the command line."""

from __future__ import annotations

import getpass
from pathlib import Path
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
    from alerts.command import Command
    from groundswell.cli.output import Choices

IncidentArgument = Annotated[str, typer.Argument(help="code or id")]
WhoArgument = Annotated[
    list[str], typer.Argument(help="complainants, by id or ticket (see: people list)")
]
ByOption = Annotated[str, typer.Option(help="who acts (default: your login name)")]
_CODE = "groundswell incidents people"


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Complainants of an incident. 投诉人。" + example(f"{_CODE} list 舆-7F3K")
    )
    app.command(
        "list",
        help="Who complains, how far the service has come. 投诉人名单。"
        + example(f"{_CODE} list 舆-7F3K --state waiting"),
    )(list_)
    app.command(
        "move",
        help="State of some complainants: waiting 未联系, contacted 已联系, offered 已给方案, "
        "solved 已解决, refused 不接受, unreachable 联系不上. 登记进展。"
        + example(f"{_CODE} move 舆-7F3K 投诉平台:小雨 --to contacted --channel 电话"),
    )(move_)
    app.command(
        "give",
        help="Give complainants to a colleague. 分派。"
        + example(f"{_CODE} give 舆-7F3K 投诉平台:小雨 --to linxiao"),
    )(give_)
    app.command(
        "add",
        help="Add people whom no post shows: a ticket, or platform:name. 补登。"
        + example(f"{_CODE} add 舆-7F3K GD-1024 抖音:阿禾"),
    )(add_)
    app.command(
        "export",
        help="Write them as .xlsx; --contacts needs the permission customer_contact. 导出。"
        + example(f"{_CODE} export 舆-7F3K --to people.xlsx"),
    )(export_)
    app.command(
        "import",
        help="Read a filled-in .xlsx or .csv; bad rows are named, good ones applied. 导入。"
        + example(f"{_CODE} import 舆-7F3K people.xlsx"),
    )(import_)
    return app


def list_(
    context: typer.Context,
    incident: IncidentArgument,
    state: Annotated[str, typer.Option(help="only those in this state")] = "",
    limit: Annotated[int, typer.Option(help="at most so many", min=1)] = 50,
    skip: Annotated[int, typer.Option(help="leave out the first ones", min=0)] = 0,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List complainants, in the order in which to call them."""
    from datetime import UTC, datetime

    from alerts.complainants import contact_named, counts_words, shown
    from config.errors import GroundswellError
    from groundswell import wiring
    from groundswell.complainant_files import marks
    from groundswell.complainants import answered, counts, speed_words

    choices = chosen(context, config=config, database=database, as_json=as_json)
    states = [contact_named(state)] if state else []
    now = datetime.now(UTC)
    opened = wiring.opened(choices.config, choices.database)
    with opened as (project, store), store.read() as queries:
        found = queries.incident(incident)
        if found is None:
            raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
        counted = counts(queries, found)
        times = queries.first_responses(found.incident_id)
        page = queries.complainants(found.incident_id, states, limit=limit, offset=skip)
    speed = answered(times, found, now)
    zone = project.settings.zone
    rows = [
        (
            one.complainant_id,
            shown(one),
            one.state.zh,
            f"{one.posted_at.astimezone(zone):%m-%d %H:%M}" if one.posted_at else "未知",
            one.assigned_to,
            "、".join(marks(one)),
        )
        for one in page
    ]
    document = {
        "incident": found.code,
        "counts": counted,
        "first_response": speed,
        "share_in_time": speed.share,
        "complainants": page,
    }
    head = [counts_words(counted), speed_words(speed)]
    show(
        choices,
        document,
        [*head, *table(("id", "who", "state", "posted", "owner", "mark"), rows)],
    )


def move_(
    context: typer.Context,
    incident: IncidentArgument,
    who: WhoArgument,
    to: Annotated[str, typer.Option(help="the new state")],
    channel: Annotated[str, typer.Option(help="电话, 私信, 工单, 邮件, 上门 or 其他")] = "",
    note: Annotated[str, typer.Option(help="what shows it, or why it goes back")] = "",
    at: Annotated[str, typer.Option(help="when, in the project's time zone")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note how far the service has come with some complainants."""
    from alerts.command import Command

    command = Command(
        name="contact", actor=_who(by), who=tuple(who), how=to, channel=channel, text=note
    )
    choices = chosen(context, config=config, database=database, as_json=as_json)
    _carry_out(choices, incident, command, at=at)


def give_(
    context: typer.Context,
    incident: IncidentArgument,
    who: WhoArgument,
    to: Annotated[str, typer.Option(help="owner id")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give complainants to a colleague."""
    from alerts.command import Command

    command = Command(name="give", actor=_who(by), who=tuple(who), owner_id=to)
    _carry_out(
        chosen(context, config=config, database=database, as_json=as_json), incident, command
    )


def add_(
    context: typer.Context,
    incident: IncidentArgument,
    who: Annotated[list[str], typer.Argument(help="a ticket's number, or platform:name, each")],
    note: Annotated[str, typer.Option(help="where they are known from")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add complainants whom no post shows."""
    from alerts.command import Command

    command = Command(name="complainants", actor=_who(by), who=tuple(who), text=note)
    _carry_out(
        chosen(context, config=config, database=database, as_json=as_json), incident, command
    )


def export_(
    context: typer.Context,
    incident: IncidentArgument,
    to: Annotated[Path, typer.Option(help="the .xlsx to write")],
    state: Annotated[str, typer.Option(help="only those in this state")] = "",
    contacts: Annotated[
        bool, typer.Option("--contacts", help="with names and numbers, for who may see them")
    ] = False,
    reason: Annotated[str, typer.Option(help="why the contacts are needed; it is kept")] = "",
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write complainants as a workbook."""
    from datetime import UTC, datetime

    from alerts.complainants import contact_named
    from config.errors import GroundswellError
    from groundswell import wiring
    from groundswell.complainant_files import whom_to_call, workbook, write_file
    from groundswell.vault import Vault

    choices = chosen(context, config=config, database=database, as_json=as_json)
    states = [contact_named(state)] if state else []
    with wiring.opened(choices.config, choices.database) as (project, store):
        with store.read() as queries:
            found = queries.incident(incident)
            if found is None:
                raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
            people = queries.complainants(found.incident_id, states)
        known = None
        if contacts:
            vault, now = Vault.of(project.settings.vault), datetime.now(UTC)
            known = whom_to_call(
                store, vault, people, actor=_who(by), reason=reason, now=now, at=now
            )
        write_file(to, workbook(people, project.settings.zone, contacts=known))
    show(
        choices,
        {"file": to, "complainants": len(people)},
        [f"已写出 {len(people)} 位投诉人 written: {to}"],
    )


def import_(
    context: typer.Context,
    incident: IncidentArgument,
    file: Annotated[Path, typer.Argument(help=".xlsx or .csv")],
    by: ByOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a filled-in table."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.complainant_files import read_lines
    from groundswell.complainants import take_file, taken_words
    from groundswell.desk import Desk

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        lines, bad = read_lines(file, project.settings.zone)
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=RealClock(), links=links)
        taken = take_file(desk, incident, lines, bad, _who(by))
    show(choices, taken, [taken_words(taken), *taken.problems])
    if taken.problems:
        raise typer.Exit(1)


def _carry_out(choices: Choices, incident: str, command: Command, *, at: str = "") -> None:
    from dataclasses import replace

    from alerts.complainants import counts_words
    from groundswell import wiring
    from groundswell.cli.times import moment
    from groundswell.clock import RealClock
    from groundswell.complainants import counts
    from groundswell.desk import Desk

    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=RealClock(), links=links)
        when = moment(at, project.settings.zone)
        after = desk.act(incident, replace(command, at=when))
        with store.read() as queries:
            counted = counts(queries, after)
    show(
        choices,
        {"incident": after, "counts": counted},
        [f"{after.code} → {counts_words(counted)}"],
    )


def _who(by: str) -> str:
    return by or getpass.getuser()
