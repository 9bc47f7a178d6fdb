"""A group bot's webhook as WeCom answers it, and a page on which the messages can be seen."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groundswell.clock import Clock
from groundswell.demo.markup import to_html
from groundswell.demo.story import ZONE

_KEY = re.compile(r"^[\w-]{1,64}$")
_PER_MINUTE = 20  # the documented limit of one bot
_KEPT = 200  # messages per bot; the page needs no more
_CHATS = 50  # bots; keys beyond are refused, so that a stranger cannot fill the memory
_BODY_LIMIT = 64 * 1024
# Documented limits of the two text kinds, in bytes of UTF-8.
_LIMITS = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it arrived. `at` is the site's clock."""

    key: str
    number: int
    kind: str
    content: str
    at: datetime
    mentions: tuple[str, ...] = ()

    @property
    def html(self) -> Markup:
        """The content as safe HTML."""
        return to_html(self.content)

    @property
    def local(self) -> datetime:
        """When it arrived, in the story's time zone."""
        return self.at.astimezone(ZONE)


class Receiver:
    """Accepts bot messages and keeps them, newest last, per key; also in a file when one is named.

    Refusals carry the provider's own codes with HTTP 200, as the real one does.
    """

    def __init__(
        self, clock: Clock, people: Mapping[str, str], kept_in: Path | None = None
    ) -> None:
        self._clock = clock
        self._people = dict(people)
        self._kept_in = kept_in
        self._lock = threading.Lock()
        self._messages: dict[str, deque[Message]] = {key: deque(maxlen=_KEPT) for key in people}
        self._count = 0
        for message in _recall(kept_in):
            self._add(message)

    def introduce(self, people: Mapping[str, str]) -> None:
        """Give keys the names that stand above their columns; new keys get an empty column."""
        with self._lock:
            self._people.update(people)
            for key in people:
                self._messages.setdefault(key, deque(maxlen=_KEPT))

    def messages(self, key: str) -> list[Message]:
        """Return the messages of one bot, oldest first."""
        with self._lock:
            return list(self._messages.get(key, ()))

    def routes(self, page: Callable[..., Response]) -> list[Route]:
        """Return the webhook and the inbox pages; `page` renders a template."""

        def columns() -> list[tuple[str, str, list[Message]]]:
            with self._lock:
                keys = list(self._messages)
            return [(key, self._people.get(key, key), self.messages(key)) for key in keys]

        def inbox(request: Request) -> Response:
            only = request.query_params.get("key")
            shown = [column for column in columns() if only in {None, column[0]}]
            return page("inbox.html", columns=shown, only=only)

        def chats(request: Request) -> Response:
            only = request.query_params.get("key")
            shown = [column for column in columns() if only in {None, column[0]}]
            return page("inbox_chats.html", columns=shown, only=only)

        return [
            Route("/cgi-bin/webhook/send", self._send, methods=["POST"]),
            Route("/inbox", inbox),
            Route("/inbox/chats", chats),
        ]

    async def _send(self, request: Request) -> Response:
        body = await request.body()
        return JSONResponse(self.accept(request.query_params.get("key", ""), body))

    def accept(self, key: str, body: bytes) -> dict[str, Any]:
        """Take one request body for one bot; return the provider's answer."""
        if _KEY.match(key) is None:
            return _refusal(93000, "invalid webhook url")
        try:
            kind, content, mentions = _read(body)
        except _RefusedError as error:
            return _refusal(error.code, str(error))
        now = self._clock.now()
        with self._lock:
            if key not in self._messages and len(self._messages) >= _CHATS:
                return _refusal(93000, "invalid webhook url")
            chat = self._messages.get(key, ())
            recent = sum(message.at > now - timedelta(minutes=1) for message in chat)
            if recent >= _PER_MINUTE:
                return _refusal(45009, "api freq out of limit")
            message = Message(
                key=key,
                number=self._count + 1,
                kind=kind,
                content=content,
                at=now,
                mentions=mentions,
            )
            self._add(message)
            if self._kept_in is not None:
                with self._kept_in.open("a", encoding="utf-8") as kept:
                    kept.write(_line(message) + "\n")
        return {"errcode": 0, "errmsg": "ok"}

    def _add(self, message: Message) -> None:
        self._count = max(self._count, message.number)
        self._messages.setdefault(message.key, deque(maxlen=_KEPT)).append(message)


def _line(message: Message) -> str:
    return json.dumps(asdict(message) | {"at": message.at.isoformat()}, ensure_ascii=False)


def _recall(kept_in: Path | None) -> Iterator[Message]:
    """Read what an earlier telling received; a line cut off by a kill is left out."""
    if kept_in is None or not kept_in.exists():
        return
    for line in kept_in.read_text(encoding="utf-8").splitlines():
        try:
            kept = json.loads(line)
        except ValueError:
            continue
        yield Message(
            **kept | {"at": datetime.fromisoformat(kept["at"]), "mentions": tuple(kept["mentions"])}
        )


class _RefusedError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def _refusal(code: int, text: str) -> dict[str, Any]:
    return {"errcode": code, "errmsg": text}


def _read(body: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Return kind, content and the people named; refuse what the provider would refuse."""
    try:
        sent = json.loads(body) if len(body) <= _BODY_LIMIT else None
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise _RefusedError(47001, "data format error")
    kind = sent.get("msgtype")
    if kind not in _LIMITS:
        raise _RefusedError(40008, "invalid message type")
    part = sent.get(kind)
    content = part.get("content") if isinstance(part, dict) else None
    if not isinstance(content, str) or not content:
        raise _RefusedError(44004, "empty content")
    if len(content.encode("utf-8", "replace")) > _LIMITS[kind]:
        raise _RefusedError(45002, "content size out of limit")
    named = part.get("mentioned_list") if isinstance(part, dict) else None
    mentions = tuple(str(name) for name in named) if isinstance(named, list) else ()
    return kind, content, mentions
