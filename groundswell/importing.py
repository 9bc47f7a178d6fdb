"""Mentions that come as files: .jsonl, .csv (UTF-8 or GB18030), .xlsx and, with pyarrow, .parquet.

In: one mention a row. Out: raw mentions, and the rows that could not be read with the reason. A
file is read as a stream; a row is never held longer than it takes to hand it on.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from config.errors import ConfigError, GroundswellError
from groundswell.importing_values import Reading, read_row
from storage.records import RawMention

__all__ = ["KNOWN_HEADERS", "Reading", "Rejected", "read_mentions"]

# What exports of common tools call these columns.
KNOWN_HEADERS = {
    "正文": "text",
    "内容": "text",
    "评论内容": "text",
    "content": "text",
    "body": "text",
    "标题": "title",
    "链接": "url",
    "网址": "url",
    "link": "url",
    "作者": "author",
    "用户": "author",
    "昵称": "author",
    "user": "author",
    "发布时间": "published_at",
    "时间": "published_at",
    "日期": "published_at",
    "time": "published_at",
    "date": "published_at",
    "来源": "source",
    "平台": "source",
    "编号": "id",
    "转发": "reposts",
    "转发数": "reposts",
    "评论数": "comments",
    "点赞": "likes",
    "点赞数": "likes",
    "阅读数": "views",
    "评分": "rating",
    "星级": "rating",
    "地区": "region",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that could not be read; `number` counts rows from 1, without the header."""

    number: int
    reason: str
    row: Mapping[str, Any]


def read_mentions(path: Path, reading: Reading) -> Iterator[RawMention | Rejected]:
    """Yield one raw mention or one rejection for every row of the file.

    Errors: ConfigError when the file is missing, of an unknown kind or has no text column.
    """
    equal_rows: Counter[tuple[str, str, str, str]] = Counter()
    for number, row in enumerate(_rows(path, reading), start=1):
        if isinstance(row, str):
            yield Rejected(number=number, reason=row, row={})
            continue
        named = _named(row, reading.columns)
        try:
            raw = read_row(named, reading)
        except ValueError as error:
            yield Rejected(number=number, reason=str(error), row=row)
            continue
        if raw.native_id or raw.canonical_url:
            yield raw
            continue
        key = (raw.platform, raw.author, str(raw.published_at), raw.text)
        yield replace(raw, ordinal=equal_rows[key])
        equal_rows[key] += 1


def _rows(path: Path, reading: Reading) -> Iterator[dict[str, Any] | str]:
    """Yield rows as mappings, or a sentence where a row is broken in itself."""
    if not path.is_file():
        raise ConfigError(f"importing {str(path)!r}: no such file")
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".tsv": _csv, ".xlsx": _xlsx}
    readers[".parquet"] = _parquet
    reader = readers.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(sorted(readers))
        raise ConfigError(f"importing {str(path)!r}: unknown kind of file, expected one of {kinds}")
    rows = reader(path)
    first = next(rows, None)
    if isinstance(first, dict):
        _require_text_column(path, first, reading.columns)
    if first is not None:
        yield first
        yield from rows


def _require_text_column(path: Path, row: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    unknown = [name for name in columns if name not in row]
    if unknown:
        raise ConfigError(
            f"importing {str(path)!r}: --map names the column {unknown[0]!r}, which the file does "
            f"not have; it has {', '.join(map(str, row))}"
        )
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        return
    if "text" not in _named(row, columns):
        raise ConfigError(
            f"importing {str(path)!r}: no column holds the text; columns are "
            f"{', '.join(map(str, row))}; say which with --map text=COLUMN"
        )


def _named(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Give the row's values our names; a column mapped by hand wins over a known header."""
    named: dict[str, Any] = {}
    for column, value in row.items():
        name = str(column).strip().lstrip("\ufeff")
        named.setdefault(KNOWN_HEADERS.get(name, KNOWN_HEADERS.get(name.lower(), name)), value)
    named.update({ours: row[column] for column, ours in columns.items() if column in row})
    return named


def _jsonl(path: Path) -> Iterator[dict[str, Any] | str]:
    with path.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                yield f"not JSON: {error}"
                continue
            yield row if isinstance(row, dict) else "expected one JSON object a line"


def _csv(path: Path) -> Iterator[dict[str, Any] | str]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    encoding = _csv_encoding(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding=encoding, newline="", errors="replace") as lines:
        reader = csv.DictReader(lines, delimiter=delimiter, strict=False)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"broken CSV row: {error}"
                continue
            if None in row:
                yield f"expected {len(reader.fieldnames or ())} columns, got more"
                continue
            if "\ufffd" in "".join(str(value) for value in row.values()):
                yield f"not readable as {encoding}"
                continue
            yield dict(row)


def _csv_encoding(path: Path) -> str:
    """Tell UTF-8 (which wins when valid) from GB18030, the superset of GBK that tools export."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character cut at the end of the sample is no error
            return "gb18030" if _mostly_gb(head) else "utf-8-sig"
    return "utf-8-sig"


def _mostly_gb(head: bytes) -> bool:
    """Tell a GB18030 file from a UTF-8 file with some broken bytes: fewer replacements win."""
    as_gb = head.decode("gb18030", errors="replace").count("\ufffd")
    as_utf8 = head.decode("utf-8", errors="replace").count("\ufffd")
    return as_gb < as_utf8


def _xlsx(path: Path) -> Iterator[dict[str, Any] | str]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, OSError, KeyError, ValueError) as error:
        raise ConfigError(f"importing {str(path)!r}: not a readable .xlsx file: {error}") from error
    try:
        rows = workbook.worksheets[0].iter_rows(values_only=True)
        header = [str(name) if name is not None else "" for name in next(rows, ())]
        for values in rows:
            if any(value is not None for value in values):
                yield dict(zip(header, values, strict=False))
    finally:
        workbook.close()


def _parquet(path: Path) -> Iterator[dict[str, Any] | str]:
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
        for batch in file.iter_batches(batch_size=500):
            yield from batch.to_pylist()
