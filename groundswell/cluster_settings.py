"""Scores of gathering, written into a project's own file: one line changes, comments stay.

In: a project folder, a brand (or none, for all brands), scores. Out: the same file with them in it.
The file is written as a whole or not at all, and only when everything else of it says the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.entries import Entry, read_entries
from config.errors import ConfigError
from config.load import example_dir, load, template_dir
from config.yaml_lines import Document, Where, read_document

_SECTION = "clusters"
_KEY = re.compile(r"^(\s*)([\w\"'-]+)\s*:")
_FLOW = re.compile(r"^(\s*clusters\s*:\s*)\{([^{}#]*)\}(\s*(?:#.*)?)$")


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was changed."""

    path: Path
    line: int


def lines_of(scores: Mapping[str, float], indent: str = "") -> list[str]:
    """Return the section as it is written in a file."""
    return [f"{indent}{_SECTION}:", *(f"{indent}  {key}: {_number(scores[key])}" for key in scores)]


def write_scores(
    directory: Path,
    brand_id: str | None,
    scores: Mapping[str, float],
    environ: Mapping[str, str] | None = None,
) -> Written:
    """Put scores into the brand's file, or without a brand into the project's settings.

    Errors: ConfigError when the project is the shipped one, has mistakes (before or after), or
    the section is written in a way that only a person can change; the file is then as it was.
    """
    environ = os.environ if environ is None else environ
    shipped = (example_dir().resolve(), template_dir().resolve())
    if any(directory.resolve().is_relative_to(place) for place in shipped):
        raise ConfigError(
            f"{directory}: the project that ships with the program is not changed;"
            " groundswell init DIR makes one of your own"
        )
    load(directory, environ=environ)  # what is wrong already is said before anything is written
    entry = _entry(directory, brand_id, environ)
    path = _path(directory, entry.document)
    before = path.read_bytes()
    after = _changed(before, entry, scores)
    _compare(entry, after, scores, environ, path)
    _replace(path, after)
    try:
        load(directory, environ=environ)
    except ConfigError:
        _replace(path, before)
        raise
    return Written(path, _line(path, after, environ, (*entry.where, _SECTION)))


def _entry(directory: Path, brand_id: str | None, environ: Mapping[str, str]) -> Entry:
    kind = "settings" if brand_id is None else "brand"
    for entry in read_entries(directory, environ).entries:
        if entry.kind == kind and (brand_id is None or entry.id == brand_id):
            return entry
    missing = "settings:" if brand_id is None else f'brand "{brand_id}"'
    raise ConfigError(f"{directory}: writing the scores of gathering: no file holds {missing}")


def _path(directory: Path, document: Document) -> Path:
    named = Path(document.file)
    return named if named.is_file() else directory / document.file


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0")


def _changed(before: bytes, entry: Entry, scores: Mapping[str, float]) -> bytes:
    text = before.decode("utf-8")
    lines = text.splitlines(keepends=True)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    place = (*entry.where, _SECTION)
    at = entry.document.lines.get(place)
    if at is None:
        _add_section(lines, entry, scores, ending)
    elif (flow := _FLOW.match(lines[at - 1].rstrip("\r\n"))) is not None:
        lines[at - 1] = _in_flow(flow, scores) + ending
    else:
        _in_block(lines, entry.document, place, scores, ending)
    return "".join(lines).encode()


def _add_section(lines: list[str], entry: Entry, scores: Mapping[str, float], ending: str) -> None:
    if entry.where:  # settings: right below its own line, as far in as what stands there
        at = entry.document.line(entry.where)
        children = _children(entry.document, entry.where)
        first = _KEY.match(lines[children[0][1] - 1]) if children else None
        indent = first[1] if first else "  "
        lines[at:at] = [line + ending for line in lines_of(scores, indent)]
    else:
        lines += [line + ending for line in ("", *lines_of(scores))]


def _in_flow(flow: re.Match[str], scores: Mapping[str, float]) -> str:
    pairs = [pair.strip() for pair in flow[2].split(",") if pair.strip()]
    kept = [pair for pair in pairs if pair.partition(":")[0].strip() not in scores]
    pairs = [*kept, *(f"{key}: {_number(value)}" for key, value in scores.items())]
    return f"{flow[1]}{{{', '.join(pairs)}}}{flow[3]}"


def _in_block(
    lines: list[str], document: Document, place: Where, scores: Mapping[str, float], ending: str
) -> None:
    there = dict(_children(document, place))
    first = min(there.values(), default=0)
    head = _KEY.match(lines[first - 1]) if first else None
    own = _KEY.match(lines[document.line(place) - 1])
    indent = head[1] if head else (own[1] if own else "") + "  "
    new = []
    for key, value in scores.items():
        if key in there:
            line = lines[there[key] - 1]
            pattern = rf"^(\s*[\"']?{key}[\"']?\s*:\s*)[^\s#]+"
            lines[there[key] - 1] = re.sub(pattern, rf"\g<1>{_number(value)}", line, count=1)
        else:
            new.append(f"{indent}{key}: {_number(value)}{ending}")
    at = document.line(place)
    lines[at:at] = new


def _children(document: Document, place: Where) -> list[tuple[str, int]]:
    """Return the keys right below a place and their lines, in the order of the file."""
    found = [
        (str(where[-1]), line)
        for where, line in document.lines.items()
        if len(where) == len(place) + 1 and where[: len(place)] == place
    ]
    return sorted(found, key=lambda one: one[1])


def _compare(
    entry: Entry,
    after: bytes,
    scores: Mapping[str, float],
    environ: Mapping[str, str],
    path: Path,
) -> None:
    """Make sure that the scores changed and nothing else did. Errors: ConfigError."""
    document, problems = read_document(entry.document.file, after, environ)
    if document is not None and not problems:
        wanted = _with_scores(entry.document.value, (*entry.where, _SECTION), scores)
        if document.value == wanted:
            return
    raise ConfigError(
        f"{path}: the section {_SECTION} is written in a way that is not changed by the program;"
        f" write by hand: {' / '.join(line.strip() for line in lines_of(scores))}"
    )


def _with_scores(value: object, place: Sequence[str | int], scores: Mapping[str, float]) -> object:
    found = dict(value) if isinstance(value, dict) else {}
    if not place:
        return found | {key: float(_number(score)) for key, score in scores.items()}
    return found | {place[0]: _with_scores(found.get(place[0]), place[1:], scores)}


def _replace(path: Path, body: bytes) -> None:
    try:
        draft = path.with_name(f".{path.name}.new")
        draft.write_bytes(body)
        draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)  # noqa: PTH105 - atomic on every platform
    except OSError as error:
        raise ConfigError(
            f"{path}: writing the scores of gathering: {error.strerror}; nothing was changed"
        ) from error


def _line(path: Path, body: bytes, environ: Mapping[str, str], place: Where) -> int:
    document, _ = read_document(str(path), body, environ)
    return document.line(place) if document is not None else 1
