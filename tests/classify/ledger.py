"""What a database keeps of a shard, in memory: enough to restore it at any border of batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.recall import Ledger
from classify.segment import segment
from classify.vectors import Background
from storage.records import BrandId, Mention, ShardChanges, ShardId, ShardState, Verdict
from tests.make import NOW, make_mention, make_verdict

SHARD = ShardId("yunque/zh")


def new_ledger() -> Ledger:
    return Ledger(SHARD, BrandId("yunque"))


def restore(ledger: Ledger, rules: Rules | None = None) -> Shard:
    return restore_state(ledger.state(), rules)


def restore_state(state: ShardState, rules: Rules | None = None) -> Shard:
    return Shard.restore(state, rules, Background.load("zh"), segment=segment)


def items_of(
    texts: Sequence[str],
    *,
    step: timedelta = timedelta(minutes=1),
    first_id: int = 1,
    start: datetime = NOW,
    **fields: str,
) -> list[tuple[Mention, Verdict]]:
    """Make one mention a text, `step` apart."""
    items = []
    for n, text in enumerate(texts):
        at = start + n * step
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
    ledger = new_ledger()
    changes = restore(ledger, rules).gather(items, NOW, ledger)
    ledger.save(changes, items)
    return ledger, changes
