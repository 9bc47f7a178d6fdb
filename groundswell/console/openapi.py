"""The OpenAPI document of the push API: what other programs and their tools read."""

from __future__ import annotations

from typing import Any

from groundswell.console.openapi_calendar import calendar_paths
from groundswell.console.openapi_clusters import cluster_paths
from groundswell.console.openapi_customers import customer_paths
from groundswell.console.openapi_incidents import incident_paths
from groundswell.console.openapi_launches import launch_paths
from groundswell.console.openapi_ledger import ledger_paths
from groundswell.console.openapi_rehearsals import rehearsal_paths
from groundswell.console.openapi_silences import silence_paths
from groundswell.console.openapi_trials import trial_paths
from groundswell.doors import MOST_ROWS
from groundswell.importing_values import CHANNELS, CONTACTS, COUNTERS, CUSTOMER_LIMIT, LIMITS

_SAID = {
    "text": "the text; text or title is needed",
    "title": "the title",
    "url": "where it can be read, http or https",
    "parent_url": "what this answers or stands under",
    "id": "the id on its platform, by which a repeat is known; id or url is needed",
    "source": "the platform, e.g. 微博; the key's name when absent",
    "author": "who wrote it, as shown",
    "region": "province or city",
    "lang": "zh, zh-Hant or en; zh when absent",
    "channel": "internal for service desks and shops: feeds clusters, never public spread",
}
_WHEN = "ISO 8601 or seconds since 1970; without one the mention counts as history"


def document(base_url: str) -> dict[str, Any]:
    """Return the document; `base_url` is where the console is reached, "" when not configured."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Groundswell API",
            "version": "1",
            "description": "Send mentions that no crawler of ours can fetch (a repeat is "
            "harmless); read what people complain about; say what of it is one matter. A key "
            "either pushes, or reads, or reads and edits.",
        },
        **({"servers": [{"url": base_url.rstrip("/")}]} if base_url else {}),
        "paths": {
            "/api/v1/mentions": {"post": _post()},
            "/api/v1/topics": {"get": _topics()},
            **cluster_paths(),
            **incident_paths(),
            **silence_paths(),
            **trial_paths(),
            **calendar_paths(),
            **customer_paths(),
            **ledger_paths(),
            **ledger_paths(),
            **launch_paths(),
            **rehearsal_paths(),
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Mention": _mention(), "Answer": _answer(), "Problem": _problem()},
        },
    }


def _post() -> dict[str, Any]:
    many = {"type": "array", "items": _ref("Mention"), "minItems": 1, "maxItems": MOST_ROWS}
    wrapped = {"type": "object", "properties": {"mentions": many}, "required": ["mentions"]}
    problems = {
        "400": "not JSON, or no mentions in it",
        "401": "no good key",
        "413": "too large, or too many mentions",
        "415": "unknown kind of body",
        "429": "too often; see Retry-After",
        "503": "the database does not answer; send the same call again",
    }
    body = {"schema": _ref("Problem")}
    return {
        "operationId": "pushMentions",
        "summary": f"Send 1 to {MOST_ROWS} mentions",
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [many, wrapped]}},
                "application/x-ndjson": {"schema": _ref("Mention")},
            },
        },
        "responses": {
            "200": {
                "description": "read; every mention has its own result, in the order sent",
                "content": {"application/json": {"schema": _ref("Answer")}},
            },
            **{
                status: {"description": said, "content": {"application/problem+json": body}}
                for status, said in problems.items()
            },
        },
    }


def _topics() -> dict[str, Any]:
    asked = {
        "day": ("the last local day, e.g. 2026-11-22; today when absent", {"type": "string"}),
        "days": ("how many days", {"type": "integer", "minimum": 1, "maximum": 92, "default": 7}),
        "brand": ("only this brand", {"type": "string"}),
    }
    problems = {
        "400": "no such day, range or brand",
        "401": "no good key: it must be one made with --read",
        "429": "too often; see Retry-After",
        "503": "the database does not answer",
    }
    body = {"application/problem+json": {"schema": _ref("Problem")}}
    brand = {"type": "array", "items": {"type": "object"}, "description": "a brand each"}
    return {
        "operationId": "readTopics",
        "summary": "What people complained about, coarser than clusters",
        "security": [{"key": []}],
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": said, "schema": schema}
            for name, (said, schema) in asked.items()
        ],
        "responses": {
            "200": {
                "description": "topics with their clusters, counts, direction and samples, most "
                "distinct authors first, and what stands alone by issue class",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"brands": brand}}
                    }
                },
            },
            **{status: {"description": said, "content": body} for status, said in problems.items()},
        },
    }


def _mention() -> dict[str, Any]:
    counters = {name: {"type": "integer", "minimum": 0} for name in COUNTERS}
    texts = {
        name: {"type": "string", "maxLength": limit, "description": _SAID[name]}
        for name, limit in LIMITS.items()
    }
    texts["channel"] |= {"enum": list(CHANNELS)}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **texts,
            "published_at": {"type": ["string", "number"], "description": _WHEN},
            "published_time": {"type": "string", "description": "time of day, if kept apart"},
            "rating": {"type": "number", "description": "stars given"},
            **counters,
            "customer_no": {
                "type": "string",
                "maxLength": CUSTOMER_LIMIT,
                "description": "the number on your customer list; kept as a keyed digest only",
            },
            "customer_tier": {
                "type": "string",
                "maxLength": CUSTOMER_LIMIT,
                "description": "the customer's tier by its id or name; an unknown one is left out",
            },
            "history": {"type": "boolean", "description": "true: feeds baselines, tells nobody"},
            "contact": {
                "type": "object",
                "additionalProperties": False,
                "description": "whom to call; kept sealed, only where vault.key is set, and shown "
                "to people with a permission. What stands in the text is masked",
                "properties": {
                    kind: {"type": "string", "maxLength": 200} for kind in CONTACTS.values()
                },
            },
        },
    }


def _answer() -> dict[str, Any]:
    number = {"type": "integer"}
    result = {
        "type": "object",
        "properties": {
            "index": number,
            "id": {"type": "string"},
            "outcome": {"enum": ["accepted", "rejected"]},
            "mention": {"type": ["integer", "null"]},
            "reason": {"type": "string"},
        },
        "required": ["index", "id", "outcome"],
    }
    return {
        "type": "object",
        "properties": {
            "accepted": number,
            "rejected": number,
            "changed": {
                "type": "object",
                "additionalProperties": number,
                "description": "what this call did: kept, revised, duplicate, official",
            },
            "results": {"type": "array", "items": result},
            "notes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "what of the call was not kept, e.g. contacts without a vault",
            },
        },
    }


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
