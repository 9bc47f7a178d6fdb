"""Links for shops and dealers: made here, printed as a QR code, ended here."""

from __future__ import annotations

from http import HTTPStatus

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigError
from groundswell.console.base import Console, Form, logged_in, real_now
from groundswell.doors import REPORTER, make_key, revoke_key

_ROLES = frozenset({"admin", "service", "lead"})


def list_page(console: Console, request: Request) -> Response:
    """Show all links, those in use first, and the form for a new one."""
    _require_role(request)
    return _page(console, request)


def create(console: Console, request: Request, form: Form) -> Response:
    """Make a link and show it with its QR code: the only time that it can be shown."""
    visitor = _require_role(request)
    name, region = form.get("name", ""), form.get("region", "")
    try:
        if form.get("renew"):
            revoke_key(console.store, REPORTER, name, by=visitor, now=real_now())
        key = make_key(
            console.store,
            REPORTER,
            name,
            by=visitor,
            now=real_now(),
            region=region,
            channel="internal",
        )
    except ConfigError:
        problem = f"名称“{name[:60]}”不能用：1 到 60 个字，而且不能和正在用的重复"
        return _page(console, request, form=form, problem=problem)
    link = f"{_base_url(console, request)}/r/{key}"
    return console.page(
        request, "reporter_made.html", link=link, qr=qr_svg(link), name=name.strip(), region=region
    )


def revoke(console: Console, request: Request, form: Form) -> Response:
    """End a link at once."""
    visitor = _require_role(request)
    name = form.get("name", "")
    try:
        revoke_key(console.store, REPORTER, name, by=visitor, now=real_now())
    except ConfigError:
        return _page(console, request, problem=f"没有正在用的“{name[:60]}”")
    return RedirectResponse("/reporters", HTTPStatus.SEE_OTHER)


def qr_svg(link: str) -> Markup:
    """Return a link as the SVG of a QR code, dark on light whatever the page's colours are."""
    import segno

    svg = segno.make(link, error="m", micro=False).svg_inline(
        scale=6, border=3, dark="#000", light="#fff", omitsize=True
    )
    return Markup(svg)  # noqa: S704 - drawn by segno: squares only, no text of the link


def _base_url(console: Console, request: Request) -> str:
    """Return where phones reach the console: as configured, else as this page was reached."""
    configured = console.project.settings.console.base_url
    return (configured or str(request.base_url)).rstrip("/")


def _require_role(request: Request) -> str:
    visitor = logged_in(request)
    if visitor.role not in _ROLES:
        raise HTTPException(HTTPStatus.FORBIDDEN, "门店二维码由管理员、售后或主管管理")
    return visitor.name


def _page(
    console: Console, request: Request, *, form: Form | None = None, problem: str = ""
) -> Response:
    with console.store.read() as queries:
        tokens = queries.tokens(REPORTER)
    return console.page(
        request,
        "reporters.html",
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        tokens=tokens,
        form=form or {},
        problem=problem,
        reachable=bool(console.project.settings.console.base_url),
    )
