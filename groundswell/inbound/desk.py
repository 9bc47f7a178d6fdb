"""What becomes of an answer: who wrote, which incident is meant, what is done, what is said back.

In: an Incoming of any way back. Out: a Taken; the act went through the incident desk, the answer is
written down once per message of the provider.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from alerts.false_alarms import reason_in
from alerts.incidents import Command, CommandName, IllegalMove, allowed_commands
from alerts.markup import visible
from alerts.moments import clock_words
from alerts.routing import name_of, reachable
from config.channel_schema import address_at, e164, text_limits
from config.errors import GroundswellError
from config.schema import Channel, Owner, Project
from groundswell.clock import Clock
from groundswell.inbound.reading import Said, length_of, read
from groundswell.inbound.words import HOW, after_words, state_words
from groundswell.links import Grant
from groundswell.verifying import Verifying
from storage.queries import Queries
from storage.records import (
    ChannelId,
    Incident,
    IncidentState,
    Intent,
    IntentId,
    Level,
    OwnerId,
    Reply,
)
from storage.store import Store

ANSWER = "answer"

_REMEMBERED = timedelta(days=30)  # what was told longer ago is answered in the console
_FRESH = timedelta(days=2)  # an answer without a code means what was told lately
_PER_PERSON = (20, timedelta(minutes=10))
_STRANGERS = (60, timedelta(hours=1))  # so many are written down; the others are only logged
_LONGEST_SILENCE = timedelta(hours=24)  # as on the page behind a link
_TEXT = 500
_LISTED = 5

# Whoever forges one of these senders needs a code of an incident, too: the person must have been
# told of it. Applications name their users themselves.
_FORGEABLE = frozenset({"email", "sms"})
# Where the answer leaves by the outbox; DingTalk's goes back into the conversation, and a text
# message is a template that has no room for it.
_ANSWERED = frozenset({"email", "feishu_app"})


class ActsOnIncidents(Protocol):
    """The incident desk, as far as it is needed here."""

    def act(self, incident: str, command: Command, *, into: str = "") -> Incident:
        """Carry out one command."""
        ...


class ReadsLinks(Protocol):
    """What reads the tokens of links in messages."""

    def read(self, token: str, now: datetime) -> Grant:
        """Return what a token allows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message as a provider brought it. `sender`: as the provider names him.

    `unattended`: "automatic" or "forwarded" where no person wrote it to us. `in_reply_to`: ids of
    messages that it answers. `link`: the token of a button that was pressed instead of writing.
    """

    channel_id: ChannelId
    message_id: str
    sender: str
    text: str = ""
    unattended: str = ""
    in_reply_to: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of it, by name, and what the person is told; "" when nobody is answered."""

    outcome: str
    text: str = ""
    incident: Incident | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """An answer whose writer is known."""

    owner: Owner
    channel: Channel
    incoming: Incoming
    now: datetime


