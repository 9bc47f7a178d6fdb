"""Calling the customer back: that a contact exists is shown to all, the contact to who may see it.

A reading asks for a reason and is written down before the value is shown (groundswell.vault). The
page is an answer to a form and never stored: going there again asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.errors import ConfigError
from groundswell.console.base import Console, Form, logged_in, real_now
from groundswell.vault import KINDS, PERMISSION, Contact, NotPermittedError, read
from storage.records import MentionId, VaultEntry

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What the page of a mention says about calling the customer."""

    kinds: tuple[str, ...]
    until: datetime | None
    may_read: bool
    is_forgotten: bool
    has_key: bool


def block(console: Console, request: Request, entries: list[VaultEntry]) -> Block | None:
    """Return what to show of the entries of a mention, None when it never had any."""
    if not entries:
        return None
    now = console.clock.now()
    held = [one for one in entries if one.sealed and one.expires_at > now]
    return Block(
        kinds=tuple(KINDS.get(one.kind, one.kind) for one in held),
        until=min((one.expires_at for one in held), default=None),
        may_read=logged_in(request).may(PERMISSION),
        is_forgotten=not held,
        has_key=console.vault is not None,
    )


def show(console: Console, request: Request, form: Form) -> Response:
    """Show the contact of a mention once, to who may see it and says why."""
    mention_id = MentionId(min(int(request.path_params["mention"]), _LARGEST_ID))
    visitor = logged_in(request)
    found: tuple[Contact, ...] = ()
    problem = ""
    try:
        found = read(
            console.store,
            console.vault,
            mention_id,
            actor=visitor.name,
            reason=form.get("reason", ""),
            now=console.clock.now(),
            at=real_now(),
        )
    except NotPermittedError as error:
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "你没有“查看客户联系方式”的权限，请找管理员开通"
        ) from error
    except ConfigError as error:
        problem = "请用 4 到 200 个字写明联系客户的原因" if "reason" in str(error) else str(error)
    answer = console.page(
        request,
        "contact.html",
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        mention_id=mention_id,
        contacts=[(KINDS.get(one.kind, one.kind), one.kind, one.value) for one in found],
        problem=problem,
        reason=form.get("reason", "")[:200],
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
