"""What negative mentions state, kept narrow so that a defective batch can be counted.

In: verdicts of one batch. Out: rows of mention_fact that follow them, and counts of authors by
product × group × symptom over a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.records import BrandId, FactCount, MentionId, Verdict

# What a group may be; a product and a symptom are the two that every count is about.
GROUPS = ("batch", "month", "version", "region", "model")
_ANY = (("", ""),)
_COUNTED = frozenset({*GROUPS, "symptom"})
# Families about the service say nothing of how a thing was made, except that it does not work.
_SERVICE, _WORKS_BADLY = "服务:", "服务:效果差"

_fact = tables.mention_fact
_assigned = tables.mention_cluster
_mention = tables.mention


def write_facts(
    connection: Connection, mention_ids: Sequence[int], verdicts: Sequence[Verdict]
) -> None:
    """Replace the facts of these mentions by what their verdicts hold now.

    Only negative and unsure verdicts that are no noise count: what a correction took back leaves.
    """
    connection.execute(sa.delete(_fact).where(_fact.c.mention_pk.in_(list(mention_ids))))
    counted = [verdict for verdict in verdicts if verdict.products and verdict.is_gathered]
    if not counted:
        return
    ids = sorted({int(verdict.mention_id) for verdict in counted})
    query = sa.select(_mention.c.mention_pk, _mention.c.published_at)
    said_at = dict(connection.execute(query.where(_mention.c.mention_pk.in_(ids))).all())
    rows = [
        {
            "brand_id": verdict.brand_id,
            "mention_pk": verdict.mention_id,
            "kind": kind,
            "value": value,
            "published_at": said_at[verdict.mention_id],
        }
        for verdict in counted
        for kind, value in _facts(verdict)
    ]
    insert_new(connection, _fact, rows)


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    found = dict.fromkeys(("product", product) for product in verdict.products)
    for fact in verdict.facts:
        told = fact.kind != "symptom" or fact.value == _WORKS_BADLY
        if fact.kind in _COUNTED and (told or not fact.value.startswith(_SERVICE)):
            found[fact.kind, fact.value] = None
    return list(found)


def count_facts(
    connection: Connection, brand_id: BrandId, since: datetime, until: datetime
) -> tuple[FactCount, ...]:
    """Count the distinct authors behind every product × group × symptom of a window, with margins.

    One query gives each complaint with its facts; counted here, because grouping a join of the
    facts with themselves took twice as long (docs/adr/0021). Copies count as the text they copy;
    a mention that left its cluster (judged anew, corrected) counts no more. Equal data give an
    equal answer, in an order of its own.
    """
    query = (
        sa.select(
            _fact.c.mention_pk,
            _fact.c.kind,
            _fact.c.value,
            _assigned.c.author_key,
            _fact.c.published_at,
        )
        .join(
            _assigned,
            sa.and_(
                _assigned.c.mention_pk == _fact.c.mention_pk,
                _assigned.c.brand_id == _fact.c.brand_id,
            ),
        )
        .where(
            _fact.c.brand_id == brand_id,
            _fact.c.published_at >= since,
            _fact.c.published_at < until,
            _assigned.c.duplicate_of.is_(None),
        )
    )
    complaints: dict[int, Complaint] = {}
    for mention_pk, kind, value, author_key, at in connection.execute(query):
        found = complaints.get(mention_pk)
        if found is None:
            found = complaints[mention_pk] = complaint(author_key, at)
        found.state(kind, value)
    return counted(complaints.values())


class Complaint(NamedTuple):
    """One complaint: who, when, and what it states; "" in each list stands for any."""

    author_key: str
    at: datetime
    products: list[str]
    groups: list[tuple[str, str]]
    symptoms: list[str]

    def state(self, kind: str, value: str) -> None:
        """Add what it states."""
        if kind == "product":
            self.products.append(value)
        elif kind == "symptom":
            self.symptoms.append(value)
        else:
            self.groups.append((kind, value))


def complaint(author_key: str, at: datetime) -> Complaint:
    """Return a complaint that states nothing yet."""
    return Complaint(author_key, at, [""], [("", "")], [""])


def counted(complaints: Iterable[Complaint]) -> tuple[FactCount, ...]:
    """Count the distinct authors of complaints by what they state; see `count_facts`."""
    authors: dict[tuple[str, str, str, str], set[str]] = {}
    first: dict[tuple[str, str, str, str], datetime] = {}
    last: dict[tuple[str, str, str, str], datetime] = {}
    for one in sorted(complaints, key=lambda found: found.at):
        groups = {*one.groups, *((kind, "") for kind, _ in one.groups)}
        for product in one.products:
            # groups are compared within a product; all products together have none
            for kind, value in groups if product else _ANY:
                for symptom in one.symptoms:
                    key = (product, kind, value, symptom)
                    authors.setdefault(key, set()).add(one.author_key)
                    first.setdefault(key, one.at)
                    last[key] = one.at
    return tuple(
        FactCount(
            product=key[0],
            kind=key[1],
            value=key[2],
            symptom=key[3],
            authors=len(who),
            first_at=first[key],
            last_at=last[key],
        )
        for key, who in sorted(authors.items())
    )


class FactQueries:
    """Queries part: what a defective batch shows in."""

    connection: Connection

    def fact_counts(
        self, brand_id: BrandId, since: datetime, until: datetime
    ) -> tuple[FactCount, ...]:
        """Count authors by product × group × symptom; see `count_facts`."""
        return count_facts(self.connection, brand_id, since, until)

    def fact_mentions(
        self,
        brand_id: BrandId,
        wanted: Sequence[tuple[str, str]],
        since: datetime,
        until: datetime,
        limit: int = 20,
    ) -> tuple[MentionId, ...]:
        """Return the newest mentions that state all of these (kind, value), copies left out."""
        query = sa.select(_assigned.c.mention_pk).where(
            _assigned.c.brand_id == brand_id,
            _assigned.c.published_at >= since,
            _assigned.c.published_at < until,
            _assigned.c.duplicate_of.is_(None),
        )
        for kind, value in wanted:
            one = _fact.alias()
            query = query.where(
                sa.exists().where(
                    one.c.brand_id == brand_id,
                    one.c.mention_pk == _assigned.c.mention_pk,
                    one.c.kind == kind,
                    one.c.value == value,
                )
            )
        newest = query.order_by(_assigned.c.published_at.desc(), _assigned.c.mention_pk)
        return tuple(MentionId(found) for found in self.connection.scalars(newest.limit(limit)))
