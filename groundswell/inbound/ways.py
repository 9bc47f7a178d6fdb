"""For each person: which channels send, which wake, and by which way an answer comes back.

In: the project and what its database knows. Out: one Way per person and channel, and what of it is
wrong. Nothing is sent.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from config.net import is_public
from config.people_schema import WAKING_KINDS
from config.schema import Channel, Owner, Project
from groundswell.verifying import KEY, Proofs, is_proved, ways_of
from storage.queries import Queries
from storage.records import ChannelId, OwnerId

Heard = Mapping[tuple[OwnerId, ChannelId], Mapping[str, datetime]]

_SEEN = timedelta(days=90)
_LOCAL = ("localhost", ".local", ".lan", ".internal", ".intranet", ".localdomain", ".home.arpa")
_REPLIES = {
    "email": "回邮件",
    "sms": "回短信",
    "dingtalk_bot": "在钉钉里写给应用机器人",
    "feishu_app": "在飞书里回复或按“确认”",
}
_LAST = {
    "sent": "发出",
    "delivered": "送达",
    "answered": "接通",
    "replied": "收到回复",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One channel of one person. `answer`: how he answers on it, "" when he cannot.

    `last`: when what last happened there, by the names of `ReplyQueries.last_heard`.
    """

    owner_id: str
    channel_id: str
    kind: str
    wakes: bool
    proved: bool
    answer: str
    last: Mapping[str, datetime]


def ways_by_owner(project: Project, queries: Queries, now: datetime) -> dict[str, list[Way]]:
    """Return the ways to everybody, by the person's id."""
    proofs, key = queries.addresses(), queries.meta(KEY)
    heard = queries.last_heard(now - _SEEN)
    return {one.id: ways_to(one, project, proofs, key, heard) for one in project.owners}


def ways_to(
    owner: Owner, project: Project, proofs: Proofs, key: str | None, heard: Heard
) -> list[Way]:
    """Return the channels that can reach a person, in his order."""
    return [
        Way(
            owner_id=owner.id,
            channel_id=channel.id,
            kind=channel.kind,
            wakes=channel.id in owner.wake_by and channel.kind in WAKING_KINDS,
            proved=is_proved(proofs, key, owner, channel),
            answer=_answer(owner, channel),
            last=heard.get((OwnerId(owner.id), ChannelId(channel.id)), {}),
        )
        for channel in ways_of(owner, project)
    ]


def link_trouble(project: Project) -> str:
    """Return why a link in a message opens only inside the company, "" when it should open."""
    address = project.settings.console.address
    host = urlsplit(address).hostname or ""
    try:
        private = not is_public(ipaddress.ip_address(host))
    except ValueError:
        private = any(host == name.lstrip(".") or host.endswith(name) for name in _LOCAL)
        private = private or "." not in host
    return f"{host} 只能在内网打开，请用回复 (opens inside only)" if private else ""


def line_of(ways: list[Way], owner: Owner, link: str) -> str:
    """Return what people read of one person."""
    if not ways:
        return "没有能找到本人的通道 (cannot be reached)"
    told = "；".join(_said(way, owner) for way in ways)
    answers = [way.answer for way in ways if way.answer]
    if link:
        back = "、".join(answers) or "没有：公司外面无法确认 (none from outside)"
    else:
        back = "、".join(["消息里的链接", *answers])
    return f"{told}。确认的办法：{back}"


def _said(way: Way, owner: Owner) -> str:
    marks = ["叫醒" if way.wakes else "通知", "已验证" if way.proved else "未验证"]
    last = max(way.last.items(), key=lambda item: item[1], default=None)
    if last is not None:
        marks.append(f"{_LAST.get(last[0], last[0])} {last[1].astimezone(owner.zone):%m-%d %H:%M}")
    return f"{way.channel_id}（{'，'.join(marks)}）"


def _answer(owner: Owner, channel: Channel) -> str:
    """Return how this person answers on a channel; in a group he is known only by his address."""
    if not getattr(channel, "replies", None):
        return ""
    if channel.kind == "dingtalk_bot" and not owner.addresses.get(channel.id):
        return ""
    return _REPLIES.get(channel.kind, "")
