"""The HTTP client behind `config.net.guarded_client`: httpx over connections that are checked."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import httpcore
import httpx

from config.errors import FetchError
from config.net import Resolve, check_address, check_url


def make_client(
    allow_private: Collection[str], timeout_s: float, user_agent: str, resolve: Resolve | None
) -> httpx.AsyncClient:
    """Return the client that `config.net.guarded_client` describes."""
    return httpx.AsyncClient(
        transport=_GuardedTransport(allow_private, resolve or resolve_with_system),
        timeout=timeout_s,
        headers={"User-Agent": user_agent},
        follow_redirects=False,
        trust_env=False,
    )


async def resolve_with_system(host: str, port: int) -> list[str]:
    """Resolve a host with the system's resolver, in its order."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only."""

    def __init__(self, allow_private: Collection[str], resolve: Resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host, port, timeout)
        for address in addresses:
            check_address(host, port, address, self._allow_private)
        trouble: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
        raise trouble or httpcore.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int, timeout_s: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} did not resolve in {timeout_s} s") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} does not resolve: {error}") from error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the signature is httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise FetchError(f"address refused: {path!r} is a local socket", permanent=True)

    async def sleep(self, seconds: float) -> None:
        await self._sockets.sleep(seconds)


class _GuardedTransport(httpx.AsyncBaseTransport):
    """Carries httpx requests over an httpcore pool whose connections are guarded.

    httpx's own transport takes no network backend; replacing its private pool would lose the guard
    silently with a release that renames it, hence these few lines on public interfaces.
    """

    def __init__(self, allow_private: Collection[str], resolve: Resolve) -> None:
        self._allow_private = allow_private
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_ssl_context(
                os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
            ),
            max_connections=20,
            max_keepalive_connections=5,
            keepalive_expiry=5.0,
            network_backend=_GuardedBackend(allow_private, resolve),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        check_url(str(request.url), self._allow_private)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        passed_on = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx_errors(request):
            response = await self._pool.handle_async_request(passed_on)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, request),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx_errors(self._request):
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


@functools.lru_cache(maxsize=2)
def _ssl_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Read the authorities once for each setting: 34 ms, and every message has a client of its own.

    trust_env here only means these two variables: a company's own authority.
    """
    del cert_file, cert_dir
    return httpx.create_ssl_context(trust_env=True)


@contextmanager
def _as_httpx_errors(request: httpx.Request) -> Iterator[None]:
    """Raise httpcore's errors as httpx's of the same name, as httpx's own transport does."""
    try:
        yield
    except tuple(_HTTPX_ERRORS) as error:
        raised = next(_HTTPX_ERRORS[kind] for kind in type(error).__mro__ if kind in _HTTPX_ERRORS)
        raise raised(str(error), request=request) from error


_HTTPX_ERRORS: dict[type[BaseException], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.TimeoutException: httpx.TimeoutException,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.NetworkError: httpx.NetworkError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.ProtocolError: httpx.ProtocolError,
}
