"""Trials: what one reviewer reads instead of many people, and the button that puts one live."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import GroundswellError
from groundswell.console.base import Console, Form, logged_in
from groundswell.misroutes import lines, survey
from groundswell.trials import TrialDesk

_TEXT_LIMIT = 500


def page(console: Console, request: Request) -> Response:
    """List the trials with their figures, and the routes that reached the wrong person."""
    done = request.query_params.get("done", "")
    notice = "已上线，从现在起通知直接发给本人。" if done == "live" else ""
    return _show(console, request, notice=notice)


def live(console: Console, request: Request, form: Form) -> Response:
    """Put a trial live, when its figures were looked at."""
    visitor = logged_in(request)
    if form.get("seen", "") != "yes":
        return _show(console, request, problem="请先看过数字，再勾选“确定上线”")
    try:
        named, note = form.get("trial", "")[:60], form.get("note", "")[:_TEXT_LIMIT]
        _desk(console).live(named, visitor.name, note=note)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/trials?done=live", HTTPStatus.SEE_OTHER)


def _desk(console: Console) -> TrialDesk:
    return TrialDesk(store=console.store, project=console.project, clock=console.clock)


def _show(console: Console, request: Request, *, notice: str = "", problem: str = "") -> Response:
    with console.store.read() as queries:
        found = survey(queries, console.clock.now())
    return console.page(
        request,
        "trials.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        trials=_desk(console).listed(),
        misroutes=list(lines(console.project, found, None)),
        notice=notice,
        problem=problem,
    )
