"""Recorded pages on disk: `fixtures/<source>/<name>/{page.bin,meta.json,expected.json}`.

They lie in the project folder, under version control with the source that they test. Names are
checked on the way in and out: neither a name nor a link in the folder leads anywhere else.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.load import example_dir, template_dir
from config.schema import SourceConfig
from crawlers.recording import (
    MAX_BYTES,
    Fixture,
    differences,
    kept_page,
    link_of_said,
    link_said,
    reading,
)
from storage.records import Json

FOLDER = "fixtures"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PAGE, _META, _EXPECTED = "page.bin", "meta.json", "expected.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One fixture read by today's configuration. No `differences`: as expected."""

    source_id: str
    name: str
    duration_ms: float
    differences: tuple[str, ...] = ()


def fixtures_folder(directory: Path, to: Path | None = None) -> Path:
    """Return where fixtures of a project are written. Errors: ConfigError for shipped projects."""
    if to is not None:
        return to
    shipped = {example_dir().resolve(), template_dir().resolve()}
    if directory.resolve() in shipped:
        raise ConfigError(
            f"writing into {directory}: that project ships with the program; give your own with "
            "--config, or another folder with --to"
        )
    return directory / FOLDER


def write(folder: Path, fixture: Fixture) -> Path:
    """Write a new fixture and return its folder.

    Errors: ConfigError when it is there already, too large, misnamed, or cannot be written.
    """
    if len(fixture.page.fetched.body) > MAX_BYTES:
        raise ConfigError(
            f"recording {fixture.name!r}: the page has {len(fixture.page.fetched.body)} bytes, "
            f"at most {MAX_BYTES} are kept; record a page with fewer items"
        )
    place = _place(folder, fixture.source_id, fixture.name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir()
    except FileExistsError as error:
        raise ConfigError(f"{place}: is already there; choose another --name") from error
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written: {error.strerror}") from error
    (place / _PAGE).write_bytes(fixture.page.fetched.body)
    _write_json(place / _META, _meta(fixture))
    _write_json(place / _EXPECTED, fixture.expected)
    return place


def free_name(folder: Path, source_id: str, wanted: str) -> str:
    """Return a name that no fixture of the source has: the wanted one, else with a number."""
    names = [wanted, *(f"{wanted}-{n}" for n in range(2, 1000))]
    return next(name for name in names if not _place(folder, source_id, name).exists())


def read(folder: Path, source: SourceConfig) -> Iterator[Fixture]:
    """Yield the fixtures of a source by name. Errors: ConfigError for one that cannot be read."""
    home = folder / source.id
    if home.is_symlink() or not home.is_dir():
        return
    for place in sorted(home.iterdir()):
        if _NAME.fullmatch(place.name) and place.is_dir() and not place.is_symlink():
            yield _read(place, source)


def strangers(folder: Path, known: Sequence[str]) -> list[str]:
    """Return the folders of fixtures whose source is not in the project."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name not in known)


def check(source: SourceConfig, fixture: Fixture) -> Checked:
    """Read a fixture by a source and compare. Offline, in milliseconds."""
    started = time.perf_counter()
    found = reading(source, fixture.page, fixture.now)
    duration_ms = (time.perf_counter() - started) * 1000
    return Checked(
        source_id=source.id,
        name=fixture.name,
        duration_ms=round(duration_ms, 2),
        differences=tuple(differences(fixture.expected, found)),
    )


def update(folder: Path, source: SourceConfig, fixture: Fixture) -> None:
    """Write what is read today as what is expected."""
    found = reading(source, fixture.page, fixture.now)
    _write_json(_place(folder, source.id, fixture.name) / _EXPECTED, found)


def _place(folder: Path, source_id: str, name: str) -> Path:
    for part in (source_id, name):
        if _NAME.fullmatch(part) is None:
            raise ConfigError(
                f"naming a fixture {source_id!r}/{name!r}: expected a-z, 0-9, - and _, at most 63"
            )
    place = folder / source_id / name
    if (folder / source_id).is_symlink() or place.is_symlink():
        raise ConfigError(f"{place}: is a link; fixtures are real folders")
    return place


def _meta(fixture: Fixture) -> Json:
    got = fixture.page.fetched
    return {
        "schema": 1,
        "now": fixture.now.isoformat(),
        "request": {
            "method": "GET",
            "url": got.redirects[0] if got.redirects else got.url,
            "headers": dict(fixture.request_headers),
        },
        "response": {"url": got.url, "status": got.status, "headers": dict(got.headers)},
        "link": link_said(fixture.page.link),
        "bytes": len(got.body),
        "scrubbed": dict(fixture.scrubbed),
    }


def _read(place: Path, source: SourceConfig) -> Fixture:
    meta, expected = _read_json(place / _META), _read_json(place / _EXPECTED)
    try:
        now = datetime.fromisoformat(meta["now"])
        said = meta["link"]
        link = None if said is None else link_of_said(said, source, now)
        response = meta["response"]
        headers = {str(name): str(value) for name, value in response["headers"].items()}
        page = kept_page(str(response["url"]), _bytes(place / _PAGE), headers, link)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{place / _META}: is no record of a page ({error!r})") from error
    if now.tzinfo is None:
        raise ConfigError(f'{place / _META}: "now" has no time zone')
    return Fixture(source_id=source.id, name=place.name, page=page, now=now, expected=expected)


def _bytes(path: Path) -> bytes:
    try:
        if path.is_symlink() or path.stat().st_size > 2 * MAX_BYTES:
            raise ConfigError(f"{path}: is a link or larger than a fixture may be")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: expected a JSON object")
    return found


def _write_json(path: Path, document: Json) -> None:
    """Write a file as a whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False)
    try:
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, path)  # noqa: PTH105 - atomic on every platform
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
