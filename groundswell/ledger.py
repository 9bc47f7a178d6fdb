"""The ledger of alarms put together: what became of them, precision, answers, budgets.

In: the store's incidents of N days. Out: one Ledger, for page, command, REST, digest and doctor.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.budget import Use, day_start, use_of, week_start
from alerts.ledger import (
    Alarm,
    Dismissal,
    Precision,
    alarms_of,
    by_person,
    by_rule,
    by_source,
    precision_of,
    rule_words,
)
from config.schema import Owner, Project
from storage.queries import Queries
from storage.records import BrandId, IncidentId, Level, OwnerId

DAYS = 28  # four weeks: as many of each weekday
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTimes:
    """How long first complaints waited for an answer in public; None where nobody answered.

    `unanswered` is the share without any answer so far: they are in neither figure.
    """

    brand_id: BrandId
    level: Level
    incidents: int
    answered: int
    median: timedelta | None
    p90: timedelta | None

    @property
    def unanswered(self) -> float:
        """The share of incidents without any public answer."""
        return 1 - self.answered / self.incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What became of the alarms that began within [since, until]."""

    since: datetime
    until: datetime
    days: int
    alarms: tuple[Alarm, ...]  # the newest first
    whole: Precision
    rules: tuple[Precision, ...]
    sources: tuple[Precision, ...]
    people: tuple[Precision, ...]
    reasons: tuple[tuple[str, int], ...]  # codes of false alarms that stand, most frequent first
    dismissals: tuple[tuple[Alarm, Dismissal], ...]  # every 误报, the newest first
    answers: tuple[AnswerTimes, ...]
    budgets: tuple[Use, ...]


def ledger_of(queries: Queries, project: Project, now: datetime, days: int = DAYS) -> Ledger:
    """Return the ledger of the alarms that began in the last `days` days."""
    since = now - timedelta(days=days)
    alarms = [alarm for alarm in alarms_since(queries, since) if alarm.began_at <= now]
    stands = [alarm for alarm in alarms if alarm.dismissal is not None]
    reasons = Counter(str(alarm.dismissal.reason) for alarm in stands if alarm.dismissal)
    said = [(alarm, one) for alarm in alarms for one in alarm.dismissals]
    return Ledger(
        since=since,
        until=now,
        days=days,
        alarms=tuple(alarms),
        whole=precision_of("all", alarms),
        rules=tuple(by_rule(alarms)),
        sources=tuple(by_source(alarms)),
        people=tuple(by_person(alarms)),
        reasons=tuple(reasons.most_common()),
        dismissals=tuple(sorted(said, key=lambda pair: pair[1].at, reverse=True)),
        answers=tuple(answer_times(queries, alarms)),
        budgets=tuple(budget_use(queries, project, now, alarms)),
    )


def alarms_since(queries: Queries, since: datetime) -> list[Alarm]:
    """Return the alarms that began since then, each with its sources, the newest first."""
    found = [
        alarm
        for incident, events in queries.alarms_since(since)
        for alarm in alarms_of(incident, events)
        if alarm.began_at >= since
    ]
    sources = queries.alarm_sources({alarm.incident_id for alarm in found})
    named = [replace(one, sources=tuple(sorted(sources.get(one.incident_id, ())))) for one in found]
    return sorted(named, key=lambda one: (one.began_at, one.incident_id), reverse=True)


def answer_times(queries: Queries, alarms: Sequence[Alarm]) -> list[AnswerTimes]:
    """Return per brand and level how long the first public answer took.

    Of an incident the first alarm counts; those dismissed as false need no answer and are left out.
    """
    first: dict[IncidentId, Alarm] = {}
    for alarm in sorted(alarms, key=lambda one: one.began_at):
        if alarm.verdict != "false":
            first.setdefault(alarm.incident_id, alarm)
    answers = queries.first_answers(first)
    groups: dict[tuple[BrandId, Level], list[timedelta | None]] = defaultdict(list)
    for incident_id, alarm in first.items():
        found = answers[incident_id]
        waited = (
            found.answered_at - found.complained_at
            if found.answered_at is not None and found.complained_at is not None
            else None
        )
        groups[alarm.brand_id, alarm.level].append(waited)
    return [
        _times(brand_id, level, waits)
        for (brand_id, level), waits in sorted(
            groups.items(), key=lambda one: (one[0][0], -one[0][1])
        )
    ]


def _times(brand_id: BrandId, level: Level, waits: Sequence[timedelta | None]) -> AnswerTimes:
    known = sorted(one for one in waits if one is not None)
    return AnswerTimes(
        brand_id=brand_id,
        level=level,
        incidents=len(waits),
        answered=len(known),
        median=_quantile(known, 0.5),
        p90=_quantile(known, 0.9),
    )


def _quantile(known: Sequence[timedelta], share: float) -> timedelta | None:
    """Return a quantile, between two values in proportion (the usual definition 7)."""
    if not known:
        return None
    place = share * (len(known) - 1)
    low = int(place)
    high = min(low + 1, len(known) - 1)
    return known[low] + (known[high] - known[low]) * (place - low)


def overspent(
    queries: Queries, project: Project, until: datetime
) -> tuple[tuple[OwnerId, str], ...]:
    """Return in words who was over his budget on his last day that is over, and by which rule."""
    lines = []
    for owner in project.owners:
        if owner.alert_budget is None:
            continue
        ended = day_start(owner, until) - timedelta(microseconds=1)
        [used] = _uses(queries, [owner], ended, None)
        if used.is_over:
            lines.append((used.owner_id, use_words(used)))
    return tuple(lines)


def use_words(used: Use) -> str:
    """Say what of a budget was used, and by which rules most."""
    by = "、".join(f"{rule_words(rule)} {n}" for rule, n in used.rules[:3])
    return f"{used.name} {used.today}/{used.budget}" + (f"（{by}）" if by else "")


def budget_use(
    queries: Queries, project: Project, now: datetime, alarms: Iterable[Alarm] | None = None
) -> list[Use]:
    """Return what everybody with a budget was sent today and this week, who is over it first."""
    owners = [owner for owner in project.owners if owner.alert_budget is not None]
    return _uses(queries, owners, now, alarms)


def _uses(
    queries: Queries, owners: Sequence[Owner], now: datetime, alarms: Iterable[Alarm] | None
) -> list[Use]:
    if not owners:
        return []
    if alarms is None:
        alarms = alarms_since(queries, now - _WEEK)
    rules: Mapping[IncidentId, Sequence[str]] = {
        one.incident_id: one.rules for one in sorted(alarms, key=lambda one: one.began_at)
    }
    until = now + timedelta(microseconds=1)
    found = []
    for owner in owners:
        heard = queries.heard_by(OwnerId(owner.id), week_start(owner, now), until)
        found.append(use_of(owner, [(one.at, one.incident_id) for one in heard], rules, now))
    return sorted(found, key=lambda one: (not one.is_over, -one.today, one.owner_id))
