"""Measure the understanding of text against labelled files; prints nothing, returns plain figures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from config.errors import ConfigError

_FIELD_LIMIT = 16 * 1024 * 1024  # characters; the csv default of 128 Ki refuses long articles


def read_csv(path: Path, required: Sequence[str]) -> list[dict[str, str]]:
    """Read a UTF-8 CSV (with or without BOM) whose header holds at least `required`.

    Shape: one dict per data row, in file order, keys as in the header; a missing cell is "".
    Errors: ConfigError when the file cannot be read, is not UTF-8, or lacks a column.
    """
    previous = csv.field_size_limit(_FIELD_LIMIT)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader((line.replace("\0", "") for line in file), restval="")
            header = [name.strip() for name in reader.fieldnames or []]
            missing = [name for name in required if name not in header]
            if missing:
                raise ConfigError(
                    f"{path}: the header lacks {', '.join(missing)}; found"
                    f" {', '.join(header) or 'no header'}, expected {', '.join(required)}"
                )
            reader.fieldnames = header
            return [_named_cells(row) for row in reader]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    except csv.Error as error:
        raise ConfigError(f"{path}: not a readable CSV: {error}") from error
    finally:
        csv.field_size_limit(previous)


def _named_cells(row: dict[str | None, str | list[str] | None]) -> dict[str, str]:
    """Drop the cells beyond the header, which csv files under None."""
    return {name: str(cell or "") for name, cell in row.items() if name is not None}
