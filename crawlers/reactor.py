"""Twisted's reactor on the running asyncio loop, so that Scrapy, scheduler and console share one.

Nothing that imports `twisted.internet.reactor` may be imported before `join_running_loop` ran.
Source: decisions.md 13; without startRunning a crawl ends with no request and no error.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from config.errors import GroundswellError


def join_running_loop() -> Any:
    """Install the asyncio reactor on the running loop (once) and start it; return it.

    Errors: GroundswellError when another reactor or another loop came first; a reactor can never
    be replaced within one process.
    """
    loop = asyncio.get_running_loop()
    if "twisted.internet.reactor" not in sys.modules:
        from twisted.internet import asyncioreactor

        install: Any = asyncioreactor.install
        try:
            install(loop)
        except TypeError as error:
            raise GroundswellError(
                f"crawler cannot share the event loop {type(loop).__name__}: on Windows start the "
                "program with a selector event loop"
            ) from error
    from twisted.internet import reactor

    installed = getattr(reactor, "_asyncioEventloop", None)
    if installed is not loop:
        raise GroundswellError(
            f"crawler must run on one event loop: {type(reactor).__name__} was installed on "
            f"{installed!r} before, this is {loop!r}; start one collector loop per process"
        )
    starting: Any = reactor
    if not starting.running:
        # No signal handlers: Ctrl-C and SIGTERM belong to the application.
        starting.startRunning(installSignalHandlers=False)
    return reactor
