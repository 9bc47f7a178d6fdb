"""Trying a source in the browser, and looking at the pages that were kept of it.

For engineers only: raw pages may hold what nobody else is to see (decisions.md 23). What a page
says is shown as text, never rendered.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.errors import GroundswellError
from config.schema import SourceConfig
from groundswell.console.base import Console, Form, logged_in, read_form, same
from groundswell.sourcing_desk import MAX_PAGE, Bench, Workbench, written_rules
from groundswell.sourcing_pages import as_text
from storage.records import SourceId

MAY_TRY = frozenset({"engineer", "admin"})
_KINDS = ("good", "bad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form was filled in with."""

    where: str = "live"  # live, good, bad or pasted
    url: str = ""
    rules: str = ""
    page: str = ""


def may_try(request: Request) -> bool:
    """Return whether whoever asks may try sources and see raw pages."""
    return logged_in(request).role in MAY_TRY


def form_page(console: Console, request: Request) -> Response:
    """Show the empty form."""
    source, _ = _admitted(console, request)
    where = request.query_params.get("where", "live")
    asked = Asked(where=where if where in {*_KINDS, "pasted"} else "live")
    return _page(console, request, source, asked)


async def run(console: Console, request: Request) -> Response:
    """Try, and show the form again with what came of it. Nothing is kept."""
    form = await read_form(request, 3 * MAX_PAGE)  # Chinese takes three bytes a character
    if not same(form.get("csrf", ""), logged_in(request).csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    source, bench = await run_in_threadpool(_admitted, console, request)
    asked = _asked(form, source)
    trouble, found = "", None
    try:
        found = await _try(console, bench, source, asked)
    except GroundswellError as error:
        trouble = str(error)
    return await run_in_threadpool(
        _page, console, request, source, asked, found=found, trouble=trouble
    )


def kept_page(console: Console, request: Request) -> Response:
    """Show the last good or bad page of a source as text."""
    if not may_try(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "只有工程师和管理员能看原始页面")
    source_id, kind = SourceId(str(request.path_params["source"])), request.path_params["kind"]
    with console.store.read() as queries:
        page = queries.page(source_id, kind) if kind in _KINDS else None
    if page is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有留存这样的页面")
    url, body, at = page
    config = console.project.source(source_id)
    return console.page(
        request,
        "source_page.html",
        name=config.name if config else source_id,
        source_id=source_id,
        kind=kind,
        url=url,
        size_bytes=len(body),
        at=at,
        text=as_text(body),
    )


def _admitted(console: Console, request: Request) -> tuple[SourceConfig, Workbench]:
    """Return the source and the bench. Errors: HTTPException for others, and for no such source."""
    if not may_try(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "只有工程师和管理员能试抓信源")
    source = console.project.source(str(request.path_params["source"]))
    if source is None or console.bench is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这个信源")
    return source, console.bench


def _asked(form: Form, source: SourceConfig) -> Asked:
    """Read the form. Rules that were not touched are the configured ones, and stay out."""
    rules = form.get("rules", "").replace("\r\n", "\n")
    is_own = rules.strip() == written_rules(source).strip()
    return Asked(
        where=form.get("where", "live"),
        url=form.get("url", "").strip(),
        rules="" if is_own else rules,
        page=form.get("page", ""),
    )


async def _try(console: Console, bench: Workbench, source: SourceConfig, asked: Asked) -> Bench:
    if asked.where == "live":
        if asked.rules.strip():
            raise GroundswellError(
                "改过的规则只在手头的页面上试（上次的好页、坏页或粘贴的页面），不拿去抓取；"
                "要现场抓取请在命令行用 source try FILE"
            )
        return await bench.fetch(source, asked.url, console.clock.now())
    body, url = asked.page.encode(), asked.url
    if asked.where in _KINDS:
        url, body = await run_in_threadpool(_kept, console, source, asked.where)
    elif not body.strip():
        raise GroundswellError("请把页面的源代码粘贴进来")
    return await bench.read(source, asked.rules, body, url, console.clock.now())


def _kept(console: Console, source: SourceConfig, kind: str) -> tuple[str, bytes]:
    with console.store.read() as queries:
        page = queries.page(SourceId(source.id), kind)
    if page is None:
        raise GroundswellError("没有留存这样的页面：可能还没抓过，或已超过保留天数")
    return page[0], page[1]


def _page(
    console: Console,
    request: Request,
    source: SourceConfig,
    asked: Asked,
    *,
    found: Bench | None = None,
    trouble: str = "",
) -> Response:
    with console.store.read() as queries:
        kept = [kind for kind in _KINDS if queries.page(SourceId(source.id), kind) is not None]
    return console.page(
        request,
        "source_try.html",
        source=source,
        asked=asked,
        rules=asked.rules or written_rules(source),
        kept=kept,
        can_fetch=console.bench is not None and console.bench.live is not None,
        found=found,
        trouble=trouble,
    )