class _Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """Nothing was done; carries the answer."""

    def __init__(self, outcome: str, text: str, incident: Incident | None = None) -> None:
        super().__init__(outcome)
        self.taken = Taken(outcome=outcome, text=text, incident=incident)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDesk:
    """Takes answers. Safe to be given the same message twice, by two threads as well."""

    store: Store
    project: Project
    clock: Clock
    desk: ActsOnIncidents
    links: ReadsLinks
    woken: Callable[[], None] = lambda: None  # after a commit that left an answer to be sent

    def take(self, incoming: Incoming) -> Taken:
        """Do what an answer asks for, once.

        Errors: StoreError when the database is away; then it has to be brought again.
        """
        now = self.clock.now()
        # half a surrogate pair, which JSON may hold, is no text for a database
        named = incoming.message_id.encode(errors="backslashreplace").decode()
        incoming = replace(incoming, message_id=named)
        channel = self.project.channel(incoming.channel_id)
        assert channel is not None, "only channels of the project bring anything"
        owner = owner_of(self.project, channel, incoming.sender)
        sender = masked(incoming.sender)
        with self.store.read() as queries:
            known = queries.reply(incoming.channel_id, incoming.message_id)
            if known is not None:
                return Taken(outcome="repeated")
            if owner is None:
                most, span = _STRANGERS
                if queries.strange_replies_since(incoming.channel_id, now - span) >= most:
                    return Taken(outcome="unknown_sender")
            most, span = _PER_PERSON
            busy = queries.replies_since(sender, now - span) >= most
        if owner is None:
            taken = Taken(outcome="unknown_sender")
        elif incoming.unattended:
            taken = Taken(outcome=incoming.unattended)
        elif busy:
            taken = Taken(outcome="too_many")
        else:
            taken = self._act(_Letter(owner=owner, channel=channel, incoming=incoming, now=now))
        reply = Reply(
            channel_id=incoming.channel_id,
            message_id=incoming.message_id,
            at=now,
            sender=sender,
            owner_id=OwnerId(owner.id) if owner else None,
            text=visible(incoming.text)[:_TEXT] if owner else "",  # of strangers nothing is kept
            outcome=taken.outcome,
            incident_id=taken.incident.incident_id if taken.incident else None,
        )
        answers = owner is not None and channel.kind in _ANSWERED and not incoming.link
        with self.store.transaction() as tx:
            if tx.add_reply(reply) and answers and taken.text:
                tx.add_intents([_answer(reply, channel, taken.text)])
        self.woken()
        return taken

    def _act(self, letter: _Letter) -> Taken:
        incoming = letter.incoming
        try:
            if incoming.link:
                incident, said = self._pressed(letter)
            else:
                readings = read(incoming.text)
                if readings[0].word == "verify":
                    proved = self._prove(letter, readings[0].remark)
                    if proved is not None:
                        return proved
                with self.store.read() as queries:
                    incident, said = _meant(queries, letter, readings)
            return self._carry_out(letter, incident, said)
        except _Refusal as refusal:
            return refusal.taken

    def _prove(self, letter: _Letter, code: str) -> Taken | None:
        verifying = Verifying(store=self.store, project=self.project, clock=self.clock)
        proved = verifying.confirm(letter.owner.id, None, code, letter.channel.id)
        if proved is None:
            return None
        return Taken(outcome="verified", text=f"通道 {proved.channel_id} 已验证，能找到你。")

    def _pressed(self, letter: _Letter) -> tuple[Incident, Said]:
        """Read a pressed button: what its signed link allows, by the person it was made for."""
        try:
            grant = self.links.read(letter.incoming.link, letter.now)
        except GroundswellError as refusal:
            raise _Refusal("refused", "这个按钮已经失效，请用最新一条消息") from refusal
        if grant.owner_id != letter.owner.id or grant.action != "ack":
            raise _Refusal("refused", "这个按钮是发给别人的，请用发给自己的消息")
        with self.store.read() as queries:
            incident = queries.incident(grant.incident_id)
        if incident is None:
            raise _Refusal("refused", "没有这个事件了")
        said = Said(word=grant.action, code=incident.code, epoch=grant.epoch)
        _check_epoch(incident, said)
        return incident, said

    def _carry_out(self, letter: _Letter, incident: Incident, said: Said) -> Taken:
        if said.word == "unclear":
            text = f"没有看懂是不是确认，{incident.code} 什么都没有改。只回“确认”两个字即可。"
            raise _Refusal("unclear", text, incident)
        if not said.word or said.word == "verify":
            text = f"{incident.code} 现在{state_words(incident)}。{HOW}"
            raise _Refusal("no_word", text, incident)
        stands = self._stands(letter, incident, said)
        if stands:
            return Taken(outcome="stands", text=f"{incident.code} {stands}", incident=incident)
        command = self._command(letter, incident, said)
        try:
            after = self.desk.act(incident.incident_id, command)
        except IllegalMove as refusal:
            raise _Refusal("refused", str(refusal), incident) from refusal
        text = after_words(self.project, after, command, letter.owner, letter.now)
        return Taken(outcome="done", text=text, incident=after)

    def _stands(self, letter: _Letter, incident: Incident, said: Said) -> str:
        """Say what stands already, so that a second answer is harmless and takes nothing away."""
        if said.word == "ack" and incident.state is IncidentState.ACKNOWLEDGED:
            now = letter.now
            at = clock_words(incident.acknowledged_at or now, now, letter.owner.zone)
            return f"{name_of(self.project, incident.acknowledged_by)} 已确认接手（{at}）。"
        if said.word == "dismiss" and incident.state is IncidentState.DISMISSED:
            return f"已判为误报：{incident.dismissed_reason}"
        if said.word == "handled" and incident.state is IncidentState.HANDLED:
            return "已经在等客户一侧确认。"
        may = allowed_commands(incident)
        if said.word == "ack" and incident.shelf is not None and CommandName.ACK not in may:
            return "是搁置的已知问题，没有人会被提醒。"
        return ""

    def _command(self, letter: _Letter, incident: Incident, said: Said) -> Command:
        """Turn an answer into a command; the same message makes the same one."""
        named = f"{letter.incoming.channel_id}|{letter.incoming.message_id}"
        key = hashlib.sha256(named.encode()).hexdigest()
        command = Command(
            name=said.word,
            actor=letter.owner.id,
            text=said.remark,
            how=reason_in(said.remark) if said.word == "dismiss" else "",
            command_id=f"reply-{key[:24]}",
        )
        if said.word == "handled" and not said.remark:
            text = f"“处理完毕”要写明做了什么，例如：{incident.code} 处理完毕 已上门换新，客户签收"
            raise _Refusal("refused", text, incident)
        if said.word == "not_mine":
            return replace(command, owner_id=_named_in(self.project, said.remark))
        if said.word == "assign":
            return replace(
                command, owner_id=self._person(incident, said.remark, letter.now), text=""
            )
        if said.word == "silence":
            length = length_of(said.remark)
            if length is None or length > _LONGEST_SILENCE:
                text = f"静默要写明多久，最长 24 小时，例如：{incident.code} 静默 1小时"
                raise _Refusal("refused", text, incident)
            return replace(command, until=letter.now + length)
        return command

    def _person(self, incident: Incident, named: str, now: datetime) -> str:
        """Return the id of the person named; he must be there now, to be told of it."""
        wanted = named.split(maxsplit=1)[0].strip("，。,.！!") if named.split() else ""
        there = reachable(self.project, (owner.id for owner in self.project.owners), now)
        for owner in self.project.owners:
            if wanted in {owner.id, owner.name} and owner.id in there:
                return owner.id
        names = "、".join(name_of(self.project, one) for one in there)
        text = (
            f"转派给谁没有看懂，或者此刻找不到人。可以写：{names}。例如：{incident.code} 转派 姓名"
        )
        raise _Refusal("refused", text, incident)


