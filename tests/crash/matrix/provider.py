"""A provider on loopback that keeps what it accepted, honours keys where the real one does, and fails.

In: HTTP of the shipped senders. Out: `accepted`, one entry per copy that a person would see.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import signal
import socket
import socketserver
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.crash.matrix.plan import Fault

FAULTY = 0.35  # of the requests, as long as faults are left: the share of the design's own trials
MOST_FAULTS = 4  # a trial must come to an end
HANG_S = 0.4  # far longer than the senders' patience, see live.SHORT_PATIENCE_S
_MARK = re.compile(r"#m([0-9]+)\.([a-z0-9]+-[a-z0-9]+)")
# What the real ones answer to a key of theirs that they have seen: success, and nothing is shown.
_OK = b'{"errcode":0,"errmsg":"ok","code":0,"msg":"success","msgid":"m"}'
_TOKEN = (
    b'{"errcode":0,"code":0,"access_token":"t","tenant_access_token":"t","expires_in":7200,'
    b'"expire":7200}'
)
_NUMBER = re.compile(r"消息号 ([a-z0-9]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One message as a person sees it, and the incident it is about.

    `name`: the key it came under, or the part of it that is shown; else the incident and event.
    """

    channel: str
    name: str
    incident_id: str
    number: int


@dataclass(slots=True, kw_only=True)
class _Plan:
    """How the requests of one trial go."""

    fault: Fault | None
    chance: random.Random
    faults_left: int = MOST_FAULTS
    kill_at: int = 0  # the request at which `victim` is killed, 0: never
    victim: int = 0
    requests: int = 0
    killed: bool = False
    numbers: int = 0


@dataclass(slots=True)
class _Ledger:
    accepted: list[Copy] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)  # key -> digest of what was shown under it
    altered: list[str] = field(default_factory=list)  # keys that came again with another body


class Provider:
    """Serves until closed; use as a context manager."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.plan = _Plan(fault=None, chance=random.Random(0))
        self.ledger = _Ledger()
        self.open = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def authority(self) -> str:
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def begin(self, fault: Fault | None, seed: int, *, kill_at: int = 0) -> None:
        """Forget the trial before, once nobody is connected any more."""
        self.over.set()
        give_up_at = time.monotonic() + 5
        while self.open and time.monotonic() < give_up_at:
            time.sleep(0.001)
        self.over.clear()
        with self.lock:
            self.plan = _Plan(fault=fault, chance=random.Random(seed), kill_at=kill_at)
            self.ledger = _Ledger()

    def watch(self, pid: int) -> None:
        """Name the process that is killed while it waits for an answer, if one is to be."""
        with self.lock:
            self.plan.victim = pid

    def heal(self) -> None:
        """Answer everything from now on."""
        with self.lock:
            self.plan.fault = None

    @property
    def accepted(self) -> list[Copy]:
        with self.lock:
            return list(self.ledger.accepted)

    @property
    def altered(self) -> list[str]:
        with self.lock:
            return list(self.ledger.altered)

    @property
    def requests(self) -> int:
        with self.lock:
            return self.plan.requests

    @property
    def killed(self) -> bool:
        with self.lock:
            return self.plan.killed

    def next_fault(self) -> tuple[Fault | None, bool]:
        """Return what the next connection meets, and a coin that chooses between its two ways."""
        with self.lock:
            plan = self.plan
            coin = plan.chance.random() < 0.5
            if plan.fault is None or not plan.faults_left or plan.chance.random() >= FAULTY:
                return None, coin
            plan.faults_left -= 1
            return plan.fault, coin

    def dies(self) -> bool:
        """Count a request that was read, and kill who waits for its answer if it is his turn."""
        with self.lock:
            plan = self.plan
            plan.requests += 1
            is_due = plan.requests == plan.kill_at and plan.victim > 0
            if is_due:
                plan.killed = True
                os.kill(plan.victim, signal.SIGKILL)
            return is_due

    def accept(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Show a message, unless its key was shown before."""
        channel, key, name = _read(path, headers, body)
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            if key:
                is_known = key in self.ledger.keys
                if self.ledger.keys.setdefault(key, digest) != digest:
                    self.ledger.altered.append(key)
                if is_known:
                    return
            self.plan.numbers += 1
            about = name_of(body.decode()).partition("/")[0]
            number = self.plan.numbers
            self.ledger.accepted.append(
                Copy(channel=channel, name=name, incident_id=about, number=number)
            )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def name_of(content: str) -> str:
    """Return what tells one plain message from another: its incident and event, see MarkedLinks."""
    found = _MARK.search(content)
    return f"{found[2]}/{found[1]}" if found else "no incident"


