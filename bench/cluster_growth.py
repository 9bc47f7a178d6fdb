"""How gathering costs as a shard grows: time per mention, memory per cluster, ninety days.

In: texts. Out: points for tables and a plot. Nothing here keeps what a database would keep: memory
measured is the shard's own.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np

from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.evaluation_clusters import peak_rss_mb, percentile
from classify.index import Vector
from classify.live_clusters import LiveCluster, LiveClusters
from classify.packing import quantise
from classify.reading import Reader, Reading
from classify.segment import segment
from classify.text import rewrite
from classify.vectors import Background, Frequencies, split_fields
from storage.records import (
    BrandId,
    Cluster,
    ClusterId,
    ItemKey,
    Mention,
    MentionId,
    Recalled,
    ShardId,
    ShardState,
    SourceId,
)
from tests.make import make_verdict

START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 20


class Lean:
    """A past that remembers texts only, the way a reader of SQL has them: not in the shard."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def mention(self, number: int, at: datetime) -> Mention:
        """Make the mention of a text."""
        return Mention(
            mention_id=MentionId(number + 1),
            item_key=ItemKey(f"row:{number}"),
            source_id=SourceId("bench"),
            platform="",
            title="",
            text=self._texts[number % len(self._texts)],
            published_at=at,
            observed_at=at,
        )

    def members(self, cluster_ids: Sequence[ClusterId], limit: int) -> list[Recalled]:
        """None: naming reads the exemplars' texts only."""
        del cluster_ids, limit
        return []

    def mentions(self, ids: Sequence[MentionId]) -> list[Mention]:
        """Return mentions by id."""
        return [self.mention(one - 1, START) for one in ids]

    def copies(
        self, cluster_ids: Sequence[ClusterId], originals: Sequence[MentionId]
    ) -> list[Recalled]:
        """None."""
        del cluster_ids, originals
        return []

    def known(self, cluster_ids: Sequence[ClusterId]) -> list[Cluster]:
        """None."""
        del cluster_ids
        return []

    def has_cold(self) -> bool:
        """Nothing is looked for among the cold."""
        return False

    def cold(self, features: Sequence[int], limit: int) -> list[Cluster]:
        """None."""
        del features, limit
        return []


def vary(texts: Sequence[str], count: int) -> list[str]:
    """Return `count` texts: those given, then new ones, each of halves of two with a number."""
    found = list(texts[:count])
    chance = random.Random(7)
    while len(found) < count:
        left, right = chance.choice(texts), chance.choice(texts)
        number = chance.randrange(10_000)
        found.append(f"{left[: len(left) // 2 + 4]}{number}{right[len(right) // 2 :]}")
    return found


def rss_mb() -> float:
    """Resident memory now; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_rss_mb()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@dataclass(frozen=True)
class Point:
    """Where a growing shard stood after some mentions."""

    mentions: int
    clusters: int
    docs_per_s: float
    p50: float
    p99: float
    p999: float
    worst: float
    collected: float  # longest pause of the garbage collector, ms
    rss_mb: float
    state_mb: float  # of live clusters, as they count it themselves


class Pauses:
    """The garbage collector's pauses in ms, while it is entered."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._at = 0.0

    def _note(self, phase: str, info: dict[str, int]) -> None:
        del info
        if phase == "start":
            self._at = time.thread_time()
        else:
            self.longest = max(self.longest, (time.thread_time() - self._at) * 1000)

    def __enter__(self) -> Self:
        gc.callbacks.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._note)


def new_shard(rules: Rules) -> Shard:
    """Return an empty shard."""
    state = ShardState(shard_id=ShardId("bench/zh"), brand_id=BrandId("bench"))
    return Shard.restore(state, rules, Background.load("zh"), segment=segment)


