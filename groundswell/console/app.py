"""The console as one ASGI application: routes, who may see them, and what errors look like."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from importlib.resources import files

from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from config.errors import GroundswellError, StoreError
from config.schema import Project
from groundswell.clock import Clock
from groundswell.cluster_desk import ClusterDesk
from groundswell.console.accounts import Accounts
from groundswell.console.api import Api, describe, problem, push
from groundswell.console.api_calendar import calendar_routes
from groundswell.console.api_clusters import cluster_routes
from groundswell.console.api_incidents import incident_routes
from groundswell.console.api_launches import launch_routes
from groundswell.console.api_ledger import ledger_routes
from groundswell.console.api_silences import silence_routes
from groundswell.console.api_topics import read_topics
from groundswell.console.api_trials import trial_routes
from groundswell.console.base import (
    ActsOnIncidents,
    Compose,
    Console,
    Form,
    ReadsLinks,
    posted,
)
from groundswell.console.endpoint import reads
from groundswell.console.guard import Guard
from groundswell.console.hooks import Porter, take_receipts
from groundswell.console.pages import (
    add,
    brands,
    calendar,
    cards,
    cluster_edits,
    clusters,
    complainants,
    contact,
    coverage,
    duty,
    entry,
    imports,
    incidents,
    labels,
    launches,
    ledger,
    one_tap,
    outbox,
    reading,
    report,
    reporters,
    sentiment,
    silences,
    source_try,
    sources,
    topics,
    trials,
)
from groundswell.console.render import environment
from groundswell.console.reply_hooks import take_replies
from groundswell.console.uploads import Uploads
from groundswell.doors import Doors, KeepEach
from groundswell.label_desk import LabelDesk
from groundswell.launch_desk import LaunchDesk
from groundswell.outbox_desk import OutboxDesk
from groundswell.silence_desk import SilenceDesk
from groundswell.sourcing_desk import Workbench
from groundswell.vault import Vault
from storage.store import Store

log = logging.getLogger(__name__)


def create_app(  # noqa: PLR0917 - the parts of the house, in the order of the wiring
    store: Store,
    project: Project,
    desk: ActsOnIncidents,
    clock: Clock,
    digest: Compose,
    signer: ReadsLinks,
    *,
    keep: KeepEach,
    hasher: PasswordHasher | None = None,
    bench: Workbench | None = None,
    label_desk: LabelDesk | None = None,
    cluster_desk: ClusterDesk | None = None,
    silence_desk: SilenceDesk | None = None,
    outbox_desk: OutboxDesk | None = None,
    launch_desk: LaunchDesk | None = None,
) -> Starlette:
    """Put the console together; it reads through the store and writes only through the desk.

    `digest` composes the digest of an owner and a local day at an instant; `signer` reads the
    tokens of links in messages; `keep` takes raw mentions into the journey; `bench` tries sources;
    `label_desk` takes corrections, `cluster_desk` people's word on clusters, `silence_desk` what is
    not to be said for a time, `outbox_desk` what becomes of messages.
    """
    rules = project.settings.console
    console = Console(
        store=store,
        project=project,
        desk=desk,
        clock=clock,
        digest=digest,
        links=signer,
        accounts=Accounts(store, hasher),
        doors=Doors(store=store, keep=keep),
        pages=environment(),
        # cookies do not know ports: two consoles on one host must not log each other out
        cookie=f"groundswell_{rules.port}",
        secure=(rules.base_url or "").startswith("https://"),
        bench=bench,
        vault=Vault.of(project.settings.vault),
        labels=label_desk,
        clusters=cluster_desk,
        silences=silence_desk,
        outbox=outbox_desk,
        launches=launch_desk,
    )
    api = Api()
    application = Starlette(
        routes=[*_routes(console), *_doors(console, api)],
        middleware=[Middleware(Guard, accounts=console.accounts, cookie=console.cookie)],
        exception_handlers={
            HTTPException: partial(_http_error, console),
            StoreError: partial(_store_error, console),
            GroundswellError: partial(_known_error, console),
            Exception: partial(_unknown_error, console),
        },
    )
    application.state.api = api
    return application


def _routes(console: Console) -> list[BaseRoute]:
    def get(path: str, page: Callable[[Console, Request], Response]) -> Route:
        return Route(path, partial(page, console), methods=["GET"])

    def post(path: str, handler: Callable[[Console, Request, Form], Response]) -> Route:
        return Route(path, posted(partial(handler, console)), methods=["POST"])

    static = files("groundswell.console").joinpath("static")
    board = brands.Board()
    return [
        get("/", incidents.list_page),
        get("/incidents", incidents.list_page),
        get("/incidents/{incident}", incidents.incident_page),
        *complainants.routes(console),
        post("/incidents/{incident}/{action}", incidents.act),
        get("/mentions/{mention:int}", reading.mention_page),
        post("/mentions/{mention:int}/contact", contact.show),
        get("/clusters", clusters.list_page),
        get("/clusters/{cluster}", clusters.cluster_page),
        get("/clusters/{cluster}/copies/{mention:int}", clusters.copies_page),
        get("/clusters/{cluster}/merge", cluster_edits.merge_page),
        post("/clusters/{cluster}/merge", cluster_edits.merge),
        post("/clusters/{cluster}/apart", cluster_edits.keep_apart),
        get("/clusters/{cluster}/split", cluster_edits.split_page),
        post("/clusters/{cluster}/split", cluster_edits.split),
        get("/clusters/{cluster}/move", cluster_edits.move_page),
        post("/clusters/{cluster}/move", cluster_edits.move),
        post("/clusters/{cluster}/{action}", cluster_edits.act),
        get("/labels", labels.page),
        get("/labels/incidents/{incident}", labels.incident_page),
        post("/labels/answer", labels.answer),
        post("/labels/skip", labels.skip),
        post("/labels/undo", labels.undo),
        Route(
            "/labels/bulk",
            posted(partial(labels.bulk, console), fields=labels.BULK_FIELDS),
            methods=["POST"],
        ),
        get("/sources", sources.list_page),
        get("/sources/{source}", sources.source_page),
        get("/sources/{source}/try", source_try.form_page),
        Route("/sources/{source}/try", partial(source_try.run, console), methods=["POST"]),
        get("/sources/{source}/page/{kind}", source_try.kept_page),
        Route("/brands", partial(brands.list_page, console, board), methods=["GET"]),
        Route("/brands/{brand}", partial(brands.brand_page, console, board), methods=["GET"]),
        Route("/brands/{brand}", partial(brands.run, console, board), methods=["POST"]),
        get("/launches", launches.list_page),
        get("/launches/new", launches.new_page),
        get("/launches/{launch}", launches.launch_page),
        get("/launches/{launch}/edit", launches.edit_page),
        post("/launches/{launch}/sales", launches.sales),
        Route(
            "/launches",
            posted(partial(launches.save, console), fields=launches.FIELDS),
            methods=["POST"],
        ),
        get("/coverage", coverage.page),
        get("/duty", duty.page),
        get("/ledger", ledger.page),
        get("/cards", cards.list_page),
        get("/cards/{card}", cards.card_page),
        post("/cards/{card}/edit", cards.edit),
        post("/cards/{card}/retire", cards.retire),
        post("/replies", cards.add_reply),
        post("/replies/retire", cards.retire_reply),
        *calendar.routes(console),
        get("/silences", silences.page),
        post("/silences", silences.add),
        post("/silences/end", silences.end),
        get("/outbox", outbox.page),
        post("/outbox/correct", outbox.correct_one),
        get("/trials", trials.page),
        post("/trials/live", trials.live),
        post("/outbox/retry", outbox.retry),
        post("/outbox/drop", outbox.drop),
        post("/outbox/test", outbox.test),
        get("/sentiment", sentiment.page),
        get("/topics", topics.page),
        get("/digest", reading.digest_page),
        get("/login", entry.login_page),
        Route("/login", partial(entry.log_in, console), methods=["POST"]),
        post("/logout", entry.log_out),
        get("/password", entry.password_page),
        post("/password", entry.change_password),
        get("/t/{token}", one_tap.show),
        Route("/t/{token}", partial(one_tap.press, console), methods=["POST"]),
        get("/healthz", _health),
        get("/favicon.ico", _favicon),
        get("/robots.txt", _robots),
        Mount("/static", StaticFiles(directory=str(static))),
    ]


def _doors(console: Console, api: Api) -> list[BaseRoute]:
    """Return where mentions come in that no crawler fetched."""
    doorman = report.Doorman()
    uploads = Uploads()
    return [
        Route("/r/{token}", partial(report.show, console, doorman), methods=["GET"]),
        Route("/r/{token}", partial(report.send, console, doorman), methods=["POST"]),
        Route(
            "/mentions/{mention:int}/photos/{n:int}",
            partial(report.photo, console),
            methods=["GET"],
        ),
        Route("/add", partial(add.page, console), methods=["GET"]),
        Route("/add", partial(add.save, console), methods=["POST"]),
        Route("/import", partial(imports.form_page, console, uploads), methods=["GET"]),
        Route("/import", partial(imports.upload, console, uploads), methods=["POST"]),
        Route("/import/forget", posted(partial(imports.forget, console)), methods=["POST"]),
        Route("/import/{job}", partial(imports.job_page, console, uploads), methods=["GET"]),
        Route("/import/{job}", partial(imports.begin, console, uploads), methods=["POST"]),
        Route("/reporters", partial(reporters.list_page, console), methods=["GET"]),
        Route("/reporters", posted(partial(reporters.create, console)), methods=["POST"]),
        Route("/reporters/revoke", posted(partial(reporters.revoke, console)), methods=["POST"]),
        Route(
            "/hooks/receipts/{channel}/{secret}",
            partial(take_receipts, console, Porter()),
            methods=["POST"],
        ),
        Route(
            "/hooks/replies/{channel}/{secret}",
            partial(take_replies, console, Porter()),
            methods=["POST"],
        ),
        Route("/api/v1/mentions", partial(push, console, api), methods=["POST"]),
        Route("/api/v1/topics", reads(console, api, read_topics), methods=["GET"]),
        *cluster_routes(console, api),
        *incident_routes(console, api),
        *silence_routes(console, api),
        *trial_routes(console, api),
        *calendar_routes(console, api),
        *ledger_routes(console, api),
        *launch_routes(console, api),
        Route("/api/v1/openapi.json", partial(describe, console), methods=["GET"]),
    ]


def _health(console: Console, request: Request) -> Response:
    """Say whether the database answers and how old the oldest unfinished work is."""
    del request
    try:
        with console.store.read() as queries:
            oldest = queries.oldest_pending(console.clock.now())
    except StoreError as error:
        log.warning("health check: %s", error)
        return JSONResponse({"status": "database unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE)
    waiting = {stage: int(age.total_seconds()) for stage, age in oldest.items()}
    return JSONResponse({"status": "ok", "oldest_pending_s": waiting})


def _favicon(console: Console, request: Request) -> Response:
    del console, request
    icon = files("groundswell.console").joinpath("static/icon.svg").read_bytes()
    return Response(icon, media_type="image/svg+xml")


def _robots(console: Console, request: Request) -> Response:
    del console, request
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


# --- errors -----------------------------------------------------------------------------------


def _http_error(console: Console, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = {404: "没有这一页", 403: "不允许", 405: "不支持的操作"}.get(
        error.status_code, "请求有问题"
    )
    text = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return _message(console, request, error.status_code, title, text)


def _store_error(console: Console, request: Request, error: Exception) -> Response:
    log.error("page %s: %s", request.url.path, error)
    return _message(
        console,
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "数据库暂时不可用",
        "内容没有丢，恢复后刷新即可。",
    )


def _known_error(console: Console, request: Request, error: Exception) -> Response:
    return _message(console, request, HTTPStatus.BAD_REQUEST, "做不到", str(error))


def _unknown_error(console: Console, request: Request, error: Exception) -> Response:
    log.error("page %s failed", request.url.path, exc_info=error)
    return _message(
        console,
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "出错了",
        "错误已写入日志，请告诉工程师发生的时间。",
    )


def _message(console: Console, request: Request, status: int, title: str, text: str) -> Response:
    if request.url.path.startswith("/api/"):
        return problem(status, title, text or "see /api/v1/openapi.json")
    return console.page(request, "message.html", status=status, title=title, text=text)
