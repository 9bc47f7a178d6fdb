"""Clusters became one, or two: their incidents follow, whoever brought it about.

In: rows of the journal of clusters, from the clusterer or from people. Out: Changes of incidents,
stored, and the clusters that must be graded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.messages import Links, Scene
from alerts.regrouping import join_incidents, level_before, revive
from config.schema import Project
from groundswell.gate import with_trials
from storage.records import Change, ClusterEvent, ClusterId, Level
from storage.store import Transaction

_SAMPLES = 3  # original links that a message shows (alerting.md: "three original links")
_REGROUPS = frozenset({"merge", "split", "move", "undo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrouped:
    """What followed: the clusters of today that got or lost members, and changed incidents."""

    clusters: tuple[ClusterId, ...]
    changes: tuple[Change, ...]
    before: Mapping[ClusterId, Level]  # per cluster, the level that an undone merge goes back to


def follow(
    tx: Transaction, events: Iterable[ClusterEvent], project: Project, links: Links, now: datetime
) -> Regrouped:
    """Join the open incidents of what is one cluster now; let those go on that a merge had ended.

    Call it when members and journal are stored, and grade `clusters` afterwards.
    """
    project = with_trials(project, tx.queries, now)
    touched: set[ClusterId] = set()
    before: dict[ClusterId, Level] = {}
    changes: list[Change] = []
    for event in events:
        if event.kind not in _REGROUPS:
            continue
        named = [event.cluster_id, *([event.other_id] if event.other_id else [])]
        found = (tx.queries.cluster(one) for one in named)
        today = {one.cluster_id for one in found if one is not None}
        touched |= today
        if event.other_id is None:
            continue
        made: list[Change] = []
        if len(today) == 1:
            made = _join(tx, event, event.other_id, project, now)
        elif event.kind == "undo" and event.mention_id is None:
            before |= _levels_before(tx, event)
            made = _part(tx, event, event.other_id, project, links, now)
        changes += [change for change in made if tx.save_change(change)]
    return Regrouped(clusters=tuple(sorted(touched)), changes=tuple(changes), before=before)


def _levels_before(tx: Transaction, event: ClusterEvent) -> dict[ClusterId, Level]:
    """Return the level that the survivor's open incident had before the merge now taken back."""
    since = tx.merged_at(event.undoes or 0)
    incident = tx.incident_of(event.cluster_id)
    if since is None or incident is None or not incident.at_work:
        return {}
    level = level_before(tx.queries.incident_events(incident.incident_id), since)
    return {} if level is None else {event.cluster_id: level}


def _join(
    tx: Transaction, event: ClusterEvent, absorbed: ClusterId, project: Project, now: datetime
) -> list[Change]:
    incidents = tx.open_incidents_of(event.cluster_id)
    return join_incidents(
        incidents,
        event.cluster_id,
        absorbed,
        unheard={one.incident_id: tx.unheard(one.incident_id) for one in incidents},
        actor=event.actor,
        project=project,
        now=now,
    )


def _part(  # noqa: PLR0917 - the parts of one act
    tx: Transaction,
    event: ClusterEvent,
    back: ClusterId,
    project: Project,
    links: Links,
    now: datetime,
) -> list[Change]:
    """Let the incidents go on that ended because `back` was merged."""
    return [
        revive(
            incident,
            f"聚类 {back} 的合并被撤销，事件恢复到合并前的样子",
            unheard=tx.unheard(incident.incident_id),
            scene=Scene(
                project=project,
                links=links,
                evidence=tx.evidence(incident.cluster_id, now),
                samples=tx.queries.cluster_mentions(incident.cluster_id, _SAMPLES),
            ),
            actor=event.actor,
            now=now,
        )
        for incident in tx.ended_by_merge(back, [back, event.cluster_id])
    ]
