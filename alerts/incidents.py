"""The incident machine: grades and due timers in, whole Changes out.

State is the fold of events (alerting.md 2.1). A Change carries everything that must be written
together; nothing here sends or stores.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts import journal
from alerts.acts import ALL_TIMERS, open_again
from alerts.command import Command, CommandName, IllegalMove
from alerts.commands import absorb, allowed_commands, on_command
from alerts.draft import Draft
from alerts.grading import Settled, settle
from alerts.journal import fold
from alerts.levels import call_back, may_raise, rise
from alerts.messages import Links, NoLinks, Occasion, Scene
from alerts.raising import codes_of, is_history, raise_incident, route_of, size_of
from alerts.regrouping import Origin
from alerts.returning import after_end, is_settled, relapse, same_again
from alerts.routing import name_of
from alerts.shelf import come_off, passes_through
from alerts.subject import fingerprint_of, title_of
from alerts.timers import on_timer
from config.schema import Project
from storage.records import (
    Change,
    Evidence,
    Grade,
    Incident,
    IncidentState,
    Level,
    Mention,
    Silence,
    Verdict,
)

__all__ = [
    "Command",
    "CommandName",
    "IllegalMove",
    "absorb",
    "allowed_commands",
    "codes_of",
    "fold",
    "is_history",
    "on_command",
    "on_grade",
    "on_timer",
]


class Standing(StrEnum):
    """What a cluster is to its incident besides what its grade says."""

    LIVE = "live"
    ASIDE = "aside"  # another cluster of the incident stands as high: this one does not cool it
    EMPTY = "empty"  # nothing is left in any cluster of the incident


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
    relapse_of: Incident | None = None,
    taken: Collection[str] = (),
    standing: Standing = Standing.LIVE,
    before: Level | None = None,
    silences: Sequence[Silence] = (),
    lesson: str = "",
    again: bool = False,
) -> Change | None:
    """Decide what a grade means for the cluster's incident; None when nothing changes.

    `grade` is the plain judgement of this instant; hysteresis against the incident's level happens
    here. `fresh` are the mentions that this pass put into the cluster: with them, one complainant
    who writes again after the closing is recognised. `origin` is the incident of the cluster that
    this one came out of: who heard of that is not told of the same again. `relapse_of` is the
    closed incident that this cluster brings back, `taken` the codes in use (see `codes_of`),
    `before` the level that the undoing of a merge goes back to; `silences` those that hold now.
    `again`: a complainant who counts as solved wrote again.
    """
    scene = Scene(
        project=project,
        links=links or NoLinks(),
        evidence=evidence,
        samples=samples,
        silences=silences,
        lesson=lesson,
    )
    if incident is None and origin is not None:
        is_over = is_settled(origin.incident, evidence, grade, now)
        return None if is_over else raise_incident(scene, evidence, grade, now, "", origin, taken)
    if incident is None and relapse_of is not None:
        return relapse(relapse_of, scene, evidence, grade, now)
    if incident is None:
        return raise_incident(scene, evidence, grade, now, "", None, taken)
    if incident.at_work:
        rejects = again or same_again(incident.handled_at, evidence, fresh, samples, timedelta(0))
        if incident.state is IncidentState.HANDLED and rejects and standing is not Standing.EMPTY:
            return _rejected(incident, scene, evidence, now)
        return _follow(incident, scene, evidence, grade, now, standing=standing, before=before)
    return after_end(
        incident, scene, evidence, grade, now=now, fresh=fresh, taken=taken, again=again
    )


def _rejected(incident: Incident, scene: Scene, evidence: Evidence, now: datetime) -> Change:
    """Take a complainant who writes again after the handling for the customer's answer."""
    draft = Draft(incident, scene, now)
    open_again(
        draft,
        "rejected",
        Occasion.REJECTED,
        route_of(scene, evidence, now),
        incident.level,
        text="同一投诉人在处理之后又发了新的内容",
    )
    return draft.change("same_complainant")


def _follow(
    incident: Incident,
    scene: Scene,
    evidence: Evidence,
    grade: Grade,
    now: datetime,
    *,
    standing: Standing = Standing.LIVE,
    before: Level | None = None,
) -> Change | None:
    if standing is Standing.EMPTY:
        return _emptied(incident, scene, now)
    draft = Draft(incident, scene, now)
    held = replace(incident.grade, level=incident.level) if incident.grade else None
    settled = settle(held, grade, scene.project.levels, below_since=incident.below_since)
    if standing is Standing.ASIDE and settled.grade.level <= incident.level:
        settled = Settled(held or settled.grade, incident.below_since, "aside")
    if why := passes_through(incident, evidence, grade):
        come_off(draft, why, is_told=not _is_to_rise(incident, grade, settled, before))
    if incident.level_by:
        _follow_by_hand(draft, evidence, grade)
    elif before is not None and max(before, grade.level) < incident.level:
        call_back(draft, replace(grade, level=max(before, grade.level)))
    elif settled.grade.level > incident.level:
        _level_up(draft, evidence, settled.grade)
    elif settled.grade.level < incident.level:
        draft.record(
            "level_down",
            level=int(settled.grade.level),
            grade=journal.encode_grade(settled.grade),
            below_since=None,
            **size_of(evidence),
        )
    else:
        _note_growth(draft, evidence, grade, settled)
    return draft.change(draft.last_kind) if draft.incident is not incident else None


def _is_to_rise(incident: Incident, grade: Grade, settled: Settled, before: Level | None) -> bool:
    """Say whether the level will be raised now, which tells people by itself."""
    if incident.level_by:
        return may_raise(incident, grade) is not None
    called_back = before is not None and max(before, grade.level) < incident.level
    return settled.grade.level > incident.level and not called_back


def _emptied(incident: Incident, scene: Scene, now: datetime) -> Change:
    """End an incident whose last mention was corrected away: a false alarm, said by no person.

    Why dismissed: nothing is left that the customer's side could confirm. What was not sent yet is
    not sent; a person may reopen it, and so does the first mention that comes back.
    """
    draft = Draft(incident, scene, now)
    draft.record("emptied", text="判定更正后，聚类里没有剩下任何内容")
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("emptied")
    return draft.change("emptied")


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
        draft.record("grown", grade=journal.encode_grade(settled.grade), **size_of(evidence))
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
    values |= size_of(evidence)
    # with more mentions it is clearer what is wrong
    values["title"] = title_of(draft.scene.project, evidence)
    if not incident.fingerprint:
        values["fingerprint"] = fingerprint_of(draft.scene.project, evidence)
    if incident.shelf is not None:
        grade_data = journal.encode_grade(grade)
        draft.record("level_up", level=int(grade.level), grade=grade_data, **values)
        return
    rise(draft, route_of(draft.scene, evidence, draft.now), grade, "level_up", why, **values)
