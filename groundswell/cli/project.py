"""groundswell check, doctor, init: the project itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

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
)

if TYPE_CHECKING:
    from datetime import datetime

    from config.schema import Project


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(
        help="Validate the whole configuration; every error at once as file:line. 检查配置。"
        + example("groundswell check", "groundswell check --schemas schemas/")
    )(check)
    app.command(
        help="Check database, model, channels, clock, disk and sources. 体检,并说明该怎么办。"
        + example("groundswell doctor")
    )(doctor)
    app.command(help="Make a new project folder. 新建项目。" + example("groundswell init mine"))(
        init
    )


def check(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    schemas: Annotated[
        Path | None, typer.Option(help="also write JSON Schemas for editors into this folder")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Validate the configuration and run the brands' saved examples."""
    from datetime import UTC, datetime

    from alerts.route_lint import lint_routes
    from classify.matching import BrandMatcher
    from classify.matching_context import undeclared
    from config.errors import ConfigError
    from config.load import example_places, summary
    from groundswell.wiring import load_project

    choices = chosen(context, config=config, database=database, as_json=as_json)
    try:
        project, directory = load_project(choices.config)
    except ConfigError as error:
        _refuse(choices, list(error.problems))
    surprises = BrandMatcher(project.brands).run_examples()
    if surprises:
        places = example_places(directory)
        _refuse(choices, [f"{places[one.brand_id, one.place]}: {one.text}" for one in surprises])
    if schemas is not None:
        _write_schemas(schemas)
    unproved, unknown = _unproved(project, directory, choices.database)
    if unproved:
        _refuse(choices, unproved)
    now = datetime.now(UTC)
    warnings = [
        *unknown,
        *(finding.text for finding in lint_routes(project, now)),
        *_unknown_year(project, now),
        *undeclared(project.brands),
        *_hidden_authors(project),
    ]
    found = summary(project)
    document = {"ok": True, "directory": directory, "found": found, "warnings": warnings}
    lines = [f"{directory}: OK", *(f"  {line}" for line in found)]
    show(choices, document, [*lines, *(f"warning: {line}" for line in warnings)])


def _unproved(
    project: Project, directory: Path, database: str | None
) -> tuple[list[str], list[str]]:
    """Return who is on duty and has no proved channel that wakes him; and why it is not known.

    Without a database nothing can have been proved yet: then it is only said. Nothing is made.
    """
    from config.errors import StoreError
    from groundswell.places import database_there
    from groundswell.verifying import KEY, to_be_woken, unproved_wakers
    from storage.store import Store

    if not to_be_woken(project):
        return [], []
    url = database_there(project, directory, database)
    advice = "groundswell people verify OWNER CHANNEL"
    if url is None:
        return [], [f"wake-up channels are not proved yet: no database; then {advice}"]
    try:
        store = Store(url)
    except StoreError as error:
        return [], [f"wake-up channels were not looked at: {error}"]
    try:
        with store.read() as queries:
            return unproved_wakers(project, queries.addresses(), queries.meta(KEY)), []
    finally:
        store.close()


def _unknown_year(project: Project, now: datetime) -> list[str]:
    """Warn when the work calendar runs out: rosters and service hours go by weekdays then."""
    from config.workdays import unknown_year

    found = unknown_year(project.settings.calendar, now.astimezone(project.settings.zone).date())
    return [found] if found else []


def _hidden_authors(project: Project) -> list[str]:
    """Warn of exclusions that cannot work: authors are hidden before brands are looked for."""
    if not project.settings.pseudonymise_authors:
        return []
    return [
        f'brand "{brand.id}": exclude.authors has no effect while pseudonymise_authors is on; '
        'name accounts of your own under "official"'
        for brand in project.brands
        if brand.exclude.authors
    ]


def _refuse(choices: Choices, problems: list[str]) -> NoReturn:
    """End with every problem named."""
    if choices.as_json:
        print_json({"ok": False, "problems": problems})
    else:
        say("\n".join(problems))
    raise typer.Exit(2)


def _write_schemas(directory: Path) -> None:
    import json

    from config.load import schemas

    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        (directory / name).write_text(text + "\n", encoding="utf-8")
        say(f"wrote {directory / name}")


def doctor(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at everything the main job needs, without sending anything."""
    from groundswell.doctor import examine
    from groundswell.wiring import load_project

    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = load_project(choices.config)
    findings = examine(project, directory, choices.database)
    marks = {"ok": "  ok ", "warn": "WARN ", "bad": " BAD "}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.grade]} {finding.what}: {finding.seen}")
        if finding.advice:
            lines.append(f"       → {finding.advice}")
    show(choices, {"findings": findings}, lines)
    if any(finding.grade == "bad" for finding in findings):
        raise typer.Exit(1)


def init(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="folder to make")],
    as_json: JsonOption = False,
) -> None:
    """Write a commented project with one brand, two sources and two owners."""
    from config.library import copy_media
    from config.load import copy_template

    written = copy_template(directory)
    if not (directory / "media.yaml").exists():
        written.append(copy_media(directory))
    _write_schemas(directory / "schemas")  # the files' first lines point editors there
    choices = chosen(context, as_json=as_json)
    lines = [f"wrote {path}" for path in written]
    lines += [
        f"next: edit {directory}/brands, then: groundswell check --config {directory}",
        f"      and run it:                     groundswell run --config {directory}",
    ]
    show(choices, {"directory": directory, "written": written}, lines)
