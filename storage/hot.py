"""Lines of hot-search lists: where each stands now, where it stood at best, when it was seen.

In: what one reading of a list shows. Out: rows of hot_entry, one per source and title.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import storable, upsert
from storage.instants import hour_of
from storage.records import HotEntry, Outcome, SourceId
from storage.rows import hot_entry_of, mappings

_hot = tables.hot_entry


class Hot:
    """Transaction part: hot-search lists."""

    connection: Connection

    def save_hot(self, entries: Sequence[HotEntry], now: datetime) -> int:
        """Store one reading of hot lists; return how many titles were not known before.

        A title keeps its best rank and when it was first seen. Titles that the reading does not
        show any more keep the instant at which they were last seen.
        """
        unique = {(entry.source_id, storable(entry.title.strip())): entry for entry in entries}
        unique = {key: entry for key, entry in unique.items() if key[1]}
        known = self._known_hot(unique)
        rows = [
            {
                "source_id": source_id,
                "title": title,
                "platform": entry.platform,
                "url": entry.url,
                "rank": entry.rank,
                "best_rank": _best(known.get((source_id, title)), entry.rank),
                "heat": entry.heat,
                "first_at": now,
                "last_at": now,
            }
            for (source_id, title), entry in unique.items()
        ]
        upsert(self.connection, _hot, rows, keep=["first_at"])
        new = [key for key in unique if key not in known]
        counts: dict[str, int] = {}
        for source_id, _ in new:
            counts[source_id] = counts.get(source_id, 0) + 1
        upsert(
            self.connection,
            tables.outcome_count,
            [
                {
                    "hour": hour_of(now),
                    "stage": "keep",
                    "source_id": source_id,
                    "outcome": str(Outcome.HOT_ENTRY),
                    "n": n,
                }
                for source_id, n in sorted(counts.items())
            ],
            add=["n"],
        )
        return len(new)

    def drop_hot(self, before: datetime) -> int:
        """Delete lines last seen before an instant; return how many."""
        return self.connection.execute(sa.delete(_hot).where(_hot.c.last_at < before)).rowcount

    def _known_hot(
        self, unique: dict[tuple[SourceId, str], HotEntry]
    ) -> dict[tuple[str, str], int | None]:
        titles = sorted({title for _, title in unique})
        sources = sorted({source_id for source_id, _ in unique})
        if not titles:
            return {}
        query = sa.select(_hot.c.source_id, _hot.c.title, _hot.c.best_rank).where(
            _hot.c.source_id.in_(sources), _hot.c.title.in_(titles)
        )
        found: dict[tuple[str, str], int | None] = {
            (row["source_id"], row["title"]): row["best_rank"]
            for row in mappings(self.connection.execute(query))
        }
        return found


class HotQueries:
    """Queries part: hot-search lists."""

    connection: Connection

    def hot_entries(self, sources: Sequence[str], since: datetime) -> tuple[HotEntry, ...]:
        """Return the lines of these sources last seen at `since` or later, newest, best first."""
        query = (
            sa.select(_hot)
            .where(_hot.c.source_id.in_(sorted(sources)), _hot.c.last_at >= since)
            .order_by(_hot.c.last_at.desc(), _rank_first(), _hot.c.source_id, _hot.c.title)
        )
        return tuple(hot_entry_of(row) for row in mappings(self.connection.execute(query)))


def _rank_first() -> sa.ColumnElement[Any]:
    # the databases disagree on where NULL sorts; a line without a rank comes last
    return sa.func.coalesce(_hot.c.rank, 1_000_000)


def _best(before: int | None, rank: int | None) -> int | None:
    known = [value for value in (before, rank) if value is not None]
    return min(known, default=None)
