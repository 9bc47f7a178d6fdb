"""Customer lists in the console: which are known, a file taken in, a list forgotten.

In: a .csv or .xlsx with a tier and whatever a customer is recognised by. Out: counts. The file is
read in a folder that is gone after the call; only keyed digests stay.
"""

from __future__ import annotations

import tempfile
from functools import partial
from http import HTTPStatus
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from config.errors import GroundswellError
from groundswell.console.base import (
    Console,
    Form,
    Upload,
    logged_in,
    posted,
    read_uploads,
    same,
)
from groundswell.customer_lists import CustomerDesk, ImportedList

_SUFFIXES = (".csv", ".xlsx")
_ORIGIN = 60  # characters; as the desk's


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of this page; the upload stands where bodies of 20 MiB are let through."""
    return [
        Route("/customers", partial(page, console), methods=["GET"]),
        Route("/customers/forget", posted(partial(forget, console)), methods=["POST"]),
        Route("/import/customers", partial(bring, console), methods=["POST"]),
    ]


def page(console: Console, request: Request) -> Response:
    """Show the tiers of the project and the lists that were imported."""
    is_gone = request.query_params.get("done") == "forgotten"
    return _show(console, request, notice="名单已删除，事件已有的等级保留。" if is_gone else "")


def forget(console: Console, request: Request, form: Form) -> Response:
    """Delete a list."""
    try:
        desk_of(console).forget(form.get("origin", "")[:_ORIGIN], logged_in(request).name)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return RedirectResponse("/customers?done=forgotten", HTTPStatus.SEE_OTHER)


async def bring(console: Console, request: Request) -> Response:
    """Import a file, once the form's token is checked."""
    form, uploads = await read_uploads(request, 1)
    if not same(form.get("csrf", ""), logged_in(request).csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    return await run_in_threadpool(partial(_bring, console, request, form, uploads))


def desk_of(console: Console) -> CustomerDesk:
    """Return the desk that keeps the customer lists of a console."""
    from groundswell.wiring import make_pseudonym  # the wiring imports the console

    return CustomerDesk(
        store=console.store,
        project=console.project,
        clock=console.clock,
        pseudonym=make_pseudonym(console.store),
    )


def taken(console: Console, name: str, body: bytes, origin: str, by: str) -> ImportedList:
    """Take a file in and leave nothing of it behind.

    Errors: GroundswellError that names the file as people know it.
    """
    with tempfile.TemporaryDirectory(prefix="groundswell-customers-") as folder:
        path = Path(folder) / f"customers{Path(name).suffix.lower()}"
        path.write_bytes(body)
        try:
            return desk_of(console).bring(path, by, origin=origin)
        except GroundswellError as refusal:
            raise type(refusal)(str(refusal).replace(str(path), name[:80])) from refusal


def _bring(console: Console, request: Request, form: Form, uploads: list[Upload]) -> Response:
    name = Path(uploads[0].name).name if uploads else ""
    if len(uploads) != 1 or Path(name).suffix.lower() not in _SUFFIXES:
        return _show(console, request, problem="请选择一个 .csv 或 .xlsx 文件")
    origin = form.get("origin", "").strip()[:_ORIGIN] or Path(name).stem[:_ORIGIN]
    by = logged_in(request).name
    try:
        found = taken(console, name, uploads[0].body, origin, by)
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal))
    return _show(console, request, found=found)


def _show(
    console: Console,
    request: Request,
    *,
    notice: str = "",
    problem: str = "",
    found: ImportedList | None = None,
) -> Response:
    project = console.project
    return console.page(
        request,
        "customers.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        lists=desk_of(console).lists(),
        tiers=project.customer_tiers,
        default=project.default_tier.id,
        names={one.id: one.name for one in project.customer_tiers},
        found=found,
        notice=notice,
        problem=problem,
    )
