"""One row of values to one raw mention: the only path for files, the push API and forms.

In: a mapping of our field names to whatever a file, a form or a JSON document holds. Out: a raw
mention, or ValueError with the field, what was expected and what came.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from classify.privacy import mask
from crawlers.canonical import canonical_url
from crawlers.dates import parse_date
from crawlers.plain import tidy
from storage.records import RawMention, SourceId

# What a row may hold, with the most characters of each; a longer value is a mistake in the file.
# Origins: the longest chapters of web novels have some 20,000 characters; browsers and servers take
# addresses of 2,000 to 8,000; the rest is a name or a line.
LIMITS = {
    "text": 200_000,
    "title": 2_000,
    "url": 4_000,
    "parent_url": 4_000,
    "id": 500,
    "source": 100,
    "author": 200,
    "region": 100,
    "lang": 20,
    "channel": 20,
}
# Whom to call: goes sealed into the vault, or nowhere (groundswell.vault); our field -> its kind.
CONTACTS = {
    "contact_phone": "phone",
    "contact_name": "name",
    "contact_address": "address",
    "contact_email": "email",
    "contact_wechat": "wechat",
}
CONTACT_LIMIT = 200  # characters; the longest addresses of parcels have some 100
# Of which tier a customer is: by a number on a list, or as said (groundswell.customer_book).
CUSTOMERS = {"customer_no": "number", "customer_tier": "tier"}
CUSTOMER_LIMIT = 100  # characters; card numbers have some 20
COUNTERS = ("reposts", "comments", "likes", "views")
FIELDS = (
    *(*LIMITS, "published_at", "published_time", "rating", *COUNTERS, "history"),
    *(*CONTACTS, *CUSTOMERS),
)
CHANNELS = ("public", "internal")
_COUNT_LIMIT = 10**12  # the whole of the web has fewer views of anything
_RATING_LIMIT = 10**6
_FUTURE = timedelta(hours=24)  # zones differ by 26 h at most, and most rows say theirs
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # nothing was published on the web before
_EXCEL_DAYS = (20_000.0, 80_000.0)  # 1954 to 2119 as days since 1899-12-30
_EXCEL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's times carry no zone
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# What exports write where they have nothing, and what spreadsheets write where a formula failed.
_NOTHING = frozenset({"", "-", "--", "---", "—", "——", "/", "\\", "无", "暂无", "空"}) | {
    name for word in ("null", "none", "nan", "n/a", "nil") for name in (word, word.upper())
}
_UNITS = {"千": 1e3, "k": 1e3, "万": 1e4, "萬": 1e4, "w": 1e4, "亿": 1e8, "億": 1e8}
_COUNT = re.compile(
    r"([+-]?\d[\d,，]*(?:\.\d+)?|\.\d+)\s*([千万萬亿億kKwW]?)\s*[+＋]?\s*[次条个人]?"
)
_STARS = re.compile(r"(\d(?:\.\d+)?|[一二两三四五])\s*(?:颗?星级?|分)?(?:\s*/\s*\d+)?")
_STAR_WORDS = {"一": 1.0, "二": 2.0, "两": 2.0, "三": 3.0, "四": 4.0, "五": 5.0}
_YES = frozenset({"1", "true", "yes", "是"})
_NO = frozenset({"", "0", "false", "no", "否"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rows are read.

    `columns` maps a file's own column names to ours and wins over the known headers; `source`
    stands for rows that name none; naive times are taken in `zone`; `history` marks every row as
    one that feeds baselines and pages nobody. `channel` "internal" holds for every row, whatever
    it says itself. `source_id` is who brought the rows ("": the import of each row's source).
    """

    now: datetime
    zone: ZoneInfo
    source: str
    columns: Mapping[str, str] = field(default_factory=dict)
    history: bool = False
    channel: str = "public"
    region: str = ""
    source_id: str = ""


def unknown_field(row: Mapping[str, Any]) -> str:
    """Return what is wrong with the names of a row, "" when all are ours."""
    known = [name for name in (*FIELDS, "contact") if name not in CONTACTS]
    for name in row:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"{str(name)[:40]}: unknown field{hint}"
    return ""


