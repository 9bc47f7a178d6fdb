"""Mentions that come as files: .jsonl, tables (CSV in any usual encoding, .xlsx) and .parquet.

In: one mention a row. Out: raw mentions, and the rows that could not be read with the reason. A
file is read as a stream; a row is never held longer than it takes to hand it on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from classify.privacy import mask
from config.errors import ConfigError, GroundswellError
from groundswell import columns_files as files
from groundswell.columns import HEAD, Proposal, Wishes, propose
from groundswell.columns_files import Cells, Position
from groundswell.columns_names import PERSONAL, contact_of, left_out, meanings
from groundswell.importing_values import CONTACTS, CUSTOMERS, FIELDS, Reading, read_row
from storage.records import RawMention

__all__ = ["Opened", "Reading", "Rejected", "opened", "read_mentions"]

_LINES = frozenset({".jsonl", ".ndjson"})
_TABLES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls"})
_KINDS = (*sorted(_LINES), *sorted(_TABLES), ".parquet")
_LEFT_OUT = "***"
Named = dict[str, Any]  # a row by the file's own column names


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that could not be read; `number` counts rows from 1, without the header.

    It is shown and written to a file: personal data in it is masked, whom to call is left out.
    """

    number: int
    reason: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file while it is read. `proposal` says how a table is read, None for files of records."""

    rows: Iterator[RawMention | Rejected]
    position: Position
    proposal: Proposal | None = None


def read_mentions(path: Path, reading: Reading) -> Iterator[RawMention | Rejected]:
    """Yield one raw mention or one rejection for every row of the file.

    Errors: ConfigError when the file is missing, of an unknown kind or has no text column.
    """
    with opened(path, lambda _: reading, Wishes(columns=reading.columns)) as found:
        yield from found.rows


@contextmanager
def opened(
    path: Path, reading: Callable[[Proposal | None], Reading], wishes: Wishes
) -> Iterator[Opened]:
    """Open a file for as long as the block runs.

    `reading` says how rows are read, once it is known what the columns are taken for.
    Errors: ConfigError when the file is missing, of an unknown kind or has no text column.
    """
    kind = path.suffix.lower()
    if not path.is_file():
        raise ConfigError(f"importing {str(path)!r}: no such file")
    if kind in _TABLES:
        with table(path, wishes) as (proposal, rows, position):
            _require_text(path, proposal)
            fields = proposal.mapping
            found = _mentions(rows, reading(proposal), lambda row: _by_mapping(row, fields))
            yield Opened(rows=found, position=position, proposal=proposal)
        return
    if kind not in _LINES and kind != ".parquet":
        raise ConfigError(
            f"importing {str(path)!r}: unknown kind of file, expected one of {', '.join(_KINDS)}"
        )
    position = Position(total=path.stat().st_size if kind in _LINES else 0)
    records = _jsonl(path, position) if kind in _LINES else _parquet(path, position)
    first = next(records, None)
    if isinstance(first, dict):
        _require_columns(path, first, wishes.columns, kind)
    rest = chain([first] if first is not None else [], records)
    named = _mentions(rest, reading(None), lambda row: _by_name(row, wishes.columns))
    yield Opened(rows=named, position=position)


@contextmanager
def table(path: Path, wishes: Wishes) -> Iterator[tuple[Proposal, Iterator[Named | str], Position]]:
    """Open a table: how it is read, its rows by their own column names, and how far that is.

    Errors: ConfigError when it cannot be read, or a wish names what is not there.
    """
    if path.suffix.lower() not in _TABLES:
        raise ConfigError(
            f"importing {str(path)!r}: only tables have columns to be told apart, such as .xlsx "
            "and .csv"
        )
    with files.opened(path) as sheets:
        heads = {sheet.name: list(islice(sheet.rows, HEAD)) for sheet in sheets}
        plain = {name: [_cells(row) for row in head] for name, head in heads.items()}
        try:
            proposal = propose(plain, wishes)
        except ConfigError as error:
            raise ConfigError(f"importing {str(path)!r}: {error}") from error
        sheet = next(sheet for sheet in sheets if sheet.name == proposal.sheet)
        head = heads[sheet.name][proposal.header_at + proposal.header_rows :]
        rows = _named_rows(chain(head, sheet.rows), proposal, plain[sheet.name])
        yield proposal, rows, sheet.position


def _cells(row: Cells | str) -> Cells:
    return [] if isinstance(row, str) else row


def _named_rows(
    rows: Iterator[Cells | str], proposal: Proposal, head: Sequence[Cells]
) -> Iterator[Named | str]:
    """Give rows their names; empty rows and headers that a paged export repeats are passed over."""
    headers = proposal.headers
    header = head[proposal.header_at] if proposal.header_rows and head else None
    for row in rows:
        if isinstance(row, str):
            yield row
        elif not any(cell not in {None, ""} for cell in row) or row == header:
            continue
        elif any(cell not in {None, ""} for cell in row[len(headers) :]):
            yield f"expected {len(headers)} columns, got more"
        else:
            yield dict(zip(headers, row, strict=False))


def _require_text(path: Path, proposal: Proposal) -> None:
    if not proposal.readable:
        raise ConfigError(
            f"importing {str(path)!r}: no column holds the text; columns are "
            f"{', '.join(proposal.headers)}; say which with --map text=COLUMN"
        )


def _require_columns(
    path: Path, row: Mapping[str, Any], columns: Mapping[str, str], kind: str
) -> None:
    unknown = [name for name in columns if name not in row]
    if unknown:
        raise ConfigError(
            f"importing {str(path)!r}: --map names the column {unknown[0]!r}, which the file does "
            f"not have; it has {', '.join(map(str, row))}"
        )
    if kind not in _LINES and "text" not in _by_name(row, columns):
        raise ConfigError(
            f"importing {str(path)!r}: no column holds the text; columns are "
            f"{', '.join(map(str, row))}; say which with --map text=COLUMN"
        )


def _mentions(
    rows: Iterator[Named | str], reading: Reading, named: Callable[[Named], Named]
) -> Iterator[RawMention | Rejected]:
    equal_rows: Counter[tuple[str, str, str, str]] = Counter()
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str):
            yield Rejected(number=number, reason=row, row={})
            continue
        ours = named(row)
        try:
            raw = read_row(ours, reading)
        except ValueError as error:
            yield Rejected(number=number, reason=mask(str(error)), row=_without_people(row, ours))
            continue
        if raw.native_id or raw.canonical_url:
            yield raw
            continue
        key = (raw.platform, raw.author, str(raw.published_at), raw.text)
        yield replace(raw, ordinal=equal_rows[key])
        equal_rows[key] += 1


def _without_people(row: Named, ours: Named) -> Named:
    """Return a row that can be kept: the file it came from still says whom to call."""
    personal = {*CONTACTS, *CUSTOMERS}
    contacts = [value for name, value in ours.items() if name in personal and value]
    kept: Named = {}
    for name, value in row.items():
        header = str(name)
        is_contact = header == "contact" or header in CONTACTS or contact_of(header)
        if value and (is_contact or left_out(header) == PERSONAL or value in contacts):
            kept[name] = _LEFT_OUT
        else:
            said = json.dumps(value, ensure_ascii=False, default=str)
            kept[name] = value if mask(said) == said else mask(str(value))
    return kept


def _by_mapping(row: Named, fields: Mapping[str, str]) -> Named:
    return {ours: row.get(theirs) for theirs, ours in fields.items()}


def _by_name(row: Mapping[str, Any], columns: Mapping[str, str]) -> Named:
    """Give a record's values our names; what is mapped by hand wins over a known name."""
    found: Named = {}
    for column, value in row.items():
        name = str(column).strip().lstrip("\ufeff")
        sure = [ours for ours, points in meanings(name).items() if points >= 3]
        found.setdefault(name if name in FIELDS else sure[0] if sure else name, value)
    found.update({ours: row[column] for column, ours in columns.items() if column in row})
    return found


def _jsonl(path: Path, position: Position) -> Iterator[Named | str]:
    with path.open("rb") as lines:
        for line in lines:
            position.done += len(line)
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                yield f"not JSON: {error}"
                continue
            yield row if isinstance(row, dict) else "expected one JSON object a line"


def _parquet(path: Path, position: Position) -> Iterator[Named | str]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise GroundswellError(
            f"importing {str(path)!r}: .parquet needs pyarrow: pip install 'groundswell[parquet]'"
        ) from error
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"importing {str(path)!r}: not a readable .parquet file") from error
    with file:
        position.total = file.metadata.num_rows
        for batch in file.iter_batches(batch_size=500):
            position.done += batch.num_rows
            yield from batch.to_pylist()
