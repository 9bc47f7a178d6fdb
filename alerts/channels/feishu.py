"""Feishu (飞书) and Lark, the group bot and the application: an intent in, a card out.

The application is keyed: at most one message of a `uuid` is shown within an hour. The bot is not.
Sources: open.larkoffice.com/document/ukTMukTMukTM/ucTM5YjL3ETO24yNxkjN.md (custom bots: signature,
20 KB, 100 a minute and 5 a second, the crowded minutes :00 and :30),
open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/create (uuid, codes, 30 KB),
open.larkoffice.com/document/ukTMukTMukTM/uUzN04SN3QjL1cDN.md (limits).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from alerts.channels.answer import Answer, permanent
from alerts.channels.codes import Codes, answer_of
from alerts.channels.http import Post
from alerts.channels.texts import (
    REPEAT,
    body_of,
    calls_the_person,
    compact,
    secret_values,
    with_keyword,
    within,
    without_first_line,
)
from alerts.channels.tokens import Token, TokenKeeper
from alerts.channels.wecom_app import token_of
from alerts.markup import visible
from config.channel_schema import address_at, address_of, calls_everybody
from config.schema import FeishuAppChannel, FeishuBotChannel, Owner
from storage.records import Action, DeliveryClass, Intent, Level

# 60 % of the limits of a bot, and of the five messages a second that one person may get.
_BOT_PER_MINUTE = 60
_APP_PER_MINUTE = 600
_PER_SECOND = 3.0
_CROWDED = (0, 30)
_BOT_BYTES = 20 * 1024
_APP_BYTES = 30 * 1024
_COLOURS = {
    Level.NONE: "grey",
    Level.BLUE: "blue",
    Level.YELLOW: "yellow",
    Level.ORANGE: "orange",
    Level.RED: "red",
}

BOT_CODES = Codes(
    code=("code", "StatusCode"),
    words=("msg", "StatusMessage"),
    throttled=frozenset({"11232", "99991400"}),
    permanent={
        "9499": "the request is not in the form that the bot takes",
        "19001": "the key is not valid, or the bot was removed from the group",
        "19021": "the signature does not match, or our clock is an hour off",
        "19022": "our address is not on the bot's allow list",
        "19024": "the bot's keyword is not in the message: set keyword",
    },
)
APP_CODES = Codes(
    code=("code",),
    words=("msg",),
    message_id=("data.message_id",),
    throttled=frozenset({"230020", "99991400"}),
    permanent={
        "10003": "the app_id or another parameter is not valid",
        "10014": "the secret is not the application's",
        "99991672": "the application lacks the right to send messages",
        "230001": "a parameter is not valid: look at the person's open_id",
        "230002": "the bot is not in the group",
        "230006": "the application's bot is not switched on",
        "230013": "the person is not in the application's range",
        "230018": "the group's settings forbid it",
        "230022": "the content was refused as sensitive",
        "230025": "the message is too long",
        "230027": "the application lacks a right",
        "230028": "the content was refused by the company's data protection",
        "230035": "the person or the company has blocked the bot",
        "230038": "the person belongs to another company",
        "230054": "message type not supported",
        "230075": "secret chats take no messages of bots",
        "230099": "the card is not valid",
        "232009": "the group was dissolved",
    },
)
_TOKEN_ENDED = frozenset({"99991661", "99991663", "99991664", "99991668", "99991671"})


class FeishuBotSender:
    """Sends to the group of one bot; `wall` is the real clock, for signatures end in an hour."""

    is_keyed = False
    per_minute: int | None = _BOT_PER_MINUTE
    per_second: float | None = _PER_SECOND
    quiet_minutes: tuple[int, ...] = _CROWDED

    def __init__(
        self, channel: FeishuBotChannel, post: Post, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._channel = channel
        self._post = post
        self._wall = wall

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent as a card with buttons."""
        values = secret_values(self._channel.key, self._channel.secret)
        if isinstance(values, Answer):
            return values
        key, secret = values
        signed: dict[str, str] = {}
        if secret:
            timestamp = str(int(self._wall()))
            signed = {"timestamp": timestamp, "sign": sign(secret, timestamp)}
        at = _bot_mention(self._channel, intent, owner)

        def build(text: str) -> dict[str, Any]:
            text = with_keyword(text, self._channel.keyword)
            card = card_of(intent, text, at=at, repeat=repeat)
            return signed | {"msg_type": "interactive", "card": card}

        body = within(build, body_of(intent, self._channel, repeat=False), _BOT_BYTES)
        path = quote(key, safe="")
        reply = await self._post(self._channel.url, body, {}, secret_path=path)
        if isinstance(reply, Answer):
            return reply
        return answer_of(reply, BOT_CODES, size_bytes=len(body), secrets=values)


