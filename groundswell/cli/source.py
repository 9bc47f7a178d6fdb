"""groundswell source: the crawler engineer's loop."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from groundswell.cli import library, source_fixtures, source_probe
from groundswell.cli.output import (
    Choices,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    print_json,
    say,
    show,
    table,
)

if TYPE_CHECKING:
    from config.schema import Project, SourceConfig
    from crawlers.trial import Taken
    from groundswell.adapting import SourceScores
    from storage.records import SourceState

SourceArgument = Annotated[
    str, typer.Argument(help="a source's id, or a YAML file with one source")
]
PageOption = Annotated[Path | None, typer.Option(help="a saved page instead of the network")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Sources: see and try them. 信源：查看与试抓。" + example("groundswell source list")
    )
    app.command(
        "list",
        help="All sources with their health. 信源与健康状态。" + example("groundswell source list"),
    )(list_)
    app.command(
        "try",
        help="Try a source without saving anything: live, or on a saved page. 试抓，不写库。\n\n"
        "Exit: 0 ok, 1 failed, 2 usage or config, 3 expectations unmet, 4 blocked, 5 network."
        + example("groundswell source try jing-tousu --page saved.html"),
    )(try_)
    source_fixtures.register(app)
    source_probe.register(app)
    library.register(app)
    app.command(
        "schema",
        help="Print the JSON Schema of a source, for completion in editors. 编辑器补全用的结构。"
        + example("groundswell source schema > source.json"),
    )(schema)
    return app


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List sources: health, cause, last success and next poll; how their scores are put right."""
    from groundswell import wiring
    from groundswell.adapting import WINDOW, described

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        states = {state.source_id: state for state in queries.sources()}
        unsure = queries.unsure_shares(datetime.now(UTC) - WINDOW)
        scores = described(queries.adaptations(), unsure)
    rows: list[tuple[object, ...]] = []
    document = []
    zone = ZoneInfo(project.settings.timezone)  # as `source try` and the console say it
    for source in project.sources:
        state = states.get(source.id)  # type: ignore[call-overload]
        said = scores.get(source.id)  # type: ignore[call-overload]
        document.append(
            {
                "id": source.id,
                "name": source.name,
                "kind": source.kind,
                "state": state,
                "scores": said,
            }
        )
        rows.append(
            (
                source.id,
                source.name,
                source.kind,
                state.health if state else "new",
                _said(state, source, project) if state else "",
                state.items if state else 0,
                _unsure(said),
                _shift(said),
                _when(state.last_ok_at if state else None, zone),
                _when(state.next_poll_at if state else None, zone),
            )
        )
    header = (
        *("id", "name", "kind", "health", "cause", "mentions", "unsure 拿不准", "shift 校准"),
        *("last ok", "next poll"),
    )
    # What people brought in by file or through the API is a source of scores, too.
    doors = {one: said for one, said in scores.items() if project.source(one) is None}
    for source_id, said in doors.items():
        given = _unsure(said), _shift(said)
        rows.append((source_id, "", "door", "", "", said.judged, *given, "", ""))
    show(choices, {"sources": document, "doors": doors}, table(header, rows))


def _unsure(scores: SourceScores | None) -> str:
    share = scores.unsure_share if scores else None
    return "" if share is None else f"{share:.0%}"


def _shift(scores: SourceScores | None) -> str:
    return f"{scores.shift:+.2f}" if scores and scores.version else ""


def _said(state: SourceState, source: SourceConfig, project: Project) -> str:
    """Return the cause in words and what became of changed rules."""
    from groundswell.sourcing_advice import change_of

    said = (state.cause_text, change_of(state, source, project.brands))
    return "；".join(text for text in said if text)


def _when(moment: datetime | None, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else "never"


def try_(
    context: typer.Context,
    source: SourceArgument,
    url: Annotated[str | None, typer.Option(help="another start URL")] = None,
    page: PageOption = None,
    n: Annotated[int, typer.Option("--n", min=1, max=1000, help="items to show")] = 5,
    diff: Annotated[
        str | None, typer.Option(help="compare with another version of the source: a YAML file")
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch (or read) one page and show what each selector found."""
    from crawlers.trial import read_pages
    from groundswell import sourcing
    from groundswell.places import database_there, load_project
    from groundswell.sourcing_lines import trial_lines

    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = load_project(choices.config)
    now = datetime.now(UTC)
    tried = sourcing.filled_in(sourcing.find_source(project, source), project.brands)
    pages = _pages(tried, project, url, page, now)
    if diff is not None:
        other = sourcing.filled_in(sourcing.find_source(project, diff), project.brands)
        _compare(choices, tried, other, pages, now)
    trial = read_pages(tried, pages, now, rows=n)
    there = database_there(project, directory, choices.database)
    memory = sourcing.remember_at(there, tried, trial)
    trial = sourcing.complete(trial, tried, project.brands, memory, now)
    show(choices, trial, trial_lines(trial, ZoneInfo(tried.tz)))
    raise typer.Exit(trial.exit_code)


def _pages(
    source: SourceConfig, project: Project, url: str | None, page: Path | None, now: datetime
) -> tuple[Taken, ...]:
    """Take the saved page, or fetch."""
    from crawlers.trial import fetch_pages, saved_page
    from groundswell.sourcing import read_page_file

    if page is None:
        return fetch_pages(source, project.settings, now=now, url=url)
    return (saved_page(source, read_page_file(page, source.fetch.max_bytes), url, now),)


def _compare(
    choices: Choices,
    old: SourceConfig,
    new: SourceConfig,
    pages: tuple[Taken, ...],
    now: datetime,
) -> NoReturn:
    """Read the same pages by both versions and say what differs."""
    from crawlers.comparison import ROWS, compare
    from crawlers.trial import read_pages
    from groundswell.sourcing_lines import comparison_lines

    compared = compare(
        read_pages(old, pages, now, rows=ROWS), read_pages(new, pages, now, rows=ROWS)
    )
    show(choices, compared, comparison_lines(compared))
    raise typer.Exit(compared.exit_code)


def schema() -> None:
    """Print the schema on stdout, and on stderr how to attach it."""
    from config.load import schemas

    print_json(schemas()["source.json"])
    say(
        "把它存成项目里的 schemas/source.json，并在每个信源文件第一行写：\n"
        "# yaml-language-server: $schema=../schemas/source.json\n"
        "支持 YAML 语言服务的编辑器（VS Code 的 YAML 扩展、JetBrains、Neovim 等）就会补全和查错。\n"
        "groundswell init 新建的项目已经配好；groundswell check --schemas schemas/ 更新全部结构。"
    )
