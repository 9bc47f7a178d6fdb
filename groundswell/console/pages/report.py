"""The form behind a shop's QR code: what a customer came back with, sent within a minute.

No account: the link itself is the key. Whatever comes is checked like any input from outside.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from groundswell.console.base import Console, Form, Upload, read_uploads, real_now
from groundswell.doors import REPORTER, KeyRefusedError, Limiter, digest
from groundswell.doors_photos import MOST_PHOTOS, checked_photos
from groundswell.importing_values import Reading, read_row
from storage.records import AccessToken, MentionId

PLATFORM = "门店上报"
_TEXT_LIMIT = 2_000  # characters; a shop assistant types some fifty
_CONTACT_LIMIT = 60
_ONCE = re.compile(r"[0-9a-f]{16,40}")
# What people at a counter see, and the class it is (config.values.ISSUE_CLASSES names all).
ISSUES: tuple[tuple[str, str, str], ...] = (
    ("hurt", "伤到人、起火冒烟", "安全与人身"),
    ("broken", "坏了、质量不行", "产品质量"),
    ("ill", "吃坏、过敏", "安全与人身"),
    ("refund", "退换货、退款", "退款退货"),
    ("service", "售后、态度", "售后维修"),
    ("price", "价格、促销", "价格与收费"),
    ("fake", "假货、窜货", "渠道与门店"),
    ("other", "其他", "其他"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorman:
    """How often one link and one address may send; state of this process."""

    links: Limiter = field(default_factory=lambda: Limiter(10, timedelta(minutes=10)))
    addresses: Limiter = field(default_factory=lambda: Limiter(200, timedelta(minutes=10)))
    strangers: Limiter = field(default_factory=lambda: Limiter(30, timedelta(minutes=1)))


def show(console: Console, doorman: Doorman, request: Request) -> Response:
    """Show the form."""
    token = _token(console, doorman, request)
    if isinstance(token, Response):
        return token
    return _form(console, request, token, {"once": secrets.token_hex(16)})


async def send(console: Console, doorman: Doorman, request: Request) -> Response:
    """Take a report; the link is checked before the body is read."""
    token = await run_in_threadpool(_token, console, doorman, request)
    if isinstance(token, Response):
        return token
    wait = doorman.links.wait_s(token.token_hash, real_now()) or doorman.addresses.wait_s(
        _address(request), real_now()
    )
    if wait:
        answer = _told(console, request, HTTPStatus.TOO_MANY_REQUESTS, "发得太快了", _LATER)
        answer.headers["Retry-After"] = str(wait)
        return answer
    try:
        form, uploads = await read_uploads(request, MOST_PHOTOS)
    except HTTPException:
        problem = f"照片最多 {MOST_PHOTOS} 张"
        values = {"once": secrets.token_hex(16)}
        return _form(console, request, token, values, problem)
    return await run_in_threadpool(partial(_keep, console, request, token, form, uploads))


_LATER = "请过几分钟再试。已经写好的内容可以按“返回”找回。急事请直接打电话给公司。"


def _keep(
    console: Console, request: Request, token: AccessToken, form: Form, uploads: list[Upload]
) -> Response:
    try:
        row = _row(console, token, form)
        photos = checked_photos([upload.body for upload in uploads])
        raw = read_row(row, _reading(console, token))
    except ValueError as error:
        return _form(console, request, token, form, _worded(str(error)))
    actor = f"{REPORTER}:{token.name}"
    try:
        _, number = console.doors.take_one(raw, photos, actor, token=token, at=real_now())
    except KeyRefusedError:
        return _dead(console, request)
    return console.page(
        request, "report_done.html", number=number, store=token.name, photos=len(photos)
    )


def _reading(console: Console, token: AccessToken) -> Reading:
    return Reading(
        now=console.clock.now(),
        zone=ZoneInfo(console.project.settings.timezone),
        source=PLATFORM,
        source_id=f"report:{token.name}",
        channel="internal",
        region=token.region,
    )


def _row(console: Console, token: AccessToken, form: Form) -> dict[str, Any]:
    """Make one row of a form.

    Errors: ValueError with what is missing.
    """
    issue = next((i for i in ISSUES if i[0] == form.get("issue", "")), None)
    if issue is None:
        raise ValueError("请先点一下是哪一类问题")
    text = form.get("text", "").strip()
    if len(text) < 4:
        raise ValueError("请写一句发生了什么")
    if len(text) > _TEXT_LIMIT:
        raise ValueError(f"最多写 {_TEXT_LIMIT} 字，现在 {len(text)} 字")
    about = dict(_products(console)).get(form.get("product", ""))
    if about is None:
        raise ValueError("请选择是哪个产品")
    said = form.get("contact", "")[:_CONTACT_LIMIT]
    contact = masked_contact(said)
    once = form.get("once", "")
    once = once if _ONCE.fullmatch(once) else secrets.token_hex(16)
    return {
        "id": f"{token.token_hash[:12]}-{once}",  # a second press of the button is the same report
        "title": f"{about}：{issue[1]}",
        "text": f"{text}\n（顾客联系方式 {contact}）" if contact else text,
        "author": token.name,
        "published_at": console.clock.now(),
        "contact": {contact_kind(said): said} if contact else None,
        "customer_no": form.get("customer_no", "").strip()[:_CONTACT_LIMIT],
        "customer_tier": form.get("customer_tier", "").strip()[:_CONTACT_LIMIT],
    }


def contact_kind(contact: str) -> str:
    """Return what a customer left: a telephone number, an e-mail address, else a chat name."""
    if "@" in contact:
        return "email"
    figures = sum(character.isdigit() for character in contact)
    letters = sum(character.isalpha() and character.isascii() for character in contact)
    return "phone" if figures >= 7 and not letters else "wechat"


def masked_contact(contact: str) -> str:
    """Return a contact by which the shop knows its customer again, and nobody else can call."""
    kept = re.sub(r"\s+", "", contact)[:_CONTACT_LIMIT]
    tail = 4 if len(kept) >= 8 else 1
    return f"尾号{kept[-tail:]}" if kept else ""


def _products(console: Console) -> list[tuple[str, str]]:
    """Return what can be chosen: every own brand's products, then the brand alone.

    The label becomes the report's title, so it names the brand and what the brand's rules ask for.
    """
    found = []
    for brand in console.project.brands:
        if brand.competitor:
            continue
        words = "".join((*brand.must, *brand.any[:1]))
        name = f"{brand.name}{words}"
        for product in brand.products:
            label = product.name if brand.name in product.name else f"{brand.name}{product.name}"
            found.append((f"{brand.id}/{product.id}", f"{label}{words}"))
        found.append((f"{brand.id}/", f"{name}（其他或不清楚）" if brand.products else name))
    return found


def photo(console: Console, request: Request) -> Response:
    """Give a picture of a mention to who is logged in: a file to look at, never a page."""
    mention_id = int(request.path_params["mention"])
    found = None
    if mention_id < 2**63:
        with console.store.read() as queries:
            found = queries.attachment(MentionId(mention_id), min(request.path_params["n"], 99))
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这张照片")
    ending = found.media_type.partition("/")[2]
    name = f"mention-{found.mention_id}-{found.n}.{ending}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    return Response(found.body, media_type=found.media_type, headers=headers)


def _worded(error: str) -> str:
    """Return an error for people at a counter: those of single fields are the program's words."""
    return "内容里有读不了的东西，请改短一些再发" if error[:1].isascii() else error


