"""Incidents as the fold of their events: events in, the incident as it then stands out.

Event data holds only what JSON can hold, so that an event read back from a database folds to the
same incident. Keys of the data that are named like fields of the incident set those fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.journal_values import (
    decode_reasons,
    decode_relapse,
    decode_seats,
    decode_shelf,
    encode_reasons,
    handovers_after,
    number,
    tasks_after,
    without_offer,
)
from alerts.meters import decode_meter, decode_service, encode_service
from config.errors import GroundswellError
from storage.records import (
    BrandId,
    ClusterId,
    EscalationStep,
    Grade,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Json,
    Level,
    OwnerId,
    Policy,
    Surge,
)

OPEN_STATES = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED})

# Kinds that move the state; every other kind leaves it. Table of alerting.md 2.1.
_STATE_AFTER = {
    "raised": IncidentState.OPEN,
    "acknowledged": IncidentState.ACKNOWLEDGED,
    "lease_expired": IncidentState.OPEN,
    "handled": IncidentState.HANDLED,
    "confirmed": IncidentState.CLOSED,
    "rejected": IncidentState.OPEN,
    "reopened": IncidentState.OPEN,
    "relapsed": IncidentState.OPEN,
    "unshelved": IncidentState.OPEN,
    "dismissed": IncidentState.DISMISSED,
    "emptied": IncidentState.DISMISSED,
    "merged": IncidentState.MERGED,
    "split": IncidentState.OPEN,
}

_COMES_BACK = frozenset({"reopened", "relapsed"})
# A new epoch starts with nothing done yet; what was said and by whom stays in the events.
_NEW_EPOCH: dict[str, Any] = {
    "step": 0,
    "acknowledged_at": None,
    "acknowledged_by": "",
    "lease_until": None,
    "reminded_of": None,
    "handled_at": None,
    "handled_by": "",
    "handled_note": "",
    "closed_at": None,
    "closed_by": "",
    "closed_evidence": "",
    "muted_until": None,
    "dormant": False,
    "merged_into": None,
    "dismissed_at": None,
    "dismissed_by": "",
    "dismissed_reason": "",
    "shelf": None,
    "below_since": None,
    "reminders": 0,
    "muted_by": "",
    "silenced": (),
    "closed_how": "",
    "first_warned_at": None,
    "first_over_at": None,
    "bounces": 0,
    "handovers": (),
    "locked_at": None,
    "extended": "",
    "declined": (),
}


def fold(events: Iterable[IncidentEvent]) -> Incident:
    """Return the incident that these events, oldest first, amount to.

    Errors: GroundswellError when there is none, the first is not "raised" or one is missing.
    """
    incident: Incident | None = None
    for event in events:
        incident = apply(incident, event)
    if incident is None:
        raise GroundswellError("folding the events of an incident: there are none")
    return incident


def apply(incident: Incident | None, event: IncidentEvent) -> Incident:
    """Return the incident after one more event; nothing else ever changes an incident."""
    if incident is None:
        if event.kind != "raised":
            raise GroundswellError(
                f"folding incident {event.incident_id!r}: the first event is {event.kind!r}, "
                'expected "raised"'
            )
        return _raised(event)
    if event.seq != incident.seq + 1:
        raise GroundswellError(
            f"folding incident {event.incident_id!r}: event {event.seq} follows {incident.seq}"
        )
    values: dict[str, Any] = {"seq": event.seq, "updated_at": event.at}
    if event.epoch != incident.epoch:
        seats = tuple(map(without_offer, incident.triangle))
        values |= _NEW_EPOCH | {"epoch": event.epoch, "triangle": seats}
    if event.kind in _STATE_AFTER:
        values["state"] = _STATE_AFTER[event.kind]
    if event.kind in _COMES_BACK:
        values["returned_at"] = event.at
    values |= _said(event) | _decoded(event.data)
    # on trial nobody but the reviewer was told
    before = () if event.kind == "went_live" else incident.told
    values["told"] = _joined(before, event.data.get("told", ()))
    if event.kind == "assigned":  # it has an owner now, whoever held it
        values["policy"] = replace(values.get("policy", incident.policy), held=False)
    values["tasks"] = tasks_after(incident.tasks, event)
    values["handovers"] = handovers_after(values.get("handovers", incident.handovers), event)
    return replace(incident, **values)


def encode_policy(policy: Policy) -> Json:
    """Return a policy as JSON can hold it."""
    return {
        "route_id": policy.route_id,
        "owner_id": policy.owner_id,
        "also": list(policy.also),
        "steps": [[step.after_s, list(step.owner_ids)] for step in policy.steps],
        "ack_lease_s": policy.ack_lease_s,
        "fallback": list(policy.fallback),
        "reason": policy.reason,
        **({"service": encode_service(policy.service)} if policy.service else {}),
        "held": policy.held,
    }


def encode_grade(grade: Grade) -> Json:
    """Return a grade as JSON can hold it; infinite figures become words."""
    surge = grade.surge
    return {
        "level": int(grade.level),
        "score": number(grade.score),
        "reasons": encode_reasons(grade.reasons),
        "surge": {
            "kind": surge.kind,
            "setting": surge.setting,
            "window_hours": surge.window_hours,
            "observed": surge.observed,
            "expected": number(surge.expected),
            "p_value": number(surge.p_value),
            "ratio": number(surge.ratio),
            "threshold": number(surge.threshold),
            "reason": surge.reason,
            "baseline_days": number(surge.baseline_days),
            "scope": surge.scope,
            "lift": number(surge.lift),
        },
        "rule_version": grade.rule_version,
        "at": grade.at.isoformat(),
        "quiet_if": grade.quiet_if,
    }


def _raised(event: IncidentEvent) -> Incident:
    data = event.data
    values = _decoded(data) | {
        "state": IncidentState.OPEN,
        "code": str(data["code"]),
        "brand_id": BrandId(str(data["brand_id"])),
        "cluster_id": ClusterId(str(data["cluster_id"])),
        "issue_class": str(data["issue_class"]),
    }
    return Incident(
        incident_id=event.incident_id,
        epoch=event.epoch,
        opened_at=event.at,
        updated_at=event.at,
        seq=event.seq,
        told=_joined((), data.get("told", ())),
        **values,
    )


def _said(event: IncidentEvent) -> dict[str, Any]:
    """Return who did what when, for the kinds that keep it on the incident."""
    text = str(event.data.get("text", ""))
    match event.kind:
        case "acknowledged":
            # somebody has it in hand: who was not told while it was silent need not hear of it
            return {
                "acknowledged_at": event.at,
                "acknowledged_by": event.actor,
                "silenced": (),
                "extended": "",  # each acknowledge may be extended once
            }
        case "lease_expired" | "unshelved":
            return {"acknowledged_at": None, "acknowledged_by": "", "lease_until": None}
        case "handled":
            return {
                "handled_at": event.at,
                "handled_by": event.actor,
                "handled_note": text,
                "lease_until": None,
                "muted_until": None,
                "shelf": None,
            }
        case "confirmed":
            return {"closed_at": event.at, "closed_by": event.actor, "closed_evidence": text}
        case "dismissed" | "emptied":
            return {
                "dismissed_at": event.at,
                "dismissed_by": event.actor,
                "dismissed_reason": text,
                "shelf": None,
            }
        case _:
            return {}


def _instant(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def _decode_policy(value: Json) -> Policy:
    return Policy(
        route_id=value["route_id"],
        owner_id=OwnerId(value["owner_id"]),
        also=tuple(OwnerId(owner) for owner in value["also"]),
        steps=tuple(
            EscalationStep(after_s=after_s, owner_ids=tuple(OwnerId(owner) for owner in owners))
            for after_s, owners in value["steps"]
        ),
        ack_lease_s=value["ack_lease_s"],
        fallback=tuple(OwnerId(owner) for owner in value["fallback"]),
        reason=value["reason"],
        service=decode_service(value.get("service")),
        held=bool(value.get("held")),  # policies written before rosters do not say it
    )


def _decode_grade(value: Json) -> Grade:
    surge = dict(value["surge"])
    for name in ("expected", "p_value", "ratio", "threshold", "baseline_days", "lift"):
        surge[name] = float(surge.get(name, 1.0))  # earlier versions knew no lift
    return Grade(
        level=Level(value["level"]),
        score=float(value["score"]),
        reasons=decode_reasons(value["reasons"]),
        surge=Surge(**surge),
        rule_version=value["rule_version"],
        at=datetime.fromisoformat(value["at"]),
        quiet_if=value["quiet_if"],
    )


_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "level": Level,
    "title": str,
    "cluster_id": ClusterId,
    "fingerprint": str,
    "level_by": str,
    "level_reason": str,
    "level_grounds": decode_reasons,
    "shelf": decode_shelf,
    "relapse": decode_relapse,
    "owner_id": OwnerId,
    "policy": _decode_policy,
    "grade": _decode_grade,
    "step": int,
    "lease_until": _instant,
    "reminded_of": _instant,
    "muted_until": _instant,
    "below_since": _instant,
    "muted_by": str,
    "silenced": lambda owner_ids: tuple(map(OwnerId, owner_ids)),
    "meter": decode_meter,
    "dormant": bool,
    "merged_into": IncidentId,
    "authors": int,
    "platforms": tuple,
    "reminders": int,
    "closed_how": str,
    "first_warned_at": _instant,
    "first_over_at": _instant,
    "triangle": decode_seats,
    "bounces": int,
    "locked_at": _instant,
    "extended": str,
    "declined": lambda owner_ids: tuple(map(OwnerId, owner_ids)),
    "trial_id": str,
    "tier": str,
    "tier_why": str,
}


def _decoded(data: Json) -> dict[str, Any]:
    return {name: decode(data[name]) for name, decode in _DECODERS.items() if name in data}


def _joined(told: tuple[OwnerId, ...], more: Iterable[str]) -> tuple[OwnerId, ...]:
    return tuple(dict.fromkeys((*told, *(OwnerId(owner) for owner in more))))
