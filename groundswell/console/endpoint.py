"""What every endpoint of the REST API does: key, pace, body, one answer, and the refusals in words.

In: a function that answers in a thread. Out: an endpoint for Starlette.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from config.errors import GroundswellError, StoreError
from groundswell.console.api import Api, ProblemError, body_of, key_of, pace, parsed, problem
from groundswell.console.base import Console
from groundswell.doors import EDIT, READ

log = logging.getLogger(__name__)

_FIRST_YEAR, _LAST_YEAR = 2000, 2099  # as the calendar's

Endpoint = Callable[[Request], Awaitable[Response]]
Reads = Callable[[Console, Request], dict[str, Any]]
Edits = Callable[[Console, Request, bytes, str], dict[str, Any]]


def reads(console: Console, api: Api, answer: Reads) -> Endpoint:
    """Return an endpoint behind a key that reads."""

    def read(request: Request, body: bytes, by: str) -> dict[str, Any]:
        del body, by
        return answer(console, request)

    return _endpoint(console, api, READ, read)


def edits(console: Console, api: Api, answer: Edits) -> Endpoint:
    """Return an endpoint behind a key that edits; `answer` gets the body and who acts."""
    return _endpoint(console, api, EDIT, partial(answer, console))


def object_of(body: bytes) -> Mapping[str, Any]:
    """Return the object that a body holds; an empty body is an empty one. ProblemError 400."""
    try:
        found = parsed(body.decode("utf-8-sig")) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, "not JSON", f"send UTF-8 JSON: {str(error)[:200]}") from error
    if not isinstance(found, Mapping):
        raise ProblemError(400, "not JSON", "send an object, see /api/v1/openapi.json")
    return found


def instant_of(text: str, zone: ZoneInfo, name: str) -> datetime | None:
    """Return the instant that a field says, None for an empty one. ProblemError 400."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ProblemError(
            400, "bad time", f"{name} {text[:40]!r}: send a time such as 2026-11-20T10:05+08:00"
        ) from error
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:  # near the ends no zone can be applied
        raise ProblemError(
            400, "bad time", f"{name} {text[:40]!r}: send a year from {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _endpoint(
    console: Console,
    api: Api,
    kind: str,
    answer: Callable[[Request, bytes, str], dict[str, Any]],
) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            token = await key_of(console, api, request, kind)
            pace(api, token)
            body = await body_of(request)
            async with api.turnstile:
                found = await run_in_threadpool(answer, request, body, f"key:{token.name}")
        except ProblemError as error:
            return problem(error.status, error.title, error.detail, error.wait_s)
        except StoreError as error:
            log.error("%s: %s", request.url.path, error)  # noqa: TRY400 - the text says it all
            return problem(503, "database unavailable", "send the same call again later", 10)
        except GroundswellError as error:
            return problem(409, "refused", str(error))
        return JSONResponse(found)

    return endpoint
