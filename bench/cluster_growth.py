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

from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.evaluation_clusters import peak_rss_mb, percentile
from classify.live_clusters import LiveCluster, LiveClusters
from classify.reading import Reader
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


def clusters_of(shard: Shard) -> LiveClusters:
    """Return the live clusters of a shard, to count them and their bytes."""
    return shard._clusters  # noqa: SLF001 - only a bench looks inside


def grow(
    texts: Sequence[str], rules: Rules, marks: Sequence[int], step: timedelta
) -> Iterator[Point]:
    """Gather texts one by one, `step` apart; report at numbers of mentions."""
    lean = Lean(texts)
    shard = new_shard(rules)
    segment("预热")  # loads the dictionary
    gc.collect()
    before = rss_mb()
    spent: list[float] = []
    with Pauses() as pauses:
        for number in range(len(texts)):
            mention = lean.mention(number, START + number * step)
            items = [(mention, make_verdict(mention.mention_id))]
            at = time.thread_time()
            shard.gather(items, mention.observed_at, lean)
            spent.append((time.thread_time() - at) * 1000)
            if number + 1 in marks or number + 1 == len(texts):
                clusters = clusters_of(shard)
                yield Point(
                    number + 1, len(clusters), 1000 * len(spent) / sum(spent),
                    percentile(spent, 0.5), percentile(spent, 0.99), percentile(spent, 0.999),
                    max(spent), pauses.longest, rss_mb() - before, clusters.nbytes() / (1 << 20),
                )  # fmt: skip
                spent = []
                pauses.longest = 0.0


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
    reader = Reader(Rules(), Frequencies(Background.load("zh")), segment)
    readings = []
    for text in texts:
        reading = reader.read(split_fields("", rewrite(text)), make_verdict(1))
        reader.frequencies.add(reading.ids)
        readings.append(reading)
    for size in sizes:
        clusters = LiveClusters(Rules())
        gc.collect()
        before, made = rss_mb(), 0
        for first in range(0, len(readings) - size + 1, size):
            some = readings[first : first + size]
            cluster = _opened(first + 1)
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


def _opened(number: int) -> LiveCluster:
    at = START + timedelta(seconds=number)
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
