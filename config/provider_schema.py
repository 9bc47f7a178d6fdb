"""How a provider of text messages or calls is spoken to: its requests, answers, receipts, as data.

Aliyun and Tencent ship with the program (config/providers/*.yaml); a project may describe another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue, field_validator

from config.values import Model, Words

# What the program knows of a message that a provider-held template may take; texts are <= 60
# characters (alerts.messages writes them).
MESSAGE_WORDS = ("level", "title", "people", "ratio", "by", "code", "name", "text")
# What may stand in a request, in braces. "values" and "params" are the template's parameters, in
# their order and by their names; alone in a JSON text they become a list and a JSON text.
PLACEHOLDERS = frozenset(
    {
        "id",
        "mobile",
        "digits",
        "national",
        "template",
        "signature",
        "caller",
        "app",
        "key_id",
        "secret",
        "values",
        "params",
        *MESSAGE_WORDS,
    }
)


class ReceiptRules(Model):
    """How the provider says later what became of a message. All places are JMESPath.

    `each`: the list of reports in what it posts ("@" when that is the list itself). Within a
    report `id` is the number the provider gave when it took the message, `state` is looked up in
    `delivered`, `answered` and `failed`; a state that stands in none is kept as it is, as "failed".
    """

    each: str = "@"
    id: str
    state: str
    text: str = ""
    delivered: Words = ()
    answered: Words = ()
    answer: Mapping[str, JsonValue] = Field(default_factory=dict)  # what it wants to read back


class ReplyRules(Model):
    """How the provider pushes what people answer to a text message. All places are JMESPath.

    `each` as with receipts. `sender` is the number, `text` what was written; a provider that gives
    an answer no number of its own (`id` left out) has it known by all that it pushes of it.
    """

    each: str = "@"
    id: str = ""
    sender: str
    text: str
    answer: Mapping[str, JsonValue] = Field(default_factory=dict)


class ProviderRules(Model):
    """One provider's way: what is posted, how it is signed, what its answers mean.

    `sign`: "acs3" (ACS3-HMAC-SHA256 of Aliyun), "tc3" (TC3-HMAC-SHA256 of Tencent), or "none"
    where `headers`, `query` or the body carry what proves who we are. A code that stands in none of
    `ok`, `throttled`, `permanent` is tried again; one ending in "*" stands for all that begin so.
    """

    url: str
    sign: Literal["acs3", "tc3", "none"] = "none"
    action: str = ""
    version: str = ""
    service: str = ""
    region: str = ""
    headers: Mapping[str, str] = Field(default_factory=dict)
    query: Mapping[str, str] = Field(default_factory=dict)
    json_: Mapping[str, JsonValue] | None = Field(default=None, alias="json")
    form: Mapping[str, str] = Field(default_factory=dict)
    code: str  # JMESPath of the code in the answer
    words: str = ""  # JMESPath of its explanation
    message_id: str = ""  # JMESPath of the number by which receipts name this message
    ok: Words
    throttled: Words = ()
    permanent: Words = ()
    receipts: ReceiptRules | None = None
    replies: ReplyRules | None = None

    @field_validator("ok")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("expected at least one code that means success, got none")
        return value
