"""A WeCom (企业微信) application: an intent in, a message to one person out.

Keyed: with enable_duplicate_check the provider drops a request whose JSON it has had within the
interval, so that the same intent is always the same bytes. Two intents of the same words must stay
apart, hence the short number at the end of each message.
Source: developer.work.weixin.qq.com/document/path/90236 (message/send), path/91039 (gettoken),
path/90455 (codes), path/90454 (limits).
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from alerts.channels.answer import Answer, permanent
from alerts.channels.codes import Codes, answer_of, document_of, first_text
from alerts.channels.http import Post, Reply
from alerts.channels.texts import compact, fitted, secret_values
from alerts.channels.tokens import Token, TokenKeeper
from config.channel_schema import address_of, text_limits
from config.schema import Owner, WecomAppChannel
from storage.records import DeliveryClass, Intent

# 60 % of the 30 messages a minute that one member may get; more are dropped without a word, so
# that the application keeps to it even when they are for several people.
_PER_MINUTE = 18
_CHECKED_S = 14400  # four hours, the longest interval of the duplicate check
_TOKEN_ENDED = frozenset({"40014", "42001"})

CODES = Codes(
    code=("errcode",),
    words=("errmsg",),
    message_id=("msgid",),
    throttled=frozenset({"45009", "45033"}),
    permanent={
        "40001": "the secret is not the application's",
        "40003": "the person's userid is not valid",
        "40008": "message type not known",
        "40013": "the corp_id is not valid",
        "40031": "the person's userid is not valid",
        "40035": "parameter not accepted",
        "40056": "the agent_id is not valid",
        "40058": "parameter not accepted",
        "44004": "message is empty",
        "45002": "message is too long",
        "48002": "the application may not call this interface",
        "60011": "the application has no right over this person",
        "60020": "our address is not on the application's list of trusted addresses",
        "60111": "there is no person of this userid",
        "81013": "the person is not in the application's visible range",
        "82001": "the person is not in the application's visible range",
        "301002": "the agent_id does not belong to the secret",
    },
)


class WecomAppSender:
    """Sends to the persons that one application can see."""

    is_keyed = True
    per_minute: int | None = _PER_MINUTE
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, channel: WecomAppChannel, post: Post) -> None:
        self._channel = channel
        self._post = post
        self._tokens = TokenKeeper()

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent; a repeat is byte for byte the same, and the provider drops it."""
        del repeat
        person = address_of(owner, self._channel)
        if not person:
            return permanent(f"owner {owner.id} has no address on channel {self._channel.id}")
        secret = secret_values(self._channel.secret)
        if isinstance(secret, Answer):
            return secret
        body = self._request(intent, person)
        answer = await self._attempt(body, person, secret)
        if answer.provider_code in _TOKEN_ENDED:  # refused for the token: nothing was shown
            return await self._attempt(body, person, secret)
        return answer

    def _request(self, intent: Intent, person: str) -> bytes:
        limits = text_limits(self._channel, intent.level)
        number = f"\n消息号 {intent.intent_id[:8]}"
        content = fitted(intent.body, limits.bytes - len(number.encode())) + number
        kind = "markdown" if limits.dialect == "wecom_markdown" else "text"
        return compact(
            {
                "touser": person,
                "msgtype": kind,
                "agentid": self._channel.agent_id,
                kind: {"content": content},
                "enable_duplicate_check": 1,
                "duplicate_check_interval": _CHECKED_S,
            }
        )

    async def _attempt(self, body: bytes, person: str, secret: tuple[str, ...]) -> Answer:
        token = await self._tokens.get(partial(self._fetch_token, secret))
        if isinstance(token, Answer):
            return token
        url = f"{self._channel.url.rstrip('/')}/cgi-bin/message/send"
        query = urlencode({"access_token": token})
        reply = await self._post(url, body, {}, secret_query=query)
        if isinstance(reply, Answer):
            return reply
        answer = answer_of(reply, CODES, size_bytes=len(body), secrets=(token, *secret))
        if answer.provider_code in _TOKEN_ENDED:
            self._tokens.forget(token)
        return _seen_by(reply, person, answer)

    async def _fetch_token(self, secret: tuple[str, ...]) -> Token | Answer:
        url = f"{self._channel.url.rstrip('/')}/cgi-bin/gettoken"
        query = urlencode({"corpid": self._channel.corp_id, "corpsecret": secret[0]})
        reply = await self._post(url, b"", {}, secret_query=query, content_type="", method="GET")
        if isinstance(reply, Answer):
            return reply
        answer = answer_of(reply, CODES, size_bytes=0, secrets=secret)
        if answer.outcome is not DeliveryClass.OK:
            return answer
        return token_of(reply, "access_token", "expires_in")


def token_of(reply: Reply, name: str, expires: str) -> Token | Answer:
    """Return the token of an answer that says it holds one."""
    document = document_of(reply.body)
    value = first_text(document, (name,))
    expires_s = document.get(expires)
    if not value or not isinstance(expires_s, int | float):
        text = f"the answer holds no {name}"
        return Answer(outcome=DeliveryClass.RETRY, text=text, http_status=reply.status)
    return Token(value=value, expires_s=float(expires_s))


def _seen_by(reply: Reply, person: str, answer: Answer) -> Answer:
    """Return a refusal where errcode is 0 and yet the person stands among those not reached."""
    if answer.outcome is not DeliveryClass.OK:
        return answer
    document = document_of(reply.body)
    for name, why in (
        ("invaliduser", "the person is not in the application's visible range"),
        ("unlicenseduser", "the person has no licence for this application"),
    ):
        missed = str(document.get(name) or "").casefold().split("|")
        if person.casefold() in missed:
            return Answer(
                outcome=DeliveryClass.PERMANENT,
                text=f"errcode 0, {name}: {why}",
                http_status=answer.http_status,
                provider_code=name,
                size_bytes=answer.size_bytes,
            )
    return answer
