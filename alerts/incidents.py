"""The incident machine: grades and due timers in, whole Changes out.

State is the fold of events (alerting.md 2.1). A Change carries everything that must be written
together; nothing here sends or stores.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts import journal
from alerts.acts import first_told, open_again
from alerts.command import Command, CommandName, IllegalMove
from alerts.commands import absorb, allowed_commands, on_command
from alerts.draft import Draft
from alerts.escalation import freeze_policy
from alerts.grading import Settled, settle
from alerts.journal import fold
from alerts.levels import may_raise, rise
from alerts.messages import Links, NoLinks, Occasion, Scene
from alerts.regrouping import Origin, holder_of, stays_with
from alerts.routing import RouteChoice, find_route, name_of
from alerts.shelf import come_off, passes_through
from alerts.subject import fingerprint_of, further_of, issue_class_of, title_of
from alerts.timers import on_timer
from config.schema import Project
from storage.records import (
    Change,
    Evidence,
    Grade,
    Incident,
    IncidentId,
    IncidentState,
    Level,
    Mention,
    Verdict,
)

__all__ = [
    "Command",
    "CommandName",
    "IllegalMove",
    "absorb",
    "allowed_commands",
    "fold",
    "is_history",
    "on_command",
    "on_grade",
    "on_timer",
]

# Table of alerting.md 2.1: posts this much younger than the closing bring an incident back, for
# this long, when so many new people write within a day; a dismissed one rests for a day.
_REOPEN_GRACE = timedelta(minutes=30)
_REOPEN_WITHIN = timedelta(days=30)
_REOPEN_AUTHORS = 3
_NEW_WITHIN = timedelta(hours=24)
_DISMISSED_REST = timedelta(hours=24)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def is_history(evidence: Evidence) -> bool:
    """Say whether nothing in this cluster may page: all of it was old when it was taken in."""
    return not evidence.live_authors and not evidence.watch_authors


def on_grade(
    incident: Incident | None,
    evidence: Evidence,
    grade: Grade,
    project: Project,
    now: datetime,
    *,
    fresh: Sequence[Mention] = (),
    samples: Sequence[tuple[Mention, Verdict]] = (),
    links: Links | None = None,
    origin: Origin | None = None,
) -> Change | None:
    """Decide what a grade means for the cluster's incident; None when nothing changes.

    `grade` is the plain judgement of this instant; hysteresis against the incident's level happens
    here. `fresh` are the mentions that this pass put into the cluster: with them, one complainant
    who writes again after the closing is recognised. `origin` is the incident of the cluster that
    this one came out of: who heard of that is not told of the same again.
    """
    scene = Scene(project=project, links=links or NoLinks(), evidence=evidence, samples=samples)
    if incident is None:
        if origin is not None and _is_settled(origin.incident, evidence, grade, now):
            return None
        return _raise(scene, evidence, grade, now, "", origin)
    match incident.state:
        case IncidentState.MERGED:
            return None
        case IncidentState.CLOSED | IncidentState.DISMISSED:
            return _after_end(incident, scene, evidence, grade, now=now, fresh=fresh)
        case IncidentState.HANDLED if _same_again(
            incident.handled_at, evidence, fresh, samples, timedelta(0)
        ):
            draft = Draft(incident, scene, now)
            open_again(
                draft,
                "rejected",
                Occasion.REJECTED,
                _route(scene, evidence, now),
                incident.level,
                text="同一投诉人在处理之后又发了新的内容",
            )
            return draft.change("same_complainant")
        case _:
            return _follow(incident, scene, evidence, grade, now)


# --- raising ------------------------------------------------------------------------------------


def _raise(  # noqa: PLR0917 - what is known, then why it is raised
    scene: Scene,
    evidence: Evidence,
    grade: Grade,
    now: datetime,
    previous: str,
    origin: Origin | None = None,
) -> Change | None:
    if grade.level < Level.BLUE or is_history(evidence):
        return None
    project, cluster = scene.project, evidence.cluster
    choice = _route(scene, evidence, now)
    policy = freeze_policy(choice, grade.level, project.levels)
    draft = Draft(None, scene, now)
    told = draft.people(first_told(policy, choice.owner_id, grade.level))
    incident_id, code = _names(cluster.brand_id, cluster.cluster_id, previous)
    draft.record(
        "raised",
        key=f"raise:{incident_id}:1",
        incident_id=incident_id,
        code=code,
        brand_id=cluster.brand_id,
        cluster_id=cluster.cluster_id,
        title=title_of(project, evidence),
        issue_class=issue_class_of(evidence),
        owner_id=choice.owner_id,
        level=int(grade.level),
        grade=journal.encode_grade(grade),
        policy=journal.encode_policy(policy),
        told=list(told),
        fingerprint=fingerprint_of(project, evidence),
        **_size(evidence),
        **(origin.data() if origin else {}),
    )
    known = origin.knows(grade.level) if origin else ()
    fresh = [owner_id for owner_id in told if owner_id not in known]
    if origin is not None and not fresh and (holder := holder_of(origin.incident)):
        stays_with(draft, holder)
        return draft.change("raised")
    came = f"由事件 {origin.incident.code} 拆出。" if origin and origin.is_now else ""
    draft.tell(  # with nobody left to tell, the clock of the next step starts all the same
        Occasion.NOTICE,
        fresh,
        lambda owner: (
            f"{came}{policy.reason}。"
            if owner.id == choice.owner_id
            else f"{came}黄色及以上同时知会你。{policy.reason}。"
        ),
    )
    return draft.change("raised")


def _names(brand_id: str, cluster_id: str, previous: str) -> tuple[IncidentId, str]:
    """Return id and human code, the same whenever the same cluster raises its n-th incident."""
    digest = hashlib.blake2b(f"{cluster_id}|{previous}".encode(), digest_size=10).digest()
    number = int.from_bytes(digest[-3:], "big")
    code = "".join(_CROCKFORD[number >> shift & 31] for shift in (15, 10, 5, 0))
    return IncidentId(f"{brand_id}-{b32encode(digest[:5]).decode().lower()}"), f"舆-{code}"


def _size(evidence: Evidence) -> dict[str, Any]:
    return {"authors": evidence.authors, "platforms": list(evidence.platforms)}


def _route(scene: Scene, evidence: Evidence, now: datetime) -> RouteChoice:
    return find_route(
        scene.project,
        brand_id=evidence.cluster.brand_id,
        issue_class=issue_class_of(evidence),
        further=further_of(evidence),
        products=evidence.products,
        regions=evidence.regions,
        platforms=evidence.platforms,
        now=now,
    )


# --- following an open incident -----------------------------------------------------------------


def _follow(
    incident: Incident, scene: Scene, evidence: Evidence, grade: Grade, now: datetime
) -> Change | None:
    draft = Draft(incident, scene, now)
    held = replace(incident.grade, level=incident.level) if incident.grade else None
    settled = settle(held, grade, scene.project.levels, below_since=incident.below_since)
    if why := passes_through(incident, evidence, grade):
        rises = settled.grade.level > incident.level
        come_off(draft, why, is_told=not rises)
    if incident.level_by:
        _follow_by_hand(draft, evidence, grade)
    elif settled.grade.level > incident.level:
        _level_up(draft, evidence, settled.grade)
    elif settled.grade.level < incident.level:
        draft.record(
            "level_down",
            level=int(settled.grade.level),
            grade=journal.encode_grade(settled.grade),
            below_since=None,
            **_size(evidence),
        )
    else:
        _note_growth(draft, evidence, grade, settled)
    return draft.change(draft.last_kind) if draft.incident is not incident else None


def _follow_by_hand(draft: Draft, evidence: Evidence, grade: Grade) -> None:
    """Leave a level alone that a person has set, unless there is a new ground for a higher one."""
    incident, project = draft.incident, draft.scene.project
    new = may_raise(incident, grade)
    if new is None:
        held = replace(grade, level=incident.level)
        _note_growth(draft, evidence, grade, Settled(held, None, "by_hand"))
        return
    by = name_of(project, incident.level_by)
    why = f"{by}定为{incident.level.zh}级之后出现了新的依据：{new.text}"
    _level_up(draft, evidence, grade, why, level_by="", level_reason="", level_grounds=[])


def _note_growth(draft: Draft, evidence: Evidence, grade: Grade, settled: Settled) -> None:
    """Note at the same level what is worth a line in the log, without a word to anybody."""
    incident = draft.incident
    if _has_grown(incident, evidence) or _is_newly_hot(incident, grade):
        draft.record("grown", grade=journal.encode_grade(settled.grade), **_size(evidence))
    if settled.below_since != incident.below_since:
        since = settled.below_since.isoformat() if settled.below_since else None
        draft.record("cooling" if since else "cooling_over", below_since=since)


def _has_grown(incident: Incident, evidence: Evidence) -> bool:
    """Say whether the authors doubled since last noted, or a platform joined: quiet news."""
    doubled = evidence.authors >= max(2 * incident.authors, incident.authors + 2)
    return doubled or bool(set(evidence.platforms) - set(incident.platforms))


def _is_newly_hot(incident: Incident, grade: Grade) -> bool:
    """Say whether it came on a hot-search list since last noted, at a level that it has anyway."""
    noted = incident.grade.reasons if incident.grade else ()
    return "trigger_hot" in {reason.code for reason in grade.reasons} - {
        reason.code for reason in noted
    }


def _level_up(draft: Draft, evidence: Evidence, grade: Grade, why: str = "", **values: Any) -> None:
    """Raise the level; on the shelf it is only noted."""
    incident = draft.incident
    values |= _size(evidence)
    # with more mentions it is clearer what is wrong
    values["title"] = title_of(draft.scene.project, evidence)
    if not incident.fingerprint:
        values["fingerprint"] = fingerprint_of(draft.scene.project, evidence)
    if incident.shelf is not None:
        grade_data = journal.encode_grade(grade)
        draft.record("level_up", level=int(grade.level), grade=grade_data, **values)
        return
    rise(draft, _route(draft.scene, evidence, draft.now), grade, "level_up", why, **values)


# --- coming back --------------------------------------------------------------------------------


def _after_end(
    incident: Incident,
    scene: Scene,
    evidence: Evidence,
    grade: Grade,
    *,
    now: datetime,
    fresh: Sequence[Mention],
) -> Change | None:
    ended = incident.ended_at
    assert ended is not None, "closed and dismissed incidents carry the time of their end"
    dismissed = incident.state is IncidentState.DISMISSED
    grace = _DISMISSED_REST if dismissed else _REOPEN_GRACE
    reason = _why_back(ended + grace, evidence, grade, now)
    if not reason and not dismissed and _same_again(ended, evidence, fresh, scene.samples, grace):
        reason = "同一投诉人在结案之后又发了新的内容"
    if not reason or (dismissed and grade.level < Level.BLUE):
        return None
    if now - ended > _REOPEN_WITHIN:
        return _raise(scene, evidence, grade, now, incident.incident_id)
    level = max(grade.level, Level(max(Level.BLUE, incident.level - 1)))
    settled = settle(replace(grade, level=level), grade, scene.project.levels)
    draft = Draft(incident, scene, now)
    open_again(
        draft,
        "reopened",
        Occasion.REOPENED,
        _route(scene, evidence, now),
        level,
        grade=journal.encode_grade(grade),
        # it may come back higher than what is said now, and then it cools from here on
        below_since=settled.below_since.isoformat() if settled.below_since else None,
        text=reason,
        **_size(evidence),
    )
    return draft.change("reopened")


def _is_settled(origin: Incident, evidence: Evidence, grade: Grade, now: datetime) -> bool:
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


def _same_again(
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
