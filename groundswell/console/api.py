"""POST /api/v1/mentions: mentions pushed by other programs, each behind a key of its own.

No cookie is looked at here, so no page of another site can act through somebody's login. Every
error is a problem document (RFC 9457) that says what to do.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from config.errors import GroundswellError, StoreError
from groundswell.console.base import Console, real_now
from groundswell.console.openapi import document
from groundswell.doors import EDIT, MOST_ROWS, PUSH, READ, KeyRefusedError, Limiter, Taken, digest
from groundswell.importing_values import Reading
from groundswell.vault import CLOSED
from storage.records import AccessToken

log = logging.getLogger(__name__)

BODY_LIMIT = 4 * 1024 * 1024  # bytes: 1000 posts of 1,300 Chinese characters
CALLS = (
    60  # a minute and key: 1,000 rows a second, more than one machine judges (docs/api.zh-CN.md)
)
_BAD_KEYS = 30  # a minute and address
_OPENED_BY = {PUSH: (PUSH,), READ: (READ, EDIT), EDIT: (EDIT,)}  # what a call needs: keys
_FLAGS = {PUSH: "", READ: " --read", EDIT: " --edit"}
_JSON = frozenset({"", "application/json"})
_LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/json-lines"})


class ProblemError(GroundswellError):
    """A call that is refused as a whole, with its HTTP status."""

    def __init__(self, status: int, title: str, detail: str, wait_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.wait_s = status, title, detail, wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the calls share: the limits of this process, and a turnstile before the database."""

    calls: Limiter = field(default_factory=lambda: Limiter(CALLS, timedelta(minutes=1)))
    strangers: Limiter = field(default_factory=lambda: Limiter(_BAD_KEYS, timedelta(minutes=1)))
    # Two writers at a time at most, so that a busy client leaves threads for people's pages.
    turnstile: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))


async def push(console: Console, api: Api, request: Request) -> Response:
    """Take one call."""
    try:
        token = await key_of(console, api, request)
        pace(api, token)
        lines = _is_lines(request)
        body = await body_of(request)
        async with api.turnstile:
            taken = await run_in_threadpool(_take, console, token, body, lines=lines)
    except ProblemError as error:
        return problem(error.status, error.title, error.detail, error.wait_s)
    except KeyRefusedError as error:
        return problem(401, "key refused", f"{error}; ask for a new one")
    except StoreError as error:
        log.error("push: %s", error)  # noqa: TRY400 - the text says it all
        return problem(
            503, "database unavailable", "send the same call again later; a repeat is harmless", 10
        )
    return JSONResponse(_answer(taken, has_vault=console.vault is not None))


def describe(console: Console, request: Request) -> Response:
    """Give the OpenAPI document."""
    del request
    return JSONResponse(document(console.project.settings.console.base_url or ""))


def problem(status: int, title: str, detail: str, wait_s: int = 0) -> Response:
    """Return a problem document."""
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="groundswell"'
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status, "detail": detail},
        status,
        headers=headers,
        media_type="application/problem+json",
    )


async def key_of(console: Console, api: Api, request: Request, kind: str = PUSH) -> AccessToken:
    """Return the key of a call, which must be of a kind.

    Errors: ProblemError 401 without a good one, 429 for an address that keeps trying.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    now = real_now()
    token = None
    if scheme.lower() == "bearer" and 0 < len(key) <= 200:
        token = await run_in_threadpool(_find, console, key, now, kind)
    if token is not None:
        return token
    address = request.client.host if request.client else ""
    wait = api.strangers.wait_s(address, now)
    if wait:
        raise ProblemError(429, "too many bad keys", "use a good key, or wait", wait)
    raise ProblemError(
        401,
        "no good key",
        "send the header 'Authorization: Bearer KEY'; an engineer makes a key with "
        f"`groundswell token create NAME{_FLAGS[kind]}`",
    )


def pace(api: Api, token: AccessToken) -> None:
    """Refuse a key that calls too often: ProblemError 429."""
    wait = api.calls.wait_s(token.token_hash, real_now())
    if wait:
        raise ProblemError(
            429,
            "too many calls",
            f"this key may make {CALLS} calls a minute; wait, or send up to {MOST_ROWS} "
            "mentions a call",
            wait,
        )


def _find(console: Console, key: str, now: datetime, kind: str) -> AccessToken | None:
    with console.store.read() as queries:
        token = queries.token(digest(key), now)
    return token if token is not None and token.kind in _OPENED_BY[kind] else None


def _is_lines(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "encoded body", "send the body uncompressed")
    if kind not in _JSON | _LINES:
        raise ProblemError(
            415,
            "unknown kind of body",
            'send Content-Type application/json (an array, or an object with "mentions") or '
            "application/x-ndjson (one mention a line)",
        )
    return kind in _LINES


async def body_of(request: Request) -> bytes:
    """Read the body, never more than the limit: what a client declares may be wrong."""
    too_large = ProblemError(
        413, "body too large", f"send at most {BODY_LIMIT} bytes a call; split it into more calls"
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > BODY_LIMIT:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _take(console: Console, token: AccessToken, body: bytes, *, lines: bool) -> Taken:
    rows = _rows(body, lines=lines)
    reading = Reading(
        now=console.clock.now(),
        zone=ZoneInfo(console.project.settings.timezone),
        source=token.name,
        source_id=f"push:{token.name}",
        channel=token.channel,
        region=token.region,
    )
    taken = console.doors.push(token, rows, reading, real_now())
    log.info(
        "push key=%s rows=%d rejected=%d outcomes=%s",
        token.name,
        len(rows),
        taken.rejected,
        taken.outcomes,
    )
    return taken


def _rows(body: bytes, *, lines: bool) -> list[Any]:
    """Return the rows of a body.

    Errors: ProblemError 400 when it is not JSON of the right shape, 413 when it holds too many.
    """
    try:
        text = body.decode("utf-8-sig")
        split = text.split("\n") if lines else []
        rows: Any = [parsed(line) for line in split if line.strip()] if lines else parsed(text)
    except RecursionError as error:
        raise ProblemError(400, "not JSON", "the body is too deeply nested") from error
    except ValueError as error:
        raise ProblemError(400, "not JSON", f"send UTF-8 JSON: {str(error)[:200]}") from error
    if isinstance(rows, Mapping):
        rows = rows.get("mentions")
    if not isinstance(rows, list) or not rows:
        raise ProblemError(
            400, "no mentions", 'send an array of mentions, or an object {"mentions": [...]}'
        )
    if len(rows) > MOST_ROWS:
        raise ProblemError(
            413, "too many mentions", f"send at most {MOST_ROWS} mentions a call, got {len(rows)}"
        )
    return rows


def parsed(text: str) -> Any:
    """Read JSON; ValueError for what is none, RecursionError for what is too deep."""
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _answer(taken: Taken, *, has_vault: bool) -> dict[str, Any]:
    """Word the answer; `results` of a repeated call are the same, `changed` tells what it did."""
    notes = [] if has_vault or not taken.contacts else [f"contact: {CLOSED}"]
    results = [
        {"index": item.index, "id": item.id, "outcome": "rejected", "reason": item.reason}
        if item.reason
        else {
            "index": item.index,
            "id": item.id,
            "outcome": "accepted",
            "mention": item.mention_id,
        }
        for item in taken.items
    ]
    return {
        "accepted": len(results) - taken.rejected,
        "rejected": taken.rejected,
        "changed": dict(taken.outcomes),
        "results": results,
        **({"notes": notes} if notes else {}),
    }
