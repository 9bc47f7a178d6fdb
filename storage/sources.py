"""What is remembered of sources: state, the last polls, pages kept as evidence, links to fetch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import database_clock, insert_new, read_clock, upsert
from storage.counters import take_numbers
from storage.intake import hour_of
from storage.records import DetailLink, FetchEvent, SourceId, SourceState
from storage.rows import columns_of, link_of, mappings, source_state_of

_EVENTS_KEPT = 30  # per source: the health page shows them, nothing counts them
_link = tables.detail_link
_ANSWERED = {"ok", "unchanged"}


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

    def add_fetch_event(self, event: FetchEvent) -> None:
        """Append one poll; the last 30 of a source are kept, and per hour whether it answered."""
        table = tables.fetch_event
        [number] = take_numbers(self.connection, "fetch_event", 1)
        row = columns_of(event, table) | {"event_no": number}
        self.connection.execute(sa.insert(table), [row])
        oldest = (
            sa.select(table.c.event_no)
            .where(table.c.source_id == event.source_id)
            .order_by(table.c.event_no.desc())
            .offset(_EVENTS_KEPT - 1)
            .limit(1)
            .scalar_subquery()
        )
        self.connection.execute(
            sa.delete(table).where(table.c.source_id == event.source_id, table.c.event_no < oldest)
        )
        answered = int(event.outcome in _ANSWERED)
        hour = {
            "source_id": event.source_id,
            "hour": hour_of(event.at),
            "answered": answered,
            "failed": 1 - answered,
        }
        upsert(self.connection, tables.source_hour, [hour], add=["answered", "failed"])

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

    def claim_links(
        self, source_id: SourceId, limit: int, now: datetime, lease_s: float
    ) -> list[DetailLink]:
        """Take open links of a source, oldest first, for `lease_s` seconds of the database's clock.

        `now` is not used for the lease (decisions.md 3); links found after it are left.
        """
        clock = read_clock(self.connection)
        free = sa.or_(_link.c.lease_until.is_(None), _link.c.lease_until < database_clock())
        query = (
            sa.select(_link)
            .where(_link.c.source_id == source_id, sa.text("state = 'open'"), free)
            .where(_link.c.found_at <= now)
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

    def finish_link(self, url_hash: str, state: str, reason: str = "") -> None:
        """Say what became of a claimed link: "done", "dead", or "retry" (open again)."""
        self.connection.execute(
            sa.update(_link)
            .where(_link.c.url_hash == url_hash)
            .values(state="open" if state == "retry" else state, reason=reason, lease_until=None)
        )
