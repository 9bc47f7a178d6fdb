"""What the OpenAPI document says of /api/v1/calendar."""

from __future__ import annotations

from typing import Any

FIELDS = ("name", "kind", "starts", "ends", "brand", "note")
TEXT_LIMIT = 500  # characters of any value


def calendar_paths() -> dict[str, Any]:
    """Return what the OpenAPI document says of them."""
    text = {"type": "string", "maxLength": TEXT_LIMIT}
    day = text | {"format": "date"}
    body = {
        "type": "object",
        "properties": {
            **dict.fromkeys(FIELDS, text),
            "starts": day | {"description": "the first day"},
            "ends": day | {"description": "the last day; the first when absent"},
            "brand": text | {"description": "a brand's id or name; all brands when absent"},
        },
        "required": ["name", "starts"],
        "additionalProperties": False,
    }
    asked = [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
        for name in ("since", "until", "brand")
    ]
    event = {"name": "event", "in": "path", "required": True, "schema": {"type": "string"}}
    content = {"application/json": {"schema": body}}
    return {
        "/api/v1/calendar": {
            "get": _call("readCalendar", "Events of a year, built in, configured and added")
            | {"parameters": asked},
            "post": _call("addEvent", "Add an event; asked for twice it is one")
            | {"requestBody": {"required": True, "content": content}},
        },
        "/api/v1/calendar/{event}": {
            "delete": _call("removeEvent", "Remove an event that was added")
            | {"parameters": [event]}
        },
    }


def _call(name: str, summary: str) -> dict[str, Any]:
    problems = {
        "400": "a value that cannot be read",
        "401": "no good key, or one that may not",
        "409": "refused; the text says why",
        "429": "too often; see Retry-After",
        "503": "the database does not answer",
    }
    schema = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"key": []}],
        "responses": {
            "200": {
                "description": "done",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **{code: {"description": said, "content": schema} for code, said in problems.items()},
        },
    }
