"""What a page says about time goes in, an instant in UTC comes out, or None.

Chinese pages write dates in a few dozen ways; these are read here by pattern. What is left (English
month names, other orders) goes to dateparser with fixed languages. Nothing is guessed: a text that
only looks like a date gives None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from email.utils import parsedate_to_datetime

_LABEL = re.compile(
    r"^(?:[\[【(]?(?:首次|最后|最近)?(?:发布|发表|更新|投诉|提交|创建|回复|编辑|修改|采集|上传|评论|提问|"
    r"发帖|报道|發布|發表|投訴|刊登|时间|日期|時間)(?:时间|日期|時間|于|於|在)?[\])】]?\s*[::]?\s*"
    r"|[\u4e00-\u9fff]{0,4}(?:时间|日期|時間)\s*:\s*"
    r"|(?:published|posted|updated|date|last modified)(?:\s+(?:on|at))?\s*:?\s+)+",
    re.IGNORECASE,
)
_TAIL = r"(?=$|[\s,,。;;|·/()\[\]]|发布|发表|更新|编辑|回复|来自|來自|投诉|發布|提交)"
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}
_NUMBER = r"(\d{1,4}|[零一二两兩三四五六七八九十半]{1,3}|几|幾|数|數)"
_AGO = re.compile(
    r"(?:大约|约|大概|差不多)?\s*"
    + _NUMBER
    + r"\s*(?:多)?\s*(秒钟?|秒鐘?|分钟?|分鐘?|个?小时|個?小時|个?钟头|天|日|周|个?星期|週|"
    r"個?星期|个?月|個?月|年)(?:以)?前" + _TAIL
)
_JUST_NOW = re.compile(r"^(?:刚刚|刚才|剛剛|剛才|just now)" + _TAIL, re.IGNORECASE)
_DAY_WORD = re.compile(
    r"(大前|前|昨|今|当)(?:天|日|儿)?\s*(早|晨|晚|夜)?(?:间|上|里)?"
    r"(?=$|[\s,,;;|·]|\d|[一二两三四五六七八九十]|凌|早|上|中|下|傍|晚|夜|发布|更新|来自)"
)
_WEEKDAY = re.compile(r"(上上|上|本|这|這)?(?:个|個)?(?:周|星期|礼拜|週|禮拜)([一二三四五六日天])")
_FULL = re.compile(
    r"(?<![\d.])(?:(民国|民國)\s*(\d{2,3})|((?:19|20)\d{2}))\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*"
    r"(\d{1,2})(?!\d|\.\d)\s*(?:日|号|號)?"
)
_COMPACT = re.compile(
    r"(?<!\d)((?:19|20)\d{2})(0[1-9]|1[0-2])([0-2]\d|3[01])(?:T?([01]\d|2[0-3])([0-5]\d)([0-5]\d)?)?"
    r"(?!\d)"
)
_MONTH_DAY = re.compile(
    r"(?<![\d./-])(\d{1,2})\s*(?:月\s*(\d{1,2})\s*[日号號]|[-/](\d{1,2})(?=$|\s)(?![./-]))"
)
_TIME = re.compile(
    r"(凌晨|清晨|早上|早晨|早|上午|中午|正午|下午|午后|傍晚|晚上|晚间|晚間|晚|夜里|夜裡|夜间|深夜|半夜)?\s*"
    r"(?:(\d{1,2})\s*(?:[::](\d{2})(?:[::](\d{2})(?:\.\d+)?)?|[点點时時](?!间|前)\s*"
    r"(?:(\d{1,2})\s*分?|(半)|(一刻)|整)?(?:\s*(\d{1,2})\s*秒)?)"
    r"|([一二两兩三四五六七八九十]{1,3})[点點]\s*(半|一刻|整)?)\s*(am|pm)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    r"^\s*\(?(?:(?P<zone>Z|UTC|GMT|JST|KST|CST|HKT|SGT|EST|EDT|PST|PDT|BST|CET)(?![a-z+-]|\s*[+-]\d)"
    r"|(?:UTC|GMT)?\s*(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?(?!\d))",
    re.IGNORECASE,
)
# Hours east of Greenwich. CST is China's on the pages read here, not America's.
_ZONES = {
    "JST": 9,
    "KST": 9,
    "CST": 8,
    "HKT": 8,
    "SGT": 8,
    "CET": 1,
    "BST": 1,
    "EDT": -4,
    "EST": -5,
    "PDT": -7,
    "PST": -8,
}
_HAN_DATE = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,2})月(?:([一二三四五六七八九十]{1,3})[日号號])?"
)
_ZEROS = {"〇": "0", "○": "0", "零": "0"}
_YEAR_WORD = re.compile(r"(今|去|前)年\s*(?=\d{1,2}\s*月)")
_MONTH_WORD = re.compile(r"(?:(上)(?:个|個)?|本|这个|這個)月\s*(\d{1,2})\s*[日号號]")
_CTIME = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}:\d{2}:\d{2}) "
    r"(?:([+-]\d{4}|[A-Z]{3}) )?(\d{4})"
)
_ISO = re.compile(
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?(?:Z|[+-]\d{2}:?\d{2}))?$"
)
_RFC = re.compile(r"^(?:[A-Za-z]{3},?\s+)?\d{1,2}[\s-][A-Za-z]{3,9}[\s-]\d{2,4}\s+\d{1,2}:\d{2}")
_LETTERS = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ago|yesterday|today)", re.IGNORECASE
)
_SECONDS = {
    "秒": 1,
    "分": 60,
    "小": 3600,
    "钟": 3600,
    "天": 86400,
    "日": 86400,
    "周": 604800,
    "週": 604800,
    "星": 604800,
    "月": 2592000,
    "年": 31536000,
}
_DAYS_BACK = {"大前": 3, "前": 2, "昨": 1, "今": 0, "当": 0}
_OLDEST = datetime(1900, 1, 1, tzinfo=UTC)  # archives of newspapers begin about here
_MAX_CHARS = 200  # a date stands at the start of what a selector gives, or the selector is wrong


def parse_date(text: str, now: datetime, tz: tzinfo) -> datetime | None:
    """Read one instant out of a short text; naive times are in `tz`, the answer is UTC.

    `now` is aware and is what "昨晚8点" or "11月3日" refer to: the latest such moment that has
    come. A day without a time is its midnight in `tz`. Source: patterns of our own; what they leave
    goes to dateparser (strict, zh/zh-Hant/en), which was never wrong on the measured set.
    """
    cleaned = unicodedata.normalize("NFKC", text[:_MAX_CHARS]).strip()
    cleaned = _HAN_DATE.sub(_digits, re.sub(r"\s+", " ", cleaned))
    if not cleaned:
        return None
    here = now.astimezone(tz)
    for candidate in (_LABEL.sub("", cleaned, count=1).strip(), cleaned):
        for reader in _READERS:
            try:
                found = reader(candidate, here)
            except (ValueError, OverflowError):  # 2月30日, 25:61, the year 9999
                continue
            if found is not None:
                return in_utc(found)
    return _by_dateparser(_LABEL.sub("", cleaned, count=1).strip(), here)


def in_utc(moment: datetime) -> datetime | None:
    """Return an aware instant in UTC, None when it is no date of a publication.

    "0001-01-01" is how programs write that they know none; with a zone it has no UTC at all.
    """
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        return None
    return found if found >= _OLDEST else None


def _standard(text: str, here: datetime) -> datetime | None:
    """Read ISO 8601, RFC 2822, C's ctime and Unix seconds or milliseconds."""
    found = _CTIME.search(text)
    if found is not None:
        zone = found[4] or ""
        return _aware(
            parsedate_to_datetime(f"{found[2]} {found[1]} {found[5]} {found[3]} {_numeric(zone)}"),
            here,
        )
    if _ISO.match(text):
        return _aware(datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-")), here)
    if _RFC.match(text):
        return _aware(parsedate_to_datetime(text), here)
    if re.fullmatch(r"1\d{9}(?:\d{3})?", text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    return None


def _numeric(zone: str) -> str:
    hours = _ZONES.get(zone)
    return zone if hours is None else f"{hours * 100:+05d}"


def _aware(value: datetime, here: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=here.tzinfo)


def _relative(text: str, here: datetime) -> datetime | None:
    if _JUST_NOW.match(text):
        return here
    if re.match(r"一刻[钟鐘]前", text):
        return here - timedelta(minutes=15)
    found = _AGO.match(text)
    if found is None:
        return None
    unit = found[2].lstrip("个個")[0]
    seconds = _SECONDS[{"個": "小"}.get(unit, unit)]
    return here.astimezone(UTC) - timedelta(seconds=_number(found[1]) * seconds)


def _day_word(text: str, here: datetime) -> datetime | None:
    found = _DAY_WORD.match(text)
    if found is None:
        return None
    day = here.date() - timedelta(days=_DAYS_BACK[found[1]])
    part = {"早": "早", "晨": "早", "晚": "晚", "夜": "晚"}.get(found[2] or "", "")
    return _with_time(day, text[found.end() :], here, part)


def _weekday(text: str, here: datetime) -> datetime | None:
    found = _WEEKDAY.match(text)
    if found is None:
        return None
    wanted = "一二三四五六日".index(found[2].replace("天", "日"))
    monday = here.date() - timedelta(days=here.weekday())
    back = {"上上": 14, "上": 7}.get(found[1] or "", 0)
    day = monday + timedelta(days=wanted - back)
    moment = _with_time(day, text[found.end() :], here)
    # A bare 周五 on a Wednesday is last Friday.
    if moment and not found[1] and moment > here + timedelta(hours=1):
        moment -= timedelta(days=7)
    return moment


def _full(text: str, here: datetime) -> datetime | None:
    found = _FULL.search(text)
    if found is None:
        return None
    year = int(found[2]) + 1911 if found[1] else int(found[3])
    return _with_time(date(year, int(found[4]), int(found[5])), text[found.end() :], here)


def _year_word(text: str, here: datetime) -> datetime | None:
    found = _YEAR_WORD.match(text)
    if found is None:
        return None
    year = here.year - {"今": 0, "去": 1, "前": 2}[found[1]]
    return _full(f"{year}年{text[found.end() :]}", here)


def _month_word(text: str, here: datetime) -> datetime | None:
    found = _MONTH_WORD.match(text)
    if found is None:
        return None
    first = here.date().replace(day=1)
    month = (first - timedelta(days=1)).replace(day=1) if found[1] else first
    return _with_time(month.replace(day=int(found[2])), text[found.end() :], here)


def _digits(found: re.Match[str]) -> str:
    """Write 二〇二六年十一月三日 with digits."""
    year = "".join(_ZEROS.get(sign) or str(_DIGITS[sign]) for sign in found[1])
    day = f"{_number(found[3]):.0f}日" if found[3] else ""
    return f"{year}年{_number(found[2]):.0f}月{day}"


def _compact(text: str, here: datetime) -> datetime | None:
    found = _COMPACT.match(text)
    if found is None:
        return None
    clock = time(int(found[4] or 0), int(found[5] or 0), int(found[6] or 0))
    day = date(int(found[1]), int(found[2]), int(found[3]))
    return datetime.combine(day, clock, here.tzinfo)


def _month_day(text: str, here: datetime) -> datetime | None:
    """Read a day without a year: the latest one that has come."""
    found = _MONTH_DAY.match(text)
    if found is None:
        return None
    month, day = int(found[1]), int(found[2] or found[3])
    for year in range(here.year + 1, here.year - 8, -1):  # 8: 29 February skips at most seven
        try:
            moment = _with_time(date(year, month, day), text[found.end() :], here)
        except ValueError:
            if (month, day) != (2, 29):
                raise
            continue
        if moment and moment <= here + timedelta(days=1):
            return moment
    return None


def _bare_time(text: str, here: datetime) -> datetime | None:
    found = _TIME.match(text)
    if found is None or text[found.end() :].strip():
        return None
    moment = _with_time(here.date(), text, here)
    if moment and moment > here + timedelta(hours=1):
        moment -= timedelta(days=1)
    return moment


_READERS: tuple[Callable[[str, datetime], datetime | None], ...] = (
    _standard,
    _relative,
    _day_word,
    _weekday,
    _year_word,
    _month_word,
    _full,
    _compact,
    _month_day,
    _bare_time,
)


def _with_time(day: date, rest: str, here: datetime, part: str = "") -> datetime | None:
    """Join a day with the time that follows it; `part` is the half of day said before."""
    midnight = datetime.combine(day, time(), here.tzinfo)
    # Between day and time stand blanks, commas, a T, or the weekday in brackets.
    rest = re.sub(
        r"^(?:\([一二三四五六日]\)|[\s,,T()]|(?:周|星期|週)[一二三四五六日天])+", "", rest
    )
    found = _TIME.match(rest)
    if found is None:
        half = re.match(r"(早|晚|夜)(?:上|间|里)?(?=$|[\s,;|·])", rest)
        part = {"早": "早", "晚": "晚", "夜": "晚"}[half[1]] if half else part
        return midnight + timedelta(hours={"早": 8, "晚": 20}.get(part, 0))
    hour = int(found[2]) if found[2] else _number(found[9])
    minute = int(found[3] or found[5] or 0)
    minute = {"半": 30, "一刻": 15}.get(found[6] or found[7] or found[10] or "", minute)
    second = int(found[4] or found[8] or 0)
    hour = _to_24(int(hour), (found[1] or found[11] or part).lower())
    if hour > 24 or minute > 59 or second > 59:
        raise ValueError(f"not a time of day: {rest[:20]!r}")
    moment = midnight + timedelta(hours=hour, minutes=minute, seconds=second)
    offset = _OFFSET.match(rest[found.end() :])
    return _at_offset(moment, offset) if offset else moment


def _at_offset(moment: datetime, offset: re.Match[str]) -> datetime:
    shift = timedelta(hours=_ZONES.get((offset["zone"] or "").upper(), 0))
    if offset["sign"]:
        shift = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        shift = -shift if offset["sign"] == "-" else shift
    return moment.replace(tzinfo=UTC) - shift


def _to_24(hour: int, part: str) -> int:
    if part in {"下午", "午后", "傍晚", "pm"} and hour < 12:
        return hour + 12
    if part in {"晚上", "晚间", "晚間", "晚", "夜里", "夜裡", "夜间", "深夜", "半夜"}:
        # 晚上12点 is midnight at the end of the day; 夜里2点 stays 2.
        return hour + 12 if 5 <= hour <= 12 else hour
    if part in {"中午", "正午"} and hour < 3:
        return hour + 12
    if part in {"凌晨", "am"} and hour == 12:
        return 0
    return hour


def _number(text: str) -> float:
    """Read 3, 十二, 半 or 几 (a few: taken as three, which errs by minutes only)."""
    if text.isdigit():
        return int(text)
    if text in {"几", "幾", "数", "數"}:
        return 3
    if text == "半":
        return 0.5
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_DIGITS.get(tens, 1) if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return _DIGITS[text]


def _by_dateparser(text: str, here: datetime) -> datetime | None:
    """Ask dateparser for English month names and the like; texts without them are not dates."""
    if (
        len(text) > 60
        or not _LETTERS.search(text)
        or not re.search(r"\d|yesterday|today", text, re.IGNORECASE)
    ):
        return None
    import dateparser

    try:
        found = dateparser.parse(
            text,
            languages=["en"],
            settings={
                "STRICT_PARSING": True,
                "RELATIVE_BASE": here.replace(tzinfo=None),
                "PREFER_DATES_FROM": "past",
            },
        )
    except (ValueError, OverflowError):  # the year 0, an hour of 99
        return None
    return in_utc(_aware(found, here)) if found else None
