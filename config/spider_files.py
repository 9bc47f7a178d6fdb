"""Hand-written spiders: which file `spider: module.Class` names, and whether it may be trusted.

In: a source's entry and the project's folder. Out: problems, or the place of the file. Nothing is
imported or run here; whether the class is there is read from the text.
"""

from __future__ import annotations

import ast
import os
import re
import stat
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from config.entries import Entry
from config.source_schema import SourceConfig
from config.wording import did_you_mean
from config.yaml_lines import Problem

_NAME = re.compile(r"([a-z][a-z0-9_]{0,62})\.([A-Z][A-Za-z0-9_]{0,62})")
_LOCATED = re.compile(r"(/.+/spiders/[a-z][a-z0-9_]*\.py):([A-Z][A-Za-z0-9_]*)", re.DOTALL)
_MAX_BYTES = 256 * 1024
_NOT_SPIDERS = {"__init__", "base"}


def shipped_folder() -> Path:
    """Return where the spiders that come with the program are."""
    return Path(str(files("crawlers").joinpath("spiders")))


def split_name(spider: str) -> tuple[Path, str]:
    """Return file and class of a spider as `located` writes it, or of a shipped one.

    Errors: ValueError when it is neither.
    """
    if (found := _LOCATED.fullmatch(spider)) is not None:
        return Path(found[1]), found[2]
    if (found := _NAME.fullmatch(spider)) is not None:
        return shipped_folder() / f"{found[1]}.py", found[2]
    raise ValueError(f"{spider[:80]!r} is not the name of a spider")


def located(source: SourceConfig, directory: Path) -> SourceConfig:
    """Write the place of a project's own spider into the source: `/project/spiders/x.py:Class`.

    The process that parses pages knows no project folder. A shipped spider stays as it is written.
    """
    found = _NAME.fullmatch(source.spider or "")
    if found is None or (shipped_folder() / f"{found[1]}.py").is_file():
        return source
    path = directory.resolve() / "spiders" / f"{found[1]}.py"
    return source.model_copy(update={"spider": f"{path}:{found[2]}"})


def check_spiders(sources: Iterable[Entry], directory: Path) -> Iterator[Problem]:
    """Yield what is wrong with the spiders that sources name."""
    for source in sources:
        written = source.get("spider")
        if not isinstance(written, str):
            continue
        found = _NAME.fullmatch(written)
        if found is None:
            text = f"expected module.Class such as digital_paper.DigitalPaper, got {written[:60]!r}"
            yield source.problem(text, "spider")
            continue
        own = directory / "spiders" / f"{found[1]}.py"
        shipped = shipped_folder() / f"{found[1]}.py"
        is_shipped = shipped.is_file() and found[1] not in _NOT_SPIDERS
        if is_shipped and own.exists():
            yield source.problem(
                f'"{found[1]}" is a spider that comes with the program: name yours another way',
                "spider",
            )
        elif not is_shipped and not own.exists():
            near = did_you_mean(found[1], _modules(directory))
            yield source.problem(f"there is no spiders/{found[1]}.py{near}", "spider")
        else:
            trouble = _trouble(shipped if is_shipped else own, found[2], is_own=not is_shipped)
            if trouble:
                yield source.problem(trouble, "spider")


def distrust(path: Path) -> str:
    """Return why a project's spider must not be run, "" when it may be.

    It is code that runs with the rights of this user: nobody else may be able to write it.
    """
    name = f"spiders/{path.name}"
    try:
        found = [path.lstat(), path.parent.stat()]
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    if not stat.S_ISREG(found[0].st_mode):
        return f"{name} is not a plain file: a spider is not loaded over a link"
    for place, what in zip(found, (name, "spiders/"), strict=True):
        if place.st_uid not in {0, os.getuid()}:
            return f"{what} belongs to another user: a spider is code, so it must be yours"
        if place.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{what} may be written by others: run chmod go-w on it"
    if found[0].st_size > _MAX_BYTES:
        return f"{name} is larger than {_MAX_BYTES} bytes"
    return ""


def _trouble(path: Path, name: str, *, is_own: bool) -> str:
    trouble = distrust(path) if is_own else ""
    if trouble:
        return trouble
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        return f"spiders/{path.name} is not Python: line {line}: {getattr(error, 'msg', error)}"
    except OSError as error:
        return f"spiders/{path.name} cannot be read: {error.strerror}"
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    if name not in classes:
        return f'spiders/{path.name} has no class "{name}"{did_you_mean(name, classes)}'
    return ""


def _modules(directory: Path) -> list[str]:
    folders = (shipped_folder(), directory / "spiders")
    names = {path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.py")}
    return sorted(names - _NOT_SPIDERS)
