"""The word lists that we wrote ourselves (`words/*.txt`): grave facts, issue classes, feelings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """Return the phrases of a list by section, in file order; `name` is the file's stem."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    text = files("classify").joinpath("words", f"{name}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            current = found.setdefault(line.strip("[] "), [])
        elif not line.startswith("#"):
            current.extend(line.split())
    return {section: tuple(phrases) for section, phrases in found.items()}


@cache
def lines(name: str) -> dict[str, tuple[str, ...]]:
    """Return a list whose entries are whole lines (patterns) by section, in file order."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    text = files("classify").joinpath("words", f"{name}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]") and "(" not in line:
            current = found.setdefault(line.strip("[] "), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return {section: tuple(entries) for section, entries in found.items()}
