"""Try a source without remembering anything: what `source try` prints.

In: a source, and a saved page or the live site. Out: the pages as they came, and a Trial of plain
values that says what was read of them by which selector and what the source's contract misses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from config.schema import Settings, SourceConfig
from crawlers.canonical import canonical_url, native_id, url_hash
from crawlers.causes import Failure, unreadable
from crawlers.downloader import Downloader, Fetched
from crawlers.mentions import LinkParsed, Parsed, Row
from crawlers.parsing import ParseDiedError
from crawlers.readers import first_page, has_links, read_link, read_page, starts
from storage.records import DetailLink, FetchCause, RawMention, SourceId

# decisions.md 25
EXIT_OK, EXIT_FAILED, EXIT_CONFIG, EXIT_UNMET, EXIT_BLOCKED, EXIT_NETWORK = 0, 1, 2, 3, 4, 5
EXITS = {
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
# An index of sitemaps leads to a map, the map to a page; nothing of ours is deeper.
_DEPTH = 2
_VALUE_CHARS = 20_000  # of one field in a trial; a page's whole text is in the page
_MAX_PROBLEMS = 20
# A field that single posts of a page lack is called missing when more than one in five lacks it,
# as on list pages (mentions.unmet_expectations).
_MISSING_SHARE = 0.2

Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One page as it came: a page that the source begins with, or (`link`) one behind it."""

    fetched: Fetched
    link: DetailLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialField:
    """One field as read. `rung` is the selector's place in its list from 0, -1 when none hit."""

    name: str
    value: str
    rung: int
    selector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialHit:
    """One place where a watched brand is named, with the text around it."""

    brand: str
    before: str
    word: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialItem:
    """One item or detail page: its fields, and what became of address and date.

    `known` says whether the project has it already, None when that was not asked.
    """

    url: str
    canonical_url: str
    native_id: str
    fields: tuple[TrialField, ...]
    published_at: str = ""  # ISO 8601 in UTC
    known: bool | None = None
    hits: tuple[TrialHit, ...] = ()

    def value(self, name: str) -> str:
        """Return the text of a field, "" when it was not read."""
        return next((entry.value for entry in self.fields if entry.name == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What trying a source came to. `robots` is allowed, denied, ignored or "not asked".

    `links` counts what the page leads to. What a page alone cannot tell (`memory`: whether the
    project's database was asked, `health`, `next_poll_at`, `advice`) is filled in by the
    application.
    """

    source_id: str
    url: str
    robots: str
    name: str = ""
    kind: str = ""
    starts: int = 1
    cause: str = ""
    cause_text: str = ""
    advice: str = ""
    exit_code: int = EXIT_OK
    http_status: int | None = None
    redirects: tuple[str, ...] = ()
    size_bytes: int = 0
    duration_ms: int = 0
    charset: str = ""
    charset_why: str = ""
    items: int = 0
    unreadable: int = 0
    links: int = 0
    shown: tuple[TrialItem, ...] = ()
    details: tuple[TrialItem, ...] = ()
    next_url: str = ""
    next_cursor: str = ""
    hint_s: float = 0.0
    unmet: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    memory: str = "not asked"
    health: str = ""
    next_poll_at: str = ""  # ISO 8601 in UTC

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


# --- taking pages ----------------------------------------------------------------------------


async def _in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await asyncio.to_thread(function, *args, **kwargs)


async def take_pages(
    source: SourceConfig,
    downloader: Downloader,
    *,
    now: datetime,
    url: str | None = None,
    call: Call = _in_thread,
) -> tuple[Taken, ...]:
    """Fetch a source's first page (or `url`) and the first page that it leads to.

    `call` runs the parsing (a thread, or a ParsingPool's `call`), never on the event loop.
    Errors: ParseDiedError of `call`; ConfigError when a secret cannot be resolved.
    """
    at = url or first_page(source, starts(source)[0])
    first = Taken(fetched=await downloader.fetch(at, source, now))
    if first.fetched.failure is not None:
        return (first,)
    if url is not None:
        first = await call(as_read, source, first.fetched, now)
    pages = [first]
    for _ in range(_DEPTH):
        link = await call(link_of, source, pages[-1], now)
        if link is None:
            break
        pages.append(Taken(fetched=await downloader.fetch(link.url, source, now), link=link))
        if pages[-1].fetched.failure is not None:
            break
    return tuple(pages)


def as_read(source: SourceConfig, fetched: Fetched, now: datetime) -> Taken:
    """Tell what a page given by its address is: one behind the list when it shows no items."""
    page = Taken(fetched=fetched)
    if not has_links(source):
        return page
    parsed = read_page(fetched.body, fetched.url, fetched.charset, source, now)
    if parsed.items:
        return page
    behind = Taken(fetched=fetched, link=link_to(source, fetched.url))
    found = _read_link(source, behind, now)
    return behind if found.raws or found.links else page


def saved_page(source: SourceConfig, body: bytes, url: str | None, now: datetime) -> Taken:
    """Take a saved page as if it had just been fetched from `url` (else the first start)."""
    if url is not None:
        return as_read(source, Fetched(url=url, body=body), now)
    return Taken(fetched=Fetched(url=first_page(source, starts(source)[0]), body=body))


def link_of(source: SourceConfig, page: Taken, now: datetime) -> DetailLink | None:
    """Return the first link that a page leads to, None when it leads nowhere."""
    parsed: Parsed | LinkParsed = (
        _read_link(source, page, now) if page.link is not None else _read_page(source, page, now)
    )
    # A page of mentions is the end of the way, whatever else it links to (a thread's next page).
    leads_on = page.link is None or not parsed.rows
    return parsed.links[0] if parsed.links and leads_on else None


def link_to(source: SourceConfig, url: str) -> DetailLink:
    """Return a link to a page behind the list, as if the list had just named it."""
    return DetailLink(
        url_hash=url_hash(url, source.url),
        source_id=SourceId(source.id),
        url=url,
        kind="thread" if source.kind == "forum_thread" else "detail",
    )


def _read_page(source: SourceConfig, page: Taken, now: datetime) -> Parsed:
    got = page.fetched
    return read_page(got.body, got.url, got.charset, source, now, trace=True)


def _read_link(source: SourceConfig, page: Taken, now: datetime) -> LinkParsed:
    got, link = page.fetched, page.link
    assert link is not None  # the caller has looked
    return read_link(got.body, got.url, got.charset, source, link, now=now, trace=True)


# --- trying ----------------------------------------------------------------------------------


def fetch_pages(
    source: SourceConfig, settings: Settings, *, now: datetime, url: str | None = None
) -> tuple[Taken, ...]:
    """Fetch with a downloader and an event loop of its own; once per process."""

    async def live() -> tuple[Taken, ...]:
        downloader = Downloader(settings)
        await downloader.start()
        try:
            return await take_pages(source, downloader, now=now, url=url)
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
    call: Call = _in_thread,
) -> Trial:
    """Try a source with a started downloader: its first page and the first one behind it.

    A page that the parser dies of is named in the answer.
    """
    try:
        pages = await take_pages(source, downloader, now=now, url=url, call=call)
        trial: Trial = await call(read_pages, source, pages, now, rows=rows)
    except ParseDiedError as error:
        failure = unreadable(f"页面无法解析，已放弃（{error}）")
        at = url or first_page(source, starts(source)[0])
        return _with_failure(_opened(source, Fetched(url=at)), failure)
    return trial


def read_pages(
    source: SourceConfig, pages: Sequence[Taken], now: datetime, *, rows: int = 5
) -> Trial:
    """Read pages that were taken. Pure on bytes; not for the event loop."""
    trial = _opened(source, pages[0].fetched)
    for place, page in enumerate(pages):
        trial = _read(trial, source, page, now, rows, behind=place > 0)
        if trial.cause:
            break
    return trial


def _read(
    trial: Trial, source: SourceConfig, page: Taken, now: datetime, rows: int, *, behind: bool
) -> Trial:
    """Add to a trial what one page holds; `behind` says that another page led here."""
    if page.fetched.failure is not None:
        return _with_failure(trial, page.fetched.failure, behind=behind)
    if page.link is None:
        return _with_items(trial, source, _read_page(source, page, now), rows)
    return _with_detail(trial, source, _read_link(source, page, now), rows, behind=behind)


def _opened(source: SourceConfig, fetched: Fetched) -> Trial:
    return Trial(
        source_id=source.id,
        name=source.name,
        kind=source.kind,
        starts=len(starts(source)),
        url=fetched.url,
        robots=_robots(source, fetched),
        http_status=fetched.status,
        redirects=fetched.redirects,
        size_bytes=len(fetched.body),
        duration_ms=fetched.duration_ms,
    )


def _robots(source: SourceConfig, fetched: Fetched) -> str:
    if fetched.status is None and fetched.failure is None:
        return "not asked"
    if source.fetch.robots == "ignore":
        return "ignored"
    if fetched.failure is not None and fetched.failure.cause is FetchCause.ROBOTS:
        return "denied"
    return "allowed" if fetched.status is not None else "not asked"


def _with_items(trial: Trial, source: SourceConfig, parsed: Parsed, rows: int) -> Trial:
    trial = replace(
        trial,
        charset=parsed.charset,
        charset_why=parsed.charset_why,
        items=parsed.items,
        unreadable=parsed.unreadable,
        links=len(parsed.links),
        shown=tuple(_item(row, source) for row in _rows(parsed, source)[:rows]),
        next_url=parsed.next_url,
        next_cursor=parsed.next_cursor,
        hint_s=parsed.hint_s,
        unmet=parsed.unmet,
        problems=parsed.problems[:_MAX_PROBLEMS],
        exit_code=EXIT_UNMET if parsed.unmet else EXIT_OK,
    )
    return _with_failure(trial, parsed.failure)


def _rows(parsed: Parsed, source: SourceConfig) -> tuple[Row, ...]:
    """Return how the items were read; of a page that only names addresses, those."""
    return parsed.rows or tuple(
        Row(url=link.url, canonical_url=canonical_url(link.url, source.url), readings=())
        for link in parsed.links
    )


def _with_detail(
    trial: Trial, source: SourceConfig, parsed: LinkParsed, rows: int, *, behind: bool
) -> Trial:
    unmet = (*trial.unmet, *_missing(source, parsed.raws))
    trial = replace(
        trial,
        charset=trial.charset or parsed.charset,
        charset_why=trial.charset_why or parsed.charset_why,
        items=trial.items if behind else len(parsed.raws),
        details=tuple(_item(row, source) for row in parsed.rows[:rows]),
        unmet=unmet,
        problems=(*trial.problems, *parsed.problems)[:_MAX_PROBLEMS],
        exit_code=EXIT_UNMET if unmet else trial.exit_code,
    )
    return _with_failure(trial, parsed.failure, behind=behind)


def _missing(source: SourceConfig, raws: Sequence[RawMention]) -> list[str]:
    """Name the required fields that the mentions of a page behind the list lack."""
    unmet = []
    for name in source.expect.required:
        lacking = sum(not _has(raw, name) for raw in raws)
        if lacking > _MISSING_SHARE * len(raws):
            some = f"（{lacking}/{len(raws)} 条）" if len(raws) > 1 else ""
            unmet.append(f"详情页缺少字段 {name}{some}")
    return unmet


def _has(raw: RawMention, name: str) -> bool:
    given: object = {
        "title": raw.title or raw.text,
        "published": raw.published_at,
    }.get(name, getattr(raw, name, None))
    return given is not None and given != ""  # a count of 0 is a count


def _with_failure(trial: Trial, failure: Failure | None, *, behind: bool = False) -> Trial:
    if failure is None:
        return trial
    return replace(
        trial,
        cause=failure.cause.value,
        cause_text=f"详情页：{failure.text}" if behind else failure.text,
        exit_code=EXITS.get(failure.cause, EXIT_FAILED),
    )


def _item(row: Row, source: SourceConfig) -> TrialItem:
    said = {name: reading.value for name, reading in row.readings}
    return TrialItem(
        url=row.url,
        canonical_url=row.canonical_url,
        native_id=said.get("native_id") or native_id(row.url, source.url),
        fields=tuple(
            TrialField(
                name=name,
                value=reading.value[:_VALUE_CHARS],
                rung=reading.rung,
                selector=reading.selector,
            )
            for name, reading in row.readings
        ),
        published_at=row.published_at.isoformat() if row.published_at else "",
    )
