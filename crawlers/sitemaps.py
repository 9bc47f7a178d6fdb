"""Bytes of a sitemap go in (urlset, index, news map, plain list; gzipped or not), links come out.

The format is sitemaps.org's. An index becomes links of kind "sitemap" to its files, a file becomes
links of kind "detail" to its pages; both go through the frontier, so that a crash loses neither.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config.schema import SourceConfig
from config.source_schema import SitemapRules
from crawlers.canonical import canonical_url
from crawlers.causes import Failure, empty, unreadable, wall_of
from crawlers.charset import declared_charset, decode
from crawlers.dates import in_utc, parse_date
from crawlers.extract import Reading
from crawlers.gathering import Gathering, link_key
from crawlers.mentions import Item, LinkParsed, Parsed, unmet_expectations
from crawlers.plain import tidy
from crawlers.xml_text import elements, local_name, well_formed
from storage.records import DetailLink, SourceId

MAX_ENTRIES = 50_000  # of one file (sitemaps.org)
_MAX_PAGES = 1000  # of one file that are fetched: the newest
_MAX_URL_CHARS = 2048  # sitemaps.org
_ROOT = re.compile(r"<(?:\w{1,20}:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
_FEED = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)
_HEAD_CHARS = 5000
# How long a file without a date is read again and again before the index has to name it anew.
_FILE_LIFE = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a map: a page, or with `is_file` another map."""

    url: str
    written: str = ""
    title: str = ""
    is_file: bool = False


