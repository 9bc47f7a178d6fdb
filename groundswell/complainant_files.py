"""Complainants as a workbook: out for a call centre, and back with what became of each.

In: complainants. Out: an .xlsx whose first row is locked and whose states are chosen from a list.
And the other way round: a table in any order of columns, half filled, also CSV. What strangers
wrote is text in every cell, never a formula. Whom to call stands in it only for who may see it.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.complainants import CHANNELS, channels_in, contact_named
from config.errors import ConfigError, GroundswellError
from groundswell import columns_files as files
from groundswell.vault import KINDS, Vault, read
from storage.records import Complainant, Contact, MentionId
from storage.storable import storable
from storage.store import Store

# Our name of a column: how it is called in the workbook, and what else people call it.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("编号", "id", "complainant", "complainant_id"),
    "platform": ("平台", "platform", "渠道来源"),
    "author": ("投诉人", "昵称", "用户", "作者", "author"),
    "ticket": ("工单", "工单号", "ticket"),
    "posted": ("首帖时间", "投诉时间", "posted", "posted_at"),
    "url": ("链接", "网址", "url"),
    "remark": ("标记", "mark"),
    "state": ("状态", "处理状态", "state", "status"),
    "channel": ("联系渠道", "渠道", "channel"),
    "at": ("联系时间", "时间", "at", "time"),
    "text": ("依据", "说明", "备注", "evidence", "text", "note"),
    "owner": ("负责人", "跟进人", "owner"),
}
_CONTACTS = "联系方式"
_WIDTHS = {"id": 26, "platform": 10, "author": 18, "ticket": 14, "posted": 17, "url": 30,
           "remark": 12, "state": 12, "channel": 12, "at": 17, "text": 40, "owner": 12}  # fmt: skip
_FILLED_IN = frozenset({"state", "channel", "at", "text", "owner"})
_MOST = 20_000  # rows of one file
_CELL = 32_767  # characters a cell may hold (ECMA-376)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_EARLIEST, _LATEST = 2000, 2099  # years; what is beyond is a slip of the pen or a broken cell
_DAY = re.compile(r"(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})日?(?:[ T]+(\d{1,2})[:：](\d{2}).*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table: whom it names, and what became of him. Empty fields say nothing."""

    number: int
    complainant_id: str = ""
    platform: str = ""
    author: str = ""
    ticket: str = ""
    posted_at: datetime | None = None
    state: Contact | None = None
    channel: str = ""
    at: datetime | None = None
    text: str = ""
    owner_id: str = ""


# --- out --------------------------------------------------------------------------------------


