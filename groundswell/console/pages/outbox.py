"""What was said to whom and what became of it: messages that wait, are stuck, or did not arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.presence import usable_channels
from config.errors import GroundswellError
from config.schema import Channel, Owner, Project
from groundswell.console.base import Console, Form, logged_in
from groundswell.correcting import correct
from groundswell.outbox_desk import OutboxDesk
from groundswell.unconfirmed import unconfirmed_lines
from storage.outbox_pages import OutboxView
from storage.queries import Queries
from storage.records import ChannelId, ChannelState, Delivery, Incident, Intent, Member

_LIMIT = 60
_REASON_LIMIT = 300
_CORRECTION_LIMIT = 500
VIEWS: Mapping[str, str] = {
    "dead": "没有送达",
    "stuck": "超时未发出",
    "waiting": "等待发送",
    "sent": "已发出",
}
_DONE = {
    "retried": "已安排重发。",
    "dropped": "已登记不再发送。",
    "corrected": "更正已放进发件箱，稍后在“已发出”里看结果。",
    "tested": "测试消息已放进发件箱，稍后在“已发出”里看结果。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message as the page shows it."""

    intent: Intent
    attempts: Sequence[Delivery]
    members: Sequence[Member]  # what a summary stands for
    incident: Incident | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One channel: what is known of it, and how it stands ("ok", "resting", "failing", "new")."""

    channel: Channel
    state: ChannelState | None
    sight: str


def page(console: Console, request: Request) -> Response:
    """Show the outbox, its channels, and a test for each person."""
    return _show(console, request, notice=_DONE.get(request.query_params.get("done", ""), ""))


def retry(console: Console, request: Request, form: Form) -> Response:
    """Send a message again now."""
    visitor = logged_in(request)
    try:
        _desk(console).retry(form.get("intent", "")[:60], visitor.name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/outbox?done=retried", HTTPStatus.SEE_OTHER)


def drop(console: Console, request: Request, form: Form) -> Response:
    """Give a message up, with a reason."""
    visitor = logged_in(request)
    reason = form.get("reason", "").strip()[:_REASON_LIMIT]
    try:
        _desk(console).drop(form.get("intent", "")[:60], visitor.name, reason)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/outbox?done=dropped", HTTPStatus.SEE_OTHER)


def test(console: Console, request: Request, form: Form) -> Response:
    """Send a person a real message through the outbox."""
    visitor = logged_in(request)
    try:
        _desk(console).test(form.get("owner", "")[:60], form.get("channel", "")[:60], visitor.name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/outbox?view=sent&done=tested", HTTPStatus.SEE_OTHER)


def correct_one(console: Console, request: Request, form: Form) -> Response:
    """Tell the readers of a sent message that it was wrong."""
    visitor = logged_in(request)
    text, whole = form.get("text", "").strip()[:_CORRECTION_LIMIT], form.get("act", "") == "yes"
    try:
        correct(_desk(console), form.get("intent", "")[:60], text, visitor.name, whole_act=whole)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/outbox?view=sent&done=corrected", HTTPStatus.SEE_OTHER)


def _desk(console: Console) -> OutboxDesk:
    if console.outbox is None:
        raise GroundswellError("这个控制台不管发件箱 (the outbox is not kept from here)")
    return console.outbox


def _show(console: Console, request: Request, *, notice: str = "", problem: str = "") -> Response:
    now = console.clock.now()
    view = _view(request.query_params.get("view", ""))
    with console.store.read() as queries:
        glance = queries.outbox_glance(now)
        letters = [_letter(queries, intent) for intent in queries.outbox(view, now, _LIMIT)]
        states = queries.channel_states()
        unconfirmed = unconfirmed_lines(queries, console.project)
    lines = [
        Line(channel=one, state=(state := states.get(ChannelId(one.id))), sight=_sight(state, now))
        for one in console.project.channels
    ]
    return console.page(
        request,
        "outbox.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        view=view,
        views=VIEWS,
        glance=glance,
        letters=letters,
        lines=lines,
        people=[(one, _ways(one, console.project)) for one in console.project.owners],
        unconfirmed=unconfirmed,
        notice=notice,
        problem=problem,
    )


def _ways(owner: Owner, project: Project) -> tuple[Channel, ...]:
    """Return every channel that can reach a person, those that ring, too."""
    named = tuple(dict.fromkeys((*owner.channels, *owner.wake_by)))
    return usable_channels(owner.model_copy(update={"channels": named}), project)


def _view(name: str) -> OutboxView:
    found: OutboxView = "dead"
    for one in get_args(OutboxView):
        if one == name and name in VIEWS:
            found = one
    return found


def _letter(queries: Queries, intent: Intent) -> Letter:
    return Letter(
        intent=intent,
        attempts=queries.deliveries(intent.intent_id),
        members=[member for _, member in queries.summary_members(intent.intent_id)]
        if intent.kind == "summary"
        else (),
        incident=queries.incident(intent.incident_id) if intent.incident_id else None,
    )


def _sight(state: ChannelState | None, now: datetime) -> str:
    if state is None:
        return "new"
    if state.blocked_until is not None and state.blocked_until > now:
        return "resting"
    return "failing" if state.failures else "ok"
