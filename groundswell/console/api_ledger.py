"""/api/v1/ledger, /cards and /replies: what became of alarms, and what was learnt.

Reading needs a key that reads, putting a card right or approving a reply one that edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.cards_search import holding, replies_holding
from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, object_of, reads
from groundswell.console.openapi_ledger import CARD_TEXTS, MOST_DAYS, REPLY_TEXTS
from groundswell.knowledge import lessons_for
from groundswell.knowledge_desk import KnowledgeDesk
from groundswell.ledger import DAYS, ledger_of
from groundswell.suggesting import last_suggestion

_TEXT_LIMIT = 4000  # characters of any value
_WORDS_LIMIT = 60
_LISTED = 200


def ledger_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1"
    return [
        Route(f"{root}/ledger", reads(console, api, _ledger), methods=["GET"]),
        Route(f"{root}/cards", reads(console, api, _cards), methods=["GET"]),
        Route(f"{root}/cards/{{card}}", reads(console, api, _card), methods=["GET"]),
        Route(f"{root}/cards/{{card}}", edits(console, api, _edit), methods=["POST"]),
        Route(f"{root}/cards/{{card}}/retire", edits(console, api, _retire), methods=["POST"]),
        Route(f"{root}/replies", reads(console, api, _replies), methods=["GET"]),
        Route(f"{root}/replies", edits(console, api, _approve), methods=["POST"]),
        Route(
            f"{root}/replies/{{reply}}/retire",
            edits(console, api, _retire_reply),
            methods=["POST"],
        ),
        Route(f"{root}/lessons/{{incident}}", reads(console, api, _lessons), methods=["GET"]),
    ]


def _ledger(console: Console, request: Request) -> dict[str, Any]:
    asked = request.query_params.get("days", str(DAYS))
    if not (asked.isascii() and asked.isdigit()) or not 1 <= int(asked[:9]) <= MOST_DAYS:
        raise ProblemError(400, "bad number", f"days: send a number from 1 to {MOST_DAYS}")
    with console.store.read() as queries:
        found = ledger_of(queries, console.project, console.clock.now(), int(asked[:9]))
        suggestion = last_suggestion(queries)
    return {"ledger": plain(found), "suggestion": plain(suggestion)}


def _cards(console: Console, request: Request) -> dict[str, Any]:
    wanted = request.query_params.get("q", "")[:_WORDS_LIMIT]
    with console.store.read() as queries:
        return {"cards": plain(holding(queries.cards(), wanted)[:_LISTED])}


def _card(console: Console, request: Request) -> dict[str, Any]:
    named = str(request.path_params["card"])
    with console.store.read() as queries:
        card = queries.card(named)
    if card is None:
        raise ProblemError(404, "no such card", f"there is no card {named[:80]!r}")
    return {"card": plain(card)}


def _edit(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    card = _desk(console).edit_card(
        str(request.path_params["card"]), by, **_texts(body, CARD_TEXTS)
    )
    return {"card": plain(card)}


def _retire(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del body
    return {"card": plain(_desk(console).retire_card(str(request.path_params["card"]), by))}


def _replies(console: Console, request: Request) -> dict[str, Any]:
    wanted = request.query_params.get("q", "")[:_WORDS_LIMIT]
    with console.store.read() as queries:
        return {"replies": plain(replies_holding(queries.approved_replies(), wanted)[:_LISTED])}


def _approve(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    desk = _desk(console)
    try:
        reply = desk.reply({"approved_by": by, **_texts(body, REPLY_TEXTS)}, origin="api")
    except ValueError as error:
        raise ProblemError(400, "bad value", str(error)) from error
    desk.add_replies([reply], by)
    return {"reply": plain(reply)}


def _retire_reply(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del body
    reply = _desk(console).retire_reply(str(request.path_params["reply"]), by)
    return {"reply": plain(reply)}


def _lessons(console: Console, request: Request) -> dict[str, Any]:
    named = str(request.path_params["incident"])
    with console.store.read() as queries:
        incident = queries.incident(named)
        if incident is None:
            raise ProblemError(404, "no such incident", f"there is no incident {named[:80]!r}")
        found = lessons_for(queries, incident, console.project, console.clock.now())
    return {"lessons": plain(found)}


def _desk(console: Console) -> KnowledgeDesk:
    return KnowledgeDesk(store=console.store, project=console.project, clock=console.clock)


def _texts(body: bytes, names: tuple[str, ...]) -> dict[str, str]:
    found: Mapping[str, Any] = object_of(body)
    for name, value in found.items():
        if name not in names or not isinstance(value, str) or len(value) > _TEXT_LIMIT:
            raise ProblemError(
                400,
                "bad value",
                f"{str(name)[:40]!r}: send {', '.join(names)} as texts of at most {_TEXT_LIMIT} "
                "characters, nothing else",
            )
    return dict(found)
