"""The seam to the store: what a poll or a detail page came to, committed in one transaction each.

A crawler never remembers anything across a restart by itself: what it must know lies behind
`Frontier`, and a cursor moves only together with what it stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from crawlers.causes import Failure
from storage.records import (
    DetailLink,
    FetchEvent,
    HostState,
    HotEntry,
    Json,
    RawMention,
    SourceId,
    SourceState,
)

# A claimed detail link belongs to its claimer this long; a batch takes half of it at the source's
# rate (runner.batch_size), so a living crawler does not lose its lease, and what a killed one had
# claimed is free again soon. Who knows to be the only engine may free all leases when it starts.
DETAIL_LEASE_S = 120
MAX_ATTEMPTS = 6  # claims of one link: five more after the first


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """The last good or last bad raw page of a source: what an engineer needs to repair it."""

    kind: Literal["good", "bad"]
    url: str
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a good poll got to: validators and body hash for the next one, the items it listed.

    `validators` has [etag, last_modified, body_hash] per start address that was read, `keys` are
    url hashes in page order, `newest_at` the newest date among the items.
    """

    validators: Json = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What one poll came to. `state` is the whole state after it (before it while judging).

    `problems` name single items that were left out or repaired. `unreadable` counts the items that
    were left out; each must be counted once as Outcome.UNREADABLE. `items` stood on the pages that
    were read, `fresh` of them were not in `state.seen`, `gap` says that not one was known and some
    may be missed. `filled` (items that have a field) and `quality` (see crawlers.quality) are sums
    over the pages.
    """

    state: SourceState
    event: FetchEvent
    raws: tuple[RawMention, ...] = ()
    links: tuple[DetailLink, ...] = ()
    page: SavedPage | None = None
    cursor: Cursor | None = None  # None leaves it where it is
    failure: Failure | None = None
    unmet: tuple[str, ...] = ()  # expectations that this poll did not meet
    problems: tuple[str, ...] = ()
    unreadable: int = 0
    out_of_scope: int = 0  # left out by keywords.mode: filter
    items: int = 0
    fresh: int = 0
    gap: bool = False
    hint_s: float = 0.0  # the shortest interval that the source itself asks for
    filled: Json = field(default_factory=dict)
    quality: Json = field(default_factory=dict)
    hot: tuple[HotEntry, ...] = ()
    hosts: tuple[HostState, ...] = ()  # to be written in the same transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailResult:
    """What one page of a link came to: `done` with its mentions, `retry`, or `dead` with a reason.

    `links` are to be fetched besides; with `again_at` the link stays open and is due then. `gone`
    says that the page of a mention known before was found deleted. Without an event nobody was
    asked.
    """

    state: Literal["done", "retry", "dead"]
    event: FetchEvent | None = None
    reason: str = ""
    failure: Failure | None = None
    raws: tuple[RawMention, ...] = ()
    links: tuple[DetailLink, ...] = ()
    again_at: datetime | None = None
    gone: bool = False
    page: SavedPage | None = None
    problems: tuple[str, ...] = ()
    out_of_scope: int = 0
    hosts: tuple[HostState, ...] = ()


# What a person changes about a source from outside: when it is due, whose rules are in charge.
Mark = tuple[datetime | None, str]


def mark_of(state: SourceState) -> Mark:
    """Return when a source is due next and the digest of the rules in charge."""
    return state.next_poll_at, state.config_digest


class Frontier(Protocol):
    """Implemented over the store by the application. Called in one worker thread, never the loop.

    `commit_polls` writes states, events, mentions, links, host states and pages of some polls in
    one transaction and returns per poll how many mentions and links were new; new mentions are
    added to the stored `items` (detail pages add to them meanwhile) and all new ones to the event.
    `claim_details` returns links not done, due and free of a lease, oldest first, leases them for
    DETAIL_LEASE_S and counts the claim in `attempts` (so that a page that kills the process is
    counted too). `commit_details` stores the mentions of some pages and ends (or frees) their links
    in one transaction. All of them may be repeated without harm.
    """

    def state(self, source_id: SourceId) -> SourceState:
        """Return what is remembered of a source; a fresh state when it was never polled."""

    def remembered(self) -> Sequence[SourceState]:
        """Return what is remembered of all sources that were ever polled."""

    def marks(self) -> Mapping[SourceId, Mark]:
        """Return the mark of every source: a change that is not ours asks for it to be read."""

    def hosts(self, names: Collection[str]) -> Sequence[HostState]:
        """Return what is remembered of hosts; nothing of those never asked."""

    def waiting(self, now: datetime) -> Collection[SourceId]:
        """Return the sources that have links to be fetched now."""

    def commit_polls(self, results: Sequence[PollResult]) -> Sequence[int]:
        """Write polls together; return the number of new mentions and links of each."""

    def claim_details(self, source_id: SourceId, limit: int, now: datetime) -> Sequence[DetailLink]:
        """Lease at most `limit` links that wait to be fetched."""

    def commit_details(self, done: Sequence[tuple[DetailLink, DetailResult]]) -> None:
        """Write detail pages and the end of their links together."""
