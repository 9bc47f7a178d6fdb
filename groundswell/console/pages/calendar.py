"""The calendar: what makes people talk in a month, days off and worked, an import and a form."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from alerts.events import BUILT_IN, CONFIGURED
from config.calendar_schema import EVENT_KINDS
from config.errors import GroundswellError
from config.workdays import is_told, is_workday, unknown_year
from groundswell.calendar_desk import NAME_LIMIT, NOTE_LIMIT, CalendarDesk, EventWish
from groundswell.calendar_files import to_csv, to_ics
from groundswell.console.base import (
    Console,
    Form,
    Upload,
    logged_in,
    posted,
    read_uploads,
    same,
)

_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 1)
_DONE = {"added": "事件已加进日历。", "removed": "事件已删除。"}
_BY = {BUILT_IN: "自带", CONFIGURED: "写在配置里"}
_YEAR = timedelta(days=365)
_SATURDAY = 5


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of these pages."""
    return [
        Route("/calendar", partial(page, console), methods=["GET"]),
        Route("/calendar", posted(partial(add, console)), methods=["POST"]),
        Route("/calendar/remove", posted(partial(remove, console)), methods=["POST"]),
        Route("/calendar/import", partial(bring, console), methods=["POST"]),
        Route("/calendar.csv", partial(export, console), methods=["GET"]),
        Route("/calendar.ics", partial(export, console), methods=["GET"]),
    ]


def page(console: Console, request: Request) -> Response:
    """Show one month: its events, which weekdays are off and which weekend days are worked."""
    return _show(console, request, notice=_DONE.get(request.query_params.get("done", ""), ""))


def add(console: Console, request: Request, form: Form) -> Response:
    """Put an event into the calendar."""
    visitor = logged_in(request)
    try:
        event = desk_of(console).add(_wish(form), visitor.name)
    except GroundswellError as refusal:
        return _show(console, request, form=form, problem=str(refusal))
    return _to_month(event.starts, "added")


def remove(console: Console, request: Request, form: Form) -> Response:
    """Take an event out of the calendar."""
    visitor = logged_in(request)
    try:
        desk_of(console).remove(form.get("event", "")[:80], visitor.name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return _to_month(_month(form.get("month", ""), desk_of(console).today()), "removed")


async def bring(console: Console, request: Request) -> Response:
    """Import a file, once the form's token is checked."""
    visitor = logged_in(request)
    form, uploads = await read_uploads(request, 1)
    if not same(form.get("csrf", ""), visitor.csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    return await run_in_threadpool(partial(_bring, console, request, uploads))


def export(console: Console, request: Request) -> Response:
    """Give what was configured or added, for a year back and a year ahead, as CSV or ICS."""
    desk = desk_of(console)
    today = desk.today()
    found = [one for one in desk.listed(today - _YEAR, today + _YEAR) if one.added_by != BUILT_IN]
    is_ics = request.url.path.endswith(".ics")
    text = to_ics(found) if is_ics else to_csv(found)
    name = "calendar.ics" if is_ics else "calendar.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/calendar" if is_ics else "text/csv", headers=headers)


def desk_of(console: Console) -> CalendarDesk:
    """Return the desk that keeps the calendar of a console."""
    return CalendarDesk(store=console.store, project=console.project, clock=console.clock)


def _bring(console: Console, request: Request, uploads: list[Upload]) -> Response:
    if len(uploads) != 1:
        return _show(console, request, problem="请选择一个 .csv、.xlsx 或 .ics 文件")
    name = Path(uploads[0].name).name
    suffix = Path(name).suffix.lower()[:8]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"calendar{suffix if suffix.isascii() else ''}"
        path.write_bytes(uploads[0].body)
        try:
            found = desk_of(console).bring(path, logged_in(request).name)
        except GroundswellError as refusal:
            return _show(console, request, problem=str(refusal))
    said = f"新增 {found.new} 个事件，{found.known} 个已经在日历里。"
    return _show(console, request, notice=said, bad=found.bad, bad_rows=found.bad_rows)


def _show(
    console: Console,
    request: Request,
    *,
    form: Form | None = None,
    notice: str = "",
    problem: str = "",
    bad: tuple[str, ...] = (),
    bad_rows: int = 0,
) -> Response:
    desk, project = desk_of(console), console.project
    today = desk.today()
    first = _month(request.query_params.get("month", ""), today)
    last = _next(first) - timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    work = project.settings.calendar
    is_weekend = {day: day.weekday() >= _SATURDAY for day in days}
    return console.page(
        request,
        "calendar.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        events=desk.listed(first, last),
        today=today,
        first=first,
        before=first - timedelta(days=1) if first > _FIRST else None,
        after=_next(first) if first < _LAST else None,
        off=[day for day in days if not is_weekend[day] and not is_workday(work, day)],
        worked=[day for day in days if is_weekend[day] and is_workday(work, day)],
        is_told=is_told(work, first.year),
        warning=unknown_year(work, today),
        brands={brand.id: brand.name for brand in project.brands},
        by=_BY,
        kinds=EVENT_KINDS,
        limits={"name": NAME_LIMIT, "note": NOTE_LIMIT},
        form=form or {},
        notice=notice,
        problem=problem,
        bad=bad,
        bad_rows=bad_rows,
    )


def _wish(form: Form) -> EventWish:
    starts, ends = (_day(form.get(name, "")) for name in ("starts", "ends"))
    if starts is None:
        raise GroundswellError("请填开始日期")
    return EventWish(
        name=form.get("name", "")[: NAME_LIMIT + 1],
        starts=starts,
        ends=ends,
        kind=form.get("kind", ""),
        brand=form.get("brand", ""),
        note=form.get("note", "")[: NOTE_LIMIT + 1],
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise GroundswellError(f"日期 {text[:20]!r} 读不出来，写成 2026-11-11") from error


def _month(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return today.replace(day=1)
    return min(max(found, _FIRST), _LAST)


def _next(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _to_month(day: date, done: str) -> Response:
    return RedirectResponse(f"/calendar?month={day:%Y-%m}&done={done}", HTTPStatus.SEE_OTHER)
