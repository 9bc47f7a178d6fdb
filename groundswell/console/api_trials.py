"""/api/v1/trials, /api/v1/misroutes and the correction of a message, for other programs.

Reading needs a key that reads, the rest one that edits; going live asks for "confirm": true, so
that nobody does it by a mistaken call.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.cli.output import plain
from groundswell.cli.trial import document_of
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, object_of, reads
from groundswell.correcting import correct
from groundswell.misroutes import survey
from groundswell.outbox_desk import OutboxDesk
from groundswell.trials import TrialDesk

_TEXT_LIMIT = 500  # characters of any value


def trial_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    trials = "/api/v1/trials"
    return [
        Route(trials, reads(console, api, _list), methods=["GET"]),
        Route(trials + "/{trial}", reads(console, api, _show), methods=["GET"]),
        Route(trials + "/{trial}/live", edits(console, api, _live), methods=["POST"]),
        Route("/api/v1/misroutes", reads(console, api, _misroutes), methods=["GET"]),
        Route(
            "/api/v1/messages/{message}/correct", edits(console, api, _correct), methods=["POST"]
        ),
    ]


def _desk(console: Console) -> TrialDesk:
    return TrialDesk(store=console.store, project=console.project, clock=console.clock)


def _list(console: Console, request: Request) -> dict[str, Any]:
    del request
    return {"trials": [document_of(view) for view in _desk(console).listed()]}


def _show(console: Console, request: Request) -> dict[str, Any]:
    return document_of(_desk(console).show(str(request.path_params["trial"])))


def _live(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    said = object_of(body)
    if said.get("confirm") is not True or not set(said) <= {"confirm", "note"}:
        raise ProblemError(400, "not confirmed", 'send {"confirm": true} and, if you like, "note"')
    note = _text(said.get("note", ""), "note")
    end = _desk(console).live(str(request.path_params["trial"]), by, note=note)
    return {"end": plain(end)}


def _misroutes(console: Console, request: Request) -> dict[str, Any]:
    del request
    with console.store.read() as queries:
        found = survey(queries, console.clock.now())
    return {"misroutes": [plain(asdict(one)) for one in found]}


def _correct(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    said = object_of(body)
    if not set(said) <= {"text", "act"} or type(said.get("act", False)) is not bool:
        raise ProblemError(400, "bad value", 'send "text", and "act": true for the whole act')
    desk = console.outbox or OutboxDesk(
        store=console.store, project=console.project, clock=console.clock
    )
    text, named = _text(said.get("text", ""), "text"), str(request.path_params["message"])
    made = correct(desk, named, text, by, whole_act=said.get("act", False))
    return {"corrections": [plain(one) for one in made]}


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_LIMIT:
        raise ProblemError(400, "bad value", f"{name}: a text of at most {_TEXT_LIMIT} characters")
    return value
