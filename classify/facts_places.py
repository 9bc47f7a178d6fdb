"""A text in, the places it names out: provinces, cities, districts, anonymised ones (A市, K3县).

In: text in plain spelling. Out: spans with the place in one spelling: a province and a city without
suffix (广东, 深圳), a district behind its city (深圳南山).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import ahocorasick

from classify.lexicon import sections

# 壮族自治区 and its kind; a city's suffix; what "+" in the list asks for
_SUFFIX = re.compile(
    r"(?:壮族|回族|维吾尔)?自治区|特别行政区|土家族苗族自治州|[一-龥]{1,4}族自治州|[省市州]|地区"
)
_CITY_SUFFIX = re.compile(r"[市区县州]|地区|新区")
_DISTRICT = re.compile(r"[一-龥]{2,3}?(?:新区|自治县|区|县|市(?![场民区面值]))")
# 市区, 小区 and their kind are no names of districts
_NO_DISTRICT = re.compile(
    r"(?:[小社地市城景郊园山城专片辖校厂库战赛特分大全各本该我这那某整]|工业|开发|住宅|生活|服务|老城|中心城|主城)区$|[城超门夜上股本全我该]市$|各县|全县|[的有在是了]"
)
# 南京西路, 北京路: the name of a street somewhere else
_STREET = re.compile(
    r"[东南西北中一二三四]{0,2}(?:路(?!过|上|由|况|线|虎|途|人)|大街|街道?(?!坊)|巷)"
)
_ANONYMOUS = re.compile(r"(?<![a-z0-9])[a-z]\d{0,2}(?:省|市|区|县|镇)(?![区场])")
_BLOCKS = "今昨明每前后当天"  # 今天水压: the city is not meant


class PlaceName(NamedTuple):
    """What a word of the list stands for."""

    province: str
    city: str
    district: str
    strict: bool  # counts only with its suffix

    @property
    def value(self) -> str:
        """The place in its one spelling."""
        if self.district:
            return f"{self.city}{self.district}"
        return self.city or self.province


class Located(NamedTuple):
    """Where a place stands, and its one spelling. A district begins where its city does."""

    start: int
    end: int
    value: str
    is_district: bool = False


def places(plain: str) -> list[Located]:
    """Return the places in a text in plain spelling, in the order they stand."""
    found: list[Located] = []
    last = 0
    for start, end, name in _named(plain):
        if start < last or name is None:
            last = max(last, end)
            continue
        stop = _end(plain, start, end, name)
        if stop < 0:
            continue
        found.append(Located(start, stop, name.value, bool(name.district)))
        last = stop
        if name.city and not name.district:
            behind, district = _district_at(plain, stop, name.city)
            if district:
                found.append(Located(start, behind, f"{name.city}{district}", is_district=True))
                last = behind
    if any(suffix in plain for suffix in "市县区省镇"):
        found += [
            Located(one.start(), one.end(), one[0][:-1].upper() + one[0][-1])
            for one in _ANONYMOUS.finditer(plain)
        ]
        found.sort()
    return found


def within(value: str) -> tuple[str, ...]:
    """Return the city and the province around a place, not itself: 深圳南山 → 深圳, 广东."""
    known = _provinces()
    for length in range(min(len(value), 6), 1, -1):
        province = known.get(value[:length])
        if province is not None:
            around = dict.fromkeys((value[:length], province))
            return tuple(place for place in around if place != value)
    return ()


def plain_place(plain: str) -> str:
    """Return the narrowest place that a region names, as platforms write it (广东深圳); or ""."""
    found = places(plain)
    return found[-1].value if found else ""


def _district_at(plain: str, start: int, city: str) -> tuple[int, str]:
    """Return where the district that follows a city ends, and its name; "" when none follows."""
    district = _DISTRICT.match(plain, start)
    if district and not _NO_DISTRICT.search(district[0]):
        return district.end(), _bare(district[0])
    for name in _districts().get(city, ()):
        if plain.startswith(name, start):
            end = start + len(name)
            return end + plain.startswith(("区", "县", "市"), end), name
    return start, ""


def _bare(district: str) -> str:
    if len(district) < 3 or district.endswith("新区"):
        return district
    return district.removesuffix("自治县").rstrip("区县市")


def _named(plain: str) -> list[tuple[int, int, PlaceName | None]]:
    """Return words of the list, leftmost and longest first."""
    automaton = _automaton()
    spans = [(last + 1 - length, last + 1, name) for last, (length, name) in automaton.iter(plain)]
    if len(spans) > 1:
        spans.sort(key=lambda span: (span[0], -span[1]))
    return spans


def _end(plain: str, start: int, end: int, name: PlaceName) -> int:
    """Return where the place with its suffix ends, -1 when it is none after all."""
    if name.strict:
        if start and plain[start - 1] in _BLOCKS:
            return -1
        suffix = _CITY_SUFFIX.match(plain, end)
        return suffix.end() if suffix else -1
    if name.district:
        return end + 1 if plain.startswith(("区", "县", "市"), end) else end
    if _STREET.match(plain, end):
        return -1
    suffix = _SUFFIX.match(plain, end)
    if suffix is None:
        return end
    # 上海市区: the suffix belongs to another word
    return end if plain.startswith(("市场", "州长", "市面", "省心", "省钱"), end) else suffix.end()


@cache
def _entries() -> tuple[tuple[str, PlaceName | None], ...]:
    entries: list[tuple[str, PlaceName | None]] = []
    for province, words in sections("places").items():
        if province == "*":
            entries += [(word, None) for word in words]
            continue
        entries.append((province, PlaceName(province, "", "", strict=False)))
        for word in words:
            city, _, districts = word.partition(":")
            strict, city = city.endswith("+"), city.rstrip("+")
            bare = city.removesuffix("市") if len(city) > 2 else city
            entries.append((city, PlaceName(province, bare, "", strict=strict)))
            for district in filter(None, districts.split(",")):
                place = PlaceName(province, bare, _bare(district), strict=False)
                entries.append((district, place))
    return tuple(entries)


@cache
def _automaton() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for word, name in _entries():
        automaton.add_word(word, (len(word), name))
    automaton.make_automaton()
    return automaton


@cache
def _provinces() -> dict[str, str]:
    known: dict[str, str] = {}
    for _, name in _entries():
        if name is not None:
            known.setdefault(name.city or name.province, name.province)
    return known


@cache
def _districts() -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for _, name in _entries():
        if name is not None and name.district:
            known.setdefault(name.city, []).append(name.district)
    return known
