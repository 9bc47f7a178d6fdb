"""The console as one ASGI application: routes, who may see them, and what errors look like."""

from __future__ import annotations

import logging
from functools import partial
from http import HTTPStatus

from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from config.errors import GroundswellError, StoreError
from config.schema import Project
from groundswell.clock import Clock
from groundswell.cluster_desk import ClusterDesk
from groundswell.console.accounts import Accounts
from groundswell.console.api import Api, problem
from groundswell.console.base import (
    ActsOnIncidents,
    Compose,
    Console,
    ReadsLinks,
)
from groundswell.console.guard import Guard
from groundswell.console.render import environment
from groundswell.console.routes import routes
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
        routes=routes(console, api),
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
