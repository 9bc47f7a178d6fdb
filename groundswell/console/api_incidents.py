"""/api/v1/incidents: what people work on, for other programs, and every command of the desk.

Reading needs a key that reads, acting one that edits. Every act stands in the log under the name of
its key; closing needs the customer's word here as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from alerts.command import Command, CommandName, IllegalMove, kind_named, level_named
from alerts.commands import allowed_commands
from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError
from groundswell.console.api_complainants import read_closings, read_complainants
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, instant_of, object_of, reads
from groundswell.console.openapi_incidents import COUNTS, LISTS, MOST, TEXTS
from storage.queries import Queries
from storage.records import Incident, IncidentState

_TEXT_LIMIT = 2000  # characters of any value
_MOST_AUTHORS = 10_000_000
_MOST_LISTED = 1000
_MOST_COUNTS = 10
_OPEN = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED)


def incident_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/incidents"
    return [
        Route(root, reads(console, api, read_list), methods=["GET"]),
        Route(root + "/closings", reads(console, api, read_closings), methods=["GET"]),
        Route(root + "/{incident}", reads(console, api, read_incident), methods=["GET"]),
        Route(
            root + "/{incident}/complainants",
            reads(console, api, read_complainants),
            methods=["GET"],
        ),
        Route(root + "/{incident}/{command}", edits(console, api, act), methods=["POST"]),
    ]


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


def act(console: Console, request: Request, body: bytes, actor: str) -> dict[str, Any]:
    """Carry out one command; a refusal says what is allowed instead, and nothing is changed."""
    named = str(request.path_params["command"])
    if named not in set(CommandName):
        raise ProblemError(404, "no such command", f"post to one of: {', '.join(CommandName)}")
    said = _said(body)
    with console.store.read() as queries:
        incident = _find(queries, request)
    command = _command(CommandName(named), actor, said, console.project.settings.zone)
    after = console.desk.act(incident.incident_id, command, into=said.get("into", ""))
    return {
        "incident": plain(after),
        "allowed": [str(name) for name in allowed_commands(after)],
    }


def _command(name: CommandName, actor: str, said: Mapping[str, Any], zone: ZoneInfo) -> Command:
    try:
        return Command(
            name=name,
            actor=actor,
            text=said.get("text", ""),
            owner_id=said.get("to", ""),
            until=instant_of(said.get("until", ""), zone, "until"),
            level=level_named(said.get("level", "")) if name is CommandName.GRADE else None,
            authors=said.get("authors", 0),
            task_id=said.get("task", ""),
            task_kind=kind_named(said.get("kind", "")) if name is CommandName.TASK else None,
            command_id=said.get("command_id", ""),
            how=said.get("how", ""),
            who=tuple(said.get("who", ())),
            channel=said.get("channel", ""),
            at=instant_of(said.get("at", ""), zone, "at"),
            url=said.get("url", ""),
            role=said.get("role", ""),
            counts=said.get("counts", {}),
            receipt=said.get("receipt", ""),
        )
    except IllegalMove as error:
        raise ProblemError(400, "bad value", str(error)) from error


def _said(body: bytes) -> Mapping[str, Any]:
    found = object_of(body)
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
