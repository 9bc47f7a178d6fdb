"""What is remembered of sources: state, the last polls, pages kept as evidence, links to fetch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import database_clock, insert_new, read_clock, upsert
from storage.completeness import count_polls
from storage.counters import take_numbers
from storage.records import DetailLink, FetchEvent, HostState, Json, SourceId, SourceState
from storage.rows import columns_of, link_of, mappings, source_state_of

_EVENTS_KEPT = 30  # per source: the health page shows them, nothing counts them
_link = tables.detail_link
_event = tables.fetch_event
# Written once: building a statement costs as much as running it.
_PRUNE = sa.delete(_event).where(
    _event.c.source_id == sa.bindparam("of_source"),
    _event.c.event_no
    < sa.select(_event.c.event_no)
    .where(_event.c.source_id == sa.bindparam("of_source"))
    .order_by(_event.c.event_no.desc())
    .offset(_EVENTS_KEPT - 1)
    .limit(1)
    .scalar_subquery(),
)


class Sources:
    """Transaction part: sources, their polls and their open links."""

    connection: Connection

    def source_state(self, source_id: SourceId) -> SourceState:
        """Return what is remembered of a source; a fresh state when nothing is."""
        table = tables.source_state
        found = self.connection.execute(sa.select(table).where(table.c.source_id == source_id))
        row = found.mappings().one_or_none()
        return SourceState(source_id=source_id) if row is None else source_state_of(row)

    def save_source(self, state: SourceState) -> None:
        """Write the whole state of a source."""
        table = tables.source_state
        upsert(self.connection, table, [columns_of(state, table)])

    def save_polled(self, polled: Sequence[tuple[SourceState, int]]) -> None:
        """Write states after polls, each with how many mentions it brought.

        Mentions add up, because detail pages bring some meanwhile; what the maintainer was told is
        not the crawler's to write.
        """
        table = tables.source_state
        rows = [columns_of(state, table) | {"items": new} for state, new in polled]
        upsert(self.connection, table, rows, keep=["notice"], add=["items"])

    def save_notice(self, source_id: SourceId, notice: Json) -> None:
        """Write what the maintainer of a source was told; nothing else of its state."""
        state = SourceState(source_id=source_id, notice=notice)
        table = tables.source_state
        others = [column.name for column in table.c if column.name not in {"source_id", "notice"}]
        upsert(self.connection, table, [columns_of(state, table)], keep=others)

    def add_items(self, source_id: SourceId, new: int, now: datetime) -> None:
        """Count mentions that detail pages of a source brought."""
        table = tables.source_state
        self.connection.execute(
            sa.update(table)
            .where(table.c.source_id == source_id)
            .values({"items": table.c["items"] + new, "last_item_at": now})
        )

    def save_hosts(self, states: Sequence[HostState]) -> None:
        """Write what is remembered of hosts."""
        latest = {state.host: state for state in states}
        table = tables.host_state
        upsert(self.connection, table, [columns_of(state, table) for state in latest.values()])

    def add_fetch_event(self, event: FetchEvent) -> None:
        """Append one poll; the last 30 of a source are kept, and per hour whether it answered."""
        self.add_fetch_events([event])

    def add_fetch_events(self, events: Sequence[FetchEvent]) -> None:
        """Append polls in their order; the last 30 of each source are kept."""
        if not events:
            return
        numbers = take_numbers(self.connection, "fetch_event", len(events))
        rows = [
            columns_of(event, _event) | {"event_no": number}
            for event, number in zip(events, numbers, strict=True)
        ]
        self.connection.execute(sa.insert(_event), rows)
        names = sorted({event.source_id for event in events})
        self.connection.execute(_PRUNE, [{"of_source": name} for name in names])
        count_polls(self.connection, events)

    def save_page(
        self, source_id: SourceId, kind: str, url: str, body: bytes, at: datetime
    ) -> None:
        """Keep the last page of a kind ("good" or "bad") of a source as it came."""
        row = {"source_id": source_id, "kind": kind, "url": url, "body": body, "at": at}
        upsert(self.connection, tables.raw_page, [row])

    def drop_pages(self, before: datetime) -> int:
        """Delete pages kept before an instant; return how many."""
        table = tables.raw_page
        return self.connection.execute(sa.delete(table).where(table.c.at < before)).rowcount

    def add_links(self, links: Sequence[DetailLink], now: datetime) -> int:
        """Remember detail pages still to fetch; return how many were not known before."""
        unique = {link.url_hash: link for link in links}
        known = set(
            self.connection.scalars(
                sa.select(_link.c.url_hash).where(_link.c.url_hash.in_(sorted(unique)))
            )
        )
        new = [link for link in unique.values() if link.url_hash not in known]
        numbers = take_numbers(self.connection, "detail_link", len(new))
        rows: list[dict[str, Any]] = [
            columns_of(link, _link)
            | {
                "listed": dict(link.listed),
                "found_at": link.found_at or now,
                "state": "open",
                "reason": "",
                "link_no": number,
                "lease_until": None,
            }
            for link, number in zip(new, numbers, strict=True)
        ]
        insert_new(self.connection, _link, rows)
        return len(rows)

    def free_links(self) -> int:
        """Free the links that a program which is gone had leased; return how many.

        Only for the holder of the engine lease: then nobody else can be fetching them.
        """
        held = _link.c.lease_until.is_not(None)
        return self.connection.execute(
            sa.update(_link).where(held).values(lease_until=None)
        ).rowcount

    def plan_links(self, links: Sequence[DetailLink], now: datetime) -> None:
        """Open links at their `due_at`, those that had come to an end as well."""
        self.add_links(links, now)
        for link in links:
            self.connection.execute(
                sa.update(_link)
                .where(_link.c.url_hash == link.url_hash, _link.c.lease_until.is_(None))
                .values(
                    state="open",
                    reason="",
                    attempts=0,
                    kind=link.kind,
                    due_at=link.due_at,
                    until=link.until,
                    page=link.page,
                )
            )

    def claim_links(
        self, source_id: SourceId, limit: int, now: datetime, lease_s: float
    ) -> list[DetailLink]:
        """Take open links of a source, oldest first, for `lease_s` seconds of the database's clock.

        Links that were found after `now` or are due later are left; the lease is not timed by it
        (decisions.md 3).
        """
        clock = read_clock(self.connection)
        query = (
            sa.select(_link)
            .where(_link.c.source_id == source_id, *_claimable(now))
            .order_by(_link.c.link_no)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = mappings(self.connection.execute(query))
        claimed = [row["url_hash"] for row in rows]
        if claimed:
            self.connection.execute(
                sa.update(_link)
                .where(_link.c.url_hash.in_(claimed))
                .values(
                    lease_until=clock + timedelta(seconds=lease_s), attempts=_link.c.attempts + 1
                )
            )
        return [link_of({**row, "attempts": row["attempts"] + 1}) for row in rows]

    def finish_link(
        self,
        url_hash: str,
        state: str,
        reason: str = "",
        *,
        again_at: datetime | None = None,
        asked: bool = True,
    ) -> None:
        """Say what became of a claimed link: "done", "dead", or "retry" (open again).

        With `again_at` it is open again and due then; after a visit that went well its attempts are
        counted anew. A claim that led to no request (`asked`) is none.
        """
        values: dict[str, Any] = {"reason": reason, "lease_until": None, "state": state}
        if state == "retry" or (state == "done" and again_at is not None):
            values |= {"state": "open", "due_at": again_at}
        if state == "done" and again_at is not None:
            values["attempts"] = 0
        if not asked:
            values["attempts"] = _link.c.attempts - 1
        self.connection.execute(sa.update(_link).where(_link.c.url_hash == url_hash).values(values))


def waiting_sources(connection: Connection, now: datetime) -> list[SourceId]:
    """Return the sources that have links to be fetched now."""
    query = sa.select(_link.c.source_id).where(*_claimable(now)).distinct()
    return [SourceId(source_id) for source_id in connection.scalars(query)]


def read_marks(connection: Connection) -> dict[SourceId, tuple[datetime | None, str]]:
    """Return of every source when it is due next, and the digest of the rules in charge."""
    table = tables.source_state
    query = sa.select(table.c.source_id, table.c.next_poll_at, table.c.config_digest)
    return {SourceId(name): (at, rules) for name, at, rules in connection.execute(query)}


def find_hosts(connection: Connection, hosts: Collection[str]) -> list[HostState]:
    """Return what is remembered of hosts; nothing of those never asked."""
    table = tables.host_state
    names = sorted(set(hosts))
    found: list[HostState] = []
    for start in range(0, len(names), 500):  # SQLite's oldest limit of variables is 999
        part = names[start : start + 500]
        rows = mappings(connection.execute(sa.select(table).where(table.c.host.in_(part))))
        found += [HostState(**row) for row in rows]
    return found


def _claimable(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    free = sa.or_(_link.c.lease_until.is_(None), _link.c.lease_until < database_clock())
    due = sa.or_(_link.c.due_at.is_(None), _link.c.due_at <= now)
    # written out so that the partial index of open links is used
    return (sa.text("state = 'open'"), free, due, _link.c.found_at <= now)  # type: ignore[return-value]
