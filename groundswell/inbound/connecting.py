"""A WebSocket that this program opens itself, and keeps open: guarded, with a pause after trouble.

Both long connections speak their documented protocol over it. The providers' own libraries are not
used: they ask for the gateway by a blocking request without a time limit, take the loop of the
thread they are imported in, and write addresses that hold the ticket into the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config.errors import ConfigError, FetchError
from config.net import check_address, check_url

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

_OPEN_S = 10.0
_PING_S = 20.0  # a dead line is noticed after two of them
_FRAME_BYTES = 1024 * 1024
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_STEADY_S = 60.0  # a connection that held so long was a good one


class GatewayError(Exception):
    """The provider's gateway did not let us in, or let go of us; the text names no secret."""


def check_installed(extra: str) -> None:
    """Raise ConfigError naming the extra when the library for WebSockets is not there."""
    try:
        import websockets  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "answers over a long connection need the websockets library: "
            f"pip install 'groundswell[{extra}]'"
        ) from error


async def connect(url: str, allow_private: Collection[str]) -> ClientConnection:
    """Open a WebSocket to a public address, or to an exception that the configuration names.

    Errors: GatewayError for everything that goes wrong, a refused address included.
    """
    from websockets.asyncio.client import connect as open_socket
    from websockets.exceptions import WebSocketException

    scheme, _, rest = url.partition("://")
    if scheme not in {"ws", "wss"}:
        raise GatewayError(f"expected a ws:// or wss:// address of the gateway, got {scheme[:20]}")
    parts = urlsplit(f"http{scheme[2:]}://{rest}")
    host, port = parts.hostname or "", parts.port or (443 if scheme == "wss" else 80)
    try:
        check_url(parts.geturl(), allow_private)
        sock = await _open(host, port, allow_private)
        return await open_socket(
            url,
            sock=sock,
            server_hostname=host if scheme == "wss" else None,
            open_timeout=_OPEN_S,
            ping_interval=_PING_S,
            ping_timeout=_PING_S,
            max_size=_FRAME_BYTES,
            compression=None,
        )
    except FetchError as refusal:
        raise GatewayError(str(refusal)) from refusal
    except (OSError, TimeoutError, WebSocketException) as error:
        raise GatewayError(f"no connection to {host}:{port}: {type(error).__name__}") from error


async def _open(host: str, port: int, allow_private: Collection[str]) -> socket.socket:
    """Return a socket connected to an address of the host that was looked at before."""
    from config.guarded import resolve_with_system

    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_OPEN_S):
        addresses = await resolve_with_system(host, port)
        for address in addresses:
            check_address(host, port, address, allow_private)
        trouble: OSError = OSError(f"{host} has no address")
        for address in addresses:
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, (address, port))
            except OSError as error:
                sock.close()
                trouble = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise trouble


async def keep(name: str, session: Callable[[], Awaitable[None]]) -> None:
    """Run sessions one after the other until cancelled; after trouble wait, longer each time.

    A session that ends by itself was asked to connect again. What goes wrong in one is logged: this
    is the edge of a process (one connection per channel).
    """
    loop = asyncio.get_running_loop()
    pause_s = _FIRST_PAUSE_S
    while True:
        started = loop.time()
        try:
            await session()
            log.info("replies channel=%s: connecting again as asked", name)
        except GatewayError as error:
            log.warning("replies channel=%s: %s", name, error)
        except Exception:
            log.exception("replies channel=%s broke", name)
        if loop.time() - started > _STEADY_S:
            pause_s = _FIRST_PAUSE_S
        await asyncio.sleep(pause_s * (0.5 + random.random()))  # noqa: S311 - spreads, hides nothing
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


async def send(line: ClientConnection, message: str | bytes) -> None:
    """Send, if the line still stands: the gateway brings again what it has no word of."""
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        await line.send(message)
