"""A real HTTP receiver on loopback whose answers a test plans: bodies, codes, resets, silence."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

OK = b'{"errcode":0,"errmsg":"ok"}'


@dataclass(frozen=True)
class Planned:
    """One answer.

    `act` is "answer", "reset" (after reading), "slam" (before reading), "hang", "drip" (the body a
    byte at a time) or "break" (the body ends before its announced length).
    """

    status: int = 200
    body: bytes = OK
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    act: str = "answer"


@dataclass(frozen=True)
class Request:
    target: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers with the planned answers in turn, then with `default`; keeps what it was sent."""

    def __init__(self, default: Planned | None = None) -> None:
        self.default = default or Planned()
        self.planned: deque[Planned] = deque()
        self.standing: dict[str, Planned] = {}  # by path, whatever is planned
        self.requests: list[Request] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def address(self) -> str:
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def plan(self, *answers: Planned) -> None:
        self.planned.extend(answers)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    receiver: Receiver

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        if struct.unpack("ii", linger)[0]:
            self.close_request(request)  # no goodbye first: that would be an orderly end
        else:
            super().shutdown_request(request)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        receiver = self.server.receiver
        with receiver.lock:
            receiver.connections += 1
            planned = receiver.planned.popleft() if receiver.planned else receiver.default
        if planned.act == "slam":
            self._slam()
            return
        with contextlib.suppress(OSError):
            request = self._read()
            if request is None:
                return
            with receiver.lock:
                receiver.requests.append(request)
                standing = receiver.standing.get(request.target.partition("?")[0])
                if standing is not None:
                    receiver.planned.appendleft(planned)
                    planned = standing
            if planned.act == "reset":
                self._slam()
            elif planned.act == "hang":
                receiver.closing.wait(10)
            else:
                self._answer(planned)

    def _read(self) -> Request | None:
        first = self.rfile.readline().decode("latin-1").split(" ")
        if len(first) < 2:
            return None
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Request(target=first[1], headers=headers, body=body)

    def _answer(self, planned: Planned) -> None:
        announced = len(planned.body) + (50 if planned.act == "break" else 0)
        lines = [f"HTTP/1.1 {planned.status} Planned"]
        lines += [f"{name}: {value}" for name, value in planned.headers.items()]
        lines += [f"Content-Length: {announced}", "Connection: close", "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1"))
        if planned.act == "drip":
            for byte in planned.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.receiver.closing.wait(0.1):
                    return
        else:
            self.wfile.write(planned.body)

    def _slam(self) -> None:
        """Have the server close it so that the other side gets a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
