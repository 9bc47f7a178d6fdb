"""The page behind a signed link in a message: one button, and only pressing it does anything.

Mail scanners and chat previews open links: a GET never changes a thing.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from alerts.incidents import Command, IllegalMove, allowed_commands
from config.errors import GroundswellError
from groundswell.console import words
from groundswell.console.base import Console, Form, read_form, same
from groundswell.console.pages.incidents import find
from groundswell.links import Grant
from storage.records import Incident, IncidentState

_OFFERED = frozenset({"ack", "dismiss"})  # what messages carry links for; nothing else is taken


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
    if _done(incident, grant):
        return _page(console, request, grant, incident)
    command = Command(
        name=grant.action,
        actor=grant.owner_id,
        text=form.get("text", "").strip()[:500],
        command_id=f"link-{hashlib.sha256(token.encode()).hexdigest()[:24]}",
    )
    try:
        acted = console.desk.act(grant.incident_id, command)
    except IllegalMove as refusal:
        return _page(
            console, request, grant, incident, problem=str(refusal), status=HTTPStatus.CONFLICT
        )
    return _page(console, request, grant, acted)


def form_token(token: str) -> str:
    """Return what the form of a link's page must bring back: it shows that the page was opened."""
    return hashlib.sha256(f"form|{token}".encode()).hexdigest()


def _grant(console: Console, token: str) -> Grant:
    grant = console.links.read(token, console.clock.now())
    if grant.action not in _OFFERED or console.project.owner(grant.owner_id) is None:
        raise GroundswellError("这个链接已经失效，请登录控制台处理")
    return grant


def _done(incident: Incident, grant: Grant) -> bool:
    """Say whether somebody did it already, so that a second press is harmless."""
    if grant.action == "ack":
        return incident.state is not IncidentState.OPEN
    return incident.state is IncidentState.DISMISSED


def _page(
    console: Console,
    request: Request,
    grant: Grant,
    incident: Incident,
    *,
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    possible = grant.action in {str(name) for name in allowed_commands(incident)}
    return console.page(
        request,
        "one_tap.html",
        status=status,
        incident=incident,
        action=words.ACTIONS[grant.action],
        owner=console.person(grant.owner_id),
        done=_done(incident, grant),
        possible=possible,
        problem=problem,
        csrf=form_token(str(request.path_params["token"])),
    )


def _refused(console: Console, request: Request, text: str) -> Response:
    return console.page(
        request, "message.html", status=HTTPStatus.GONE, title="链接已失效", text=text
    )
