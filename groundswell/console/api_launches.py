"""/api/v1/launches and /api/v1/sales: launches read and written, units sold sent, by programs.

An ERP sends each night what was sold; a product system opens the launch of what it releases.
Reading needs a key that reads, the rest one that edits.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.cli.output import plain
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, object_of, reads
from groundswell.console.openapi_launches import MOST_SALES
from groundswell.launch_check import Item, check_launch
from groundswell.launch_desk import LaunchDesk
from groundswell.launch_page import survey_launch
from groundswell.sales_import import save_rows


def launch_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""
    root = "/api/v1/launches"
    return [
        Route(root, reads(console, api, _list), methods=["GET"]),
        Route(root, edits(console, api, _save), methods=["POST"]),
        Route(root + "/{launch}", reads(console, api, _show), methods=["GET"]),
        Route("/api/v1/sales", edits(console, api, _sales), methods=["POST"]),
    ]


def _desk(console: Console) -> LaunchDesk:
    if console.launches is None:
        raise ProblemError(404, "no launches", "this console keeps none")
    return console.launches


def _list(console: Console, request: Request) -> dict[str, Any]:
    del request
    project, now = _desk(console).current(), console.clock.now()
    with console.store.read() as queries:
        found = [
            {
                "launch": plan.model_dump(mode="json"),
                "ends": plan.last_day(project.settings.launch.months).isoformat(),
                "items": _items(check_launch(queries, project, plan, now)),
            }
            for plan in project.launches
        ]
    return {"launches": found}


def _show(console: Console, request: Request) -> dict[str, Any]:
    desk, now, named = _desk(console), console.clock.now(), str(request.path_params["launch"])
    project, found = desk.current(), desk.kept(named)
    plan = project.launch(named)
    if plan is None:
        raise ProblemError(404, "no such launch", f"there is none of the id {named[:63]!r}")
    with console.store.read() as queries:
        day = survey_launch(queries, project, plan, now)
        items = check_launch(queries, project, plan, now)
    return {
        "launch": plan.model_dump(mode="json"),
        "version": found.version if found else "",
        "day": day.day_no,
        "of_days": day.of_days,
        "ends": day.ends.isoformat(),
        "is_over": day.is_over,
        "sold": day.sold,
        "days": plain(day.days),
        "rows": plain(day.rows),
        "sister": day.sister,
        "sister_why_not": day.sister_why_not,
        "seen": day.seen,
        "incidents": [one.code for one in day.incidents],
        "items": _items(items),
    }


def _save(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    said = dict(object_of(body))
    version = said.pop("version", "")
    if not isinstance(version, str):
        raise ProblemError(400, "bad version", "send the text that reading the launch gave")
    done = _desk(console).save(said, version=version, by=by)
    return {"launch": done.plan.model_dump(mode="json"), "version": done.version}


def _sales(console: Console, request: Request, body: bytes, by: str) -> dict[str, Any]:
    del request
    rows = object_of(body).get("sales")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProblemError(400, "no sales", 'send {"sales": [{"day", "product", "units"}, …]}')
    if len(rows) > MOST_SALES:
        raise ProblemError(413, "too many", f"send at most {MOST_SALES} days at once")
    project, now = _desk(console).current(), console.clock.now()
    found: dict[str, Any] = plain(save_rows(console.store, project, rows, now, by=by))
    return found


def _items(items: tuple[Item, ...]) -> list[dict[str, Any]]:
    return [
        {"code": one.code, "title": one.title, "ok": one.is_well, "missing": list(one.missing)}
        for one in items
    ]
