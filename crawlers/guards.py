"""What stands between a crawler and the network: addresses checked, hosts spared, robots obeyed.

Import only after `crawlers.reactor.join_running_loop`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.robotstxt import RobotParser
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from config.errors import FetchError
from config.net import check_address, check_url, is_exception
from crawlers.canonical import slot_key
from crawlers.hosts import MAX_CRAWL_DELAY_S

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Keys of Request.meta.
RATE = "groundswell_seconds_per_request"
CONCURRENCY = "groundswell_concurrency"
LEAST_DELAY = "groundswell_least_delay"
SECRET_HEADERS = "groundswell_secret_headers"  # noqa: S105 - the name of a key
HOME = "groundswell_host"
PART = "groundswell_part"  # asked for by a page that is being drawn, not by us

_PARTS_AT_ONCE = 4  # requests of one visit go side by side, as a browser's would

_ROBOTS_BYTES = 512 * 1024  # RFC 9309, 2.5: at least 500 KiB must be read
_ROBOTS_TTL_S = 86400.0  # RFC 9309, 2.4: not longer than a day
_ROBOTS_RETRY_S = 600.0  # a robots.txt that could not be read is asked for again
_JITTER = 0.1
_LOOKUPS = 64  # names looked up at once; a thread that waits costs next to nothing


class AddressRefusedError(IgnoreRequest):
    """A request to an address that may not be reached; the text says which and why."""


class SystemLookup:
    """Looks names up with the system's resolver, in threads of its own.

    A name server that is gone takes half a minute to say nothing; six such names would fill the
    loop's own pool of threads, and then nobody's names are looked up.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="names")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. Errors: OSError when there are none."""
        loop = asyncio.get_running_loop()
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        answers = await loop.run_in_executor(self._threads, look_up)
        return list(dict.fromkeys(str(answer[4][0]) for answer in answers))

    def close(self) -> None:
        """End the threads; lookups under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@implementer(IHostResolution)
class _Resolution:
    """One lookup under way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Give up the lookup."""
        if self.task is not None:
            self.task.cancel()


