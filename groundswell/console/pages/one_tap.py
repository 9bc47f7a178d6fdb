"""The page behind a signed link in a message: one thing to do, and only pressing it does anything.

Mail scanners and chat previews open links: a GET never changes a thing. A second press says what
stands; a message from before the incident came up again does nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from alerts.acts import is_open
from alerts.false_alarms import FalseAlarm
from alerts.incidents import Command, IllegalMove, allowed_commands
from alerts.moments import clock_words
from alerts.routing import reachable
from alerts.triangle import seat_of
from config.errors import GroundswellError
from config.schema import Owner
from groundswell.console import words
from groundswell.console.base import Console, Form, read_form, same
from groundswell.console.pages.incidents import find
from groundswell.links import Grant
from storage.records import Incident, IncidentState, Level

# What messages carry links for.
_OFFERED = frozenset({"ack", "not_mine", "dismiss", "assign", "silence"})
_SEATS = frozenset({"accept", "decline"})  # of a role: "accept-customer"
_NAMES = frozenset({"assign", "not_mine"})  # a person is chosen
_MORNING = time(8)  # "until the morning": when the first shift of most service desks begins
_TEXT_LIMIT = 500
REASONS: tuple[FalseAlarm, ...] = tuple(FalseAlarm)[:-1]  # the last, "other", needs a text anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing to pick on the page; `value` comes back with the form."""

    value: str
    label: str
    note: str = ""


def show(console: Console, request: Request) -> Response:
    """Show what the link would do."""
    token = str(request.path_params["token"])
    try:
        grant = _grant(console, token)
        incident = find(console, grant.incident_id)
    except GroundswellError as refusal:
        return _refused(console, request, str(refusal))
    return _page(console, request, grant, incident)


async def press(console: Console, request: Request) -> Response:
    """Do what the link allows, in the name of the person it was made for."""
    form = await read_form(request)
    return await run_in_threadpool(_press, console, request, form)


def _press(console: Console, request: Request, form: Form) -> Response:
    token = str(request.path_params["token"])
    if not same(form.get("csrf", ""), form_token(token)):
        return _refused(console, request, "请打开消息里的链接，再按页面上的按钮")
    try:
        grant = _grant(console, token)
        incident = find(console, grant.incident_id)
    except GroundswellError as refusal:
        return _refused(console, request, str(refusal))
    if grant.epoch != incident.epoch or _stands(console, incident, grant):
        return _page(console, request, grant, incident)
    try:
        command = _command(console, grant, incident, form, token)
        acted = console.desk.act(grant.incident_id, command)
    except IllegalMove as refusal:
        # a colleague may have been quicker: the page shows what stands now
        return _page(
            console,
            request,
            grant,
            find(console, grant.incident_id),
            problem=str(refusal),
            status=HTTPStatus.CONFLICT,
        )
    return _page(console, request, grant, acted, pressed=True)


def form_token(token: str) -> str:
    """Return what the form of a link's page must bring back: it shows that the page was opened."""
    return hashlib.sha256(f"form|{token}".encode()).hexdigest()


def _grant(console: Console, token: str) -> Grant:
    grant = console.links.read(token, console.clock.now())
    if not _is_offered(grant) or console.project.owner(grant.owner_id) is None:
        raise GroundswellError("这个链接已经失效，请登录控制台处理")
    return grant


def _is_offered(grant: Grant) -> bool:
    name, role = _named(grant)
    return name in (_SEATS if role else _OFFERED)


def _named(grant: Grant) -> tuple[str, str]:
    """Return the command of a link, and the role that it is about where it is about one."""
    name, _, role = grant.action.partition("-")
    return name, role


