"""A service limit is near, or passed: the owner hears of it, then he and the next in the chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.draft import Draft
from alerts.messages import Occasion, clock_words, duration_words
from alerts.meters import encode_meter
from alerts.routing import reachable
from alerts.service_clock import instant_after, limit_of, reading, runs
from config.schema import Owner
from storage.records import Incident, OwnerId, Service, Timer

_SLACK_S = 1.0  # a limit that is used up to the second is used up
_OCCASIONS = {
    ("react", False): Occasion.REACT_WARNING,
    ("react", True): Occasion.REACT_OVER,
    ("solve", False): Occasion.SOLVE_WARNING,
    ("solve", True): Occasion.SOLVE_OVER,
}
_WORDS = {"react": "响应", "solve": "解决"}


def service_due(draft: Draft, timer: Timer, key: str) -> str:
    """Warn of a limit, or say once that it is passed; "" when the clock has stopped meanwhile.

    The event holds the figures: clock, used_s, left_s, limit_s, in seconds of service hours.
    """
    incident = draft.incident
    clock = timer.kind.removesuffix("_warn")
    service, meter = incident.policy.service, incident.meter
    if service is None or meter is None or clock not in runs(incident):
        return ""
    if {timer.kind, clock} & set(meter.told):
        return ""
    used = reading(incident, draft.now)
    limit = limit_of(service, clock)
    left = limit - (used.react_s if clock == "react" else used.solve_s)
    over = left <= _SLACK_S
    if not over and (timer.kind == clock or left > limit * service.warn_left + _SLACK_S):
        return ""
    said = (f"{clock}_warn", clock) if over else (f"{clock}_warn",)
    told = _told(draft, incident, over=over)
    draft.record(
        "service_over" if over else "service_warned",
        key=key,
        clock=clock,
        used_s=round(limit - left),
        left_s=round(left),
        limit_s=limit,
        meter=encode_meter(replace(used, told=tuple(dict.fromkeys((*used.told, *said))))),
        told=list(told),
    )
    draft.tell(
        _OCCASIONS[clock, over], told, lambda owner: _words(draft, service, clock, left, owner)
    )
    return f"{clock}_over" if over else f"{clock}_soon_over"


def _told(draft: Draft, incident: Incident, *, over: bool) -> tuple[OwnerId, ...]:
    """Return the owner; at a breach also the next of the ladder, whose own turn still comes."""
    told = draft.people((incident.owner_id,))
    if not over:
        return told
    policy, project = incident.policy, draft.scene.project
    for named in (*(step.owner_ids for step in policy.steps[incident.step :]), policy.fallback):
        found = reachable(project, named, draft.now, regions=draft.scene.regions)
        further = tuple(one for one in found if one not in told)
        if further:
            return (*told, *further)
    return told


def _words(draft: Draft, service: Service, clock: str, left: float, owner: Owner) -> str:
    limit = limit_of(service, clock)
    promised = f"服务时限 {service.tier_id}：{_WORDS[clock]}应在 {_span(limit)}内"
    if left <= _SLACK_S:
        late = f"，已超出 {_span(-left)}" if -left >= 60 else "，现在已到"
        return f"{promised}{late}（按服务时间计）。"
    until = instant_after(service, draft.now, left)
    by = f"，最迟 {clock_words(until, draft.now, owner.zone)}" if until else ""
    return f"{promised}，还剩 {_span(left)}{by}。"


def _span(seconds: float) -> str:
    return duration_words(timedelta(seconds=seconds))
