"""Text messages and calls: the words of an intent in, the parameters of a provider's template out.

A provider holds the approved text; what leaves here are its variables. The provider's number for
the message comes back with the answer, and by it the receipts that follow are known
(alerts.channels.receipts). How a provider is spoken to is data: config/providers/*.yaml, or the
project's own rules.
"""

from __future__ import annotations

import re
import secrets as random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError

from alerts.channels.answer import Answer, permanent
from alerts.channels.codes import parsed, scrub, unreadable
from alerts.channels.http import JSON_TYPE, Post, Reply, answer_of_status, wait_asked_s
from alerts.channels.signing import Call, Key, acs3, canonical_query, tc3
from alerts.channels.texts import compact, secret_values
from alerts.markup import plain, shorten
from config.channel_schema import address_of
from config.provider_schema import MESSAGE_WORDS, PLACEHOLDERS, ProviderRules
from config.providers import rules_of
from config.schema import Owner, SmsChannel, VoiceChannel
from storage.records import DeliveryClass, Intent

FORM_TYPE = "application/x-www-form-urlencoded"

_BRACES = re.compile(r"\{([a-z_]+)\}")
_UNKNOWN = "-"  # providers refuse empty parameters
_TEXT_CHARACTERS = 60
_BLOCKED_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filling:
    """What the braces stand for: texts, and the parameters as a list and as a JSON text."""

    texts: Mapping[str, str]
    values: list[str]

    def __repr__(self) -> str:
        """Show nothing: numbers and keys are in it."""
        return "_Filling(***)"


