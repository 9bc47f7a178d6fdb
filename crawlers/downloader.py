"""One long-lived Scrapy crawler behind one call: URL and source in, a Fetched out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from config.errors import GroundswellError
from config.schema import Settings, SourceConfig
from crawlers.canonical import slot_key
from crawlers.causes import Failure, failure_of_status
from crawlers.reactor import join_running_loop

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import AsyncCrawlerRunner, Crawler

    from crawlers.guards import GuardingResolver, Paces, Resolve, SystemLookup
    from crawlers.rendering import Part, PartAnswer, Renderer

_KEPT_HEADERS = ("etag", "last-modified", "retry-after", "content-type")
_STOP_WITHIN_S = 5.0
_END_WITHIN_S = 1.0  # most answers take less; others are cut
# Scrapy reports every page and every failure; we do that ourselves, once and with the cause.
_QUIET = {
    "scrapy": logging.ERROR,
    "scrapy.downloadermiddlewares.robotstxt": logging.CRITICAL,
    "scrapy.core.downloader.handlers.http11": logging.CRITICAL,
    "twisted": logging.CRITICAL,
    "filelock": logging.WARNING,
    "tldextract": logging.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came back for one URL. `url` is the address after redirects; header names lower case.

    With a `failure` the body may be empty or an error page.
    """

    url: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    duration_ms: int = 0  # with the turn that was waited for
    latency_ms: int = 0  # from the request's leaving to the answer's beginning
    redirects: tuple[str, ...] = ()
    failure: Failure | None = None
    crawl_delay_s: float = 0.0  # what the host's robots.txt asks for

    @property
    def charset(self) -> str:
        """The charset that the Content-Type header names, "" when none."""
        for part in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'")
        return ""


