"""/api/v1/silences: what is not said for the time being, for other programs.

A release tool may ask for one before it ships, and end it afterwards. Reading needs a key that
reads, the rest one that edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, instant_of, object_of, reads
from groundswell.console.openapi_silences import LISTS, TEXTS
from groundswell.silence_desk import SilenceDesk, Wish

_TEXT_LIMIT = 500  # characters of any value
_MOST_WORDS = 100  # of one condition


def silence_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/silences"
    return [
        Route(root, reads(console, api, _list), methods=["GET"]),
        Route(root, edits(console, api, _add), methods=["POST"]),
        Route(root + "/{silence}/end", edits(console, api, _end), methods=["POST"]),
    ]


def _desk(console: Console) -> SilenceDesk:
    if console.silences is None:
        raise ProblemError(404, "no silences", "this console keeps none")
    return console.silences


def _list(console: Console, request: Request) -> dict[str, Any]:
    del request
    silences, windows = _desk(console).listed()
    standing = [one for one in silences if one.ended_at is None]
    return {"silences": plain(standing), "maintenance": plain(list(windows))}


def _add(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    desk = _desk(console)
    silence, held = desk.add(_wish(_said(body), desk.project.settings.zone), by)
    return {"silence": plain(silence), "held": [one.code for one in held]}


def _end(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del body
    named = str(request.path_params["silence"])[:_TEXT_LIMIT]
    return {"silence": named, "heard": [one.code for one in _desk(console).end(named, by)]}


def _wish(said: Mapping[str, Any], zone: ZoneInfo) -> Wish:
    ends_at = instant_of(said.get("until", ""), zone, "until")
    if ends_at is None:
        raise ProblemError(400, "no end", 'send "until": an ISO 8601 time')
    words = {name: tuple(said.get(name, ())) for name in LISTS}
    return Wish(
        ends_at=ends_at,
        starts_at=instant_of(said.get("from", ""), zone, "from"),
        reason=said.get("reason", ""),
        up_to=said.get("up_to", "yellow"),
        incident=said.get("incident", ""),
        **words,
    )


def _said(body: bytes) -> Mapping[str, Any]:
    found = object_of(body)
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
