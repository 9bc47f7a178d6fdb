"""The knowledge base: cards of closed incidents and approved replies, found, put right, retired."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import GroundswellError
from groundswell.cards_search import holding, replies_holding
from groundswell.console.base import Console, Form, logged_in
from groundswell.knowledge_desk import KnowledgeDesk
from storage.cards import is_offered
from storage.records import Card

_SHOWN = 50
_WORDS_LIMIT = 60  # characters of a search
_DONE = {
    "edited": "卡片已改。",
    "retired": "已停用，不再推荐。",
    "added": "口径已添加。",
}


def list_page(console: Console, request: Request) -> Response:
    """Show cards and approved replies, or those that hold some words."""
    return _show(console, request)


def card_page(console: Console, request: Request) -> Response:
    """Show one card, with a form to put it right."""
    return _one(console, request)


def edit(console: Console, request: Request, form: Form) -> Response:
    """Put a card right."""
    card_id = str(request.path_params["card"])
    texts = {name: form[name] for name in ("title", "cause", "fix", "reply") if name in form}
    try:
        _desk(console).edit_card(card_id, logged_in(request).name, **texts)
    except GroundswellError as refusal:
        return _one(console, request, problem=str(refusal))
    return RedirectResponse(f"/cards/{card_id}?done=edited", HTTPStatus.SEE_OTHER)


def retire(console: Console, request: Request, form: Form) -> Response:
    """Offer a card no more."""
    del form
    card_id = str(request.path_params["card"])
    try:
        _desk(console).retire_card(card_id, logged_in(request).name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse(f"/cards/{card_id}?done=retired", HTTPStatus.SEE_OTHER)


def add_reply(console: Console, request: Request, form: Form) -> Response:
    """Approve a reply."""
    desk, by = _desk(console), logged_in(request).name
    try:
        desk.add_replies([desk.reply({"approved_by": by, **form}, origin="hand")], by)
    except (GroundswellError, ValueError) as refusal:
        return _show(console, request, form=form, problem=str(refusal))
    return RedirectResponse("/cards?done=added#replies", HTTPStatus.SEE_OTHER)


def retire_reply(console: Console, request: Request, form: Form) -> Response:
    """Offer a reply no more."""
    try:
        _desk(console).retire_reply(form.get("reply", "")[:60], logged_in(request).name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/cards?done=retired#replies", HTTPStatus.SEE_OTHER)


def _desk(console: Console) -> KnowledgeDesk:
    return KnowledgeDesk(store=console.store, project=console.project, clock=console.clock)


def _show(
    console: Console, request: Request, *, form: Form | None = None, problem: str = ""
) -> Response:
    wanted = request.query_params.get("q", "")[:_WORDS_LIMIT]
    with console.store.read() as queries:
        cards = holding(queries.cards(), wanted)
        replies = replies_holding(queries.approved_replies(), wanted)
    today = console.clock.now().astimezone(console.project.settings.zone).date()
    return console.page(
        request,
        "cards.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        wanted=wanted,
        cards=cards[:_SHOWN],
        more_cards=max(0, len(cards) - _SHOWN),
        replies=[(one, is_offered(one, today)) for one in replies[:_SHOWN]],
        more_replies=max(0, len(replies) - _SHOWN),
        products=_products(console),
        form=form or {},
        notice=_DONE.get(request.query_params.get("done", ""), ""),
        problem=problem,
    )


def _one(console: Console, request: Request, *, problem: str = "") -> Response:
    card_id = str(request.path_params["card"])
    with console.store.read() as queries:
        card: Card | None = queries.card(card_id)
        if card is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"没有编号为 {card_id[:40]} 的卡片")
        answers = queries.first_answers([card.incident_id])
    return console.page(
        request,
        "card.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        card=card,
        answer=answers[card.incident_id],
        products=_products(console),
        notice=_DONE.get(request.query_params.get("done", ""), ""),
        problem=problem,
    )


def _products(console: Console) -> dict[str, str]:
    lines = (line for brand in console.project.brands for line in brand.products)
    return {line.id: line.name for line in lines}
