"""A text in plain spelling in, the codes it states out: batches, versions, order numbers.

Every function gives spans with a value in one spelling. All patterns are linear: no nested repeats,
every repeat bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

_MONTHS = {word: n for n, word in enumerate("一二三四五六七八九十", 1)} | {
    "十一": 11,
    "十二": 12,
    "元": 1,
    "腊": 12,
    "冬": 11,
}
_OLDEST = 15  # years: nobody complains about a batch made before that

# Codes: 20260312a, 2603b2, l2603-07. At least three digits, or it is no code.
_CODE = r"([a-z]{0,4}-?\d[a-z0-9\-/.]{2,19})"
_LOT = re.compile(
    r"(?:批次?编?号|批次|(?<![a-z])lot(?: ?(?:no|number))?(?![a-z]))[^\da-z\n。;!?]{0,8}" + _CODE
)
_BEFORE = re.compile(
    r"(?<![\da-z.])"
    + _CODE
    + r"(?: ?(?:这|那|的|一|该|同)?个?(?:批次|批号|那批|这批|一批)|(?:打头|开头|起头))"
)
_SERIAL = re.compile(
    r"(?:机身编?[码号]|序列号|(?<![a-z])sn[码号]?|s/n)[^\da-z\n。;!?]{0,6}(?:sn[: ]{0,2})?"
    r"([a-z]{0,6}\d[a-z0-9]{5,23})"
)
_SERIAL_PREFIX = 6  # what factories vary by line and week; the rest names one single device

# 2026年3月批次, 3月份那批, 去年12月产的, 一月产的, 2026.3产
_MADE = (
    r"(?:份)?(?:(?P<day>\d{1,2})[日号])?(?: ?的)?"
    r"(?: ?(?:这|那|该|同|第)?一?个?批(?!评|准|发|量|改|复|示|文|注|判)"
    r"| ?生产| ?制造| ?出厂| ?产(?!品|生|后|假|检|科|妇|量|能|业|权|地|区|线|值|前|程))"
)
_MONTH = re.compile(
    r"(?:(?<!\d)(?P<year>20\d\d|\d\d) ?年|(?P<said>今年|去年|前年)的?"
    r"|(?<![\d一二三四五六七八九十年]))"
    r" ?(?P<month>\d{1,2}|十[一二]|[一二三四五六七八九十腊]) ?月" + _MADE
)
_DOTTED = re.compile(
    r"(?<!\d)(?P<year>20\d\d)[./\-](?P<month>\d{1,2})(?:[./\-](?P<day>\d{1,2}))?"
    r"(?: ?月)? ?(?:日)?(?:的)?(?:产(?!品|生|后)|生产|制造|出厂|批次|那批|这批)"
)
_LABEL = re.compile(
    r"(?:生产|出厂|制造|灌装)(?:日期|时间|年月|日)[^\d\n。;!?]{0,6}"
    r"(?P<year>20\d\d|\d\d)(?:[年./\- ]{1,2}(?P<month>\d{1,2})(?:[月./\- ]{1,2}(?P<day>\d{1,2}))?"
    r"|(?P<digits>\d{4}))(?!\d)"
)
# 2026年2月至3月生产: the first of two
_FIRST = re.compile(
    r"(?<!\d)(?P<year>20\d\d) ?年 ?(?P<month>\d{1,2}) ?月(?:(?P<day>\d{1,2})[日号])?"
    r"(?= ?(?:至|到|~|-|和|、) ?(?:20\d\d ?年)? ?\d{1,2} ?月(?:\d{1,2}[日号])?"
    r"(?:期间|之间)? ?(?:生产|出厂|制造|批次|产的))"
)
_TO = re.compile(
    r" ?[日号]? ?(?:至|到|~|-) ?"
    r"(?P<year>20\d\d)[年./\-](?P<month>\d{1,2})(?:[月./\-](?P<day>\d{1,2}))?"
)
_WHOLE_YEAR = re.compile(r"20\d\d")
_DATED_LOT = re.compile(r"[A-Z]{0,4}(?:20)?(\d\d)(0[1-9]|1[0-2])")

_NUMBER = r"(\d{1,3}(?:\.\d{1,4}){1,3})(?![\d.]*\d)"
_VERSION_WORD = (
    r"(?:固件|韧体|系统|版本|车机|软件|升级|更新|刷回|刷到|刷了?|降级到?|回退到?|推送|ota|app|rom"
    r"|miui|harmonyos|鸿蒙|ios|安卓|android|firmware|fw)"
)
_VERSION = re.compile(
    rf"(?<![a-z])v(?:er(?:sion)?)?[. ]?{_NUMBER}"
    rf"|{_VERSION_WORD}[^\d\n,;。!?]{{0,8}}{_NUMBER}(?! ?[元块万亿%折倍米gkmt寸])"
    r"|(?<![\d.])(\d{1,3}(?:\.\d{1,4}){1,3}) ?版"
)
_DOTTED_VERSION = re.compile(
    r"(?<![\d.第》])(\d{1,2}\.\d{1,3}\.\d{1,4}(?:\.\d{1,4})?)(?![\d.]*\d)(?! ?[条款节])"
)

_ORDER = re.compile(
    r"(?:订单编?号?|快?递?单号|运单号?|工单编?号?|案件编?号|投诉编?号|流水号|受理编?号|交易号|保单编?号"
    r"|合同编?号|车架号|(?<![a-z])vin码?|会员号|发票号码?|(?<!批次)编号)[^\da-z\n。;!?]{0,6}"
    r"([a-z]{0,5}-?\d[a-z0-9\-*]{5,31})"
)
_SHOWN = 4  # characters of an order number that are kept


class Stated(NamedTuple):
    """Where something stands, and its value in one spelling."""

    start: int
    end: int
    value: str


def batches(plain: str, said_at: datetime | None = None) -> list[Stated]:
    """Return lot codes (20260312A), months and days of production (2026-03, 2026-03-12).

    A month without its year is the last such month before `said_at`; without `said_at` it is left
    out. Serial numbers give their first characters: what factories vary by line and week.
    """
    found = [*_dates(plain, said_at)]
    found += _lots(plain)
    for one in _SERIAL.finditer(plain):
        found.append(Stated(one.start(1), one.end(1), one[1][:_SERIAL_PREFIX].upper()))
    return _apart(found)


def _lots(plain: str) -> Iterator[Stated]:
    for pattern in (_LOT, _BEFORE):
        for one in pattern.finditer(plain):
            code = one[1].rstrip("-/.")
            if sum(letter.isdigit() for letter in code) < 3 or _WHOLE_YEAR.fullmatch(code):
                continue
            if plain.startswith(("年", "月"), one.start(1) + len(code)):
                continue  # 批次2026年3月: a date
            value = code.translate({ord(mark): None for mark in "-/."}).upper()
            yield Stated(one.start(1), one.start(1) + len(code), value)


def _dates(plain: str, said_at: datetime | None) -> Iterator[Stated]:
    for pattern in (_LABEL, _DOTTED, _MONTH, _FIRST):
        for found in pattern.finditer(plain):
            last = _TO.match(plain, found.end()) if pattern is _LABEL else None
            for one in filter(None, (found, last)):
                yield from _dated(one, said_at)


def _dated(one: re.Match[str], said_at: datetime | None) -> Iterator[Stated]:
    named = one.groupdict()
    month, day = named["month"], named["day"]
    if named.get("digits"):
        month, day = named["digits"][:2], named["digits"][2:]
    value = _date(named["year"], named.get("said"), month, day, said_at)
    if value:
        yield Stated(one.start(), one.end(), value)


def _date(
    year: str | None, said: str | None, month: str | None, day: str | None, at: datetime | None
) -> str:
    """Return a date of production as YYYY-MM or YYYY-MM-DD; "" when it cannot be one."""
    n = 0 if month is None else int(month) if month.isdecimal() else _MONTHS.get(month, 0)
    if not 1 <= n <= 12:
        return ""
    if year:
        whole = int(year) if len(year) == 4 else 2000 + int(year)
    elif at is None:
        return ""
    elif said:
        whole = at.year - ("今年", "去年", "前年").index(said)
    else:
        whole = at.year if n <= at.month else at.year - 1
    if at is not None and not at.year - _OLDEST <= whole <= at.year + 1:
        return ""
    number = int(day) if day and day.isdecimal() else 0
    return f"{whole}-{n:02d}-{number:02d}" if 1 <= number <= 31 else f"{whole}-{n:02d}"


def month_of(batch: str, said_at: datetime | None = None) -> str:
    """Return the month of production (2026-03) that a batch tells, "" when it tells none.

    Lot codes that begin with a year and a month (20260312A, 2610A3) tell it, if that month was not
    after `said_at` and is no more than 15 years old.
    """
    if re.fullmatch(r"20\d\d-\d\d(?:-\d\d)?", batch):
        return batch[:7]
    one = _DATED_LOT.match(batch)
    if one is None:
        return ""
    value = f"20{one[1]}-{one[2]}"
    if said_at is None:
        return value
    first = f"{said_at.year - _OLDEST:04d}-{said_at.month:02d}"
    return value if first <= value <= f"{said_at.year:04d}-{said_at.month:02d}" else ""


def versions(plain: str) -> list[Stated]:
    """Return firmware, system and program versions: digits and dots (2.3.1)."""
    found = []
    for one in _VERSION.finditer(plain):
        group = one.lastindex or 1
        found.append(Stated(one.start(group), one.end(group), one[group]))
    if found or re.search(_VERSION_WORD, plain):
        found += [Stated(*one.span(1), one[1]) for one in _DOTTED_VERSION.finditer(plain)]
    return _apart(found)


def orders(plain: str) -> list[Stated]:
    """Return order-like numbers, masked: the first four characters and four stars."""
    return [
        Stated(one.start(1), one.end(1), f"{one[1][:_SHOWN].upper()}****")
        for one in _ORDER.finditer(plain)
        if sum(letter.isdigit() for letter in one[1]) >= 5 or "*" in one[1]
    ]


def _apart(found: list[Stated]) -> list[Stated]:
    """Return spans in text order; of those that overlap, the first and longest."""
    kept: list[Stated] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept
