"""Fitting a message into a provider's request: the intent's body in, bytes within the limit out.

The body was rendered for its channel; here it is only marked as a repeat, given the words a robot
insists on, or cut further, never through a link, when its JSON comes out too long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from alerts.channels.answer import Answer, permanent
from alerts.markup import cut_bytes, fit
from config.channel_schema import Channel, text_limits
from config.errors import ConfigError
from config.values import SecretRef
from storage.records import Intent, Level

REPEAT = "【重发】"
_HEAD_LINES = 2  # first line and code, which are never cut


def body_of(intent: Intent, channel: Channel, *, repeat: bool) -> str:
    """Return the body within the channel's bytes, marked when an earlier attempt may be there."""
    limit = text_limits(channel, intent.level).bytes
    return fitted(f"{REPEAT}{intent.body}" if repeat else intent.body, limit)


def fitted(text: str, limit: int) -> str:
    """Return a text within `limit` UTF-8 bytes: what is cut is cut from its end, links whole.

    A text whose first lines alone are too long is cut at a character.
    """
    if len(text.encode()) <= limit:
        return text
    lines = text.split("\n")
    for kept in range(min(_HEAD_LINES, len(lines)), 0, -1):
        if len("\n".join(lines[:kept]).encode()) <= limit:
            return fit(lines[:kept], lines[kept:], limit)
    return cut_bytes(text, limit)


def without_first_line(body: str, subject: str) -> str:
    """Return the body without its first line where that is the title, which is shown above it."""
    first, _, rest = body.partition("\n")
    return rest.lstrip("\n") if first.strip().endswith(subject.strip()) and rest else body


def compact(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON; the same document is always the same bytes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def within(build: Callable[[str], Mapping[str, Any]], text: str, limit: int) -> bytes:
    """Return the request whose JSON has at most `limit` bytes, its text cut no further than needed.

    Escapes make JSON longer than its text, up to fourfold where JSON stands in JSON, and not
    evenly: the longest beginning that fits is searched for by halves.
    """
    body = compact(build(text))
    if len(body) <= limit:
        return body
    fits, too_long = 0, len(text.encode())
    body = compact(build(""))
    while too_long - fits > 1:
        room = (fits + too_long) // 2
        tried = compact(build(fitted(text, room)))
        if len(tried) <= limit:
            fits, body = room, tried
        else:
            too_long = room
    return body


def with_keyword(text: str, keyword: str) -> str:
    """Return a text in which the word stands that the robot's 自定义关键词 asks for."""
    return text if not keyword or keyword in text else f"{text}\n{keyword}"


def calls_the_person(level: Level) -> bool:
    """Say whether a message of this level names the person in the group: orange and red."""
    return level >= Level.ORANGE


def secret_values(*references: SecretRef | None) -> tuple[str, ...] | Answer:
    """Return the secrets' values ("" for None), or the answer to one that is missing."""
    try:
        return tuple("" if one is None else one.resolve() for one in references)
    except ConfigError as error:
        return permanent(str(error))
