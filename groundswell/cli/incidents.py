"""groundswell incidents: the incident desk on the command line."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli import (
    incident_acts,
    incident_confirm,
    incident_dismiss,
    incident_people,
    incident_seats,
)
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

    from alerts.incidents import Command
    from groundswell.responses import Answers
    from storage.records import Incident, IncidentEvent, Intent, Mention

# What each act needs besides the incident: the option that carries it and what it means.
_ACTS = {
    "ack": ("", "Acknowledge: someone is on it; the clock starts for the next step. 确认接手。"),
    "note": ("note", "Add a note; it counts as progress. 备注进展。"),
    "assign": ("to", "Give it to another owner. 转派。"),
    "escalate": ("note", "Tell the next person of the chain now. 立即升级。"),
    "not-mine": ("to", "Not theirs: no acknowledge, the next is told at once. 不归我管。"),
    "silence": ("hours", "No notices for some hours; a rise in level passes. 静默。"),
    "handled": ("note", "It is handled; the customer's side is asked. 已处理，待客户确认。"),
    "reject": ("note", "The customer's side says it is not solved. 客户否认，重开。"),
    "reopen": ("reason", "Take up again what was closed or dismissed. 重新打开。"),
    "unshelve": ("note", "Take it off the shelf; you have it in hand. 取下已知问题。"),
    "merge": ("into", "It is the same as another incident. 合并到另一事件。"),
    "split": ("note", "Take a merged one out again. 把合并过的事件拆回来。"),
}
_VALUES = {
    "": "a note for the log",
    "note": "what was done or said",
    "to": "owner id",
    "hours": "how many hours",
    "reason": "why",
    "into": "the other incident",
}


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(help="The incident desk. 事件处置。" + example("groundswell incidents list"))
    app.command(
        "list",
        help="Open incidents, gravest first. 未了结的事件。"
        + example("groundswell incidents list"),
    )(list_)
    app.command(
        "show",
        help="One incident: why, who, what happened. 事件详情。"
        + example("groundswell incidents show 舆-7F3K"),
    )(show_)
    app.command(
        "replied",
        help="The brand answered in public: where, and when. 登记已公开回应。"
        + example("groundswell incidents replied 舆-7F3K --url https://… --at '2026-11-20 10:05'"),
    )(replied_)
    incident_acts.add_to(app)
    incident_confirm.add_to(app)
    app.add_typer(incident_people.commands(), name="people")
    incident_dismiss.add_to(app)
    incident_seats.add_to(app)
    for name, (option, help_text) in _ACTS.items():
        app.command(name, help=help_text + example(_example(name, option)))(_act(name, option))
    return app


def _example(name: str, option: str) -> str:
    value = {"hours": "4", "to": "zhoulan", "into": "舆-9QX2", "": ""}.get(option, '"…"')
    return f"groundswell incidents {name} 舆-7F3K" + (f" --{option} {value}" if option else "")


def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="closed ones too")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List incidents."""
    from groundswell import wiring
    from storage.records import IncidentState

    choices = chosen(context, config=config, database=database, as_json=as_json)
    ended = {IncidentState.CLOSED, IncidentState.MERGED, IncidentState.DISMISSED}
    states = tuple(state for state in IncidentState if everything or state not in ended)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        found = queries.incidents(states)
    zone = project.settings.zone
    rows = [
        (
            i.code,
            i.level.zh,
            i.state,
            i.owner_id,
            f"{i.opened_at.astimezone(zone):%m-%d %H:%M}",
            i.title,
        )
        for i in found
    ]
    show(
        choices,
        {"incidents": found},
        table(("code", "level", "state", "owner", "since", "title"), rows),
    )


