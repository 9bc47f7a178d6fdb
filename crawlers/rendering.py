"""Pages that only exist once their scripts ran, drawn by a headless Chromium that has no network.

In: an address and its source. Out: a Fetched whose body is the drawn page. Chromium gets nothing by
itself: every address leads nowhere for it, and every request of a page is answered from here,
through the same downloader (guards, robots, limits) that fetches everything else.

The document waits for its turn at its host like any page. The scripts and data that it asks for
belong to that one visit: they go at once, four at a time and host, within a budget; a page whose
twenty scripts waited five seconds each would never be drawn. Data is held to robots.txt as the
document is. Pictures, fonts, films and frames are not fetched; style sheets come empty.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from config.errors import GroundswellError
from config.schema import Settings, SourceConfig
from crawlers.browser import Browser
from crawlers.canonical import slot_key
from crawlers.causes import Failure
from storage.records import FetchCause

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

    from crawlers.downloader import Fetched

log = logging.getLogger(__name__)

# Scripts and data of one page. Ours: large single-page sites ask for 30 to 50 before they rest.
MAX_PARTS = 80
MAX_PARTS_BYTES = 20 * 1024 * 1024
MAX_SENT_BYTES = 64 * 1024  # of a question that a page posts for its data
_PAGES_AT_ONCE = 2  # a drawn page takes 100-200 MB
_PARTS_AT_ONCE = 6  # what browsers allow a host
_QUIET_S = 0.5  # nothing asked for so long: the page has what it wanted
_REST_S = 3.0  # ... and when it has not shown what it should by then: timers of scripts are shorter
_READ_WITHIN_S = 1.0
_LOOK_EVERY_S = 0.1
_LEAVE_WITHIN_S = 5.0

_FETCHED = frozenset({"script", "xhr", "fetch"})
_DATA = frozenset({"xhr", "fetch"})
# Of what a page asks with; the rest is about the connection, or said by the downloader itself.
_PASSED_ON = frozenset(
    {"accept", "accept-language", "content-type", "cookie", "origin", "referer", "authorization"}
)
_KEPT_BACK = frozenset(
    {"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"}
)
_VALIDATORS = frozenset({"if-none-match", "if-modified-since"})
# What would open sockets of its own is taken away before any script of the page runs.
_NO_SOCKETS = """
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport", "EventSource",
                    "SharedWorker"]) { try { delete window[name]; } catch (e) {} }
