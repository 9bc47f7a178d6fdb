"""groundswell digest: the daily digest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    say,
    show,
)

if TYPE_CHECKING:
    from config.schema import Owner


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="The daily digest: new, growing, overdue, waiting, closed, not seen. 日报。"
        + example("groundswell digest", "groundswell digest --owner zhoulan --html digest.html")
    )(digest)


def digest(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option(help="local day, e.g. 2026-11-22 (default: today)")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="owner id (default: the first lead)")] = None,
    html: Annotated[Path | None, typer.Option(help="write the HTML page to this file")] = None,
    send: Annotated[
        bool, typer.Option("--send", help="put it into the outbox, once per day")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compose the digest of one day for one owner."""
    from datetime import UTC, date, datetime

    from config.errors import ConfigError, GroundswellError
    from groundswell import wiring
    from groundswell.digests import Digests

    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = wiring.load_project(choices.config)
    reader = project.owner(owner) if owner else _default_owner(project.owners)
    if reader is None:
        known = ", ".join(person.id for person in project.owners)
        raise ConfigError(f"no owner {owner!r}; known: {known}")
    now = datetime.now(UTC)
    try:
        local_day = date.fromisoformat(day) if day else now.astimezone(reader.zone).date()
    except ValueError as error:
        raise ConfigError(f"--day {day!r}: expected a day such as 2026-11-22") from error
    store = wiring.open_store(wiring.database_url(project, directory, choices.database))
    try:
        digests = Digests(store=store, project=project, links=wiring.make_links(project, store))
        composed = digests.compose(reader, local_day, now=now)
        if html is not None:
            html.write_text(digests.html(composed), encoding="utf-8")
            say(f"wrote {html}")
        if send and not digests.send(reader, local_day, now):
            raise GroundswellError(f"{reader.id} has had the digest of {local_day} already")
    finally:
        store.close()
    show(choices, composed, digests.text(composed).splitlines())


def _default_owner(owners: Sequence[Owner]) -> Owner | None:
    leads = [owner for owner in owners if owner.role == "lead"]
    return next(iter([*leads, *owners]), None)
