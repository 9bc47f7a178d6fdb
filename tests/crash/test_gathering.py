"""A shard over a database, killed in the midst of gathering, against one in memory that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from classify.recall import Ledger
from storage.records import BrandId
from tests.crash.gathering import carry, restore
from tests.eval.complaints import complaints
from tests.make import NOW, SHARD, make_raw, make_verdict
from tests.storage.drive import rows
from tests.storage.test_hours import recounted, stored

pytestmark = pytest.mark.crash

ROOT = Path(__file__).parents[2]
SIZE = 120
SEED = 2  # of a stream in which clusters merge, split, go cold and come back


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


def gathered_at_once(store):
    ledger = Ledger(SHARD, BrandId("yunque"))
    with store.transaction() as tx:
        items = tx.pending_verdicts(SHARD, SIZE)
    ledger.save(restore(ledger.state()).gather(items, NOW, ledger), items)
    return ledger


def test_what_was_killed_while_it_gathered_ends_as_if_it_had_not_been(store, database_url):
    keep_stream(store)
    ledger = gathered_at_once(store)
    child = [sys.executable, "-m", "tests.crash.gathering", database_url, "40", "7", "31"]
    done = subprocess.run(
        child, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    carry(store, (1, 30))
    carry(store, (42,))

    kinds = Counter(one.kind for one in ledger.events)
    assert min(kinds[kind] for kind in ("open", "merge", "split", "cold", "reopen")) > 0
    homes = {row["mention_pk"]: row["cluster_id"] for row in rows(store, "mention_cluster")}
    assert homes == ledger.homes
    journal = rows(store, "cluster_event")
    assert [(row["kind"], row["cluster_id"], row["other_id"], row["note"]) for row in journal] == [
        (one.kind, one.cluster_id, one.other_id, one.note) for one in ledger.events
    ]
    found = {row["cluster_id"]: row for row in rows(store, "cluster")}
    assert set(found) == set(ledger.clusters)
    for cluster_id, one in ledger.clusters.items():
        row = found[cluster_id]
        assert (row["state"], row["size"], row["n_duplicates"], row["blob"], row["label"]) == (
            one.state, one.size, one.n_duplicates, one.blob, one.label,
        )  # fmt: skip
    assert stored(store) == recounted(store)
