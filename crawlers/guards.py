"""What stands between a crawler and the network: addresses checked, hosts spared, robots obeyed.

Import only after `crawlers.reactor.join_running_loop`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from config.errors import FetchError
from config.net import check_address, check_url
from crawlers.canonical import slot_key

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Keys of Request.meta.
RATE = "groundswell_seconds_per_request"
CONCURRENCY = "groundswell_concurrency"
SECRET_HEADERS = "groundswell_secret_headers"  # noqa: S105 - the name of a key
HOME = "groundswell_host"

_ROBOTS_BYTES = 512 * 1024  # RFC 9309, 2.5: at least 500 KiB must be read
_ROBOTS_TTL_S = 86400.0  # RFC 9309, 2.4: not longer than a day
_ROBOTS_RETRY_S = 600.0  # a robots.txt that could not be read is asked for again
_JITTER = 0.1


class AddressRefusedError(IgnoreRequest):
    """A request to an address that may not be reached; the text says which and why."""


async def resolve_with_system(host: str, port: int) -> list[str]:
    """Resolve a host with the system's resolver, in a thread of the loop (not the reactor's)."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


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


class GuardMiddleware:
    """Checks every request, redirects and robots.txt included, before anything else sees it.

    It also gives each host one download slot, as slow as the slowest source that asks it wants,
    and keeps secret headers at the host that they were meant for.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._allow_private: tuple[str, ...] = tuple(crawler.settings["GROUNDSWELL_ALLOW_PRIVATE"])

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        """Build from the crawler's settings."""
        return cls(crawler)

    def process_request(self, request: Request, spider: Spider | None = None) -> None:
        """Refuse, or assign the slot. Errors: AddressRefusedError."""
        del spider
        try:
            check_url(request.url, self._allow_private)
        except FetchError as error:
            raise AddressRefusedError(str(error)) from error
        host = slot_key(request.url)
        if host != request.meta.get(HOME, host):
            for name in request.meta.get(SECRET_HEADERS, ()):
                request.headers.pop(name, None)
        if RATE not in request.meta:  # robots.txt
            request.meta["download_maxsize"] = _ROBOTS_BYTES
        request.meta["download_slot"] = host
        self._pace(host, request)

    def _pace(self, host: str, request: Request) -> None:
        downloader = self._crawler.engine.downloader
        known = downloader.per_slot_settings.get(host)
        delay = float(request.meta.get(RATE, known["delay"] if known else 0.0))
        concurrency = int(request.meta.get(CONCURRENCY, known["concurrency"] if known else 1))
        if known:
            delay = max(delay, known["delay"])
            concurrency = min(concurrency, known["concurrency"])
        # For the slot that is made when there is none, and for the one there is.
        downloader.per_slot_settings[host] = {
            "delay": delay,
            "concurrency": concurrency,
            "jitter": _JITTER,
        }
        slot = downloader.slots.get(host)
        if slot is not None:
            slot.delay, slot.concurrency = delay, concurrency


class FreshRobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt check for a crawler that lives for months: rules are read again."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._read_at: dict[str, float] = {}

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
