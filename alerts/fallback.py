"""Who gets a message that could not be delivered, and where: an intent in, another one out."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from alerts.correcting import KIND as CORRECTION
from alerts.escalation import deadline_at
from alerts.markup import cut_bytes
from alerts.messages import hand_over, reword
from alerts.quiet import release_at
from alerts.routing import absence, fallback_line, name_of, usable_channels
from alerts.trial import redirect
from config.channel_schema import text_limits
from config.schema import Channel, Owner, Project
from storage.records import ChannelId, Intent, IntentId, IntentStatus, OwnerId

BARE = "bare"
"""A line without names and content, for addresses that nobody confirmed (alerts.gate)."""

# Meant for one person's eyes: tried on his own channels only.
_PERSONAL = frozenset({"digest"})
# About one channel: a test or a code of proof that leaves by another says nothing of it, and an
# answer belongs where somebody wrote; a correction follows what it corrects, nowhere else.
OF_ONE_CHANNEL = frozenset({"test", "verify", "answer", CORRECTION})


def is_over(intent: Intent, project: Project) -> bool:
    """Say whether a message without another way is given up rather than tried on."""
    gone = project.owner(intent.recipient_id) is None
    return intent.kind in OF_ONE_CHANNEL or (gone and intent.kind in _PERSONAL)


MayReach = Callable[[Owner, Channel], bool]


def anybody(owner: Owner, channel: Channel) -> bool:
    """Say that every address may be written to: nobody asks whether codes came back."""
    del owner, channel
    return True


def fallback_intent(
    intent: Intent, project: Project, now: datetime, may_reach: MayReach = anybody
) -> Intent | None:
    """Return the message that takes over from one that could not be delivered; None at the end.

    First the same person's next channels in his order, then the project's fallback people, each on
    the first channel that he has; nobody but its reviewer for one on trial. A message for somebody
    else loses the links signed for the first. `may_reach`: which addresses may be written to.
    """
    found = next((one for one in _addresses(intent, project, now) if may_reach(*one)), None)
    if found is None or intent.kind in OF_ONE_CHANNEL:
        return None
    owner, channel = found
    same = owner.id == intent.recipient_id
    limit = text_limits(channel, intent.level).bytes
    due_at = release_at(owner, intent.level, project.levels, now, project.settings.calendar)
    key = f"{intent.intent_id}|fallback|{owner.id}|{channel.id}"
    digest = hashlib.sha256(key.encode()).digest()
    name = name_of(project, intent.recipient_id)
    taken_over = replace(
        intent,
        intent_id=IntentId(b32encode(digest).decode()[:26].lower()),
        recipient_id=OwnerId(owner.id),
        channel_id=ChannelId(channel.id),
        body=_reworded(intent, channel, project) if same else _handed_over(intent, name, limit),
        html=intent.html if same else "",
        actions=intent.actions if same else (),  # signed for the first person
        words=intent.words if same or intent.kind == BARE else {**intent.words, "name": owner.name},
        created_at=now,
        due_at=due_at,
        deadline_at=deadline_at(owner, intent.level, due_at) if intent.deadline_at else None,
        status=IntentStatus.PENDING,
        attempts=0,
        fence=0,
        reason="",
        fallback_of=intent.intent_id,
    )
    return taken_over if same else redirect(taken_over, None, project)


def _handed_over(intent: Intent, name: str, limit: int) -> str:
    if intent.kind == BARE:  # it names nobody
        return cut_bytes(intent.body, limit)
    return hand_over(intent.body, name, limit)


def _reworded(intent: Intent, channel: Channel, project: Project) -> str:
    """Return the body as the next channel shows it: markup of another provider would be noise."""
    first = project.channel(intent.channel_id)
    before = text_limits(first, intent.level).dialect if first is not None else "wecom_markdown"
    return reword(intent.body, intent.actions, before, text_limits(channel, intent.level))


def _addresses(intent: Intent, project: Project, now: datetime) -> Iterator[tuple[Owner, Channel]]:
    owner = project.owner(intent.recipient_id)
    if owner is not None:
        channels = usable_channels(owner, project)
        ids = [channel.id for channel in channels]
        start = ids.index(intent.channel_id) + 1 if intent.channel_id in ids else 0
        for channel in channels[start:]:
            yield owner, channel
    if intent.kind in _PERSONAL or intent.trial_id:
        return
    for present in (True, False):  # rather somebody on holiday than nobody
        for owner_id in _others(intent, project):
            other = project.owner(owner_id)
            if other is None or (absence(project, owner_id, now) == "") is not present:
                continue
            for channel in usable_channels(other, project):
                yield other, channel


def _others(intent: Intent, project: Project) -> tuple[str, ...]:
    """Return the fallback people still to come: the line is walked once and never back."""
    line = fallback_line(project)
    if intent.fallback_of is not None and intent.recipient_id in line:
        return line[line.index(intent.recipient_id) + 1 :]
    return tuple(owner_id for owner_id in line if owner_id != intent.recipient_id)
