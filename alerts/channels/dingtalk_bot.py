"""A DingTalk (钉钉) group bot: an intent in, a card in the group or a named refusal out.

No idempotency key, and HTTP 200 for refusals: `errcode` decides. Who is over the limit is kept out
for ten minutes, so that the limit is never reached.
Source: open.dingtalk.com/document/orgapp/custom-robots-send-group-messages (kinds of messages,
signature, codes), help.h3yun.com/contents/1212/2357.html (20 a minute, 130101, 460101).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from alerts.channels.answer import Answer
from alerts.channels.codes import Codes, answer_of
from alerts.channels.http import Post
from alerts.channels.texts import (
    REPEAT,
    body_of,
    calls_the_person,
    secret_values,
    with_keyword,
    within,
)
from alerts.markup import visible
from config.channel_schema import address_at, calls_everybody, e164
from config.schema import DingtalkBotChannel, Owner
from storage.records import Intent

_PER_MINUTE = 12  # 60 % of the 20 a minute that a bot may send
_BYTES = 20000  # of the whole request; beyond it errcode 460101

CODES = Codes(
    code=("errcode",),
    words=("errmsg",),
    throttled=frozenset({"130101", "410100"}),
    blocked_s=600.0,
    permanent={
        "88": "the access token is not accepted",
        "40035": "parameter not accepted",
        "43004": "content type not accepted",
        "300001": "there is no bot of this token",
        "300005": "there is no bot of this token",
        "310000": "the bot's security settings refuse it: signature, keyword or address",
        "400013": "the group was dissolved",
        "400101": "there is no bot of this token",
        "400102": "the bot was disabled",
        "400105": "message type not supported",
        "400106": "the bot is not in the group",
        "430101": "the content was refused: link",
        "430102": "the content was refused: text",
        "430103": "the content was refused: picture",
        "430104": "the content was refused",
        "460101": "message is too long",
    },
)


class DingtalkBotSender:
    """Sends to the group of one bot; `wall` is the real clock, for signatures end in an hour."""

    is_keyed = False
    per_minute: int | None = _PER_MINUTE
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(
        self, channel: DingtalkBotChannel, post: Post, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._channel = channel
        self._post = post
        self._wall = wall

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post a card with buttons, or from orange up a text that calls the person by name."""
        values = secret_values(self._channel.key, self._channel.secret)
        if isinstance(values, Answer):
            return values
        key, secret = values
        query = {"access_token": key}
        if secret:
            timestamp = str(round(self._wall() * 1000))
            query |= {"timestamp": timestamp, "sign": sign(secret, timestamp)}

        def build(text: str) -> dict[str, Any]:
            return self._document(intent, owner, text, repeat=repeat)

        body = within(build, body_of(intent, self._channel, repeat=False), _BYTES)
        # urlencode quotes the signature once; quoted twice it does not match (errcode 310000)
        reply = await self._post(self._channel.url, body, {}, secret_query=urlencode(query))
        if isinstance(reply, Answer):
            return reply
        return answer_of(reply, CODES, size_bytes=len(body), secrets=values)

    def _document(self, intent: Intent, owner: Owner, text: str, *, repeat: bool) -> dict[str, Any]:
        title = visible(f"{REPEAT}{intent.subject}" if repeat else intent.subject)
        text = with_keyword(f"{REPEAT}{text}" if repeat else text, self._channel.keyword)
        at = self._mention(intent, owner)
        if intent.actions and not at:
            buttons = [
                {"title": action.label, "actionURL": action.url} for action in intent.actions
            ]
            across = "1" if len(buttons) < 3 else "0"  # a phone shows two side by side
            card = {"title": title, "text": text, "btnOrientation": across, "btns": buttons}
            return {"msgtype": "actionCard", "actionCard": card}
        # a card cannot call anybody, so that the buttons become links here
        links = " | ".join(f"[{action.label}]({action.url})" for action in intent.actions)
        called = "".join(f"@{number} " for number in at.get("atMobiles", ()))
        lines = [line for line in (text, links, called.strip()) if line]
        markdown = {"title": title, "text": "\n\n".join(lines)}
        return {"msgtype": "markdown", "markdown": markdown} | ({"at": at} if at else {})

    def _mention(self, intent: Intent, owner: Owner) -> dict[str, Any]:
        """Return who is called; {} for nobody."""
        if calls_everybody(self._channel, intent.level):
            return {"isAtAll": True}
        if not calls_the_person(intent.level):
            return {}
        person = address_at(owner, self._channel)
        mobile = e164(owner.mobile).removeprefix("+86")
        if person:
            return {"atUserIds": [person], "isAtAll": False}
        return {"atMobiles": [mobile], "isAtAll": False} if mobile else {}


def sign(secret: str, timestamp: str) -> str:
    """Return the signature of timestamp and secret, a line each, not yet quoted for a URL."""
    text = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