@implementer(IHostnameResolver)
class GuardingResolver:
    """Resolves names for the reactor and hands on only addresses that may be reached.

    The connection is made to the very addresses that were checked here, so a name that answers
    differently a moment later (rebinding) gains nothing. `refusal` tells why a
    host was refused.
    """

    def __init__(self, allow_private: Sequence[str], resolve: Resolve) -> None:
        self._allow_private = tuple(allow_private)
        self._resolve = resolve
        self._refusals: dict[str, str] = {}

    def refusal(self, host: str) -> str:
        """Return why a host was refused at its last lookup, "" when it was not."""
        return self._refusals.get(host, "")

    def resolveHostName(  # noqa: N802 - the interface is Twisted's
        self,
        resolutionReceiver: IResolutionReceiver,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> _Resolution:
        """Look a host up; addresses that are refused are not passed on."""
        del transportSemantics  # HTTP is TCP
        resolution = _Resolution(hostName)
        receiver: Any = resolutionReceiver  # interfaces have no self, which confuses the checker
        receiver.resolutionBegan(resolution)
        lookup = self._look_up(receiver, hostName, portNumber, addressTypes)
        resolution.task = asyncio.get_running_loop().create_task(lookup)
        return resolution

    async def _look_up(
        self, receiver: Any, host: str, port: int, types: Sequence[type] | None
    ) -> None:
        self._refusals.pop(host, None)
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            found = []
        try:
            # One bad address refuses the name: an honest host has no private address beside a
            # public one, and the connection may try any of them.
            for address in found:
                check_address(host, port, address, self._allow_private)
        except FetchError as error:
            self._refusals[host] = str(error)
            found = []
        for address in found:
            kind = IPv6Address if ":" in address else IPv4Address
            if types is None or kind in types:
                receiver.addressResolved(kind("TCP", address, port))
        receiver.resolutionComplete()


@dataclass(slots=True)
class Pace:
    """How fast one host may be asked, whichever source asks: as slow as the slowest wants it.

    `least_s` is what the host itself asks for by its robots.txt and by how long its answers take.
    """

    rate_s: float = 0.0
    crawl_delay_s: float = 0.0
    least_s: float = 0.0
    concurrency: int = 0  # 0: nobody has said yet

    def ask(self, rate_s: float | None, concurrency: int | None, least_s: float | None) -> None:
        """Take one source's rules in; None (a robots.txt) changes nothing."""
        if rate_s is not None:
            self.rate_s = max(self.rate_s, rate_s)
        if least_s is not None:
            self.least_s = least_s
        if concurrency is not None:
            self.concurrency = min(self.concurrency or concurrency, concurrency)
        self.concurrency = self.concurrency or 1

    @property
    def delay_s(self) -> float:
        """Seconds from one request to the next."""
        return max(self.rate_s, self.crawl_delay_s, self.least_s)


class Paces:
    """The pace of every host asked so far, shared by the guards and the downloader."""

    def __init__(self) -> None:
        self._hosts: dict[str, Pace] = {}

    def of(self, host: str) -> Pace:
        """Return the pace of a host, to be read or changed."""
        return self._hosts.setdefault(host, Pace())


class GuardMiddleware:
    """Checks every request, redirects and robots.txt included, before anything else sees it.

    It also gives each host one download slot, as slow as the slowest source that asks it wants,
    and keeps secret headers at the host that they were meant for.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._allow_private: tuple[str, ...] = tuple(crawler.settings["GROUNDSWELL_ALLOW_PRIVATE"])
        self._paces = _paces_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        """Build from the crawler's settings."""
        return cls(crawler)

    def process_request(self, request: Request, spider: Spider | None = None) -> None:
        """Refuse, or assign the slot. Errors: AddressRefusedError."""
        del spider
        host = slot_key(request.url)
        foreign = PART in request.meta and host != request.meta.get(HOME)
        try:
            check_url(request.url, () if foreign else self._allow_private)
        except FetchError as error:
            raise AddressRefusedError(str(error)) from error
        if foreign and is_exception(request.url, self._allow_private):
            # What is allowed to us by the configuration is not allowed to a page's scripts.
            raise AddressRefusedError("address refused: a page asks for an allowed private host")
        if host != request.meta.get(HOME, host):
            for name in request.meta.get(SECRET_HEADERS, ()):
                request.headers.pop(name, None)
        if RATE not in request.meta and PART not in request.meta:  # robots.txt
            request.meta["download_maxsize"] = _ROBOTS_BYTES
        if PART in request.meta:
            self._let_through(f"{host} parts", request)
            return
        request.meta["download_slot"] = host
        self._pace(host, request)

    def _let_through(self, slot: str, request: Request) -> None:
        """Give the parts of a visit a slot of their own: the document has waited for its turn."""
        request.meta["download_slot"] = slot
        rules = {"delay": 0.0, "concurrency": _PARTS_AT_ONCE, "jitter": 0.0}
        self._crawler.engine.downloader.per_slot_settings[slot] = rules

    def _pace(self, host: str, request: Request) -> None:
        downloader = self._crawler.engine.downloader
        pace = self._paces.of(host)
        pace.ask(
            request.meta.get(RATE), request.meta.get(CONCURRENCY), request.meta.get(LEAST_DELAY)
        )
        # For the slot that is made when there is none, and for the one there is.
        downloader.per_slot_settings[host] = {
            "delay": pace.delay_s,
            "concurrency": pace.concurrency,
            "jitter": _JITTER,
        }
        slot = downloader.slots.get(host)
        if slot is not None:
            slot.delay, slot.concurrency = pace.delay_s, pace.concurrency


class FreshRobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt check for a crawler that lives for months: rules are read again.

    A Crawl-delay slows the host's slot down from the next request on.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._read_at: dict[str, float] = {}
        self._paces = _paces_of(crawler)

    async def process_request(self, request: Request, spider: Spider | None = None) -> None:
        """Forget rules that are too old, then ask Scrapy's."""
        del spider
        netloc = urlsplit(request.url).netloc
        rules = self._parsers.get(netloc)
        limit = _ROBOTS_RETRY_S if rules is None else _ROBOTS_TTL_S
        if netloc in self._read_at and time.monotonic() - self._read_at[netloc] > limit:
            self._parsers.pop(netloc, None)
            self._read_at.pop(netloc)
        self._read_at.setdefault(netloc, time.monotonic())
        await super().process_request(request)

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Take the Crawl-delay over, then refuse what is not allowed."""
        if rp is not None:
            asked = rp.crawl_delay(self._robotstxt_useragent or self._default_useragent) or 0.0
            pace = self._paces.of(slot_key(request.url))
            pace.crawl_delay_s = min(asked, MAX_CRAWL_DELAY_S)
            slot = self.crawler.engine.downloader.slots.get(slot_key(request.url))
            if slot is not None:
                slot.delay = max(slot.delay, pace.crawl_delay_s)
        super().process_request_2(rp, request)


def _paces_of(crawler: Crawler) -> Paces:
    """Return the book of paces that the downloader gave its spider (see Downloader.start)."""
    spider: Any = crawler.spider
    paces: Paces = spider.paces
    return paces
