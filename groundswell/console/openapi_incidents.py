"""What the OpenAPI document says of /api/v1/incidents."""

from __future__ import annotations

from typing import Any

from alerts.command import CommandName
from groundswell.console.openapi_complainants import closings_path, complainant_path
from storage.records import IncidentState, Level, TaskKind, TriangleRole

MOST = 200  # incidents an answer

_STRING: dict[str, Any] = {"type": "string"}
_SAID: dict[CommandName, str] = {
    CommandName.ACK: "Somebody is on it",
    CommandName.NOTE: "A note; it counts as progress",
    CommandName.ASSIGN: "Give it to another owner",
    CommandName.ESCALATE: "Tell the next person of the chain now",
    CommandName.NOT_MINE: "It is not theirs: no acknowledge, the next person is told at once",
    CommandName.GRADE: "Set the level by hand, or give it back with auto; lowering needs a text",
    CommandName.TASK: "Give somebody a task",
    CommandName.TASK_DONE: "A task is done",
    CommandName.TASK_DROP: "A task is not needed any more",
    CommandName.TASK_MOVE: "Work on a task went on; it counts as progress",
    CommandName.EXTEND: "More time, once: for a task, or without one for the acknowledge",
    CommandName.DRAFT: "Keep the draft of a reply in the log; it is sent nowhere",
    CommandName.UNITS: "Failed parts called back: how many are wanted, received, analysed",
    CommandName.VERDICT: "Whether the parts say that it is the batch: how = batch or no_batch",
    CommandName.SILENCE: "No notices until then; a rise in level passes",
    CommandName.SHELVE: "A known trouble: mentions join silently until a day or a number of people",
    CommandName.UNSHELVE: "Take it off the shelf",
    CommandName.CONTACT: "How far the service has come with these complainants",
    CommandName.COMPLAINANTS: "Add complainants whom no post shows: tickets, or platform:author",
    CommandName.GIVE: "Give complainants to a colleague",
    CommandName.HANDLED: "It is handled; the customer's side is asked",
    CommandName.CONFIRM: "The customer's side confirms, with evidence: closes it",
    CommandName.REJECT: "The customer's side says it is not solved",
    CommandName.DISMISS: "A false alarm",
    CommandName.REOPEN: "Take up again what was closed or dismissed",
    CommandName.MERGE: "It is the same as another incident",
    CommandName.SPLIT: "Take a merged one out again",
    CommandName.HANDOVER: "Ask somebody to take one of the three roles over; the giver answers yet",
    CommandName.ACCEPT: "Take over the role that one was offered; only the receiver can",
    CommandName.DECLINE: "Do not take it, and why; it comes back to the giver",
    CommandName.UNLOCK: "Let the three be handed over again; only management can",
}
_LEVELS = [level.name.lower() for level in Level if level]
_FIELDS: dict[str, dict[str, Any]] = {
    "text": _STRING | {"maxLength": 2000, "description": "note, evidence, reason or task's title"},
    "to": _STRING | {"description": "owner id"},
    "until": _STRING | {"description": "ISO 8601; without an offset the project's time zone"},
    "level": _STRING | {"enum": [*_LEVELS, "auto"]},
    "kind": _STRING | {"enum": [kind.name.lower() for kind in TaskKind]},
    "task": _STRING | {"description": "the task's number, e.g. t1"},
    "authors": {"type": "integer", "minimum": 1, "description": "so many people bring it back"},
    "into": _STRING | {"description": "the other incident, by code or id"},
    "how": _STRING | {"description": "a named choice; the refusal of an unknown one names them"},
    "who": {"type": "array", "items": _STRING, "description": "complainants, by their ids"},
    "channel": _STRING | {"description": "how they were reached"},
    "at": _STRING | {"description": "when it happened; ISO 8601"},
    "url": _STRING | {"description": "what was published"},
    "receipt": _STRING | {"description": "the number that a platform gave to a lawful report"},
    "role": _STRING | {"enum": [role.value for role in TriangleRole]},
    "counts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    "command_id": _STRING | {"maxLength": 100, "description": "the same id twice acts once"},
}
TEXTS = tuple(name for name, schema in _FIELDS.items() if schema["type"] == "string")
LISTS = tuple(name for name, schema in _FIELDS.items() if schema["type"] == "array")
COUNTS = tuple(name for name, schema in _FIELDS.items() if schema["type"] == "object")
_REQUIRED: dict[CommandName, tuple[str, ...]] = {
    CommandName.NOTE: ("text",),
    CommandName.ASSIGN: ("to",),
    CommandName.GRADE: ("level",),
    CommandName.TASK: ("text", "kind"),
    CommandName.TASK_DONE: ("text", "task"),
    CommandName.TASK_DROP: ("text", "task"),
    CommandName.TASK_MOVE: ("text", "task"),
    CommandName.EXTEND: ("text",),
    CommandName.DRAFT: ("text",),
    CommandName.UNITS: ("task", "counts"),
    CommandName.VERDICT: ("text", "task", "how"),
    CommandName.SILENCE: ("until",),
    CommandName.SHELVE: ("text", "until"),
    CommandName.CONTACT: ("who", "how"),
    CommandName.COMPLAINANTS: ("who",),
    CommandName.GIVE: ("who", "to"),
    CommandName.HANDLED: ("text",),
    CommandName.CONFIRM: ("text",),
    CommandName.REJECT: ("text",),
    CommandName.DISMISS: ("text",),
    CommandName.REOPEN: ("text",),
    CommandName.MERGE: ("into",),
    CommandName.HANDOVER: ("role", "to", "text"),
    CommandName.ACCEPT: ("role",),
    CommandName.DECLINE: ("role", "text"),
    CommandName.UNLOCK: ("text",),
}
_ALSO: dict[CommandName, tuple[str, ...]] = {
    CommandName.CONTACT: ("channel", "at"),
    CommandName.CONFIRM: ("how", "who", "counts", "url"),
    CommandName.TASK: ("to", "until", "counts", "how"),
    CommandName.TASK_DONE: ("url", "counts", "channel", "how", "receipt"),
    CommandName.EXTEND: ("task", "until"),
    CommandName.DRAFT: ("task",),
    CommandName.SHELVE: ("authors",),
    CommandName.NOT_MINE: ("to", "who"),
    CommandName.DISMISS: ("how",),
}
_ID = {
    "name": "incident",
    "in": "path",
    "required": True,
    "schema": _STRING,
    "description": "code or id",
}


