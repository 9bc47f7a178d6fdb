"""As much of JSON Schema as our own schemas use, for texts as an editor sees them.

Scalars arrive as written (all text), so a number's or boolean's type is judged by its spelling.
"""

from __future__ import annotations

import re
from typing import Any


def misfits(value: object, schema: dict[str, Any]) -> list[str]:
    """Return what an editor would underline; [] when nothing."""
    return _node(value, schema, schema, "")


def _node(value: object, node: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    if "$ref" in node:
        return _node(value, root["$defs"][node["$ref"].rpartition("/")[2]], root, at)
    branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if branches:
        tried = [_node(value, branch, root, at) for branch in branches]
        return min(tried, key=len)
    if "const" in node:
        return [] if str(value) == str(node["const"]) else [f"{at}: not {node['const']}"]
    if "enum" in node:
        return [] if value in node["enum"] else [f"{at}: not one of {node['enum']}"]
    checks = {"object": _object, "array": _array, None: lambda *_: []}
    return checks.get(node.get("type"), _scalar)(value, node, root, at)


def _object(value: object, node: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: no mapping"]
    found = [f"{at}{key}: missing" for key in node.get("required", ()) if key not in value]
    for key, item in value.items():
        below = node.get("properties", {}).get(key, node.get("additionalProperties", True))
        if below is False:
            found.append(f"{at}{key}: unknown key")
        elif isinstance(below, dict):
            found += _node(item, below, root, f"{at}{key}.")
    return found


def _array(value: object, node: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{at}: no list"]
    prefix = node.get("prefixItems", [])
    kinds = [*prefix, *[node.get("items", {})] * max(0, len(value) - len(prefix))]
    return [
        problem
        for index, item in enumerate(value)
        for problem in _node(item, kinds[index], root, f"{at}{index}.")
    ]


def _scalar(value: object, node: dict[str, Any], _root: dict[str, Any], at: str) -> list[str]:
    spellings = {
        "integer": r"-?[0-9]+",
        "number": r"-?[0-9.]+",
        "boolean": "true|false",
        "null": "null|",
        "string": r"(?s).*",
    }
    if not isinstance(value, str) or not re.fullmatch(spellings[node["type"]], value):
        return [f"{at}: no {node['type']}"]
    if "pattern" in node and not re.search(node["pattern"], value):
        return [f"{at}: does not match {node['pattern']}"]
    return []
