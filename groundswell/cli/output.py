"""What every command shares: the common options, and how results reach people or programs.

Results go to stdout, progress and logs to stderr; with --json stdout holds one JSON document.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True, slots=True)
class Choices:
    """The shared options as given before the command's name."""

    config: str | None = None
    database: str | None = None
    as_json: bool = False


ConfigOption = Annotated[
    str | None,
    typer.Option("--config", help="project folder (default: this one, else the packaged example)"),
]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="database URL (default: from the project)")
]
JsonOption = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]


def chosen(
    context: typer.Context,
    config: str | None = None,
    database: str | None = None,
    as_json: bool = False,
) -> Choices:
    """Merge options given after the command's name with those given before it."""
    before = context.find_object(Choices) or Choices()
    return Choices(
        config=config or before.config,
        database=database or before.database,
        as_json=as_json or before.as_json,
    )


def example(*commands: str) -> str:
    """Return the closing lines of a help text: commands that run as they stand."""
    return "\n\nExample:\n\n\b\n" + "\n".join(f"  {command}" for command in commands)


def show(choices: Choices, document: object, lines: Iterable[str]) -> None:
    """Print a result: the document as JSON for programs, else the lines for people."""
    if choices.as_json:
        print_json(document)
        return
    for line in lines:
        typer.echo(harmless(line))


def harmless(line: str) -> str:
    """Return a line without what a terminal would act on: texts and names come off the web."""
    if line.isprintable():
        return line
    return "".join(one if _is_harmless(one) else "�" for one in line)


def _is_harmless(character: str) -> bool:
    from unicodedata import category

    # the joiner holds emoji together; 　 is no control either
    return character.isprintable() or character in "\n\t\u200d" or category(character) == "Zs"


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(plain(document), ensure_ascii=False, indent=2))


def plain(value: object) -> Any:
    """Turn records, enums, instants and mappings into what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not isinstance(getattr(value, field.name), bytes)
        }
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    match value:
        case Enum():
            return value.name.lower() if isinstance(value.value, int) else value.value
        case datetime() | date():
            return value.isoformat()
        case Path():
            return str(value)
        case _:
            return value


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a plain table; Chinese characters count as two columns."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        padded = [cell + " " * (widths[i] - _width(cell)) for i, cell in enumerate(row)]
        yield "  ".join(padded).rstrip()


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress bars on stderr while the block runs; nothing when stderr is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not sys.stderr.isatty(), transient=True) as bars:
        yield bars


def say(text: str) -> None:
    """Print a line for people on stderr."""
    typer.echo(text, err=True)


def write_picture(path: Path, svg: str) -> None:
    """Write an SVG document and say so on stderr. Errors: ConfigError when it cannot be written."""
    from config.errors import ConfigError

    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: the picture cannot be written: {error.strerror}; name another file"
        ) from error
    say(f"图已写入 wrote {path}")