def _named_in(project: Project, remark: str) -> str:
    """Return the id of the first person whom a remark names; "" when it names nobody."""
    found = [(remark.find(one.name), one.id) for one in project.owners if one.name in remark]
    return min(found)[1] if found else ""


def _meant(queries: Queries, letter: _Letter, readings: tuple[Said, ...]) -> tuple[Incident, Said]:
    """Find the incident: by the code, by the message that is answered, or the only one open."""
    told = queries.told_of(OwnerId(letter.owner.id), letter.now - _REMEMBERED)
    for reading in readings:
        incident = queries.incident(reading.code) if reading.code else None
        if incident is None:
            continue
        epochs = {epoch for one, epoch in told if one == incident.incident_id}
        if letter.channel.kind in _FORGEABLE and not epochs:
            text = f"{incident.code} 没有通知过你，请在控制台处理。"
            raise _Refusal("not_told", text, incident)
        late = reading.epoch is None and epochs and incident.epoch not in epochs
        said = replace(reading, epoch=max(epochs)) if late else reading
        _check_epoch(incident, said)
        return incident, said
    said = readings[-1]
    for answered in letter.incoming.in_reply_to:
        found = queries.told_by(IntentId(answered))
        if found is None or found[0] != letter.owner.id or found[1] is None:
            continue
        incident = queries.incident(found[1])
        if incident is not None:
            said = replace(said, epoch=found[2])
            _check_epoch(incident, said)
            return incident, said
    if readings[0].code:
        raise _Refusal("no_code", f"没有编号是 {readings[0].code} 的事件。{HOW}")
    if readings[0].word == "verify":
        raise _Refusal("refused", "验证码不对，或者已过一小时，请让管理员重新发送。")
    return _only_one(queries, letter, said), said


