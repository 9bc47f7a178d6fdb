"""What the OpenAPI document says of trials, misroutes and corrections."""

from __future__ import annotations

from typing import Any

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 500}
_PROBLEMS = {
    "400": "a value that cannot be read",
    "401": "no good key",
    "409": "refused; the text says why",
    "429": "too often; see Retry-After",
    "503": "the database does not answer",
}


def trial_paths() -> dict[str, Any]:
    """Return the paths of trials, misroutes and corrections."""
    live = {
        "confirm": {"type": "boolean", "const": True},
        "note": _TEXT | {"description": "why, for the audit log"},
    }
    correction = {
        "text": _TEXT | {"description": "what is right; the wrong message is never repeated"},
        "act": {"type": "boolean", "description": "all messages of the same act"},
    }
    return {
        "/api/v1/trials": {"get": _call("readTrials", "Trials with their figures")},
        "/api/v1/trials/{trial}": {"get": _call("readTrial", "One trial", "trial")},
        "/api/v1/trials/{trial}/live": {
            "post": _call("putTrialLive", "Everybody is told himself from now on", "trial")
            | _body(live, "confirm")
        },
        "/api/v1/misroutes": {
            "get": _call("readMisroutes", "Routes that reached the wrong person first, 28 days")
        },
        "/api/v1/messages/{message}/correct": {
            "post": _call("correctMessage", "Tell its readers that it was wrong", "message")
            | _body(correction, "text")
        },
    }


def _body(properties: dict[str, Any], required: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [required],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _call(name: str, summary: str, named: str = "") -> dict[str, Any]:
    schema = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    parameter = {"name": named, "in": "path", "required": True, "schema": {"type": "string"}}
    answer = {
        "description": "done",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"key": []}],
        **({"parameters": [parameter]} if named else {}),
        "responses": {
            "200": answer,
            **{code: {"description": said, "content": schema} for code, said in _PROBLEMS.items()},
        },
    }
