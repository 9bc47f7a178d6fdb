"""The complainants of an incident: a part of its page, and a page to work through them.

Moves and gifts are for all that are ticked, as one event. Names and numbers of customers stand on
no page here: who may see them calls them up one by one, or in a workbook, and says why.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from alerts.command import Command, CommandName, IllegalMove
from alerts.commands import allowed_commands
from alerts.complainants import CHANNELS, Counts, counts_words, shown
from alerts.tier_words import tier_name
from config.errors import ConfigError, GroundswellError
from groundswell.complainant_files import marks, read_lines, whom_to_call, workbook
from groundswell.complainants import (
    TakenIn,
    answered,
    counts,
    speed_words,
    take_file,
    taken_words,
)
from groundswell.console.base import (
    Console,
    Form,
    Upload,
    logged_in,
    posted,
    read_uploads,
    real_now,
    same,
)
from groundswell.console.pages.incident_forms import TEXT_LIMIT, local_time
from groundswell.customer_book import complainant_tiers
from groundswell.desk import Desk
from groundswell.vault import PERMISSION, NotPermittedError
from storage.queries import Queries
from storage.records import Complainant, Contact, Incident

_SHOWN = 6  # on the incident's own page: whom to call next
_PAGE = 50
_FIELDS = 2 * _PAGE + 20  # of a form with a box for each, and who is on the page
_ADDED = 200  # lines in the form that adds people
_SUFFIXES = (".xlsx", ".csv", ".tsv", ".txt")
_NO_PERMISSION = "你没有“查看客户联系方式”的权限，请找管理员开通"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of these pages."""
    root = "/incidents/{incident}/people"

    def post(path: str, handler: Callable[[Console, Request, Form], Response]) -> Route:
        endpoint = posted(partial(handler, console), fields=_FIELDS)
        return Route(path, endpoint, methods=["POST"])

    return [
        Route(root, partial(page, console), methods=["GET"]),
        Route(root + ".xlsx", partial(export, console), methods=["GET"]),
        post(root + "/move", move),
        post(root + "/give", give),
        post(root + "/add", add),
        post(root + "/export", export_contacts),
        Route("/import/people/{incident}", partial(upload, console), methods=["POST"]),
    ]


def part(
    queries: Queries, console: Console, incident: Incident, now: datetime
) -> dict[str, Any] | None:
    """Return what the incident's page says of its complainants; None when there are none."""
    del console, now
    counted = counts(queries, incident)
    if not counted.total and not _may_be_added(incident):
        return None
    next_ones = queries.complainants(incident.incident_id, [Contact.WAITING], limit=_SHOWN)
    return {
        "counts": counted,
        "words": counts_words(counted),
        "states": [(state, getattr(counted, state.value)) for state in Contact],
        "next": [_card(one) for one in next_ones],
        "has_more": counted.waiting > len(next_ones),
    }


def page(console: Console, request: Request) -> Response:
    """Show the complainants of an incident, those in one state or all, a page at a time."""
    done = request.query_params.get("done", "")
    return _show(console, request, notice="已登记。" if done else "")


def move(console: Console, request: Request, form: Form) -> Response:
    """Note how far the service has come with those that are ticked."""
    visitor = logged_in(request)
    try:
        at = local_time(form.get("at", ""), console.zone(visitor), "联系时间")
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal), status=HTTPStatus.CONFLICT)
    return _act(
        console,
        request,
        form,
        Command(
            name=CommandName.CONTACT,
            actor=visitor.name,
            who=_ticked(form),
            how=form.get("to", "")[:40],
            channel=form.get("channel", "")[:60],
            text=form.get("text", "").strip()[:TEXT_LIMIT],
            at=at,
            command_id=form.get("once", "")[:64],
        ),
    )


def give(console: Console, request: Request, form: Form) -> Response:
    """Give those that are ticked to a colleague."""
    return _act(
        console,
        request,
        form,
        Command(
            name=CommandName.GIVE,
            actor=logged_in(request).name,
            who=_ticked(form),
            owner_id=form.get("owner", "")[:60],
            command_id=form.get("once", "")[:64],
        ),
    )


def add(console: Console, request: Request, form: Form) -> Response:
    """Add people whom no post shows."""
    lines = form.get("lines", "").splitlines()[:_ADDED]
    return _act(
        console,
        request,
        form,
        Command(
            name=CommandName.COMPLAINANTS,
            actor=logged_in(request).name,
            who=tuple(line.strip()[:200] for line in lines),
            text=form.get("text", "").strip()[:TEXT_LIMIT],
            command_id=form.get("once", "")[:64],
        ),
    )


def _act(console: Console, request: Request, form: Form, command: Command) -> Response:
    try:
        after = console.desk.act(str(request.path_params["incident"]), command)
    except IllegalMove as refusal:
        return _show(console, request, problem=str(refusal), status=HTTPStatus.CONFLICT)
    asked = {"done": str(command.name)}
    if form.get("state"):
        asked["state"] = form["state"][:20]
    return RedirectResponse(f"/incidents/{after.incident_id}/people?{urlencode(asked)}", 303)


# --- files ------------------------------------------------------------------------------------


def export(console: Console, request: Request) -> Response:
    """Give the complainants as a workbook, without whom to call."""
    with console.store.read() as queries:
        incident = _found(queries, request)
        people = queries.complainants(incident.incident_id, _states(request))
    return _file(incident, workbook(people, console.zone(logged_in(request))))


