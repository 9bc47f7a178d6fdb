"""Incidents that reached the wrong person first, per route, and the change of the files that helps.

In: incidents with their events. Out: per route how many of how many went on to somebody else before
anybody acknowledged, to whom, and the owner to write instead. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from storage.records import NO_OWNER, Incident, IncidentEvent, IncidentId, OwnerId

# A proposal needs more than a slip: so many misrouted incidents, and so large a share of them to
# one person. Judgement.
_LEAST = 3
_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Misroute:
    """One route: `wrong` of `n` incidents went on before the first acknowledge.

    `by` counts who passed them on, `to` where they went; `proposed` is whom the route should name,
    "" while too few went to one person. `incidents` are the wrong ones, by code.
    """

    route_id: str
    n: int
    wrong: int
    not_mine: int
    assigned: int
    by: Mapping[OwnerId, int]
    to: Mapping[OwnerId, int]
    proposed: OwnerId
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How one incident found its reader in its first epoch."""

    route_id: str
    not_mine: int = 0
    assigned: int = 0
    by: tuple[OwnerId, ...] = ()
    to: OwnerId = NO_OWNER


def misroutes_of(
    found: Iterable[tuple[Incident, Sequence[IncidentEvent]]],
) -> list[Misroute]:
    """Return the routes that sent something to the wrong person, the worst first."""
    ways: dict[str, dict[IncidentId, _Way]] = {}
    codes: dict[IncidentId, str] = {}
    for incident, events in found:
        way = _way_of(incident, events)
        ways.setdefault(way.route_id, {})[incident.incident_id] = way
        codes[incident.incident_id] = incident.code
    made = []
    for route_id, each in ways.items():
        wrong = {key: way for key, way in each.items() if way.not_mine or way.assigned}
        if not wrong:
            continue
        to = Counter(way.to for way in wrong.values() if way.to)
        made.append(
            Misroute(
                route_id=route_id,
                n=len(each),
                wrong=len(wrong),
                not_mine=sum(way.not_mine > 0 for way in wrong.values()),
                assigned=sum(way.not_mine == 0 for way in wrong.values()),
                by=dict(Counter(who for way in wrong.values() for who in way.by).most_common()),
                to=dict(to.most_common()),
                proposed=_proposed(to, len(wrong)),
                incidents=tuple(codes[key] for key in wrong),
            )
        )
    return sorted(made, key=lambda one: (-one.wrong / one.n, -one.wrong, one.route_id))


def _proposed(to: Mapping[OwnerId, int], wrong: int) -> OwnerId:
    who, n = max(to.items(), key=lambda pair: pair[1], default=(NO_OWNER, 0))
    return who if wrong >= _LEAST and n >= _SHARE * wrong else NO_OWNER


def _way_of(incident: Incident, events: Iterable[IncidentEvent]) -> _Way:
    """Follow one incident to its first acknowledge; what happens later is no misroute."""
    way = _Way(route_id=incident.policy.route_id)
    owner = NO_OWNER
    for event in events:
        data = event.data
        if event.kind == "raised":
            way = replace(way, route_id=data["policy"]["route_id"])
            owner = OwnerId(data["owner_id"])
        elif event.kind == "not_mine" and data.get("before_ack"):
            named = OwnerId(data.get("to") or data.get("owner_id", ""))
            who = OwnerId(data["who"])
            way = replace(way, not_mine=way.not_mine + 1, by=(*way.by, who), to=named or way.to)
            owner = OwnerId(data.get("owner_id", owner))
        elif event.kind == "assigned":
            to = OwnerId(data["owner_id"])
            way = replace(way, assigned=way.assigned + 1, by=(*way.by, owner), to=to)
            owner = to
        elif event.kind in {"acknowledged", "handled", "dismissed", "merged"}:
            # who took it is the one it should have gone to
            took = OwnerId(event.actor) if event.kind == "acknowledged" else way.to
            is_wrong = way.not_mine or way.assigned
            return replace(way, to=took or way.to) if is_wrong else way
    return way
