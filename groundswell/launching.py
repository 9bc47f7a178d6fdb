"""Launches written into a project's own files: one form, one file, checked before it is there.

In: a project folder, the values of a launch, and which version of its file they were made from.
Out: `launches/<id>.yaml`, in which what did not change stands as it was, comments included. A file
that somebody else changed meanwhile is not written over: the second is told.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.entries import Entry, read_entries
from config.errors import ConfigError
from config.load import example_dir, load, template_dir
from config.schema import Identifier, LaunchPlan, Project
from config.yaml_lines import Document, read_document
from groundswell.reloading import files_of

FOLDER = "launches"
_HEAD = "# 上市：由控制台或 groundswell launch 写入，也可以直接改；见 docs/launch.zh-CN.md\n"
# In the order of the form; a file that people wrote keeps its own.
_KEYS = ("id", "brand", "product", "name", "aliases", "words", "examples", "launched", "ends",
         "representatives", "sister", "faq", "readiness", "note")  # fmt: skip
_DAY = 10  # characters of 2026-11-20
_NUMBER = re.compile(r"[-+.\d][-+._eE\dxXoO]*")
_BESIDE = re.compile(r"""^\w+:\s*[^\s#"'\[{|>][^#]*?(\s+#.*)$""")  # a plain value with its comment

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A launch as its file has it. `version` changes with every byte of the file."""

    plan: LaunchPlan
    version: str
    path: Path


def values_of(plan: LaunchPlan) -> dict[str, Any]:
    """Return a launch as it is written: what is as by default is left out."""
    said = plan.model_dump(mode="json", exclude_defaults=True)
    return {key: said[key] for key in _KEYS if key in said}


def kept(directory: Path, launch_id: str, environ: Mapping[str, str] | None = None) -> Kept | None:
    """Return a launch with the version of its file; None when no file holds it.

    Errors: ConfigError when the project has mistakes.
    """
    environ = os.environ if environ is None else environ
    project = load(directory, environ=environ)
    entry, plan = _entry(directory, launch_id, environ), project.launch(launch_id)
    if entry is None or plan is None:
        return None
    path = directory / entry.document.file
    return Kept(plan=plan, version=_version(path.read_bytes()), path=path)


def save(
    directory: Path,
    values: Values,
    *,
    version: str,
    environ: Mapping[str, str] | None = None,
) -> Kept:
    """Write a launch, checked with the whole project before a byte of it is changed.

    `values` are those of the file; empty ones are left out. `version` is that of the file they were
    made from, "" for a new launch.
    Errors: ConfigError with every mistake, by file and line of the file as it would be; or when the
    file changed since `version`, the project is the shipped one, or the folder cannot be written.
    """
    environ = os.environ if environ is None else environ
    shipped = (example_dir().resolve(), template_dir().resolve())
    if any(directory.resolve().is_relative_to(place) for place in shipped):
        raise ConfigError(
            f"{directory}: the project that ships with the program is not changed;"
            " groundswell init DIR makes one of your own"
        )
    wanted = {key: plain for key in _KEYS if (plain := _plain(values.get(key))) not in _EMPTY}
    launch_id = _checked_id(wanted.get("id", ""))
    with _alone(directory):
        entry = _entry(directory, launch_id, environ)
        path = directory / (entry.document.file if entry else f"{FOLDER}/{launch_id}.yaml")
        before = path.read_bytes() if path.exists() else b""
        if (_version(before) if before else "") != version:
            raise ConfigError(_raced(path.relative_to(directory).as_posix(), launch_id, version))
        after = _changed(before, entry, wanted, environ) if entry else _new(wanted)
        plan = _checked(directory, path.relative_to(directory), after, launch_id, environ)
        _replace(path, after)
    return Kept(plan=plan, version=_version(after), path=path)


_EMPTY: tuple[object, ...] = (None, "", [], {})


def _checked_id(written: object) -> str:
    """Return an id that may name a file. Errors: ConfigError for any other."""
    try:
        return TypeAdapter(Identifier).validate_python(written)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{FOLDER}/: writing a launch: id: {said}") from None


def _raced(file: str, launch_id: str, version: str) -> str:
    if not version:
        return (
            f'{file}: launch "{launch_id}" is already there, perhaps since a moment ago: open it '
            f"and change it, or take another id (上市 {launch_id} 已经有了，请打开它修改，或换编号)"
        )
    return (
        f"{file}: somebody else changed it meanwhile, and nothing was written: "
        "open it again and repeat your change "
        "(别人刚刚改过，你的改动没有写入，请重新打开后再改)"
    )


def _plain(value: Any) -> Any:
    """Return a value as YAML writes it; texts lose the spaces round them, empty parts go."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        parts = {str(name): _plain(one) for name, one in value.items()}
        return {name: one for name, one in parts.items() if one not in _EMPTY}
    if isinstance(value, list | tuple):
        return [one for one in map(_plain, value) if one not in _EMPTY]
    return value


def _entry(directory: Path, launch_id: str, environ: Mapping[str, str]) -> Entry | None:
    entries = read_entries(directory, environ).entries
    found = (entry for entry in entries if entry.kind == "launch" and entry.id == launch_id)
    return next(found, None)


def _version(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=12).hexdigest()


# --- the file as it will be -------------------------------------------------------------------


def _new(wanted: Values) -> bytes:
    return (_HEAD + "".join(_lines(key, value) for key, value in wanted.items())).encode()


def _lines(key: str, value: object) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what our reader takes for a number and YAML 1.1 does not: 1e3."""

    def text_of(dumper: Any, value: str) -> Any:
        style = "'" if _NUMBER.fullmatch(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text_of)
    text: str = yaml.dump(
        {key: _days(value)},
        Dumper=Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=100,
        indent=2,
    )
    return text


def _days(value: object) -> object:
    """Return days as days, which YAML writes without quotes, and no text as a variable's name.

    What was typed into a form must not read this machine's environment.
    """
    if isinstance(value, dict):
        return {name: _days(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_days(one) for one in value]
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if len(value) == _DAY else value.replace("${", "$${")
    except ValueError:
        return value.replace("${", "$${")


def _changed(before: bytes, entry: Entry, wanted: Values, environ: Mapping[str, str]) -> bytes:
    """Write the keys that changed anew and leave every other line as it stands.

    Errors: ConfigError when the file is written in a way that only a person can change.
    """
    text = before.decode("utf-8-sig")
    lines = [line.rstrip("\r\n") + "\n" for line in text.splitlines()]
    now, document = entry.value, entry.document
    assert isinstance(now, dict)
    places = _places(document, lines)
    for key in sorted(places, key=lambda one: -places[one][0]):  # from the end: lines keep places
        first, last = places[key]
        if key not in wanted:
            del lines[first:last]
        elif _as_read(key, wanted[key], environ) != now.get(key):
            anew = _lines(key, wanted[key]).splitlines(keepends=True)
            beside = _BESIDE.match(lines[first]) if last - first == len(anew) == 1 else None
            lines[first:last] = [f"{anew[0].rstrip()}{beside[1]}\n"] if beside else anew
    lines += [_lines(key, wanted[key]) for key in wanted if key not in places]
    after = "".join(lines).encode()
    read, problems = read_document(document.file, after, environ)
    if problems or read is None or read.value != _all_as_read(wanted, environ):
        raise ConfigError(
            f"{document.file}: the file is written in a way that is not changed by the program "
            "(flow style, anchors): change it by hand"
        )
    return after


def _places(document: Document, lines: list[str]) -> dict[str, tuple[int, int]]:
    """Return where each key stands: its first line and the one after its last, from nought.

    Comments and empty lines before the next key belong to that key.
    """
    starts = sorted(
        (line - 1, str(where[0])) for where, line in document.lines.items() if len(where) == 1
    )
    places = {}
    for place, (first, key) in enumerate(starts):
        last = starts[place + 1][0] if place + 1 < len(starts) else len(lines)
        while last > first + 1 and lines[last - 1].lstrip()[:1] in {"#", ""}:
            last -= 1
        places[key] = (first, last)
    return places


def _as_read(key: str, value: object, environ: Mapping[str, str]) -> object:
    read, _ = read_document(key, _lines(key, value).encode(), environ)
    assert read is not None
    assert isinstance(read.value, dict)
    return read.value[key]


def _all_as_read(wanted: Values, environ: Mapping[str, str]) -> dict[str, object]:
    return {key: _as_read(key, value, environ) for key, value in wanted.items()}


# --- checking and writing -----------------------------------------------------------------------


def _checked(
    directory: Path, name: Path, body: bytes, launch_id: str, environ: Mapping[str, str]
) -> LaunchPlan:
    """Load the whole project as it would be, beside it. Errors: ConfigError with every problem."""
    with tempfile.TemporaryDirectory(prefix="groundswell-launch-") as folder:
        copy = Path(folder)
        for one in files_of(directory):
            target = copy / one
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(directory / one, target)
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(body)
        project: Project = load(copy, environ=environ)
    plan = project.launch(launch_id)
    assert plan is not None  # the file that was just read holds it
    return plan


def _replace(path: Path, body: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_bytes(body)
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)  # noqa: PTH105 - atomic on every platform
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(
            f"{path}: writing the launch: {error.strerror}; nothing was changed"
        ) from error


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one at a time write launches of a project, in whatever process."""
    import fcntl

    folder = directory / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(
            f"{folder}: writing the launch: {error.strerror}; nothing was changed"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