class Downloader:
    """Fetches through Scrapy's downloader: guarded, polite per host, limited in size and time.

    One may run per process at a time: it takes over the reactor's name resolver until `stop`.
    `resolve` is what names are looked up with; the default is the system's.
    """

    def __init__(self, settings: Settings, *, resolve: Resolve | None = None) -> None:
        self._settings = settings
        self._resolve = resolve
        self._runner: AsyncCrawlerRunner | None = None
        self._crawler: Crawler | None = None
        self._task: asyncio.Task[None] | None = None
        self._resolver: GuardingResolver | None = None
        self._paces: Paces | None = None
        self._renderer: Renderer | None = None
        self._lookup: SystemLookup | None = None
        self._resolver_before: Any = None

    async def start(self) -> None:
        """Join the running loop, install the guarding resolver, start the crawler.

        Errors: GroundswellError when the process already runs a reactor elsewhere or the crawler
        ends at once.
        """
        reactor = join_running_loop()
        from scrapy import signals
        from scrapy.crawler import AsyncCrawlerRunner
        from scrapy.exceptions import DontCloseSpider

        from crawlers import guards

        for name, level in _QUIET.items():
            logging.getLogger(name).setLevel(level)
        self._lookup = guards.SystemLookup()
        self._resolver = guards.GuardingResolver(
            self._settings.allow_private, self._resolve or self._lookup
        )
        # Scrapy's own resolver setting is never installed by a runner (decisions.md 14).
        self._resolver_before = reactor.installNameResolver(self._resolver)
        self._runner = AsyncCrawlerRunner(_scrapy_settings(self._settings))
        self._crawler = self._runner.create_crawler(_spider_class())
        started = asyncio.Event()

        def stay_open(**_: object) -> None:
            raise DontCloseSpider

        def note_start(**_: object) -> None:
            started.set()

        self._crawler.signals.connect(stay_open, signals.spider_idle, weak=False)
        self._crawler.signals.connect(note_start, signals.engine_started, weak=False)
        self._paces = guards.Paces()
        self._task = self._runner.crawl(self._crawler, paces=self._paces)
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            reason = self._task.exception()
            await self.stop()
            raise GroundswellError("crawler ended while starting") from reason

    async def stop(self) -> None:
        """Close connections, end the browser and the crawler, give the resolver back."""
        if self._renderer is not None:
            await self._renderer.stop()
        if self._runner is not None and self._task is not None:
            await self._let_end()
            try:
                await asyncio.wait_for(self._runner.stop(), _STOP_WITHIN_S)
                await asyncio.wait_for(self._task, _STOP_WITHIN_S)
            except TimeoutError:
                logging.getLogger(__name__).warning("crawler stop=slow after_s=%s", _STOP_WITHIN_S)
        if self._resolver_before is not None:
            join_running_loop().installNameResolver(self._resolver_before)
        if self._lookup is not None:
            self._lookup.close()
        self._runner = self._crawler = self._task = self._resolver_before = self._renderer = None

    async def _let_end(self) -> None:
        """Give what is on the wire a moment: a connection that is cut is never closed."""
        engine: Any = self._crawler.engine if self._crawler is not None else None
        if engine is None:
            return
        slots = engine.downloader.slots
        ends_at = time.monotonic() + _END_WITHIN_S
        while any(slot.transferring for slot in slots.values()) and time.monotonic() < ends_at:  # noqa: ASYNC110 - Scrapy knows no event for it
            await asyncio.sleep(0.02)

    async def fetch(
        self,
        url: str,
        source: SourceConfig,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        *,
        least_delay_s: float = 0.0,
    ) -> Fetched:
        """Fetch one URL by a source's rules; whatever goes wrong is named in the answer.

        `headers` come on top of the source's (validators of a conditional request). `now` dates
        a Retry-After. `least_delay_s` is how far apart the host itself wants its requests, beside
        the source's own rate. Errors: GroundswellError when the downloader was not started;
        ConfigError when a secret header cannot be resolved.
        """
        if source.fetch.render == "browser":
            return await self._rendered(url, source, now, headers or {}, least_delay_s)
        return await self._fetch(url, source, now, headers or {}, least_delay_s)

    async def _rendered(
        self,
        url: str,
        source: SourceConfig,
        now: datetime,
        headers: Mapping[str, str],
        least_delay_s: float,
    ) -> Fetched:
        from crawlers.rendering import Renderer

        async def document(
            url: str, source: SourceConfig, now: datetime, headers: Mapping[str, str]
        ) -> Fetched:
            return await self._fetch(url, source, now, headers, least_delay_s)

        if self._renderer is None:
            self._renderer = Renderer(self._settings, self._fetch_part)
        return await self._renderer.render(url, source, now, headers, document)

    async def _fetch_part(self, part: Part, source: SourceConfig) -> PartAnswer | None:
        """Fetch what a page asks for while it is drawn; None when it is not to be had."""
        from crawlers.fetch_errors import FETCH_ERRORS
        from crawlers.rendering import answer_of, part_request

        if self._crawler is None:
            return None
        try:
            request = part_request(part, source)
            return answer_of(await self._crawler.engine.download_async(request))
        except (ValueError, *FETCH_ERRORS):
            return None

    async def _fetch(
        self,
        url: str,
        source: SourceConfig,
        now: datetime,
        headers: Mapping[str, str],
        least_delay_s: float,
    ) -> Fetched:
        if self._crawler is None or self._resolver is None or self._paces is None:
            raise GroundswellError("downloader is used before start()")
        from crawlers.fetch_errors import FETCH_ERRORS, failure_of, refused

        started = time.monotonic()
        try:
            request = _request(url, source, headers, least_delay_s)
        except ValueError:
            return Fetched(url=url, failure=refused(f"{url[:100]!r} 不是有效的网址"))
        try:
            response = await self._crawler.engine.download_async(request)
        except FETCH_ERRORS as error:
            # Scrapy's text for a failed lookup ends with the host, which a redirect may have set.
            refusal = self._resolver.refusal(str(error).rpartition(" ")[2].rstrip("."))
            failure = failure_of(error, source.fetch, refusal)
            return Fetched(
                url=url,
                duration_ms=_ms_since(started),
                failure=failure,
                crawl_delay_s=self._paces.of(slot_key(url)).crawl_delay_s,
            )
        kept = {}
        for name in _KEPT_HEADERS:
            value = response.headers.get(name)
            if value is not None:
                kept[name] = value.decode("latin-1")
        return Fetched(
            url=response.url,
            status=response.status,
            headers=kept,
            body=response.body,
            duration_ms=_ms_since(started),
            latency_ms=int(response.meta.get("download_latency", 0.0) * 1000),
            redirects=tuple(response.meta.get("redirect_urls", ())),
            failure=failure_of_status(response.status, kept.get("retry-after", ""), now),
            crawl_delay_s=self._paces.of(slot_key(url)).crawl_delay_s,
        )


