"""Launches: the list, the page of a day with its checklist, and the one form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigError, GroundswellError
from config.schema import LaunchPlan, Project
from groundswell.console.base import Console, Form, logged_in
from groundswell.console.event_marks import event_marks
from groundswell.launch_check import check_launch, missing_of
from groundswell.launch_desk import LaunchDesk
from groundswell.launch_page import NO_SALES, LaunchDay, survey_launch
from groundswell.launch_sync import product_name
from groundswell.launching import values_of
from groundswell.sales_import import Imported, save_rows

FIELDS = 400  # of the form: fifty answers and twenty places at most
_BLANK = {"faq": 3, "readiness": 2}  # empty rows under those that are there
_MOST = {"faq": 50, "readiness": 20}
_ROWS: Mapping[str, tuple[str, ...]] = {
    "faq": ("question", "answer", "approved_by", "approved_on"),
    "readiness": ("place", "trained", "to_train", "parts", "parts_wanted", "by", "as_of"),
}
_COUNTS = frozenset({"trained", "to_train", "parts", "parts_wanted"})
_TEXTS = ("id", "brand", "product", "name", "launched", "ends", "sister", "note")
_LISTS = ("aliases", "words", "examples", "representatives")
_BETWEEN = re.compile(r"[\s,，;；]+")  # a pasted day and its units
_TEXT_LIMIT = 8_000  # characters of any field


def list_page(console: Console, request: Request) -> Response:
    """Show every launch, those that run first, with how much each lacks."""
    desk, now = _desk(console), console.clock.now()
    project = desk.current()
    months, today = project.settings.launch.months, now.astimezone(project.settings.zone).date()
    with console.store.read() as queries:
        found = [
            (
                plan,
                product_name(project, plan),
                missing_of(check_launch(queries, project, plan, now)),
            )
            for plan in project.launches
        ]
    found.sort(key=lambda one: (not one[0].holds(today, months), one[0].launched), reverse=False)
    return console.page(
        request,
        "launches.html",
        found=found,
        months=months,
        today=today,
        may_write=desk.directory is not None and logged_in(request).may_act,
    )


def launch_page(
    console: Console, request: Request, *, imported: Imported | None = None
) -> Response:
    """Show one launch as it stands today, and what it lacks."""
    desk, now = _desk(console), console.clock.now()
    project = desk.current()
    plan = _asked(project, request)
    with console.store.read() as queries:
        day = survey_launch(queries, project, plan, now)
        items = check_launch(queries, project, plan, now)
        began = datetime.combine(plan.launched, time(), project.settings.zone)
        marks = event_marks(queries, project, plan.brand, min(began, now), now)
    return console.page(
        request,
        "launch.html",
        day=day,
        plan=plan,
        items=items,
        series=_series(day, project),
        marks=marks,
        no_sales=NO_SALES,
        saved=request.query_params.get("done") == "saved",
        imported=imported,
        may_sell=logged_in(request).may_act,
        may_write=desk.directory is not None and logged_in(request).may_act,
    )


def new_page(console: Console, request: Request) -> Response:
    """Show the form, empty."""
    return _form(console, request, {}, "")


def edit_page(console: Console, request: Request) -> Response:
    """Show the form as the launch's file has it."""
    desk = _desk(console)
    found = desk.kept(str(request.path_params["launch"]))
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这个上市")
    return _form(console, request, _filled(found.plan), found.version)


def save(console: Console, request: Request, form: Form) -> Response:
    """Write what the form says, or show it again with what is wrong."""
    visitor = logged_in(request)
    if not visitor.may_act:
        raise HTTPException(HTTPStatus.FORBIDDEN, "没有修改的权限")
    version = form.get("version", "")[:60]
    problems: Sequence[str] = ()
    try:
        done = _desk(console).save(_said(form), version=version, by=visitor.name)
    except ConfigError as refusal:
        problems = refusal.problems
    except (GroundswellError, ValueError) as refusal:
        problems = (str(refusal),)
    else:
        return RedirectResponse(f"/launches/{done.plan.id}?done=saved", HTTPStatus.SEE_OTHER)
    return _form(console, request, form, version, problems)


