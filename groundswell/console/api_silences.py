"""/api/v1/silences: what is not said for the time being, for other programs.

A release tool may ask for one before it ships, and end it afterwards. Reading needs a key that
reads, the rest one that edits.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from config.errors import GroundswellError, StoreError
from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError, body_of, key_of, pace, parsed, problem
from groundswell.console.base import Console
from groundswell.console.openapi_silences import LISTS, TEXTS
from groundswell.doors import EDIT, READ
from groundswell.silence_desk import SilenceDesk, Wish

log = logging.getLogger(__name__)

_TEXT_LIMIT = 500  # characters of any value
_MOST_WORDS = 100  # of one condition

Answer = Callable[[SilenceDesk, Request, bytes, str], dict[str, Any]]


def silence_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/silences"
    return [
        Route(root, _endpoint(console, api, READ, _list), methods=["GET"]),
        Route(root, _endpoint(console, api, EDIT, _add), methods=["POST"]),
        Route(root + "/{silence}/end", _endpoint(console, api, EDIT, _end), methods=["POST"]),
    ]


def _endpoint(
    console: Console, api: Api, kind: str, answer: Answer
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            token = await key_of(console, api, request, kind)
            pace(api, token)
            body = await body_of(request)
            async with api.turnstile:
                found = await run_in_threadpool(
                    answer, _desk(console), request, body, f"key:{token.name}"
                )
        except ProblemError as error:
            return problem(error.status, error.title, error.detail, error.wait_s)
        except StoreError as error:
            log.error("silences: %s", error)  # noqa: TRY400 - the text says it all
            return problem(503, "database unavailable", "send the same call again later", 10)
        except GroundswellError as error:
            return problem(409, "refused", str(error))
        return JSONResponse(found)

    return endpoint


def _desk(console: Console) -> SilenceDesk:
    if console.silences is None:
        raise ProblemError(404, "no silences", "this console keeps none")
    return console.silences


def _list(desk: SilenceDesk, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request, body, by
    silences, windows = desk.listed()
    standing = [one for one in silences if one.ended_at is None]
    return {"silences": plain(standing), "maintenance": plain(list(windows))}


def _add(desk: SilenceDesk, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    silence, held = desk.add(_wish(_said(body), desk.project.settings.zone), by)
    return {"silence": plain(silence), "held": [one.code for one in held]}


def _end(desk: SilenceDesk, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del body
    named = str(request.path_params["silence"])[:_TEXT_LIMIT]
    return {"silence": named, "heard": [one.code for one in desk.end(named, by)]}


def _wish(said: Mapping[str, Any], zone: ZoneInfo) -> Wish:
    ends_at = _instant(said.get("until", ""), zone, "until")
    if ends_at is None:
        raise ProblemError(400, "no end", 'send "until": an ISO 8601 time')
    words = {name: tuple(said.get(name, ())) for name in LISTS}
    return Wish(
        ends_at=ends_at,
        starts_at=_instant(said.get("from", ""), zone, "from"),
        reason=said.get("reason", ""),
        up_to=said.get("up_to", "yellow"),
        incident=said.get("incident", ""),
        **words,
    )


def _instant(text: str, zone: ZoneInfo, name: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ProblemError(
            400, "bad time", f"{name} {text[:40]!r}: send a time such as 2026-11-20T10:05+08:00"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _said(body: bytes) -> Mapping[str, Any]:
    try:
        found = parsed(body.decode("utf-8-sig")) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, "not JSON", f"send UTF-8 JSON: {str(error)[:200]}") from error
    if not isinstance(found, Mapping):
        raise ProblemError(400, "not JSON", "send an object, see /api/v1/openapi.json")
    for name, value in found.items():
        if name in TEXTS and _is_text(value):
            continue
        if name in LISTS and isinstance(value, list) and _are_words(value):
            continue
        raise ProblemError(
            400,
            "bad value",
            f"{str(name)[:40]!r}: send {', '.join(TEXTS)} as texts and {', '.join(LISTS)} as "
            f"arrays of texts, each of at most {_TEXT_LIMIT} characters, nothing else",
        )
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _TEXT_LIMIT


def _are_words(value: list[object]) -> bool:
    return len(value) <= _MOST_WORDS and all(map(_is_text, value))
