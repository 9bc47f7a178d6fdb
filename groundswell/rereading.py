"""When pages are read again for their counters: often at first, then ever less, for two weeks.

In: open incidents and the mentions that spread most in them. Out: links of kind "figures", each due
at once; the crawler fetches them with all its guards, between what it has to read anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from config.schema import Project
from storage.records import DetailLink, Mention
from storage.store import Transaction

# Ages of a mention within its incident at which it is read again. Spread is decided early: half of
# all reposts of a post come within hours of it, so the steps double, then a look a day will do.
_EARLY = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 480, 960))
_DAILY = timedelta(days=1)
DAYS = 14  # and then no more: what still moves then is followed by new mentions
STEPS = (*_EARLY, *(_DAILY * day for day in range(1, DAYS + 1)))
PER_INCIDENT = 6  # mentions: the representative and those that spread most
AT_ONCE = 200  # links planned in one go; the rest come with the next


def step_of(age: timedelta) -> int | None:
    """Return the number of the last step that an age has reached; None before the first.

    Also None once the last step is over: a mention that old is not read again.
    """
    if age >= STEPS[-1] + _DAILY:
        return None
    reached = [number for number, step in enumerate(STEPS) if age >= step]
    return reached[-1] if reached else None


def plan(
    mentions: Iterable[tuple[Mention, datetime]],
    planned: Mapping[str, datetime | None],
    now: datetime,
) -> list[DetailLink]:
    """Return the links that are due now: one per mention, for the last step it has reached.

    `mentions` come with the instant since when they belong to an open incident. `planned` holds the
    `until` of links that were planned before, which is when their next step begins. A step that was
    missed (the program was down) is not made up for, and a link that nobody got round to fetch
    stands for the later step then.
    """
    links = []
    for mention, since in mentions:
        begun = max(since, mention.observed_at)
        step = step_of(now - begun)
        until = planned.get(link_hash(mention))
        if step is not None and (until is None or until <= now):
            links.append(_link(mention, begun + _after(step), now))
    return links


def plan_due(tx: Transaction, project: Project, now: datetime) -> int:
    """Plan what is due for all open incidents; return how many pages will be read again.

    Only sources that say how a single page of theirs is read (detail or thread rules) can do so.
    """
    sources = readable_again(project)
    planned = 0
    for incident in tx.queries.working_incidents() if sources else ():
        if step_of(now - incident.opened_at) is None:
            continue
        found = tx.queries.spreading_mentions(incident.cluster_id, sources, PER_INCIDENT)
        known = tx.queries.planned_until([link_hash(mention) for mention in found])
        links = plan([(mention, incident.opened_at) for mention in found], known, now)
        tx.plan_links(links, now)
        planned += len(links)
        if planned >= AT_ONCE:
            break
    return planned


def readable_again(project: Project) -> Collection[str]:
    """Return the ids of the sources of which a single page is read in the same way by itself.

    What a feed or a list says whole has no page of its own: it would read differently there.
    """
    return {
        source.id
        for source in project.sources
        if source.enabled
        and source.role == "mentions"
        and (source.detail is not None or source.thread is not None or source.kind == "sitemap")
    }


def link_hash(mention: Mention) -> str:
    """Return the key of the link that reads a mention's page again: one per mention."""
    return blake2b(f"figures:{mention.mention_id}".encode(), digest_size=8).hexdigest()


def _after(step: int) -> timedelta:
    """Return the age at which the step after this one begins."""
    return STEPS[step + 1] if step + 1 < len(STEPS) else STEPS[-1] + _DAILY


def _link(mention: Mention, until: datetime, now: datetime) -> DetailLink:
    # What the page may not say itself stands in `listed`: read again, it must be the same mention.
    listed = {
        "item_key": mention.item_key,
        "title": mention.title,
        "author": mention.author,
        "published_at": mention.published_at.isoformat(),
        "thread": mention.url,
    }
    kind, _, rest = mention.item_key.partition(":")
    native = rest.partition(":")[2] if kind == "id" else ""
    if native and not native.startswith("sha256/"):
        listed["native_id"] = native
    return DetailLink(
        url_hash=link_hash(mention),
        source_id=mention.source_id,
        url=mention.url,
        listed={name: value for name, value in listed.items() if value},
        found_at=now,
        history=mention.history,
        kind="figures",
        due_at=now,
        until=until,
    )
