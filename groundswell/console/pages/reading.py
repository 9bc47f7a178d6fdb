"""Pages to read: the digest of a day, and one mention with the words that counted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alerts.score import TIERS
from classify.noise import noise_words
from config.schema import Owner, WorkCalendar
from groundswell.console.base import Console, logged_in
from groundswell.console.growth import counters, growth
from groundswell.console.pages import contact
from groundswell.console.pages.labels import spoken
from groundswell.coverage import door_name
from groundswell.digests import covered, day_range, rests_on
from storage.records import MentionId

_LONGEST_REST = 31  # days; nobody has more days off in a row
_LARGEST_ID = 2**63 - 1  # what a database's integer holds; a longer number names no mention


def digest_page(console: Console, request: Request) -> Response:
    """Show one person's digest of one day; without asking, one's own that is being gathered now.

    A digest is named after the day it is sent on, so after the morning's the newest is tomorrow's.
    """
    owner = _reader(console, request)
    now = console.clock.now()
    latest = _running_day(owner, now, console.project.settings.calendar)
    day = _day(request.query_params.get("day", ""), latest)
    with console.store.read() as queries:
        since, until = covered(queries, owner, day, console.project.settings.calendar)
    digest = console.digest(owner, day, now)
    return console.page(
        request,
        "digest.html",
        digest=digest,
        owner=owner,
        owners=console.project.owners,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < latest else None,
        since=since,
        until=until,
    )


def mention_page(console: Console, request: Request) -> Response:
    """Show a mention in full: every verdict, what each word weighed, what became of it since."""
    mention_id = MentionId(min(int(request.path_params["mention"]), _LARGEST_ID))
    with console.store.read() as queries:
        mention = queries.mention(mention_id)
        if mention is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "没有这条提及")
        verdicts = queries.verdicts(mention_id)
        photos = queries.attachments(mention_id)
        texts = queries.mention_revisions(mention_id)
        figures = queries.figures(mention_id)
        responses = queries.mention_responses(mention_id)
        said = queries.mention_corrections(mention_id)
        contacts = queries.contacts(mention_id)
        clusters = queries.clusters_by_id(queries.mention_cluster(mention_id))
    return console.page(
        request,
        "mention.html",
        mention=mention,
        verdicts=verdicts,
        noise_words=noise_words(mention.title, mention.text, verdicts),
        photos=photos,
        texts=texts,
        figures=figures,
        growth=growth(figures),
        counters=counters(mention),
        responses=responses,
        said=spoken(said, mention),
        clusters=list(clusters.values()),
        contact=contact.block(console, request, contacts),
        tier=TIERS[mention.tier][1] if mention.tier in TIERS else "",
        source=_source_name(console, mention.source_id),
        brands={brand.id: brand.name for brand in console.project.brands},
        products={
            product.id: product.name
            for brand in console.project.brands
            for product in brand.products
        },
    )


def _source_name(console: Console, source_id: str) -> str:
    """Return what people call where a mention came from: a source, or a door and who brought it."""
    source = console.project.source(source_id)
    if source is not None:
        return source.name
    door, name = door_name(source_id)
    return f"{door}：{console.person(name)}" if door else source_id


def _reader(console: Console, request: Request) -> Owner:
    """Return whose digest to show: the one asked for, oneself, else the first in the list."""
    asked = request.query_params.get("owner", "") or logged_in(request).name
    owner = console.project.owner(asked) or next(iter(console.project.owners), None)
    if owner is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "还没有配置负责人，没有日报可看")
    return owner


def _running_day(owner: Owner, now: datetime, calendar: WorkCalendar) -> date:
    """Return the day whose digest is not finished yet."""
    today = now.astimezone(owner.zone).date()
    day = today if now < day_range(owner, today)[1] else today + timedelta(days=1)
    while rests_on(owner, day, calendar) and (day - today).days < _LONGEST_REST:
        day += timedelta(days=1)
    return day


def _day(text: str, latest: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return latest
    return min(day, latest) if day.year > 1970 else latest
