"""POST /hooks/receipts/CHANNEL/SECRET: what a provider reports of text messages and calls.

The end of the address is the secret; no cookie is looked at. A provider that gets anything but the
answer it expects sends the same report again, so that nothing is lost while the database is away.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alerts.channels.receipts import read_receipts
from config.errors import ConfigError, StoreError
from config.provider_schema import ReceiptRules
from config.providers import rules_of
from config.schema import SmsChannel, VoiceChannel
from config.values import SecretRef
from groundswell.console.base import Console, real_now
from groundswell.doors import Limiter
from storage.records import ChannelId, Receipt

log = logging.getLogger(__name__)

_BODY_BYTES = 1024 * 1024  # providers push some dozens of reports of 300 bytes
_STRANGERS = 30  # a minute and address

Rules = TypeVar("Rules")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Porter:
    """How often an address without a good secret may knock; state of this process."""

    strangers: Limiter = field(default_factory=lambda: Limiter(_STRANGERS, timedelta(minutes=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Door(Generic[Rules, Item]):
    """What one kind of callback is: whose format it has, how it is read, what becomes of it.

    `rules` gives the channel's format and its secret, None for a channel that takes none.
    """

    name: str
    rules: Callable[[Console, ChannelId], tuple[SecretRef, Rules] | None]
    read: Callable[[Console, ChannelId, Rules, bytes], list[Item] | None]
    keep: Callable[[Console, list[Item]], None]
    answer: Callable[[Rules], Mapping[str, object]]


async def take_receipts(console: Console, porter: Porter, request: Request) -> Response:
    """Take one callback about messages."""
    door = Door(
        name="receipts",
        rules=_receipt_rules,
        read=lambda console, channel_id, rules, body: read_receipts(
            channel_id, rules, body, console.clock.now()
        ),
        keep=_keep,
        answer=lambda rules: rules.answer,
    )
    return await take(door, console, porter, request)


async def take(
    door: Door[Rules, Item], console: Console, porter: Porter, request: Request
) -> Response:
    """Take one callback. Nothing is left to the handlers of pages: they would log the address."""
    try:
        return await _take(door, console, porter, request)
    except ClientDisconnect:
        return PlainTextResponse("broken off", 400)
    except Exception:  # the edge: the secret end of the address must not get into a log
        log.exception("%s channel=%s broke", door.name, request.path_params["channel"])
        return PlainTextResponse("try again later", 500)


async def _take(
    door: Door[Rules, Item], console: Console, porter: Porter, request: Request
) -> Response:
    """Check the address before the body is read, then keep what is reported."""
    channel_id = ChannelId(request.path_params["channel"])
    rules = _opened(door, console, channel_id, request.path_params["secret"])
    if rules is None:
        address = request.client.host if request.client else ""
        status = 429 if porter.strangers.wait_s(address, real_now()) else 404
        return PlainTextResponse("no such address", status)
    body = await _read_body(request)
    if body is None:
        return PlainTextResponse("too large", 413)
    items = door.read(console, channel_id, rules, body)
    if items is None:
        log.warning("%s channel=%s outcome=unreadable bytes=%s", door.name, channel_id, len(body))
        return PlainTextResponse("not the provider's format", 400)
    try:
        await run_in_threadpool(door.keep, console, items)
    except StoreError as error:
        log.error("%s channel=%s: %s", door.name, channel_id, error)  # noqa: TRY400 - it says it
        return PlainTextResponse("try again later", 503)
    log.info("%s channel=%s outcome=taken count=%s", door.name, channel_id, len(items))
    return JSONResponse(dict(door.answer(rules)))


def _opened(
    door: Door[Rules, Item], console: Console, channel_id: ChannelId, given: str
) -> Rules | None:
    """Return the format of the channel's callbacks, None unless the secret is the channel's."""
    try:
        found = door.rules(console, channel_id)
        if found is None:
            return None
        secret, rules = found
        good = secret.resolve()
    except ConfigError as error:
        log.warning("%s channel=%s: %s", door.name, channel_id, error)
        return None
    return rules if hmac.compare_digest(good.encode(), given.encode()) else None


def _receipt_rules(
    console: Console, channel_id: ChannelId
) -> tuple[SecretRef, ReceiptRules] | None:
    channel = console.project.channel(channel_id)
    if not isinstance(channel, SmsChannel | VoiceChannel) or channel.receipts is None:
        return None
    rules = rules_of(channel).receipts
    return None if rules is None else (channel.receipts, rules)


async def _read_body(request: Request) -> bytes | None:
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
