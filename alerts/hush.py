"""A silence begins, goes on or ends for one incident: what it holds, and the one message after."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from alerts import journal
from alerts.draft import Draft
from alerts.escalation import insert_step
from alerts.messages import Occasion
from alerts.scene import Scene
from storage.records import Change, Incident, IncidentState, OwnerId


def hold(
    incident: Incident,
    scene: Scene,
    now: datetime,
    *,
    unheard: Collection[OwnerId],
    actor: str,
) -> Change | None:
    """Let a silence that begins now hold an incident: its ladder rests, the unsent stays unsent.

    `unheard`: whose messages have not left. None when no silence of the scene is about it, or
    nobody would hear anything.
    """
    draft = Draft(incident, scene, now, actor=actor)
    silence = draft.silence()
    waits = incident.state is IncidentState.OPEN or (incident.unhandled and unheard)
    if silence is None or not waits or incident.shelf is not None:
        return None
    if incident.muted_until is not None and incident.muted_until >= silence.ends_at:
        return None
    draft.record(
        "held",
        key=f"held:{silence.silence_id}:{incident.incident_id}:{incident.epoch}",
        muted_until=silence.ends_at.isoformat(),
        muted_by=silence.silence_id,
        silenced=list(dict.fromkeys((*incident.silenced, *sorted(unheard)))),
        text=silence.reason,
    )
    draft.stop("step")
    draft.drop_unsent("silenced")
    draft.wait_for_silence()
    return draft.change("silenced")


def release(incident: Incident, scene: Scene, now: datetime, why: str) -> Change | None:
    """Let an incident be heard of again, for its silence was ended before its time.

    `scene` holds the silences that are left. None when nothing of it is held any more.
    """
    if incident.muted_until is None or not incident.at_work:
        return None
    draft = Draft(incident, scene, now)
    key = f"unmuted:{incident.incident_id}:{incident.seq + 1}"
    if not hold_on(draft, key):
        let_hear(draft, key, why)
    return draft.change("silence_ended")


def hold_on(draft: Draft, key: str) -> bool:
    """Go on holding by another silence that still runs; False when there is none."""
    silence = draft.silence()
    if silence is None:
        return False
    draft.record(
        "held",
        key=key,
        muted_until=silence.ends_at.isoformat(),
        muted_by=silence.silence_id,
        text=silence.reason,
    )
    draft.wait_for_silence()
    return True


def let_hear(draft: Draft, key: str, why: str) -> None:
    """Say once, to whoever would have heard, that it is still open; nobody when it is in hand."""
    incident = draft.incident
    draft.stop("mute")
    heard: dict[str, Any] = {"muted_until": None, "muted_by": "", "silenced": []}
    waiting = incident.silenced
    if incident.state is IncidentState.OPEN:
        told = draft.people((incident.owner_id, *waiting))
        draft.record(
            "unmuted",
            key=key,
            step=incident.step + 1,
            policy=journal.encode_policy(insert_step(incident.policy, incident.step, told)),
            told=list(told),
            text=why,
            **heard,
        )
        draft.tell(
            Occasion.UNMUTED, told, lambda _: f"{why}，事件仍然没有人确认，升级计时重新开始。"
        )
        return
    told = draft.people(waiting) if waiting and incident.unhandled else ()
    draft.record("unmuted", key=key, told=list(told), text=why, **heard)
    if told:
        draft.tell(Occasion.UNMUTED, told, lambda _: f"{why}，静默期间有新的情况，现在补告你。")
