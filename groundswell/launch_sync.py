"""What a launch puts elsewhere: its day into the calendar, its approved answers among the replies.

In: the project's launches. Out: rows that say the same. Called as often as one likes: what stands
there just so is left alone, what a launch no longer says is taken back.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, time

from config.schema import Faq, LaunchPlan, Project
from storage.records import ApprovedReply, BrandId, CalendarEvent
from storage.store import Store, Transaction

_PREFIX = "launch:"
KIND = "发布"
_MOST = 100_000  # replies that are looked through; a company has some hundreds


def event_id_of(plan: LaunchPlan) -> str:
    """Return the id of a launch's event, and the origin of its replies."""
    return f"{_PREFIX}{plan.id}"


def sync_launches(store: Store, project: Project, now: datetime, by: str = "system") -> int:
    """Let calendar and replies say what the launches say; return how much was changed."""
    with store.transaction() as tx:
        return _events(tx, project, now, by) + _replies(tx, project, now)


def _events(tx: Transaction, project: Project, now: datetime, by: str) -> int:
    stored = {
        one.event_id: one
        for one in tx.queries.calendar_events()
        if one.event_id.startswith(_PREFIX)
    }
    wanted = {event_id_of(plan): _event(project, plan) for plan in project.launches}
    changed = [
        replace(event, added_by=by, added_at=now)
        for event_id, event in wanted.items()
        if (known := stored.get(event_id)) is None
        or replace(known, added_by="", added_at=None) != event
    ]
    if changed:
        tx.put_events(changed)
    gone = [event_id for event_id in stored if event_id not in wanted]
    for event_id in gone:
        tx.remove_event(event_id)
    return len(changed) + len(gone)


def _event(project: Project, plan: LaunchPlan) -> CalendarEvent:
    brand = project.brand(plan.brand)
    return CalendarEvent(
        event_id=event_id_of(plan),
        name=f"{brand.name if brand else plan.brand} {product_name(project, plan)} 上市",
        kind=KIND,
        starts=plan.launched,
        ends=plan.launched,
        brand_id=BrandId(plan.brand),
    )


def _replies(tx: Transaction, project: Project, now: datetime) -> int:
    known = {
        one.reply_id: one
        for one in tx.queries.approved_replies(retired=True, limit=_MOST)
        if one.origin.startswith(_PREFIX)
    }
    wanted: set[str] = set()
    changed = 0
    for plan in project.launches:
        for one in plan.faq:
            if not one.approved_by.strip():
                continue
            reply = _reply(project, plan, one, now)
            wanted.add(reply.reply_id)
            if not _is_put_away(known.get(reply.reply_id), reply, one):
                changed += tx.save_reply(reply)
    for reply_id, reply in known.items():
        if reply_id not in wanted and reply.retired_at is None:
            changed += tx.save_reply(replace(reply, retired_at=now))
    return changed


def _is_put_away(known: ApprovedReply | None, reply: ApprovedReply, one: Faq) -> bool:
    """Say whether a person retired just this answer, and nobody has approved it since."""
    if known is None or known.retired_at is None:
        return False
    same = replace(reply, approved_at=known.approved_at, retired_at=known.retired_at) == known
    return same and (one.approved_on is None or reply.approved_at <= known.retired_at)


def _reply(project: Project, plan: LaunchPlan, one: Faq, now: datetime) -> ApprovedReply:
    """Return the reply of an approved answer; a question keeps its id whatever its answer."""
    told = hashlib.blake2b(f"{plan.id}|{one.question}".encode(), digest_size=8).hexdigest()
    zone = project.settings.zone
    approved = datetime.combine(one.approved_on, time(), zone) if one.approved_on else now
    return ApprovedReply(
        reply_id=f"l-{told}",
        brand_id=BrandId(plan.brand),
        product=plan.product,
        question=one.question,
        answer=one.answer,
        approved_by=one.approved_by.strip(),
        approved_at=approved.astimezone(now.tzinfo),
        origin=event_id_of(plan),
    )


def product_name(project: Project, plan: LaunchPlan) -> str:
    """Return what people call the product of a launch."""
    brand = project.brand(plan.brand)
    lines = brand.products if brand else ()
    return next((line.name for line in lines if line.id == plan.product), plan.name or plan.product)