class TemplatedSender:
    """Sends through one provider; `wall` is the real clock, for signatures end in minutes."""

    is_keyed = False
    per_minute: int | None = None  # providers count per number, and refuse by code
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(
        self,
        channel: SmsChannel | VoiceChannel,
        post: Post,
        *,
        wall: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: random.token_hex(16),
    ) -> None:
        self._channel = channel
        self._rules = rules_of(channel)
        self._post = post
        self._wall = wall
        self._nonce = nonce

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Ask the provider for one message or call."""
        del repeat  # the template has no room for it; a second one says the same code
        mobile = address_of(owner, self._channel)
        if not mobile:
            return permanent(f"owner {owner.id} has no mobile number that can be used")
        values = secret_values(self._channel.key_id, self._channel.secret)
        if isinstance(values, Answer):
            return values
        key = Key(key_id=values[0], secret=values[1])
        filling = self._filling(intent, owner, mobile, key)
        rules = self._rules
        body, content_type = _body(rules, filling)
        query = canonical_query(
            {name: str(_filled(text, filling)) for name, text in rules.query.items()}
        )
        headers = {name: str(_filled(text, filling)) for name, text in rules.headers.items()}
        headers |= self._signature(query, body, content_type, key)
        reply = await self._post(
            rules.url, body, headers, secret_query=query, content_type=content_type
        )
        if isinstance(reply, Answer):
            return reply
        hidden = (*values, mobile, filling.texts["national"], filling.texts["digits"])
        return read_answer(rules, reply, size_bytes=len(body) or len(query), hidden=hidden)

    def _filling(self, intent: Intent, owner: Owner, mobile: str, key: Key) -> _Filling:
        channel = self._channel
        words = words_of(intent, owner)
        params = {
            name: shorten(plain(words.get(word, "")), channel.longest) or _UNKNOWN
            for name, word in channel.params.items()
        }
        texts = {
            **words,
            "id": intent.intent_id,
            "mobile": mobile,
            "digits": mobile.removeprefix("+"),
            "national": mobile.removeprefix("+86").removeprefix("+"),
            "template": channel.template,
            "signature": channel.signature if isinstance(channel, SmsChannel) else "",
            "caller": channel.caller if isinstance(channel, VoiceChannel) else "",
            "app": channel.app,
            "key_id": key.key_id,
            "secret": key.secret,
            "params": compact(params).decode(),
        }
        return _Filling(texts=texts, values=list(params.values()))

    def _signature(self, query: str, body: bytes, content_type: str, key: Key) -> dict[str, str]:
        rules = self._rules
        if rules.sign == "none":
            return {}
        parts = urlsplit(rules.url)
        call = Call(
            host=parts.netloc,
            path=parts.path or "/",
            query=query,
            body=body,
            content_type=content_type,
            action=rules.action,
            version=rules.version,
            service=rules.service,
            region=rules.region,
        )
        now = datetime.fromtimestamp(self._wall(), UTC)
        return acs3(call, key, now, self._nonce()) if rules.sign == "acs3" else tc3(call, key, now)


def words_of(intent: Intent, owner: Owner) -> dict[str, str]:
    """Return the words that a template may take; of a message that brings none, what it shows."""
    subject = plain(intent.subject)
    shown = {
        "level": intent.level.zh,
        "title": subject.rpartition("】")[2].partition("·")[0] or subject,
        "name": owner.name,
        "text": subject,
    }
    words = shown | {name: text for name, text in intent.words.items() if text}
    return {name: shorten(words.get(name, ""), _TEXT_CHARACTERS) for name in MESSAGE_WORDS}


def read_answer(
    rules: ProviderRules, reply: Reply, *, size_bytes: int, hidden: tuple[str, ...]
) -> Answer:
    """Return what a provider's answer means; `hidden` is what must not stand in it.

    Its code decides, whatever the status, except that nothing but 2xx is a success.
    """
    by_status = answer_of_status(reply, size_bytes=size_bytes)
    document = parsed(reply.body)
    code = found_text(rules.code, document)
    if not code or (by_status is not None and _is_any(code, rules.ok)):
        return by_status or unreadable(reply, size_bytes=size_bytes)
    outcome, wait_s = DeliveryClass.RETRY, None
    if _is_any(code, rules.ok):
        outcome = DeliveryClass.OK
    elif _is_any(code, rules.throttled) or reply.status == 429:
        asked_s = wait_asked_s(reply)
        outcome, wait_s = DeliveryClass.THROTTLED, _BLOCKED_S if asked_s is None else asked_s
    elif _is_any(code, rules.permanent):
        outcome = DeliveryClass.PERMANENT
    words = scrub(found_text(rules.words, document), hidden)
    is_ok = outcome is DeliveryClass.OK
    return Answer(
        outcome=outcome,
        text="" if is_ok else f"code {scrub(code, hidden)}: {words}".rstrip(": "),
        http_status=reply.status,
        provider_code=scrub(code, hidden),
        provider_message_id=scrub(found_text(rules.message_id, document), hidden) if is_ok else "",
        retry_after_s=wait_s,
        size_bytes=size_bytes,
    )


def found_text(path: str, document: Any) -> str:
    """Return the text or number at a JMESPath, "" when there is none."""
    if not path or document is None:
        return ""
    try:
        found = jmespath.search(path, document)
    except JMESPathError:
        return ""  # the path asks for something that this answer does not have
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _is_any(code: str, patterns: tuple[str, ...]) -> bool:
    return any(
        code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
        for pattern in patterns
    )


def _body(rules: ProviderRules, filling: _Filling) -> tuple[bytes, str]:
    """Return the body and its type; no type where there is no body."""
    if rules.json_ is not None:
        return compact(_filled(dict(rules.json_), filling)), JSON_TYPE
    if rules.form:
        values = {name: str(_filled(text, filling)) for name, text in rules.form.items()}
        return urlencode(values).encode(), FORM_TYPE
    return b"", ""


def _filled(value: Any, filling: _Filling) -> Any:
    """Return a value of the rules with what its braces stand for."""
    if isinstance(value, dict):
        return {name: _filled(item, filling) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, filling) for item in value]
    if not isinstance(value, str):
        return value
    if value == "{values}":
        return filling.values

    def put(found: re.Match[str]) -> str:
        name = found[1]
        return filling.texts.get(name, found[0]) if name in PLACEHOLDERS else found[0]

    return _BRACES.sub(put, value)