"""
FetchDocument = Callable[[str, SourceConfig, datetime, Mapping[str, str]], Awaitable["Fetched"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a page asks for while it is drawn. `home` is the address of the document."""

    url: str
    home: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    max_bytes: int
    timeout_s: float
    is_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAnswer:
    """What came back for a part; header names lower case, several of one name apart."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


FetchPart = Callable[[Part, SourceConfig], Awaitable[PartAnswer | None]]


@dataclass(slots=True)
class _Visit:
    """One page being drawn: what it may still ask for, and what it is waiting for."""

    source: SourceConfig
    document: Fetched
    ends_at: float
    parts: int = 0
    size_bytes: int = 0
    waiting: int = 0
    last_at: float = field(default_factory=time.monotonic)
    given: bool = False  # the document was handed to the browser
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PARTS_AT_ONCE))

    @property
    def quiet_s(self) -> float:
        """Seconds since the page last asked for something or got it; 0 while it waits."""
        return 0.0 if self.waiting else time.monotonic() - self.last_at

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.ends_at - time.monotonic())


class Renderer:
    """Draws pages. The browser starts with the first and ends with `stop` or when unused.

    `fetch_part` fetches what a page asks for (None: it is not to be had).
    """

    def __init__(self, settings: Settings, fetch_part: FetchPart) -> None:
        self._settings = settings
        self._fetch_part = fetch_part
        self._browser = Browser()
        self._pages = asyncio.Semaphore(_PAGES_AT_ONCE)

    async def render(
        self,
        url: str,
        source: SourceConfig,
        now: datetime,
        headers: Mapping[str, str],
        fetch_document: FetchDocument,
    ) -> Fetched:
        """Fetch an address and let its scripts run; whatever goes wrong is named in the answer.

        `fetch_document` fetches the page itself, as any page is fetched. The body is the drawn
        page in UTF-8, the status that of the document. Validators are not sent: an unchanged shell
        says nothing of the data in it. What is no HTML comes as it is.
        """
        plain = {name: value for name, value in headers.items() if name.lower() not in _VALIDATORS}
        document = await fetch_document(url, source, now, plain)
        kind = document.headers.get("content-type", "").partition(";")[0].strip().lower()
        if document.failure is not None or kind not in {"text/html", "application/xhtml+xml"}:
            return document
        async with self._pages:
            return await self._draw(source, document)

    async def stop(self) -> None:
        """End the browser and its driver; nothing of them is left."""
        await self._browser.stop()

    # --- one page ----------------------------------------------------------------------------

    async def _draw(self, source: SourceConfig, document: Fetched) -> Fetched:
        started = time.monotonic()
        try:
            async with self._browser.used() as browser:
                html, failure = await self._drawing(browser, source, document)
        except GroundswellError as error:
            html, failure = "", Failure(cause=FetchCause.UNREADABLE, text=str(error), final=True)
        took_ms = int((time.monotonic() - started) * 1000)
        return _drawn(document, html, failure, source, took_ms)

    async def _drawing(
        self, browser: Any, source: SourceConfig, document: Fetched
    ) -> tuple[str, Failure | None]:
        from playwright.async_api import Error

        seconds = source.fetch.timeout.total_seconds()
        visit = _Visit(source, document, ends_at=time.monotonic() + seconds)
        context: Any = None
        try:
            async with asyncio.timeout(seconds):
                context = await self._context(browser, visit)
                return await self._html(await context.new_page(), visit), None
        except TimeoutError:
            text = f"渲染 {seconds:g} 秒还没有完成，已中断"
            return "", Failure(cause=FetchCause.SLOW, text=text)
        except Error as error:
            reason = " ".join(str(error).split())[:160]
            text = f"浏览器没能画出这个页面：{reason}"
            return "", Failure(cause=FetchCause.UNREADABLE, text=text)
        finally:
            await self._leave(context)

    async def _context(self, browser: Any, visit: _Visit) -> Any:
        """Open a fresh profile in memory in which a page can ask nobody but us."""
        context = await browser.new_context(
            user_agent=self._settings.user_agent,
            locale="zh-CN",
            timezone_id=visit.source.tz,
            service_workers="block",
            accept_downloads=False,
            viewport={"width": 1280, "height": 1800},  # tall, so that lists load more at once
        )

        async def answer(route: Any) -> None:
            await self._answer(route, visit)

        async def hang_up(socket: Any) -> None:
            await socket.close()

        await context.add_init_script(_NO_SOCKETS)
        await context.route("**/*", answer)
        await context.route_web_socket("**/*", hang_up)
        return context

    async def _html(self, page: Any, visit: _Visit) -> str:
        await page.goto(visit.document.url, wait_until="commit", timeout=0)
        await page.wait_for_load_state("domcontentloaded", timeout=0)
        wanted = (visit.source.fetch.wait_for or "").removeprefix("css:")
        rest_s = _REST_S if wanted else _QUIET_S
        # A page that rests without showing what it is read for never will: that is for the reader
        # to judge, who knows a login page from a new layout. One that never rests is taken as it
        # is, while there is time to read it.
        while visit.left_s > _READ_WITHIN_S and visit.quiet_s < rest_s:
            if wanted and await page.query_selector(wanted) is not None:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        html: str = await page.content()
        return html

    # --- what a page asks for ----------------------------------------------------------------

    async def _answer(self, route: Any, visit: _Visit) -> None:
        from playwright.async_api import Error

        visit.waiting += 1
        visit.last_at = time.monotonic()
        try:
            with suppress(Error):  # the page is gone, and nobody waits for the answer
                await self._serve(route, visit)
        finally:
            visit.waiting -= 1
            visit.last_at = time.monotonic()

    async def _serve(self, route: Any, visit: _Visit) -> None:
        kind: str = route.request.resource_type
        if (
            kind == "document"
            and not visit.given
            and route.request.url.partition("#")[0] == (visit.document.url.partition("#")[0])
        ):
            visit.given = True
            given = visit.document.headers.get("content-type", "text/html")
            await route.fulfill(
                status=visit.document.status or 200,
                headers={"content-type": given},
                body=visit.document.body,
            )
            return
        if kind == "document":  # of a frame, or of a page that wants to leave: it stays
            await route.fulfill(status=204)
            return
        if kind == "stylesheet":  # scripts wait for its coming, not for its rules
            await route.fulfill(status=200, headers={"content-type": "text/css"}, body="")
            return
        part = await _part_of(route.request, kind, visit)
        answer = None
        if part is not None:
            async with visit.gate:
                answer = await self._fetch_part(part, visit.source)
        if answer is None:
            await route.abort()
            return
        visit.size_bytes += len(answer.body)
        kept = [(name, value) for name, value in answer.headers if name not in _KEPT_BACK]
        await route.fulfill(status=answer.status, headers=_joined(kept), body=answer.body)

    async def _leave(self, context: Any) -> None:
        """Close a page's profile; a page that will not go takes the browser with it."""
        if context is None:
            return
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await context.close()
        except (TimeoutError, Error):
            log.warning("browser page=stuck after_s=%s restarting=true", _LEAVE_WITHIN_S)
            await self._browser.stop()