def secrets_for(url: str, source: SourceConfig) -> dict[str, str]:
    """Return the secret headers of a source for one address: none for what a page only links to.

    They go to the hosts of its start addresses, as written there: a list shows what strangers
    wrote, and a link to a host of theirs must not bring our cookie along. Nor does one without
    encryption where the start has it. Errors: ConfigError when a secret cannot be resolved.
    """
    from crawlers.readers import starts

    allowed = ("http:", "https:") if url[:6].lower() == "https:" else ("http:",)
    own = {slot_key(one) for one in starts(source) if one.lower().startswith(allowed)}
    if not source.secrets or not slot_key(url) or slot_key(url) not in own:
        return {}
    return {name: secret.resolve() for name, secret in source.secrets.items()}


def _request(
    url: str, source: SourceConfig, extra: Mapping[str, str], least_delay_s: float
) -> Request:
    from scrapy import Request

    from crawlers import guards

    secrets = secrets_for(url, source)
    rules = source.fetch
    return Request(
        url,
        headers={**rules.headers, **secrets, **extra},
        dont_filter=True,
        meta={
            "download_timeout": rules.timeout.total_seconds(),
            "download_maxsize": rules.max_bytes,
            "download_warnsize": 0,
            "dont_obey_robotstxt": rules.robots == "ignore",
            "handle_httpstatus_list": [304],
            guards.RATE: rules.rate,
            guards.CONCURRENCY: rules.concurrency,
            guards.LEAST_DELAY: least_delay_s,
            guards.SECRET_HEADERS: tuple(secrets),
            guards.HOME: slot_key(url),
        },
    )


def _scrapy_settings(settings: Settings) -> dict[str, Any]:
    """Return what must differ from Scrapy's defaults (collect.md 3.2)."""
    from crawlers.fetch_errors import MAX_REDIRECTS

    robots = "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware"
    return {
        "GROUNDSWELL_ALLOW_PRIVATE": list(settings.allow_private),
        "USER_AGENT": settings.user_agent,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "zh-CN,zh;q=0.9,zh-TW;q=0.8,en;q=0.5",
        },
        "DOWNLOADER_MIDDLEWARES": {
            "crawlers.guards.GuardMiddleware": 20,
            robots: None,
            "crawlers.guards.FreshRobotsMiddleware": 100,
        },
        "EXTENSIONS_BASE": {},  # telnet, remote control, feed export, throttling: none is wanted
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "DOWNLOAD_HANDLERS": {"data": None, "file": None, "ftp": None, "s3": None},
        "ROBOTSTXT_OBEY": True,
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": False,  # a source comes back by its schedule, a detail by the frontier
        "METAREFRESH_ENABLED": False,
        "HTTPPROXY_ENABLED": False,  # a proxy resolves names out of the guard's sight
        "REDIRECT_MAX_TIMES": MAX_REDIRECTS,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_TIMEOUT": 30,
        "DOWNLOAD_MAXSIZE": 10 * 1024 * 1024,
        "DOWNLOAD_WARNSIZE": 0,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,  # what FetchRules.concurrency may be at most
        "STATS_DUMP": False,
        "LOG_ENABLED": False,
    }


def _spider_class() -> Any:
    """Return the spider that only stands there: requests come from `Downloader.fetch`."""
    from scrapy import Spider

    class SourceSpider(Spider):
        """Keeps one engine, one set of slots and one connection pool alive for every source."""

        name = "groundswell"

        async def start(self) -> Any:
            """Ask for nothing by itself."""
            nothing: Sequence[Request] = ()
            for request in nothing:
                yield request

    return SourceSpider


def _ms_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
