"""The first answer to each complainant, timed from his post: a warning, then the breach.

In: an incident with its service and those whom nobody has answered. Out: one message before the
limit and one after it, with how many it is about; each again at the earliest after a day, when
somebody else is affected. Who posted at an unknown time is named as unknown, never as in time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.moments import duration_words
from alerts.occasions import Occasion
from alerts.service_clock import instant_after, seconds_between
from storage.records import Incident, Service, Timer

if TYPE_CHECKING:
    from alerts.draft import Draft

FIRST_TIMERS = ("first_warn", "first_over")
_AGAIN = timedelta(hours=24)
_NEXT = timedelta(minutes=1)  # a look that finds nothing to say is not repeated sooner


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How those stand whom nobody has answered, at one instant.

    `over` passed the limit, `near` come to it within the share that is warned of. `next_at`: when
    the next of them comes near, or passes it; None when nobody waits whose time is known.
    """

    over: int
    near: int
    unknown: int
    next_at: datetime | None
    kind: str


def standing_of(service: Service, unanswered: Sequence[datetime | None], now: datetime) -> Waiting:
    """Sort those who wait, by when they posted, by how much of their time is used.

    Units: seconds of service hours; None is a time that nobody knows.
    """
    posted = sorted(at for at in unanswered if at is not None)
    limit = float(service.react_s)
    warn = limit * (1 - service.warn_left)
    over = _longer(service, posted, now, limit)
    near = _longer(service, posted, now, warn) - over
    next_at, kind = None, "first_warn"
    candidates = []
    if over + near < len(posted):
        candidates.append((instant_after(service, posted[over + near], warn), "first_warn"))
    if near:
        candidates.append((instant_after(service, posted[over], limit), "first_over"))
    known = [(at, name) for at, name in candidates if at is not None]
    if known:
        next_at, kind = min(known)
    return Waiting(
        over=over, near=near, unknown=len(unanswered) - len(posted), next_at=next_at, kind=kind
    )


def _longer(service: Service, posted: Sequence[datetime], now: datetime, seconds: float) -> int:
    """Return how many of these, oldest first, wait so many seconds of service hours or longer."""
    return bisect_right(posted, -seconds, key=lambda at: -seconds_between(service, at, now))


def first_timer(incident: Incident, posted_at: datetime | None, now: datetime) -> Timer | None:
    """Return the first look at those who wait: when the first post comes near its limit.

    Where that is over already, people who have just heard of the incident get the same time.
    """
    service = incident.policy.service
    if service is None or not incident.at_work:
        return None
    warn = service.react_s * (1 - service.warn_left)
    at = instant_after(service, min(posted_at or now, now), warn)
    if at is None or at <= now:
        at = instant_after(service, now, warn)
    return None if at is None else _timer(incident, "first_warn", incident.seq, at)


def first_due(draft: Draft, timer: Timer, key: str) -> str:
    """Look at those who wait, say what is due, and set the next look; "" when it has ended."""
    incident, now = draft.incident, draft.now
    service = incident.policy.service
    if service is None or not incident.at_work:
        return ""
    waiting = standing_of(service, draft.unanswered, now)
    said = ""
    if incident.shelf is None:
        said = _say(draft, service, waiting, f"{key}:{timer.due_at.isoformat()}")
    at = waiting.next_at
    if at is None or at <= now:
        at = instant_after(service, now, service.react_s * (1 - service.warn_left))
    if at is not None:
        draft.wait_too(_timer(draft.incident, waiting.kind, timer.step + 1, max(at, now + _NEXT)))
    return said or "first_answers"


def _say(draft: Draft, service: Service, waiting: Waiting, key: str) -> str:
    incident, now = draft.incident, draft.now
    if waiting.over and _is_new(incident.first_over_at, waiting.over, draft, service.react_s):
        values: dict[str, Any] = dict.fromkeys(
            ("first_over_at", "first_warned_at"), now.isoformat()
        )
        kind, occasion = "first_over", Occasion.FIRST_OVER
    elif waiting.near and _is_new(
        incident.first_warned_at, waiting.near, draft, service.react_s * (1 - service.warn_left)
    ):
        values = {"first_warned_at": now.isoformat()}
        kind, occasion = "first_warned", Occasion.FIRST_WARNING
    else:
        return ""
    told = draft.people((incident.owner_id,))
    text = _words(service, waiting)
    draft.record(
        kind,
        key=key,
        text=text,
        over=waiting.over,
        near=waiting.near,
        unknown=waiting.unknown,
        limit_s=service.react_s,
        told=list(told),
        **values,
    )
    draft.tell(occasion, told, lambda _: text)
    return kind


def _is_new(said_at: datetime | None, many: int, draft: Draft, seconds: float) -> bool:
    """Say whether this was not said yet, or long ago and of others."""
    if said_at is None:
        return True
    if draft.now - said_at < _AGAIN:
        return False
    service = draft.incident.policy.service
    assert service is not None, "looked at before"
    posted = sorted(at for at in draft.unanswered if at is not None)
    return _longer(service, posted, said_at, seconds) < many


def _words(service: Service, waiting: Waiting) -> str:
    limit = duration_words(timedelta(seconds=service.react_s))
    said = [f"首次响应应在发帖后 {limit}内（服务时限 {service.tier_id}，按服务时间计）"]
    if waiting.over:
        said.append(f"{waiting.over} 位投诉人还没有人联系，已过时限")
    if waiting.near:
        said.append(f"{waiting.near} 位投诉人还没有人联系，时限将到")
    if waiting.unknown:
        said.append(f"另有 {waiting.unknown} 位发帖时间未知，没有计入")
    return "；".join(said) + "。"


def _timer(incident: Incident, kind: str, step: int, at: datetime) -> Timer:
    return Timer(
        incident_id=incident.incident_id, epoch=incident.epoch, kind=kind, step=step, due_at=at
    )
