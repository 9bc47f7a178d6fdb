"""/api/v1/incidents: what people work on, for other programs, and every command of the desk.

Reading needs a key that reads, acting one that edits. Every act stands in the log under the name of
its key; closing needs the customer's word here as everywhere.
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
from starlette.routing import BaseRoute, Route

from alerts.command import Command, CommandName, IllegalMove, kind_named, level_named
from alerts.commands import allowed_commands
from config.errors import GroundswellError, StoreError
from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError, body_of, key_of, pace, parsed, problem
from groundswell.console.base import Console
from groundswell.console.openapi_incidents import COUNTS, LISTS, MOST, TEXTS
from groundswell.doors import EDIT, READ
from storage.queries import Queries
from storage.records import Incident, IncidentState

log = logging.getLogger(__name__)

_TEXT_LIMIT = 2000  # characters of any value
_MOST_AUTHORS = 10_000_000
_MOST_LISTED = 1000
_MOST_COUNTS = 10
_OPEN = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED)

Answer = Callable[[Console, Request], dict[str, Any]]


def incident_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/incidents"
    return [
        Route(root, _reading(console, api, read_list), methods=["GET"]),
        Route(root + "/{incident}", _reading(console, api, read_incident), methods=["GET"]),
        Route(root + "/{incident}/{command}", partial(act, console, api), methods=["POST"]),
    ]


def _reading(
    console: Console, api: Api, answer: Answer
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            pace(api, await key_of(console, api, request, READ))
            async with api.turnstile:
                found = await run_in_threadpool(answer, console, request)
        except ProblemError as error:
            return problem(error.status, error.title, error.detail, error.wait_s)
        except StoreError as error:
            return _unavailable(error)
        return JSONResponse(found)

    return endpoint


def read_list(console: Console, request: Request) -> dict[str, Any]:
    """List incidents, gravest first: the open ones, or those in the state that is asked for."""
    state = request.query_params.get("state", "")
    known = {one.value: one for one in IncidentState}
    if state and state not in known:
        raise ProblemError(400, "no such state", f"state: one of {', '.join(known)}")
    limit = request.query_params.get("limit", "50")
    if not (limit.isascii() and limit.isdigit()) or not 1 <= int(limit[:9]) <= MOST:
        raise ProblemError(400, "bad number", f"limit: send a number from 1 to {MOST}")
    with console.store.read() as queries:
        found = queries.incidents((known[state],) if state else _OPEN, limit=int(limit[:9]))
    return {"incidents": [plain(one) for one in found]}


def read_incident(console: Console, request: Request) -> dict[str, Any]:
    """Tell of one incident: as it stands, its log, and what may be done."""
    with console.store.read() as queries:
        incident = _find(queries, request)
        events = queries.incident_events(incident.incident_id)
    return {
        "incident": plain(incident),
        "events": plain(events),
        "allowed": [str(name) for name in allowed_commands(incident)],
    }


async def act(console: Console, api: Api, request: Request) -> Response:
    """Carry out one command; a refusal says what is allowed instead, and nothing is changed."""
    try:
        token = await key_of(console, api, request, EDIT)
        pace(api, token)
        body = await body_of(request)
        async with api.turnstile:
            after = await run_in_threadpool(_act, console, request, body, f"key:{token.name}")
    except ProblemError as error:
        return problem(error.status, error.title, error.detail, error.wait_s)
    except StoreError as error:
        return _unavailable(error)
    except GroundswellError as error:
        return problem(409, "refused", str(error))
    return JSONResponse(
        {
            "incident": plain(after),
            "allowed": [str(name) for name in allowed_commands(after)],
        }
    )


def _act(console: Console, request: Request, body: bytes, actor: str) -> Incident:
    named = str(request.path_params["command"])
    if named not in set(CommandName):
        raise ProblemError(404, "no such command", f"post to one of: {', '.join(CommandName)}")
    said = _said(body)
    with console.store.read() as queries:
        incident = _find(queries, request)
    command = _command(CommandName(named), actor, said, console.project.settings.zone)
    return console.desk.act(incident.incident_id, command, into=said.get("into", ""))


def _command(name: CommandName, actor: str, said: Mapping[str, Any], zone: ZoneInfo) -> Command:
    try:
        return Command(
            name=name,
            actor=actor,
            text=said.get("text", ""),
            owner_id=said.get("to", ""),
            until=_instant(said.get("until", ""), zone),
            level=level_named(said.get("level", "")) if name is CommandName.GRADE else None,
            authors=said.get("authors", 0),
            task_id=said.get("task", ""),
            task_kind=kind_named(said.get("kind", "")) if name is CommandName.TASK else None,
            command_id=said.get("command_id", ""),
            how=said.get("how", ""),
            who=tuple(said.get("who", ())),
            channel=said.get("channel", ""),
            at=_instant(said.get("at", ""), zone),
            url=said.get("url", ""),
            role=said.get("role", ""),
            counts=said.get("counts", {}),
        )
    except IllegalMove as error:
        raise ProblemError(400, "bad value", str(error)) from error


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ProblemError(
            400, "bad time", f"until {text[:40]!r}: send a time such as 2026-11-20T10:05+08:00"
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
        if name in TEXTS and isinstance(value, str) and len(value) <= _TEXT_LIMIT:
            continue
        if name == "authors" and type(value) is int and 0 < value <= _MOST_AUTHORS:
            continue
        if name in LISTS and _is_list_of_texts(value):
            continue
        if name in COUNTS and _is_counts(value):
            continue
        raise ProblemError(
            400,
            "bad value",
            f"{str(name)[:40]!r}: send {', '.join(TEXTS)} as texts of at most {_TEXT_LIMIT} "
            f"characters, authors as a number, {', '.join(LISTS)} as a list of at most "
            f"{_MOST_LISTED} texts, {', '.join(COUNTS)} as numbers by name, nothing else",
        )
    return found


def _is_list_of_texts(value: object) -> bool:
    if not isinstance(value, list) or len(value) > _MOST_LISTED:
        return False
    return all(isinstance(one, str) and len(one) <= _TEXT_LIMIT for one in value)


def _is_counts(value: object) -> bool:
    if not isinstance(value, Mapping) or len(value) > _MOST_COUNTS:
        return False
    return all(
        isinstance(name, str) and type(n) is int and 0 <= n <= _MOST_AUTHORS
        for name, n in value.items()
    )


def _find(queries: Queries, request: Request) -> Incident:
    name = str(request.path_params["incident"])
    found = queries.incident(name)
    if found is None:
        raise ProblemError(
            404,
            "no such incident",
            f"there is no incident {name[:80]!r}; see GET /api/v1/incidents",
        )
    return found


def _unavailable(error: StoreError) -> Response:
    log.error("incidents: %s", error)
    return problem(503, "database unavailable", "send the same call again later", 10)