def _read(path: str, headers: dict[str, str], body: bytes) -> tuple[str, str, str]:
    """Return a request's channel, its key ("" where the provider takes none) and its name."""
    kind, channel = path.partition("?")[0].strip("/").split("/")[:2]
    match kind:
        case "hook":
            key = headers["idempotency-key"]
            return channel, key, key
        case "feishu":
            key = str(json.loads(body)["uuid"])
            return channel, key, key
        case "wecom":  # its duplicate check compares the whole request
            document: dict[str, Any] = json.loads(body)
            assert document["enable_duplicate_check"] == 1
            content = document[document["msgtype"]]["content"]
            [*_, number] = _NUMBER.findall(content)
            return channel, hashlib.sha256(body).hexdigest(), number
        case _:
            return channel, "", name_of(body.decode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    provider: Provider

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        if struct.unpack("ii", linger)[0]:
            self.close_request(request)  # no goodbye first: that would be an orderly end
        else:
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Senders that die in the middle are what this is for."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        provider = self.server.provider
        with provider.lock:
            provider.open += 1
        try:
            with contextlib.suppress(OSError):
                self._handle(provider)
        finally:
            with provider.lock:
                provider.open -= 1

    def _handle(self, provider: Provider) -> None:
        fault, coin = provider.next_fault()
        if fault is Fault.RESET_BEFORE and coin:
            self._slam()  # nothing of it was read
            return
        request = self._request()
        if request is None:
            return
        path, headers, body = request
        if "token" in path.partition("?")[0]:  # no message: what is lost here is asked for again
            self._answer(fault, provider, ok=_TOKEN)
            return
        accepted = fault in {None, Fault.RESET_AFTER, Fault.SLOW} or (fault is Fault.HANG and coin)
        if fault in {Fault.ERRCODE, Fault.HTML} and path.startswith("/hook"):
            fault, accepted = None, True  # by its contract a webhook has taken what it answers 2xx
        if provider.dies():
            if coin or accepted:  # the bytes are out; what became of them nobody learns
                provider.accept(path, headers, body)
            self._slam()
            return
        if accepted:
            provider.accept(path, headers, body)
        self._answer(fault, provider)

    def _answer(self, fault: Fault | None, provider: Provider, ok: bytes = _OK) -> None:
        match fault:
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                self._slam()
            case Fault.HANG:
                provider.over.wait(HANG_S)
            case Fault.SLOW:
                self._send(200, ok, pause_s=0.01)
            case Fault.ERROR:
                self._send(500, b"internal error")
            case Fault.ERRCODE:
                self._send(200, b'{"errcode":-1,"code":-1,"errmsg":"system busy","msg":"busy"}')
            case Fault.THROTTLED:
                self._send(429, b"slow down", "Retry-After: 2\r\n")
            case Fault.HTML:
                self._send(200, b"<html><title>Gateway</title>please log in</html>")
            case Fault.MOVED:
                self._send(302, b"", f"Location: http://{provider.authority}/elsewhere\r\n")
            case None:
                self._send(200, ok)

    def _request(self) -> tuple[str, dict[str, str], bytes] | None:
        first = self.rfile.readline().decode("latin-1").split(" ")
        if len(first) < 2:
            return None
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        size = int(headers.get("content-length", "0"))
        body = self.rfile.read(size)
        return (first[1], headers, body) if len(body) == size else None

    def _send(self, status: int, body: bytes, more: str = "", *, pause_s: float = 0.0) -> None:
        head = f"HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{more}"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        if not pause_s:
            self.wfile.write(head.encode() + body)
            return
        self.wfile.write(head.encode())
        for start in range(0, len(body), 16):
            time.sleep(pause_s)
            self.wfile.write(body[start : start + 16])

    def _slam(self) -> None:
        """Have the server close it so that the other side gets a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
