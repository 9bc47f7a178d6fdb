"""What the OpenAPI document says of /api/v1/clusters."""

from __future__ import annotations

from typing import Any

ACTIONS = ("merge", "split", "move", "rename", "pin", "unpin", "apart", "together", "undo")
MOST = 200  # clusters, or members, an answer
MOST_HOURS = 24 * 366

_STRING = {"type": "string"}
_WITH = {"with": {**_STRING, "description": "the other cluster, by id or former id"}}
_NOTE = {"note": {**_STRING, "maxLength": 500, "description": "why, for the journal"}}
_MENTIONS = {
    "mentions": {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 1,
        "description": "ids of mentions; the copies of a text go where it goes",
    }
}
_BODIES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "merge": ("Make two clusters one; the older id survives", _WITH | _NOTE, ("with",)),
    "split": ("Take mentions out into a cluster of their own", _MENTIONS | _NOTE, ("mentions",)),
    "move": ("Put mentions into this cluster", _MENTIONS | _NOTE, ("mentions",)),
    "rename": (
        "Name it; an empty name gives the naming back to the program",
        {"label": {**_STRING, "maxLength": 60}},
        (),
    ),
    "pin": ("Keep it as it is: no automatic merge, split or retirement", {}, ()),
    "unpin": ("Let the program at it again", {}, ()),
    "apart": ("Never merge these two", _WITH | _NOTE, ("with",)),
    "together": ("Take apart back", _WITH, ("with",)),
    "undo": (
        "Take a row of its journal back, whoever wrote it",
        {"row": {"type": "integer", "minimum": 1}},
        ("row",),
    ),
}
_ID = {
    "name": "cluster",
    "in": "path",
    "required": True,
    "schema": _STRING,
    "description": "an id; one that a merge ended stands for the cluster of today",
}


def cluster_paths() -> dict[str, Any]:
    """Return the paths of clusters."""
    root = "/api/v1/clusters"
    return {
        root: {"get": _list()},
        f"{root}/{{cluster}}": {
            "get": _read(
                "readCluster",
                "One cluster: name, growth, members, former ids",
                [_ID, _query("members", "how many members", 20, MOST, least=0)],
            )
        },
        f"{root}/{{cluster}}/journal": {
            "get": _read("readClusterJournal", "All that became of it, oldest first", [_ID])
        },
        **{f"{root}/{{cluster}}/{action}": {"post": _edit(action)} for action in ACTIONS},
    }


def _list() -> dict[str, Any]:
    return _read(
        "listClusters",
        "Clusters in which somebody wrote lately, growing first",
        [
            {"name": "brand", "in": "query", "schema": _STRING, "description": "only this brand"},
            {"name": "q", "in": "query", "schema": _STRING, "description": "words of the label"},
            _query("hours", "wrote within so many hours", 24, MOST_HOURS),
            _query("limit", "how many", 50, MOST),
            _query("offset", "how many to pass over", 0, 1_000_000, least=0),
        ],
    )


def _query(name: str, said: str, usual: int, most: int, *, least: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": said,
        "schema": {"type": "integer", "minimum": least, "maximum": most, "default": usual},
    }


def _read(name: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    problems = {
        "400": "a value that makes no sense",
        "401": "no good key: it must be one made with --read or --edit",
        "404": "no such cluster or brand",
        "429": "too often; see Retry-After",
        "503": "the database does not answer",
    }
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"key": []}],
        "parameters": parameters,
        "responses": _responses("what is known of it", problems),
    }


def _edit(action: str) -> dict[str, Any]:
    summary, properties, required = _BODIES[action]
    problems = {
        "400": "not JSON, or a value is missing",
        "401": "no good key: it must be one made with --edit",
        "404": "no such cluster, or the row is not of it",
        "409": "refused; the detail says what to do instead, nothing was changed",
        "429": "too often; see Retry-After",
        "503": "the database does not answer; look before sending it again",
    }
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {
        "operationId": f"{action}Cluster",
        "summary": summary,
        "security": [{"key": []}],
        "parameters": [_ID],
        "requestBody": {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        },
        "responses": _responses(
            "done: the clusters that changed, the rows of the journal, codes of incidents", problems
        ),
    }


def _responses(said: str, problems: dict[str, str]) -> dict[str, Any]:
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    good = {"application/json": {"schema": {"type": "object"}}}
    return {
        "200": {"description": said, "content": good},
        **{status: {"description": text, "content": body} for status, text in problems.items()},
    }
