"""One Chromium that has no network of its own, started when it is first used.

In: nothing but the machine's Chromium. Out: Playwright's browser, for as long as somebody uses it.
Both processes (Playwright's driver and Chromium) end with `stop`, when unused, and by themselves
when this program dies: they watch the pipes that lead here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Any

from config.errors import GroundswellError

log = logging.getLogger(__name__)

IDLE_S = 60.0  # a browser that nobody uses gives its memory (100-200 MB) back
_END_WITHIN_S = 5.0

_FLAGS = (
    # Cut off twice: no name and no address resolves, and what goes out goes to a proxy that is
    # not there, loopback included.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://nowhere.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--js-flags=--max-old-space-size=512",  # MB for a page's scripts: more ends the page
    "--disable-quic",
    "--dns-prefetch-disable",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-gpu",
    "--no-first-run",
    "--no-pings",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication",
)
_ABSENT = (
    "这个信源要用浏览器渲染（fetch.render: browser），但{}。"
    "请装：pip install 'groundswell[browser]'，再装 Chromium（Debian、Ubuntu：apt-get install "
    "chromium），或用环境变量 GROUNDSWELL_CHROMIUM 指明它在哪"
)


class Browser:
    """Chromium for several pages at once; `used` starts it when it does not run."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._driver: Any = None
        self._browser: Any = None
        self._starting = asyncio.Lock()
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Any]:
        """Give the running browser out. Errors: GroundswellError that says what to install."""
        self._users += 1
        self._stay()
        try:
            yield await self._running()
        finally:
            self._users -= 1
            if not self._users and self._browser is not None:
                loop = asyncio.get_running_loop()
                self._idle = loop.call_later(self._idle_s, self._end_unused)

    async def stop(self) -> None:
        """End the browser and its driver; whoever still uses them gets an error."""
        self._stay()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._end()

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _running(self) -> Any:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                await self._end()
                await self._start()
            return self._browser

    async def _start(self) -> None:
        path = check_installed()
        from playwright.async_api import Error, async_playwright

        self._driver = await async_playwright().start()
        try:
            self._browser = await self._driver.chromium.launch(
                executable_path=path,
                args=list(_FLAGS),
                # Playwright lets pages open windows at will, and each takes memory; nobody ever
                # clicks here, so the browser's own rule refuses them all.
                ignore_default_args=["--disable-popup-blocking"],
                chromium_sandbox=_has_sandbox(),
                handle_sigint=False,  # signals belong to the program
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            await self._end()
            reason = " ".join(str(error).split())[:200]
            raise GroundswellError(
                f"启动 Chromium（{path}）：{reason}；容器里没有用户命名空间时，设环境变量 "
                "GROUNDSWELL_NO_SANDBOX=1（页面脚本因此少一层隔离）"
            ) from error

    def _end_unused(self) -> None:
        if not self._users:
            task = asyncio.get_running_loop().create_task(self._end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end(self) -> None:
        browser, driver = self._browser, self._driver
        self._browser = self._driver = None
        for ending in (browser.close if browser else None, driver.stop if driver else None):
            if ending is not None:
                with suppress(Exception):  # it may be dead already; the driver kills what is left
                    async with asyncio.timeout(_END_WITHIN_S):
                        await ending()


def check_installed() -> str:
    """Return the Chromium to draw with: GROUNDSWELL_CHROMIUM, else the one on the path.

    Errors: GroundswellError that says what to install when it or Playwright is not there.
    """
    if find_spec("playwright") is None:
        raise GroundswellError(_ABSENT.format("没有装 playwright"))
    named = os.environ.get("GROUNDSWELL_CHROMIUM")
    path = named or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise GroundswellError(_ABSENT.format("找不到 Chromium"))
    return path


def _has_sandbox() -> bool:
    """Return whether Chromium isolates its pages; it cannot as root, and not without namespaces."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return not as_root and os.environ.get("GROUNDSWELL_NO_SANDBOX") != "1"
