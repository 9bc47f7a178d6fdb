"""Importing a table in the browser: upload, see what the columns are taken for, correct, import."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigError, GroundswellError
from groundswell.columns import Proposal, Wishes
from groundswell.columns_names import LABELS
from groundswell.console.base import (
    Console,
    Form,
    Upload,
    logged_in,
    read_uploads,
    real_now,
    same,
)
from groundswell.console.uploads import Job, Uploads
from groundswell.doors import BATCH
from groundswell.importing import Opened, opened, table
from groundswell.importing_values import CONTACTS, FIELDS
from groundswell.intake import Request as Wanted
from groundswell.intake import keep_all, save_mapping

_OFFERED = tuple(name for name in FIELDS if name not in {"lang", "history", "channel"})
_REASONS = (  # a part of the reason -> what people are told
    ("expected some text", "没有正文"),
    ("expected a time", "看不出是什么时间"),
    ("has not come yet", "时间还没到"),
    ("expected 1990", "时间太早"),
    ("characters", "太长"),
    ("expected http", "不是网址"),
    ("number", "不是数字"),
    ("expected a rating", "不是评分"),
    ("expected at most", "数字太大"),
    ("columns, got more", "比表头多出几列"),
    ("not readable as", "文字编码读不了"),
    ("broken CSV row", "这一行是坏的"),
)
_EMPTY = Upload(field="", name="", body=b"")


def form_page(console: Console, uploads: Uploads, request: Request) -> Response:
    """Show where a table is uploaded."""
    del uploads
    return _start(console, request)


async def upload(console: Console, uploads: Uploads, request: Request) -> Response:
    """Take a table and go on to its columns."""
    form, files = await read_uploads(request, 1)
    _check_token(request, form)
    take = partial(_take, console, uploads, request, (files or [_EMPTY])[0])
    return await run_in_threadpool(take)


def _take(console: Console, uploads: Uploads, request: Request, file: Upload) -> Response:
    visitor = logged_in(request)
    if not file.body:
        return _start(console, request, "请选择一个有内容的文件")
    try:
        job = uploads.take(visitor.name, file.name, file.body, real_now())
        with table(job.path, _wishes(console, {})):
            pass
    except GroundswellError as error:
        return _start(console, request, _worded(error, file.name))
    return RedirectResponse(f"/import/{job.job_id}", HTTPStatus.SEE_OTHER)


def job_page(console: Console, uploads: Uploads, request: Request) -> Response:
    """Show the columns of a table, or how far its import is."""
    job = _job(uploads, request)
    if job.state != "new":
        part = bool(request.headers.get("hx-request"))
        return console.page(
            request, "import_rows.html" if part else "import_job.html", job=job, in_words=in_words
        )
    asked = {"sheet": request.query_params.get("sheet", "")}
    return _columns(console, request, job, asked)


async def begin(console: Console, uploads: Uploads, request: Request) -> Response:
    """Import a table as the person said, once the form's token is checked."""
    form, _ = await read_uploads(request, 0)
    _check_token(request, form)
    return await run_in_threadpool(partial(_begin, console, uploads, request, form))


def _begin(console: Console, uploads: Uploads, request: Request, form: Form) -> Response:
    job = _job(uploads, request)
    back = RedirectResponse(f"/import/{job.job_id}", HTTPStatus.SEE_OTHER)
    if job.state != "new":
        return back
    try:
        wanted, wishes = _wanted(console, job, form)
        with table(job.path, wishes) as (proposal, _, _):
            if not proposal.readable:
                raise ConfigError("请指定哪一列是正文")
            wanted.reading(console.clock.now(), proposal)
            if wanted.save_as:
                who = logged_in(request).name
                save_mapping(console.store, wanted.mapping_of(proposal, real_now(), who))
    except GroundswellError as error:
        return _columns(console, request, job, form, _worded(error, job.name))
    uploads.start(job, partial(_import, console, wanted, wishes))
    return back


def _import(console: Console, wanted: Wanted, wishes: Wishes, job: Job) -> None:
    """Import in the upload's own thread; the running main job carries the mentions on."""
    now = console.clock.now()

    def after(found: Opened) -> None:
        job.done, job.total = found.position.done, found.position.total

    keep = console.doors.keep
    with opened(job.path, partial(wanted.reading, now), wishes) as found:
        outcomes = keep_all(found, console.store, keep, now, job, batch=BATCH, after=after)
    job.outcomes.update(outcomes)
    with console.store.transaction() as tx:
        said = " ".join(f"{name}={n}" for name, n in sorted(outcomes.items()))
        line = f"{said} rejected={job.rejected}".strip()
        tx.audit(job.owner, "import", job.name[:200], real_now(), line)


