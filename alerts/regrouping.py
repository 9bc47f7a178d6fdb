"""What becomes of incidents when their clusters become one, or two: Changes in, nothing sent.

People who heard of a trouble are not told again because somebody sorted its mentions anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.acts import ALL_TIMERS, hold_acknowledge, is_open, wait_for_progress
from alerts.draft import Draft
from alerts.escalation import confirm_timer
from alerts.handover import wait_for_answer
from alerts.journal import fold
from alerts.messages import NoLinks, Occasion, Scene
from alerts.task_rounds import wait_for_tasks
from alerts.tasks import hand_over, handed_over, take_over
from config.schema import Project
from storage.records import (
    Change,
    ClusterId,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Level,
    OwnerId,
)

ABSORBED = "absorbed_cluster"  # in the data of "merged": the cluster whose merge brought it about


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The incident of the cluster that one came out of. `is_now`: by the act in hand."""

    incident: Incident
    is_now: bool

    def knows(self, level: Level) -> tuple[OwnerId, ...]:
        """Return who heard of these very mentions, and of nothing graver than they are."""
        heard = self.is_now and is_open(self.incident) and level <= self.incident.level
        return self.incident.told if heard else ()

    def data(self) -> dict[str, Any]:
        """Return what the first event of an incident says of where it came from."""
        incident = self.incident
        return {"came_from": incident.incident_id, "text": f"从事件 {incident.code} 里拆分出来"}


def join_incidents(
    incidents: Sequence[Incident],
    survivor: ClusterId,
    absorbed: ClusterId,
    *,
    unheard: Mapping[IncidentId, Collection[OwnerId]],
    actor: str,
    project: Project,
    now: datetime,
) -> list[Change]:
    """Make the open incidents of what is one cluster now one; those that ended stay as they are.

    The most urgent goes on: unhandled before handled, then the higher level, then the older one,
    then that of the surviving cluster. The others end in it, with their timers and unsent messages;
    both logs say so. `unheard`: whose messages about an incident have not left.
    """

    def urgency(one: Incident) -> tuple[bool, int, datetime, bool, str]:
        is_other = one.cluster_id != survivor
        return not one.unhandled, -one.level, one.opened_at, is_other, one.incident_id

    ranked = sorted(filter(is_open, incidents), key=urgency)
    changes: list[Change] = []
    for other in ranked[1:]:
        kept = changes[-1].incident if changes else ranked[0]
        text = f"聚类 {absorbed} 合并了，{other.code} 与 {kept.code} 是同一件事"
        draft = _draft(other, actor, project, now)
        data: dict[str, Any] = {"merged_into": kept.incident_id, "text": text, ABSORBED: absorbed}
        draft.record("merged", **data, **hand_over(draft))
        draft.stop(*ALL_TIMERS)
        draft.drop_unsent("superseded")
        changes.append(draft.change("merged"))
        given = handed_over(draft.incident)
        draft = _draft(kept, actor, project, now)
        # who heard of the other knows of this trouble already
        heard = [one for one in other.told if one not in unheard.get(other.incident_id, ())]
        tasks = take_over(draft, given)
        draft.record("absorbed", other_id=other.incident_id, code=other.code, told=heard, **tasks)
        if tasks:
            wait_for_tasks(draft)
        changes.append(draft.change("absorbed"))
    return changes


def revive(
    incident: Incident,
    why: str,
    *,
    unheard: Collection[OwnerId],
    scene: Scene,
    actor: str,
    now: datetime,
) -> Change:
    """Let an incident go on that a merge of clusters had ended, as it stood then.

    Who was on it still is; where nobody was, the ladder goes on behind the step reached. Only those
    are told whose messages the merge had cancelled before they left (`unheard`).
    """
    draft = Draft(incident, scene, now, actor=actor)
    draft.record("split", merged_into=None, text=why)
    for seat in incident.triangle:  # the merge had ended the clocks of what was offered
        wait_for_answer(draft, seat)
    if incident.handled_at is not None:
        draft.actor = incident.handled_by
        draft.record("handled", text=incident.handled_note)
        draft.wait(confirm_timer(draft.incident, incident.reminders))
    elif incident.acknowledged_by:
        stays_with(draft, incident.acknowledged_by)
    else:  # the clock of the next step runs, whether there is somebody to tell or not
        draft.tell(Occasion.REOPENED, unheard, lambda _: f"{why}。{incident.policy.reason}。")
    return draft.change("split")


def level_before(events: Sequence[IncidentEvent], merged_at: datetime) -> Level | None:
    """Return an incident's level before the rises since a merge; None when nothing is taken back.

    What a person has set since, and another epoch, stand.
    """
    earlier = [event for event in events if event.at < merged_at]
    later = events[len(earlier) :]
    rises = [n for n, event in enumerate(later) if event.kind == "level_up"]
    set_by_hand = any(event.kind in {"level_set", "level_returned"} for event in later)
    if not rises or set_by_hand or later[-1].epoch != later[rises[0]].epoch:
        return None
    until = [*earlier, *later[: rises[0]]]
    return fold(until).level if until else None


def stays_with(draft: Draft, holder: str) -> None:
    """Let an incident be acknowledged by who is on that trouble already; his clock starts anew."""
    draft.actor = holder
    draft.record("acknowledged", lease_until=hold_acknowledge(draft).isoformat())
    wait_for_progress(draft)


def holder_of(incident: Incident) -> str:
    """Return who is on an open incident, "" when nobody is."""
    if incident.state is IncidentState.HANDLED:
        return incident.handled_by
    return incident.acknowledged_by if incident.state is IncidentState.ACKNOWLEDGED else ""


def _draft(incident: Incident, actor: str, project: Project, now: datetime) -> Draft:
    return Draft(incident, Scene(project=project, links=NoLinks()), now, actor=actor)
