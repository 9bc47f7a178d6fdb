"""groundswell messages: what people are told, and how it reads on each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from config.schema import Project
    from groundswell.cli.output import Choices
    from groundswell.message_preview import Preview, Subject


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Texts of messages. 消息文案。" + example("groundswell messages preview")
    )
    app.command(
        "preview",
        help="How messages read: first line, bytes, buttons. Sends nothing. 预览消息，不发送。"
        + example(
            "groundswell messages preview",
            "groundswell messages preview --occasion all --channel feishu_bot",
            "groundswell messages preview --occasion escalation --channel sms --json",
        ),
    )(preview)
    app.command(
        "texts",
        help="The texts in force as a file to edit: save it as messages.yaml. 当前文案。"
        + example("groundswell messages texts", "groundswell messages texts notice"),
    )(texts)
    return app


def preview(
    context: typer.Context,
    occasion: Annotated[str, typer.Option(help="notice, escalation ... or all")] = "notice",
    channel: Annotated[
        str, typer.Option(help="a channel's id or a kind (default: one of each kind)")
    ] = "",
    incident: Annotated[
        str, typer.Option(help="code or id of an incident (default: a made-up one)")
    ] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print each message as it would leave."""
    from datetime import UTC, datetime

    from groundswell.message_preview import channels_of, occasions_of, previews
    from groundswell.places import load_project

    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, _ = load_project(choices.config)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    wanted, channels = occasions_of(occasion), channels_of(project, channel)
    subject = _subject(project, incident, choices, now)
    found = list(previews(project, subject, wanted, channels, now))
    show(choices, {"messages": [_document(one) for one in found]}, _lines(found))


def texts(
    context: typer.Context,
    occasion: Annotated[str, typer.Argument(help="one of them (default: all)")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the texts in force: the project's own, else the shipped ones."""
    from config.errors import GroundswellError
    from config.templates import defaults
    from config.wording import did_you_mean
    from groundswell.places import load_project

    choices = chosen(context, config=config, as_json=as_json)
    project, _ = load_project(choices.config)
    in_force = {name: project.templates.get(name, text) for name, text in defaults().items()}
    if occasion:
        if occasion not in in_force:
            guess = did_you_mean(occasion, in_force)
            raise GroundswellError(f'there is no message "{occasion}"{guess}')
        in_force = {occasion: in_force[occasion]}
    lines = ["templates:"]
    for name, text in in_force.items():
        lines.append(f"  {name}: |")
        lines += [f"    {line}" for line in text.strip("\n").splitlines()]
    show(choices, {"templates": in_force}, lines)


def _subject(project: Project, incident: str, choices: Choices, now: datetime) -> Subject:
    from config.errors import GroundswellError
    from groundswell.message_preview import Subject, made_up

    if not incident:
        return made_up(project, now)
    from groundswell.acting import SAMPLES
    from groundswell.hot import HotLists
    from groundswell.wiring import opened

    with opened(choices.config, choices.database) as (_, store), store.read() as queries:
        found = queries.incident(incident)
        if found is None:
            raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
        hot = HotLists(project)
        seen = hot.see(queries.evidence(found.cluster_id, now), hot.look(queries, now))
        samples = queries.cluster_mentions(found.cluster_id, SAMPLES)
    return Subject(incident=found, evidence=seen, samples=samples)


def _lines(found: list[Preview]) -> Iterator[str]:
    for one in found:
        message = one.message
        size = len(message.body.encode())
        yield (
            f"== {one.occasion} · {one.channel.id} ({one.channel.kind}, {one.dialect}) · "
            f"{size}/{one.bytes_limit} bytes · first line {len(message.subject)}/40"
        )
        yield from message.body.split("\n")
        if message.actions:
            yield "按钮 buttons: " + " ".join(f"[{action.label}]" for action in message.actions)
        if one.channel.kind in {"sms", "voice"}:
            yield "参数 words: " + ", ".join(f"{k}={v}" for k, v in message.words.items())
        yield ""


def _document(one: Preview) -> dict[str, object]:
    message = one.message
    return {
        "occasion": str(one.occasion),
        "channel": one.channel.id,
        "kind": one.channel.kind,
        "dialect": one.dialect,
        "bytes": len(message.body.encode()),
        "bytes_limit": one.bytes_limit,
        "subject": message.subject,
        "body": message.body,
        "actions": [
            {"name": action.name, "label": action.label, "url": action.url}
            for action in message.actions
        ],
        "words": dict(message.words),
    }
