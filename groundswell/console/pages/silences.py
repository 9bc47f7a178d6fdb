"""What is not said for the time being: silences that people asked for, and maintenance windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import GroundswellError
from config.schema import ISSUE_CLASSES
from groundswell.console import words
from groundswell.console.base import Console, Form, logged_in
from groundswell.silence_desk import CAPS, SilenceDesk, Wish
from storage.records import Silence

_TEXT_LIMIT = 500
_HOURS = frozenset(hours for hours, _ in words.SILENCES)
_LOOK_BACK = timedelta(days=7)  # how long a silence that is over is still listed
_DONE = {"begun": "静默已开始。", "ended": "静默已结束，没有听到的人会各收到一条。"}


def page(console: Console, request: Request) -> Response:
    """List what holds now, what is to come and what ended lately, with a form to ask for more."""
    return _show(console, request, notice=_DONE.get(request.query_params.get("done", ""), ""))


def add(console: Console, request: Request, form: Form) -> Response:
    """Begin a silence."""
    visitor = logged_in(request)
    try:
        wish = _wish(form, console.clock.now())
        _desk(console).add(wish, visitor.name)
    except GroundswellError as refusal:
        return _show(console, request, form=form, problem=str(refusal))
    return RedirectResponse("/silences?done=begun", HTTPStatus.SEE_OTHER)


def end(console: Console, request: Request, form: Form) -> Response:
    """End a silence before its time."""
    visitor = logged_in(request)
    try:
        _desk(console).end(form.get("silence", "")[:60], visitor.name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/silences?done=ended", HTTPStatus.SEE_OTHER)


def _desk(console: Console) -> SilenceDesk:
    if console.silences is None:
        raise GroundswellError("这个控制台不能设置静默 (silences are not kept from here)")
    return console.silences


def _wish(form: Form, now: datetime) -> Wish:
    hours = form.get("hours", "")
    if hours not in _HOURS:
        raise GroundswellError("请选择静默的时长")

    def chosen(name: str) -> tuple[str, ...]:
        word = form.get(name, "").strip()[:_TEXT_LIMIT]
        return (word,) if word else ()

    return Wish(
        ends_at=now + timedelta(hours=int(hours)),
        reason=form.get("reason", "")[:_TEXT_LIMIT],
        up_to=form.get("up_to", ""),
        incident=form.get("incident", "").strip()[:60],
        brand=chosen("brand"),
        product=chosen("product"),
        issue=chosen("issue"),
        region=chosen("region"),
        platform=chosen("platform"),
    )


def _show(
    console: Console,
    request: Request,
    *,
    form: Form | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    now = console.clock.now()
    silences, windows = _desk(console).listed(now - _LOOK_BACK)
    with console.store.read() as queries:
        about = {
            one.silence_id: queries.incident(one.incident_id)
            for one in silences
            if one.incident_id is not None
        }
    over = [one for one in silences if _is_over(one, now)]
    return console.page(
        request,
        "silences.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        now_held=[one for one in silences if not _is_over(one, now) and one.starts_at <= now],
        to_come=[one for one in silences if not _is_over(one, now) and one.starts_at > now],
        over=over[::-1],
        windows=windows,
        about=about,
        scope=lambda one: _scope(console, one),
        caps=CAPS,
        issues=[*ISSUE_CLASSES, *(rule.name for rule in console.project.issues)],
        form=form or {},
        notice=notice,
        problem=problem,
    )


def _is_over(silence: Silence, now: datetime) -> bool:
    return silence.ended_at is not None or silence.ends_at <= now


def _scope(console: Console, silence: Silence) -> str:
    """Say what a silence is about."""
    project = console.project
    brands = [brand.name for one in silence.brand if (brand := project.brand(one)) is not None]
    products = {line.id: line.name for brand in project.brands for line in brand.products}
    named: Sequence[str] = (
        *brands,
        *(products.get(one, one) for one in silence.product),
        *silence.issue,
        *silence.region,
        *silence.platform,
    )
    return "、".join(named) or "所有事件"
