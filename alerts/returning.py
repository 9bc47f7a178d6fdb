"""Incidents that ended and come back: by new posts, by a complainant, or as a relapse.

What counts is when a post was written, not when it arrived: crawlers are late by design.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts import journal
from alerts.acts import open_again
from alerts.draft import Draft
from alerts.grading import settle
from alerts.journal_values import encode_relapse
from alerts.messages import Occasion, Scene
from alerts.raising import is_history, raise_incident, route_of, size_of
from alerts.subject import title_of
from storage.records import (
    Change,
    Evidence,
    Grade,
    Incident,
    IncidentState,
    Level,
    Mention,
    Relapse,
    Verdict,
)

# Table of alerting.md 2.1: posts this much younger than the closing bring an incident back, for
# this long, when so many new people write within a day; a dismissed one rests for a day.
_REOPEN_GRACE = timedelta(minutes=30)
_REOPEN_WITHIN = timedelta(days=30)
_REOPEN_AUTHORS = 3
_NEW_WITHIN = timedelta(hours=24)
_DISMISSED_REST = timedelta(hours=24)


def after_end(
    incident: Incident,
    scene: Scene,
    evidence: Evidence,
    grade: Grade,
    *,
    now: datetime,
    fresh: Sequence[Mention],
    taken: Collection[str],
    again: bool = False,
) -> Change | None:
    """Bring a closed or dismissed incident back when posts written after its end call for it.

    After 30 days it is a new one; a merged one never comes back by itself.
    """
    if incident.state is IncidentState.MERGED:
        return None
    ended = incident.ended_at
    assert ended is not None, "closed and dismissed incidents carry the time of their end"
    dismissed = incident.state is IncidentState.DISMISSED
    grace = _DISMISSED_REST if dismissed else _REOPEN_GRACE
    reason = _why_back(ended + grace, evidence, grade, now)
    if incident.was_emptied:  # nothing of it was left, so all that is there now came back
        reason = "" if is_history(evidence) else "更正之后，聚类里又有了内容"
    same = again or same_again(ended, evidence, fresh, scene.samples, grace)
    if not reason and not dismissed and same:
        reason = "同一投诉人在结案之后又发了新的内容"
    if not reason or (dismissed and grade.level < Level.BLUE):
        return None
    if now - ended > _REOPEN_WITHIN:
        return raise_incident(scene, evidence, grade, now, incident.incident_id, None, taken)
    return _bring_back(incident, scene, evidence, grade, now, kind="reopened", text=reason)


def relapse(
    closed: Incident, scene: Scene, evidence: Evidence, grade: Grade, now: datetime
) -> Change | None:
    """Bring a closed trouble back in the cluster in which people write of it now."""
    ended = closed.closed_at
    assert ended is not None, "only what was closed relapses"
    if grade.level < Level.BLUE or is_history(evidence):
        return None
    known = Relapse(
        closed_at=ended,
        cause=closed.handled_note,
        said=closed.closed_evidence,
        owner_id=closed.owner_id,
        cluster_id=closed.cluster_id,
    )
    days = max(1, (now - ended).days)
    return _bring_back(
        closed,
        scene,
        evidence,
        grade,
        now,
        kind="relapsed",
        text=f"结案 {days} 天后，同类问题再次出现",
        cluster_id=evidence.cluster.cluster_id,
        title=title_of(scene.project, evidence),
        relapse=encode_relapse(known),
    )


def _bring_back(
    incident: Incident,
    scene: Scene,
    evidence: Evidence,
    grade: Grade,
    now: datetime,
    *,
    kind: str,
    **values: Any,
) -> Change:
    level = max(grade.level, Level(max(Level.BLUE, incident.level - 1)))
    settled = settle(replace(grade, level=level), grade, scene.project.levels)
    draft = Draft(incident, scene, now)
    open_again(
        draft,
        kind,
        Occasion.REOPENED,
        route_of(scene, evidence, now),
        level,
        grade=journal.encode_grade(grade),
        # it may come back higher than what is said now, and then it cools from here on
        below_since=settled.below_since.isoformat() if settled.below_since else None,
        level_by="",  # what a person said of the last time is not said of this one
        level_reason="",
        level_grounds=[],
        **values,
        **size_of(evidence),
    )
    return draft.change(kind)


def is_settled(origin: Incident, evidence: Evidence, grade: Grade, now: datetime) -> bool:
    """Say whether what a cluster holds was over with the incident of the one it came out of."""
    ended = origin.ended_at
    if origin.at_work or ended is None or now - ended > _REOPEN_WITHIN:
        return False
    grace = _DISMISSED_REST if origin.state is IncidentState.DISMISSED else _REOPEN_GRACE
    return not _why_back(ended + grace, evidence, grade, now)


def _why_back(after: datetime, evidence: Evidence, grade: Grade, now: datetime) -> str:
    """Return why posts published after `after` bring an incident back; "" when they do not.

    Only posts of that time count, also for the detector: its window may still hold the old wave.
    """
    new = [at for at, _ in evidence.live_authors if at > after]
    recent = sum(at > now - _NEW_WITHIN for at in new)
    if recent >= _REOPEN_AUTHORS:
        return f"结案之后 24 小时内又有 {recent} 位新的作者投诉"
    surge = grade.surge
    window = timedelta(hours=surge.window_hours)
    within = sum(at > now - window for at in new)
    if surge.kind != "none" and surge.setting == "page" and new and within >= surge.threshold:
        return f"结案之后 {surge.window_hours} 小时内又有 {within} 位作者投诉，属于异常增长"
    return ""


def same_again(
    ended: datetime | None,
    evidence: Evidence,
    fresh: Iterable[Mention],
    samples: Sequence[tuple[Mention, Verdict]],
    grace: timedelta,
) -> bool:
    """Say whether somebody who complained before the end wrote again after it."""
    if ended is None:
        return False
    before = {key for at, key in evidence.live_authors if key and at <= ended}
    before |= {
        mention.author_key
        for mention, _ in samples
        if mention.author_key and mention.published_at <= ended
    }
    return any(
        mention.author_key in before
        and mention.published_at > ended + grace
        and not mention.history
        for mention in fresh
    )
