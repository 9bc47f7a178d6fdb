"""The part of the OpenAPI document that tells of rehearsals."""

from __future__ import annotations

from typing import Any


def rehearsal_paths() -> dict[str, Any]:
    """Return this endpoint's part of the OpenAPI document."""
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    problems = {
        "401": "no good key: it must be one made with --read",
        "404": "nothing was rehearsed yet",
        "429": "too often; see Retry-After",
        "503": "the database does not answer",
    }
    told = "alerts per day and person, incidents kept, missed, new, delayed, and the differences"
    return {
        "/api/v1/rehearsals/last": {
            "get": {
                "operationId": "readLastRehearsal",
                "summary": "What the last rehearsal of rules gave",
                "security": [{"key": []}],
                "responses": {
                    "200": {
                        "description": told,
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    **{
                        status: {"description": said, "content": body}
                        for status, said in problems.items()
                    },
                },
            }
        }
    }
