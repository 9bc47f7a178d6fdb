"""POST /hooks/receipts/CHANNEL/SECRET: what a provider reports of text messages and calls.

The end of the address is the secret; no cookie is looked at. A provider that gets anything but the
answer it expects sends the same report again, so that nothing is lost while the database is away.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alerts.channels.receipts import read_receipts
from config.errors import ConfigError, StoreError
from config.provider_schema import ReceiptRules
from config.providers import rules_of
from config.schema import SmsChannel, VoiceChannel
from groundswell.console.base import Console, real_now
from groundswell.doors import Limiter
from storage.records import ChannelId, Receipt

log = logging.getLogger(__name__)

_BODY_BYTES = 1024 * 1024  # providers push some dozens of reports of 300 bytes
_STRANGERS = 30  # a minute and address


@dataclass(frozen=True, slots=True, kw_only=True)
class Porter:
    """How often an address without a good secret may knock; state of this process."""

    strangers: Limiter = field(default_factory=lambda: Limiter(_STRANGERS, timedelta(minutes=1)))


async def take_receipts(console: Console, porter: Porter, request: Request) -> Response:
    """Take one callback. Nothing is left to the handlers of pages: they would log the address."""
    try:
        return await _take(console, porter, request)
    except ClientDisconnect:
        return PlainTextResponse("broken off", 400)
    except Exception:  # the edge: the secret end of the address must not get into a log
        log.exception("receipts channel=%s broke", request.path_params["channel"])
        return PlainTextResponse("try again later", 500)


async def _take(console: Console, porter: Porter, request: Request) -> Response:
    """Check the address before the body is read, then keep what is reported."""
    channel_id = ChannelId(request.path_params["channel"])
    rules = _rules(console, channel_id, request.path_params["secret"])
    if rules is None:
        address = request.client.host if request.client else ""
        wait = porter.strangers.wait_s(address, real_now())
        status = 429 if wait else 404
        return PlainTextResponse("no such address", status)
    body = await read_body(request)
    if body is None:
        return PlainTextResponse("too large", 413)
    receipts = read_receipts(channel_id, rules, body, console.clock.now())
    if receipts is None:
        log.warning("receipts channel=%s outcome=unreadable bytes=%s", channel_id, len(body))
        return PlainTextResponse("not the provider's format", 400)
    try:
        await run_in_threadpool(_keep, console, receipts)
    except StoreError as error:
        log.error("receipts channel=%s: %s", channel_id, error)  # noqa: TRY400 - it says it all
        return PlainTextResponse("try again later", 503)
    log.info("receipts channel=%s outcome=kept count=%s", channel_id, len(receipts))
    return JSONResponse(dict(rules.answer))


def _rules(console: Console, channel_id: ChannelId, given: str) -> ReceiptRules | None:
    """Return the format of the channel's receipts, None unless the secret is the channel's."""
    channel = console.project.channel(channel_id)
    if not isinstance(channel, SmsChannel | VoiceChannel) or channel.receipts is None:
        return None
    try:
        secret, rules = channel.receipts.resolve(), rules_of(channel).receipts
    except ConfigError as error:
        log.warning("receipts channel=%s: %s", channel_id, error)
        return None
    return rules if hmac.compare_digest(secret.encode(), given.encode()) else None


async def read_body(request: Request) -> bytes | None:
    """Return the body, None when it is longer than any provider's."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _keep(console: Console, receipts: list[Receipt]) -> None:
    with console.store.transaction() as tx:
        tx.add_receipts(receipts)
