"""Similar complaints, and what one batch changes in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.ids import (
    BrandId,
    ClusterId,
    MentionId,
    ShardId,
)
from storage.records.mentions import (
    Mention,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Where one mention went. A duplicate inherits its original's cluster and moves nothing.

    `fingerprint` is the exact 64-bit key of the normalised text (signed, as databases store it),
    `sketch` the bottom-k sketch (empty for duplicates), `seq` the shard's running number.
    """

    mention_id: MentionId
    cluster_id: ClusterId
    seq: int
    score: float
    fingerprint: int
    sketch: bytes = b""
    duplicate_of: MentionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Similar complaints about one brand. `blob` is the clusterer's own state, opaque elsewhere."""

    cluster_id: ClusterId
    shard_id: ShardId
    brand_id: BrandId
    state: str = "live"  # "live", "cold" or "alias"
    alias_of: ClusterId | None = None
    parent_id: ClusterId | None = None
    size: int = 0  # distinct texts
    n_duplicates: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    label: str = ""
    keywords: tuple[str, ...] = ()
    representative_id: MentionId | None = None
    blob: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEvent:
    """A row of the append-only journal: open, merge, split, move, reopen, rename."""

    cluster_id: ClusterId
    kind: str
    at: datetime
    actor: str = "system"
    other_id: ClusterId | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSnapshot:
    """Document frequencies of a shard as they stood after `seq` assignments."""

    shard_id: ShardId
    seq: int
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """All that a shard needs to go on where it stopped.

    `clusters` are the live ones; `recent` are the mentions assigned in the live window, oldest
    first, with their assignments (the near-duplicate index is rebuilt from their fingerprints and
    sketches, document frequencies from those with `seq` beyond the snapshot's).
    """

    shard_id: ShardId
    brand_id: BrandId
    clusters: tuple[Cluster, ...] = ()
    snapshot: ShardSnapshot | None = None
    recent: tuple[tuple[Mention, Assignment], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardChanges:
    """What one batch changed in a shard; written in one transaction."""

    shard_id: ShardId
    assignments: tuple[Assignment, ...] = ()
    clusters: tuple[Cluster, ...] = ()  # new or changed, whole
    events: tuple[ClusterEvent, ...] = ()
    snapshot: ShardSnapshot | None = None
