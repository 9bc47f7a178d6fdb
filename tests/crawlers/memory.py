"""A frontier in memory that keeps the Protocol's promises, and a clock that is told the time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crawlers.frontier import DETAIL_LEASE_S, DetailResult, Mark, PollResult, mark_of
from storage.records import (
    DetailLink,
    FetchEvent,
    HostState,
    RawMention,
    SourceId,
    SourceState,
)


@dataclass
class MemoryFrontier:
    """What a store would hold. Mentions are identified by native id, else canonical URL."""

    states: dict[str, SourceState] = field(default_factory=dict)
    mentions: dict[str, RawMention] = field(default_factory=dict)
    links: dict[str, DetailLink] = field(default_factory=dict)
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)  # state and reason
    leases: dict[str, datetime] = field(default_factory=dict)
    polls: list[PollResult] = field(default_factory=list)
    details: list[DetailResult] = field(default_factory=list)
    events: list[FetchEvent] = field(default_factory=list)
    host_states: dict[str, HostState] = field(default_factory=dict)
    groups: list[int] = field(default_factory=list)  # sizes of the commits of details
    broken: bool = False

    def state(self, source_id: SourceId) -> SourceState:
        return self.states.get(source_id) or SourceState(source_id=source_id)

    def remembered(self) -> Sequence[SourceState]:
        return list(self.states.values())

    def marks(self) -> Mapping[SourceId, Mark]:
        return {state.source_id: mark_of(state) for state in self.states.values()}

    def hosts(self, names: Collection[str]) -> Sequence[HostState]:
        return [self.host_states[name] for name in names if name in self.host_states]

    def waiting(self, now: datetime) -> Collection[SourceId]:
        return {link.source_id for link in self._free(now)}

    def commit_polls(self, results: Sequence[PollResult]) -> Sequence[int]:
        return [self._commit_poll(result) for result in results]

    def _commit_poll(self, result: PollResult) -> int:
        if self.broken:
            raise RuntimeError("the database is gone")
        new = sum(self._keep(raw) for raw in result.raws)
        fresh = [link for link in result.links if link.url_hash not in self.links]
        self.links.update({link.url_hash: link for link in fresh})
        state = result.state
        self.states[state.source_id] = replace(state, items=self.state(state.source_id).items + new)
        self.host_states.update({host.host: host for host in result.hosts})
        self.polls.append(result)
        self.events.append(replace(result.event, new_items=new + len(fresh)))
        return new + len(fresh)

    def claim_details(self, source_id: SourceId, limit: int, now: datetime) -> Sequence[DetailLink]:
        free = [link for link in self._free(now) if link.source_id == source_id][:limit]
        for link in free:
            self.leases[link.url_hash] = now + timedelta(seconds=DETAIL_LEASE_S)
            self.links[link.url_hash] = replace(link, attempts=link.attempts + 1)
        return [self.links[link.url_hash] for link in free]

    def commit_details(self, done: Sequence[tuple[DetailLink, DetailResult]]) -> None:
        self.groups.append(len(done))
        for link, result in done:
            self._commit_detail(link, result)

    def _commit_detail(self, link: DetailLink, result: DetailResult) -> None:
        for raw in result.raws:
            self._keep(raw)
        for found in result.links:
            self.links.setdefault(found.url_hash, found)
        self.host_states.update({host.host: host for host in result.hosts})
        self.details.append(result)
        if result.event is not None:
            self.events.append(result.event)
        if result.state == "retry" or result.again_at is not None:
            self.leases.pop(link.url_hash, None)
            self.links[link.url_hash] = replace(
                self.links[link.url_hash],
                due_at=result.again_at,
                attempts=link.attempts - (result.event is None),
            )
        else:
            self.ended[link.url_hash] = (result.state, result.reason)

    def _free(self, now: datetime) -> list[DetailLink]:
        return [
            link
            for link in self.links.values()
            if link.url_hash not in self.ended
            and self.leases.get(link.url_hash, now) <= now
            and (link.due_at is None or link.due_at <= now)
        ]

    def _keep(self, raw: RawMention) -> bool:
        key = raw.native_id or raw.canonical_url or f"{raw.author}|{raw.published_at}|{raw.text}"
        is_new = key not in self.mentions
        self.mentions[key] = raw
        return is_new

    @property
    def kept(self) -> list[RawMention]:
        return list(self.mentions.values())


class SetClock:
    """A clock that stands where it was put."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)
