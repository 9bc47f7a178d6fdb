"""POST /hooks/replies/CHANNEL/SECRET: what people answer to text messages, as providers push it.

The end of the address is the secret, as with receipts. A provider that does not get the answer it
expects pushes again; an answer that was taken is known by its number and taken once.
"""

from __future__ import annotations

import hmac
import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from config.errors import ConfigError, StoreError
from config.provider_schema import ReplyRules
from config.providers import rules_of
from config.schema import SmsChannel
from groundswell.console.base import Console, real_now
from groundswell.console.hooks import Porter, read_body
from groundswell.inbound.desk import Incoming, ReplyDesk
from groundswell.inbound.sms import read_replies
from storage.records import ChannelId

log = logging.getLogger(__name__)


async def take_replies(console: Console, porter: Porter, request: Request) -> Response:
    """Take one push. Nothing is left to the handlers of pages: they would log the address."""
    try:
        return await _answered(console, porter, request)
    except ClientDisconnect:
        return PlainTextResponse("broken off", 400)
    except Exception:  # the edge: the secret end of the address must not get into a log
        log.exception("replies channel=%s broke", request.path_params["channel"])
        return PlainTextResponse("try again later", 500)


async def _answered(console: Console, porter: Porter, request: Request) -> Response:
    """Check the address before the body is read, then take what it brings."""
    channel_id = ChannelId(request.path_params["channel"])
    rules = _rules(console, channel_id, request.path_params["secret"])
    if rules is None:
        address = request.client.host if request.client else ""
        status = 429 if porter.strangers.wait_s(address, real_now()) else 404
        return PlainTextResponse("no such address", status)
    body = await read_body(request)
    if body is None:
        return PlainTextResponse("too large", 413)
    replies = read_replies(channel_id, rules, body)
    if replies is None:
        log.warning("replies channel=%s outcome=unreadable bytes=%s", channel_id, len(body))
        return PlainTextResponse("not the provider's format", 400)
    try:
        await run_in_threadpool(_take, console, replies)
    except StoreError as error:
        log.error("replies channel=%s: %s", channel_id, error)  # noqa: TRY400 - it says it all
        return PlainTextResponse("try again later", 503)
    return JSONResponse(dict(rules.answer))


def _rules(console: Console, channel_id: ChannelId, given: str) -> ReplyRules | None:
    """Return the format of the channel's answers, None unless the secret is the channel's."""
    channel = console.project.channel(channel_id)
    if not isinstance(channel, SmsChannel) or channel.replies is None:
        return None
    try:
        secret, rules = channel.replies.resolve(), rules_of(channel).replies
    except ConfigError as error:
        log.warning("replies channel=%s: %s", channel_id, error)
        return None
    return rules if hmac.compare_digest(secret.encode(), given.encode()) else None


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
