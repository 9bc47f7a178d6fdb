"""Recorded pages: a page as it came, a frozen clock, and what is to be read of it. Pure.

In: a page that was taken. Out: a Fixture without cookies, tokens, mail addresses and telephone
numbers; what a source reads of it as plain values; the differences between two readings.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from itertools import islice, zip_longest
from typing import Any

from config.schema import SourceConfig
from crawlers.canonical import url_hash
from crawlers.charset import declared_charset, decode
from crawlers.downloader import Fetched
from crawlers.mentions import LinkParsed, Parsed
from crawlers.readers import read_link, read_page
from crawlers.trial import Taken
from storage.records import DetailLink, Json, SourceId

MAX_BYTES = 2 * 1024 * 1024  # of one recorded page: fixtures live in people's repositories
REMOVED = "REMOVED"
# A page that a source cannot read must be read one day; until then its test fails.
CONTRACT: Mapping[str, Any] = {"failure": "", "unmet": []}
# Identity, clock and bookkeeping: given from outside, or the same in every record.
_NOT_SAID = {"source_id", "observed_at", "url_hash", "attempts", "found_at", "first_at", "last_at"}
_DIFFERENCES = 40  # shown of one fixture
_LISTED = 1000  # items of a list that are compared: as many as are read of a page
_SHOWN_CHARS = 60
_WORDS = (
    r"csrf|xsrf|token|session_?id|jsessionid|phpsessid|api_?key|secret|password|passwd|signature"
)
_NAMED = re.compile(
    rf"""((?:{_WORDS})[\w-]{{0,40}}["']?\s{{0,3}}[:=]\s{{0,3}}["']?)"""
    r"([\w\-./+=%|~]{8,4000})",
    re.IGNORECASE | re.ASCII,
)
_TAG = re.compile(r"<(?:input|meta)\b[^<>]{1,2000}>", re.IGNORECASE)
_TAG_NAME = re.compile(rf"""\bname\s*=\s*["']?[\w-]*(?:{_WORDS})""", re.IGNORECASE | re.ASCII)
_TAG_VALUE = re.compile(r"""(\b(?:value|content)\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_COOKIE = re.compile(
    r"""(document\.cookie\s*=\s*|["']?(?:set-)?cookie["']?\s*[:=]\s*)("[^"\n]*"|'[^'\n]*')""",
    re.IGNORECASE,
)
_JWT = re.compile(r"eyJ[\w-]{8,4000}\.[\w-]{4,4000}\.[\w-]{0,4000}", re.ASCII)
_BEARER = re.compile(r"(\bBearer\s+)[\w\-./+=~]{8,4000}", re.IGNORECASE | re.ASCII)
_MAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    r"(?!(?:png|jpe?g|gif|webp|svg|css|js)\b)[A-Za-z]{2,24}",
    re.ASCII,
)
# A mainland mobile number; digits that are part of an address or an id are left alone.
_PHONE = re.compile(
    r"(?<![\w/.\-])(?:\+?86[- ]?)?(1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4})"
    r"(?![\w\-]|\.s?html?\b)",
    re.ASCII,
)
_IN_URL = re.compile(
    rf"([?&;](?:\w{{0,20}}(?:{_WORDS})\w{{0,20}}|sid|auth|ticket)=)[^&#]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """One recorded page and what is to be read of it. `expected` may name only a part of that."""

    source_id: str
    name: str
    page: Taken
    now: datetime
    expected: Json
    request_headers: Mapping[str, str] = field(default_factory=dict)
    scrubbed: Mapping[str, int] = field(default_factory=dict)  # what was taken out, and how often


def record(
    source: SourceConfig,
    name: str,
    page: Taken,
    now: datetime,
    *,
    secrets: Sequence[str] = (),
    as_is: bool = False,
) -> Fixture:
    """Make a fixture of a page that was taken at `now`; `secrets` are texts that must not be in it.

    What is expected is what the source reads of it; where it cannot be read as it should be, that
    it can (CONTRACT), or with `as_is` the very failure.
    """
    clean, scrubbed = scrub(page, secrets, source)
    found = reading(source, clean, now)
    is_good = not found["failure"] and not found["unmet"]
    return Fixture(
        source_id=source.id,
        name=name,
        page=clean,
        now=now,
        expected=found if is_good or as_is else dict(CONTRACT),
        request_headers={**source.fetch.headers, **dict.fromkeys(source.secrets, REMOVED)},
        scrubbed=scrubbed,
    )


def reading(source: SourceConfig, page: Taken, now: datetime) -> Json:
    """Return what a source reads of a page as plain values. Not for the event loop."""
    got, link = page.fetched, page.link
    parsed: Parsed | LinkParsed
    if link is None:
        parsed = read_page(got.body, got.url, got.charset, source, now)
    else:
        parsed = read_link(got.body, got.url, got.charset, source, link, now=now)
    said: dict[str, Any] = {
        "failure": parsed.failure.cause.value if parsed.failure else "",
        "unmet": [],
        "charset": parsed.charset,
        "problems": len(parsed.problems),
        "mentions": [_said(raw) for raw in parsed.raws],
        "links": [_said(link) for link in parsed.links],
    }
    if isinstance(parsed, LinkParsed):
        return {**said, **({"again_at": parsed.again_at.isoformat()} if parsed.again_at else {})}
    said |= {"unmet": list(parsed.unmet), "items": parsed.items, "left_out": parsed.unreadable}
    more = {
        "next_url": parsed.next_url,
        "next_cursor": parsed.next_cursor,
        "hint_s": parsed.hint_s,
        "hot": [_said(entry) for entry in parsed.hot],
    }
    return {**said, **{name: value for name, value in more.items() if value}}


def _said(given: Any) -> Json:
    """Return the fields of a record that say something; what is as by default is left out."""
    said: dict[str, Any] = {}
    for spec in dataclasses.fields(given):
        value = getattr(given, spec.name)
        if spec.name not in _NOT_SAID and value not in (None, "", spec.default) and value != {}:
            said[spec.name] = _plain(value)
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def link_said(link: DetailLink | None) -> Json | None:
    """Write a link as plain values, None for none."""
    return None if link is None else _said(link)


def link_of_said(said: Mapping[str, Any], source: SourceConfig, now: datetime) -> DetailLink:
    """Read a link back as found at `now`. Errors: ValueError or TypeError when it was never one."""
    names = {spec.name for spec in dataclasses.fields(DetailLink)} - _NOT_SAID
    given = {name: value for name, value in said.items() if name in names}
    for name in ("due_at", "until"):
        if name in given:
            given[name] = datetime.fromisoformat(given[name])
    url = str(said["url"])
    return DetailLink(
        **given,
        url_hash=url_hash(url, source.url),
        source_id=SourceId(source.id),
        found_at=now,
    )


# --- scrubbing -------------------------------------------------------------------------------


def scrub(
    page: Taken, secrets: Sequence[str], source: SourceConfig
) -> tuple[Taken, dict[str, int]]:
    """Take out of a page what is nobody's business, and count it by kind.

    Replacements keep apart what was apart (equal numbers stay equal), so that the page is read as
    before. Bytes that no charset explains are searched as they are.
    """
    got = page.fetched
    counts: dict[str, int] = {}
    decoded = decode(got.body, got.charset, declared_charset(got.body), source.fetch.charset)
    body = None
    try:
        if decoded.text.encode(decoded.charset) == got.body:
            body = _scrubbed(decoded.text, secrets, counts).encode(decoded.charset)
    except (LookupError, UnicodeError):
        counts.clear()
    if body is None:
        body = _scrubbed(got.body.decode("latin-1"), secrets, counts).encode("latin-1")
    fetched = replace(
        got,
        url=_scrubbed_url(got.url, secrets),
        redirects=tuple(_scrubbed_url(hop, secrets) for hop in got.redirects),
        body=body,
    )
    link = page.link
    if link is not None:
        listed = {
            name: _scrubbed(value, secrets, {}) if isinstance(value, str) else value
            for name, value in link.listed.items()
        }
        link = replace(link, url=_scrubbed_url(link.url, secrets), listed=listed)
    return Taken(fetched=fetched, link=link), counts


def _scrubbed(text: str, secrets: Sequence[str], counts: dict[str, int]) -> str:
    for secret in secrets:
        if len(secret) >= 6 and secret in text:  # a shorter one would hit ordinary words
            counts["secrets"] = counts.get("secrets", 0) + text.count(secret)
            text = text.replace(secret, REMOVED)
    rules: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
        ("cookies", _COOKIE, lambda found: f'{found[1]}"{REMOVED}"'),
        ("tokens", _TAG, _scrubbed_tag),
        ("tokens", _NAMED, lambda found: found[1] + _kept(found[2])),
        ("tokens", _JWT, lambda _: REMOVED),
        ("tokens", _BEARER, lambda found: found[1] + REMOVED),
        ("emails", _MAIL, lambda _: "someone@example.com"),
        ("phones", _PHONE, lambda found: _other_number(found[1])),
    )
    for kind, pattern, instead in rules:
        text = _replaced(text, kind, pattern, instead, counts)
    return text


def _replaced(
    text: str,
    kind: str,
    pattern: re.Pattern[str],
    instead: Callable[[re.Match[str]], str],
    counts: dict[str, int],
) -> str:
    def counted(found: re.Match[str]) -> str:
        new = instead(found)
        counts[kind] = counts.get(kind, 0) + (new != found[0])
        return new

    after = pattern.sub(counted, text)
    if not counts.get(kind, 1):
        counts.pop(kind)
    return after


def _kept(value: str) -> str:
    """Keep what is code rather than a value: a word without a digit, a call, a path of names."""
    return value if not any(letter.isdigit() for letter in value) else REMOVED


def _scrubbed_tag(found: re.Match[str]) -> str:
    tag = found[0]
    if _TAG_NAME.search(tag) is None:
        return tag
    return _TAG_VALUE.sub(lambda value: f'{value[1]}"{REMOVED}"', tag)


def _other_number(number: str) -> str:
    """Return a number of the same length that nobody can have (mainland mobiles begin 13 to 19)."""
    digits = re.sub(r"\D", "", number)
    digest = int.from_bytes(blake2b(digits.encode(), digest_size=8).digest(), "big")
    return f"100{digest % 10**8:08d}"


def _scrubbed_url(url: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        url = url.replace(secret, REMOVED) if len(secret) >= 6 else url
    return _IN_URL.sub(lambda found: found[1] + REMOVED, url)


# --- differences -----------------------------------------------------------------------------


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Say where a reading differs from what is expected of it; only what is named counts."""
    lines: list[str] = []
    for name, value in expected.items():
        lines += _differences(name, value, found.get(name))
    if len(lines) > _DIFFERENCES:
        lines[_DIFFERENCES:] = [f"……另有 {len(lines) - _DIFFERENCES} 处不同"]
    return lines


def _differences(place: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in dict.fromkeys((*expected, *found)):
            yield from _differences(f"{place}.{name}", expected.get(name), found.get(name))
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{place}：期望 {len(expected)} 个，得到 {len(found)} 个"
        pairs = zip_longest(expected, found)
        for number, (one, other) in enumerate(islice(pairs, _LISTED), start=1):
            if number > min(len(expected), len(found)):
                word, value = ("少了", one) if other is None else ("多了", other)
                yield f"{place}[{number}]：{word} {_brief(value)}"
            else:
                yield from _differences(f"{place}[{number}]", one, other)
    elif expected != found:
        yield f"{place}：期望 {_short(expected, found)}，得到 {_short(found, expected)}"


def _brief(value: Any) -> str:
    """Name an item of a list by what people know it by."""
    if isinstance(value, Mapping):
        value = value.get("title") or value.get("text") or value.get("url") or dict(value)
    return _short(str(value), "")


def _short(value: Any, other: Any) -> str:
    """Write a value; of a long text the stretch where it begins to differ from the other."""
    if value is None:
        return "没有"
    if not isinstance(value, str):
        return str(value)
    if value == "":
        return "空"
    start = 0
    if isinstance(other, str) and len(value) > _SHOWN_CHARS:
        same = next(
            (place for place, (a, b) in enumerate(zip(value, other, strict=False)) if a != b),
            min(len(value), len(other)),
        )
        start = max(0, same - _SHOWN_CHARS // 3)
    end = start + _SHOWN_CHARS
    before, after = "…" if start else "", "…" if end < len(value) else ""
    return f"“{before}{value[start:end]}{after}”".replace("\n", "⏎")


def kept_page(
    url: str, body: bytes, headers: Mapping[str, str], link: DetailLink | None = None
) -> Taken:
    """Put a page that was stored back into the form in which it was taken."""
    return Taken(fetched=Fetched(url=url, status=200, headers=headers, body=body), link=link)
