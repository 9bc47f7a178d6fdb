"""Table files as grids of cells: CSV in whatever encoding, and bounded, streamed .xlsx.

In: a path. Out: sheets, each a stream of rows of plain cells. What the columns mean is decided in
`columns`.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from config.errors import ConfigError

Cells = list[Any]

_SAMPLE = 1 << 20  # bytes looked at to tell an encoding
_DELIMITERS = (",", "\t", ";", "|")
_COLUMNS = 256  # a table of mentions has some dozens; a cell in column XFD must not cost 16,384
_FIRST_ROWS = 100  # of a sheet, which tell how wide it is
_EMPTY_RUN = (
    5_000  # empty rows in a row after which a sheet is over: formats reach to the last line
)
# A workbook is a zip file: what it says it unpacks to is bounded before anything is unpacked.
_UNPACKED = 1 << 30  # bytes in all; 1,000,000 rows of a dozen cells
_STRINGS = 256 << 20  # bytes of the one part that is held in memory
_PARTS = 5_000
# Any other part is read as a whole, as a tree of twenty times its size; the styles of an old
# workbook that was copied together for years have some 10 MB.
_WHOLE = 32 << 20
_SHEETS, _MEDIA = "xl/worksheets/", "xl/media/"
_STREAMED = ("worksheet+xml", "sharedStrings+xml")  # the types of what may be larger
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_PROLOG = 16 << 10  # bytes in which a part must come to its first element
_BESIDE = ((b"<!--", b"-->"), (b"<?", b"?>"))  # what may stand before it
_UNREADABLE = (NotImplementedError, RuntimeError)  # ways of packing, passwords
_ELEMENT = re.compile(rb"<[A-Za-z_]")


@dataclass(slots=True)
class Position:
    """How far the reading is: bytes of a text file, rows of a sheet. `total` 0: nobody knows.

    `contacts` counts the rows read so far that named whom to call.
    """

    done: int = 0
    total: int = 0
    contacts: int = 0


@dataclass(slots=True)
class Sheet:
    """One table of a file. `rows` gives each row once; a str is a row broken in itself."""

    name: str
    rows: Iterator[Cells | str]
    position: Position = field(default_factory=Position)


@contextmanager
def opened(path: Path) -> Iterator[list[Sheet]]:
    """Open a table file for as long as the block runs; what it is is told by its bytes.

    Errors: ConfigError when it is missing, locked, no table, or more than a table may be.
    """
    if not path.is_file():
        raise ConfigError(f"importing {str(path)!r}: no such file")
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_OLE):
        raise ConfigError(f"importing {str(path)!r}: {_ole_advice(path)}")
    if head.startswith(b"PK"):
        with _workbook(path) as sheets:
            yield sheets
        return
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
        raise ConfigError(
            f"importing {str(path)!r}: not a readable .xlsx file: {_text_advice(path)}"
        )
    with _text_file(path) as sheet:
        yield [sheet]


def _ole_advice(path: Path) -> str:
    with path.open("rb") as file:
        encrypted = "EncryptedPackage".encode("utf-16-le") in file.read(_SAMPLE)
    if encrypted:
        return "the workbook is locked by a password; open it and save it without one"
    return "an old .xls workbook; open it and save it as .xlsx"


def _text_advice(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096).lower()
    if b"<html" in head or b"<table" in head:
        return "it is a web page under another name; open it in a spreadsheet, save it as .xlsx"
    if not head:
        return "the file is empty; export or copy it again"
    return "it is no workbook; was it copied to its end? If it is text, name it .csv"


# --- text -------------------------------------------------------------------------------------


@contextmanager
def _text_file(path: Path) -> Iterator[Sheet]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    encoding = encoding_of(head)
    if path.suffix.lower() == ".tsv":
        delimiter = "\t"
    else:
        delimiter = delimiter_of(head.decode(encoding, errors="replace"))
    with path.open("rb") as raw:
        position = Position(total=path.stat().st_size)
        lines = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
        rows = _csv_rows(lines, raw, delimiter, encoding, position)
        yield Sheet(name=path.name, rows=rows, position=position)


def encoding_of(head: bytes) -> str:
    """Tell UTF-16 by its mark, UTF-8 (which wins when valid) from GB18030, which tools export."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = head[0:4000:2].count(0), head[1:4000:2].count(0)
    if max(even, odd) > len(head[:4000]) / 8:  # every second byte of Latin text in UTF-16
        return "utf-16-be" if even > odd else "utf-16-le"
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


def delimiter_of(text: str) -> str:
    """Return the delimiter by which the first rows fall into the same number of columns."""
    best, found = (0.0, 0), ","
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text[:65536], newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(row) for row, _ in zip(reader, range(30), strict=False) if row)
        except csv.Error:
            continue
        width, rows = max(widths.items(), key=lambda pair: (pair[0] > 1, pair[1]), default=(0, 0))
        score = (rows / max(1, widths.total()) if width > 1 else 0.0, width)
        if score > best:
            best, found = score, delimiter
    return found


def _csv_rows(
    lines: IO[str], raw: IO[bytes], delimiter: str, encoding: str, position: Position
) -> Iterator[Cells | str]:
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            row: Cells = next(reader)
        except StopIteration:
            position.done = position.total
            return
        except csv.Error as error:
            yield f"broken CSV row: {error}"
            continue
        position.done = min(raw.tell(), position.total)
        if any("\ufffd" in cell for cell in row):
            yield f"not readable as {encoding.removesuffix('-sig')}"
            continue
        yield row[:_COLUMNS] if len(row) > _COLUMNS else row


# --- workbooks --------------------------------------------------------------------------------


