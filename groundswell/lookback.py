"""What history would have raised, had it been heard in time: noted and printed, never sent.

Old mentions are judged as of the hours in which they were published (decisions.md 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.incidents import on_grade
from alerts.launch import fewest_authors
from config.schema import Project
from groundswell.judging import judge
from storage.records import Change, ClusterId, Level, Mention
from storage.store import Transaction

_WINDOW = timedelta(hours=24)  # the longest window of the detector: fewer people than it needs in
# a day cannot have raised anything, so nothing dearer than a count is asked for most clusters


def look_back(
    tx: Transaction, fresh: Mapping[ClusterId, Sequence[Mention]], project: Project, now: datetime
) -> None:
    """Note per cluster the gravest that its new old mentions would have raised, and when."""
    for cluster_id, mentions in fresh.items():
        for hour in sorted({_hour_after(one.published_at) for one in mentions if one.history}):
            change = _as_of(tx, cluster_id, project, min(hour, now))
            if change is not None:
                _note(tx, change, project, hour, now)


def _as_of(
    tx: Transaction, cluster_id: ClusterId, project: Project, moment: datetime
) -> Change | None:
    """Return what would have been raised at that moment, None when nothing would."""
    people = tx.queries.authors_between(cluster_id, moment - _WINDOW, moment)
    if people < fewest_authors(project):
        return None
    evidence = tx.queries.evidence(cluster_id, moment, history=True)
    graded = judge(evidence, None, None, project, moment)
    return on_grade(None, evidence, graded, project, moment)


def _note(
    tx: Transaction, change: Change, project: Project, moment: datetime, now: datetime
) -> None:
    incident = change.incident
    noted = {cluster: text for cluster, text, _ in tx.queries.would_have_been()}
    if incident.level <= _level_of(noted.get(incident.cluster_id, "")):
        return
    owners = (project.owner(owner_id) for owner_id in incident.told)
    told = "、".join(owner.name for owner in owners if owner is not None)
    local = moment.astimezone(project.settings.zone)
    text = f"【{incident.level.zh}】{local:%Y-%m-%d %H:%M} {incident.title}（会通知 {told}）"
    tx.note_would_have_been(incident.cluster_id, incident.brand_id, text, now)


def _level_of(text: str) -> Level:
    """Read the level back from the first characters of a noted line."""
    return next((level for level in Level if level.zh and text[1:2] == level.zh), Level.NONE)


def _hour_after(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
