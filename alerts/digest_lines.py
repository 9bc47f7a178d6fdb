"""How one incident reads in a digest: its section, how it stands, how large it is, who has it.

In: an incident and the facts of the day. Out: short Chinese phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.card import service_words
from alerts.complainants import counts_from, counts_words
from alerts.confirming import kind_of
from alerts.service_clock import service_clock
from config.schema import Owner
from storage.records import (
    BRAND_PREFIX,
    ConfirmKind,
    DigestFacts,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
)

OPEN_STATES = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED})
_ENDS_IN = {
    IncidentState.CLOSED: "已解决",
    IncidentState.HANDLED: "待客户确认",
    IncidentState.DISMISSED: "其他",
    IncidentState.MERGED: "其他",
}
_CAME_BACK = frozenset({"reopened", "rejected", "relapsed"})
_CLOCK_STARTS = _CAME_BACK | {
    "raised",
    "lease_expired",
    "level_up",
    "level_set",
    "split",
    "unshelved",
}
_NO_STEPS = timedelta(hours=4)  # blue's time to acknowledge, for a policy without any step


@dataclass(frozen=True, slots=True)
class Desk:
    """What wording one incident needs besides the incident."""

    facts: DigestFacts
    owner: Owner
    names: Mapping[str, str]
    events: Mapping[IncidentId, Sequence[IncidentEvent]]
    now: datetime

    def events_of(self, incident: Incident) -> Sequence[IncidentEvent]:
        """Return what happened to an incident within the range."""
        return self.events.get(incident.incident_id, ())

    def clock(self, instant: datetime) -> str:
        """Return an instant on the reader's own clock."""
        local = instant.astimezone(self.owner.zone)
        return f"{local.month}月{local.day}日 {local:%H:%M}"


def section_of(incident: Incident, desk: Desk) -> str:
    """Return the one section an incident stands in; what waits for somebody wins."""
    if incident.state in _ENDS_IN:
        return _ENDS_IN[incident.state]
    kinds = {event.kind for event in desk.events_of(incident)}
    tests = (
        ("超时未确认", _is_overdue(incident, desk)),
        ("超过时限", _is_past_limit(incident, desk)),
        ("复发", bool(kinds & _CAME_BACK)),
        ("升级中", "level_up" in kinds),
        ("新增", desk.facts.since <= incident.opened_at),
    )
    return next((name for name, holds in tests if holds), "其他")


def _is_overdue(incident: Incident, desk: Desk) -> bool:
    if incident.state is not IncidentState.OPEN or _is_muted(incident, desk.now):
        return False
    if incident.shelf is not None:
        return False
    return desk.now - _waiting_since(incident, desk) > time_to_acknowledge(incident)


def _is_past_limit(incident: Incident, desk: Desk) -> bool:
    """Say whether a service limit is used up while somebody, or nobody, is at work on it."""
    clock = service_clock(incident, desk.now)
    return clock is not None and bool(clock.breached) and not _is_muted(incident, desk.now)


def _waiting_since(incident: Incident, desk: Desk) -> datetime:
    starts = [event.at for event in desk.events_of(incident) if event.kind in _CLOCK_STARTS]
    first = incident.opened_at if incident.epoch == 1 else incident.updated_at
    return max(starts, default=first)


def time_to_acknowledge(incident: Incident) -> timedelta:
    """Return how long the present ladder waits first; a rise in level puts a new one behind."""
    reached = [0, *(step.after_s for step in incident.policy.steps)]
    waits = [later - earlier for earlier, later in pairwise(reached)]
    begins = max((place + 1 for place, wait in enumerate(waits) if wait == 0), default=0)
    return timedelta(seconds=waits[begins]) if begins < len(waits) else _NO_STEPS


def _is_muted(incident: Incident, now: datetime) -> bool:
    return incident.muted_until is not None and incident.muted_until > now


