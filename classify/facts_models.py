"""Models in a text: K2 Pro, XQG100-B14, RC-40A. Latin letters with a figure, near the thing's name.

In: text in plain spelling and where the brand and its products are named. Out: spans with the model
in one spelling: capitals, no hyphen, a second name (Pro, Max) behind a space.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

from classify.facts_codes import Stated

_BEFORE = 10  # characters between a name and the model behind it: 澜禾洗衣机买的是S9
_AFTER = 4  # between a model and the name behind it: K5电饭煲, X20的手机

_SECOND = r"(?:[ \-]?(?:pro|max|plus|ultra|mini|lite|turbo|se|air|dm-?i|ev|phev|hybrid)(?![a-z]))"
_TOKEN = re.compile(
    r"(?<![a-z0-9.\-/$])([a-z]{1,5}(?:-[a-z]{1,3})?(?:-?\d[a-z0-9]*){1,3}(?:-[a-z0-9]{1,6})?"
    rf"|(?:mini|pro|max|model|note|find|mate|reno) ?\d{{1,3}}[a-z]?|\d{{1,4}}(?={_SECOND}))"
    rf"((?:{_SECOND}){{0,2}})(?![a-z0-9省市区县镇])"
)
_SAID = re.compile(r"型号?(?:是|为|叫)?[ :]{0,2}$")
_NAME_END = re.compile(r"[,;。!?\n]")
# Standards and units that look like models.
_NONE = re.compile(
    r"(?:mp[345]|h26[45]|pm2|pm10|co2|usb\d.*|wifi\d|win\d+|ios\d+|android\d+|gb\d+|iso\d+|q[1-4]|b2[bc]|o2o"
    r"|c2c|p2p|a[34]|rj45|type\d|v\d+|ver\d+|cat\d|ip[x6]\d+|nm\d?|covid.*|http.*|p\d{1,2}级?|app\d|x\d倍)"
)


class Named(Protocol):
    """Where a brand or a product is named."""

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """One behind the last character."""
        ...


def models(plain: str, names: Sequence[Named]) -> Iterator[Stated]:
    """Give the models that stand near a name, or behind the word 型号."""
    ends = sorted(name.end for name in names)
    starts = sorted(name.start for name in names)
    reach = 0  # where the last model ended: one may lead to the next (L7和L9)
    for one in _TOKEN.finditer(plain):
        token = one[1]
        if not any(letter.isdigit() for letter in token) or _NONE.fullmatch(token):
            continue
        if len(token) > 1 and token[0].isdigit() and not one[2]:
            continue
        start, end = one.span()
        chained = reach and start - reach <= 3
        said = _SAID.search(plain, max(0, start - 6), start)
        if said or chained or _near(plain, start, end, starts, ends):
            reach = end
            yield Stated(start, end, _spelt(token, one[2]))


def _near(plain: str, start: int, end: int, starts: list[int], ends: list[int]) -> bool:
    behind = bisect_right(ends, start)
    if behind and start - ends[behind - 1] <= _BEFORE:
        return not _NAME_END.search(plain, ends[behind - 1], start)
    at = bisect_left(starts, start)
    if at < len(starts) and starts[at] <= start < end:
        return True  # the model itself is a word of the brand
    ahead = bisect_left(starts, end)
    if ahead < len(starts) and starts[ahead] - end <= _AFTER:
        return not _NAME_END.search(plain, end, starts[ahead])
    return False


def _spelt(token: str, second: str) -> str:
    base = token.replace("-", "").upper()
    base = re.sub(r"^(MINI|PRO|MAX|MODEL|NOTE|FIND|MATE|RENO) ?", r"\1 ", base)
    inside = re.search(r"(?<=\d)(PRO|MAX|PLUS|ULTRA|MINI|LITE|TURBO|AIR|SE)$", base)
    if inside:
        base = f"{base[: inside.start()]} {inside[1]}"
    parts = re.findall(r"[a-z]+", second.replace("-", ""))
    return " ".join([base, *(part.upper() for part in parts)])
