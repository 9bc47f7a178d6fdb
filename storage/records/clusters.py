"""Similar complaints, and what one batch changes in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.records.ids import (
    BrandId,
    ClusterId,
    MentionId,
    ShardId,
)
from storage.records.mentions import (
    Mention,
    Verdict,
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
    """Similar complaints about one brand.

    `state`: "live" clusters stand in memory and take mentions, "cold" ones wait until a mention
    opens them again, an "alias" redirects to `alias_of` for ever. `blob` is the clusterer's own
    state, opaque elsewhere; empty in a live cluster: people changed its members, and the shard
    makes it anew from them. `named_by` is the person who named it ("" the program); a `pinned` one
    is neither merged, split nor retired by itself.
    """

    cluster_id: ClusterId
    shard_id: ShardId
    brand_id: BrandId
    state: str = "live"
    alias_of: ClusterId | None = None
    parent_id: ClusterId | None = None
    size: int = 0  # distinct texts
    n_duplicates: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    label: str = ""
    named_by: str = ""
    pinned: bool = False
    keywords: tuple[str, ...] = ()
    representative_id: MentionId | None = None
    blob: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEvent:
    """A row of the append-only journal; no mention changes its cluster without one.

    `kind` is one of CLUSTER_EVENTS. "merge": `other_id` went into `cluster_id`. "split": `other_id`
    came out of `cluster_id`. "move": `mention_id` came from `other_id` into `cluster_id`. "undo":
    takes back the row numbered `undoes`. "rename": `note` is the new name, `was` the one before.
    `event_no` is given when it is stored.
    """

    cluster_id: ClusterId
    kind: str
    at: datetime
    actor: str = "system"
    other_id: ClusterId | None = None
    mention_id: MentionId | None = None
    undoes: int | None = None
    note: str = ""
    was: str = ""
    event_no: int = 0


CLUSTER_EVENTS = frozenset(
    {
        "open",
        "merge",
        "split",
        "move",
        "cold",
        "reopen",
        "rename",
        "pin",
        "unpin",
        "apart",
        "together",
        "retract",
        "undo",
    }
)


# How a shard reads the past, be it a database or a ledger in memory.
COLD_SHARED = 2  # features that a cold cluster has at least in common with what looks for it
MADE_ANEW_FROM = 400  # newest members that a cluster is made anew from: cluster.md 3.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A member goes to another cluster of its shard; its running number stays."""

    mention_id: MentionId
    cluster_id: ClusterId


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A stored member of a cluster. `is_placed`: a person put it there, so it stays."""

    mention: Mention
    verdict: Verdict
    assignment: Assignment
    is_placed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSnapshot:
    """Document frequencies of a shard as they stood after `seq` assignments."""

    shard_id: ShardId
    seq: int
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """All that a shard needs to go on where it stopped.

    `clusters` are the live ones; `members` are those of each live cluster whose blob is empty, in
    order of `seq` (the first few and the newest some hundred, without copies); `apart` are pairs of
    clusters that a person wants apart, the smaller id first; `recent` are the mentions assigned in
    the live window, oldest first, with their assignments (the near-duplicate index is rebuilt from
    their fingerprints and sketches, document frequencies from those with `seq` beyond the
    snapshot's).
    """

    shard_id: ShardId
    brand_id: BrandId
    clusters: tuple[Cluster, ...] = ()
    snapshot: ShardSnapshot | None = None
    recent: tuple[tuple[Mention, Assignment], ...] = ()
    members: Mapping[ClusterId, tuple[Recalled, ...]] = field(default_factory=dict)
    apart: frozenset[tuple[ClusterId, ClusterId]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeProposal:
    """Two clusters that may be one; a person decides. `first_id` is the smaller id.

    `state`: "open", "accepted" or "refused".
    """

    first_id: ClusterId
    second_id: ClusterId
    brand_id: BrandId
    score: float
    why: str
    at: datetime
    state: str = "open"
    decided_by: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardChanges:
    """What one batch changed in a shard; written in one transaction.

    `cold`: the features under which each cluster that goes cold here is found again, uint32 each;
    a cluster that is live again loses them.
    """

    shard_id: ShardId
    assignments: tuple[Assignment, ...] = ()
    clusters: tuple[Cluster, ...] = ()  # new or changed, whole
    events: tuple[ClusterEvent, ...] = ()
    snapshot: ShardSnapshot | None = None
    moves: tuple[Move, ...] = ()
    cold: Mapping[ClusterId, tuple[int, ...]] = field(default_factory=dict)
