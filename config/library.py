"""The source library: ready-made files that a brand starts from, and how one joins a project.

In: `config/library/*.yaml`, each a source with a few places to fill. Out: what there is, and a
checked copy in a project. Nothing here reaches the network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ConfigError
from config.load import load_source

if TYPE_CHECKING:
    from config.schema import SourceConfig

MEDIA = "media"  # the table of media, which stands beside the sources

_PLACE = re.compile(r"# 要填 ([A-Z][A-Z0-9_]*)：(.+)（例如 (\S+)）")
_PLACEHOLDER = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^{}]*)?\}")
_NEW_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_ID_LINE = re.compile(r"(?m)^id: .*$")
# A filled-in value stands inside an address or between quotes: what could end either is refused.
_VALUE = re.compile(r"[^\s\"'\\{}#<>\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place of a file that its user fills in."""

    name: str
    text: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryEntry:
    """One ready-made source. `needs` is what its user must bring; `places` must be filled in."""

    id: str
    name: str
    kind: str
    role: str
    platform: str
    enabled: bool
    needs: tuple[str, ...]
    verified: str
    terms: str
    places: tuple[Place, ...]
    path: Path


def library_dir() -> Path:
    """Return the folder of the library that ships with the program."""
    return Path(str(files("config") / "library"))


def media_file() -> Path:
    """Return the table of media and their tiers, ready to be copied into a project's root."""
    return library_dir() / f"{MEDIA}.yaml"


def entries() -> list[LibraryEntry]:
    """Return every ready-made source, by id.

    Errors: ConfigError when a file of the library cannot be read, which is a broken installation.
    """
    paths = sorted(library_dir().glob("*.yaml"))
    return [_entry(path) for path in paths if path.stem != MEDIA]


def entry(entry_id: str) -> LibraryEntry:
    """Return one ready-made source.

    Errors: ConfigError when the library has none of that id; it names the nearest.
    """
    path = _path(entry_id)
    return _entry(path)


def copy(
    entry_id: str,
    project_dir: Path,
    values: Mapping[str, str],
    *,
    new_id: str = "",
) -> Path:
    """Copy a ready-made source into a project's `sources` and return the new file.

    `values` fill the places `${NAME}`; places that have a default keep it unless they are given.
    `new_id` is another id (and file name), for a second forum or a second app.
    Errors: ConfigError when a place stays empty, a value or name does not fit, a source of that
    name is already there (nothing is overwritten), or the filled-in file is not a valid source.
    """
    if new_id and _NEW_ID.fullmatch(new_id) is None:
        raise ConfigError(f"--as {new_id!r}: expected an id of a-z, 0-9, - and _ (at most 63)")
    source = entry(entry_id)
    text = _filled(source, values)
    if new_id:
        text = _ID_LINE.sub(f"id: {new_id}", text, count=1)
    target = project_dir / "sources" / f"{new_id or source.id}.yaml"
    _write(project_dir, target, text)
    try:
        load_source(target)
    except ConfigError:
        target.unlink()
        raise
    return target


def copy_media(project_dir: Path) -> Path:
    """Copy the table of media into a project's root and return the new file.

    Errors: ConfigError when the project has one already (it is not overwritten).
    """
    target = project_dir / f"{MEDIA}.yaml"
    _write(project_dir, target, media_file().read_text(encoding="utf-8"))
    return target


def _write(project_dir: Path, target: Path, text: str) -> None:
    if not project_dir.is_dir():
        raise ConfigError(f"{project_dir}: there is no such project; groundswell init makes one")
    try:
        target.parent.mkdir(exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(
            f"{target}: is already there and is not overwritten; a source may go by another id"
        ) from error
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error


def _filled(source: LibraryEntry, values: Mapping[str, str]) -> str:
    text = source.path.read_text(encoding="utf-8")
    known = {match[1] for match in _PLACEHOLDER.finditer(text)}
    problems = [
        f"--set {name}: {source.id} has no such place; it has {', '.join(sorted(known)) or 'none'}"
        for name in values
        if name not in known
    ]
    problems += [
        f"--set {name}={value[:40]!r}: expected one word without spaces, quotes or braces"
        for name, value in values.items()
        if _VALUE.fullmatch(value) is None
    ]
    problems += [
        f"{source.id}: 还要填 {place.name}（{place.text}）：--set {place.name}={place.example}"
        for place in source.places
        if place.name not in values
    ]
    if problems:
        raise ConfigError(*problems)

    def fill(match: re.Match[str]) -> str:
        return values.get(match[1], match[0])

    return _PLACEHOLDER.sub(fill, text)


def _path(entry_id: str) -> Path:
    known = {path.stem: path for path in library_dir().glob("*.yaml") if path.stem != MEDIA}
    if entry_id not in known:
        from config.wording import did_you_mean

        near = did_you_mean(entry_id, sorted(known))
        raise ConfigError(
            f"the library has no source {entry_id!r}{near}; groundswell source library lists them"
        )
    return known[entry_id]


def _entry(path: Path) -> LibraryEntry:
    text = path.read_text(encoding="utf-8")
    places = tuple(
        Place(name=name, text=said, example=example) for name, said, example in _PLACE.findall(text)
    )
    config = _sample(path, places)
    return LibraryEntry(
        id=config.id,
        name=config.name,
        kind=config.kind,
        role=config.role,
        platform=config.platform,
        enabled=config.enabled,
        needs=config.needs,
        verified=str(config.verified or "never"),
        terms=config.terms,
        places=places,
        path=path,
    )


def _sample(path: Path, places: tuple[Place, ...]) -> SourceConfig:
    """Read a file as it would be with its examples filled in, whatever the environment holds."""
    return load_source(path, environ={place.name: place.example for place in places})
