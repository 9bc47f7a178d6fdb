"""What the OpenAPI document says of /api/v1/customers."""

from __future__ import annotations

from typing import Any

FIELDS = ("tier", "platform", "author", "number", "phone", "email")
TEXT_LIMIT = 200  # characters of any value
MOST = 5_000  # customers in one call; a longer list is a file


def customer_paths() -> dict[str, Any]:
    """Return what the OpenAPI document says of them."""
    text = {"type": "string", "maxLength": TEXT_LIMIT}
    row = {
        "type": "object",
        "properties": {
            **dict.fromkeys(FIELDS, text),
            "tier": text | {"description": "a tier's id or name"},
            "platform": text | {"description": "goes with author"},
        },
        "required": ["tier"],
        "additionalProperties": False,
    }
    body = {
        "type": "object",
        "properties": {
            "origin": text | {"description": "the list's name; the list before is replaced whole"},
            "customers": {"type": "array", "minItems": 1, "maxItems": MOST, "items": row},
        },
        "required": ["origin", "customers"],
    }
    named = {"name": "origin", "in": "path", "required": True, "schema": {"type": "string"}}
    content = {"application/json": {"schema": body}}
    return {
        "/api/v1/customers": {
            "get": _call("readCustomerLists", "Tiers and customer lists, no customer"),
            "post": _call("sendCustomers", "Replace a customer list; only keyed digests are kept")
            | {"requestBody": {"required": True, "content": content}},
        },
        "/api/v1/customers/{origin}": {
            "delete": _call("forgetCustomers", "Delete a customer list") | {"parameters": [named]}
        },
    }


def _call(name: str, summary: str) -> dict[str, Any]:
    problems = {
        "400": "a value that cannot be read",
        "401": "no good key, or one that may not",
        "409": "refused; the text says why",
        "413": "too many at once",
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