def read_row(row: Mapping[str, Any], reading: Reading) -> RawMention:
    """Make a raw mention of one row.

    Errors: ValueError naming the field.
    """
    said = {name: _text(name, row.get(name)) for name in LIMITS}
    # Tidied as crawlers do, so that an item collected and imported is the same text both ways.
    text, title = tidy(said["text"]), tidy(said["title"]).replace("\n", " ")
    if not text and not title:
        raise ValueError("text: expected some text, got nothing")
    # a file's name stands for its platform, and people name files after customers
    platform = mask(said["source"] or reading.source)
    published_at = _published(row, reading)
    figures: dict[str, Any] = {name: _whole(name, row.get(name)) for name in COUNTERS}
    return RawMention(
        source_id=SourceId(reading.source_id or f"import:{platform}"),
        platform=platform,
        text=text,
        title=title,
        url=_url("url", said["url"]),
        canonical_url=canonical_url(said["url"]) if said["url"] else "",
        native_id=said["id"],
        author=said["author"],
        region=mask(said["region"] or reading.region),
        lang=said["lang"] or "zh",
        channel=_channel(said["channel"], reading),
        observed_at=reading.now,
        published_at=published_at,
        rating=_rating(row.get("rating")),
        # A row without a time says nothing about now, so it must not page anybody.
        history=reading.history or published_at is None or _flag("history", row.get("history")),
        parent_url=canonical_url(_url("parent_url", said["parent_url"])),
        contact=_contact(row),
        customer=_customer(row),
        **figures,
    )


def _contact(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return whom to call, of columns or of an object `contact`, as (kind, value).

    Errors: ValueError that names the field, never the value.
    """
    said = row.get("contact")
    if said is not None and not isinstance(said, Mapping):
        kinds = ", ".join(CONTACTS.values())
        raise ValueError(f"contact: expected an object with {kinds}")
    named: Mapping[str, Any] = said or {}
    for kind in named:
        if kind not in CONTACTS.values():
            near = difflib.get_close_matches(str(kind), CONTACTS.values(), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"contact.{str(kind)[:40]}: unknown field{hint}")
    values = {
        kind: _text(field, named.get(kind) or row.get(field)) for field, kind in CONTACTS.items()
    }
    return tuple((kind, " ".join(value.split())) for kind, value in values.items() if value)


def _customer(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return who the customer is, as (kind, value)."""
    values = {kind: _text(field, row.get(field)) for field, kind in CUSTOMERS.items()}
    return tuple((kind, value) for kind, value in values.items() if value)


def _text(name: str, value: object) -> str:
    """Return a value as text without what no database keeps.

    Errors: ValueError when it is a structure, or longer than such a field can be.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict | list | tuple | set | bool):
        kind = type(value).__name__
        raise ValueError(f"{name}: expected text, got {kind}")  # noqa: TRY004 - of the row's value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # spreadsheets turn ids into floats
    text = _UNSTORABLE.sub("", str(value)).strip()
    limit = CONTACT_LIMIT if name in CONTACTS else LIMITS.get(name, 1000)
    limit = CUSTOMER_LIMIT if name in CUSTOMERS else limit
    if len(text) > limit:
        raise ValueError(f"{name}: expected at most {limit} characters, got {len(text)}")
    return text if name in {"text", "title"} or not is_nothing(text) else ""


def is_nothing(text: str) -> bool:
    """Say whether a cell stands for no value: a dash, 无, #N/A."""
    return text in _NOTHING or (text.startswith("#") and text.endswith(("!", "?", "/A")))


def _url(name: str, text: str) -> str:
    if text and not text.lower().startswith(("http://", "https://")):
        raise ValueError(f"{name}: expected http:// or https://, got {text[:80]!r}")
    return text


def _channel(said: str, reading: Reading) -> str:
    if said and said not in CHANNELS:
        raise ValueError(f"channel: expected public or internal, got {said!r}")
    return "internal" if reading.channel == "internal" else said or reading.channel


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(name, value).lower()
    if text not in _YES | _NO:
        raise ValueError(f"{name}: expected true or false, got {text[:40]!r}")
    return text in _YES


# --- instants ---------------------------------------------------------------------------------


def _published(row: Mapping[str, Any], reading: Reading) -> datetime | None:
    """Return when a row was published; day and time of day may stand in two columns."""
    day, moment = row.get("published_at"), row.get("published_time")
    if day is None or (isinstance(day, str) and is_nothing(day.strip())):
        return None
    if moment is not None and _text("published_time", moment):
        day = f"{_day(day)} {_text('published_time', moment)}"
    try:
        found = _moment(day, reading)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        shown = str(day)[:60]
        raise ValueError(f"published_at: expected a time such as 2026-11-22 09:30, got {shown!r}")
    if found > reading.now + _FUTURE:
        raise ValueError(f"published_at: {found:%Y-%m-%d %H:%M} UTC has not come yet; check it")
    if found < _EARLIEST:
        raise ValueError(f"published_at: expected 1990 or later, got {found:%Y-%m-%d}")
    return found


def _day(value: object) -> str:
    """Return the day of a value of a spreadsheet whose time of day stands elsewhere."""
    if isinstance(value, datetime | date):
        return f"{value:%Y-%m-%d}"
    return str(value).strip()


def _moment(value: object, reading: Reading) -> datetime | None:
    if isinstance(value, datetime):
        moment: datetime | None = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    elif isinstance(value, bool):
        return None
    else:
        moment = _parsed(_text("published_at", value), reading)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=reading.zone)
    return moment.astimezone(UTC)


