"""Adding a mention by hand: closed groups, calls and letters are read by people.

Nothing is stored before the person presses save; the bookmarklet only fills the form in.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundswell.console.base import (
    Console,
    Form,
    Upload,
    logged_in,
    read_uploads,
    real_now,
    same,
)
from groundswell.doors_photos import MOST_PHOTOS, checked_photos
from groundswell.importing_values import CONTACT_LIMIT, CUSTOMERS, LIMITS, Reading, read_row
from storage.records import MentionId, Outcome, RawMention

_CONTACTS = ("contact_phone", "contact_name", "contact_address")
_FIELDS = (
    *("text", "title", "url", "author", "source", "region", "published_at", "channel"),
    *_CONTACTS,
    *CUSTOMERS,
)
_ADDRESS_LIMIT = 20_000  # characters taken from the address of the page, which anybody may write
_LARGEST_ID = 2**63 - 1
# What stands before the English of read_row's reasons, for people who fill in the form.
_REASONS = {
    "text": "请写正文",
    "title": "标题太长",
    "url": "链接要以 http:// 或 https:// 开头",
    "author": "作者太长",
    "source": "平台太长",
    "region": "地区太长",
    "published_at": "时间读不出来，或者还没到；写成 2026-11-22 09:30 这样",
    "channel": "请选择渠道",
    "contact_phone": "客户电话太长",
    "contact_name": "客户姓名太长",
    "contact_address": "客户地址太长",
    "customer_no": "客户编号太长",
    "customer_tier": "客户等级太长",
}
# Opens the form with the page's address, title and the marked text; sends nothing by itself.
_BOOKMARKLET = (
    "javascript:(()=>{{const s=String(getSelection()).slice(0,1500),e=encodeURIComponent;"
    "open('{base}/add?url='+e(location.href)+'&title='+e(document.title.slice(0,300))"
    "+'&text='+e(s))}})()"
)


def form_page(console: Console, request: Request) -> Response:
    """Show the form, filled in with what the address says."""
    asked = request.query_params
    values = {
        name: "" if name in {*_CONTACTS, *CUSTOMERS} else asked.get(name, "")[:_ADDRESS_LIMIT]
        for name in _FIELDS  # no contact in an address: addresses stand in logs and histories
    }
    if values["url"] and not values["source"]:
        values["source"] = _platform_of(console, values["url"])
    values["published_at"] = values["published_at"] or _local_now(console, request)
    return _form(console, request, values)


async def save(console: Console, request: Request) -> Response:
    """Store what the form says, once its token is checked."""
    visitor = logged_in(request)
    try:
        form, uploads = await read_uploads(request, MOST_PHOTOS)
    except HTTPException:
        form, uploads = {"csrf": visitor.csrf}, [Upload(field="", name="", body=b"")] * 9
    if not same(form.get("csrf", ""), visitor.csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    return await run_in_threadpool(partial(_save, console, request, form, uploads))


def _save(console: Console, request: Request, form: Form, uploads: list[Upload]) -> Response:
    visitor = logged_in(request)
    values = {name: form.get(name, "").strip() for name in _FIELDS}
    if len(uploads) > MOST_PHOTOS:
        return _form(console, request, values, {"photo": f"照片最多 {MOST_PHOTOS} 张"})
    problems = _missing(values)
    try:
        photos = checked_photos([upload.body for upload in uploads])
    except ValueError as error:
        problems["photo"] = str(error)
    if problems:
        return _form(console, request, values, problems)
    row: dict[str, Any] = {name: value for name, value in values.items() if value}
    if not values["url"]:
        once = form.get("once", "")[:40]
        row["id"] = f"{visitor.name}-{once}" if once else secrets.token_hex(16)
    reading = Reading(
        now=console.clock.now(),
        zone=console.zone(visitor),
        source="手工录入",
        source_id=f"by hand:{visitor.name}",
    )
    try:
        raw = read_row(row, reading)
    except ValueError as error:
        field = str(error).partition(":")[0]
        return _form(console, request, values, {field: _REASONS.get(field, "这一项读不了")})
    raw = _told_apart(console, raw)
    outcome, mention_id = console.doors.take_one(raw, photos, visitor.name, at=real_now())
    if mention_id is None:
        return _form(console, request, values, {"text": _set_aside(outcome)})
    known = "&known=1" if outcome is Outcome.DUPLICATE else ""
    return RedirectResponse(f"/add?done={mention_id}{known}", HTTPStatus.SEE_OTHER)


def _told_apart(console: Console, raw: RawMention) -> RawMention:
    """Tell two posts of one page apart: a second text under a known address is one of its own."""
    if not raw.canonical_url:
        return raw
    with console.store.read() as queries:
        known = queries.mention_like(raw)
    if known is None or not raw.text or raw.text[:30] in known.text:
        return raw
    said = hashlib.sha256(f"{raw.canonical_url}\x1f{raw.text}".encode()).hexdigest()
    return replace(raw, native_id=f"said-{said[:24]}", parent_url=raw.canonical_url)


def _missing(values: Form) -> dict[str, str]:
    problems = {}
    if not values["text"] and not values["title"]:
        problems["text"] = _REASONS["text"]
    for name in _FIELDS:
        limit = CONTACT_LIMIT if name in {*_CONTACTS, *CUSTOMERS} else LIMITS.get(name, 40)
        if len(values[name]) > limit:
            problems[name] = f"最多 {limit} 字，现在 {len(values[name])} 字"
    return problems


def _set_aside(outcome: Outcome) -> str:
    if outcome is Outcome.OFFICIAL:
        return "这是品牌自己的账号发的，记作官方回应，不算提及"
    return "这条内容没有收下：读不出文字"


def done_page(console: Console, request: Request) -> Response:
    """Show what became of a mention that was just added; refreshed until it has been judged."""
    asked = request.query_params.get("done", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 19 else 0
    with console.store.read() as queries:
        mention = queries.mention(MentionId(min(number, _LARGEST_ID)))
        if mention is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "没有这条提及")
        verdicts = queries.verdicts(mention.mention_id)
        waiting = queries.is_waiting(mention.mention_id)
    part = bool(request.headers.get("hx-request"))
    return console.page(
        request,
        "add_matched.html" if part else "add_done.html",
        mention=mention,
        verdicts=verdicts,
        waiting=waiting and not verdicts,
        known=bool(request.query_params.get("known")),
        brands={brand.id: brand.name for brand in console.project.brands},
        products={p.id: p.name for b in console.project.brands for p in b.products},
    )


def page(console: Console, request: Request) -> Response:
    """Show the form, or what became of what it sent."""
    return (done_page if "done" in request.query_params else form_page)(console, request)


def _form(
    console: Console, request: Request, values: Form, problems: dict[str, str] | None = None
) -> Response:
    base = (console.project.settings.console.base_url or str(request.base_url)).rstrip("/")
    return console.page(
        request,
        "add.html",
        status=HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK,
        values={name: values.get(name, "") for name in _FIELDS},
        problems=problems or {},
        platforms=_platforms(console),
        once=secrets.token_hex(16),
        most=MOST_PHOTOS,
        limits=LIMITS,
        has_vault=console.vault is not None,
        bookmarklet=_BOOKMARKLET.format(base=base),
    )


def _platforms(console: Console) -> list[str]:
    """Return the platforms that are offered: those of the sources, then usual closed ones."""
    named = [source.platform for source in console.project.sources if source.platform]
    usual = ["微信群", "朋友圈", "企业微信", "QQ群", "电话", "信件", "线下"]
    return list(dict.fromkeys([*named, *usual]))


def _platform_of(console: Console, url: str) -> str:
    """Return the platform whose source is on the host of an address, "" when there is none."""
    host = _host(url)
    for source in console.project.sources:
        if source.platform and host and host in {_host(start) for start in source.start}:
            return source.platform
    return ""


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _local_now(console: Console, request: Request) -> str:
    zone: ZoneInfo = console.zone(logged_in(request))
    return f"{console.clock.now().astimezone(zone):%Y-%m-%dT%H:%M}"
