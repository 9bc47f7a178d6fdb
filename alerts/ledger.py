"""The false-alarm ledger: what became of each alarm, and how often each rule, source, person erred.

In: incidents with their logs. Out: alarms with their verdict, and precision with its interval.
An alarm is true when somebody acknowledged it and handled or confirmed it, false when somebody
dismissed it; the last word counts, so that reopening corrects the ledger. The rest is undecided,
shown apart and never counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from alerts.false_alarms import FalseAlarm
from alerts.intervals import wilson
from storage.records import (
    BrandId,
    Incident,
    IncidentEvent,
    IncidentId,
    Level,
    OwnerId,
    SourceId,
)

Verdict = Literal["true", "false", "undecided"]
_SYSTEM = "system"
_TRUE = frozenset({"handled", "confirmed"})
# A new alarm begins: it was raised, or came back after the customer's side had confirmed. Whatever
# brings a dismissed one back goes on with the alarm that was dismissed: its verdict is open again.
_BEGINS = frozenset({"raised"})
_BACK = frozenset({"reopened", "relapsed"})
_OPENS_AGAIN = _BACK | {"rejected", "split"}
_GRADED = frozenset({"raised", "level_up", "reopened", "relapsed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissal:
    """One 误报: who said so, when and why. `withdrawn_at`: it was opened again afterwards."""

    at: datetime
    by: str
    reason: FalseAlarm
    text: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One time that an incident was raised, until it ended for good.

    `rules` are the grounds that asked for `level`, the highest that the program gave it; `score`
    and `values` (by ground) are what they saw, for asking what another threshold would have done.
    """

    incident_id: IncidentId
    code: str
    title: str
    brand_id: BrandId
    issue_class: str
    route_id: str
    began_at: datetime
    level: Level = Level.NONE
    score: float = 0.0
    rules: tuple[str, ...] = ()
    values: Mapping[str, float] = None  # type: ignore[assignment]
    told: tuple[OwnerId, ...] = ()
    sources: tuple[SourceId, ...] = ()
    acknowledged: bool = False
    verdict: Verdict = "undecided"
    decided_at: datetime | None = None
    dismissals: tuple[Dismissal, ...] = ()

    @property
    def dismissal(self) -> Dismissal | None:
        """The dismissal that stands, None when it was withdrawn or there was none."""
        last = self.dismissals[-1] if self.dismissals else None
        return last if last is not None and last.withdrawn_at is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How often an alarm of one kind was a true one; None where nothing was decided.

    `low` to `high` is the 95 % interval of Wilson (1927): it stays honest with few alarms.
    """

    name: str
    true: int
    false: int
    undecided: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def n(self) -> int:
        """How many were decided."""
        return self.true + self.false


def alarms_of(incident: Incident, events: Iterable[IncidentEvent]) -> list[Alarm]:
    """Return the alarms of one incident, the oldest first, from its log."""
    found: list[Alarm] = []
    for event in events:
        is_new = event.kind in _BEGINS
        if event.kind in _BACK and found:
            is_new = found[-1].verdict == "true"
        if is_new:
            found.append(_begun(incident, event))
        if found:
            found[-1] = _after(found[-1], event)
    return found


def _begun(incident: Incident, event: IncidentEvent) -> Alarm:
    policy = event.data.get("policy") or {}
    return Alarm(
        incident_id=incident.incident_id,
        code=incident.code,
        title=incident.title,
        brand_id=incident.brand_id,
        issue_class=incident.issue_class,
        route_id=str(policy.get("route_id", incident.policy.route_id)),
        began_at=event.at,
        values={},
    )


def _after(alarm: Alarm, event: IncidentEvent) -> Alarm:
    told = tuple(dict.fromkeys((*alarm.told, *map(OwnerId, event.data.get("told", ())))))
    alarm = replace(alarm, told=told)
    if event.kind in _GRADED:
        alarm = _graded(alarm, event)
    if event.kind == "acknowledged":
        return replace(alarm, acknowledged=True)
    if event.kind in _TRUE:
        return replace(alarm, verdict="true", decided_at=event.at)
    if event.kind == "dismissed" and event.actor != _SYSTEM:
        said = Dismissal(
            at=event.at,
            by=event.actor,
            reason=_reason(event),
            text=str(event.data.get("text", "")),
        )
        dismissals = (*alarm.dismissals, said)
        return replace(alarm, verdict="false", decided_at=event.at, dismissals=dismissals)
    if event.kind in _OPENS_AGAIN and alarm.dismissal is not None:
        *before, last = alarm.dismissals
        withdrawn = (*before, replace(last, withdrawn_at=event.at))
        return replace(alarm, verdict="undecided", decided_at=None, dismissals=withdrawn)
    return alarm


def _graded(alarm: Alarm, event: IncidentEvent) -> Alarm:
    """Take over the grade of an event when the program went higher with it than before."""
    grade = event.data.get("grade")
    if not grade:
        return alarm
    level = Level(grade["level"])
    if level <= alarm.level:
        return alarm
    asked = [(one[0], one[2]) for one in grade["reasons"] if len(one) > 4 and one[4] >= level]
    values = {code: float(value) for code, value in asked if value is not None}
    rules = tuple(dict.fromkeys(code for code, _ in asked)) or ("score",)
    return replace(alarm, level=level, rules=rules, values=values, score=float(grade["score"]))


def _reason(event: IncidentEvent) -> FalseAlarm:
    """Return the code of a dismissal; those from before there were codes have none."""
    named = str(event.data.get("how", ""))
    return FalseAlarm(named) if named in set(FalseAlarm) else FalseAlarm.OTHER


def rule_words(code: str) -> str:
    """Return what people call a ground of a grade."""
    return _RULES.get(code) or _RULES.get(code.rpartition("_")[0] + "_", "") or code


_RULES = {
    "score": "综合分过线",
    "trigger_death": "提到死亡",
    "trigger_injury": "提到受伤",
    "trigger_fire": "提到起火",
    "trigger_views": "阅读量过线",
    "trigger_reposts": "转发过线",
    "trigger_platforms": "多平台同时增长",
    "trigger_hot": "上热搜",
    "trigger_batch": "批次信号",
    "spike_watch": "突增（关注级）",
    "spike_page": "突增（通知级）",
    "ramp_watch": "缓升（关注级）",
    "ramp_page": "缓升（通知级）",
    "trigger_": "媒体发声",
}


# --- precision ------------------------------------------------------------------------------------


def precision_of(name: str, alarms: Iterable[Alarm]) -> Precision:
    """Return the precision of these alarms."""
    counted = Counter(alarm.verdict for alarm in alarms)
    true, false = counted["true"], counted["false"]
    low, high = wilson(true, true + false)
    return Precision(
        name=name,
        true=true,
        false=false,
        undecided=counted["undecided"],
        value=true / (true + false) if true + false else None,
        low=low,
        high=high,
    )


def by_rule(alarms: Sequence[Alarm]) -> list[Precision]:
    """Return the precision of each ground that asked for a level."""
    return _by(alarms, lambda alarm: alarm.rules)


def by_source(alarms: Sequence[Alarm]) -> list[Precision]:
    """Return the precision of the alarms in which each source had a part."""
    return _by(alarms, lambda alarm: alarm.sources)


def by_person(alarms: Sequence[Alarm]) -> list[Precision]:
    """Return the precision of what each person was told of."""
    return _by(alarms, lambda alarm: alarm.told)


def _by(alarms: Sequence[Alarm], keys: Callable[[Alarm], Iterable[str]]) -> list[Precision]:
    groups: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        for key in keys(alarm):
            groups[key].append(alarm)
    found = [precision_of(name, group) for name, group in groups.items()]
    return sorted(found, key=lambda one: (-one.false, -one.n, one.name))