def incident_paths() -> dict[str, Any]:
    """Return the paths of incidents."""
    root = "/api/v1/incidents"
    return {
        root: {"get": _list()},
        f"{root}/closings": {"get": closings_path(_read)},
        f"{root}/{{incident}}": {
            "get": _read("readIncident", "One incident with its events and what may be done", [_ID])
        },
        **{f"{root}/{{incident}}/{name}": _acts_on(name) for name in CommandName},
    }


def _acts_on(name: CommandName) -> dict[str, Any]:
    reading = {"get": complainant_path(_read)} if name is CommandName.COMPLAINANTS else {}
    return {**reading, "post": _act(name)}


def _list() -> dict[str, Any]:
    states = [state.value for state in IncidentState]
    return _read(
        "listIncidents",
        "Incidents, gravest first; the open ones unless a state is named",
        [
            {"name": "state", "in": "query", "schema": _STRING | {"enum": states}},
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50},
            },
        ],
    )


def _read(name: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    problems = {
        "400": "a value that makes no sense",
        "401": "no good key: it must be one made with --read or --edit",
        "404": "no such incident",
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


def _act(name: CommandName) -> dict[str, Any]:
    required = _REQUIRED.get(name, ())
    named = dict.fromkeys((*required, *_ALSO.get(name, ()), "text", "command_id"))
    problems = {
        "400": "not JSON, or a value that makes no sense",
        "401": "no good key: it must be one made with --edit",
        "404": "no such incident",
        "409": "refused as it stands; the detail says what is allowed, nothing was changed",
        "429": "too often; see Retry-After",
        "503": "the database does not answer; the same command_id may be sent again",
    }
    schema = {
        "type": "object",
        "properties": {field: _FIELDS[field] for field in named},
        "required": list(required),
    }
    return {
        "operationId": f"{name.replace('_', '')}Incident",
        "summary": _SAID[name],
        "security": [{"key": []}],
        "parameters": [_ID],
        "requestBody": {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        },
        "responses": _responses("done: the incident as it stands now", problems),
    }


def _responses(said: str, problems: dict[str, str]) -> dict[str, Any]:
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    good = {"application/json": {"schema": {"type": "object"}}}
    return {
        "200": {"description": said, "content": good},
        **{status: {"description": text, "content": body} for status, text in problems.items()},
    }
