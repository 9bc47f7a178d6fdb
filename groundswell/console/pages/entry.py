"""Logging in and out, and changing one's password."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundswell.console.accounts import SESSION_LIFE, LoginRefusedError
from groundswell.console.base import Console, Form, logged_in, read_form, real_now, same, visitor_of
from groundswell.console.guard import same_site_path


def login_page(console: Console, request: Request) -> Response:
    """Show the login form, with a token that its submission must bring back."""
    wanted = same_site_path(request.query_params.get("next", "/"))
    if visitor_of(request) is not None:
        return RedirectResponse(wanted, HTTPStatus.SEE_OTHER)
    return _login_form(console, request, wanted=wanted)


async def log_in(console: Console, request: Request) -> Response:
    """Check name and password; a session begins with a token that nobody could know before."""
    form = await read_form(request)
    if not same(form.get("csrf", ""), request.cookies.get(_form_cookie(console), "")):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    return await run_in_threadpool(_log_in, console, request, form)


def _log_in(console: Console, request: Request, form: Form) -> Response:
    wanted = same_site_path(form.get("next", "/"))
    name = form.get("name", "").strip()
    address = request.client.host if request.client else ""
    try:
        token = console.accounts.log_in(name, form.get("password", ""), address, real_now())
    except LoginRefusedError as refusal:
        answer = _login_form(
            console,
            request,
            wanted=wanted,
            name=name[:64],
            problem=str(refusal),
            status=HTTPStatus.TOO_MANY_REQUESTS
            if refusal.retry_after_s
            else HTTPStatus.UNAUTHORIZED,
        )
        if refusal.retry_after_s:
            answer.headers["Retry-After"] = str(refusal.retry_after_s)
        return answer
    visitor = visitor_of(request)
    if visitor is not None:
        console.accounts.log_out(visitor)
    answer = RedirectResponse(wanted, HTTPStatus.SEE_OTHER)
    _set_session(console, answer, token)
    answer.delete_cookie(_form_cookie(console))
    return answer


def log_out(console: Console, request: Request, form: Form) -> Response:
    """End the session on the server and forget it in the browser."""
    del form
    console.accounts.log_out(logged_in(request))
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(console.cookie)
    return answer


def password_page(console: Console, request: Request) -> Response:
    """Show the form for a new password."""
    return console.page(request, "password.html", problem="")


def change_password(console: Console, request: Request, form: Form) -> Response:
    """Set a new password; every other session of this person ends."""
    visitor = logged_in(request)
    new = form.get("new", "")
    if new != form.get("again", ""):
        return _password_refused(console, request, LoginRefusedError("两次输入的新密码不一样"))
    try:
        token = console.accounts.change_password(visitor, form.get("old", ""), new, real_now())
    except LoginRefusedError as refusal:
        return _password_refused(console, request, refusal)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    _set_session(console, answer, token)
    return answer


def _password_refused(console: Console, request: Request, refusal: LoginRefusedError) -> Response:
    status = HTTPStatus.TOO_MANY_REQUESTS if refusal.retry_after_s else HTTPStatus.BAD_REQUEST
    return console.page(request, "password.html", status=status, problem=str(refusal))


def _login_form(
    console: Console,
    request: Request,
    *,
    wanted: str,
    name: str = "",
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    token = secrets.token_urlsafe(24)
    answer = console.page(
        request,
        "login.html",
        status=status,
        wanted=wanted,
        name=name,
        problem=problem,
        csrf=token,
    )
    answer.set_cookie(
        _form_cookie(console),
        token,
        max_age=3600,
        httponly=True,
        samesite="strict",
        secure=console.secure,
    )
    return answer


def _form_cookie(console: Console) -> str:
    return f"{console.cookie}_form"


def _set_session(console: Console, answer: Response, token: str) -> None:
    answer.set_cookie(
        console.cookie,
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=console.secure,
    )
