"""What the OpenAPI document says of /api/v1/launches and /api/v1/sales."""

from __future__ import annotations

from typing import Any

from config.schema import LaunchPlan, json_schema
from groundswell.console.openapi_silences import call_of

MOST_SALES = 10_000  # days of one call; ten products' three years
SALE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "description": "2026-11-20, in the project's time zone"},
        "product": {"type": "string", "description": "id or name of a product"},
        "brand": {"type": "string", "description": "where several brands call a product so"},
        "units": {"type": "integer", "description": "sold that day, returns taken off"},
    },
    "required": ["day", "product", "units"],
}


def launch_paths() -> dict[str, Any]:
    """Return the paths of launches and of sales."""
    plan = json_schema(LaunchPlan)
    version = {"type": "string", "description": "of the file it was made from; absent: a new one"}
    body = plan | {"properties": plan["properties"] | {"version": version}}
    defined = body.pop("$defs", {})
    named = {"name": "launch", "in": "path", "required": True, "schema": {"type": "string"}}
    sales = {
        "type": "object",
        "properties": {"sales": {"type": "array", "items": SALE, "maxItems": MOST_SALES}},
        "required": ["sales"],
    }
    return {
        "/api/v1/launches": {
            "get": call_of("readLaunches", "Launches, and what each lacks", "--read"),
            "post": call_of("saveLaunch", "Write a launch's file, checked with the whole project")
            | _body(_inlined(body, defined)),
        },
        "/api/v1/launches/{launch}": {
            "get": call_of("readLaunch", "How a launch stands today, with its checklist", "--read")
            | {"parameters": [named]}
        },
        "/api/v1/sales": {
            "post": call_of("saveSales", "Units sold by product and day; a day is replaced")
            | _body(sales)
        },
    }


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _inlined(node: Any, defined: dict[str, Any]) -> Any:
    """Put definitions where they are named: the document has one place for schemas of its own."""
    if isinstance(node, list):
        return [_inlined(one, defined) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(defined[str(node["$ref"]).rpartition("/")[2]], defined)
    return {name: _inlined(one, defined) for name, one in node.items()}
