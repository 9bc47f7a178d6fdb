"""groundswell source record, test, pages: recorded pages, and what is to be read of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
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
    from config.schema import Project, SourceConfig
    from crawlers.recording import Fixture
    from crawlers.trial import Taken
    from groundswell.sourcing_fixtures import Checked


def register(app: typer.Typer) -> None:
    """Add these commands to the noun."""
    app.command(
        "record",
        help="Keep a page with what is to be read of it, as a test. 录下页面作为回归样本。\n\n"
        "Stored under fixtures/ID/NAME in the project folder, without cookies, tokens, mail "
        "addresses and telephone numbers. A page that cannot be read well is stored with the "
        "demand that it can be: source test fails until the source is repaired."
        + example("groundswell source record jing-tousu --page saved.html --to fixtures"),
    )(record)
    app.command(
        "test",
        help="Read every recorded page again, offline, and compare. 离线回归。"
        + example("groundswell source test"),
    )(check_all)
    app.command(
        "pages",
        help="Write the last page that was kept of a source. 取出最近一次的好页或坏页。"
        + example("groundswell source pages jing-tousu --bad --out bad.html"),
    )(pages)


def record(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="a source's id, or a YAML file with one source")],
    url: Annotated[str | None, typer.Option(help="another address")] = None,
    page: Annotated[Path | None, typer.Option(help="a saved page instead of the network")] = None,
    bad: Annotated[bool, typer.Option("--bad", help="the last bad page in the database")] = False,
    name: Annotated[str | None, typer.Option(help="name of the fixture (default: the day)")] = None,
    to: Annotated[Path | None, typer.Option(help="folder (default: the project's)")] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="expect the failure that is read now")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record one page, live its first detail page too."""
    from config.errors import ConfigError
    from crawlers.recording import record as make
    from groundswell import sourcing, sourcing_fixtures
    from groundswell.places import load_project

    if (page is not None) + bad > 1:
        raise ConfigError("source record takes one of --page and --bad, not both")
    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = load_project(choices.config)
    folder = sourcing_fixtures.fixtures_folder(directory, to)
    recorded = sourcing.filled_in(sourcing.find_source(project, source), project.brands)
    now = datetime.now(UTC)
    if bad:
        taken, now = _kept(choices, project, directory, recorded)
    else:
        taken = _taken(recorded, project, url, page, now)
    secrets = _secrets(recorded)
    written = []
    for number, one in enumerate(taken):
        wanted = f"{now:%Y-%m-%d}" if name is None else name
        wanted += f"-{one.link.kind}" if number and one.link else ""
        if name is None:
            wanted = sourcing_fixtures.free_name(folder, recorded.id, wanted)
        fixture = make(recorded, wanted, one, now, secrets=secrets, as_is=as_is)
        written.append((sourcing_fixtures.write(folder, fixture), fixture))
    document = {"written": [{"folder": p, "expected": f.expected} for p, f in written]}
    show(choices, document, _written_lines(written))


def _taken(
    source: SourceConfig, project: Project, url: str | None, page: Path | None, now: datetime
) -> tuple[Taken, ...]:
    """Take the saved page, or fetch. Errors: GroundswellError when nothing came."""
    from config.errors import GroundswellError
    from crawlers.trial import fetch_pages, saved_page
    from groundswell.sourcing import read_page_file

    if page is not None:
        return (saved_page(source, read_page_file(page, source.fetch.max_bytes), url, now),)
    taken = fetch_pages(source, project.settings, now=now, url=url)
    for one in taken:
        if one.fetched.failure is not None:
            got = one.fetched
            said = f"{got.failure.cause.value}: {got.failure.text}" if got.failure else ""
            raise GroundswellError(f"recording {source.id!r}: fetching {got.url} brought {said}")
    return taken


def _kept(
    choices: Choices, project: Project, directory: Path, source: SourceConfig
) -> tuple[tuple[Taken, ...], datetime]:
    """Return the last bad page as the crawler kept it, and when that was."""
    from crawlers.recording import kept_page
    from groundswell.sourcing_pages import kept, link_behind

    url, body, at = kept(project, directory, choices.database, source.id, "bad")
    return (kept_page(url, body, {}, link_behind(source, url)),), at


def _secrets(source: SourceConfig) -> list[str]:
    """Return the secrets that are set here; one that is not cannot be in a page either."""
    from config.errors import ConfigError

    found = []
    for secret in source.secrets.values():
        try:
            found.append(secret.resolve())
        except ConfigError:
            continue
    return found