def _only_one(queries: Queries, letter: _Letter, said: Said) -> Incident:
    """Return the one incident that waits for this person; without a code there must be one."""
    if not said.word:
        raise _Refusal("no_code", HOW)
    told = queries.told_of(OwnerId(letter.owner.id), letter.now - _FRESH)
    found = [(queries.incident(one), epoch) for one, epoch in told]
    waiting = [one for one, epoch in found if one and one.unhandled and one.epoch == epoch]
    if said.word == "ack":
        waiting = [one for one in waiting if one.state is IncidentState.OPEN] or waiting
    if len(waiting) == 1:
        return waiting[0]
    if not waiting:
        raise _Refusal("no_code", f"没有等你处理的事件，什么都没有做。{HOW}")
    codes = "、".join(f"{one.code}（{one.title}）" for one in waiting[:_LISTED])
    raise _Refusal("no_code", f"有 {len(waiting)} 个事件等你处理，请写明编号：{codes}")


def _check_epoch(incident: Incident, said: Said) -> None:
    if said.epoch is not None and said.epoch != incident.epoch:
        text = (
            f"你回复的是 {incident.code} 第 {said.epoch} 次的通知；它后来第 {incident.epoch} 次"
            f"出现，现在{state_words(incident)}，什么都没有改。请回复最新的一条。"
        )
        raise _Refusal("stale", text, incident)


def owner_of(project: Project, channel: Channel, sender: str) -> Owner | None:
    """Return the one person whose address on this channel is the sender's; None for strangers.

    An address that two people share is nobody's.
    """
    found = [owner for owner in project.owners if sender and _is_his(owner, channel, sender)]
    return found[0] if len(found) == 1 else None


def masked(sender: str) -> str:
    """Return a sender as it may be kept: of a number only its ends."""
    text = visible(sender)[:120]
    return re.sub(r"(\+?\d{3,6})\d{4}(\d{4})", r"\1****\2", text)


def _is_his(owner: Owner, channel: Channel, sender: str) -> bool:
    match channel.kind:
        case "email":
            return (owner.email or "").strip().casefold() == sender.strip().casefold()
        case "sms":
            return e164(owner.mobile) == e164(sender) != ""
        case _:
            return address_at(owner, channel) == sender


def _answer(reply: Reply, channel: Channel, text: str) -> Intent:
    key = f"answer|{reply.channel_id}|{reply.message_id}"
    identifier = b32encode(hashlib.sha256(key.encode()).digest()).decode()[:26].lower()
    first = f"【回执】{text}".partition("。")[0][:40]
    body = f"{first}\n{text}".encode()[: text_limits(channel, Level.NONE).bytes]
    assert reply.owner_id is not None, "strangers are not answered"
    return Intent(
        intent_id=IntentId(identifier),
        incident_id=None,
        epoch=0,
        kind=ANSWER,
        step=0,
        recipient_id=reply.owner_id,
        channel_id=reply.channel_id,
        level=Level.NONE,
        subject=first,
        body=body.decode(errors="ignore"),
        created_at=reply.at,
        due_at=reply.at,
        deadline_at=reply.at + timedelta(minutes=10),
    )


def hears(project: Project) -> tuple[Channel, ...]:
    """Return the channels that people can answer on."""
    return tuple(one for one in project.channels if getattr(one, "replies", None))
