"""What the columns of a table mean, told by their names and by what stands in them.

In: the first rows of each sheet, mappings saved earlier. Out: a proposal that a person can read and
correct. Pure; files are opened in `columns_files`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

from config.errors import ConfigError
from crawlers.dates import parse_date
from groundswell import columns_names as names
from groundswell.importing_values import (
    COUNTERS,
    FIELDS,
    LIMITS,
    excel_serial,
    is_nothing,
    read_count,
)
from storage.records import ColumnMapping

HEAD = 60  # rows looked at: enough for title rows above the header and a fair sample below it
_HEADER_WITHIN = 20
_SAMPLES = 3
_ENOUGH = 1.5  # what name and values together must give before a column is proposed
_SURE_LENGTH = 12.0  # mean characters of a column that is the text although nothing says so
_ANY = ("text", "title")
_TIME_ONLY = re.compile(r"\d{1,2}[:：]\d{2}(?:[:：]\d{2}(?:\.\d+)?)?")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_NEVER = -9.0
_WORDS = {  # fields that hold one of a few words
    "channel": {"public", "internal"},
    "lang": {"zh", "zh-hant", "zh-cn", "en"},
    "history": {"true", "false", "0", "1", "是", "否"},
}
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
    return _wished_columns(best, wishes)


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
    body = [row for row in head[at + rows :] if any(_shown(cell) for cell in row)]
    values = [
        [row[index] for row in body if index < len(row) and _shown(row[index])]
        for index in range(len(headers))
    ]
    columns, facts = _known(headers, wishes) or _guessed(headers, values)
    shown = tuple(
        replace(column, samples=tuple(_shown(v)[:80] for v in found[:_SAMPLES]))
        for column, found in zip(columns, values, strict=True)
    )
    score = sum(_WEIGHTS.get(column.ours, 0.3) for column in shown if column.ours)
    return Proposal(
        sheet=name,
        sheets=(name,),
        header_at=at,
        header_rows=rows,
        columns=shown,
        score=score * (0.2 if not body else 1.0),
        **facts,
    )


# --- the header -------------------------------------------------------------------------------


def find_header(head: Sequence[Sequence[Any]]) -> tuple[int, int]:
    """Return at which row the header stands and how many rows it has (0: there is none)."""
    width = max((len(row) for row in head), default=0)
    best, found = 0.0, (-1, 0)
    for at, row in enumerate(head[:_HEADER_WITHIN]):
        cells = [_shown(cell) for cell in row]
        score = sum(_header_points(cell) for cell in cells if cell)
        if sum(1 for cell in cells if cell) < min(2, width):
            score = 0.0  # a title over the table, merged over its columns
        if score > best:
            best, found = score, (at, 1)
    if found[0] < 0:
        first = next((n for n, row in enumerate(head) if any(_shown(c) for c in row)), 0)
        cells = [_shown(cell) for cell in head[first]] if head else []
        return (first, 0) if any(_is_value(cell) for cell in cells if cell) else (first, 1)
    at = found[0]
    return (at, 2) if _is_second_row(head, at) else (at, 1)


def _header_points(cell: str) -> float:
    if _is_value(cell):
        return -3.0
    return max(names.meanings(cell).values(), default=0.2 if len(cell) <= 12 else -0.5)


def _is_value(cell: str) -> bool:
    looks = _URL.match(cell) or _TIME_ONLY.fullmatch(cell) or len(cell) > 40
    return bool(looks) or read_count(cell) is not None or _is_day(cell)


def _is_second_row(head: Sequence[Sequence[Any]], at: int) -> bool:
    """Say whether the row below belongs to the header: it names what a merged cell spans."""
    if at + 1 >= len(head):
        return False
    top = [_shown(cell) for cell in head[at]]
    below = [_shown(cell) for cell in head[at + 1]]
    filled = [cell for cell in below if cell]
    top += [""] * (len(below) - len(top))
    spans = any(cell and not top[n] for n, cell in enumerate(below))
    return spans and all(len(cell) <= 12 and not _is_value(cell) for cell in filled)


def _headers(head: Sequence[Sequence[Any]], at: int, rows: int) -> list[str]:
    """Return a name for every column, each once; columns without one are called by their letter."""
    lengths = Counter(len(row) for row in head[at + rows :] if row)
    usual = lengths.most_common(1)[0][0] if lengths else 0
    top = [_shown(cell) for cell in head[at]] if rows else []
    width = max(len(top), usual, *(len(row) for row in head[at + 1 : at + rows]))
    top += [""] * (width - len(top))
    if rows == 2:
        below = [_shown(cell) for cell in head[at + 1]] + [""] * width
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
    facts = [_facts_of(found) for found in values]
    options = []
    for n, header in enumerate(headers):
        said = names.meanings(header)
        if preset is not None:
            fixed = {names.normalised(k): v for k, v in preset.columns.items()}
            said |= {fixed[key]: 4.0 for key in [names.normalised(header)] if key in fixed}
        for ours in FIELDS:
            points = said.get(ours, 0.0)
            total = points + _fit(ours, facts[n], named=bool(points))
            if total >= _ENOUGH and (points or ours in {"text", "url", "published_at", "rating"}):
                options.append((total, -n, ours, points))
    columns = [Column(index=n, name=h, why=names.left_out(h)) for n, h in enumerate(headers)]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """Shares of the values of a column that look like something, and how long they are."""

    n: int = 0
    urls: float = 0.0
    days: float = 0.0
    times: float = 0.0
    numbers: float = 0.0
    stars: float = 0.0
    short: float = 0.0
    length: float = 0.0
    distinct: float = 0.0
    is_row_number: bool = False
    words: frozenset[str] = frozenset()

    @property
    def plain(self) -> bool:
        """Whether the values are neither addresses nor instants."""
        return max(self.urls, self.days, self.times) < 0.3


def _facts_of(values: Sequence[Any]) -> _Facts:
    values = [value for value in values if not is_nothing(_shown(value))]
    texts = [_shown(value) for value in values]
    n = len(texts)
    if not n:
        return _Facts()
    numbers = [read_count(text) for text in texts]
    whole = [number for number in numbers if number is not None]
    steps = {after - before for before, after in pairwise(whole)}
    return _Facts(
        n=n,
        urls=sum(bool(_URL.match(text)) for text in texts) / n,
        days=sum(_is_day(v) for v in values) / n,
        times=sum(isinstance(v, time) or bool(_TIME_ONLY.fullmatch(_shown(v))) for v in values) / n,
        numbers=len(whole) / n,
        stars=sum(_is_star(text) for text in texts) / n,
        short=sum(len(text) <= 40 for text in texts) / n,
        length=sum(len(text) for text in texts) / n,
        distinct=len(set(texts)) / n,
        is_row_number=len(whole) == n and n > 1 and steps == {1.0} and whole[0] <= 1,
        words=frozenset(text.lower() for text in texts),
    )


def _fit(ours: str, facts: _Facts, *, named: bool) -> float:
    """Return how well the values of a column fit a field; _NEVER forbids it."""
    if not facts.n:
        return 0.0 if named else _NEVER  # an empty column is what it is called
    if ours in _WORDS:
        return 3.0 if named and facts.words <= _WORDS[ours] else _NEVER
    if ours in COUNTERS:
        return 1.0 if named and facts.numbers > 0.7 else _NEVER
    judge = _JUDGES.get(ours)
    if judge is not None:
        return judge(facts, named)
    limit = LIMITS.get(ours, 100)  # title, author, source, region
    return 0.5 if named and facts.plain and facts.length <= limit else _NEVER


def _as_text(facts: _Facts, named: bool) -> float:
    if not facts.plain or facts.numbers > 0.5:
        return _NEVER
    if named:
        return min(2.0, facts.length / 15)
    sure = facts.length >= _SURE_LENGTH and facts.distinct > 0.5
    return min(2.5, facts.length / 20 + 1) if sure else _NEVER


def _as_url(facts: _Facts, named: bool) -> float:
    del named  # an address is one whatever it is called
    return 3.0 if facts.urls > 0.7 else _NEVER


def _as_parent(facts: _Facts, named: bool) -> float:
    return 3.0 if named and facts.urls > 0.7 else _NEVER


def _as_day(facts: _Facts, named: bool) -> float:
    del named
    return 3.0 if facts.days > 0.7 else _NEVER


def _as_time(facts: _Facts, named: bool) -> float:
    return 3.5 if named and facts.times > 0.7 else _NEVER


def _as_rating(facts: _Facts, named: bool) -> float:
    if facts.stars <= 0.7:
        return _NEVER
    few = facts.stars > 0.9 and facts.distinct < 0.6 and not facts.is_row_number and facts.n >= 5
    return 1.0 if named else 1.6 if few else _NEVER


def _as_id(facts: _Facts, named: bool) -> float:
    unique = facts.distinct > 0.95 and not facts.is_row_number and facts.short > 0.9
    return 0.5 if named and unique and facts.urls < 0.3 else _NEVER


_JUDGES: Mapping[str, Callable[[_Facts, bool], float]] = {
    "text": _as_text,
    "url": _as_url,
    "parent_url": _as_parent,
    "published_at": _as_day,
    "published_time": _as_time,
    "rating": _as_rating,
    "id": _as_id,
}


def _is_star(text: str) -> bool:
    if set(text) <= {"★", "☆", "⭐"}:
        return True
    found = re.fullmatch(r"([0-5](?:\.\d+)?|[一二三四五])\s*(?:颗?星级?|分)?", text)
    return found is not None and (not found[1].isdecimal() or int(found[1]) <= 5)


def _is_day(value: Any) -> bool:
    if isinstance(value, datetime | date):
        return True
    text = _shown(value)
    if not 4 <= len(text) <= 40 or _TIME_ONLY.fullmatch(text):
        return False
    if excel_serial(text) is not None:
        return isinstance(value, float) or "." in text
    if text.isdecimal():
        return len(text) in {10, 13} and text[0] == "1"
    has_digit = any(character.isdigit() for character in text)
    return has_digit and parse_date(text, datetime(2030, 1, 1, tzinfo=UTC), UTC) is not None


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