async def _part_of(request: Any, kind: str, visit: _Visit) -> Part | None:
    """Return what a request of a page is about, None when it is not to be had."""
    body: bytes = request.post_data_buffer or b""
    home = slot_key(visit.document.url)
    asks = request.method in {"GET", "HEAD"}
    # A page may post a question for its data to its own host; nobody else hears from us so.
    posts = request.method == "POST" and kind in _DATA and slot_key(request.url) == home
    left = MAX_PARTS_BYTES - visit.size_bytes
    if (
        kind not in _FETCHED
        or not (asks or posts)
        or not request.url.startswith(("http://", "https://"))
        or visit.parts >= MAX_PARTS
        or left <= 0
        or len(body) > MAX_SENT_BYTES
    ):
        return None
    visit.parts += 1
    headers = await request.all_headers()
    return Part(
        url=request.url,
        home=home,
        method=request.method,
        headers={
            name: value
            for name, value in headers.items()
            if name in _PASSED_ON or name.startswith("x-")
        },
        body=body,
        max_bytes=min(left, visit.source.fetch.max_bytes),
        timeout_s=max(1.0, visit.left_s),
        is_data=kind in _DATA,
    )


def part_request(part: Part, source: SourceConfig) -> Request:
    """Return the request for a part. Errors: ValueError when its address is none."""
    from scrapy import Request

    from crawlers import guards
    from crawlers.downloader import secrets_for

    secrets = secrets_for(part.url, source)
    return Request(
        part.url,
        method=part.method,
        headers={**part.headers, **secrets},
        body=part.body,
        dont_filter=True,
        meta={
            "download_timeout": part.timeout_s,
            "download_maxsize": part.max_bytes,
            "download_warnsize": 0,
            "dont_obey_robotstxt": source.fetch.robots == "ignore" or not part.is_data,
            guards.PART: True,
            guards.SECRET_HEADERS: tuple(secrets),
            guards.HOME: part.home,
        },
    )


def answer_of(response: Response) -> PartAnswer:
    """Return what came back for a part."""
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )
    return PartAnswer(status=response.status, headers=headers, body=response.body)


def _drawn(
    document: Fetched, html: str, failure: Failure | None, source: SourceConfig, took_ms: int
) -> Fetched:
    body = html.encode("utf-8", errors="replace")
    if len(body) > source.fetch.max_bytes:
        limit = source.fetch.max_bytes / 1024 / 1024
        text = f"渲染后的页面超过 {limit:g} MiB 的上限"
        body, failure = b"", Failure(cause=FetchCause.TOO_LARGE, text=text)
    return replace(
        document,
        body=body,
        headers={"content-type": "text/html; charset=utf-8"},
        duration_ms=document.duration_ms + took_ms,
        failure=failure,
    )


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Join headers of one name as the browser's protocol wants them: cookies by lines."""
    joined: dict[str, str] = {}
    for name, value in headers:
        between = "\n" if name == "set-cookie" else ", "
        joined[name] = f"{joined[name]}{between}{value}" if name in joined else value
    return joined
