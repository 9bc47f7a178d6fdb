"""Answers from Feishu (飞书) or Lark over the long connection (长连接): texts, and pressed buttons.

The application of the channel that sends is the one that hears. Sources:
open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/request-url-configuration-case
(the connection), im-v1/message/events/receive, feishu-cards/card-callback-communication; the frames
and their answers as in github.com/larksuite/oapi-sdk-python (lark_oapi/ws).
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from alerts.channels.answer import Answer
from alerts.channels.codes import parsed
from alerts.channels.http import Post
from config.errors import GroundswellError
from config.schema import FeishuAppChannel
from groundswell.inbound.connecting import GatewayError, connect, send
from groundswell.inbound.desk import Incoming, Taken
from groundswell.inbound.frames import CONTROL, DATA, Frame, decode, encode
from storage.records import ChannelId

log = logging.getLogger(__name__)

_PING_S = 120.0  # where the gateway names no other
_PARTS = 16  # messages that came in several frames and are not whole yet
_MOST_PARTS = 64


class FeishuConnection:
    """One connection of one application; `take` works on the database and runs in a thread."""

    def __init__(
        self,
        channel: FeishuAppChannel,
        post: Post,
        allow_private: tuple[str, ...],
        take: Callable[[Incoming], Taken],
    ) -> None:
        self._channel = channel
        self._post = post
        self._allow_private = allow_private
        self._take = take
        self._parts: OrderedDict[str, dict[int, bytes]] = OrderedDict()

    async def session(self) -> None:
        """Connect and take messages until the gateway ends it. Errors: GatewayError."""
        url, ping_s = await self._gateway()
        service = parse_qs(urlsplit(url).query).get("service_id", ["0"])[0]
        line = await connect(url, self._allow_private)
        log.info("replies channel=%s: connected", self._channel.id)
        async with line:
            pings = asyncio.ensure_future(_ping(line, int(service), ping_s))
            try:
                async for message in line:
                    if isinstance(message, bytes):
                        await self._frame(line, message)
            finally:
                pings.cancel()
        raise GatewayError("the gateway closed the connection")

    async def _gateway(self) -> tuple[str, float]:
        """Ask where to connect; return the address and how often to ping, in seconds."""
        try:
            secret = self._channel.secret.resolve()
        except GroundswellError as error:
            raise GatewayError(str(error)) from error
        body = json.dumps({"AppID": self._channel.app_id, "AppSecret": secret}).encode()
        url = f"{self._channel.url.rstrip('/')}/callback/ws/endpoint"
        reply = await self._post(url, body, {"locale": "zh"})
        if isinstance(reply, Answer):
            raise GatewayError(f"asking for the gateway: {reply.text}")
        document = parsed(reply.body)
        data = document.get("data") if isinstance(document, dict) else None
        where = data.get("URL") if isinstance(data, dict) else None
        if reply.status != 200 or not isinstance(where, str) or not where:
            code = document.get("code", "") if isinstance(document, dict) else "unreadable"
            said = f"HTTP {reply.status} code {str(code)[:20]}"
            raise GatewayError(f"asking for the gateway: {said}")
        asked = data.get("ClientConfig") if isinstance(data, dict) else None
        every = asked.get("PingInterval") if isinstance(asked, dict) else None
        return where, float(every) if isinstance(every, int) and every > 0 else _PING_S

    async def _frame(self, line: Any, message: bytes) -> None:
        try:
            frame = decode(message)
        except ValueError as error:
            log.warning("replies channel=%s: %s", self._channel.id, error)
            return
        if frame.method != DATA:
            return
        payload = self._whole(frame)
        if payload is None:
            return
        code, data = 200, None
        try:
            data = await self._event(parsed(payload))
        except GroundswellError as error:  # not taken: the gateway brings it again
            log.warning("replies channel=%s: %s", self._channel.id, error)
            code = 500
        said: dict[str, Any] = {"code": code}
        if data is not None:
            said["data"] = base64.b64encode(json.dumps(data).encode()).decode()
        headers = (*frame.headers, ("biz_rt", "0"))
        await send(line, encode(replace(frame, headers=headers, payload=json.dumps(said).encode())))

    def _whole(self, frame: Frame) -> bytes | None:
        """Return the payload of a message, None while parts of it are still to come."""
        count, place = _number(frame.header("sum")), _number(frame.header("seq"))
        if count <= 1:
            return frame.payload
        if count > _MOST_PARTS or place >= count:
            return None
        parts = self._parts.setdefault(frame.header("message_id"), {})
        parts[place] = frame.payload
        while len(self._parts) > _PARTS:
            self._parts.popitem(last=False)
        if len(parts) < count:
            return None
        self._parts.pop(frame.header("message_id"), None)
        return b"".join(parts[n] for n in range(count))

    async def _event(self, document: Any) -> dict[str, Any] | None:
        """Take one event; return what the provider shows to the person at once, if anything."""
        kind, event_id = _at(document, "header", "event_type"), _at(document, "header", "event_id")
        event = document.get("event") if isinstance(document, dict) else None
        channel_id = ChannelId(self._channel.id)
        if kind == "im.message.receive_v1":
            content = parsed(_at(event, "message", "content").encode())
            incoming = Incoming(
                channel_id=channel_id,
                message_id=_at(event, "message", "message_id") or event_id,
                sender=_at(event, "sender", "sender_id", "open_id"),
                text=_at(content, "text"),
                unattended="" if _at(event, "sender", "sender_type") == "user" else "automatic",
            )
            await asyncio.to_thread(self._take, incoming)
            return None
        if kind == "card.action.trigger":
            link = _at(event, "action", "value", "link")
            if not link:
                return None  # a button that opens an address
            incoming = Incoming(
                channel_id=channel_id,
                message_id=event_id,
                sender=_at(event, "operator", "open_id"),
                link=link,
            )
            taken = await asyncio.to_thread(self._take, incoming)
            good = taken.outcome in {"done", "stands", "repeated"}
            said = taken.text or ("已收到" if good else "没有认出你是谁，请联系管理员")
            return {"toast": {"type": "success" if good else "warning", "content": said}}
        return None


async def _ping(line: Any, service: int, every_s: float) -> None:
    while True:
        await send(
            line, encode(Frame(service=service, method=CONTROL, headers=(("type", "ping"),)))
        )
        await asyncio.sleep(every_s)


def _at(document: Any, *path: str) -> str:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
