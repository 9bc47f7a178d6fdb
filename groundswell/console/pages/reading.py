"""Pages to read: the digest of a day, and one mention with the words that counted."""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.schema import Owner
from groundswell.console.base import Console, logged_in
from storage.records import MentionId

_LARGEST_ID = 2**63 - 1  # what a database's integer holds; a longer number names no mention


def digest_page(console: Console, request: Request) -> Response:
    """Show one person's digest of one day; without asking, one's own of today."""
    owner = _reader(console, request)
    now = console.clock.now()
    today = now.astimezone(owner.zone).date()
    day = _day(request.query_params.get("day", ""), today)
    digest = console.digest(owner, day, now)
    return console.page(
        request,
        "digest.html",
        digest=digest,
        owner=owner,
        owners=console.project.owners,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < today else None,
    )


def mention_page(console: Console, request: Request) -> Response:
    """Show a mention in full with every verdict on it and what each word weighed."""
    mention_id = MentionId(min(int(request.path_params["mention"]), _LARGEST_ID))
    with console.store.read() as queries:
        mention = queries.mention(mention_id)
        if mention is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "没有这条提及")
        verdicts = queries.verdicts(mention_id)
    source = console.project.source(mention.source_id)
    return console.page(
        request,
        "mention.html",
        mention=mention,
        verdicts=verdicts,
        source=source.name if source else mention.source_id,
        brands={brand.id: brand.name for brand in console.project.brands},
        products={
            product.id: product.name
            for brand in console.project.brands
            for product in brand.products
        },
    )


def _reader(console: Console, request: Request) -> Owner:
    """Return whose digest to show: the one asked for, oneself, else the first in the list."""
    asked = request.query_params.get("owner", "") or logged_in(request).name
    owner = console.project.owner(asked) or next(iter(console.project.owners), None)
    if owner is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "还没有配置负责人，没有日报可看")
    return owner


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return min(day, today) if day.year > 1970 else today