class Run:
    """A shard that grows, and the time of each mention."""

    def __init__(self, texts: Sequence[str], rules: Rules, step: timedelta) -> None:
        self._lean = Lean(texts)
        self._step = step
        self._shard = new_shard(rules)
        self._number = 0
        segment("预热")  # loads the dictionary
        gc.collect()
        gc.freeze()  # what was there before the shard is not its to collect
        self._before = rss_mb()

    @property
    def clusters(self) -> LiveClusters:
        """What the shard holds."""
        return self._shard._clusters  # noqa: SLF001 - only a bench looks inside

    def gather(self, count: int) -> Point:
        """Gather the next texts one by one."""
        spent = []
        with Pauses() as pauses:
            for number in range(self._number, self._number + count):
                mention = self._lean.mention(number, START + number * self._step)
                items = [(mention, make_verdict(mention.mention_id))]
                at = time.thread_time()
                self._shard.gather(items, mention.observed_at, self._lean)
                spent.append((time.thread_time() - at) * 1000)
        self._number += count
        return Point(
            self._number, len(self.clusters), 1000 * count / sum(spent),
            percentile(spent, 0.5), percentile(spent, 0.99), percentile(spent, 0.999),
            max(spent), pauses.longest, rss_mb() - self._before,
            self.clusters.nbytes() / (1 << 20),
        )  # fmt: skip

    def fill(self, count: int, readings: Sequence[Reading]) -> None:
        """Open singles until `count` clusters are live: halves of two vectors each, all distinct.

        They come by the door behind the reading of texts: five times as fast.
        """
        chance = random.Random(count)
        clusters, number = self.clusters, 10_000_000 + len(self.clusters)
        while len(clusters) < count:
            number += 1
            left, right = chance.choice(readings), chance.choice(readings)
            cluster = opened(number, START + self._number * self._step)
            clusters.open(cluster, _mixed(left.vector, right.vector), number, left.member)
            if number % BATCH == 0:
                clusters.settle(())
        clusters.settle(())


def _mixed(left: Vector, right: Vector) -> Vector:
    """Return every other feature of two vectors."""
    ids = np.concatenate((left.ids[::2], right.ids[1::2]))
    weights = np.concatenate((left.weights[::2], right.weights[1::2]))
    _, first = np.unique(ids, return_index=True)
    return quantise(Vector(ids[first], weights[first]))


def read(texts: Sequence[str]) -> list[Reading]:
    """Read texts as a shard that starts with them."""
    reader = Reader(Rules(), Frequencies(Background.load("zh")), segment)
    readings = []
    for text in texts:
        reading = reader.read(split_fields("", rewrite(text)), make_verdict(1))
        reader.frequencies.add(reading.ids)
        readings.append(reading)
    return readings


@dataclass(frozen=True)
class Cost:
    """Bytes a cluster of one kind takes."""

    kind: str
    clusters: int
    members: float
    rss_bytes: float
    own_bytes: float


def weigh_clusters(texts: Sequence[str], sizes: Sequence[int]) -> Iterator[Cost]:
    """Fill live clusters with singles, then with grown ones of each size, and weigh them."""
    readings = read(texts)
    kept = []  # until the end: freed memory would hide what the next ones take
    for size in sizes:
        clusters = LiveClusters(Rules())
        kept.append(clusters)
        gc.collect()
        before, made = rss_mb(), 0
        for first in range(0, len(readings) - size + 1, size):
            some = readings[first : first + size]
            cluster = opened(first + 1, START + timedelta(seconds=first))
            clusters.open(cluster, some[0].vector, first + 1, some[0].member)
            for n, one in enumerate(some[1:], 1):
                clusters.join(cluster, one.vector, first + 1 + n, one.member)
            cluster.size = cluster.labelled_size = size
            cluster.label, cluster.keywords = f"第{first}次漏水没人管", (f"漏水{first}", "客服")
            made += 1
            clusters.settle([cluster])
        gc.collect()
        added = (rss_mb() - before) * (1 << 20)
        yield Cost(
            "single" if size == 1 else f"of {size}", made, size, added / made,
            clusters.nbytes() / made,
        )  # fmt: skip


def opened(number: int, at: datetime) -> LiveCluster:
    """Return a cluster that one mention opens."""
    letters = f"{number * 2_654_435_761 % (1 << 40):040b}"
    name = "".join(chr(97 + int(letters[n : n + 5], 2) % 26) for n in range(0, 40, 5))
    return LiveCluster(
        slot=-1,
        opened_seq=number,
        cluster_id=ClusterId(f"bench-{name}"),
        parent_id=None,
        size=1,
        n_duplicates=0,
        first_at=at,
        last_at=at,
        touched=at.timestamp(),
        last_seq=number,
        representative_id=MentionId(number),
        labelled_size=1,
    )