def show_(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="code or id")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one incident with its reasons, events and messages."""
    from datetime import UTC

    from alerts.complainant_counts import counts_words
    from alerts.service_clock import service_clock
    from alerts.tier_words import tier_name
    from alerts.voices import judge_voices
    from config.errors import GroundswellError
    from groundswell import wiring
    from groundswell.complainants import counts
    from groundswell.responses import answers_to

    choices = chosen(context, config=config, database=database, as_json=as_json)
    opened = wiring.opened(choices.config, choices.database)
    with opened as (project, store), store.read() as queries:
        found = queries.incident(incident)
        if found is None:
            raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
        events = queries.incident_events(found.incident_id)
        messages = queries.incident_intents(found.incident_id)
        answers = answers_to(queries, found, project, datetime.now(UTC))
        changed = queries.changed_mentions(found.cluster_id)
        evidence = queries.evidence(found.cluster_id, datetime.now(UTC))
        people = counts(queries, found)
    judged, zone = judge_voices(evidence, datetime.now(UTC)), project.settings.zone
    document = {
        "incident": found,
        "events": events,
        "messages": messages,
        "first_response": _first_response(answers),
        "responses": answers.responses,
        "may_be_responses": answers.likely,
        "deleted_or_edited": changed,
        "voices": {"counts": evidence.voices, "reason": judged.reason, "text": judged.text},
        "service_clock": service_clock(found, datetime.now(UTC)),
        "complainants": people,
    }
    lines = _lines(found, events, [intent for intent, _ in messages], zone)
    lines[2:2] = incident_seats.lines_of(project, found, datetime.now(UTC))
    told = _voices(answers, changed, zone)
    if not evidence.is_brand:  # the talk about a brand is no cluster: nobody is counted in it
        told.append(f"谁在说 voices: {judged.text}")
    if people.total:
        told.append(f"投诉人 complainants: {counts_words(people)}")
    if found.tier:
        told.append(f"客户等级 tier: {tier_name(project, found.tier)}，{found.tier_why}")
    show(choices, document, [*lines[:2], *told, *lines[2:]])


def _first_response(answers: Answers) -> dict[str, object]:
    """Return the first response time for programs; null is unknown, never nought."""
    after = answers.first_after
    return {
        "first_complaint_at": answers.complained_at,
        "first_response_at": answers.first.at if answers.first else None,
        "seconds": None if after is None else int(after.total_seconds()),
    }


def _voices(answers: Answers, changed: list[Mention], zone: ZoneInfo) -> list[str]:
    from alerts.messages import duration_words

    after = answers.first_after
    said = "尚未看到回应 none seen" if after is None else f"投诉后 {duration_words(after)}"
    lines = [f"首次公开回应 first response  {said}"]
    lines += [
        f"公开回应 response  {one.at.astimezone(zone):%m-%d %H:%M}  {one.actor}  {one.url}  "
        f"{one.note}"
        for one in answers.responses
    ]
    lines += [
        f"可能是回应 may be  {one.published_at.astimezone(zone):%m-%d %H:%M}  {one.author}  "
        f"{one.url}"
        for one in answers.likely
    ]
    for mention in changed:
        fates = ["原文已删除 deleted"] if mention.gone_at else []
        fates += [f"已编辑 {mention.revision} 次 edited"] if mention.revision else []
        name = (mention.title or mention.text)[:30]
        lines.append(f"删改 changed  {mention.mention_id}  {'，'.join(fates)}  {name}")
    return lines


def replied_(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="code or id")],
    url: Annotated[str, typer.Option(help="where the answer stands")],
    at: Annotated[str, typer.Option(help="when, in the project's time zone (default: now)")] = "",
    note: Annotated[str, typer.Option(help="what was answered")] = "",
    by: Annotated[str, typer.Option(help="who says so (default: your login name)")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note an answer in public that no official account was seen to give."""
    from groundswell import wiring
    from groundswell.cli.times import moment
    from groundswell.clock import RealClock
    from groundswell.desk import Desk

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        desk = Desk(store=store, project=project, clock=RealClock(), links=links)
        response = desk.replied(
            incident,
            url=url,
            actor=by or getpass.getuser(),
            at=moment(at, project.settings.zone),
            note=note,
        )
    zone = project.settings.zone
    line = f"已登记 noted  {response.at.astimezone(zone):%m-%d %H:%M}  {response.url}"
    show(choices, {"response": response}, [line])