def _command(console: Console, grant: Grant, incident: Incident, form: Form, token: str) -> Command:
    """Turn a press into a command.

    The same press of the same page has the same id, so that a double click is one act.
    Errors: IllegalMove for a choice that the page does not offer, or none.
    """
    now = console.clock.now()
    chosen = form.get("choice", "")
    text = form.get("text", "").strip()[:_TEXT_LIMIT]
    how = FalseAlarm.OTHER
    if grant.action == "dismiss":
        how = next((reason for reason in REASONS if reason.value == chosen), FalseAlarm.OTHER)
        said = how.zh if how is not FalseAlarm.OTHER else ""
        text = "：".join(part for part in (said, text) if part)
        if not text:
            raise IllegalMove("“误报”需要选一个理由，或者写明理由")
    offered = {choice.value for choice in _choices(console, grant, incident, now)}
    if grant.action in {"assign", "silence"} and chosen not in offered:
        raise IllegalMove("请先在页面上选一项")
    press_id = f"{token}|{incident.seq}|{chosen}"
    zone = _owner(console, grant).zone
    name, role = _named(grant)
    return Command(
        name=name,
        role=role,
        actor=grant.owner_id,
        text=text,
        how=how if grant.action == "dismiss" else "",
        owner_id=chosen if grant.action in _NAMES and chosen in offered else "",
        until=_until(chosen, now, zone) if grant.action == "silence" else None,
        command_id=f"link-{hashlib.sha256(press_id.encode()).hexdigest()[:24]}",
    )


def _owner(console: Console, grant: Grant) -> Owner:
    owner = console.project.owner(grant.owner_id)
    assert owner is not None, "the grant was checked"
    return owner


def _choices(console: Console, grant: Grant, incident: Incident, now: datetime) -> Sequence[Choice]:
    """Return what there is to pick on the page."""
    project = console.project
    if grant.action == "dismiss":
        return [Choice(value=reason.value, label=reason.zh) for reason in REASONS]
    if grant.action == "silence":
        zone = _owner(console, grant).zone
        morning = clock_words(_until("morning", now, zone), now, zone)
        return [
            Choice(value="1", label="1 小时"),
            Choice(value="morning", label="到早上", note=morning),
            Choice(value="24", label="24 小时"),
        ]
    if grant.action not in _NAMES:
        return []
    people = reachable(project, (owner.id for owner in project.owners), now)
    kept = "" if incident.policy.held else incident.owner_id  # who only holds it may take it
    kept = grant.owner_id if grant.action == "not_mine" else kept
    found = [project.owner(owner_id) for owner_id in people if owner_id != kept]
    return [
        Choice(value=owner.id, label=owner.name, note=words.ROLES[owner.role].zh)
        for owner in found
        if owner is not None
    ]


def _until(choice: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when a silence ends: after so many hours, or at the next eight o'clock."""
    if choice != "morning":
        return now + timedelta(hours=int(choice))
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=local.time() >= _MORNING)
    return datetime.combine(day, _MORNING, zone).astimezone(now.tzinfo)


def _stands(console: Console, incident: Incident, grant: Grant) -> str:
    """Say what already stands, so that pressing again is harmless; "" while it can be done."""
    is_of_role = bool(_named(grant)[1])
    return (_seat_stands if is_of_role else _act_stands)(console, incident, grant)


def _act_stands(console: Console, incident: Incident, grant: Grant) -> str:
    zone = _owner(console, grant).zone
    now = console.clock.now()
    name, state, muted = grant.action, incident.state, incident.muted_until
    if name == "not_mine" and grant.owner_id in incident.declined:
        return "已记下：这件事不归你管，这一轮不再问你。"
    if name == "silence" and muted is not None and muted > now:
        return f"已静默到 {clock_words(muted, now, zone)}。"
    if name == "dismiss" and state is IncidentState.DISMISSED:
        return f"已判为误报：{incident.dismissed_reason}"
    if name == "ack" and state is IncidentState.ACKNOWLEDGED and incident.acknowledged_at:
        at = clock_words(incident.acknowledged_at, now, zone)
        return f"{console.person(incident.acknowledged_by)} 已确认接手（{at}）。"
    return "" if name in allowed_commands(incident) else _why_not(incident, name)