@contextmanager
def _workbook(path: Path) -> Iterator[list[Sheet]]:
    from openpyxl import load_workbook

    _check_zip(path)
    with path.open("rb") as file:  # by its name openpyxl refuses a workbook that is called .csv
        try:
            workbook = load_workbook(file, read_only=True, data_only=True)
        except Exception as error:  # openpyxl raises what its parts happen to raise
            raise ConfigError(f"importing {str(path)!r}: {_broken(error)}") from error
        try:
            shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
            yield [_sheet(path, sheet) for sheet in shown or workbook.worksheets]
        finally:
            workbook.close()


def _broken(error: Exception) -> str:
    kind = type(error).__name__
    return f"not a readable .xlsx file ({kind}: {str(error)[:120]}); was it copied to its end?"


def _check_zip(path: Path) -> None:
    """Refuse a workbook that unpacks to more than a table of mentions can need."""
    refused = f"importing {str(path)!r}: "
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            size = sum(part.file_size for part in parts)
            strings = sum(p.file_size for p in parts if p.filename.endswith("sharedStrings.xml"))
            if len(parts) > _PARTS or size > _UNPACKED or strings > _STRINGS:
                raise ConfigError(
                    f"{refused}unpacks to {size >> 20} MB in {len(parts)} parts, more than a table "
                    f"of mentions needs ({_UNPACKED >> 20} MB); split it, or save it as .csv"
                )
            if _swells(archive):
                raise ConfigError(
                    f"{refused}a part besides sheets and texts unpacks to more than "
                    f"{_WHOLE >> 20} MB; copy the table into a new workbook, or save it as .csv"
                )
            if "xl/workbook.xml" not in names and not any(
                n.endswith("workbook.xml") for n in names
            ):
                raise ConfigError(f"{refused}a zip file, but no workbook; unpack it first")
            for part in parts:
                _refuse_traps(archive, part, refused)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, *_UNREADABLE) as error:
        raise ConfigError(refused + _broken(error)) from error


def _swells(archive: zipfile.ZipFile) -> bool:
    """Say whether a part that is read as a whole is larger than any program writes it.

    Sheets and strings may be large: by their place, and only when no type says another thing.
    """
    large = [part.filename for part in archive.infolist() if part.file_size > _WHOLE]
    if not large:
        return False
    kinds = {name: _STREAMED[0] for name in large if name.startswith(_SHEETS)}
    kinds |= {name: _STREAMED[1] for name in large if name.endswith("sharedStrings.xml")}
    kinds |= {name: "" for name in large if name.startswith(_MEDIA)}  # never read
    if len(kinds) < len(large) or "[Content_Types].xml" not in archive.namelist():
        return True
    types = archive.read("[Content_Types].xml").decode("utf-8", errors="replace")
    for entry in re.findall(r"<Override\b[^<>]{0,1000}", types):
        named = re.search(r"""PartName\s*=\s*["']/?([^"']*)""", entry)
        kind = re.search(r"""ContentType\s*=\s*["']([^"']*)""", entry)
        wanted = kinds.get(named[1]) if named else None
        if wanted is not None and not (wanted and kind and kind[1].strip().endswith(wanted)):
            return True
    return False


def _refuse_traps(archive: zipfile.ZipFile, part: zipfile.ZipInfo, refused: str) -> None:
    """Refuse a part with a document type: no spreadsheet writes one, entity bombs need one."""
    if part.filename.startswith(_MEDIA):  # never read; a drawing may have a type
        return
    with archive.open(part) as opened_part:
        head = opened_part.read(_PROLOG)
    is_named = part.filename.endswith((".xml", ".rels"))
    begins = _first_markup(head)
    if not is_named and begins[:1] != b"<":
        return  # a picture, a printer's settings
    if _ELEMENT.match(begins) is None or b"\x00" in head[:200]:
        raise ConfigError(f"{refused}{part.filename} holds what no spreadsheet program writes")


def _first_markup(head: bytes) -> bytes:
    """Return what follows the declaration, comments and instructions at the beginning of a part."""
    left = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    while pair := next((pair for pair in _BESIDE if left.startswith(pair[0])), None):
        left = left[len(pair[0]) :].partition(pair[1])[2].lstrip()
    return left


def _sheet(path: Path, sheet: Any) -> Sheet:
    said = sheet.max_row if isinstance(getattr(sheet, "max_row", None), int) else 0
    position = Position(total=said if 1 < said <= 1_048_576 else 0)
    return Sheet(name=str(sheet.title), rows=_sheet_rows(path, sheet, position), position=position)


def _sheet_rows(path: Path, sheet: Any, position: Position) -> Iterator[Cells | str]:
    # Exporters write wrong dimensions (often "A1"); believed, they would cut the table off.
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()
    empty = width = 0
    try:
        for row in _bounded_rows(sheet):
            position.done += 1
            width = len(row)
            while width and row[width - 1] is None:
                width -= 1
            empty = 0 if width else empty + 1
            if empty > _EMPTY_RUN:
                break
            yield list(row[:width])
    except Exception as error:  # openpyxl raises what its parts happen to raise
        raise ConfigError(f"importing {str(path)!r}: {_broken(error)}") from error
    position.done = position.total = max(position.done, 1)


def _bounded_rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Give all rows of a sheet as wide as its first ones: filling up empty cells costs most."""
    if not hasattr(sheet, "iter_rows"):  # a sheet that is a chart
        return
    widest, n = 1, 0
    for row in sheet.iter_rows(values_only=True, max_row=_FIRST_ROWS, max_col=_COLUMNS):
        n += 1
        widest = max([widest, *(place for place, cell in enumerate(row, 1) if cell is not None)])
        yield row
    if n == _FIRST_ROWS:
        yield from sheet.iter_rows(values_only=True, min_row=n + 1, max_col=widest + 4)