def _lines(
    found: Incident, events: list[IncidentEvent], intents: list[Intent], zone: ZoneInfo
) -> list[str]:
    lines = [
        f"【{found.level.zh}】{found.code} {found.title}",
        f"状态 state  {found.state}（第 {found.epoch} 轮 epoch），负责人 owner {found.owner_id}"
        + ("（兜底代管，待指派 held by the fallback）" if found.policy.held else ""),
    ]
    if found.grade is not None:
        lines += [f"为什么 why  {reason.text}" for reason in found.grade.reasons]
        lines.append(f"规则版本 rule  {found.grade.rule_version}")
    lines += incident_acts.lines_of(found, zone)
    lines += _clocks(found, zone)
    lines += [
        f"{event.at.astimezone(zone):%m-%d %H:%M}  {event.kind}  {event.actor}" for event in events
    ]
    lines += [
        f"消息 message  {i.status}  → {i.recipient_id} ({i.channel_id})  {i.subject}"
        for i in intents
    ]
    return lines


def _clocks(found: Incident, zone: ZoneInfo) -> list[str]:
    """Say what is left of the service limits, and until when notices are held."""
    from datetime import UTC

    from alerts.card import service_words

    words = service_words(found, datetime.now(UTC))
    lines = [f"服务时限 service  {words}"] if words else []
    if found.tier:
        lines.append(f"客户等级 tier  {found.tier}：{found.tier_why}")
    if found.muted_until is not None:
        by = f"（{found.muted_by}）" if found.muted_by else ""
        lines.append(f"静默至 silent until  {found.muted_until.astimezone(zone):%m-%d %H:%M}{by}")
    return lines


def _act(name: str, option: str) -> Callable[..., None]:
    """Return the command function of one act; `option` is the one value that it takes, if any."""

    def act(
        context: typer.Context,
        incident: Annotated[str, typer.Argument(help="code or id")],
        value: str = "",
        why: Annotated[str, typer.Option(help="a word for those who read the log")] = "",
        by: Annotated[str, typer.Option(help="who acts (default: your login name)")] = "",
        config: ConfigOption = None,
        database: DatabaseOption = None,
        as_json: JsonOption = False,
    ) -> None:
        from groundswell import wiring
        from groundswell.clock import RealClock
        from groundswell.desk import Desk

        choices = chosen(context, config=config, database=database, as_json=as_json)
        clock = RealClock()
        with wiring.opened(choices.config, choices.database) as (project, store):
            links = wiring.make_links(project, store)
            desk = Desk(store=store, project=project, clock=clock, links=links)
            actor = by or getpass.getuser()
            command = _command(
                name.replace("-", "_"), actor, {"why": why, option or "note": value}, clock.now()
            )
            after = desk.act(incident, command, into=value if option == "into" else "")
        line = f"{after.code} → {after.state}（{after.level.zh}）{after.title}"
        show(choices, {"incident": after}, [line])

    act.__name__ = name
    # the option's name is not known where annotations are read, so this one is put in by hand
    flag = typer.Option(f"--{option or 'note'}", help=_VALUES[option])
    act.__annotations__["value"] = Annotated[str, flag]
    return act


def _command(name: str, actor: str, values: dict[str, str], now: datetime) -> Command:
    from alerts.incidents import Command
    from config.errors import ConfigError

    until = None
    if hours := values.get("hours"):
        try:
            until = now + timedelta(hours=float(hours))
        except (ValueError, OverflowError) as error:
            raise ConfigError(f"--hours {hours!r}: expected a number of hours") from error
    said = (values.get(name) for name in ("reason", "note", "why"))
    text = next((text for text in said if text), "")
    return Command(name=name, actor=actor, text=text, owner_id=values.get("to", ""), until=until)
