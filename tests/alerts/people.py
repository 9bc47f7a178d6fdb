"""A small fictional company for the alert tests: who answers, on which channels, by which routes."""

from __future__ import annotations

from typing import Any

from config.schema import Project
from storage.records import Incident, OwnerId

SETTINGS: dict[str, Any] = {
    "brands": [
        {
            "id": "yunque",
            "name": "云雀",
            "aliases": ["云雀净水"],
            "products": [{"id": "q3", "name": "云雀净水器Q3", "aliases": ["Q3"]}],
        },
        {"id": "baiheng", "name": "百衡", "aliases": ["百衡家电"]},
    ],
    "channels": [
        {"id": "bot", "kind": "wecom_bot", "key": "env:YUNQUE_BOT"},
        {
            "id": "mail",
            "kind": "email",
            "host": "127.0.0.1",
            "port": 2525,
            "security": "none",
            "sender": "云雀舆情 <alert@yunque.example>",
        },
        {
            "id": "hook",
            "kind": "webhook",
            "url": "http://127.0.0.1:9/hook",
            "secret": "env:YUNQUE_HOOK",
        },
    ],
    "owners": [
        {
            "id": "lin",
            "name": "林晓",
            "channels": ["bot", "mail"],
            "email": "lin@yunque.example",
            "quiet_hours": {"from": "22:00", "to": "07:30"},
        },
        {
            "id": "zhao",
            "name": "赵敏",
            "role": "pr",
            "channels": ["mail"],
            "email": "zhao@yunque.example",
        },
        {"id": "chen", "name": "陈立", "role": "lead", "channels": ["hook"]},
        {
            "id": "sun",
            "name": "孙悦",
            "role": "executive",
            "channels": ["hook", "mail"],
            "email": "sun@yunque.example",
        },
        {"id": "wu", "name": "吴桐", "channels": ["mail"], "email": "wu@yunque.example"},
    ],
    "routes": [
        {
            "id": "safety",
            "brand": ["yunque"],
            "issue": ["安全与人身"],
            "owner": "lin",
            "also": ["zhao"],
            "chain": ["chen", "sun"],
        },
        {
            "id": "everything",
            "brand": ["yunque"],
            "owner": "lin",
            "also": ["zhao"],
            "chain": ["chen"],
        },
    ],
    "fallback": ["sun", "wu"],
}


def make_project(**changes: Any) -> Project:
    """The company as a project; `changes` replace whole top-level entries."""
    return Project.model_validate(SETTINGS | changes)


def owners(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The owners' entries with some changed: `owners(lin={"away": […]})`; None removes one."""
    return [entry | changes.get(entry["id"], {}) for entry in SETTINGS["owners"]]


class PlainLinks:
    """Links that are as short as ours and always the same."""

    def incident(self, incident: Incident) -> str:
        return f"https://desk.yunque.example/incidents/{incident.incident_id}"

    def action(self, incident: Incident, action: str, owner_id: OwnerId) -> str:
        return f"https://desk.yunque.example/t/{action}.{owner_id}.{incident.epoch}"
