"""Answers from DingTalk (钉钉) in Stream mode: people write to the application's robot.

One robot hears in groups where it is called by @ and in talks with it alone; the answer goes back
into the same conversation. Sources: open.dingtalk.com/document/orgapp/receive-message (a message
and its sessionWebhook), and of the connection, its frames and their acknowledgement:
open-dingtalk.github.io/developerpedia/docs/learn/stream/protocol.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlsplit

from alerts.channels.answer import Answer
from alerts.channels.codes import parsed
from alerts.channels.http import Post
from config.channel_schema import DingtalkBotChannel, StreamReplies
from config.errors import GroundswellError
from groundswell.inbound.connecting import GatewayError, connect, send
from groundswell.inbound.desk import Incoming, Taken
from storage.records import ChannelId

log = logging.getLogger(__name__)

_MESSAGES = "/v1.0/im/bot/messages/get"
_JSON = "application/json"


class DingtalkStream:
    """One connection of one application; `take` works on the database and runs in a thread."""

    def __init__(
        self,
        channel: DingtalkBotChannel,
        replies: StreamReplies,
        post: Post,
        allow_private: tuple[str, ...],
        take: Callable[[Incoming], Taken],
    ) -> None:
        self._channel = channel
        self._replies = replies
        self._post = post
        self._allow_private = allow_private
        self._take = take

    async def session(self) -> None:
        """Connect and take messages until the gateway ends it. Errors: GatewayError."""
        endpoint, ticket = await self._gateway()
        mark = "&" if "?" in endpoint else "?"
        line = await connect(f"{endpoint}{mark}ticket={quote_plus(ticket)}", self._allow_private)
        log.info("replies channel=%s: connected", self._channel.id)
        async with line:
            async for message in line:
                if not await self._frame(line, parsed(_bytes(message))):
                    return
        raise GatewayError("the gateway closed the connection")

    async def _gateway(self) -> tuple[str, str]:
        """Ask where to connect, and for the ticket that lets us in once."""
        try:
            secret = self._replies.client_secret.resolve()
        except GroundswellError as error:
            raise GatewayError(str(error)) from error
        asked = {
            "clientId": self._replies.client_id,
            "clientSecret": secret,
            "subscriptions": [{"type": "CALLBACK", "topic": _MESSAGES}],
            "ua": "groundswell",
        }
        url = f"{self._replies.url.rstrip('/')}/v1.0/gateway/connections/open"
        body = json.dumps(asked).encode()
        reply = await self._post(url, body, {"Accept": _JSON})
        if isinstance(reply, Answer):
            raise GatewayError(f"asking for the gateway: {reply.text}")
        document = parsed(reply.body)
        endpoint, ticket = _text(document, "endpoint"), _text(document, "ticket")
        if reply.status != 200 or not endpoint or not ticket:
            code = _text(document, "code")
            raise GatewayError(f"asking for the gateway: HTTP {reply.status} {code}".rstrip())
        return endpoint, ticket

    async def _frame(self, line: Any, frame: Any) -> bool:
        """Deal with one frame; False when the gateway asks to connect anew."""
        headers = frame.get("headers") if isinstance(frame, dict) else None
        if not isinstance(headers, dict):
            return True
        kind, topic = _text(frame, "type"), _text(headers, "topic")
        if kind == "SYSTEM" and topic == "disconnect":
            return False
        code, data = 200, _text(frame, "data") if kind == "SYSTEM" else '{"response": null}'
        if kind == "CALLBACK" and topic == _MESSAGES:
            try:
                await self._message(parsed(_text(frame, "data").encode()))
            except GroundswellError as error:  # not taken: the gateway brings it again
                log.warning("replies channel=%s: %s", self._channel.id, error)
                code = 500
        said = {"messageId": _text(headers, "messageId"), "contentType": _JSON}
        answer = {"code": code, "headers": said, "message": "OK" if code == 200 else "later"}
        await send(line, json.dumps(answer | {"data": data}))
        return True

    async def _message(self, message: Any) -> None:
        if not isinstance(message, dict) or not _text(message, "msgId"):
            return
        text = message.get("text")
        incoming = Incoming(
            channel_id=ChannelId(self._channel.id),
            message_id=_text(message, "msgId"),
            sender=_text(message, "senderStaffId"),  # only people of the company have one
            text=_text(text, "content") if isinstance(text, dict) else "",
        )
        taken = await asyncio.to_thread(self._take, incoming)
        if taken.text:
            await self._answer(_text(message, "sessionWebhook"), incoming.sender, taken.text)

    async def _answer(self, webhook: str, person: str, text: str) -> None:
        """Answer in the conversation; a lost answer is no harm, what was done stands."""
        parts = urlsplit(webhook)
        if not parts.netloc:
            return
        body = {
            "msgtype": "text",
            "text": {"content": text},
            "at": {"atUserIds": [person], "isAtAll": False},
        }
        reply = await self._post(
            f"{parts.scheme}://{parts.netloc}{parts.path}",
            json.dumps(body, ensure_ascii=False).encode(),
            {},
            secret_query=parts.query,
        )
        refused = reply.text if isinstance(reply, Answer) else _refusal(parsed(reply.body))
        if refused:
            log.warning("replies channel=%s: answering: %s", self._channel.id, refused)


def _refusal(document: Any) -> str:
    code = document.get("errcode", 0) if isinstance(document, dict) else "unreadable"
    return "" if code == 0 else f"errcode {str(code)[:20]}"


def _text(document: Any, name: str) -> str:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
