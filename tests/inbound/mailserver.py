"""A small real IMAP server on loopback: one mailbox, what RFC 3501 asks for and no more."""

from __future__ import annotations

import re
import socketserver
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

USER, PASSWORD = "alert", 'a password with "quotes"'


@dataclass
class Post:
    """The mailbox: (uid, mail), and what was said to the server."""

    validity: int = 7
    mails: list[tuple[int, bytes]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    folder: str = "INBOX"
    breaks: int = 0  # so many fetches end in a broken connection

    def put(self, mail: bytes) -> int:
        uid = self.mails[-1][0] + 1 if self.mails else 1
        self.mails.append((uid, mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))
        return uid


class MailServer:
    """Serves one Post."""

    def __init__(self) -> None:
        self.post = Post()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.post = self.post
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = True
    post: Post


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = 10

    def handle(self) -> None:
        self._line("* OK [CAPABILITY IMAP4rev1 ID] ready")
        while raw := self.rfile.readline():
            tag, _, rest = raw.decode().rstrip("\r\n").partition(" ")
            self.server.post.said.append(re.sub(r"^LOGIN .*", "LOGIN", rest))
            if not self._do(tag, rest):
                return

    def _do(self, tag: str, rest: str) -> bool:
        post = self.server.post
        match rest.upper().split(" ")[:2]:
            case ["CAPABILITY", *_]:
                self._line("* CAPABILITY IMAP4rev1 ID")
            case ["LOGIN", *_]:
                quoted = PASSWORD.replace('"', '\\"')
                if rest.split(" ", 1)[1] != f'{USER} "{quoted}"':
                    self._line(f"{tag} NO wrong password {rest}")
                    return True
            case ["ID", *_]:
                self._line("* ID NIL")
            case ["EXAMINE", *_]:
                if rest.split(" ", 1)[1].strip('"') != post.folder:
                    self._line(f"{tag} NO no such folder")
                    return True
                self._line(f"* {len(post.mails)} EXISTS")
                self._line(f"* OK [UIDVALIDITY {post.validity}] valid")
            case ["UID", "SEARCH"]:
                first = re.search(r"UID (\d+):\*", rest)
                uids = [uid for uid, _ in post.mails]
                found = uids if first is None else [u for u in uids if u >= int(first[1])]
                found = found or uids[-1:]  # "n:*" names the last one whatever its number
                self._line("* SEARCH " + " ".join(map(str, found)))
            case ["UID", "FETCH"]:
                if post.breaks:
                    post.breaks -= 1
                    return False
                uid = int(rest.split(" ")[2])
                mail = dict(post.mails)[uid]
                self.wfile.write(f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(mail)}}}\r\n".encode())
                self.wfile.write(mail + b")\r\n")
            case ["LOGOUT", *_]:
                self._line("* BYE")
                self._line(f"{tag} OK bye")
                return False
        self._line(f"{tag} OK done")
        return True

    def _line(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