def sales(console: Console, request: Request, form: Form) -> Response:
    """Take days of sales of this product as they were pasted, a day and its units a line."""
    visitor = logged_in(request)
    if not visitor.may_act:
        raise HTTPException(HTTPStatus.FORBIDDEN, "没有修改的权限")
    project = _desk(console).current()
    plan = _asked(project, request)
    lines = form.get("rows", "").replace("\r\n", "\n").split("\n")
    rows = [_pasted(line, plan) for line in lines if line.strip()]
    if not rows:
        raise GroundswellError("没有读到销量：一行一天，例如 2026-11-20 120")
    found = save_rows(console.store, project, rows, console.clock.now(), by=visitor.name)
    return launch_page(console, request, imported=found)


def _pasted(line: str, plan: LaunchPlan) -> dict[str, str]:
    day, *rest = _BETWEEN.split(line.strip(), maxsplit=1)
    units = rest[0] if rest else ""
    return {"day": day, "units": units, "product": plan.product, "brand": plan.brand}


def _desk(console: Console) -> LaunchDesk:
    if console.launches is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "这个控制台没有上市页")
    return console.launches


def _asked(project: Project, request: Request) -> LaunchPlan:
    found = project.launch(str(request.path_params["launch"]))
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这个上市")
    return found


def _series(day: LaunchDay, project: Project) -> str:
    """Return the curve as the script reads it: local noons, mentions, sure negatives."""
    zone = project.settings.zone
    noon = time(12)
    return json.dumps(
        {
            "hours": [int(datetime.combine(one.day, noon, zone).timestamp()) for one in day.days],
            "mentions": [one.mentions for one in day.days],
            "authors": [one.negative for one in day.days],
        }
    )


# --- the form ---------------------------------------------------------------------------------


def _form(
    console: Console,
    request: Request,
    form: Form,
    version: str,
    problems: Sequence[str] = (),
) -> Response:
    desk = _desk(console)
    project = desk.current()
    return console.page(
        request,
        "launch_form.html",
        status=HTTPStatus.CONFLICT if problems else HTTPStatus.OK,
        form=form,
        version=version,
        problems=problems,
        rows={name: _shown_rows(form, name) for name in _ROWS},
        brands=sorted(project.brands, key=lambda one: one.competitor),
        people=[*project.owners, *project.duties, *project.functions],
        may_write=desk.directory is not None,
    )


def _shown_rows(form: Form, name: str) -> range:
    """Return the numbers of the rows to show: those that are filled in, and some empty ones."""
    filled = [
        n for n in range(_MOST[name]) if any(form.get(f"{name}-{n}-{one}") for one in _ROWS[name])
    ]
    return range(min(_MOST[name], max(filled, default=-1) + 1 + _BLANK[name]))


def _filled(plan: LaunchPlan) -> dict[str, str]:
    """Return a launch as the form's fields."""
    values = values_of(plan)
    form = {name: str(values.get(name, "")) for name in _TEXTS}
    form |= {name: "\n".join(values.get(name, ())) for name in _LISTS}
    for name, columns in _ROWS.items():
        for n, row in enumerate(values.get(name, ())):
            form |= {f"{name}-{n}-{one}": str(row.get(one, "")) for one in columns}
    return form


def _said(form: Form) -> dict[str, Any]:
    """Return what the form says as a launch's file would. ValueError for what is no number."""
    long = next((name for name, text in form.items() if len(text) > _TEXT_LIMIT), "")
    if long:
        raise ValueError(f"{long}：太长了，最多 {_TEXT_LIMIT} 字")
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in _TEXTS}
    for name in _LISTS:
        lines = form.get(name, "").replace("\r\n", "\n").split("\n")
        values[name] = [line.strip() for line in lines if line.strip()]
    for name, columns in _ROWS.items():
        rows = []
        for n in range(_MOST[name]):
            row = {one: form.get(f"{name}-{n}-{one}", "").strip() for one in columns}
            if any(row.values()):
                rows.append({one: _value(one, text) for one, text in row.items() if text})
        values[name] = rows
    return values


def _value(name: str, text: str) -> int | str:
    if name not in _COUNTS:
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError(f"{text[:20]!r}：这里要填一个整数")
    return int(text)
