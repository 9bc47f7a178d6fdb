"""更正: one message after another that was wrong, to the same reader on the same channel.

It names the wrong one and never repeats what it said. In: a message that was sent, and a text. Out:
messages for the outbox, each with a key of its own.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from datetime import datetime, timedelta

from alerts.correcting import KIND
from alerts.markup import fit, plain, shorten, visible
from alerts.trial import MARK
from config.channel_schema import text_limits
from config.errors import GroundswellError
from config.people_schema import WAKING_KINDS
from config.schema import Channel, Owner, Project
from groundswell.gate import with_trials
from groundswell.outbox_desk import OutboxDesk
from storage.queries import Queries
from storage.records import Delivery, DeliveryClass, Intent, IntentId, IntentStatus

_WITHIN = timedelta(hours=1)
_LONGEST = 500  # characters of what is said
_SAME = 12  # so many characters in a row of the wrong message are a repetition
_SEEN = frozenset({DeliveryClass.OK, DeliveryClass.AMBIGUOUS})


def correct(
    desk: OutboxDesk, intent_id: str, text: str, actor: str, *, whole_act: bool = False
) -> list[Intent]:
    """Put a correction of a sent message into the outbox; the same one twice is one.

    `whole_act`: of all messages that the same act sent, each to its reader.
    Errors: GroundswellError when it is unknown, was never sent, its reader or channel is gone, or
    the text is empty or says again what was wrong.
    """
    now, said = desk.clock.now(), visible(text)[:_LONGEST].strip()
    if not said:
        raise GroundswellError("更正要写明正确的情况 (a correction needs a text: --text)")
    with desk.store.transaction() as tx:
        queries = tx.queries
        found = queries.intent(intent_id)
        if found is None:
            raise GroundswellError(
                f"message {intent_id!r} is unknown: `groundswell outbox list sent` names them"
            )
        project = with_trials(desk.project, queries, now)
        alike = queries.sent_with(found) if whole_act else [found]
        wrong = [one for one in alike if _was_seen(one, queries.deliveries(one.intent_id))]
        if not wrong:
            raise GroundswellError(_never_sent(found))
        for one in wrong:
            _check(one, said)
        made = [_correction(one, said, project, queries, now) for one in wrong]
        tx.add_intents(made)
        for one in wrong:
            tx.audit(actor, "outbox_correct", one.intent_id, now, said)
    desk.woken()
    return made


def _was_seen(intent: Intent, deliveries: list[Delivery]) -> bool:
    if intent.kind == KIND:
        return False
    return intent.status is IntentStatus.SENT or any(one.outcome in _SEEN for one in deliveries)


def _never_sent(intent: Intent) -> str:
    if intent.kind == KIND:
        return f"{intent.intent_id} 本身就是更正，不能再更正；请更正原来那一条 (it is a correction)"
    _, _, summary = intent.reason.partition("coalesced:")
    if summary:
        return (
            f"{intent.intent_id} 没有单独发出，合在 {summary} 里，请更正那一条 "
            f"(it was told in {summary})"
        )
    return (
        f"{intent.intent_id} 没有发出过（{intent.status}），不用更正；不想让它发出就用 outbox drop "
        "(it was never sent)"
    )


def _check(wrong: Intent, said: str) -> None:
    """Refuse a text that repeats the wrong message: the wrong reader would read it twice."""
    lines = [visible(line) for line in (wrong.subject, *wrong.body.split("\n"))]
    text = "\n".join(lines)
    for start in range(len(said) - _SAME + 1):
        if said[start : start + _SAME] in text:
            raise GroundswellError(
                f"更正里重复了原文“{said[start : start + _SAME]}”，请只说哪里错了、正确的是什么 "
                "(a correction never repeats the message)"
            )


def _correction(
    wrong: Intent, said: str, project: Project, queries: Queries, now: datetime
) -> Intent:
    owner, channel = _way(wrong, project)
    incident = queries.incident(wrong.incident_id) if wrong.incident_id else None
    at = wrong.created_at.astimezone(owner.zone)
    number = incident.code if incident else wrong.words.get("code", "") or wrong.intent_id[:6]
    mark = f"{MARK}·" if wrong.trial_id else ""
    first = shorten(f"【{mark}更正】{at:%m-%d %H:%M} 的一条发错了", 40)
    about = f"更正：上一条（编号 {number}，{at:%m-%d %H:%M} 发出）发错了，请不要据此处理或转发。"
    limit = text_limits(channel, wrong.level).bytes
    body = fit([first, about], [plain(said)], limit)
    if channel.kind in WAKING_KINDS:
        body = fit([f"更正：编号 {number} 的一条发错了，请不要据此处理。"], [], limit)
    digest = hashlib.sha256(f"correction|{wrong.intent_id}|{said}".encode()).digest()
    return Intent(
        intent_id=IntentId(b32encode(digest).decode()[:26].lower()),
        incident_id=None,  # it is never told together with others, and nothing holds it up
        epoch=0,
        kind=KIND,
        step=0,
        recipient_id=wrong.recipient_id,
        channel_id=wrong.channel_id,
        level=wrong.level,
        subject=first,
        body=body,
        words={
            "level": "更正",
            "title": f"编号 {number} 的一条发错了",
            "code": number,
            "name": owner.name,
            "text": f"更正：编号 {number} 的一条发错了，请不要据此处理",
        },
        created_at=now,
        due_at=now,
        deadline_at=now + _WITHIN,
        trial_id=wrong.trial_id,
        meant_for=wrong.meant_for,
    )


def _way(wrong: Intent, project: Project) -> tuple[Owner, Channel]:
    owner, channel = project.owner(wrong.recipient_id), project.channel(wrong.channel_id)
    if owner is None or channel is None:
        gone = wrong.recipient_id if owner is None else wrong.channel_id
        raise GroundswellError(
            f"{wrong.intent_id} 发给 {wrong.recipient_id} / {wrong.channel_id}，配置里已没有 "
            f"{gone}，无法更正 ({gone} is no longer configured)"
        )
    return owner, channel