def export_contacts(console: Console, request: Request, form: Form) -> Response:
    """Give them with names and numbers to who may see them; each reading is written down first."""
    visitor = logged_in(request)
    if not visitor.may(PERMISSION):  # also where there is nothing to read
        raise HTTPException(HTTPStatus.FORBIDDEN, _NO_PERMISSION)
    with console.store.read() as queries:
        incident = _found(queries, request)
        people = queries.complainants(incident.incident_id)
    try:
        contacts = whom_to_call(
            console.store,
            console.vault,
            people,
            actor=visitor.name,
            reason=form.get("reason", ""),
            now=console.clock.now(),
            at=real_now(),
        )
    except NotPermittedError as error:
        raise HTTPException(HTTPStatus.FORBIDDEN, _NO_PERMISSION) from error
    except ConfigError as error:
        return _show(console, request, problem=str(error), status=HTTPStatus.BAD_REQUEST)
    return _file(incident, workbook(people, console.zone(visitor), contacts=contacts))


def _file(incident: Incident, body: bytes) -> Response:
    name = quote(f"投诉人-{incident.code}.xlsx")
    return Response(
        body,
        media_type=_XLSX,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
        },
    )


async def upload(console: Console, request: Request) -> Response:
    """Take a filled-in table back."""
    form, files = await read_uploads(request, 1)
    if not same(form.get("csrf", ""), logged_in(request).csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    return await run_in_threadpool(_take, console, request, files[0] if files else None)


def _take(console: Console, request: Request, file: Upload | None) -> Response:
    visitor = logged_in(request)
    suffix = Path(file.name).suffix.lower() if file else ""
    if file is None or suffix not in _SUFFIXES:
        text = f"请选择 {'、'.join(_SUFFIXES)} 文件"
        return _show(console, request, problem=text, status=HTTPStatus.BAD_REQUEST)
    desk = console.desk
    assert isinstance(desk, Desk), "files are taken by the real desk"
    try:
        with tempfile.TemporaryDirectory(prefix="groundswell-people-") as folder:
            path = Path(folder) / f"people{suffix}"
            path.write_bytes(file.body)
            lines, bad = read_lines(path, console.zone(visitor))
            taken = take_file(desk, str(request.path_params["incident"]), lines, bad, visitor.name)
    except GroundswellError as error:
        text = str(error).replace(str(path), file.name[:80])
        return _show(console, request, problem=text, status=HTTPStatus.CONFLICT)
    return _show(console, request, taken=taken)


# --- showing ----------------------------------------------------------------------------------


def _show(
    console: Console,
    request: Request,
    *,
    notice: str = "",
    problem: str = "",
    taken: TakenIn | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    states, number = _states(request), _page_number(request)
    visitor, now = logged_in(request), console.clock.now()
    with console.store.read() as queries:
        incident = _found(queries, request)
        counted = counts(queries, incident)
        times = queries.first_responses(incident.incident_id)
        people = queries.complainants(
            incident.incident_id, states, limit=_PAGE, offset=(number - 1) * _PAGE
        )
        callable_ones = queries.contactable(people)
        known = complainant_tiers(console.project, queries, people)
    tiers = {one: tier_name(console.project, tier) for one, tier in known.items()}
    return console.page(
        request,
        "complainants.html",
        status=status,
        incident=incident,
        counts=counted,
        words_of=counts_words(counted),
        speed=speed_words(answered(times, incident, now)),
        people=[
            _card(one, one.complainant_id in callable_ones, tiers.get(one.complainant_id, ""))
            for one in people
        ],
        states=list(Contact),
        chosen=states[0] if states else None,
        number=number,
        pages=max(1, -(-_many(counted, states) // _PAGE)),
        owners=console.project.owners,
        channels=CHANNELS,
        may_move=visitor.may_act and _may_be_added(incident),
        may_call=visitor.may(PERMISSION) and console.vault is not None,
        once=secrets.token_hex(8),
        notice=notice,
        problem=problem,
        taken=taken,
        taken_words=taken_words(taken) if taken else "",
    )


def _many(counted: Counts, states: list[Contact]) -> int:
    return sum(getattr(counted, state.value) for state in states) if states else counted.total


def _card(one: Complainant, can_be_called: bool = False, tier: str = "") -> dict[str, Any]:
    return {
        "one": one,
        "name": shown(one),
        "marks": [*([tier] if tier else []), *marks(one)],
        "can_be_called": can_be_called,
    }


def _found(queries: Queries, request: Request) -> Incident:
    name = str(request.path_params["incident"])
    incident = queries.incident(name)
    if incident is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"没有编号为 {name[:40]} 的事件")
    return incident


def _may_be_added(incident: Incident) -> bool:
    return CommandName.CONTACT in allowed_commands(incident)


def _states(request: Request) -> list[Contact]:
    named = request.query_params.get("state", "")
    return [state for state in Contact if state.value == named]


def _page_number(request: Request) -> int:
    said = request.query_params.get("page", "1")
    return int(said) if said.isascii() and said.isdigit() and 0 < int(said[:6]) < 100_000 else 1


def _ticked(form: Form) -> tuple[str, ...]:
    """Return the ids of the boxes that are ticked; each box has a name of its own.

    `all` means those the page showed, not who has come since: nobody was asked about them.
    """
    boxes = "here:" if form.get("all") else "who:"
    return tuple(value for name, value in form.items() if name.startswith(boxes))
