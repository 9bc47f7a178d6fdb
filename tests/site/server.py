"""A real HTTP/1.1 server on a free port; what it serves is set while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One request as the server saw it. `path` holds the query, header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float  # time.monotonic()
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one path answers. `stream` replaces `body` and is sent in chunks as it comes."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    etag: bool = False
    stream: Callable[[], Iterator[bytes]] | None = None


Answer = Callable[[Hit], Reply]


class Site:
    """Serve on `host` until closed; use as a context manager.

    `set` gives a path its answer (the exact path with query wins over the bare path), `hits` lists
    every request in order of arrival, `sent` the bytes of body that left per path.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.hits: list[Hit] = []
        self.sent: dict[str, int] = {}
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._server = _Server((host, port), _Handler, site=self)
        self.host = host
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def authority(self) -> str:
        """`host:port`, as `settings.allow_private` wants it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address without a trailing slash."""
        return f"http://{self.authority}"

    def set(
        self,
        path: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        status: int = 200,
        *,
        delay_s: float = 0.0,
        etag: bool = False,
    ) -> str:
        """Answer `path` with these bytes; with `etag` a matching If-None-Match gets 304."""
        raw = body.encode() if isinstance(body, str) else body
        given = {"Content-Type": "text/html; charset=utf-8"} if headers is None else dict(headers)
        reply = Reply(body=raw, headers=given, status=status, delay_s=delay_s, etag=etag)
        return self.answer(path, lambda _hit: reply)

    def answer(self, path: str, answer: Answer) -> str:
        """Answer `path` by calling `answer` for every request (in the server's threads)."""
        with self._lock:
            self._answers[path] = answer
        return self.url + path

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Send `path` on to `to`."""
        return self.set(path, b"", {"Location": to}, status)

    def stream(self, path: str, chunk: bytes, times: int, pause_s: float = 0.0) -> str:
        """Send `chunk` again and again, without saying beforehand how much it will be."""

        def chunks() -> Iterator[bytes]:
            for _ in range(times):
                yield chunk
                if pause_s:
                    time.sleep(pause_s)

        reply = Reply(stream=chunks, headers={"Content-Type": "text/html; charset=utf-8"})
        return self.answer(path, lambda _hit: reply)

    def hits_of(self, path: str) -> list[Hit]:
        """Return the requests of one path (with its query) so far."""
        return [hit for hit in self.hits if hit.path == path]

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def reply_to(self, hit: Hit) -> Reply:
        """Find the answer of a request and keep the request."""
        with self._lock:
            answer = self._answers.get(hit.path) or self._answers.get(hit.path.partition("?")[0])
        reply = answer(hit) if answer else Reply(status=404, body=b"not here")
        tag = f'"{blake2b(reply.body, digest_size=8).hexdigest()}"'
        if reply.etag and hit.headers.get("if-none-match") == tag:
            reply = Reply(status=304, headers={"ETag": tag})
        elif reply.etag:
            reply = Reply(
                status=reply.status,
                body=reply.body,
                headers={**reply.headers, "ETag": tag},
                delay_s=reply.delay_s,
            )
        with self._lock:
            self.hits.append(
                Hit(
                    method=hit.method,
                    path=hit.path,
                    headers=hit.headers,
                    body=hit.body,
                    at=hit.at,
                    status=reply.status,
                )
            )
        return reply

    def note_sent(self, path: str, size: int) -> None:
        """Count the bytes of body that went out."""
        with self._lock:
            self.sent[path] = self.sent.get(path, 0) + size


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], *, site: Site
    ) -> None:
        self.site = site
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_HEAD(self) -> None:
        self._reply()

    def _reply(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        hit = Hit(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
            at=time.monotonic(),
        )
        reply = self.server.site.reply_to(hit)
        if reply.delay_s:
            time.sleep(reply.delay_s)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.stream is not None:
            self._stream(reply.stream())
            return
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self._write(reply.body)

    def _stream(self, chunks: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode())
            self._write(chunk)
            self.wfile.write(b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _write(self, body: bytes) -> None:
        self.wfile.write(body)
        self.server.site.note_sent(self.path, len(body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
        """Stay quiet; `Site.hits` is the log."""
