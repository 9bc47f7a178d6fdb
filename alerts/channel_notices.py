"""What administrators are told of a channel that refuses: an answer in, a message a day out."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterator
from datetime import datetime

from alerts.markup import cut_bytes, plain, shorten
from alerts.quiet import release_at
from alerts.routing import absence, fallback_line, usable_channels
from config.channel_schema import text_limits
from config.schema import Channel, Owner, Project
from storage.records import ChannelId, Intent, IntentId, Level, OwnerId

KIND = "channel"


def refused_notices(
    intent: Intent, text: str, project: Project, now: datetime
) -> tuple[Intent, ...]:
    """Return the notices about a message that was refused for good, one per administrator and day.

    They leave by other channels than the one that refused; the same day gives the same ids, which
    the outbox takes once. A notice about a channel that is refused itself makes no further one.
    """
    if intent.kind == KIND:
        return ()
    levels, calendar = project.levels, project.settings.calendar
    found = _listeners(intent.channel_id, project, now)
    waits = ((one, at, release_at(one, Level.NONE, levels, now, calendar)) for one, at in found)
    return tuple(_notice(intent, text, owner, at, (now, due_at)) for owner, at, due_at in waits)


def _listeners(
    channel_id: ChannelId, project: Project, now: datetime
) -> Iterator[tuple[Owner, Channel]]:
    """Yield administrators, else engineers of sources, else the first of the fallback people."""
    named = [owner for owner in map(project.owner, fallback_line(project)) if owner is not None]
    groups = [
        [owner for owner in project.owners if owner.role == "admin"],
        [owner for owner in project.owners if owner.role == "engineer"],
    ]
    for group in [*groups, *([owner] for owner in named)]:
        found = False
        for owner in group:
            others = [one for one in usable_channels(owner, project) if one.id != channel_id]
            if others and not absence(project, owner.id, now):
                yield owner, others[0]
                found = True
        if found:
            return


def _notice(
    intent: Intent, text: str, owner: Owner, channel: Channel, times: tuple[datetime, datetime]
) -> Intent:
    now, due_at = times  # it waits for the end of his quiet hours
    day = now.astimezone(owner.zone).date()
    key = f"channel|{intent.channel_id}|{day}|{owner.id}|{channel.id}"
    digest = b32encode(hashlib.sha256(key.encode()).digest()).decode()[:26].lower()
    local = now.astimezone(owner.zone)
    first = shorten(f"【渠道故障】{intent.channel_id} 拒收消息，已改走其他渠道", 40)
    lines = [
        first,
        f"对方答复：{shorten(plain(text), 200)}",
        f"首次发现：{local:%m-%d %H:%M}，同一渠道每天只提醒一次。",
        "没有丢消息：这条和之后的消息会依次改走本人的下一个渠道、兜底人。",
        "请核对渠道配置和密钥：groundswell doctor；积压与死信：groundswell outbox list",
    ]
    limit = text_limits(channel, Level.NONE).bytes
    return Intent(
        intent_id=IntentId(digest),
        incident_id=None,
        epoch=0,
        kind=KIND,
        step=0,
        recipient_id=OwnerId(owner.id),
        channel_id=ChannelId(channel.id),
        level=Level.NONE,
        subject=first,
        body=cut_bytes("\n".join(lines), limit),
        words={"title": first, "text": first, "name": owner.name},
        created_at=now,
        due_at=due_at,
    )