def forget(console: Console, request: Request, form: Form) -> Response:
    """Forget a saved mapping; what was imported with it stays."""
    name = form.get("name", "")
    with console.store.transaction() as tx:
        if tx.drop_mapping(name):
            who = logged_in(request).name
            tx.audit(who, "column_mapping_dropped", name, real_now(), "")
    return RedirectResponse("/import", HTTPStatus.SEE_OTHER)


# --- what was said about the columns ----------------------------------------------------------


def _wishes(console: Console, form: Form) -> Wishes:
    with console.store.read() as queries:
        saved = queries.mappings()
    return Wishes(sheet=form.get("sheet", ""), saved=saved, vault=console.vault is not None)


def _wanted(console: Console, job: Job, form: Form) -> tuple[Wanted, Wishes]:
    """Turn the form into what is to be done.

    Errors: ConfigError when two columns are to be the same, or something is not offered.
    """
    wishes = _wishes(console, form)
    with table(job.path, wishes) as (proposal, _, _):
        chosen = {
            column.name: form.get(f"column-{column.index}", column.ours)
            for column in proposal.columns
        }
    taken = [ours for ours in chosen.values() if ours]
    twice = next((ours for ours in taken if taken.count(ours) > 1), "")
    if twice:
        raise ConfigError(f"两列都选成了“{LABELS.get(twice, twice)}”，请只留一列")
    if any(ours not in _offered(console) for ours in taken):
        raise ConfigError("有一列的选项不认识，请重新选择")
    source = form.get("source", "").strip()[:100]
    wanted = Wanted(
        path=job.path,
        source=source or _named(job),
        history=form.get("history") == "1",
        columns=chosen,
        tz=form.get("tz") or None,
        channel=form.get("channel") or None,
        sheet=form.get("sheet", ""),
        save_as=form.get("save_as", "").strip(),
    )
    return wanted, replace(wishes, columns=chosen)


def _offered(console: Console) -> tuple[str, ...]:
    """Return what a column may be; whom to call only where that is kept sealed."""
    return tuple(n for n in _OFFERED if console.vault is not None or n not in CONTACTS)


def _named(job: Job) -> str:
    """Return the name of the file as people know it, for rows that name no platform."""
    return job.name.rpartition("/")[2].rpartition("\\")[2].rpartition(".")[0][:100] or "导入"


# --- pages ------------------------------------------------------------------------------------


def _start(console: Console, request: Request, problem: str = "") -> Response:
    with console.store.read() as queries:
        saved = queries.mappings()
    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
    return console.page(request, "import.html", status=status, saved=saved, problem=problem)


def _columns(
    console: Console, request: Request, job: Job, form: Form, problem: str = ""
) -> Response:
    wishes = _wishes(console, form)
    try:
        with table(job.path, wishes) as (proposal, _, _):
            pass
    except GroundswellError as error:
        with table(job.path, replace(wishes, sheet="")) as (proposal, _, _):
            problem = problem or _worded(error, job.name)
    return console.page(
        request,
        "import_columns.html",
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        job=job,
        proposal=proposal,
        chosen=_chosen(proposal, form),
        form=form,
        fields=[(name, LABELS[name]) for name in _offered(console)],
        source=form.get("source", "") or proposal.source or _named(job),
        channel=form.get("channel", "") or proposal.channel or "public",
        tz=form.get("tz", "") or proposal.tz or str(_zone(console)),
        problem=problem,
    )


def _chosen(proposal: Proposal, form: Form) -> dict[int, str]:
    return {
        column.index: form.get(f"column-{column.index}", column.ours) for column in proposal.columns
    }


def _zone(console: Console) -> ZoneInfo:
    return ZoneInfo(console.project.settings.timezone)


def in_words(reason: str) -> str:
    """Word why a row was refused for people; what the file holds there stays as it is."""
    field, colon, rest = reason.partition(": ")
    said = next((zh for part, zh in _REASONS if part in reason), "")
    if not said:
        return reason
    got = rest.partition("got ")[2] if colon else ""
    named = f"{LABELS[field]}，" if field in LABELS else ""
    return f"{named}{said}{f'（{got}）' if got else ''}"


def _worded(error: GroundswellError, name: str) -> str:
    """Return an error without where the upload lies on this machine."""
    said = str(error)
    return (
        said.partition("': ")[2] or said
        if said.startswith("importing '")
        else said.replace("importing ", f"{name}: ", 1)
    )


def _check_token(request: Request, form: Form) -> None:
    if not same(form.get("csrf", ""), logged_in(request).csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")


def _job(uploads: Uploads, request: Request) -> Job:
    job = uploads.find(logged_in(request).name, str(request.path_params["job"]))
    if job is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "这次上传已经过期，请重新上传文件")
    return job
