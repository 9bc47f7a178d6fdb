"""Labels as files: read whole and checked before anything is stored, written so that nothing runs.

In: a table with one label a row. Out: corrections, or every mistake with its row. And the other way
round: a CSV file in which no cell is a formula.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigError
from config.schema import Project
from groundswell import columns_files as files
from groundswell.label_values import Speaker, make, named_brand, read_id, read_value, with_brand
from storage.corrected import Slot, kept_words, slot_of
from storage.queries import Queries
from storage.records import BrandId, Correction, Mention, Verdict

COLUMNS = ("mention", "url", "text", "brand", "polarity", "issue", "noise", "about", "severity",
           "note")  # fmt: skip
_NAMES: Mapping[str, str] = {
    "id": "mention", "提及": "mention", "编号": "mention", "链接": "url", "网址": "url",
    "正文": "text", "内容": "text", "品牌": "brand", "极性": "polarity", "情感": "polarity",
    "类别": "issue", "投诉类型": "issue", "噪声": "noise", "关于": "about", "严重情形": "severity",
    "备注": "note",
}  # fmt: skip
_VALUES: Mapping[str, str] = {
    "polarity": "polarity",
    "issue": "issue",
    "noise": "noise",
    "about": "brand",
    "severity": "severity",
}
_MOST = 100_000  # rows of one file
# Spreadsheets of East Asia take the wide signs for the narrow ones (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A file of labels: the corrections it asks for and everything that is wrong with it."""

    rows: int
    corrections: tuple[Correction, ...]
    problems: tuple[str, ...]


def read_labels(
    path: Path,
    queries: Queries,
    project: Project,
    speaker: Speaker,
    mask: Callable[[str], str],
) -> Read:
    """Read a table of labels against the mentions that are stored; nothing is written.

    A row names its mention by id, by its address or by its whole text (then every mention with that
    text is meant; `mask` makes of the text what is stored). What the same person said before in
    the same words is left out, so that a file can be read again.
    Errors: ConfigError when the file cannot be read, was written to meanwhile or has no labels.
    """
    before = path.stat() if path.is_file() else None
    rows, problems = _rows(path)
    after = path.stat()
    if before is None or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ConfigError(f"importing {str(path)!r}: it is still being written; import it then")
    found = _Mentions(queries, [row for _, row in rows], mask)
    said: dict[tuple[int, Slot], tuple[int, Correction]] = {}
    for number, row in rows:
        try:
            for one in _corrections(row, found, project, speaker):
                first, other = said.setdefault((one.mention_id, slot_of(one)), (number, one))
                _agree(one, other, first)
        except ValueError as error:
            problems.append((number, str(error)))
    corrections = [one for _, one in said.values() if not found.is_said(one)]
    return Read(
        rows=len(rows),
        corrections=tuple(corrections),
        problems=tuple(f"row {number}: {text}" for number, text in sorted(problems)),
    )


def _agree(one: Correction, other: Correction, row: int) -> None:
    if one.value != other.value:
        raise ValueError(f"says {one.value!r} where row {row} says {other.value!r}")


def _rows(path: Path) -> tuple[list[tuple[int, Row]], list[tuple[int, str]]]:
    """Return the rows by number and by our names, and which of them cannot be read."""
    rows: list[tuple[int, Row]] = []
    problems: list[tuple[int, str]] = []
    with files.opened(path) as sheets:
        cells_of = iter(sheets[0].rows)
        header = _header(path, next(cells_of, []))
        number, width = 1, 0
        for number, cells in enumerate(cells_of, 2):
            if isinstance(cells, str):
                problems.append((number, cells))
                continue
            width = len(cells)
            row = {
                name: _plain("" if cell is None else str(cell))
                for name, cell in zip(header, cells, strict=False)
                if name in COLUMNS
            }
            if any(row.values()):
                rows.append((number, row))
            if len(rows) > _MOST:
                raise ConfigError(f"importing {str(path)!r}: more than {_MOST:,} rows; split it")
    if rows and width < len(header) and _is_cut(path):
        problems.append((number, "the file ends in the middle of this row; copy it to its end"))
    return rows, problems


def _is_cut(path: Path) -> bool:
    """Say whether a text file ends without the end of a line."""
    with path.open("rb") as file:
        body = file.read(4)
        file.seek(max(0, path.stat().st_size - 2))
        return not body.startswith(b"PK") and b"\n" not in file.read()


def _header(path: Path, cells: files.Cells | str) -> list[str]:
    if isinstance(cells, str):
        raise ConfigError(f"importing {str(path)!r}: the header is {cells}")
    found = [str(cell or "").strip().lower() for cell in cells]
    names = [_NAMES.get(name, name) for name in found]
    if not set(names) & {"mention", "url", "text"} or not set(names) & set(_VALUES):
        raise ConfigError(
            f"importing {str(path)!r}: expected a column mention, url or text and a column of "
            f"labels ({', '.join(_VALUES)}), got {', '.join(found) or 'nothing'}"
        )
    return names


