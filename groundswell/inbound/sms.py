"""Answers to text messages (上行短信), as providers push them: a body in, Incomings out. Pure.

The formats are the providers' own (config/providers/*.yaml).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from alerts.channels.codes import parsed
from alerts.channels.templated import found_text
from config.channel_schema import e164
from config.provider_schema import ReplyRules
from groundswell.inbound.desk import Incoming
from storage.records import ChannelId

_AT_ONCE = 500  # in one push; providers push some dozens


def read_replies(channel_id: ChannelId, rules: ReplyRules, body: bytes) -> list[Incoming] | None:
    """Return the answers of one push; None when it is not in the provider's format."""
    try:
        pushed = jmespath.search(rules.each, parsed(body))
    except JMESPathError:
        return None
    if isinstance(pushed, dict):
        pushed = [pushed]
    if not isinstance(pushed, list):
        return None
    return [_incoming(channel_id, rules, one) for one in pushed[:_AT_ONCE] if isinstance(one, dict)]


def _incoming(channel_id: ChannelId, rules: ReplyRules, one: dict[str, Any]) -> Incoming:
    number = found_text(rules.sender, one)
    whole = json.dumps(one, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(whole.encode(errors="backslashreplace")).hexdigest()  # half an emoji
    # numbers of a provider may come again after a year; with the sender they do not
    named = found_text(rules.id, one)
    return Incoming(
        channel_id=channel_id,
        message_id=f"{named[:80]}:{digest[:16]}" if named else digest,
        sender=e164(number) or e164(f"+{number.lstrip('+')}"),
        text=found_text(rules.text, one),
    )