def _why_not(incident: Incident, name: str) -> str:
    if incident.shelf is not None:
        return "这是搁置的已知问题，没有人会被提醒。"
    if name == "silence" and incident.level >= Level.RED and is_open(incident):
        return "现在是红级事件，通知从不静默。"
    return _ended(incident)


def _seat_stands(console: Console, incident: Incident, grant: Grant) -> str:
    """Say who has a role, when it is not offered to this person (any more)."""
    seat = seat_of(incident, _named(grant)[1])
    if seat is None or not is_open(incident):
        return _ended(incident)
    asked = (seat.offered_to, *reachable(console.project, (seat.offered_to,), console.clock.now()))
    if seat.offered_to and grant.owner_id in asked:
        return ""
    return f"{seat.role.zh}现在是 {console.person(seat.owner_id)}，没有在等你的答复。"


def _offer_words(console: Console, incident: Incident, grant: Grant) -> str:
    """Say what a person is asked to take over, and until when; "" for other links."""
    seat = seat_of(incident, _named(grant)[1])
    if seat is None or not seat.offered_to or seat.answer_by is None:
        return ""
    by = clock_words(seat.answer_by, console.clock.now(), _owner(console, grant).zone)
    return (
        f"{console.person(seat.offered_by)} 请 {console.person(seat.offered_to)} "
        f"接任{seat.role.zh}：{seat.reason}。{by} 前没有答复就退回。"
    )


def _ended(incident: Incident) -> str:
    return f"这件事已经处理过：{words.STATES[incident.state].zh}。"


_NEXT = {
    "not_mine": "计时没有停，已经在请下一位接手。",
    "dismiss": "不再提醒。一天之后如果又有新的投诉，会重新打开。",
    "silence": "级别上升到更高一级时照样提醒；时间到了还没有人确认，会再提醒一次。",
    "accept": "由此刻起由你负责，原来的人会收到通知。",
    "decline": "已退回，原来的人会收到通知。",
}


def _next(console: Console, incident: Incident, grant: Grant) -> str:
    """Say what happens next, after a press."""
    zone = _owner(console, grant).zone
    now = console.clock.now()
    if grant.action == "ack" and incident.lease_until is not None:
        by = clock_words(incident.lease_until, now, zone)
        return f"升级通知已停下。请在 {by} 前写一句进展，否则会重新提醒下一位。"
    if grant.action == "assign":
        who = console.person(incident.owner_id)
        return f"现在由 {who} 负责，对方马上会收到通知；到时没有确认，就按升级顺序通知下一位。"
    return _NEXT.get(_named(grant)[0], "")


def _page(
    console: Console,
    request: Request,
    grant: Grant,
    incident: Incident,
    *,
    pressed: bool = False,
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    stands = _stands(console, incident, grant)
    if pressed and grant.action == "assign":
        stands = "已转派。"
    if grant.epoch != incident.epoch:
        stands = (
            f"这条消息说的是第 {grant.epoch} 次；事件后来第 {incident.epoch} 次出现，"
            f"现在{words.STATES[incident.state].zh}。请用最新一条消息里的链接。"
        )
    return console.page(
        request,
        "one_tap.html",
        status=status,
        incident=incident,
        action=words.ACTIONS[_named(grant)[0]],
        offer=_offer_words(console, incident, grant),
        owner=console.person(grant.owner_id),
        grounds=_grounds(incident),
        choices=_choices(console, grant, incident, console.clock.now()),
        stands=stands,
        following=_next(console, incident, grant) if pressed else "",
        problem=problem,
        csrf=form_token(str(request.path_params["token"])),
    )


def _grounds(incident: Incident) -> list[str]:
    """Return the first grounds of the grade: what a person decides by on a phone."""
    reasons = incident.grade.reasons if incident.grade else ()
    return [reason.text for reason in reasons[:3]]


def _refused(console: Console, request: Request, text: str) -> Response:
    return console.page(
        request, "message.html", status=HTTPStatus.GONE, title="链接已失效", text=text
    )
