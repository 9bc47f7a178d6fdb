"""What the columns of a table mean, told by their names and by what stands in them.

In: the first rows of each sheet, mappings saved earlier. Out: a proposal that a person can read and
correct. Pure; files are opened in `columns_files`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from classify.privacy import mask
from config.errors import ConfigError
from groundswell import columns_names as names
from groundswell.columns_values import TIME_ONLY, URL, facts_of, fit, is_day, shown
from groundswell.importing_values import CONTACTS, CUSTOMERS, FIELDS, read_count
from groundswell.vault import CLOSED
from storage.records import ColumnMapping

HEAD = 60  # rows looked at: enough for title rows above the header and a fair sample below it
_HEADER_WITHIN = 20
_SAMPLES = 3
_ENOUGH = 1.5  # what name and values together must give before a column is proposed
_ANY = ("text", "title")
_WEIGHTS = {"text": 4.0, "title": 2.0, "published_at": 2.0, "url": 1.5}  # of a sheet of mentions


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: what it is called, what it is taken for ("": left out), why, some values."""

    index: int
    name: str
    ours: str = ""
    why: str = ""
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """How a table is to be read.

    `header_at` counts rows from 0; the data begins `header_rows` later (0: there is no header).
    `known_as` names the saved mapping or the layout that it was recognised by.
    """

    sheet: str
    sheets: tuple[str, ...]
    header_at: int
    header_rows: int
    columns: tuple[Column, ...]
    known_as: str = ""
    saved: bool = False
    channel: str = ""
    source: str = ""
    tz: str = ""
    score: float = 0.0

    @property
    def mapping(self) -> dict[str, str]:
        """Their name -> our field, of the columns that are read."""
        return {column.name: column.ours for column in self.columns if column.ours}

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def personal(self) -> tuple[str, ...]:
        """The names of the columns that tell who the customer is and are left out."""
        return tuple(column.name for column in self.columns if column.why == names.PERSONAL)

    @property
    def readable(self) -> bool:
        """Whether some column holds what was said."""
        return any(column.ours in _ANY for column in self.columns)

    def lines(self) -> list[tuple[str, str, str, str]]:
        """Word every column: its name, our field, why, an example."""
        return [
            (
                column.name,
                f"{column.ours} {names.LABELS[column.ours]}" if column.ours else "—",
                column.why,
                column.samples[0][:30] if column.samples else "",
            )
            for column in self.columns
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person said about a table: wins over everything that is proposed."""

    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    mapping: str = ""  # name of a saved mapping or of a layout
    saved: Sequence[ColumnMapping] = ()
    vault: bool = False  # whether the customer's contact may be kept, sealed


def propose(heads: Mapping[str, Sequence[Sequence[Any]]], wishes: Wishes) -> Proposal:
    """Propose how the table of a file is read; of several sheets the likeliest one.

    Errors: ConfigError when a wish names a sheet, a mapping or a column that is not there.
    """
    sheets = tuple(heads)
    chosen = [_wished_sheet(sheets, wishes.sheet)] if wishes.sheet else sheets
    found = [replace(_sheet(name, heads[name], wishes), sheets=sheets) for name in chosen]
    if not found:
        raise ConfigError("the workbook has no sheet with rows")
    best = max(found, key=lambda proposal: proposal.score)
    return _wished_columns(best if wishes.vault else _without_contacts(best), wishes)


def _without_contacts(proposal: Proposal) -> Proposal:
    """Leave out what would go into the vault, for there is none."""
    columns = (
        replace(column, ours="", why=names.PERSONAL) if column.ours in CONTACTS else column
        for column in proposal.columns
    )
    return replace(proposal, columns=tuple(columns))


def _wished_sheet(sheets: Sequence[str], wish: str) -> str:
    if wish in sheets:
        return wish
    if wish.isdecimal() and 1 <= int(wish) <= len(sheets):
        return sheets[int(wish) - 1]
    raise ConfigError(
        f"--sheet {wish!r}: expected a name or a number of {', '.join(sheets) or 'no sheet'}"
    )


def _wished_columns(proposal: Proposal, wishes: Wishes) -> Proposal:
    """Put what was said by hand in the place of what was proposed."""
    for theirs, ours in wishes.columns.items():
        if theirs not in proposal.headers:
            raise ConfigError(
                f"--map names the column {theirs!r}, which the file does not have; it has "
                f"{', '.join(proposal.headers)}"
            )
        if ours and ours not in FIELDS:
            raise ConfigError(f"--map {ours!r}: expected one of {', '.join(FIELDS)}")
        if ours in CONTACTS and not wishes.vault:
            raise ConfigError(f"--map {ours}: {CLOSED}")
    taken = set(wishes.columns.values())
    columns = []
    for column in proposal.columns:
        if column.name in wishes.columns:
            columns.append(replace(column, ours=wishes.columns[column.name], why="指定"))
        elif column.ours in taken:
            columns.append(replace(column, ours="", why="另有指定的列"))
        else:
            columns.append(column)
    return replace(proposal, columns=tuple(columns))


def _sheet(name: str, head: Sequence[Sequence[Any]], wishes: Wishes) -> Proposal:
    at, rows = find_header(head)
    headers = _headers(head, at, rows)
    body = [row for row in head[at + rows :] if any(shown(cell) for cell in row)]
    values = [
        [row[index] for row in body if index < len(row) and shown(row[index])]
        for index in range(len(headers))
    ]
    columns, facts = _known(headers, wishes) or _guessed(headers, values)
    sampled = tuple(
        replace(column, samples=tuple(mask(shown(v))[:80] for v in found[:_SAMPLES]))
        if column.ours not in {*CONTACTS, *CUSTOMERS} and column.why != names.PERSONAL
        else column  # whom to call is shown to nobody who does not ask for it
        for column, found in zip(columns, values, strict=True)
    )
    score = sum(_WEIGHTS.get(column.ours, 0.3) for column in sampled if column.ours)
    return Proposal(
        sheet=name,
        sheets=(name,),
        header_at=at,
        header_rows=rows,
        columns=sampled,
        score=score * (0.2 if not body else 1.0),
        **facts,
    )


# --- the header -------------------------------------------------------------------------------


def find_header(head: Sequence[Sequence[Any]]) -> tuple[int, int]:
    """Return at which row the header stands and how many rows it has (0: there is none)."""
    width = max((len(row) for row in head), default=0)
    best, found = 0.0, (-1, 0)
    for at, row in enumerate(head[:_HEADER_WITHIN]):
        cells = [shown(cell) for cell in row]
        score = sum(_header_points(cell) for cell in cells if cell)
        if sum(1 for cell in cells if cell) < min(2, width):
            score = 0.0  # a title over the table, merged over its columns
        if score > best:
            best, found = score, (at, 1)
    if found[0] < 0:
        first = next((n for n, row in enumerate(head) if any(shown(c) for c in row)), 0)
        cells = [shown(cell) for cell in head[first]] if head else []
        return (first, 0) if any(_is_value(cell) for cell in cells if cell) else (first, 1)
    at = found[0]
    return (at, 2) if _is_second_row(head, at) else (at, 1)


def _header_points(cell: str) -> float:
    if _is_value(cell):
        return -3.0
    return max(names.meanings(cell).values(), default=0.2 if len(cell) <= 12 else -0.5)


def _is_value(cell: str) -> bool:
    looks = URL.match(cell) or TIME_ONLY.fullmatch(cell) or len(cell) > 40
    return bool(looks) or read_count(cell) is not None or is_day(cell)


def _is_second_row(head: Sequence[Sequence[Any]], at: int) -> bool:
    """Say whether the row below belongs to the header: it names what a merged cell spans."""
    if at + 1 >= len(head):
        return False
    top = [shown(cell) for cell in head[at]]
    below = [shown(cell) for cell in head[at + 1]]
    filled = [cell for cell in below if cell]
    top += [""] * (len(below) - len(top))
    spans = any(cell and not top[n] for n, cell in enumerate(below))
    return spans and all(len(cell) <= 12 and not _is_value(cell) for cell in filled)


def _headers(head: Sequence[Sequence[Any]], at: int, rows: int) -> list[str]:
    """Return a name for every column, each once; columns without one are called by their letter."""
    lengths = Counter(len(row) for row in head[at + rows :] if row)
    usual = lengths.most_common(1)[0][0] if lengths else 0
    top = [shown(cell) for cell in head[at]] if rows else []
    width = max(len(top), usual, *(len(row) for row in head[at + 1 : at + rows]))
    top += [""] * (width - len(top))
    if rows == 2:
        below = [shown(cell) for cell in head[at + 1]] + [""] * width
        span = ""
        for n in range(width):
            span = top[n] or span
            top[n] = f"{span}/{below[n]}" if below[n] and span != below[n] else top[n] or below[n]
    seen: dict[str, int] = {}
    found = []
    for n, cell in enumerate(top):
        name = re.sub(r"\s+", "", cell.lstrip("\ufeff")) if "\n" in cell else cell.lstrip("\ufeff")
        name = name.strip() or f"列{_letter(n)}"
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _letter(n: int) -> str:
    return (chr(64 + n // 26) if n >= 26 else "") + chr(65 + n % 26)


# --- what the columns are ---------------------------------------------------------------------


def _known(headers: Sequence[str], wishes: Wishes) -> tuple[list[Column], dict[str, Any]] | None:
    """Read the columns as a mapping says that was named, or saved for just these headers."""
    found = next((m for m in wishes.saved if m.name == wishes.mapping), None)
    if wishes.mapping and found is None:
        preset = names.preset_named(wishes.mapping)
        if preset is None:
            known = [m.name for m in wishes.saved] + [p.name for p in names.PRESETS]
            raise ConfigError(
                f"--mapping {wishes.mapping!r}: expected one of {', '.join(known)}; "
                "`groundswell import --propose FILE --save-mapping NAME` saves a new one"
            )
        return None
    if found is None:
        found = next((m for m in wishes.saved if set(m.headers) == set(headers)), None)
    if found is None:
        return None
    columns = [
        Column(index=n, name=name, ours=str(found.columns.get(name, "")), why=f"映射“{found.name}”")
        for n, name in enumerate(headers)
    ]
    facts = {"known_as": found.name, "saved": True, "channel": found.channel}
    return columns, facts | {"source": found.source, "tz": found.tz}


def _guessed(
    headers: Sequence[str], values: Sequence[Sequence[Any]]
) -> tuple[list[Column], dict[str, Any]]:
    preset = names.preset_of(list(headers))
    facts = [facts_of(found) for found in values]
    options = []
    for n, header in enumerate(headers):
        said = names.meanings(header)
        if preset is not None:
            fixed = {names.normalised(k): v for k, v in preset.columns.items()}
            said |= {fixed[key]: 4.0 for key in [names.normalised(header)] if key in fixed}
        for ours in FIELDS:
            points = said.get(ours, 0.0)
            total = points + fit(ours, facts[n], named=bool(points))
            if total >= _ENOUGH and (points or ours in {"text", "url", "published_at", "rating"}):
                options.append((total, -n, ours, points))
    columns = [
        Column(
            index=n,
            name=header,
            why=names.left_out(header) or (names.PERSONAL if names.contact_of(header) else ""),
        )
        for n, header in enumerate(headers)
    ]
    taken: set[str] = set()
    for _, negative, ours, points in sorted(options, reverse=True):
        n = -negative
        if ours in taken or columns[n].ours or (columns[n].why and not points):
            continue
        taken.add(ours)
        why = "列名" if points else "内容"
        columns[n] = replace(columns[n], ours=ours, why=f"按{why}")
    if preset is None:
        return columns, {}
    return columns, {"known_as": preset.name, "channel": preset.channel, "source": preset.source}
