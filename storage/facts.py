"""What negative mentions state, kept narrow so that a defective batch can be counted.

In: verdicts of one batch. Out: rows of mention_fact that follow them, and counts of authors by
product × group × symptom over a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.records import BrandId, FactCount, MentionId, Polarity, Verdict
from storage.rows import mappings

# What a group may be; a product and a symptom are the two that every count is about.
GROUPS = ("batch", "month", "version", "region", "model")
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
    counted = [
        verdict
        for verdict in verdicts
        if verdict.products
        and verdict.polarity is not Polarity.NOT_NEGATIVE
        and not verdict.noise.is_left_out
    ]
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

    One grouped query. Copies count as the text they copy; a mention that left its cluster (judged
    anew, corrected) counts no more. Ordered, so that equal data give equal answers.
    """
    facts = (
        sa.select(_fact.c.mention_pk, _fact.c.kind, _fact.c.value)
        .where(
            _fact.c.brand_id == brand_id,
            _fact.c.published_at >= since,
            _fact.c.published_at < until,
        )
        .cte("facts")
    )
    none = sa.literal("", _fact.c.value.type)

    every = sa.select(facts.c.mention_pk, none.label("kind"), none.label("value"))
    some = sa.select(facts.c.mention_pk, facts.c.kind, none).where(facts.c.kind.in_(GROUPS))
    product, symptom = (
        sa.union(_of(facts, kind), every).cte(f"of_{kind}") for kind in ("product", "symptom")
    )
    group = sa.union(_of(facts, *GROUPS), some, every).cte("of_group")
    key = (product.c.value, group.c.kind, group.c.value, symptom.c.value)
    query = (
        sa.select(
            product.c.value.label("product"),
            group.c.kind.label("kind"),
            group.c.value.label("value"),
            symptom.c.value.label("symptom"),
            sa.func.count(sa.distinct(_assigned.c.author_key)).label("authors"),
            sa.func.min(_assigned.c.published_at).label("first_at"),
            sa.func.max(_assigned.c.published_at).label("last_at"),
        )
        .join(group, group.c.mention_pk == product.c.mention_pk)
        .join(symptom, symptom.c.mention_pk == product.c.mention_pk)
        .join(
            _assigned,
            sa.and_(
                _assigned.c.mention_pk == product.c.mention_pk,
                _assigned.c.brand_id == brand_id,
                _assigned.c.duplicate_of.is_(None),
            ),
        )
        # groups are compared within a product; all products together have none
        .where(sa.or_(product.c.value != "", group.c.kind == ""))
        .group_by(*key)
    )
    rows = [FactCount(**row) for row in mappings(connection.execute(query))]
    return tuple(sorted(rows, key=lambda row: (row.product, row.kind, row.value, row.symptom)))


def _of(facts: sa.CTE, *kinds: str) -> sa.Select[tuple[int, str, str]]:
    return sa.select(facts.c.mention_pk, facts.c.kind, facts.c.value).where(facts.c.kind.in_(kinds))


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
