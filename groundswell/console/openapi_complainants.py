"""What the OpenAPI document says of the complainants of an incident."""

from __future__ import annotations

from typing import Any

from storage.records import Contact

MOST = 500  # complainants an answer
_STRING = {"type": "string"}


def complainant_path(read: Any) -> dict[str, Any]:
    """Return the path of this reading; `read` is what makes such an operation."""
    states = [state.value for state in Contact]
    operation: dict[str, Any] = read(
        "listComplainants",
        "Complainants of an incident with the counts of their states; first answers timed",
        [
            {"name": "incident", "in": "path", "required": True, "schema": _STRING},
            {"name": "state", "in": "query", "schema": _STRING | {"enum": states}},
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100},
            },
            {
                "name": "skip",
                "in": "query",
                "schema": {"type": "integer", "minimum": 0, "default": 0},
            },
        ],
    )
    return operation


def closings_path(read: Any) -> dict[str, Any]:
    """Return the path that counts closed incidents by the word they rest on."""
    days = {"type": "integer", "minimum": 1, "maximum": 3650, "default": 30}
    operation: dict[str, Any] = read(
        "countClosings",
        "Closed incidents of the last days by customer, share, survey and clarification, apart",
        [{"name": "days", "in": "query", "schema": days}],
    )
    return operation
