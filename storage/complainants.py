"""Who complains in an incident: authors of its clusters of today, and whom its log names.

In: an incident. Out: Complainants in the order in which service should call them (those who wrote
themselves, the harmed, the oldest post first), and counts; both by SQL, so that ten thousand
authors are no list in memory. Nobody is stored before somebody moves him: who is split or corrected
away leaves the list by himself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import Instant
from storage.records import Complainant, Contact, IncidentId, IncidentState, MentionId, OwnerId
from storage.relapses import clusters_of
from storage.rows import Row, mappings

_CHUNK = 500  # parameters in one statement; SQLite takes 32,766
_MERGED_DEEP = 20  # an incident merged into one that was merged …

_row = tables.complainant
_member = tables.mention_cluster
_mention = tables.mention
_KEPT = ("platform", "author", "ticket", "url", "assigned_to", "at", "by", "channel", "text",
         "responded_at", "seq")  # fmt: skip


class FirstResponse(NamedTuple):
    """When a complainant posted, and when he first got an answer; None: unknown, or not yet."""

    complainant_id: str
    posted_at: datetime | None
    first_response_at: datetime | None


class ComplainantQueries:
    """Part of the queries: the complainants of an incident."""

    connection: Connection

    def complainants(
        self,
        incident_id: IncidentId,
        states: Collection[Contact] = (),
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Complainant]:
        """Return the complainants of an incident, those in these states (all when empty)."""
        listed = _listed(self.connection, incident_id)
        query = sa.select(listed).order_by(*_order(listed)).offset(offset or None).limit(limit)
        if states:
            query = query.where(listed.c.state.in_(sorted(one.value for one in states)))
        return self._filled(incident_id, query)

    def complainants_named(
        self, incident_id: IncidentId, names: Iterable[str]
    ) -> list[Complainant]:
        """Return those complainants whose id, or whose ticket, is named."""
        wanted = sorted(set(names))
        if not wanted:
            return []
        listed = _listed(self.connection, incident_id)
        found: dict[str, Complainant] = {}
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            named = listed.c.complainant_id.in_(some) | listed.c.ticket.in_(some)
            for one in self._filled(incident_id, sa.select(listed).where(named)):
                found[one.complainant_id] = one
        return list(found.values())

    def complainant_rows(self, incident_id: IncidentId) -> dict[str, Complainant]:
        """Return what is stored of those whom the incident's log names, by id."""
        query = sa.select(_row).where(_row.c.incident_id == incident_id)
        found = mappings(self.connection.execute(query.order_by(_row.c.complainant_id)))
        return {row["complainant_id"]: _stored(row) for row in found}

    def complainant_counts(self, incident_id: IncidentId) -> dict[Contact, int]:
        """Return how many complainants stand in each state; those without any are left out."""
        return count_complainants(self.connection, incident_id)

    def complainants_unanswered(self, incident_id: IncidentId) -> list[datetime | None]:
        """Return when those posted whom nobody reached or answered in public; None: unknown."""
        listed = _listed(self.connection, incident_id)
        silent = sa.and_(
            listed.c.state == Contact.WAITING.value,
            listed.c.responded_at.is_(None),
            listed.c.answered_at.is_(None),
        )
        return list(self.connection.scalars(sa.select(listed.c.posted_at).where(silent)))

    def first_responses(self, incident_id: IncidentId) -> list[FirstResponse]:
        """Return of each complainant when he posted and when he first got an answer."""
        listed = _listed(self.connection, incident_id)
        names = ("complainant_id", "posted_at", "responded_at", "answered_at")
        query = sa.select(*(listed.c[name] for name in names))
        return [
            FirstResponse(name, posted, min((at for at in (spoke, said) if at), default=None))
            for name, posted, spoke, said in self.connection.execute(query)
        ]

    def solved_among(
        self, incident_id: IncidentId, complainant_ids: Collection[str]
    ) -> list[Complainant]:
        """Return those of these who count as solved."""
        family = _family(self.connection, incident_id)
        query = sa.select(_row).where(
            _row.c.incident_id.in_(family), _row.c.complainant_id.in_(sorted(complainant_ids))
        )
        own = sa.case((_row.c.incident_id == incident_id, 1), else_=0)
        found = {
            row["complainant_id"]: row for row in self._mapped(query.order_by(own, _row.c.seq))
        }
        solved = [_stored(row) for row in found.values() if row["state"] == Contact.SOLVED.value]
        return [
            one if one.incident_id == incident_id else replace(one, incident_id=incident_id, seq=0)
            for one in solved
        ]

    def contactable(self, complainants: Sequence[Complainant]) -> frozenset[str]:
        """Return those of a page whose first post came with a sealed name or number."""
        by_mention = {one.mention_id: one.complainant_id for one in complainants if one.mention_id}
        entry = tables.vault_entry
        query = sa.select(entry.c.mention_pk).where(
            entry.c.mention_pk.in_(sorted(by_mention)), sa.func.length(entry.c.sealed) > 0
        )
        return frozenset(by_mention[MentionId(one)] for one in self.connection.scalars(query))

    def _mapped(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        return mappings(self.connection.execute(query))

    def _filled(self, incident_id: IncidentId, query: sa.Select[Any]) -> list[Complainant]:
        """Add who wrote the first post, and where it stands."""
        rows = self._mapped(query)
        posts: dict[int, Row] = {}
        wanted = sorted({row["first_pk"] for row in rows if row["first_pk"] is not None})
        columns = (_mention.c.mention_pk, _mention.c.platform, _mention.c.author, _mention.c.url,
                   _mention.c.channel, _mention.c.item_key)  # fmt: skip
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            read = sa.select(*columns).where(_mention.c.mention_pk.in_(some))
            posts |= {row["mention_pk"]: row for row in self._mapped(read)}
        return [_complainant(incident_id, row, posts.get(row["first_pk"])) for row in rows]


def count_complainants(connection: Connection, incident_id: IncidentId) -> dict[Contact, int]:
    """Return how many complainants stand in each state; those without any are left out."""
    listed = _listed(connection, incident_id)
    query = sa.select(listed.c.state, sa.func.count()).group_by(listed.c.state)
    return {Contact(state): int(n) for state, n in connection.execute(query)}


def _complainant(incident_id: IncidentId, row: Row, post: Row | None = None) -> Complainant:
    said = {name: row[name] for name in ("posted_at", *_KEPT) if row[name] is not None}
    if post is not None:
        ticket = _ticket_of(post)
        seen = {"platform": post["platform"], "author": post["author"].strip(),
                "url": post["url"], "ticket": ticket}  # fmt: skip
        said |= {name: value for name, value in seen.items() if not said.get(name)}
    if row["of"] not in {None, incident_id}:
        said |= {"seq": 0}  # a merged incident's log names him, this one's does not yet
    first = row["first_pk"]
    return Complainant(
        incident_id=incident_id,
        complainant_id=row["complainant_id"],
        state=Contact(row["state"]),
        found_at=row["found_at"],
        answered_at=row["answered_at"],
        is_repost=bool(row["is_repost"]),
        is_harmed=bool(row["is_harmed"]),
        is_here=bool(row["is_here"]),
        mention_id=None if first is None else MentionId(first),
        **said,
    )


def _stored(row: Row) -> Complainant:
    names = (*_KEPT, "posted_at", "complainant_id", "incident_id")
    values = {name: row[name] for name in names}
    values["assigned_to"] = OwnerId(row["assigned_to"])
    return Complainant(state=Contact(row["state"]), **values)


def _ticket_of(post: Row) -> str:
    """Return the number of a ticket: what a door inside the house gave it (storage.identity)."""
    kind, _, rest = post["item_key"].partition(":")
    if post["channel"] != "internal" or kind != "id":
        return ""
    number: str = rest.partition(":")[2]
    return number


# --- one list out of clusters and log ---------------------------------------------------------


def _family(connection: Connection, incident_id: IncidentId) -> list[str]:
    """Return an incident and all that are merged into it."""
    incident = tables.incident
    found, level = [str(incident_id)], [str(incident_id)]
    for _ in range(_MERGED_DEEP):
        query = sa.select(incident.c.incident_id).where(
            incident.c.merged_into.in_(level), incident.c.state == IncidentState.MERGED.value
        )
        level = [one for one in connection.scalars(query) if one not in found]
        if not level:
            break
        found += level
    return found


def _listed(connection: Connection, incident_id: IncidentId) -> sa.Subquery:
    """Return a query of all: whom clusters show with the log's word, and whom it alone names."""
    family = _family(connection, incident_id)
    clusters = {one for name in family for one in clusters_of(connection, IncidentId(name))}
    found = _found(sorted(clusters))
    kept = _named(family)
    seen = _seen(found, family)
    members = sa.select(_member.c.author_key).where(_member.c.cluster_id.in_(sorted(clusters)))
    named_only = sa.select(
        kept.c.complainant_id,
        kept.c.state,
        kept.c.posted_at,
        *(kept.c[name] for name in _KEPT),
        kept.c.incident_id.label("of"),
        sa.null().cast(Instant).label("answered_at"),
        sa.null().cast(Instant).label("found_at"),
        sa.literal(0).label("is_repost"),
        sa.literal(0).label("is_harmed"),
        sa.literal(0).label("is_here"),
        sa.null().cast(sa.BigInteger).label("first_pk"),
    ).where(kept.c.complainant_id.not_in(members))
    return sa.union_all(seen, named_only).subquery("listed")


def _seen(found: sa.Subquery, family: Sequence[str]) -> sa.Select[Any]:
    """Return a query of the authors of clusters, with the log's word: the first of the family's.

    Joined by the whole key of each log's rows: joined to a query, SQLite reads all with all.
    """
    rows = [_row.alias(f"row_{n}") for n in range(len(family))]
    joined: sa.FromClause = found
    for row, name in zip(rows, family, strict=True):
        on = sa.and_(row.c.incident_id == name, row.c.complainant_id == found.c.complainant_id)
        joined = joined.outerjoin(row, on)

    def said(name: str) -> sa.ColumnElement[Any]:
        return sa.case(*((row.c.complainant_id.is_not(None), row.c[name]) for row in rows))

    empty = {"at", "responded_at", "seq"}
    return sa.select(
        found.c.complainant_id,
        sa.func.coalesce(said("state"), Contact.WAITING.value).label("state"),
        sa.func.coalesce(found.c.posted_at, said("posted_at"), type_=Instant).label("posted_at"),
        *(
            (said(name) if name in empty else sa.func.coalesce(said(name), "")).label(name)
            for name in _KEPT
        ),
        said("incident_id").label("of"),
        found.c.answered_at,
        found.c.found_at,
        (1 - found.c.is_original).label("is_repost"),
        found.c.is_harmed,
        sa.literal(1).label("is_here"),
        found.c.first_pk,
    ).select_from(joined)


def _found(clusters: Sequence[str]) -> sa.Subquery:
    """Return a query of the authors of these clusters, one row each."""
    published, observed = _mention.c.published_at, _mention.c.observed_at
    answer, fact = tables.public_response, tables.cluster_fact
    said = (
        sa.select(
            _member.c.author_key,
            _member.c.mention_pk,
            sa.case((_member.c.duplicate_of.is_(None), 1), else_=0).label("is_original"),
            # a time not before the observation stands for an unknown one (storage.identity)
            sa.case((published < observed, published)).label("posted_at"),
            observed.label("found_at"),
            sa.func.row_number()
            .over(
                partition_by=_member.c.author_key,
                order_by=(_member.c.published_at, _member.c.mention_pk),
            )
            .label("place"),
        )
        .join(_mention, _mention.c.mention_pk == _member.c.mention_pk)
        .where(_member.c.cluster_id.in_(clusters))
        .subquery("said")
    )
    answered = (
        sa.select(answer.c.mention_pk, sa.func.min(answer.c.at).label("at"))
        .where(answer.c.mention_pk.is_not(None))
        .group_by(answer.c.mention_pk)
        .subquery("answered")
    )
    harmed = (
        sa.select(fact.c.author_key)
        .where(fact.c.cluster_id.in_(clusters), fact.c.kind == "severity", fact.c.n > 0)
        .distinct()
        .subquery("harmed")
    )
    columns = said.outerjoin(answered, answered.c.mention_pk == said.c.mention_pk)
    first = sa.func.max(sa.case((said.c.place == 1, said.c.mention_pk)))
    return (
        sa.select(
            said.c.author_key.label("complainant_id"),
            sa.func.min(said.c.posted_at, type_=Instant).label("posted_at"),
            sa.func.min(said.c.found_at, type_=Instant).label("found_at"),
            sa.func.min(answered.c.at, type_=Instant).label("answered_at"),
            sa.func.max(said.c.is_original).label("is_original"),
            sa.func.max(sa.case((harmed.c.author_key.is_not(None), 1), else_=0)).label("is_harmed"),
            first.label("first_pk"),
        )
        .select_from(columns.outerjoin(harmed, harmed.c.author_key == said.c.author_key))
        .where(said.c.author_key != "")
        .group_by(said.c.author_key)
        .subquery("found")
    )


def _named(family: Sequence[str]) -> sa.Subquery:
    """Return a query of whom logs name; an incident's own word comes before a merged one's."""
    order = sa.case(
        *((_row.c.incident_id == name, n) for n, name in enumerate(family)), else_=len(family)
    )
    place = sa.func.row_number().over(partition_by=_row.c.complainant_id, order_by=order)
    of_family = sa.select(_row, place.label("place")).where(_row.c.incident_id.in_(family))
    rows = of_family.subquery("rows")
    return sa.select(rows).where(rows.c.place == 1).subquery("kept")


def _order(listed: sa.Subquery) -> tuple[sa.ColumnElement[Any], ...]:
    return (
        listed.c.is_repost,
        listed.c.is_harmed.desc(),
        sa.case((listed.c.posted_at.is_(None), 1), else_=0),
        listed.c.posted_at,
        listed.c.complainant_id,
    )
