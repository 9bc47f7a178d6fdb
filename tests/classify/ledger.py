"""What a database keeps of a shard, in memory: enough to restore it at any border of batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.segment import segment
from classify.vectors import Background
from storage.records import (
    Assignment,
    BrandId,
    Cluster,
    ClusterEvent,
    ClusterId,
    Mention,
    MentionId,
    ShardChanges,
    ShardId,
    ShardSnapshot,
    ShardState,
    Verdict,
)
from tests.make import NOW, make_mention, make_verdict

SHARD = ShardId("yunque/zh")


class Ledger:
    """Saves changes and gives them back as a state, with members of aliases at the survivor."""

    def __init__(self) -> None:
        self.clusters: dict[ClusterId, Cluster] = {}
        self.recent: dict[MentionId, tuple[Mention, Assignment]] = {}
        self.events: list[ClusterEvent] = []
        self.snapshot: ShardSnapshot | None = None

    def state(self) -> ShardState:
        return ShardState(
            shard_id=SHARD,
            brand_id=BrandId("yunque"),
            clusters=tuple(one for one in self.clusters.values() if one.state == "live"),
            snapshot=self.snapshot,
            recent=tuple(self.recent.values()),
        )

    def save(self, changes: ShardChanges, items: Sequence[tuple[Mention, Verdict]]) -> None:
        mentions = {mention.mention_id: mention for mention, _ in items}
        for one in changes.assignments:
            self.recent[one.mention_id] = (mentions[one.mention_id], one)
        for cluster in changes.clusters:
            self.clusters[cluster.cluster_id] = cluster
        aliases = {one.cluster_id: one.alias_of for one in changes.clusters if one.alias_of}
        for mention_id, (mention, one) in list(self.recent.items()):
            home = one.cluster_id
            while home in aliases:
                home = aliases[home]
            self.recent[mention_id] = (mention, replace(one, cluster_id=home))
        self.events += changes.events
        self.snapshot = changes.snapshot or self.snapshot


def restore(ledger: Ledger, rules: Rules | None = None) -> Shard:
    return Shard.restore(ledger.state(), rules, Background.load("zh"), segment=segment)


def items_of(
    texts: Sequence[str],
    *,
    step: timedelta = timedelta(minutes=1),
    first_id: int = 1,
    **fields: str,
) -> list[tuple[Mention, Verdict]]:
    """Make one mention a text, `step` apart."""
    items = []
    for n, text in enumerate(texts):
        at = NOW + n * step
        mention = make_mention(
            first_id + n,
            item_key=f"key:{first_id + n}",
            title=fields.get("title", ""),
            text=text,
            published_at=at,
            observed_at=at,
        )
        items.append((mention, make_verdict(mention_id=mention.mention_id)))
    return items


def gather_all(
    items: Sequence[tuple[Mention, Verdict]], rules: Rules | None = None
) -> tuple[Ledger, ShardChanges]:
    """Gather everything in one batch."""
    ledger = Ledger()
    changes = restore(ledger, rules).gather(items, NOW)
    ledger.save(changes, items)
    return ledger, changes