def lines_of(incident: Incident, section: str, desk: Desk) -> list[str]:
    """Say of one incident how it stands, how large it is, why it was raised and who has it."""
    name = desk.names.get(incident.owner_id, incident.owner_id)
    mine = "（您）" if incident.owner_id == desk.owner.id else ""
    lines = [_shelf_line(incident, desk) or _state_line(incident, section, desk)]
    if incident.unhandled and (limits := service_words(incident, desk.now)):
        lines.append(limits.rstrip("。"))
    if incident.tier:
        lines.append(f"客户等级 {desk.facts.tiers.get(incident.tier, incident.tier)}")
    size = desk.facts.counts.get(incident.incident_id)
    if size is not None and not incident.cluster_id.startswith(BRAND_PREFIX):
        mentions, authors, today = size
        lines.append(f"{authors} 位作者，{mentions} 条提及（当日 {today} 条）")
    if states := desk.facts.people.get(incident.incident_id):
        lines.append(counts_words(counts_from(states)))
    if section in {"新增", "升级中", "复发"} and incident.grade and incident.grade.reasons:
        lines.append(incident.grade.reasons[0].text)
    if incident.policy.held and incident.state in OPEN_STATES:
        lines.append(f"待指派负责人，兜底 {name}{mine} 代管")
    else:
        lines.append(f"负责人 {name}{mine}")
    return lines


def _shelf_line(incident: Incident, desk: Desk) -> str:
    shelf = incident.shelf
    if shelf is None or incident.state not in OPEN_STATES:
        return ""
    return f"已知问题，搁置至 {desk.clock(shelf.until)}（{short(shelf.note)}）"


def _state_line(incident: Incident, section: str, desk: Desk) -> str:
    match incident.state:
        case IncidentState.CLOSED:
            kind = kind_of(incident)
            how = "客户侧已确认" if kind is None or kind is ConfirmKind.CUSTOMER else kind.zh
            line = f"{how}（{person(incident.closed_by, desk)}）"
            proof = short(incident.closed_evidence)
            return f"{line}，依据：{proof}" if proof else line
        case IncidentState.HANDLED:
            return _handled_line(incident, desk)
        case IncidentState.DISMISSED:
            said = "" if incident.was_emptied else "判为误报："
            return said + short(incident.dismissed_reason)
        case IncidentState.MERGED:
            return "已并入另一事件"
        case IncidentState.ACKNOWLEDGED:
            by_owner = incident.acknowledged_by == incident.owner_id
            return "处理中" if by_owner else f"{person(incident.acknowledged_by, desk)} 处理中"
        case IncidentState.OPEN:
            return _waiting_line(incident, section, desk)


def _handled_line(incident: Incident, desk: Desk) -> str:
    if incident.dormant:
        return "多次联系客户侧未获答复，保持待确认"
    since = f"，{desk.clock(incident.handled_at)} 处理" if incident.handled_at else ""
    return f"已处理，等客户侧确认{since}"


def _waiting_line(incident: Incident, section: str, desk: Desk) -> str:
    if incident.muted_until is not None and _is_muted(incident, desk.now):
        return f"静默至 {desk.clock(incident.muted_until)}"
    if section == "超时未确认":
        waited = desk.now - _waiting_since(incident, desk)
        return f"已等 {_span(waited)}无人确认（应在 {_span(time_to_acknowledge(incident))}内）"
    return f"第 {incident.epoch} 次发生，待确认" if section == "复发" else "待确认"


def person(owner_id: str, desk: Desk) -> str:
    """Return how a reader knows who did something."""
    return desk.names.get(owner_id, owner_id) or "未署名"


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} 分钟"
    if minutes < 48 * 60:
        return f"{minutes / 60:.1f}".removesuffix(".0") + " 小时"
    return f"{minutes // 1440} 天"


def short(text: str, limit: int = 60) -> str:
    """Return a text on one line, cut to `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
