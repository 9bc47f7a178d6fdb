"""What every page of the console works with, and how forms are taken."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Protocol
from zoneinfo import ZoneInfo

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alerts.incidents import Command
from alerts.presence import name_of, person_of
from config.schema import Owner, Project
from groundswell.clock import Clock
from groundswell.cluster_desk import ClusterDesk
from groundswell.console.accounts import Accounts, Visitor
from groundswell.doors import Doors
from groundswell.label_desk import LabelDesk
from groundswell.launch_desk import LaunchDesk
from groundswell.links import Grant
from groundswell.outbox_desk import OutboxDesk
from groundswell.silence_desk import SilenceDesk
from groundswell.sourcing_desk import Workbench
from groundswell.vault import Vault
from storage.records import Digest, Incident, PublicResponse
from storage.store import Store

Form = Mapping[str, str]
PART_BYTES = 80 * 1024  # of one field: 8,000 Chinese characters, percent-encoded
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
Compose = Callable[[Owner, date, datetime], Digest]


class ActsOnIncidents(Protocol):
    """The incident desk."""

    def act(self, incident: str, command: Command, *, into: str = "") -> Incident:
        """Carry out a command on an incident named by id or code; `into`: where a merge ends."""
        ...

    def replied(
        self,
        incident: str,
        *,
        url: str,
        actor: str,
        at: datetime | None = None,
        note: str = "",
        command_id: str = "",
    ) -> PublicResponse:
        """Note that the brand answered in public."""
        ...


class ReadsLinks(Protocol):
    """What signed links in messages allow."""

    def read(self, token: str, now: datetime) -> Grant:
        """Return what a token allows; GroundswellError when it is forged or over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The parts the pages use. `clock` is the program's time, which may run fast in the demo."""

    store: Store
    project: Project
    desk: ActsOnIncidents
    clock: Clock
    digest: Compose
    links: ReadsLinks
    accounts: Accounts
    doors: Doors
    pages: Environment
    cookie: str
    secure: bool  # the console is reached over https, so cookies must never leave it
    vault: Vault | None = None  # None: contacts of customers are not kept
    bench: Workbench | None = None  # None: sources are not tried from here
    labels: LabelDesk | None = None  # None: verdicts are not corrected from here
    clusters: ClusterDesk | None = None  # None: clusters are not edited from here
    silences: SilenceDesk | None = None  # None: no silences are asked for here
    outbox: OutboxDesk | None = None  # None: messages are neither shown nor tested here
    launches: LaunchDesk | None = None  # None: launches are neither shown nor written here

    def page(
        self, request: Request, template: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        """Render one page for whoever asks."""
        visitor = visitor_of(request)
        text = self.pages.get_template(template).render(
            visitor=visitor,
            project=self.project,
            path=request.url.path,
            zone=self.zone(visitor),
            now=self.clock.now(),
            person=self.person,
            **values,
        )
        return HTMLResponse(text, status)

    def zone(self, visitor: Visitor | None) -> ZoneInfo:
        """Return the reader's time zone: the owner's of the same name, else the project's."""
        owner = self.project.owner(visitor.name) if visitor else None
        return owner.zone if owner else ZoneInfo(self.project.settings.timezone)

    def person(self, actor: str) -> str:
        """Return what people call an actor."""
        known = {"system": "系统"}.get(actor)
        return known or name_of(self.project, person_of(self.project, actor))


def real_now() -> datetime:
    """Return the wall clock's instant: logins never run on the demo's fast clock."""
    return datetime.now(UTC)


def visitor_of(request: Request) -> Visitor | None:
    """Return who is logged in on this request."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor


def logged_in(request: Request) -> Visitor:
    """Return who is logged in; the guard lets nobody else through to these pages."""
    visitor = visitor_of(request)
    if visitor is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED)
    return visitor


def posted(
    handler: Callable[[Request, Form], Response],
    fields: int = 20,
) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a handler of forms: the session's CSRF token is checked before it.

    The handler may block; it runs in a thread. `fields`: the most that the form may have.
    """

    async def endpoint(request: Request) -> Response:
        form = await read_form(request, fields=fields)
        visitor = logged_in(request)
        if not same(form.get("csrf", ""), visitor.csrf):
            raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
        return await run_in_threadpool(handler, request, form)

    return endpoint


async def read_form(request: Request, part_bytes: int = PART_BYTES, *, fields: int = 20) -> Form:
    """Return the text fields of a form; files are refused, the last of equal names counts.

    What no database stores and no page can show (NUL, half a character) goes here.
    """
    async with request.form(max_files=0, max_fields=fields, max_part_size=part_bytes) as form:
        return {n: _UNSTORABLE.sub("", v) for n, v in form.items() if isinstance(v, str)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a form. `name` is the sender's word, no path."""

    field: str
    name: str
    body: bytes


async def read_uploads(request: Request, most: int) -> tuple[Form, list[Upload]]:
    """Return a form with its files, empty ones left out; the guard has bounded its size.

    Errors: HTTPException 400 for more files than `most` and one, or more fields than any form has.
    """
    async with request.form(max_files=most + 1, max_fields=400, max_part_size=1 << 20) as form:
        fields = {n: _UNSTORABLE.sub("", v) for n, v in form.items() if isinstance(v, str)}
        files = [(n, v) for n, v in form.multi_items() if not isinstance(v, str)]
        found = [
            Upload(
                field=n,
                name=_UNSTORABLE.sub("", str(v.filename or ""))[:255],
                body=await v.read(),
            )
            for n, v in files
        ]
    return fields, [upload for upload in found if upload.body]


def same(given: str, expected: str) -> bool:
    """Compare secrets in constant time."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
