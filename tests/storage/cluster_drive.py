"""A shard without a clusterer: whoever tests says which mention goes where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from storage.records import BrandId, Cluster, ClusterId, MentionId, Move, ShardId
from storage.store import Store
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_cluster_event,
    make_raw,
    make_shard_changes,
    make_verdict,
)
from tests.storage.drive import rows


class Shard:
    """Gathers as it is told, journal included; numbers mentions 1, 2, 3 ... as they come."""

    def __init__(
        self, store: Store, shard_id: ShardId = SHARD, brand_id: BrandId = BRAND, taken: int = 0
    ) -> None:
        self.store = store
        self.shard_id = shard_id
        self.brand_id = brand_id
        self.taken = taken
        self.seq = 0

    def id(self, letter: str) -> ClusterId:
        return ClusterId(f"{self.brand_id}-{letter * 8}")

    def open(self, letter: str, n: int = 1, **fields) -> list[int]:
        """Open a cluster with n texts."""
        cluster = make_cluster(self.id(letter), shard_id=self.shard_id, brand_id=self.brand_id)
        with self.store.transaction() as tx:
            event = make_cluster_event(cluster.cluster_id)
            tx.save_gathering(
                make_shard_changes(shard_id=self.shard_id, clusters=(cluster,), events=(event,)), []
            )
        return self.join(cluster.cluster_id, n, **fields)

    def join(
        self, cluster_id: ClusterId, n: int = 1, *, copy_of: int | None = None, **fields
    ) -> list[int]:
        """Let n more mentions join a cluster, as copies of one of its members if so said."""
        joined = []
        with self.store.transaction() as tx:
            for _ in range(n):
                self.taken += 1
                at = NOW - timedelta(minutes=self.taken, hours=self.taken % 3)
                [(_, pk)] = tx.keep([make_raw(self.taken, **({"published_at": at} | fields))], NOW)
                lang = self.shard_id.rpartition("/")[2]
                verdict = make_verdict(pk, brand_id=self.brand_id, lang=lang)
                tx.save_verdicts([pk], [verdict], NOW)
                joined.append(pk)
        self.assign(cluster_id, copy_of=copy_of)
        return joined

    def assign(self, cluster_id: ClusterId, *, copy_of: int | None = None) -> None:
        """Put all that waits into a cluster."""
        with self.store.transaction() as tx:
            items = tx.pending_verdicts(self.shard_id, 500)
            assignments = []
            for mention, _ in items:
                self.seq += 1
                assignments.append(
                    make_assignment(
                        mention.mention_id,
                        cluster_id=cluster_id,
                        seq=self.seq,
                        duplicate_of=copy_of,
                        fingerprint=1000 + (copy_of or mention.mention_id),
                        sketch=b"" if copy_of else b"sketch of %d" % mention.mention_id,
                    )
                )
            # the clusterer writes the whole row, its own state included
            stored = tx.queries.cluster(cluster_id)
            ends = [mention.published_at for mention, _ in items]
            cluster = replace(stored, blob=b"state", last_at=max([stored.last_at, *ends]))
            changes = make_shard_changes(
                shard_id=self.shard_id, assignments=tuple(assignments), clusters=(cluster,)
            )
            tx.save_gathering(changes, items)

    def merge(self, survivor: ClusterId, loser: ClusterId) -> None:
        """Merge as the clusterer does."""
        alias = self.row(loser, state="alias", alias_of=survivor, blob=b"")
        event = make_cluster_event(survivor, kind="merge", other_id=loser, note="alike 0.512")
        self.save(clusters=(self.row(survivor, blob=b"state"), alias), events=(event,))

    def split(self, source: ClusterId, letter: str, members: Sequence[int]) -> ClusterId:
        """Split as the clusterer does."""
        part = make_cluster(
            self.id(letter), shard_id=self.shard_id, brand_id=self.brand_id, parent_id=source
        )
        event = make_cluster_event(source, kind="split", other_id=part.cluster_id)
        moves = tuple(Move(mention_id=MentionId(m), cluster_id=part.cluster_id) for m in members)
        self.save(clusters=(self.row(source, blob=b"state"), part), events=(event,), moves=moves)
        return part.cluster_id

    def row(self, cluster_id: ClusterId, **fields) -> Cluster:
        row = next(r for r in rows(self.store, "cluster") if r["cluster_id"] == cluster_id)
        return Cluster(**(row | {"keywords": tuple(row["keywords"])} | fields))

    def save(self, **changes) -> None:
        with self.store.transaction() as tx:
            tx.save_gathering(make_shard_changes(shard_id=self.shard_id, **changes), [])

    # --- what is stored --------------------------------------------------------------------------

    def members(self) -> dict[str, set[int]]:
        """Return the members of each cluster."""
        found: dict[str, set[int]] = {}
        for row in rows(self.store, "mention_cluster"):
            if row["shard_id"] == self.shard_id:
                found.setdefault(row["cluster_id"], set()).add(row["mention_pk"])
        return found

    def journal(self) -> list[dict]:
        return rows(self.store, "cluster_event")
