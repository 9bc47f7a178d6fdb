"""Which address is answered by what: pages, forms, doors for mentions, the API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from config.errors import StoreError
from groundswell.console.api import Api, describe, push
from groundswell.console.api_calendar import calendar_routes
from groundswell.console.api_clusters import cluster_routes
from groundswell.console.api_customers import customer_routes
from groundswell.console.api_incidents import incident_routes
from groundswell.console.api_launches import launch_routes
from groundswell.console.api_ledger import ledger_routes
from groundswell.console.api_rehearsals import read_last
from groundswell.console.api_silences import silence_routes
from groundswell.console.api_topics import read_topics
from groundswell.console.api_trials import trial_routes
from groundswell.console.base import (
    Console,
    Form,
    posted,
)
from groundswell.console.endpoint import reads
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
    customers,
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
    rules,
    sentiment,
    silences,
    source_try,
    sources,
    topics,
    trials,
)
from groundswell.console.reply_hooks import take_replies
from groundswell.console.uploads import Uploads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Makes routes of pages and of forms; a form's session is checked before its handler."""

    console: Console

    def get(self, path: str, page: Callable[[Console, Request], Response]) -> Route:
        """Return the route of a page."""
        return Route(path, partial(page, self.console), methods=["GET"])

    def post(
        self,
        path: str,
        handler: Callable[[Console, Request, Form], Response],
        fields: int = 20,
    ) -> Route:
        """Return the route of a form of at most so many fields."""
        return Route(path, posted(partial(handler, self.console), fields=fields), methods=["POST"])


def routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return all routes of the console."""
    paths = Paths(console=console)
    return [
        *_work(paths),
        *_tuning(paths),
        *_overview(paths),
        *_entry(paths),
        *_doors(console),
        *_api(console, api),
    ]


def _work(paths: Paths) -> list[BaseRoute]:
    """Return where people work on what was said."""
    get, post = paths.get, paths.post
    return [
        get("/", incidents.list_page),
        get("/incidents", incidents.list_page),
        get("/incidents/{incident}", incidents.incident_page),
        *complainants.routes(paths.console),
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
        post("/labels/bulk", labels.bulk, labels.BULK_FIELDS),
    ]


def _tuning(paths: Paths) -> list[BaseRoute]:
    """Return where sources, brands and launches are tuned."""
    get, post = paths.get, paths.post
    board = brands.Board()
    return [
        get("/sources", sources.list_page),
        get("/sources/{source}", sources.source_page),
        get("/sources/{source}/try", source_try.form_page),
        Route("/sources/{source}/try", partial(source_try.run, paths.console), methods=["POST"]),
        get("/sources/{source}/page/{kind}", source_try.kept_page),
        Route("/brands", partial(brands.list_page, paths.console, board), methods=["GET"]),
        Route("/brands/{brand}", partial(brands.brand_page, paths.console, board), methods=["GET"]),
        Route("/brands/{brand}", partial(brands.run, paths.console, board), methods=["POST"]),
        get("/launches", launches.list_page),
        get("/launches/new", launches.new_page),
        get("/launches/{launch}", launches.launch_page),
        get("/launches/{launch}/edit", launches.edit_page),
        post("/launches/{launch}/sales", launches.sales),
        post("/launches", launches.save, launches.FIELDS),
    ]


def _overview(paths: Paths) -> list[BaseRoute]:
    """Return where one looks over what was told, learnt and not seen."""
    get, post = paths.get, paths.post
    return [
        get("/coverage", coverage.page),
        get("/duty", duty.page),
        get("/ledger", ledger.page),
        get("/cards", cards.list_page),
        get("/cards/{card}", cards.card_page),
        post("/cards/{card}/edit", cards.edit),
        post("/cards/{card}/retire", cards.retire),
        post("/replies", cards.add_reply),
        post("/replies/retire", cards.retire_reply),
        *calendar.routes(paths.console),
        *customers.routes(paths.console),
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
        *rules.routes(paths.console),
        get("/digest", reading.digest_page),
    ]


def _entry(paths: Paths) -> list[BaseRoute]:
    """Return who comes in how, and what needs no login."""
    get, post = paths.get, paths.post
    static = files("groundswell.console").joinpath("static")
    return [
        get("/login", entry.login_page),
        Route("/login", partial(entry.log_in, paths.console), methods=["POST"]),
        post("/logout", entry.log_out),
        get("/password", entry.password_page),
        post("/password", entry.change_password),
        get("/t/{token}", one_tap.show),
        Route("/t/{token}", partial(one_tap.press, paths.console), methods=["POST"]),
        get("/healthz", _health),
        get("/favicon.ico", _favicon),
        get("/robots.txt", _robots),
        Mount("/static", StaticFiles(directory=str(static))),
    ]


def _doors(console: Console) -> list[BaseRoute]:
    """Return where mentions and answers come in that no crawler fetched."""
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
    ]


def _api(console: Console, api: Api) -> list[BaseRoute]:
    """Return what other programs call."""
    return [
        Route("/api/v1/mentions", partial(push, console, api), methods=["POST"]),
        Route("/api/v1/topics", reads(console, api, read_topics), methods=["GET"]),
        Route("/api/v1/rehearsals/last", reads(console, api, read_last), methods=["GET"]),
        *cluster_routes(console, api),
        *incident_routes(console, api),
        *silence_routes(console, api),
        *trial_routes(console, api),
        *calendar_routes(console, api),
        *customer_routes(console, api),
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
