"""What stands before every page: who is it, may they, and what browsers must not do with us.

Denying is the default: a path is open to strangers only when it is named here.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.errors import StoreError
from groundswell.console.accounts import Accounts, Visitor

log = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/login", "/healthz", "/favicon.ico", "/robots.txt"})
_OPEN_PREFIXES = ("/static/", "/t/", "/r/")
# A key in a header, or in the address of a hook, instead of a cookie; they limit bodies themselves.
_KEYED_PREFIX = ("/api/", "/hooks/")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_AFFAIRS = frozenset({"/password", "/logout"})  # also open to readers and new passwords
_TRIAL_LIMIT = 8 * 1024 * 1024  # a page of 2 MB, whose Chinese a form sends percent-encoded
_PATH_LIMIT = 4_000  # characters; signed links have some 300
_BODY_LIMIT = 64 * 1024  # the longest form is a note of a few thousand characters
_FILE_LIMITS = {  # first part of the path: forms that take files
    "r": 16 * 1024 * 1024,  # three photos of 5 MiB
    "add": 16 * 1024 * 1024,
    "import": 21 * 1024 * 1024,  # a table of 20 MiB
    "calendar": 3 * 1024 * 1024,  # a file of 2 MiB
    "cards": 256 * 1024,  # three texts of 4,000 characters, percent-encoded
    "launches": 2 * 1024 * 1024,  # fifty answers of 2,000 characters, percent-encoded
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not "no-referrer": with it browsers send "Origin: null" from our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware. It puts the Visitor (or None) on `request.state.visitor`."""

    def __init__(self, app: ASGIApp, accounts: Accounts, cookie: str) -> None:
        self._app = app
        self._accounts = accounts
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = _refuse_request(request)
        keyed = request.url.path.startswith(_KEYED_PREFIX)
        if keyed:
            request.state.visitor = None  # whoever is logged in: no cookie counts there
        elif refusal is None and not _is_static(request.url.path):
            refusal = await self._identify(request)
        answer = refusal or self._app
        await answer(scope, receive, _with_headers(scope, send))

    async def _identify(self, request: Request) -> Response | None:
        """Find out who asks and put it on the request; return a refusal if there is one."""
        token = request.cookies.get(self._cookie, "")
        try:
            visitor = await run_in_threadpool(self._accounts.visitor, token, datetime.now(UTC))
        except StoreError as error:
            log.error("page %s: %s", request.url.path, error)  # noqa: TRY400 - the text says it all
            if request.url.path in _OPEN_PATHS:
                return None
            return PlainTextResponse("数据库暂时不可用，请稍后刷新 database unavailable", 503)
        request.state.visitor = visitor
        return _refuse_visitor(request, visitor, has_cookie=bool(token))


def same_site_path(path: str) -> str:
    """Return where to go after a login, "/" when it would lead off this site."""
    odd = any(ord(character) < 33 or character == "\\" for character in path)
    parts = urlsplit(path) if not odd else None
    inside = parts is not None and not parts.scheme and not parts.netloc
    return path if inside and path.startswith("/") and not path.startswith("//") else "/"


def _is_static(path: str) -> bool:
    return path.startswith("/static/") or path == "/favicon.ico"


def _refuse_request(request: Request) -> Response | None:
    """Refuse odd addresses, what another site's page would send, and bodies without a length."""
    if "\0" in unquote(str(request.url)):  # no database takes it
        return PlainTextResponse("地址有误 bad address", 400)
    if len(request.url.path) > _PATH_LIMIT:  # Python reads no number of more than 4,300 digits
        return PlainTextResponse("地址太长 address too long", 414)
    if request.method in _SAFE_METHODS or request.url.path.startswith(_KEYED_PREFIX):
        return None
    if _is_foreign(request):
        return PlainTextResponse("来自别的网站的提交 cross-site request", 403)
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return PlainTextResponse("缺少长度 length required", 411)
    limit = _body_limit(request.url.path)
    return PlainTextResponse("内容太长 too large", 413) if int(length[:20]) > limit else None


def _body_limit(path: str) -> int:
    is_trial = path.startswith("/brands/") or (
        path.startswith("/sources/") and path.endswith("/try")
    )
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return _TRIAL_LIMIT if is_trial else _FILE_LIMITS.get(first, _BODY_LIMIT)


def _is_foreign(request: Request) -> bool:
    """Say whether a browser tells that another site's page sent this."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return True
    return request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}


def _refuse_visitor(
    request: Request, visitor: Visitor | None, *, has_cookie: bool
) -> Response | None:
    path = request.url.path
    if path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES):
        return None
    if visitor is None:
        return _to_login(request, has_cookie=has_cookie)
    if visitor.must_change and path not in _OWN_AFFAIRS:
        return _redirect(request, "/password")
    if request.method not in _SAFE_METHODS and not visitor.may_act and path not in _OWN_AFFAIRS:
        return PlainTextResponse("只读账号不能做这个操作 read-only account", 403)
    return None


def _to_login(request: Request, *, has_cookie: bool) -> Response:
    if request.method not in _SAFE_METHODS:
        return PlainTextResponse("请先登录 please log in", 401)
    cross_site = request.headers.get("sec-fetch-site") == "cross-site"
    if cross_site and not has_cookie and request.method == "GET":
        # A link in a web mail comes without our SameSite=Strict cookie; coming once more from
        # here brings it along.
        return HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0"><p>…</p>')
    query = f"?{request.url.query}" if request.url.query else ""
    return _redirect(request, f"/login?next={quote(request.url.path + query, safe='')}")


def _redirect(request: Request, where: str) -> Response:
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def _with_headers(scope: Scope, send: Send) -> Send:
    static = _is_static(scope["path"])

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-cache" if static else "no-store")
        await send(message)

    return wrapped
