"""What the OpenAPI document says of /api/v1/silences."""

from __future__ import annotations

from typing import Any

from groundswell.silence_desk import CAPS

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 500}
_WORDS: dict[str, Any] = {"type": "array", "items": _TEXT, "maxItems": 100}
_FIELDS: dict[str, dict[str, Any]] = {
    "reason": _TEXT | {"description": "why; it stands in the journal"},
    "until": _TEXT | {"description": "ISO 8601; without an offset the project's time zone"},
    "from": _TEXT | {"description": "from when; now when absent"},
    "up_to": {"type": "string", "enum": list(CAPS), "default": "yellow"},
    "incident": _TEXT | {"description": "only this incident: code or id"},
    "brand": _WORDS | {"description": "brand ids; conditions that are absent match everything"},
    "product": _WORDS | {"description": "product ids"},
    "issue": _WORDS | {"description": "issue classes or sub-classes"},
    "region": _WORDS,
    "platform": _WORDS,
}
LISTS = ("brand", "product", "issue", "region", "platform")
TEXTS = tuple(name for name in _FIELDS if name not in LISTS)


def silence_paths() -> dict[str, Any]:
    """Return the paths of silences."""
    body = {
        "type": "object",
        "properties": _FIELDS,
        "required": ["reason", "until"],
        "additionalProperties": False,
    }
    ended = {"name": "silence", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/api/v1/silences": {
            "get": call_of(
                "readSilences", "Silences that hold or will, and open windows", "--read"
            ),
            "post": call_of("addSilence", "Hold notices about what matches; red is never held")
            | {
                "requestBody": {"required": True, "content": {"application/json": {"schema": body}}}
            },
        },
        "/api/v1/silences/{silence}/end": {
            "post": call_of("endSilence", "End a silence now; who was not told hears once")
            | {"parameters": [ended]}
        },
    }


def call_of(name: str, summary: str, flag: str = "--edit") -> dict[str, Any]:
    """Return what is common to every call: its name, its answers, its refusals."""
    problems = {
        "400": "a value that cannot be read",
        "401": f"no good key: it must be one made with {flag}",
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
            **{
                status: {"description": said, "content": schema}
                for status, said in problems.items()
            },
        },
    }
