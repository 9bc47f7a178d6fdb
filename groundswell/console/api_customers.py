"""/api/v1/customers: a CRM sends its customer list, for the tiers of those who complain.

Reading needs a key that reads, the rest one that edits. What is sent is read and forgotten: only
keyed digests stay, and no answer repeats a value of a row.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, object_of, reads
from groundswell.console.openapi_customers import FIELDS, MOST, TEXT_LIMIT
from groundswell.console.pages.customers import desk_of, taken


def customer_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/customers"
    return [
        Route(root, reads(console, api, _list), methods=["GET"]),
        Route(root, edits(console, api, _bring), methods=["POST"]),
        Route(root + "/{origin}", edits(console, api, _forget), methods=["DELETE"]),
    ]


def _list(console: Console, request: Request) -> dict[str, Any]:
    del request
    tiers = [one.model_dump() for one in console.project.customer_tiers]
    return {"tiers": tiers, "lists": plain(desk_of(console).lists())}


def _bring(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    said = object_of(body)
    origin, rows = said.get("origin"), said.get("customers")
    if not isinstance(origin, str) or not origin.strip():
        raise ProblemError(400, "no name", "send the list's name as origin, such as crm")
    if not isinstance(rows, list) or not rows or not all(_is_row(row) for row in rows):
        named = ", ".join(FIELDS)
        raise ProblemError(400, "no customers", f"send customers as objects of texts: {named}")
    if len(rows) > MOST:
        raise ProblemError(413, "too many", f"send at most {MOST} customers, or import a file")
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, FIELDS, restval="")
    table.writeheader()
    table.writerows(rows)
    text = out.getvalue().encode(errors="replace")
    found: dict[str, Any] = plain(taken(console, "customers.csv", text, origin.strip(), by))
    return found


def _forget(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del body
    origin = str(request.path_params["origin"])
    return {"origin": origin, "keys": desk_of(console).forget(origin, by)}


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and all(
        name in FIELDS and isinstance(value, str) and len(value) <= TEXT_LIMIT
        for name, value in row.items()
    )
