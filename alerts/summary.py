"""One message in place of many: how many of which level, the gravest by name, the rest counted.

In: what it stands for. Out: the words, within the channel's bytes; code and link are never cut.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.dialects import style_of
from alerts.escalation import deadline_at
from alerts.markup import cut_bytes, plain, shorten
from config.channel_schema import TextLimits, text_limits
from config.schema import Channel, Owner
from storage.records import (
    ChannelId,
    IncidentId,
    Intent,
    IntentId,
    Member,
    OwnerId,
)

KIND = "summary"
_NAMED = 12  # incidents by name at most: more are not read on a phone
_SHORT = 60  # characters of a text message (alerts.lock_line)
_LOCK_LINE = 40

Page = Callable[[IncidentId], str]


def summary_id(owner_id: str, channel_id: str, first: IntentId) -> IntentId:
    """Return the id of a summary; a message is told in one summary only, so its first names it."""
    digest = hashlib.sha256(f"summary|{owner_id}|{channel_id}|{first}".encode()).digest()
    return IntentId(b32encode(digest).decode()[:26].lower())


def write_summary(
    intent_id: IntentId,
    owner: Owner,
    channel: Channel,
    members: Sequence[Member],
    *,
    now: datetime,
    due_at: datetime,
    page: Page,
    budget: int | None = None,
) -> Intent:
    """Write the message that says these messages together; its level is the gravest of theirs.

    `budget`: the reader's messages a day, where they are used up and that is why it is one message.
    """
    members = sorted(members, key=lambda member: -member.level)
    level = members[0].level
    code = f"汇-{intent_id[:4].upper()}"
    counts = _counts(members)
    first = shorten(
        f"【{level.zh or '知'}·汇总】{len(members)}条通知合为一条，请{owner.name}查看", _LOCK_LINE
    )
    limits = text_limits(channel, level)
    if limits.bytes <= 512:  # a text message: one plain line
        body = cut_bytes(f"{first}，{counts}", limits.bytes)
    else:
        why = (
            "通知较多，为免刷屏合为一条"
            if budget is None
            else f"今天已到你的通知预算（{budget} 条），蓝、黄级合为一条，橙、红级照常"
        )
        head = [first, f"编号：{code}", f"{why}：{counts}。"]
        body = _body(head, members, limits, page)
    gravest = members[0]
    words = {
        "level": level.zh,
        "title": f"{len(members)}条通知",
        "people": "",
        "ratio": "",
        "by": "",
        "code": gravest.code or code,
        "name": owner.name,
        "text": shorten(
            f"{len(members)}条通知合为一条：{counts}，最高等级编号{gravest.code}", _SHORT
        ),
    }
    return Intent(
        intent_id=intent_id,
        incident_id=None,
        epoch=0,
        kind=KIND,
        step=0,
        recipient_id=OwnerId(owner.id),
        channel_id=ChannelId(channel.id),
        level=level,
        subject=first,
        body=body,
        words=words,
        created_at=now,
        due_at=due_at,
        deadline_at=deadline_at(owner, level, due_at),
    )


def grown(summary: Intent, written: Intent) -> Intent:
    """Return a waiting summary with new words: it stays the one it was and waits no longer."""
    due_at = min(summary.due_at, written.due_at)
    sooner = written.level > summary.level
    return replace(
        written,
        created_at=summary.created_at,
        due_at=due_at,
        deadline_at=written.deadline_at if sooner else summary.deadline_at,
        fence=summary.fence,
    )


def _counts(members: Sequence[Member]) -> str:
    found = Counter(member.level for member in members)
    return "、".join(
        f"{level.zh or '其他'} {found[level]} 条" for level in sorted(found, reverse=True)
    )


def _body(head: Sequence[str], members: Sequence[Member], limits: TextLimits, page: Page) -> str:
    style = style_of(limits.dialect)
    named = []
    for member in members[:_NAMED]:
        url = page(member.incident_id) if member.incident_id else ""
        line = f"{plain(member.code)} {plain(member.subject)}".strip()
        named.append(f"{line}{style.end}{style.link('查看事件', url)}" if url else line)
    for shown in range(len(named), -1, -1):
        rest = len(members) - shown
        tail = [f"另有 {rest} 条未逐一列出，请登录控制台查看。"] if rest else []
        body = style.end.join([*head, *named[:shown], *tail])
        if len(body.encode()) <= limits.bytes:
            return body
    return cut_bytes(style.end.join(head), limits.bytes)
