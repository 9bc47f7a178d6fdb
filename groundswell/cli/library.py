"""groundswell source library|add: ready-made sources, and taking one into a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import ConfigOption, JsonOption, chosen, example, say, show, table

if TYPE_CHECKING:
    from config.library import LibraryEntry

NEEDS_NOTHING = "none"


def register(app: typer.Typer) -> None:
    """Add these commands to those of `source`."""
    app.command(
        "library",
        help="Ready-made sources that a project can take. 现成的信源。"
        + example(
            "groundswell source library --platform 微博",
            "groundswell source library --needs none",
        ),
    )(library_)
    app.command(
        "add",
        help="Copy a ready-made source (or `media`, the table of media) into a project; nothing "
        "is overwritten. 把现成的信源放进项目。"
        + example("groundswell source add bing-news --config my-project"),
    )(add)


def library_(
    context: typer.Context,
    platform: Annotated[str | None, typer.Option(help="only this platform (or part of it)")] = None,
    needs: Annotated[
        str | None, typer.Option(help="only what needs this: rsshub, cookie, login, none")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the library."""
    from config.library import entries

    choices = chosen(context, as_json=as_json)
    found = [item for item in entries() if _of_platform(item, platform) and _in_need(item, needs)]
    header = ("id", "name", "kind", "platform", "needs", "verified", "fill in")
    rows = [
        (
            item.id,
            item.name,
            item.kind,
            item.platform,
            " ".join(item.needs) or "-",
            item.verified,
            " ".join(place.name for place in item.places) or "-",
        )
        for item in found
    ]
    lines = [*table(header, rows), f"{len(found)} sources; take one: groundswell source add ID"]
    show(choices, {"sources": found}, lines)


def _of_platform(item: LibraryEntry, platform: str | None) -> bool:
    return platform is None or platform.casefold() in item.platform.casefold()


def _in_need(item: LibraryEntry, needs: str | None) -> bool:
    if needs is None:
        return True
    return not item.needs if needs == NEEDS_NOTHING else needs in item.needs


def add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="an id of the library, or media")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE for a place to fill in")
    ] = None,
    as_: Annotated[
        str, typer.Option("--as", help="another id, for a second one of the same kind")
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy one file and say what is still to be done."""
    from config.errors import ConfigError
    from config.library import MEDIA, copy, copy_media, entry
    from config.load import example_dir
    from groundswell.places import project_dir

    choices = chosen(context, config=config, as_json=as_json)
    directory = project_dir(choices.config)
    if directory == example_dir():
        raise ConfigError(
            "taking a source into a project: name its folder with --config, or stand in it"
        )
    if source == MEDIA:
        written = copy_media(directory)
        show(choices, {"written": written}, [f"wrote {written}"])
        return
    written = copy(source, directory, _values(set_ or []), new_id=as_)
    taken = entry(source)
    remaining = _problems(directory)
    lines = [f"wrote {written}", f"terms 条款: {taken.terms}"]
    lines += [f"needs 需要: {', '.join(taken.needs)}"] if taken.needs else []
    lines += [] if taken.enabled else ["off 默认停用: 文件里的说明写了为什么,以及正路"]
    lines.append(f"next: groundswell source try {as_ or taken.id} --config {directory}")
    show(choices, {"written": written, "entry": taken, "problems": remaining}, lines)
    for problem in remaining:
        say(f"still to do 还差: {problem}")


def _values(pairs: list[str]) -> dict[str, str]:
    from config.errors import ConfigError

    bad = [pair for pair in pairs if not pair.partition("=")[0] or "=" not in pair]
    if bad:
        raise ConfigError(*(f"--set {pair[:60]!r}: expected NAME=VALUE" for pair in bad))
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _problems(directory: Path) -> list[str]:
    """Return what the whole project still lacks with the new source: an allowance, for example."""
    from config.errors import ConfigError
    from config.load import load

    try:
        load(directory)
    except ConfigError as error:
        return list(error.problems)
    return []