def parse_sitemap(
    body: bytes,
    url: str,  # noqa: ARG001 - every kind of page is read by the same call
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> Parsed:
    """Read a map. Never raises for what a server sent.

    `items` counts what stands in it, fresh or not: a map in which nothing is new is a good one.
    Pages are taken by `sitemap.include`, `exclude` and `max_age` (by lastmod or publication date;
    what has no date is taken), the newest first; files by `max_age` and `max_files`.
    """
    problems: list[str] = []
    body, cut = _unpacked(body, source.fetch.max_bytes)
    if cut:
        problems.append(cut)
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    text = decoded.text.lstrip("\ufeff \t\r\n")
    failure = _refusal(text)
    parsed = Parsed(failure=failure)
    if failure is None:
        try:
            entries = list(_entries(text))[: MAX_ENTRIES + 1]
        except ValueError as error:
            parsed = Parsed(failure=unreadable(f"网站地图：{error}"))
        else:
            if len(entries) > MAX_ENTRIES:
                problems.append(f"map holds more than {MAX_ENTRIES} entries, read the first ones")
            parsed = _taken(entries[:MAX_ENTRIES], source, now, history=history, trace=trace)
    return replace(
        parsed,
        problems=(*problems, *parsed.problems),
        charset=decoded.charset,
        charset_why=decoded.why,
    )


def parse_file(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
) -> LinkParsed:
    """Read a file that an index named. One whose changes the index does not date is read again."""
    # What stands in it later than at first is news, even in a source that is new.
    age = now - (link.found_at or now)
    history = link.history and age < source.schedule.every
    parsed = parse_sitemap(body, url, http_charset, source, now, history=history)
    pages = tuple(found for found in parsed.links if found.kind == "detail")
    nested = len(parsed.links) - len(pages)
    problems = parsed.problems
    if nested:
        problems = (f"{url}: an index inside an index is not followed ({nested} files)", *problems)
    again_at = now + source.schedule.every
    return LinkParsed(
        links=pages,
        again_at=again_at if link.until is not None and again_at < link.until else None,
        failure=parsed.failure,
        problems=problems,
        charset=parsed.charset,
        charset_why=parsed.charset_why,
    )


def _unpacked(body: bytes, limit: int) -> tuple[bytes, str]:
    """Unpack a gzipped map, at most `limit` bytes of it; say so when there was more."""
    if not body.startswith(b"\x1f\x8b"):
        return body, ""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(body, limit)
    except zlib.error as error:
        return b"", f"map cannot be unpacked: {error}"
    if unpacking.unconsumed_tail:
        return plain, f"map unpacks to more than {limit} bytes (fetch.max_bytes), read the first"
    return plain, ""


def _refusal(text: str) -> Failure | None:
    """Judge a body before a parser sees it."""
    if not text.strip():
        return empty("网站地图是空的，或无法解压")
    if text.startswith(("http://", "https://")):
        return None
    root = _ROOT.search(text)
    if root is None:
        if _FEED.search(text[:_HEAD_CHARS]):
            return unreadable("返回的是订阅源，不是网站地图，请改用 kind: feed")
        return wall_of(text) or unreadable("返回的不是网站地图（没有 urlset 或 sitemapindex）")
    if "<!ENTITY" in text[: root.start()].upper():
        return unreadable("网站地图自定义了实体（<!ENTITY>），出于安全拒绝解析")
    return None


def _entries(text: str) -> Iterator[_Entry]:
    root = _ROOT.search(text)
    if root is None:  # the plain form: an address per line
        for line in text.splitlines():
            if line.strip():
                yield _Entry(line.strip())
        return
    for count, element in enumerate(
        elements(well_formed(text[root.start() :]), ("url", "sitemap"))
    ):
        if count > MAX_ENTRIES:
            return
        said = _texts(element)
        news = next((_texts(part) for part in element if local_name(part) == "news"), {})
        yield _Entry(
            url=said.get("loc", ""),
            written=news.get("publication_date") or said.get("lastmod") or "",
            title=tidy(news.get("title", "")),
            is_file=local_name(element) == "sitemap",
        )


def _texts(element: Any) -> dict[str, str]:
    return {local_name(part): part.text.strip() for part in element if part.text}


def _taken(
    entries: Sequence[_Entry],
    source: SourceConfig,
    now: datetime,
    *,
    history: bool,
    trace: bool,
) -> Parsed:
    rules = source.sitemap or SitemapRules()
    dated = _dated(entries, source, now)
    files, pages = _fresh(dated, rules, now)
    gathering = Gathering(source, now, ("url",), history=history, trace=trace)
    if len(pages) > _MAX_PAGES:
        gathering.problems.append(
            f"map has {len(pages)} pages that fit, took the newest {_MAX_PAGES}: narrow "
            "sitemap.include or sitemap.max_age"
        )
    for entry, at in pages[:_MAX_PAGES]:
        _add(gathering, entry, at)
    parsed = gathering.parsed(judged=False)
    links = [link for entry, at in files if (link := _file_link(entry, at, source, now, history))]
    counts = {
        "url": len(dated),
        "title": sum(bool(entry.title) for entry, _ in dated),
        "published": sum(at is not None for _, at in dated),
    }
    return replace(
        parsed,
        links=(*links, *parsed.links),
        # A file's link is another one with every change; its address stays known, else an index
        # whose files all changed would look as if something had been missed.
        keys=(
            *(link.url_hash for link in links),
            *parsed.keys,
            *(link_key("file", canonical_url(link.url)) for link in links),
        ),
        items=len(entries),
        filled={name: count for name, count in counts.items() if count},
        unmet=unmet_expectations(source, len(entries), {"url": len(dated)}),
    )


def _dated(
    entries: Sequence[_Entry], source: SourceConfig, now: datetime
) -> list[tuple[_Entry, datetime | None]]:
    zone = ZoneInfo(source.tz)
    read = {written: _date(written, now, zone) for written in {e.written for e in entries}}
    return [(entry, read[entry.written]) for entry in entries if entry.url]


def _fresh(
    dated: Sequence[tuple[_Entry, datetime | None]], rules: SitemapRules, now: datetime
) -> tuple[list[tuple[_Entry, datetime | None]], list[tuple[_Entry, datetime | None]]]:
    """Return files and pages that are wanted, the newest first."""
    oldest = now - rules.max_age
    fresh = [(entry, at) for entry, at in dated if at is None or at >= oldest]
    # the sort is stable: without dates the order is the map's
    fresh.sort(key=lambda pair: pair[1] or oldest, reverse=True)
    is_wanted = _wanted_by(rules)
    files = [pair for pair in fresh if pair[0].is_file][: rules.max_files]
    return files, [pair for pair in fresh if not pair[0].is_file and is_wanted(pair[0].url)]


def _date(written: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read a date of a map: nearly always ISO 8601, which costs a hundredth of any other."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return parse_date(written, now, zone) if written else None
    return in_utc(found if found.tzinfo else found.replace(tzinfo=zone))


def _add(gathering: Gathering, entry: _Entry, at: datetime | None) -> None:
    fields = {"title": entry.title} if entry.title else {}
    item = Item(source=gathering.source, now=gathering.now, fields=fields)
    item.set_url(entry.url[:_MAX_URL_CHARS], "")
    # A page's lastmod is when it was touched; only a news map says when it was published.
    if at is not None and entry.title:
        item.published_at = min(at, gathering.now)
    texts = {"url": item.url, "title": entry.title, "published": entry.written}
    gathering.add(item, {name: Reading(text, 0, "sitemap") for name, text in texts.items()})


def _wanted_by(rules: SitemapRules) -> Callable[[str], bool]:
    """Return what says of an address whether its page is wanted."""
    import re2  # compiled here once: a map has 50,000 addresses, and re2 keeps no patterns

    include = [re2.compile(pattern.removeprefix("re2:")) for pattern in rules.include]
    exclude = [re2.compile(pattern.removeprefix("re2:")) for pattern in rules.exclude]

    def is_wanted(url: str) -> bool:
        included = not include or any(pattern.search(url) for pattern in include)
        return included and not any(pattern.search(url) for pattern in exclude)

    return is_wanted


def _file_link(
    entry: _Entry, at: datetime | None, source: SourceConfig, now: datetime, history: bool
) -> DetailLink | None:
    """Make the link of a file. It is another one whenever its date changes, or with each day."""
    item = Item(source=source, now=now)
    item.set_url(entry.url[:_MAX_URL_CHARS], "")
    if not item.url:
        return None
    version = entry.written if at is not None else f"{now:%Y-%m-%d}"
    return DetailLink(
        url_hash=link_key("sitemap", canonical_url(item.url), version),
        source_id=SourceId(source.id),
        url=item.url,
        found_at=now,
        history=history,
        kind="sitemap",
        until=None if at is not None else now + _FILE_LIFE,
    )
