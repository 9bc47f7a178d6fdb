"""A WeCom (企业微信) group bot: an intent in, a message in the group or a named refusal out.

The provider has no idempotency key and answers HTTP 200 to refusals: `errcode` alone decides.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from alerts.channels.answer import Answer
from alerts.channels.http import Post, Reply, answer_of_status
from alerts.markup import cut_bytes
from alerts.messages import body_bytes, is_markdown, mark_repeat
from config.errors import ConfigError
from config.schema import Owner, WecomBotChannel
from storage.records import DeliveryClass, Intent

_PER_MINUTE = 12  # 60 % of the 20 a minute that a bot may send (alerting.md 2.4)
_BLOCKED_S = 60.0  # a bot over its limit is let in again within the minute

# Provider codes by what to do next. Those not named here are tried again until the deadline.
# Source: developer.work.weixin.qq.com/document/path/90313 (global codes), path/91770 (bots).
_THROTTLED = frozenset({45009, 45033})  # calls per minute, calls at once
_PERMANENT = {
    40008: "message type not known to the bot",
    40035: "parameter not accepted",
    40058: "parameter not accepted",
    44004: "message is empty",
    45002: "message is too long",
    48002: "bot may not call this interface",
    60020: "our address is not on the bot's allow list",
    93000: "the key is not valid, or the bot was removed from the group",
    93004: "the bot was disabled",
    93008: "the bot is not in the group",
    301002: "bot has no permission",
}


class WecomBotSender:
    """Sends to the group of one bot."""

    is_keyed = False
    per_minute: int | None = _PER_MINUTE

    def __init__(self, channel: WecomBotChannel, post: Post) -> None:
        self._channel = channel
        self._post = post

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent as markdown, or as text that calls everybody from the set level up."""
        del owner  # the group is the bot's
        body = json.dumps(self._document(intent, repeat=repeat), ensure_ascii=False).encode()
        try:
            key = self._channel.key.resolve()
        except ConfigError as error:
            return Answer(outcome=DeliveryClass.PERMANENT, text=str(error))
        reply = await self._post(self._channel.url, body, {}, secret_query=urlencode({"key": key}))
        if isinstance(reply, Answer):
            return reply
        return answer_of_status(reply, size_bytes=len(body)) or _answer_of_code(
            reply, key, size_bytes=len(body)
        )

    def _document(self, intent: Intent, *, repeat: bool) -> dict[str, Any]:
        limit = body_bytes(self._channel, intent.level)
        content = mark_repeat(intent.body, limit) if repeat else cut_bytes(intent.body, limit)
        if is_markdown(self._channel, intent.level):
            return {"msgtype": "markdown", "markdown": {"content": content}}
        text = {"content": content, "mentioned_list": ["@all"]}
        return {"msgtype": "text", "text": text}


def _answer_of_code(reply: Reply, key: str, *, size_bytes: int) -> Answer:
    """Read the provider's own word at HTTP 2xx; what cannot be read is no success."""
    code, words = _read(reply.body)
    if code is None:
        return Answer(
            outcome=DeliveryClass.RETRY,
            text="the answer is not the provider's JSON; a gateway may stand between",
            http_status=reply.status,
            size_bytes=size_bytes,
        )
    if code == 0:
        outcome, text = DeliveryClass.OK, ""
    elif code in _THROTTLED:
        outcome, text = DeliveryClass.THROTTLED, "too many messages"
    elif code in _PERMANENT:
        outcome, text = DeliveryClass.PERMANENT, _PERMANENT[code]
    else:
        outcome, text = DeliveryClass.RETRY, words.replace(key, "***")[:120]
    return Answer(
        outcome=outcome,
        text=f"errcode {code}: {text}" if code else "",
        http_status=reply.status,
        provider_code=str(code),
        retry_after_s=_BLOCKED_S if outcome is DeliveryClass.THROTTLED else None,
        size_bytes=size_bytes,
    )


def _read(body: bytes) -> tuple[int | None, str]:
    """Return errcode and errmsg; None when there is no whole number called errcode."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    code = document.get("errcode") if isinstance(document, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return None, ""
    return code, str(document.get("errmsg", ""))