def _plain(cell: str) -> str:
    """Return a cell without the quote that keeps spreadsheets from taking it for a formula."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


class _Mentions:
    """The mentions that the rows of a file name, looked up at once."""

    def __init__(self, queries: Queries, rows: Sequence[Row], mask: Callable[[str], str]) -> None:
        self._queries = queries
        self._mask = mask
        said = {read_id(row.get("mention", "")) for row in rows}
        ids = {number for number in said if number is not None}
        urls = {row["url"] for row in rows if row.get("url")}
        texts = {self._key(row["text"]) for row in rows if row.get("text")}
        self._by_url: dict[str, list[int]] = {}
        self._by_text: dict[str, list[int]] = {}
        if urls or texts:
            for mention_id, url, text in queries.mention_texts():
                if url in urls:
                    self._by_url.setdefault(url, []).append(mention_id)
                if texts and (key := _squeezed(text)) in texts:
                    self._by_text.setdefault(key, []).append(mention_id)
        named = (*self._by_url.values(), *self._by_text.values())
        self._all = queries.review_texts([*ids, *(one for some in named for one in some)])

    def _key(self, text: str) -> str:
        return _squeezed(self._mask(text))

    def named(self, row: Row) -> list[Mention]:
        """Return what a row means. Errors: ValueError when that is nothing, or more than one."""
        if name := row.get("mention"):
            number = read_id(name)
            found = None if number is None else self._all.get(number)
            if found is None:
                raise ValueError(f"there is no mention {name[:40]!r}")
            return [found]
        if url := row.get("url"):
            ids = self._by_url.get(url, [])
            if len(ids) != 1:
                raise ValueError(
                    f"{len(ids)} mentions have the address {url!r}; name one by its id"
                )
            return [self._all[ids[0]]]
        ids = self._by_text.get(self._key(row.get("text", "")), [])
        if not ids:
            raise ValueError("no mention has this text")
        return [self._all[one] for one in ids]

    def verdicts(self, mention: Mention) -> list[Verdict]:
        """Return the verdicts on a mention that hold."""
        return self._queries.verdicts(mention.mention_id)

    def is_said(self, one: Correction) -> bool:
        """Say whether this person's word stands already."""
        kept = kept_words(self._queries.mention_corrections(one.mention_id)).get(slot_of(one), [])
        return any((word.actor, word.value) == (one.actor, one.value) for word in kept[-1:])


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _corrections(
    row: Row, found: _Mentions, project: Project, speaker: Speaker
) -> Iterator[Correction]:
    """Give the corrections of one row. Errors: ValueError that says what is wrong with it."""
    for mention in found.named(row):
        verdicts = found.verdicts(mention)
        brand_id = named_brand(row.get("brand", ""), verdicts, project)
        values = {
            kind: read_value(project, kind, row[name], brand_id)
            for name, kind in _VALUES.items()
            if row.get(name)
        }
        if not values:
            raise ValueError(f"no label in it; fill in one of {', '.join(_VALUES)}")
        values = with_brand(values, brand_id, verdicts)
        note = row.get("note", "")
        yield from make(mention.mention_id, BrandId(brand_id), values, speaker, note=note)


def write_labels(
    path: Path, corrections: Iterable[Correction], mentions: Mapping[int, Mention], *, texts: bool
) -> int:
    """Write corrections as CSV, whole or not at all; return how many rows.

    Cells that a spreadsheet would take for a formula get a quote before them. Texts of mentions
    only with `texts`: they are what strangers wrote.
    Errors: ConfigError when it cannot be written there.
    """
    names = ["mention", "url", "brand", "kind", "value", "was", "actor", "at", "door", "asked",
             "note", *(["title", "text"] if texts else [])]  # fmt: skip
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise ConfigError(f"writing labels to {str(path)!r}: {error.strerror}") from error
    n = 0
    try:
        # the mark tells spreadsheets that this is UTF-8
        with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for one in corrections:
                mention = mentions.get(int(one.mention_id))
                cells = [one.mention_id, mention.url if mention else "", one.brand_id, one.kind,
                         one.value, one.was, one.actor, one.at.isoformat(), one.door, one.asked,
                         one.note]  # fmt: skip
                if texts:
                    cells += [mention.title, mention.text] if mention else ["", ""]
                writer.writerow([harmless(str(cell)) for cell in cells])
                n += 1
        Path(temporary).replace(path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ConfigError(f"writing labels to {str(path)!r}: {error.strerror}") from error
        raise
    return n


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