def workbook(
    complainants: Iterable[Complainant],
    zone: ZoneInfo,
    *,
    contacts: Mapping[str, str] | None = None,
) -> bytes:
    """Return complainants as an .xlsx, times in `zone`; `contacts`: whom to call, by id."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font, Protection

    book = Workbook(write_only=True)
    sheet = book.create_sheet("投诉人")
    names = [*_COLUMNS, *(["contact"] if contacts is not None else [])]
    _dress(sheet, names)
    styles = {}
    for is_free in (False, True):
        for is_quoted in (False, True):
            model = WriteOnlyCell(sheet)
            model.number_format = "@"
            model.quotePrefix = is_quoted  # a text that begins like a formula stays one when edited
            if is_free:
                model.protection = Protection(locked=False)
            styles[is_free, is_quoted] = model._style  # noqa: SLF001 - made anew it takes 5 s

    def cell(value: str, *, is_free: bool) -> Any:
        text = _clean(value)
        made = WriteOnlyCell(sheet, value=text)
        made.data_type = "s"  # set after the value: a text that begins like a formula stays a text
        made._style = styles[is_free, text.startswith(_FORMULA)]  # noqa: SLF001
        return made

    head = []
    for name in names:
        made = cell(_COLUMNS[name][0] if name in _COLUMNS else _CONTACTS, is_free=False)
        made._style = copy(made._style)  # noqa: SLF001
        made.font = Font(bold=True)
        head.append(made)
    sheet.append(head)
    for one in complainants:
        values = _values(one, zone) | {"contact": (contacts or {}).get(one.complainant_id, "")}
        sheet.append([cell(values[name], is_free=name in _FILLED_IN) for name in names])
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def _dress(sheet: Any, names: Sequence[str]) -> None:
    """Lock the header and who is who, offer the states as a list."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    sheet.freeze_panes = "A2"
    sheet.protection.sheet = True  # without a password: against slips, not against people
    sheet.protection.formatColumns = False
    sheet.protection.autoFilter = False
    sheet.protection.sort = False
    for place, name in enumerate(names, 1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _WIDTHS.get(name, 24)
        if name == "state":
            offered = ",".join(state.zh for state in Contact)
        elif name == "channel":
            offered = ",".join(CHANNELS)
        else:
            continue
        choice = DataValidation(type="list", formula1=f'"{offered}"', allow_blank=True)
        choice.showErrorMessage = name == "state"  # tried channels may be several
        choice.add(f"{letter}2:{letter}{_MOST + 1}")
        sheet.data_validations.append(choice)


def _values(one: Complainant, zone: ZoneInfo) -> dict[str, str]:
    return {
        "id": one.complainant_id,
        "platform": one.platform,
        "author": one.author or ("" if one.ticket else "匿名"),
        "ticket": one.ticket,
        "posted": _minute(one.posted_at, zone) or "未知",
        "url": one.url,
        "remark": "、".join(marks(one)),
        "state": one.state.zh,
        "channel": one.channel,
        "at": _minute(one.at, zone),
        "text": one.text,
        "owner": one.assigned_to,
    }


def marks(one: Complainant) -> list[str]:
    """Return what service should know of somebody before it calls."""
    found = ["转发"] if one.is_repost else []
    found += ["涉及人身或重大情形"] if one.is_harmed else []
    found += ["已不在聚类里"] if one.has_left else []
    return found


def _minute(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""


def _clean(value: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cleaned: str = ILLEGAL_CHARACTERS_RE.sub("", value)
    return cleaned[:_CELL]


def write_file(path: Path, body: bytes) -> None:
    """Write a file whole or not at all. ConfigError when it cannot be written there."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(temporary).replace(path)
    except OSError as error:
        raise ConfigError(f"writing complainants to {str(path)!r}: {error.strerror}") from error


def whom_to_call(
    store: Store,
    vault: Vault | None,
    complainants: Sequence[Complainant],
    *,
    actor: str,
    reason: str,
    now: datetime,
    at: datetime,
) -> dict[str, str]:
    """Return the contacts of complainants by id; each reading is written down before it is given.

    Errors: NotPermittedError without the permission, ConfigError for an empty reason or no key.
    """
    with store.read() as queries:
        has_one = queries.contactable(complainants)
    found: dict[str, str] = {}
    for one in complainants:
        if one.complainant_id not in has_one or one.mention_id is None:
            continue
        said = read(
            store, vault, MentionId(one.mention_id), actor=actor, reason=reason, now=now, at=at
        )
        shown = (f"{KINDS.get(item.kind, item.kind)} {item.value}" for item in said)
        found[one.complainant_id] = "；".join(shown)
    return found


# --- in ---------------------------------------------------------------------------------------


def read_lines(path: Path, zone: ZoneInfo) -> tuple[list[Line], list[tuple[int, str]]]:
    """Return the rows of a table, and the numbers of those that cannot be read, with why.

    Errors: ConfigError when it is no table, names nobody in its header, or has too many rows.
    """
    lines: list[Line] = []
    bad: list[tuple[int, str]] = []
    with files.opened(path) as sheets:
        rows = iter(sheets[0].rows)
        header = _header(path, next(rows, []))
        for number, cells in enumerate(rows, 2):
            said = {} if isinstance(cells, str) else _said(header, cells)
            if not said and not isinstance(cells, str):
                continue
            if len(lines) + len(bad) >= _MOST:
                raise ConfigError(f"importing {str(path)!r}: more than {_MOST:,} rows; split it")
            if isinstance(cells, str):
                bad.append((number, cells))
                continue
            try:
                lines.append(_line(number, said, zone))
            except (GroundswellError, ValueError) as error:
                bad.append((number, str(error)))
    return lines, bad


def _said(header: Sequence[str], cells: files.Cells) -> dict[str, Any]:
    named = zip(header, cells, strict=False)
    return {name: cell for name, cell in named if name and str(cell or "").strip()}


def _header(path: Path, cells: files.Cells | str) -> list[str]:
    if isinstance(cells, str):
        raise ConfigError(f"importing {str(path)!r}: the header is {cells}")
    known = {called: name for name, names in _COLUMNS.items() for called in names}
    header, seen = [], set()
    for cell in cells:
        name = known.get(str(cell or "").strip().lower(), "")
        header.append("" if name in seen else name)
        seen.add(name)
    if not seen & {"id", "author", "ticket"}:
        said = "、".join(str(cell) for cell in cells if cell)[:200] or "空表头"
        raise ConfigError(
            f"importing {str(path)!r}: expected a column 编号, 投诉人 or 工单, got {said}"
        )
    return header


def _line(number: int, said: Mapping[str, Any], zone: ZoneInfo) -> Line:
    texts = {name: _plain(value) for name, value in said.items()}
    author = texts.get("author", "")
    return Line(
        number=number,
        complainant_id=texts.get("id", ""),
        platform=texts.get("platform", ""),
        author="" if author == "匿名" else author,
        ticket=texts.get("ticket", ""),
        posted_at=_when(said.get("posted"), zone, "首帖时间"),
        state=contact_named(texts["state"]) if "state" in texts else None,
        channel="、".join(channels_in(texts.get("channel", ""))),
        at=_when(said.get("at"), zone, "联系时间"),
        text=texts.get("text", ""),
        owner_id=texts.get("owner", ""),
    )


def _plain(value: Any) -> str:
    """Return a cell as text: a ticket's number that a spreadsheet took for 1001.0 is 1001."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = storable(str(value)).strip()  # as the row keeps it, so the log says the same
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _when(value: Any, zone: ZoneInfo, name: str) -> datetime | None:
    if value is None or str(value).strip() in {"", "未知"}:
        return None
    if isinstance(value, datetime) and _EARLIEST <= value.year <= _LATEST:
        return value if value.tzinfo else value.replace(tzinfo=zone)
    found = _DAY.fullmatch(str(value).strip())
    year, month, day, hour, minute = (
        (int(part or 0) for part in found.groups()) if found else (0,) * 5
    )
    year = year if _EARLIEST <= year <= _LATEST else 0  # no year at all
    try:
        return datetime(year, month, day, hour, minute, tzinfo=zone)
    except ValueError as error:
        raise ValueError(
            f"看不懂{name} {str(value)[:40]!r}，写成 2026-11-20 10:05 这样 (not a time)"
        ) from error
