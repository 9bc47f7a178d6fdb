"""groundswell coverage: which platforms are seen, and what to do about the others."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

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
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from groundswell.coverage import Coverage, Line

_WORDS = {
    "seen": "看得到",
    "partial": "看不全",
    "ill": "有故障",
    "stale": "久未更新",
    "waiting": "等第一次",
    "unseen": "没有看到",
}


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="Which platforms are seen, by which way, and what to do about the others. 覆盖。"
        + example("groundswell coverage", "groundswell coverage --json")
    )(coverage)


def coverage(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a line per platform."""
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from groundswell import wiring
    from groundswell.coverage import survey

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        found = survey(queries, project, datetime.now(UTC))
    show(choices, found, _lines(found, ZoneInfo(project.settings.timezone)))


def _lines(found: Coverage, zone: ZoneInfo) -> Iterator[str]:
    from groundswell.coverage import Sight

    seen, unseen = found.count(Sight.SEEN), found.count(Sight.UNSEEN, Sight.WAITING)
    yield f"常问的 {found.total} 个平台：看得到 {seen} 个，没有看到 {unseen} 个"
    header = ("platform", "seen", "ways in", "last", "7 days")
    yield from table(header, [_row(line, zone) for line in (*found.lines, *found.others)])
    for line in found.lines:
        if line.core and line.sight is not Sight.SEEN:
            ready = f"  现成的信源: {', '.join(line.library)}" if line.library else ""
            yield f"{line.name}: {line.advice}{ready}"


def _row(line: Line, zone: ZoneInfo) -> tuple[str, ...]:
    ways = ", ".join(way.id for way in line.ways) or "-"
    last = line.last_at.astimezone(zone).strftime("%m-%d %H:%M") if line.last_at else "never"
    return (line.name, _WORDS[line.sight.value], ways, last, str(line.mentions))
