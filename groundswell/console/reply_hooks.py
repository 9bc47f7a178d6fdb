"""POST /hooks/replies/CHANNEL/SECRET: what people answer to text messages, as providers push it.

The end of the address is the secret, as with receipts. A provider that does not get the answer it
expects pushes again; an answer that was taken is known by its number and taken once.
"""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from config.provider_schema import ReplyRules
from config.providers import rules_of
from config.schema import SmsChannel
from config.values import SecretRef
from groundswell.console.base import Console
from groundswell.console.hooks import Door, Porter, take
from groundswell.inbound.desk import Incoming, ReplyDesk
from groundswell.inbound.sms import read_replies
from storage.records import ChannelId

log = logging.getLogger(__name__)


async def take_replies(console: Console, porter: Porter, request: Request) -> Response:
    """Take one push of answers."""
    door = Door(
        name="replies",
        rules=_rules,
        read=lambda _, channel_id, rules, body: read_replies(channel_id, rules, body),
        keep=_take,
        answer=lambda rules: rules.answer,
    )
    return await take(door, console, porter, request)


def _rules(console: Console, channel_id: ChannelId) -> tuple[SecretRef, ReplyRules] | None:
    channel = console.project.channel(channel_id)
    if not isinstance(channel, SmsChannel) or channel.replies is None:
        return None
    rules = rules_of(channel).replies
    return None if rules is None else (channel.replies, rules)


def _take(console: Console, replies: list[Incoming]) -> None:
    desk = ReplyDesk(
        store=console.store,
        project=console.project,
        clock=console.clock,
        desk=console.desk,
        links=console.links,
    )
    for incoming in replies:
        taken = desk.take(incoming)
        log.info("replies channel=%s outcome=%s", incoming.channel_id, taken.outcome)
