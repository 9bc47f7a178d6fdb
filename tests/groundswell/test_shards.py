"""Shards leave memory by their size and by when they were used."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass

from groundswell import wiring
from groundswell.replay import SteppedClock
from groundswell.shards import MB, Shards
from storage.records import ShardId
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take

A, B, C = ShardId("lanhe/zh"), ShardId("hemu/zh"), ShardId("lanhe/en")


@dataclass
class Takes:
    mb: int

    def nbytes(self):
        return self.mb * MB


def test_the_least_recently_used_leave_until_the_rest_fits(caplog):
    shards = Shards({A: Takes(10), B: Takes(10), C: Takes(10)})
    assert shards.use(A).mb == 10

    with caplog.at_level(logging.INFO):
        assert shards.keep_to(15 * MB) == [B, C]
    assert list(shards) == [A]
    assert shards.use(B) is None
    assert "shard=hemu/zh left memory mb=10.0 used_mb=30.0 limit_mb=15" in caplog.text


def test_what_grew_makes_others_leave():
    shards = Shards({A: Takes(1), B: Takes(1)})
    assert shards.keep_to(4 * MB) == []
    shards.use(B).mb = 4

    assert shards.keep_to(4 * MB) == [A]


def test_the_one_in_hand_stays():
    shards = Shards({A: Takes(99)})

    assert shards.keep_to(16 * MB) == []
    assert list(shards) == [A]


def gathered(path, memory_mb):
    """Gather two brands' complaints in turns, one batch each; return their clusters as stored."""
    settings = project().settings
    clusters = settings.clusters.model_copy(update={"memory_mb": memory_mb})
    small = project().model_copy(
        update={"settings": settings.model_copy(update={"clusters": clusters})}
    )
    store = Store(f"sqlite:///{path}")
    application = wiring.wire(small, store, SteppedClock(NOW))
    for n in range(4):
        take(application, [complaint(n), complaint(n, brand="清荃")])
    with store.read() as queries:
        rows = queries.table_rows("cluster"), queries.table_rows("mention_cluster")
    store.close()
    return rows


def test_shards_that_leave_and_come_back_gather_as_if_they_had_stayed(
    sqlite_template, tmp_path, caplog
):
    for name in ("small", "large"):
        shutil.copy(sqlite_template, tmp_path / name)

    with caplog.at_level(logging.INFO):
        small = gathered(tmp_path / "small", 0)
    assert "shard=yunque/zh left memory" in caplog.text
    assert small == gathered(tmp_path / "large", 1024)