def _token(console: Console, doorman: Doorman, request: Request) -> AccessToken | Response:
    """Return the link's token, or the page that says that the link is dead."""
    key = str(request.path_params["token"])
    with console.store.read() as queries:
        token = queries.token(digest(key), real_now()) if len(key) <= 64 else None
    if token is not None and token.kind == REPORTER:
        return token
    wait = doorman.strangers.wait_s(_address(request), real_now())
    if wait:
        answer = _told(console, request, HTTPStatus.TOO_MANY_REQUESTS, "请稍后再试", "")
        answer.headers["Retry-After"] = str(wait)
        return answer
    return _dead(console, request)


def _dead(console: Console, request: Request) -> Response:
    text = "这个二维码已经停用，请向公司要新的。"
    return _told(console, request, HTTPStatus.GONE, "二维码已失效", text)


def _told(console: Console, request: Request, status: int, title: str, text: str) -> Response:
    return console.page(request, "report_told.html", status=status, title=title, text=text)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _form(
    console: Console, request: Request, token: AccessToken, form: Form, problem: str = ""
) -> Response:
    products = _products(console)
    return console.page(
        request,
        "report.html",
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        store=token.name,
        form=form,
        problem=problem,
        issues=ISSUES,
        products=products,
        tiers=console.project.customer_tiers,
        most=MOST_PHOTOS,
        limit=_TEXT_LIMIT,
        has_vault=console.vault is not None,
    )
