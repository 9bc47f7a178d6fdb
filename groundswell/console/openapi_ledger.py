"""What the OpenAPI document says of /api/v1/ledger, cards, replies and lessons."""

from __future__ import annotations

from typing import Any

MOST_DAYS = 366
CARD_TEXTS = ("title", "cause", "fix", "reply")
REPLY_TEXTS = ("question", "answer", "approved_by", "brand", "product", "until")

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 4000}
_FIND = {
    "name": "q",
    "in": "query",
    "schema": {"type": "string", "maxLength": 60},
    "description": "only those that hold every one of these words",
}


def ledger_paths() -> dict[str, Any]:
    """Return the paths of this part."""
    days = {
        "name": "days",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 28},
    }
    card, reply, incident = (_named(one) for one in ("card", "reply", "incident"))
    root = "/api/v1"
    return {
        f"{root}/ledger": {
            "get": _call("readLedger", "What became of the alarms: precision, answers, budgets")
            | {"parameters": [days]}
        },
        f"{root}/cards": {
            "get": _call("listCards", "Cards of closed incidents") | {"parameters": [_FIND]}
        },
        f"{root}/cards/{{card}}": {
            "get": _call("readCard", "One card") | {"parameters": [card]},
            "post": _call("editCard", "Put a card right", "--edit")
            | {"parameters": [card]}
            | _body(CARD_TEXTS, ()),
        },
        f"{root}/cards/{{card}}/retire": {
            "post": _call("retireCard", "Offer a card no more", "--edit") | {"parameters": [card]}
        },
        f"{root}/replies": {
            "get": _call("listReplies", "Approved replies") | {"parameters": [_FIND]},
            "post": _call(
                "approveReply", "Approve a reply; the key stands for who approved it", "--edit"
            )
            | _body(REPLY_TEXTS, ("question", "answer")),
        },
        f"{root}/replies/{{reply}}/retire": {
            "post": _call("retireReply", "Offer a reply no more", "--edit")
            | {"parameters": [reply]}
        },
        f"{root}/lessons/{{incident}}": {
            "get": _call("readLessons", "The nearest cards and replies for an incident")
            | {"parameters": [incident]}
        },
    }


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _body(texts: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": dict.fromkeys(texts, _TEXT),
        "required": list(required),
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _call(name: str, summary: str, flag: str = "--read") -> dict[str, Any]:
    problems = {
        "400": "a value that cannot be read",
        "401": f"no good key: it must be one made with {flag}",
        "404": "there is none of that name",
        "409": "refused; the text says why",
        "429": "too often; see Retry-After",
        "503": "the database does not answer",
    }
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    good = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"key": []}],
        "responses": {
            "200": {"description": "done", "content": good},
            **{status: {"description": said, "content": body} for status, said in problems.items()},
        },
    }
