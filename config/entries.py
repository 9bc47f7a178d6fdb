"""A project directory taken apart into entries: one brand, one owner, one route ...

In: the directory and the environment. Out: raw entries that know their file and line, not yet
validated, and the problems met while reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.wording import did_you_mean, kind_of, nearest
from config.yaml_lines import MAX_BYTES, Document, Problem, Where, read_document

# The top-level keys of the files in the project's root, and the kind of entry each one holds.
LIST_SECTIONS = {
    "channels": "channel",
    "owners": "owner",
    "routes": "route",
    "media": "outlet",
    "issues": "issue",
    "duties": "duty",
    "functions": "function",
    "services": "service",
    "tiers": "tier",
    "maintenance": "window",
    "trial": "trial",
}
SINGLE_SECTIONS = ("settings", "levels", "fallback", "calendar", "templates", "triangle", "tasks")
FOLDERS = {"brands": "brand", "sources": "source", "launches": "launch"}
SECTIONS = (*SINGLE_SECTIONS, *LIST_SECTIONS)


@dataclass(frozen=True, slots=True)
class Entry:
    """One configured thing as it was written. `where` is its place within the file."""

    kind: str
    document: Document
    where: Where
    value: object

    @property
    def id(self) -> str:
        """The entry's id as written, "" when it has none."""
        found = self.get("id")
        return found if isinstance(found, str) else ""

    @property
    def title(self) -> str:
        """What a problem calls it: its kind and id; outlets and issues go by name."""
        name = self.text("name") if self.kind in {"outlet", "issue"} else self.id
        return f'{self.kind} "{name}"' if name else self.kind

    def get(self, *path: str | int) -> object:
        """Return what stands at a place within this entry, None when there is nothing."""
        found = self.value
        for step in path:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def text(self, *path: str | int) -> str:
        """Return the text at a place, "" when there is none."""
        found = self.get(*path)
        return found if isinstance(found, str) else ""

    def words(self, *path: str | int) -> Iterator[tuple[Where, str]]:
        """Yield the texts of a list (or of a single text standing for one) with their places."""
        found = self.get(*path)
        if isinstance(found, str):
            yield path, found
        if isinstance(found, list):
            for index, item in enumerate(found):
                if isinstance(item, str):
                    yield (*path, index), item

    def keys(self, *path: str | int) -> list[str]:
        """Return the keys of the mapping at a place."""
        found = self.get(*path)
        return list(found) if isinstance(found, dict) else []

    def problem(self, text: str, *path: str | int) -> Problem:
        """Return a problem of this entry at a place within it."""
        place = path_text(path)
        colon = ": " if place and not place.startswith("[") else ""
        said = f"{self.title}{colon}{place}: {text}"
        return Problem(self.document.file, self.line(*path), said)

    def line(self, *path: str | int) -> int:
        """Return the line of a place within this entry."""
        return self.document.line((*self.where, *path))


def positions(entry: Entry, *path: str) -> range:
    """Return the indexes of a list within an entry; none when there is no list."""
    found = entry.get(*path)
    return range(len(found)) if isinstance(found, list) else range(0)


def path_text(path: Where) -> str:
    """Write a place as people do: `list.fields.url[1]`."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a directory holds. `unread` are the kinds of which some may exist but were not read."""

    entries: list[Entry]
    problems: list[Problem]
    unread: set[str]


def read_entries(directory: Path, environ: Mapping[str, str]) -> Reading:
    """Read every file of a project directory."""
    reading = Reading([], [], set())
    declared: dict[str, Entry] = {}
    for document in _documents(directory, "", environ, reading):
        for section in _sections(document, declared, reading):
            reading.entries.extend(_split(section, reading))
    for folder, kind in FOLDERS.items():
        for document in _documents(directory, folder, environ, reading):
            reading.entries.extend(whole(kind, document, reading.problems))
    return reading


def read_file(
    path: Path, name: str, environ: Mapping[str, str]
) -> tuple[Document | None, list[Problem]]:
    """Read one file, which problems call `name`; None when it cannot be read at all."""
    try:
        with path.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return None, [Problem(name, 1, f"cannot be read: {error.strerror}")]
    return read_document(name, body, environ)


def whole(kind: str, document: Document, problems: list[Problem]) -> Iterator[Entry]:
    """Yield the entry of a file that holds exactly one."""
    if isinstance(document.value, dict):
        yield Entry(kind, document, (), document.value)
    else:
        text = f"expected one {kind} as keys and values, got {kind_of(document.value)}"
        problems.append(Problem(document.file, 1, text))


def _documents(
    directory: Path, folder: str, environ: Mapping[str, str], reading: Reading
) -> Iterator[Document]:
    kinds = [FOLDERS[folder]] if folder else [*SINGLE_SECTIONS, *LIST_SECTIONS.values()]
    try:
        files = sorted(path for path in (directory / folder).iterdir() if path.name[0] != ".")
    except FileNotFoundError:
        return
    except OSError as error:
        reading.problems.append(Problem(folder or ".", 1, f"cannot be listed: {error.strerror}"))
        reading.unread.update(kinds)
        return
    for path in files:
        name = path.relative_to(directory).as_posix()
        if path.suffix == ".yml":
            reading.problems.append(Problem(name, 1, 'rename it: the ending must be ".yaml"'))
            reading.unread.update(kinds)
        if path.suffix == ".yaml":
            document, found = read_file(path, name, environ)
            reading.problems.extend(found)
            if document is None:
                reading.unread.update(kinds)
            else:
                yield document


def _sections(document: Document, declared: dict[str, Entry], reading: Reading) -> Iterator[Entry]:
    """Yield the sections of one root file; a section stands in one file only."""
    if document.value is None:
        return
    if not isinstance(document.value, dict):
        text = f"expected sections such as {', '.join(SECTIONS)}, got {kind_of(document.value)}"
        reading.problems.append(Problem(document.file, 1, text))
        return
    for key, value in document.value.items():
        entry = Entry(key, document, (key,), value)
        if key not in SECTIONS:
            reading.problems.append(_unknown_section(document, key))
            meant = nearest(key, SECTIONS)
            reading.unread.update({LIST_SECTIONS.get(meant, meant)})
        elif key in declared:
            first = declared[key].document
            place = f"{first.file}:{first.line((key,))}"
            text = f'section "{key}" is already in {place}: keep it in one file'
            reading.problems.append(Problem(document.file, document.line((key,)), text))
        else:
            declared[key] = entry
            yield entry


def _unknown_section(document: Document, key: str) -> Problem:
    line = document.line((key,))
    if key in FOLDERS:
        text = f'section "{key}" does not stand here: write one file per entry in {key}/'
        return Problem(document.file, line, text)
    return Problem(document.file, line, f'unknown section "{key}"{did_you_mean(key, SECTIONS)}')


def _split(section: Entry, reading: Reading) -> Iterator[Entry]:
    kind = LIST_SECTIONS.get(section.kind)
    if kind is None:
        yield section
        return
    if not isinstance(section.value, list):
        reading.problems.append(section.problem(f"expected a list, got {kind_of(section.value)}"))
        reading.unread.add(kind)
        return
    for index, item in enumerate(section.value):
        entry = Entry(kind, section.document, (*section.where, index), item)
        if isinstance(item, dict):
            yield entry
        else:
            reading.problems.append(entry.problem(f"expected keys and values, got {kind_of(item)}"))
