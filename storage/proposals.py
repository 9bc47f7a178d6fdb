"""Pairs of clusters that may be one: proposed by the program, decided by people.

In: MergeProposals. Out: rows of merge_proposal. What people refused, or want apart, is never
proposed again, also where one of the two went into another cluster since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import BrandId, Cluster, ClusterId, MergeProposal
from storage.rows import cluster_of, columns_of, mappings

Pair = tuple[ClusterId, ClusterId]

_proposal = tables.merge_proposal
_apart = tables.cluster_apart
_cluster = tables.cluster
_STATES = ("open", "accepted", "refused")


class Proposals:
    """Transaction part: proposals to merge."""

    connection: Connection

    def add_proposals(self, proposals: Sequence[MergeProposal]) -> int:
        """Write pairs that nobody decided on; return how many are new. Known ones get the score."""
        brands = {one.brand_id for one in proposals}
        settled = {pair for brand in brands for pair in read_settled(self.connection, brand)}
        known = {_pair(one) for one in read_proposals(self.connection, state="open")}
        wanted = {_pair(one): one for one in proposals if _pair(one) not in settled}
        rows = [
            columns_of(one, _proposal)
            | {"first_id": pair[0], "second_id": pair[1], "state": "open"}
            for pair, one in sorted(wanted.items())
        ]
        upsert(self.connection, _proposal, rows, keep=("at",))
        return len(wanted.keys() - known)

    def decide_proposal(
        self, first_id: ClusterId, second_id: ClusterId, accepted: bool, actor: str, now: datetime
    ) -> bool:
        """Note what a person said of an open proposal; False when there is none.

        The clusters stay as they are: merging them, or keeping them apart, is the caller's.
        """
        first, second = sorted((first_id, second_id))
        decided = (
            sa.update(_proposal)
            .where(
                _proposal.c.first_id == first,
                _proposal.c.second_id == second,
                _proposal.c.state == "open",
            )
            .values(state="accepted" if accepted else "refused", decided_by=actor, decided_at=now)
        )
        return self.connection.execute(decided).rowcount == 1


class ProposalQueries:
    """Queries part: proposals to merge."""

    connection: Connection

    def proposals(
        self, brand_id: BrandId | None = None, state: str = "open"
    ) -> list[MergeProposal]:
        """Return the proposals in a state, the likeliest first.

        Open ones whose clusters have been merged or parted since are left out.
        """
        return read_proposals(self.connection, brand_id, state)

    def clusters_to_pair(self, brand_id: BrandId, since: datetime) -> list[Cluster]:
        """Return the live clusters of a brand that have several texts or a mention since then."""
        query = sa.select(_cluster).where(_to_pair(brand_id, since)).order_by(_cluster.c.cluster_id)
        return [cluster_of(row) for row in mappings(self.connection.execute(query))]

    def pair_facts(
        self, brand_id: BrandId, since: datetime
    ) -> dict[ClusterId, frozenset[tuple[str, str]]]:
        """Return which (kind, value) of products and symptoms those clusters state."""
        fact = tables.cluster_fact
        query = (
            sa.select(fact.c.cluster_id, fact.c.kind, fact.c.value)
            .where(
                fact.c.kind.in_(("product", "symptom")),
                fact.c.cluster_id.in_(
                    sa.select(_cluster.c.cluster_id).where(_to_pair(brand_id, since))
                ),
            )
            .distinct()
        )
        found: dict[ClusterId, set[tuple[str, str]]] = {}
        for cluster_id, kind, value in self.connection.execute(query):
            found.setdefault(ClusterId(cluster_id), set()).add((kind, value))
        return {cluster_id: frozenset(facts) for cluster_id, facts in found.items()}

    def settled_pairs(self, brand_id: BrandId) -> set[Pair]:
        """Return the pairs of a brand that people decided on, the smaller id first."""
        return read_settled(self.connection, brand_id)


def _to_pair(brand_id: BrandId, since: datetime) -> sa.ColumnElement[bool]:
    several = sa.or_(_cluster.c.size > 1, _cluster.c.last_at >= since)
    return sa.and_(_cluster.c.brand_id == brand_id, _cluster.c.state == "live", several)


def read_proposals(
    connection: Connection, brand_id: BrandId | None = None, state: str = "open"
) -> list[MergeProposal]:
    """Return the proposals in a state; see ProposalQueries.proposals."""
    if state not in _STATES:
        raise ValueError(f"reading proposals: state {state!r}, expected one of {_STATES}")
    query = sa.select(_proposal).where(_proposal.c.state == state)
    if brand_id is not None:
        query = query.where(_proposal.c.brand_id == brand_id)
    if state == "open":
        for side in (_proposal.c.first_id, _proposal.c.second_id):
            gone = sa.exists().where(_cluster.c.cluster_id == side, _cluster.c.state == "alias")
            query = query.where(sa.not_(gone))
        parted = sa.exists().where(
            _apart.c.first_id == _proposal.c.first_id, _apart.c.second_id == _proposal.c.second_id
        )
        query = query.where(sa.not_(parted))
    ordered = query.order_by(_proposal.c.score.desc(), _proposal.c.first_id, _proposal.c.second_id)
    return [MergeProposal(**row) for row in mappings(connection.execute(ordered))]


def read_settled(connection: Connection, brand_id: BrandId) -> set[Pair]:
    """Return the decided pairs of a brand, as they were and as their clusters are called now."""
    decided = sa.select(_proposal.c.first_id, _proposal.c.second_id).where(
        _proposal.c.brand_id == brand_id, _proposal.c.state != "open"
    )
    parted = sa.select(_apart.c.first_id, _apart.c.second_id).where(_apart.c.brand_id == brand_id)
    pairs = {
        (ClusterId(first), ClusterId(second))
        for query in (decided, parted)
        for first, second in connection.execute(query)
    }
    homes = _homes(connection, brand_id) if pairs else {}
    now = {_ordered(_home(homes, first), _home(homes, second)) for first, second in pairs}
    return {_ordered(*pair) for pair in pairs} | {pair for pair in now if pair[0] != pair[1]}


def _homes(connection: Connection, brand_id: BrandId) -> dict[ClusterId, ClusterId]:
    query = sa.select(_cluster.c.cluster_id, _cluster.c.alias_of).where(
        _cluster.c.brand_id == brand_id, _cluster.c.alias_of.is_not(None)
    )
    return {ClusterId(alias): ClusterId(home) for alias, home in connection.execute(query)}


def _home(homes: dict[ClusterId, ClusterId], cluster_id: ClusterId) -> ClusterId:
    while cluster_id in homes:
        cluster_id = homes[cluster_id]
    return cluster_id


def _pair(one: MergeProposal) -> Pair:
    return _ordered(one.first_id, one.second_id)


def _ordered(*ids: ClusterId) -> Pair:
    first, second = sorted(ids)
    return first, second
