"""Reading a provider's own word: its HTTP answer and a table of its codes in, one Answer out.

Rule of all tables: a code that is not listed is tried again until the deadline, never a success.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from alerts.channels.answer import Answer
from alerts.channels.http import Reply, answer_of_status, wait_asked_s
from alerts.markup import visible
from storage.records import DeliveryClass

_TEXT_CHARACTERS = 120
_MOBILE = re.compile(r"(?<![0-9])(?:\+?86)?1[3-9][0-9]{9}(?![0-9])")  # mainland China


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What a provider's codes mean: `code` and `words` name the fields, the first present counts.

    `permanent` gives the reason in our words; `ambiguous` are codes after which the message may be
    there; `blocked_s` is how long a sender over its limit is kept out when the answer does not say.
    """

    code: tuple[str, ...]
    words: tuple[str, ...]
    permanent: Mapping[str, str]
    ok: frozenset[str] = frozenset({"0"})
    throttled: frozenset[str] = frozenset()
    ambiguous: frozenset[str] = frozenset()
    message_id: tuple[str, ...] = field(default_factory=tuple)
    blocked_s: float = 60.0

    def classify(self, code: str) -> DeliveryClass:
        """Return what a code means for the message."""
        if code in self.ok:
            return DeliveryClass.OK
        if code in self.throttled:
            return DeliveryClass.THROTTLED
        if code in self.permanent:
            return DeliveryClass.PERMANENT
        return DeliveryClass.AMBIGUOUS if code in self.ambiguous else DeliveryClass.RETRY


def answer_of(reply: Reply, codes: Codes, *, size_bytes: int, secrets: Iterable[str]) -> Answer:
    """Return what an answer means; what cannot be read is no success.

    A refusal may come as HTTP 200 or 400 with a code, which then decides; redirects, 5xx and 429
    are decided by the status, whatever the body says.
    """
    by_status = answer_of_status(reply, size_bytes=size_bytes)
    document = document_of(reply.body)
    code = code_of(document, codes.code)
    is_client_error = 400 <= reply.status < 500 and reply.status != 429
    if by_status is not None and (not is_client_error or code is None or code in codes.ok):
        return by_status
    if code is None:
        return unreadable(reply, size_bytes=size_bytes)
    words = scrub(first_text(document, codes.words), secrets)
    return answer_of_code(codes, code, words, reply, size_bytes=size_bytes, document=document)


def answer_of_code(
    codes: Codes,
    code: str,
    words: str,
    reply: Reply,
    *,
    size_bytes: int,
    document: Mapping[str, Any],
) -> Answer:
    """Return the answer that follows from a code; `words` hold no secret any more."""
    outcome = codes.classify(code)
    wait_s = None
    if outcome is DeliveryClass.THROTTLED:
        asked_s = wait_asked_s(reply)
        wait_s = codes.blocked_s if asked_s is None else asked_s
    return Answer(
        outcome=outcome,
        text=_said(codes, code, words, outcome),
        http_status=reply.status,
        provider_code=code,
        provider_message_id=(
            visible(first_text(document, codes.message_id))[:_TEXT_CHARACTERS]
            if outcome is DeliveryClass.OK
            else ""
        ),
        retry_after_s=wait_s,
        size_bytes=size_bytes,
    )


def unreadable(reply: Reply, *, size_bytes: int) -> Answer:
    """Return the answer to a 2xx that is not the provider's."""
    return Answer(
        outcome=DeliveryClass.RETRY,
        text="the answer is not the provider's JSON; a gateway may stand between",
        http_status=reply.status,
        size_bytes=size_bytes,
    )


def document_of(body: bytes) -> Mapping[str, Any]:
    """Return the answer's JSON object, an empty one when it is none."""
    document = parsed(body)
    return document if isinstance(document, dict) else {}


def parsed(body: bytes) -> Any:
    """Return what the JSON says, None when it is none.

    Words in another charset than UTF-8 become signs of replacement: codes are plain ASCII, and to
    miss a success for its words would show the message twice.
    """
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None


def code_of(document: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first code present, which is a whole number, or a text where codes are texts."""
    for name in names:
        value = document.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def first_text(document: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return the first non-empty text at these places ("data.message_id" goes into objects)."""
    for name in names:
        value: Any = document
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return a provider's words as one short line without secrets and mobile numbers."""
    for secret in secrets:
        forms = {
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            base64.b64encode(secret.encode()).decode(),
        }
        for form in sorted(forms, key=len, reverse=True):
            if form:
                text = text.replace(form, "***")
    return _MOBILE.sub("***", visible(text))[:_TEXT_CHARACTERS]


def _said(codes: Codes, code: str, words: str, outcome: DeliveryClass) -> str:
    if outcome is DeliveryClass.OK:
        return ""
    if outcome is DeliveryClass.THROTTLED:
        return f"{codes.code[0]} {code}: too many messages"
    return f"{codes.code[0]} {code}: {codes.permanent.get(code) or words}".rstrip(": ")
