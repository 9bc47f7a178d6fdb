"""A WeCom (企业微信) group bot: an intent in, a message in the group or a named refusal out.

The provider has no idempotency key and answers HTTP 200 to refusals: `errcode` alone decides.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from alerts.channels.answer import Answer
from alerts.channels.codes import Codes, answer_of
from alerts.channels.http import Post
from alerts.channels.texts import (
    body_of,
    calls_the_person,
    compact,
    fitted,
    secret_values,
)
from config.channel_schema import address_at, text_limits
from config.schema import Owner, WecomBotChannel
from storage.records import Intent

_PER_MINUTE = 12  # 60 % of the 20 a minute that a bot may send (alerting.md 2.4)

# Source: developer.work.weixin.qq.com/document/path/90455 (global codes), path/91770 (bots).
CODES = Codes(
    code=("errcode",),
    words=("errmsg",),
    throttled=frozenset({"45009", "45033"}),  # calls per minute, calls at once
    permanent={
        "40008": "message type not known to the bot",
        "40035": "parameter not accepted",
        "40058": "parameter not accepted",
        "44004": "message is empty",
        "45002": "message is too long",
        "48002": "bot may not call this interface",
        "60020": "our address is not on the bot's allow list",
        "93000": "the key is not valid, or the bot was removed from the group",
        "93004": "the bot was disabled",
        "93008": "the bot is not in the group",
        "301002": "bot has no permission",
    },
)


class WecomBotSender:
    """Sends to the group of one bot."""

    is_keyed = False
    per_minute: int | None = _PER_MINUTE
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, channel: WecomBotChannel, post: Post) -> None:
        self._channel = channel
        self._post = post

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent as markdown, or as text that calls everybody from the set level up."""
        body = compact(self._document(intent, owner, repeat=repeat))
        values = secret_values(self._channel.key)
        if isinstance(values, Answer):
            return values
        query = urlencode({"key": values[0]})
        reply = await self._post(self._channel.url, body, {}, secret_query=query)
        if isinstance(reply, Answer):
            return reply
        return answer_of(reply, CODES, size_bytes=len(body), secrets=values)

    def _document(self, intent: Intent, owner: Owner, *, repeat: bool) -> dict[str, Any]:
        limits = text_limits(self._channel, intent.level)
        content = body_of(intent, self._channel, repeat=repeat)
        if limits.dialect == "wecom_markdown":
            person = address_at(owner, self._channel)
            if person and calls_the_person(intent.level):
                mention = f"\n<@{person}>"
                content = fitted(content, limits.bytes - len(mention.encode())) + mention
            return {"msgtype": "markdown", "markdown": {"content": content}}
        # plain text is what the levels get that call everybody (text_limits)
        return {"msgtype": "text", "text": {"content": content, "mentioned_list": ["@all"]}}
