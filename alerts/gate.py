"""The last look before a message leaves: is it on trial, and was its address ever confirmed.

In: a message as the outbox holds it, and what the database knows at that moment. Out: why it may
not be sent, and the bare lines that take its place when no address at all is confirmed.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from alerts.correcting import KIND as CORRECTION
from alerts.escalation import deadline_at
from alerts.fallback import BARE, MayReach, anybody
from alerts.markup import cut_bytes
from alerts.quiet import release_at
from alerts.routing import absence, fallback_line, usable_channels
from alerts.trial import CANCELLED, instead, is_astray, redirect
from config.channel_schema import text_limits
from config.people_schema import WAKING_KINDS
from config.schema import Channel, Owner, Project
from storage.records import (
    ChannelId,
    Incident,
    IncidentId,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    OwnerId,
)

UNCONFIRMED = "address not confirmed"
"""The reason of a message whose address nobody proved; its next way takes over."""

TOLD_BESIDE = "told on a confirmed channel"
"""The reason of a copy for an unproved address, when another copy goes to a proved one."""

# What proves an address cannot wait for the proof; who wrote to us is answered where he wrote; a
# test says nothing; a correction says nothing but that what was sent there is wrong; a bare line is
# what is left when nothing is proved.
_ANYWHERE = frozenset({"verify", "answer", "test", CORRECTION, BARE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known at the moment of sending.

    `project` holds the trials that are under way, `incidents` those the messages are about,
    `gathered` what a summary stands for, `copies` those of which the same act sends the same person
    another copy to a proved address; `may_reach` says whether a code came back.
    """

    project: Project
    incidents: Mapping[IncidentId, Incident] = field(default_factory=dict)
    gathered: Mapping[IntentId, tuple[IncidentId, ...]] = field(default_factory=dict)
    copies: Collection[IntentId] = ()
    may_reach: MayReach = anybody

    def refusal(self, intent: Intent, owner: Owner, channel: Channel) -> str:
        """Return why a message may not go to this address, a reason of this module, or ""."""
        if self._is_astray(intent):
            return CANCELLED
        if intent.kind in _ANYWHERE or self.may_reach(owner, channel):
            return ""
        return TOLD_BESIDE if intent.intent_id in self.copies else UNCONFIRMED

    def ways(self, intent: Intent) -> MayReach:
        """Return which addresses may take over from a message."""
        return anybody if intent.kind in _ANYWHERE else self.may_reach

    def instead(self, intent: Intent, now: datetime) -> Intent | None:
        """Return what the reviewer gets in the place of a message that may not go out."""
        found = (instead(intent, one, self.project) for one in self._astray(intent))
        kept = next((one for one in found if one is not None), None)
        if kept is None:
            return None
        owner = self.project.owner(kept.recipient_id)
        return replace(
            kept,
            status=IntentStatus.PENDING,
            attempts=0,
            fence=0,
            reason="",
            deadline_at=deadline_at(owner, kept.level, max(now, kept.due_at))
            if owner and kept.deadline_at
            else None,
        )

    def _is_astray(self, intent: Intent) -> bool:
        return any(True for _ in self._astray(intent))

    def _astray(self, intent: Intent) -> Iterator[Incident | None]:
        """Yield the incidents that make a message astray, None where it is for its reader."""
        about = self.incidents.get(intent.incident_id) if intent.incident_id else None
        if is_astray(self.project, intent, about):
            yield about
        if intent.trial_id:
            return
        for named in self.gathered.get(intent.intent_id, ()):
            one = self.incidents.get(named)
            if one is not None and is_astray(self.project, intent, one):
                yield one


class Gate(Protocol):
    """What gives the courier its last look."""

    def look(self, intents: Sequence[Intent]) -> Sight:
        """Return what holds now for these messages."""
        ...


def bare_lines(intent: Intent, sight: Sight, now: datetime) -> Iterator[Intent]:
    """Yield what the fallback people get when a message has no confirmed way at all.

    Level, code and where to look: neither names nor content, for nobody knows who reads it. One act
    gives each of them one such line. None for a digest, and for what is on trial.
    """
    if intent.kind in {*_ANYWHERE, "digest"} or intent.trial_id:
        return
    project = sight.project
    incident = sight.incidents.get(intent.incident_id) if intent.incident_id else None
    code = incident.code if incident else ""
    for owner_id in fallback_line(project):
        owner = project.owner(owner_id)
        if owner is None or absence(project, owner_id, now) not in {"", "owner_away"}:
            continue
        for channel in usable_channels(owner, project)[:1]:
            yield redirect(_bare(intent, code, (owner, channel), project, now), incident, project)


def _bare(
    intent: Intent, code: str, way: tuple[Owner, Channel], project: Project, now: datetime
) -> Intent:
    owner, channel = way
    about = [intent.incident_id, intent.epoch, intent.kind, intent.step]
    named = "|".join(map(str, about if intent.incident_id else [intent.intent_id]))
    key = hashlib.sha256(f"bare|{named}|{owner.id}|{channel.id}".encode()).digest()
    mark = f"{intent.level.zh}·地址未确认" if intent.level else "地址未确认"
    first = f"【{mark}】有通知没有已确认的收件地址"
    lines = [first, *([f"编号：{code}"] if code else []), "请登录控制台查看。"]
    limit = text_limits(channel, intent.level).bytes
    body = "，".join(lines) if channel.kind in WAKING_KINDS else "\n".join(lines)
    due_at = release_at(owner, intent.level, project.levels, now, project.settings.calendar)
    return Intent(
        intent_id=IntentId(b32encode(key).decode()[:26].lower()),
        incident_id=intent.incident_id,
        epoch=intent.epoch,
        kind=BARE,
        step=intent.step,
        recipient_id=OwnerId(owner.id),
        channel_id=ChannelId(channel.id),
        level=intent.level,
        subject=first,
        body=cut_bytes(body, limit),
        words={
            "level": intent.level.zh,
            "title": "有通知没有已确认的收件地址",
            "people": "",
            "ratio": "",
            "by": "尽快",
            "code": code,
            "name": "值班人员",
            "text": f"有通知没有已确认的收件地址{f'，{code}' if code else ''}，请登录控制台查看",
        },
        created_at=now,
        due_at=due_at,
        deadline_at=deadline_at(owner, intent.level, due_at)
        if intent.level >= Level.YELLOW
        else None,
    )