class FeishuAppSender:
    """Sends to the persons in one application's range."""

    is_keyed = True
    per_minute: int | None = _APP_PER_MINUTE
    per_second: float | None = _PER_SECOND
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, channel: FeishuAppChannel, post: Post) -> None:
        self._channel = channel
        self._post = post
        self._tokens = TokenKeeper()

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent as a card; a repeat carries the same uuid, and is not shown again."""
        del repeat
        person = address_of(owner, self._channel)
        if not person:
            return permanent(f"owner {owner.id} has no address on channel {self._channel.id}")
        secret = secret_values(self._channel.secret)
        if isinstance(secret, Answer):
            return secret

        def build(text: str) -> dict[str, Any]:
            hears = self._channel.replies
            card = card_of(intent, text, at="", repeat=False, hears=hears)
            return {
                "receive_id": person,
                "msg_type": "interactive",
                "content": compact(card).decode(),
                "uuid": intent.intent_id[:50],
            }

        body = within(build, body_of(intent, self._channel, repeat=False), _APP_BYTES)
        answer = await self._attempt(body, secret)
        if answer.provider_code in _TOKEN_ENDED:  # refused for the token: nothing was shown
            return await self._attempt(body, secret)
        return answer

    async def _attempt(self, body: bytes, secret: tuple[str, ...]) -> Answer:
        token = await self._tokens.get(partial(self._fetch_token, secret))
        if isinstance(token, Answer):
            return token
        url = f"{self._channel.url.rstrip('/')}/open-apis/im/v1/messages?receive_id_type=open_id"
        reply = await self._post(url, body, {"Authorization": f"Bearer {token}"})
        if isinstance(reply, Answer):
            return reply
        answer = answer_of(reply, APP_CODES, size_bytes=len(body), secrets=(token, *secret))
        if answer.provider_code in _TOKEN_ENDED:
            self._tokens.forget(token)
        return answer

    async def _fetch_token(self, secret: tuple[str, ...]) -> Token | Answer:
        url = f"{self._channel.url.rstrip('/')}/open-apis/auth/v3/tenant_access_token/internal"
        body = json.dumps({"app_id": self._channel.app_id, "app_secret": secret[0]}).encode()
        reply = await self._post(url, body, {})
        if isinstance(reply, Answer):
            return reply
        answer = answer_of(reply, APP_CODES, size_bytes=0, secrets=secret)
        if answer.outcome is not DeliveryClass.OK:
            return answer
        return token_of(reply, "tenant_access_token", "expire")


def card_of(
    intent: Intent, text: str, *, at: str, repeat: bool, hears: bool = False
) -> dict[str, Any]:
    """Return the card: the subject as its title, the text, and a button for each action.

    `hears`: pressed buttons come back to us, so that 确认 works where no page can be opened; the
    signed link says who may press it. The other acts ask for something first and open their page.

    Source: open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards (card JSON 1.0; its buttons
    open an address, which asks once more before anything changes).
    """
    title = visible(f"{REPEAT}{intent.subject}" if repeat else intent.subject)
    content = without_first_line(text, intent.subject)
    elements: list[dict[str, Any]] = [
        {"tag": "markdown", "content": f"{content}\n{at}" if at else content}
    ]
    buttons = [
        {
            "tag": "button",
            "text": {"tag": "plain_text", "content": action.label},
            "type": "primary" if action.name == "ack" else "default",
            **(_callback(action) if hears and action.name == "ack" else {"url": action.url}),
        }
        for action in intent.actions
    ]
    if buttons:
        elements.append({"tag": "action", "actions": buttons})
    return {
        "config": {"wide_screen_mode": True},
        "header": {
            "template": _COLOURS[intent.level],
            "title": {"tag": "plain_text", "content": title},
        },
        "elements": elements,
    }


def _callback(action: Action) -> dict[str, Any]:
    """Return what makes a button come back to us, with the token that its link ends in."""
    return {"value": {"link": action.url.rpartition("/")[2]}}


def sign(secret: str, timestamp: str) -> str:
    """Return the signature of a bot's request: the text is the key, and what is signed is empty."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def _bot_mention(channel: FeishuBotChannel, intent: Intent, owner: Owner) -> str:
    """Return the words that call people in the group, "" when nobody is called."""
    if calls_everybody(channel, intent.level):
        return "<at id=all></at>"
    person = address_at(owner, channel)
    return f"<at id={person}></at>" if person and calls_the_person(intent.level) else ""