def _written_lines(written: Sequence[tuple[Path, Fixture]]) -> Iterator[str]:
    words = {"cookies": "Cookie", "tokens": "令牌", "emails": "邮箱", "phones": "手机号"}
    for folder, fixture in written:
        yield f"已录下 wrote {folder}"
        if fixture.scrubbed:
            found = (f"{words.get(kind, kind)} {n}" for kind, n in fixture.scrubbed.items())
            yield f"  已抹去：{'，'.join(found)}"
        if "mentions" not in fixture.expected:
            yield "  这一页现在读不好；期望写成“能读好”，修好选择器后 source test 才会通过"
            continue
        counts = len(fixture.expected["mentions"]), len(fixture.expected["links"])
        failure = fixture.expected["failure"]
        yield f"  期望：提及 {counts[0]} 条，链接 {counts[1]} 个" + (
            f"，失败 {failure}" if failure else ""
        )


def check_all(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(help="only this source: id or YAML file")] = None,
    fixtures: Annotated[Path | None, typer.Option(help="folder (default: the project's)")] = None,
    update: Annotated[
        bool, typer.Option("--update", help="write what is read today as what is expected")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the recorded pages by today's configuration; 1 when something reads otherwise."""
    from groundswell import sourcing, sourcing_fixtures
    from groundswell.places import load_project

    choices = chosen(context, config=config, as_json=as_json)
    project, directory = load_project(choices.config)
    folder = fixtures or directory / sourcing_fixtures.FOLDER
    if update:
        sourcing_fixtures.fixtures_folder(directory, fixtures)
    sources = [sourcing.find_source(project, source)] if source else list(project.sources)
    checked: list[Checked] = []
    for one in sources:
        filled = sourcing.filled_in(one, project.brands)
        for fixture in sourcing_fixtures.read(folder, filled):
            if not checked:  # parsers are loaded with the first page that needs them
                sourcing_fixtures.check(filled, fixture)
            checked.append(sourcing_fixtures.check(filled, fixture))
            if update and checked[-1].differences:
                sourcing_fixtures.update(folder, filled, fixture)
                say(f"updated {folder / one.id / fixture.name}")
    without = [one.id for one in sources if one.id not in {each.source_id for each in checked}]
    strange = [] if source else sourcing_fixtures.strangers(folder, [s.id for s in sources])
    document = {"fixtures": checked, "without": without, "strange": strange}
    show(choices, document, _checked_lines(checked, without, strange))
    failed = any(each.differences for each in checked) and not update
    raise typer.Exit(1 if failed or (source and not checked) else 0)


def _checked_lines(
    checked: Sequence[Checked], without: Sequence[str], strange: Sequence[str]
) -> Iterator[str]:
    for each in checked:
        mark = "不符" if each.differences else "通过"
        yield f"{mark} {each.source_id}/{each.name}  {each.duration_ms:.1f} ms"
        yield from (f"     {_printable(line)}" for line in each.differences)
    if without:
        yield f"没有样本：{'、'.join(without)}（source record ID 录一个）"
    if strange:
        yield f"样本所属的信源已不在配置里：{'、'.join(strange)}"
    failed = sum(bool(each.differences) for each in checked)
    total = sum(each.duration_ms for each in checked)
    yield f"{len(checked)} 个样本，通过 {len(checked) - failed}，不符 {failed}，共 {total:.0f} ms"


def _printable(line: str) -> str:
    from groundswell.sourcing_lines import clean

    return clean(line)


def pages(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="a source's id")],
    good: Annotated[bool, typer.Option("--good/--bad", help="the last good or bad page")] = False,
    out: Annotated[Path | None, typer.Option(help="file (default: stdout)")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write the bytes as they came; on a terminal as text that cannot act on it."""
    from config.errors import GroundswellError
    from groundswell.places import load_project
    from groundswell.sourcing_pages import as_text, kept

    choices = chosen(context, config=config, database=database)
    project, directory = load_project(choices.config)
    kind = "good" if good else "bad"
    url, body, at = kept(project, directory, choices.database, source, kind)
    say(f"{url}  {at:%Y-%m-%d %H:%M} UTC  {len(body)} bytes")
    if out is not None:
        try:
            out.write_bytes(body)
        except OSError as error:
            raise GroundswellError(f"writing {str(out)!r}: {error.strerror}") from error
    elif sys.stdout.isatty():
        typer.echo(as_text(body))
    else:
        sys.stdout.buffer.write(body)
