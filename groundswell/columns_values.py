"""What the values of a column look like, and how well that fits each of our fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

from crawlers.dates import parse_date
from groundswell.importing_values import (
    CONTACTS,
    COUNTERS,
    CUSTOMER_LIMIT,
    CUSTOMERS,
    LIMITS,
    excel_serial,
    is_nothing,
    read_count,
)

URL = re.compile(r"https?://\S+", re.IGNORECASE)
TIME_ONLY = re.compile(r"\d{1,2}[:：]\d{2}(?:[:：]\d{2}(?:\.\d+)?)?")
_SURE_LENGTH = 12.0  # mean characters of a column that is the text although nothing says so
_NEVER = -9.0
_WORDS = {  # fields that hold one of a few words
    "channel": {"public", "internal"},
    "lang": {"zh", "zh-hant", "zh-cn", "en"},
    "history": {"true", "false", "0", "1", "是", "否"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
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


def facts_of(values: Sequence[Any]) -> Facts:
    """Return what the values of a column look like; cells that stand for nothing do not count."""
    values = [value for value in values if not is_nothing(shown(value))]
    texts = [shown(value) for value in values]
    n = len(texts)
    if not n:
        return Facts()
    numbers = [read_count(text) for text in texts]
    whole = [number for number in numbers if number is not None]
    steps = {after - before for before, after in pairwise(whole)}
    return Facts(
        n=n,
        urls=sum(bool(URL.match(text)) for text in texts) / n,
        days=sum(is_day(v) for v in values) / n,
        times=sum(isinstance(v, time) or bool(TIME_ONLY.fullmatch(shown(v))) for v in values) / n,
        numbers=len(whole) / n,
        stars=sum(_is_star(text) for text in texts) / n,
        short=sum(len(text) <= 40 for text in texts) / n,
        length=sum(len(text) for text in texts) / n,
        distinct=len(set(texts)) / n,
        is_row_number=len(whole) == n and n > 1 and steps == {1.0} and whole[0] <= 1,
        words=frozenset(text.lower() for text in texts),
    )


def fit(ours: str, facts: Facts, *, named: bool) -> float:
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
    if ours in CONTACTS or ours in CUSTOMERS:
        limit = CUSTOMER_LIMIT  # contacts of more than 100 characters on average are none
        return 0.5 if named and facts.urls < 0.3 and facts.length <= limit else _NEVER
    limit = LIMITS.get(ours, 100)  # title, author, source, region
    return 0.5 if named and facts.plain and facts.length <= limit else _NEVER


def _as_text(facts: Facts, named: bool) -> float:
    if not facts.plain or facts.numbers > 0.5:
        return _NEVER
    if named:
        return min(2.0, facts.length / 15)
    sure = facts.length >= _SURE_LENGTH and facts.distinct > 0.5
    return min(2.5, facts.length / 20 + 1) if sure else _NEVER


def _as_url(facts: Facts, named: bool) -> float:
    del named  # an address is one whatever it is called
    return 3.0 if facts.urls > 0.7 else _NEVER


def _as_parent(facts: Facts, named: bool) -> float:
    return 3.0 if named and facts.urls > 0.7 else _NEVER


def _as_day(facts: Facts, named: bool) -> float:
    del named
    return 3.0 if facts.days > 0.7 else _NEVER


def _as_time(facts: Facts, named: bool) -> float:
    return 3.5 if named and facts.times > 0.7 else _NEVER


def _as_rating(facts: Facts, named: bool) -> float:
    if facts.stars <= 0.7:
        return _NEVER
    few = facts.stars > 0.9 and facts.distinct < 0.6 and not facts.is_row_number and facts.n >= 5
    return 1.0 if named else 1.6 if few else _NEVER


def _as_id(facts: Facts, named: bool) -> float:
    unique = facts.distinct > 0.95 and not facts.is_row_number and facts.short > 0.9
    return 0.5 if named and unique and facts.urls < 0.3 else _NEVER


_JUDGES: Mapping[str, Callable[[Facts, bool], float]] = {
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


def is_day(value: Any) -> bool:
    """Say whether a cell holds a day, with or without a time of day."""
    if isinstance(value, datetime | date):
        return True
    text = shown(value)
    if not 4 <= len(text) <= 40 or TIME_ONLY.fullmatch(text):
        return False
    if excel_serial(text) is not None:
        return isinstance(value, float) or "." in text
    if text.isdecimal():
        return len(text) in {10, 13} and text[0] == "1"
    has_digit = any(character.isdigit() for character in text)
    return has_digit and parse_date(text, datetime(2030, 1, 1, tzinfo=UTC), UTC) is not None


def shown(value: Any) -> str:
    """Return a cell as a person sees it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
