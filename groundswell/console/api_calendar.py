"""/api/v1/calendar: what makes people talk and is known beforehand, for other programs.

Reading needs a key that reads, the rest one that edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.calendar_desk import EventWish
from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, object_of, reads
from groundswell.console.openapi_calendar import FIELDS, TEXT_LIMIT
from groundswell.console.pages.calendar import desk_of


def calendar_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/calendar"
    return [
        Route(root, reads(console, api, _list), methods=["GET"]),
        Route(root, edits(console, api, _add), methods=["POST"]),
        Route(root + "/{event}", edits(console, api, _remove), methods=["DELETE"]),
    ]


def _list(console: Console, request: Request) -> dict[str, Any]:
    asked = request.query_params
    since, until = (_day(asked.get(name, ""), name) for name in ("since", "until"))
    found = desk_of(console).listed(since, until, asked.get("brand", "")[:100])
    return {"events": plain(list(found))}


def _add(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    said = _said(object_of(body))
    starts = _day(said.get("starts", ""), "starts")
    if starts is None:
        raise ProblemError(400, "no start", 'send "starts": a day such as 2026-12-12')
    wish = EventWish(
        name=said.get("name", ""),
        starts=starts,
        ends=_day(said.get("ends", ""), "ends"),
        kind=said.get("kind", ""),
        brand=said.get("brand", ""),
        note=said.get("note", ""),
    )
    return {"event": plain(desk_of(console).add(wish, by))}


def _remove(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del body
    named = str(request.path_params["event"])[:TEXT_LIMIT]
    desk_of(console).remove(named, by)
    return {"removed": named}


def _said(found: Mapping[str, Any]) -> Mapping[str, str]:
    for name, value in found.items():
        if name not in FIELDS or not isinstance(value, str) or len(value) > TEXT_LIMIT:
            raise ProblemError(
                400,
                "bad value",
                f"{str(name)[:40]!r}: send {', '.join(FIELDS)} as texts of at most "
                f"{TEXT_LIMIT} characters, nothing else",
            )
    return found


def _day(text: str, name: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise ProblemError(
            400, "bad day", f"{name} {text[:40]!r}: send a day such as 2026-12-12"
        ) from error
