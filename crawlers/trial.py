"""Try a source without remembering anything: what `source try` prints.

In: a source, and a saved page or the live site. Out: a Trial of plain values that says what was
fetched, what was read of it by which selector, and what the source's contract misses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from config.schema import Settings, SourceConfig
from crawlers.canonical import url_hash
from crawlers.causes import Failure
from crawlers.downloader import Downloader, Fetched
from crawlers.mentions import LinkParsed, Parsed, Row
from crawlers.readers import read_link, read_page
from storage.records import DetailLink, FetchCause, SourceId

# decisions.md 25
EXIT_OK, EXIT_FAILED, EXIT_CONFIG, EXIT_UNMET, EXIT_BLOCKED, EXIT_NETWORK = 0, 1, 2, 3, 4, 5
_EXITS = {
    FetchCause.BLOCKED: EXIT_BLOCKED,
    FetchCause.LOGIN: EXIT_BLOCKED,
    FetchCause.CAPTCHA: EXIT_BLOCKED,
    FetchCause.ROBOTS: EXIT_BLOCKED,
    FetchCause.REFUSED: EXIT_CONFIG,
    FetchCause.NETWORK: EXIT_NETWORK,
    FetchCause.SLOW: EXIT_NETWORK,
    FetchCause.LAYOUT: EXIT_UNMET,
    FetchCause.EMPTY: EXIT_UNMET,
}
_SHOWN_CHARS = 300
_LINE_CHARS = 80
_MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialField:
    """One field as read. `rung` is the selector's place in its list from 0, -1 when none hit."""

    name: str
    value: str
    rung: int
    selector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialItem:
    """One item or detail page: its fields, and what became of address and date."""

    url: str
    canonical_url: str
    fields: tuple[TrialField, ...]
    published_at: str = ""  # ISO 8601 in UTC

    def lines(self) -> Iterator[str]:
        """Yield one line per field: name, rung and selector that hit, text."""
        for entry in self.fields:
            how = f"[{entry.rung + 1}] {entry.selector}" if entry.rung >= 0 else "[-] nothing hit"
            text = " ".join(entry.value.split())
            text = text if len(text) <= _LINE_CHARS else text[:_LINE_CHARS] + "…"
            yield f"    {entry.name:<10} {how:<32} {text}"
            if entry.name == "published" and entry.value:
                yield f"    {'':<10} read as {self.published_at or 'nothing'}"
        yield f"    {'canonical':<10} {self.canonical_url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What trying a source came to. `robots` is allowed, denied, ignored or "not asked"."""

    source_id: str
    url: str
    robots: str
    cause: str = ""
    cause_text: str = ""
    exit_code: int = EXIT_OK
    http_status: int | None = None
    redirects: tuple[str, ...] = ()
    size_bytes: int = 0
    duration_ms: int = 0
    charset: str = ""
    charset_why: str = ""
    items: int = 0
    unreadable: int = 0
    shown: tuple[TrialItem, ...] = ()
    details: tuple[TrialItem, ...] = ()
    next_url: str = ""
    unmet: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield it for people: what came, how it was read, what is missing."""
        verdict = f"{self.cause}: {self.cause_text}" if self.cause else "ok"
        if not self.cause and self.unmet:
            verdict = "expectations unmet"
        yield f"{self.source_id}: {verdict}"
        yield f"  address   {self.url}"
        for hop in self.redirects:
            yield f"  via       {hop}"
        yield f"  robots    {self.robots}"
        if self.http_status is not None:
            yield f"  answer    HTTP {self.http_status}, {self.duration_ms} ms"
        yield f"  body      {self.size_bytes} bytes, {self.charset or '?'} ({self.charset_why})"
        yield f"  items     {self.items}, left out {self.unreadable}"
        if self.next_url:
            yield f"  next page {self.next_url}"
        for title, items in (("item", self.shown), ("detail page", self.details)):
            for number, item in enumerate(items, start=1):
                yield f"  {title} {number}"
                yield from item.lines()
        for text in self.unmet:
            yield f"  unmet     {text}"
        for text in self.problems:
            yield f"  problem   {text}"


def try_source(
    source: SourceConfig,
    settings: Settings,
    *,
    now: datetime,
    url: str | None = None,
    page: bytes | None = None,
    rows: int = 5,
) -> Trial:
    """Try a source on a saved page, or live on its first page or on `url`.

    A page at `url` that shows no items is read as a detail page where the source has those. Live
    it runs its own event loop, so once per process and never inside a running loop (there
    `try_live`). Errors: ConfigError when a secret cannot be resolved.
    """
    if page is not None:
        at = url or source.start[0].replace("{page}", str(source.pages.first))
        saved = Fetched(url=at, body=page)
        return _read(source, saved, now, rows, given=url is not None)

    async def live() -> Trial:
        downloader = Downloader(settings)
        await downloader.start()
        try:
            return await try_live(source, downloader, now=now, url=url, rows=rows)
        finally:
            await downloader.stop()

    return asyncio.run(live())


async def try_live(
    source: SourceConfig,
    downloader: Downloader,
    *,
    now: datetime,
    url: str | None = None,
    rows: int = 5,
) -> Trial:
    """Try a source with a started downloader: its first page and, of a list, its first detail."""
    at = url or source.start[0].replace("{page}", str(source.pages.first))
    fetched = await downloader.fetch(at, source, now)
    trial = await asyncio.to_thread(_read, source, fetched, now, rows, given=url is not None)
    if source.detail is None or trial.exit_code != EXIT_OK or not trial.shown or trial.details:
        return trial
    first = next((item for item in trial.shown if item.url), None)
    if first is None:
        return trial
    fetched = await downloader.fetch(first.url, source, now)
    detail = await asyncio.to_thread(_read_detail, source, fetched, now)
    return replace(
        trial,
        details=detail.details,
        unmet=(*trial.unmet, *detail.unmet),
        problems=(*trial.problems, *detail.problems),
        cause=detail.cause,
        cause_text=f"详情页：{detail.cause_text}" if detail.cause_text else "",
        exit_code=detail.exit_code,
    )


def _read(
    source: SourceConfig, fetched: Fetched, now: datetime, rows: int, *, given: bool
) -> Trial:
    """Read a first page; one that was `given` by its address may be a detail page instead."""
    trial = _opened(source, fetched)
    if fetched.failure is not None:
        return trial
    parsed = read_page(fetched.body, fetched.url, fetched.charset, source, now, trace=True)
    if given and not parsed.items and source.detail is not None:
        return _read_detail(source, fetched, now)
    return _with_items(trial, parsed, rows)


def _read_detail(source: SourceConfig, fetched: Fetched, now: datetime) -> Trial:
    trial = _opened(source, fetched)
    if fetched.failure is not None:
        return trial
    link = DetailLink(
        url_hash=url_hash(fetched.url, source.url), source_id=SourceId(source.id), url=fetched.url
    )
    parsed = read_link(
        fetched.body, fetched.url, fetched.charset, source, link, now=now, trace=True
    )
    return _with_detail(trial, parsed, source)


def _opened(source: SourceConfig, fetched: Fetched) -> Trial:
    trial = Trial(
        source_id=source.id,
        url=fetched.url,
        robots=_robots(source, fetched),
        http_status=fetched.status,
        redirects=fetched.redirects,
        size_bytes=len(fetched.body),
        duration_ms=fetched.duration_ms,
    )
    return _with_failure(trial, fetched.failure)


def _robots(source: SourceConfig, fetched: Fetched) -> str:
    if fetched.status is None and fetched.failure is None:
        return "not asked"
    if source.fetch.robots == "ignore":
        return "ignored"
    if fetched.failure is not None and fetched.failure.cause is FetchCause.ROBOTS:
        return "denied"
    return "allowed" if fetched.status is not None else "not asked"


def _with_items(trial: Trial, parsed: Parsed, rows: int) -> Trial:
    trial = replace(
        trial,
        charset=parsed.charset,
        charset_why=parsed.charset_why,
        items=parsed.items,
        unreadable=parsed.unreadable,
        shown=tuple(_item(row) for row in parsed.rows[:rows]),
        next_url=parsed.next_url,
        unmet=parsed.unmet,
        problems=parsed.problems[:_MAX_PROBLEMS],
        exit_code=EXIT_UNMET if parsed.unmet else EXIT_OK,
    )
    return _with_failure(trial, parsed.failure)


def _with_detail(trial: Trial, parsed: LinkParsed, source: SourceConfig) -> Trial:
    raw = parsed.raws[0] if parsed.raws else None
    values: dict[str, object] = {}
    if raw is not None:
        values = {
            "url": raw.url,
            "title": raw.title or raw.text,
            "text": raw.text,
            "author": raw.author,
            "published": raw.published_at,
        }
    unmet = tuple(
        f"详情页缺少字段 {name}"
        for name in source.expect.required
        if raw is not None and name in values and not values[name]
    )
    trial = replace(
        trial,
        charset=parsed.charset,
        charset_why=parsed.charset_why,
        items=int(raw is not None),
        details=tuple(_item(row) for row in parsed.rows),
        unmet=unmet,
        problems=parsed.problems[:_MAX_PROBLEMS],
        exit_code=EXIT_UNMET if unmet else EXIT_OK,
    )
    return _with_failure(trial, parsed.failure)


def _with_failure(trial: Trial, failure: Failure | None) -> Trial:
    if failure is None:
        return trial
    return replace(
        trial,
        cause=failure.cause.value,
        cause_text=failure.text,
        exit_code=_EXITS.get(failure.cause, EXIT_FAILED),
    )


def _item(row: Row) -> TrialItem:
    return TrialItem(
        url=row.url,
        canonical_url=row.canonical_url,
        fields=tuple(
            TrialField(
                name=name,
                value=reading.value[:_SHOWN_CHARS],
                rung=reading.rung,
                selector=reading.selector,
            )
            for name, reading in row.readings
        ),
        published_at=row.published_at.isoformat() if row.published_at else "",
    )
