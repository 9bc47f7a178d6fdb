"""Labels of real complaints in, kept as file and row only; the rows with their texts out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from classify.evaluation import read_csv
from config.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class RealRow:
    """One labelled row of a file that the project does not hold. `cells`: all its labels."""

    text: str
    label: str
    also: tuple[str, ...]
    cells: dict[str, str]


def read_real(labels: Path, data: Path, label: str = "label", also: str = "also") -> list[RealRow]:
    """Read a CSV of `file,row,check,...` and the texts it speaks of, `data/<file>.csv`.

    `label` and `also` name the columns that hold the classes; `row` counts data rows from 0.
    Errors: ConfigError when a file is missing or a text is another one than was labelled.
    """
    files: dict[str, list[dict[str, str]]] = {}
    rows: list[RealRow] = []
    for cells in read_csv(labels, ("file", "row", "check", label)):
        name = cells["file"]
        if name not in files:
            files[name] = read_csv(data / f"{name}.csv", ("text",))
        number = int(cells["row"])
        text = files[name][number]["text"] if number < len(files[name]) else ""
        if check_of(text) != cells["check"]:
            raise ConfigError(
                f"{labels}: row {number} of {name}.csv has check {check_of(text)}, expected"
                f" {cells['check']}: --data must be the folder that was labelled"
            )
        rows.append(
            RealRow(text=text, label=cells[label], also=names_of(cells.get(also, "")), cells=cells)
        )
    return rows


def names_of(cell: str) -> tuple[str, ...]:
    """Return the names that a cell lists with commas between them."""
    return tuple(name for part in cell.split(",") if (name := part.strip()))


def check_of(text: str) -> str:
    """Return the digest that tells a text without saying it: BLAKE2b, 8 hex digits."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
