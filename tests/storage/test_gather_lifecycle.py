"""A shard over a real database: what it recalls there is what it recalls of a ledger in memory."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from classify.clustering import Shard
from classify.recall import Ledger
from classify.segment import segment
from classify.vectors import Background
from storage.records import BrandId
from tests.classify.test_clustering import TIGHT
from tests.eval.complaints import complaints
from tests.make import NOW, SHARD, make_raw, make_verdict
from tests.storage.drive import rows
from tests.storage.test_hours import recounted, stored

SIZE = 120
SEED = 2  # a stream in which clusters merge, split, go cold and come back


def keep_stream(store):
    told = sorted(complaints(SEED, issues=60), key=lambda row: row["time"])
    told = sorted(told + told[::9], key=lambda row: row["time"])[:SIZE]
    raws = []
    for n, row in enumerate(told):
        at = NOW + n * timedelta(hours=5)
        raws.append(
            make_raw(n, text=row["text"], title=row["title"], published_at=at, observed_at=at)
        )
    with store.transaction() as tx:
        tx.keep(raws, NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(SIZE)]
        tx.save_verdicts(ids, [make_verdict(one) for one in ids], NOW)


def restore(state):
    return Shard.restore(state, TIGHT, Background.load("zh"), segment=segment)


def test_a_shard_over_a_database_does_what_it_does_over_a_ledger(store):
    keep_stream(store)
    ledger = Ledger(SHARD, BrandId("yunque"))
    with store.transaction() as tx:
        items = tx.pending_verdicts(SHARD, SIZE)
        ledger.save(restore(ledger.state()).gather(items, NOW, ledger), items)
    shard = None
    for batch, size in enumerate((40, 7, 1, 30, 42)):
        with store.transaction() as tx:
            if batch % 2 == 0:
                shard = restore(tx.load_shard(SHARD, NOW))
            some = tx.pending_verdicts(SHARD, size)
            tx.save_gathering(shard.gather(some, NOW, tx.recall(SHARD)), some)

    kinds = Counter(one.kind for one in ledger.events)
    assert min(kinds[kind] for kind in ("open", "merge", "split", "cold", "reopen")) > 0
    homes = {row["mention_pk"]: row["cluster_id"] for row in rows(store, "mention_cluster")}
    assert homes == ledger.homes
    journal = [(row["kind"], row["cluster_id"], row["other_id"], row["note"]) for row in
               rows(store, "cluster_event")]  # fmt: skip
    assert journal == [(e.kind, e.cluster_id, e.other_id, e.note) for e in ledger.events]
    found = {row["cluster_id"]: row for row in rows(store, "cluster")}
    assert set(found) == set(ledger.clusters)
    for cluster_id, cluster in ledger.clusters.items():
        row = found[cluster_id]
        assert (row["state"], row["size"], row["n_duplicates"], row["blob"], row["label"]) == (
            cluster.state, cluster.size, cluster.n_duplicates, cluster.blob, cluster.label,
        )  # fmt: skip
    assert stored(store) == recounted(store)
