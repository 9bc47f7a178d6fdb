"""Customers of imported lists, and by what mentions are known to be theirs.

In: keyed digests, made outside (groundswell.customers). Out: the same; nothing here can be read as
a name or a number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import ClusterId, Customer, IncidentId, MentionCustomer, MentionId
from storage.relapses import clusters_of
from storage.rows import columns_of, mappings

_customer = tables.customer
_tie = tables.mention_customer
_assigned = tables.mention_cluster

T = TypeVar("T")

CUSTOMER_KEY = "customer_key"  # the name of the installation's key, which digests are made with
_CHUNK = 500  # keys or rows a statement: below the number of parameters that SQLite takes


class Customers:
    """Transaction part: customer lists, and the ties of mentions to customers."""

    connection: Connection

    def replace_customers(self, origin: str, customers: Iterable[Customer]) -> int:
        """Put a list in the place of the one of the same origin; return how many keys it has.

        One at a time: of two at once PostgreSQL would keep what only the first of them has.
        """
        key = sa.select(tables.meta.c.key).where(tables.meta.c.key == CUSTOMER_KEY)
        self.connection.execute(key.with_for_update())
        self.drop_customers(origin)
        rows = iter(customers)
        written = 0
        while chunk := list(islice(rows, _CHUNK)):
            upsert(self.connection, _customer, [columns_of(one, _customer) for one in chunk])
            written += len(chunk)
        return written

    def drop_customers(self, origin: str) -> int:
        """Delete a list; return how many keys it had."""
        return self.connection.execute(
            sa.delete(_customer).where(_customer.c.origin == origin)
        ).rowcount

    def tie_mentions(self, ties: Sequence[MentionCustomer]) -> None:
        """Note by what mentions are known to be a customer's; what is said anew replaces."""
        rows = [columns_of(one, _tie) | {"mention_pk": one.mention_id} for one in ties]
        upsert(self.connection, _tie, rows)


class CustomerQueries:
    """Part of the queries: customer lists, and who of a cluster is on them."""

    connection: Connection

    def has_customers(self) -> bool:
        """Say whether anything is known of customers at all."""
        found = sa.select(
            sa.or_(sa.select(_customer.c.key).exists(), sa.select(_tie.c.mention_pk).exists())
        )
        return bool(self.connection.scalar(found))

    def customer_lists(self) -> list[dict[str, object]]:
        """Return each list: origin, tier, kind of key, number of keys, when it was imported."""
        query = (
            sa.select(
                _customer.c.origin,
                _customer.c.tier,
                _customer.c.kind,
                sa.func.count().label("keys"),
                sa.func.max(_customer.c.imported_at).label("imported_at"),
            )
            .group_by(_customer.c.origin, _customer.c.tier, _customer.c.kind)
            .order_by(_customer.c.origin, _customer.c.tier, _customer.c.kind)
        )
        return [dict(row) for row in mappings(self.connection.execute(query))]

    def incident_clusters(self, incident_id: IncidentId) -> list[ClusterId]:
        """Return the clusters whose mentions belong to an incident."""
        return clusters_of(self.connection, incident_id)

    def customers(self, keys: Collection[str]) -> list[Customer]:
        """Return what the lists say of these keys, in the order of key and origin."""
        found: list[Customer] = []
        for chunk in _chunks(sorted(set(keys))):
            query = sa.select(_customer).where(_customer.c.key.in_(chunk))
            rows = self.connection.execute(query.order_by(_customer.c.key, _customer.c.origin))
            found += [Customer(**row) for row in mappings(rows)]
        return found

    def talkers(
        self, cluster_ids: Sequence[ClusterId], mention_ids: Collection[MentionId] | None = None
    ) -> list[tuple[MentionId, str]]:
        """Return the mentions of clusters with their authors' keys, "" for an unknown author.

        With `mention_ids` only of these.
        """
        query = sa.select(_assigned.c.mention_pk, _assigned.c.author_key).where(
            _assigned.c.cluster_id.in_(_family(self.connection, cluster_ids))
        )
        query = query.order_by(_assigned.c.mention_pk)
        if mention_ids is None:
            return [(MentionId(row[0]), row[1]) for row in self.connection.execute(query)]
        return [
            (MentionId(row[0]), row[1])
            for chunk in _chunks(sorted(mention_ids))
            for row in self.connection.execute(query.where(_assigned.c.mention_pk.in_(chunk)))
        ]

    def ties(self, mention_ids: Collection[MentionId]) -> list[MentionCustomer]:
        """Return by what mentions are known to be a customer's."""
        found: list[MentionCustomer] = []
        for chunk in _chunks(sorted(mention_ids)):
            query = sa.select(_tie).where(_tie.c.mention_pk.in_(chunk))
            rows = self.connection.execute(query.order_by(_tie.c.mention_pk, _tie.c.kind))
            found += [
                MentionCustomer(
                    mention_id=MentionId(row["mention_pk"]),
                    kind=row["kind"],
                    key=row["key"],
                    tier=row["tier"],
                )
                for row in mappings(rows)
            ]
        return found


def _family(connection: Connection, cluster_ids: Sequence[ClusterId]) -> list[str]:
    cluster = tables.cluster
    aliases = sa.select(cluster.c.cluster_id).where(cluster.c.alias_of.in_(cluster_ids))
    return [*cluster_ids, *connection.scalars(aliases)]


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