def _parsed(text: str, reading: Reading) -> datetime | None:
    if text.isascii() and text.isdecimal() and len(text) in {10, 13}:  # seconds or milliseconds
        return datetime.fromtimestamp(int(text[:10]), UTC)
    serial = excel_serial(text)
    if serial is not None:
        return serial
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_date(text, reading.now, reading.zone)


def excel_serial(text: str) -> datetime | None:
    """Return the naive time that a spreadsheet's day number stands for, None for other texts."""
    if not re.fullmatch(r"\d{5}(?:\.\d+)?", text):
        return None
    days = float(text)
    if not _EXCEL_DAYS[0] <= days < _EXCEL_DAYS[1]:
        return None
    return _EXCEL_ZERO + timedelta(seconds=round(days * 86400))


# --- numbers ----------------------------------------------------------------------------------


def _whole(name: str, value: object) -> int | None:
    number = _number(name, value)
    if number is None:
        return None
    if number < 0 or number != int(number):
        raise ValueError(f"{name}: expected a whole number of 0 or more, got {value!r}")
    if number > _COUNT_LIMIT:
        raise ValueError(f"{name}: expected at most {_COUNT_LIMIT}, got {number:.3g}")
    return int(number)


def _number(name: str, value: object) -> float | None:
    """Read 1,234 or 1.2万 or 10w+; None for what stands for nothing."""
    text = _text(name, value)
    if not text:
        return None
    found = _COUNT.fullmatch(text)
    try:
        number = float(text) if found is None else float(re.sub("[,，]", "", found[1]))
    except ValueError:
        raise ValueError(f"{name}: expected a number, got {text[:40]!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {text[:40]!r}")
    unit = _UNITS.get(found[2].lower(), 1.0) if found else 1.0
    return number if unit == 1.0 else float(round(number * unit))


def read_count(text: str) -> float | None:
    """Return the number that a short text is, None for any other."""
    try:
        return _number("number", text)
    except ValueError:
        return None


def _rating(value: object) -> float | None:
    """Read 4.5, 4星, 五星, 4/5 or ★★★★☆."""
    text = _text("rating", value)
    if text and set(text) <= {"★", "☆", "⭐", "✩"}:
        return float(text.count("★") + text.count("⭐"))
    found = _STARS.fullmatch(text)
    number = (
        _STAR_WORDS.get(found[1]) or float(found[1])
        if found and (found[1] in _STAR_WORDS or found[1].isascii())
        else _number("rating", text)
    )
    if number is not None and abs(number) > _RATING_LIMIT:
        raise ValueError(f"rating: expected a rating, got {text[:40]!r}")
    return number
