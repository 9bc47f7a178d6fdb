"""Calendars as files: CSV, XLSX and ICS in, events as rows out; and events as CSV and ICS.

A day-long event of ICS ends on the day before its DTEND; one with times ends on the day, in the
project's time zone, on which it is over. Yearly and monthly rules are followed for the years to
come; anything finer is no event of this calendar and is told as such.
"""

from __future__ import annotations

import csv
import io
import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.calendar_schema import EVENT_KINDS, FIRST_DAY, LAST_DAY
from config.errors import ConfigError
from groundswell.columns_files import opened
from groundswell.columns_names import normalised
from storage.records import CalendarEvent

MOST_BYTES = 2 * 1024 * 1024  # calendars of companies have some 100 KB
MOST_EVENTS = 5_000
_BACK, _AHEAD = timedelta(days=400), timedelta(days=3 * 366)  # what rules are followed for
_RULES = frozenset({"YEARLY", "MONTHLY"})
_LEAP = 2024  # a year in which February is longest
_FINER = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_HEADER_WITHIN = 10  # rows above a header
_INSTANT = timedelta(microseconds=1)
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T].*)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

COLUMNS = ("name", "kind", "starts", "ends", "brand", "note")
_NAMES = {
    **{name: name for name in COLUMNS},
    "名称": "name",
    "事件": "name",
    "活动": "name",
    "活动名称": "name",
    "summary": "name",
    "类型": "kind",
    "类别": "kind",
    "种类": "kind",
    "开始": "starts",
    "开始日期": "starts",
    "起": "starts",
    "start": "starts",
    "结束": "ends",
    "结束日期": "ends",
    "止": "ends",
    "end": "ends",
    "品牌": "brand",
    "备注": "note",
    "说明": "note",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One event as a file says it, or what is wrong with it. `place` says where it stands."""

    place: str
    name: str = ""
    kind: str = ""
    starts: date | None = None
    ends: date | None = None
    brand: str = ""
    note: str = ""
    key: str = ""  # what the file knows it by; "" when its words are all
    problem: str = ""


def read_events(path: Path, zone: ZoneInfo, today: date) -> list[Row]:
    """Return the events of a file.

    Errors: ConfigError when it is missing, too large, or neither a table nor a calendar.
    """
    if not path.is_file():
        raise ConfigError(f"importing a calendar {str(path)!r}: no such file")
    if path.stat().st_size > MOST_BYTES:
        raise ConfigError(
            f"importing a calendar {path.name!r}: expected at most {MOST_BYTES >> 20} MiB"
        )
    with path.open("rb") as file:
        is_ics = file.read(200).lstrip(b"\xef\xbb\xbf \r\n").upper().startswith(b"BEGIN:VCALENDAR")
    rows = _ics_rows(path, zone, today) if is_ics else _table_rows(path)
    found = list(islice(rows, MOST_EVENTS + 1))
    if len(found) > MOST_EVENTS:
        raise ConfigError(f"importing a calendar {path.name!r}: more than {MOST_EVENTS} events")
    return found


# --- tables -----------------------------------------------------------------------------------


def _table_rows(path: Path) -> Iterator[Row]:
    with opened(path) as sheets:
        for sheet in sheets:
            for at in range(1, _HEADER_WITHIN + 1):
                row = next(sheet.rows, None)
                if row is None:
                    break
                named = _header(row)
                if {"name", "starts"} <= named.keys():
                    for number, cells in enumerate(sheet.rows, start=at + 1):
                        if not isinstance(cells, str) and not any(map(_text, cells)):
                            continue
                        yield _table_row(number, cells, named)
                    return
    raise ConfigError(
        f"importing a calendar {path.name!r}: no header with name 名称 and starts 开始; "
        f"expected the columns {', '.join(COLUMNS)}, or an .ics file"
    )


def _header(row: list[Any] | str) -> dict[str, int]:
    named: dict[str, int] = {}
    for index, cell in enumerate(() if isinstance(row, str) else row):
        ours = _NAMES.get(normalised(_text(cell).lstrip("\ufeff")))
        if ours:
            named.setdefault(ours, index)
    return named


def _table_row(number: int, cells: list[Any] | str, named: dict[str, int]) -> Row:
    place = f"第 {number} 行"
    if isinstance(cells, str):
        return Row(place=place, problem=f"{place}：读不出来")
    said = {name: cells[at] if at < len(cells) else None for name, at in named.items()}
    starts, ends = _day(said.get("starts")), _day(said.get("ends"))
    if starts is None or (ends is None and _text(said.get("ends"))):
        what = "开始" if starts is None else "结束"
        shown = _text(said.get("starts" if starts is None else "ends"))[:20]
        problem = f"{place}：{what}日期 {shown!r} 读不出来，写成 2026-11-11"
        return Row(place=place, problem=problem)
    texts = {name: _unquoted(_text(said.get(name))) for name in ("name", "kind", "brand", "note")}
    return Row(place=place, starts=starts, ends=ends, **texts)


def _day(cell: Any) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.fullmatch(_text(cell))
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()[:1000]


def _unquoted(text: str) -> str:
    """Take off the sign by which `to_csv` tells a spreadsheet that a cell is no formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


# --- iCalendar --------------------------------------------------------------------------------


def _ics_rows(path: Path, zone: ZoneInfo, today: date) -> Iterator[Row]:
    from icalendar import Calendar

    try:
        calendars = Calendar.from_ical(path.read_bytes(), multiple=True)
        events = [one for calendar in calendars for one in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"importing a calendar {path.name!r}: no readable iCalendar file: {str(error)[:200]}"
        ) from error
    if not calendars:
        raise ConfigError(
            f"importing a calendar {path.name!r}: it ends before the calendar does; was it copied "
            "to its end?"
        )
    if len(events) > MOST_EVENTS:  # also those that give no day, which cost the most
        raise ConfigError(f"importing a calendar {path.name!r}: more than {MOST_EVENTS} events")
    moved: dict[str, set[date]] = {}
    for one in events:  # an occurrence that was changed by itself stands as an event of its own
        if (named := one.get("RECURRENCE-ID")) is not None:
            moved.setdefault(str(one.get("UID", "")), set()).add(_local(named.dt, zone))
    for number, one in enumerate(events, start=1):
        place = f"第 {number} 个事件"
        try:
            yield from _ics_event(one, place, zone, today, moved)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            yield Row(place=place, problem=f"{place}：{str(error)[:200]}")


def _ics_event(
    event: Any, place: str, zone: ZoneInfo, today: date, moved: dict[str, set[date]]
) -> Iterator[Row]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    if event.get("DTSTART") is None:
        raise ValueError("没有 DTSTART (no start)")
    first, last = _span(event, zone)
    if not FIRST_DAY <= first <= LAST_DAY:
        raise ValueError(f"{first} 不在 {FIRST_DAY} 到 {LAST_DAY} 之间 (out of range)")
    uid = str(event.get("UID", ""))
    left_out = _dates(event, "EXDATE", zone)
    if event.get("RECURRENCE-ID") is None:
        left_out |= moved.get(uid, set())
    kinds = [str(one) for one in _categories(event)]
    for start in _starts(event, first, zone, today):
        if start in left_out:
            continue
        yield Row(
            place=place,
            name=str(event.get("SUMMARY", "")),
            kind=next((one for one in kinds if one in EVENT_KINDS), ""),
            starts=start,
            ends=start + (last - first),
            brand=str(event.get("X-GROUNDSWELL-BRAND", "")),
            note=str(event.get("DESCRIPTION", "")),
            key=f"{uid}|{start}" if uid else "",
        )


def _span(event: Any, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and the last day: DTEND is the first instant, or day, after the event."""
    start = event["DTSTART"].dt
    if event.get("DTEND") is not None:
        end = event["DTEND"].dt
    elif event.get("DURATION") is not None:
        end = start + event["DURATION"].dt
    else:
        end = start
    first = _local(start, zone)
    if isinstance(end, datetime):
        if not isinstance(start, datetime):
            mixed = "DTSTART 是日期而 DTEND 是时间 (mixed kinds)"
            raise ValueError(mixed)  # noqa: TRY004 - of the file's values
        last = _local(end - _INSTANT if end > start else end, zone)
    else:
        last = end - timedelta(days=1) if end > first else end
    return first, max(first, last)


def _local(value: date | datetime, zone: ZoneInfo) -> date:
    """Return the day in the project's zone; a time without a zone is one of the project's."""
    if not isinstance(value, datetime):
        return value
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone)
    return aware.astimezone(zone).date()


def _starts(event: Any, first: date, zone: ZoneInfo, today: date) -> Iterator[date]:
    rule = event.get("RRULE")
    if rule is None:
        yield from sorted({first, *_dates(event, "RDATE", zone)})
        return
    from dateutil.rrule import rrulestr

    parts = {str(name).upper(): value for name, value in dict(rule).items()}
    frequency = str(parts.get("FREQ", [""])[0]).upper()
    if frequency not in _RULES or _FINER & parts.keys():
        raise ValueError(f"只支持每年或每月重复，这里是 {frequency or '未知'} (yearly or monthly)")
    if any(int(every) < 1 for every in parts.get("INTERVAL", [])):
        raise ValueError("INTERVAL 至少是 1 (dateutil would look for ever)")
    if _never_comes(parts):
        raise ValueError("这条重复规则没有任何一天 (no such day in any year)")
    until = [_local(one, zone) for one in parts.get("UNTIL", [])]
    text = ";".join(
        part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL")
    )
    low, high = today - _BACK, min(today + _AHEAD, *until) if until else today + _AHEAD
    found = rrulestr(text, dtstart=datetime.combine(first, time()))
    days = found.between(datetime.combine(low, time()), datetime.combine(high, time.max), inc=True)
    yield from sorted({*(day.date() for day in days), *_dates(event, "RDATE", zone)})


def _never_comes(parts: dict[str, Any]) -> bool:
    """Say whether a rule names days that none of its months has: looking for them takes seconds."""
    days = [abs(int(day)) for day in parts.get("BYMONTHDAY", [])]
    months = [int(month) for month in parts.get("BYMONTH", [])]
    longest = max((monthrange(_LEAP, month)[1] for month in months), default=31)
    return bool(days) and min(days) > longest


def _dates(event: Any, name: str, zone: ZoneInfo) -> set[date]:
    value = event.get(name)
    lists = value if isinstance(value, list) else [] if value is None else [value]
    return {_local(one.dt, zone) for each in lists for one in each.dts}


def _categories(event: Any) -> Iterable[object]:
    value = event.get("CATEGORIES")
    lists = value if isinstance(value, list) else [] if value is None else [value]
    return [one for each in lists for one in getattr(each, "cats", [each])]


# --- out --------------------------------------------------------------------------------------


def to_csv(events: Iterable[CalendarEvent]) -> str:
    """Return events as CSV with a mark by which spreadsheets know UTF-8; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in events:
        texts = (one.name, one.kind, str(one.starts), str(one.ends), one.brand_id, one.note)
        writer.writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in texts])
    return "\ufeff" + out.getvalue()


def to_ics(events: Iterable[CalendarEvent]) -> str:
    """Return events as iCalendar, day-long each; the same events give the same text."""
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//Groundswell//calendar//ZH")
    calendar.add("version", "2.0")
    for one in events:
        event = Event()
        event.add("uid", f"{one.event_id}@groundswell")
        event.add("dtstamp", one.added_at or datetime.combine(one.starts, time(), UTC))
        event.add("summary", one.name)
        event.add("dtstart", one.starts)
        event.add("dtend", one.ends + timedelta(days=1))
        event.add("categories", [one.kind])
        if one.brand_id:
            event.add("x-groundswell-brand", one.brand_id)
        if one.note:
            event.add("description", one.note)
        calendar.add_component(event)
    text: str = calendar.to_ical().decode()
    return text
