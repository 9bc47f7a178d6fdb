"""Fake gateways of long connections on loopback: a real HTTP server, a real WebSocket server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from alerts.channels.http import Post
from tests.alerts.receiver import Planned, Receiver


class Gateway:
    """Gives out its WebSocket's address by HTTP, and lets the test speak over it."""

    def __init__(self, http: Receiver) -> None:
        self.http = http
        self.lines: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.paths: list[str] = []
        self.address = ""

    @property
    def allowed(self) -> tuple[str, ...]:
        return (self.http.address, self.address)

    def post(self) -> Post:
        return Post(self.allowed, timeout_s=5.0, user_agent="groundswell test")

    async def line(self) -> ServerConnection:
        """The next connection that is made."""
        return await asyncio.wait_for(self.lines.get(), 10)

    async def _serve(self, line: ServerConnection) -> None:
        assert line.request is not None
        self.paths.append(line.request.path)
        await self.lines.put(line)
        await line.wait_closed()


@contextlib.asynccontextmanager
async def gateway(answer: Callable[[str], tuple[str, Any]]) -> AsyncIterator[Gateway]:
    """Run a gateway; `answer(address)` returns the path that tells where to connect, and what."""
    with Receiver() as http:
        found = Gateway(http)
        async with serve(found._serve, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()[:2]
            found.address = f"{host}:{port}"
            path, said = answer(found.address)
            http.standing[path] = Planned(body=json.dumps(said).encode())
            yield found


async def while_running(session: Awaitable[None], script: Awaitable[None]) -> None:
    """Let the script speak while the session runs; the session is ended with it."""
    running = asyncio.ensure_future(session)
    try:
        await asyncio.wait_for(script, 20)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await running
