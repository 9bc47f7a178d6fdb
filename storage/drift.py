"""What the texts of a source were like, day by day.

In: samples of stored mentions out to whoever scores them; figures of a day back in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import DriftDay, Mention, SourceId
from storage.rows import mappings, mention_of

_day = tables.drift_day
_mention = tables.mention
# Which of a day's mentions are looked at: numbers are given in order of arrival, so they are
# scattered first (Knuth's multiplicative hash). The same ones whoever asks.
_SCATTER, _MODULUS = 2654435761, 1 << 32
_IDS = 500  # of one statement


class Drift:
    """Transaction part: what was measured of a source's day."""

    connection: Connection

    def save_drift_days(self, days: Sequence[DriftDay]) -> None:
        """Write days; one that was measured before, as with another model, is replaced."""
        rows = [
            {
                "source_id": day.source_id,
                "day": day.day,
                "model_version": day.model_version,
                "n": day.n,
                "histogram": list(day.histogram),
                "unsure_share": day.unsure_share,
                "unknown_share": day.unknown_share,
            }
            for day in days
        ]
        upsert(self.connection, _day, rows)

    def drop_drift_days(self, before: datetime) -> int:
        """Delete days that no check looks at any more; return how many."""
        return self.connection.execute(sa.delete(_day).where(_day.c.day < before)).rowcount


class DriftQueries:
    """What is read of the days of sources."""

    connection: Connection

    def drift_days(self, since: datetime, model_version: str | None = None) -> list[DriftDay]:
        """Return the days measured with a model, by source, oldest first.

        Without a model: with the one that the newest day was measured with.
        """
        if model_version is None:
            newest = sa.select(_day.c.model_version).order_by(_day.c.day.desc()).limit(1)
            model_version = self.connection.scalar(newest)
        query = (
            sa.select(_day)
            .where(_day.c.model_version == model_version, _day.c.day >= since)
            .order_by(_day.c.source_id, _day.c.day)
        )
        return [
            DriftDay(**{**row, "histogram": tuple(row["histogram"])})
            for row in mappings(self.connection.execute(query))
        ]

    def drift_sample(
        self, sources: Collection[SourceId], since: datetime, until: datetime, most: int
    ) -> dict[SourceId, list[Mention]]:
        """Return at most `most` mentions per source that came in [since, until), always the same.

        Imported history is no news of a source and is left out.
        """
        query = sa.select(_mention.c.source_id, _mention.c.mention_pk).where(
            _mention.c.observed_at >= since,
            _mention.c.observed_at < until,
            _mention.c.source_id.in_(sorted(sources)),
            sa.not_(_mention.c.history),
        )
        found: dict[SourceId, list[int]] = {}
        for source_id, pk in self.connection.execute(query):
            found.setdefault(SourceId(source_id), []).append(pk)
        chosen = [pk for pks in found.values() for pk in sorted(pks, key=_scattered)[:most]]
        sample: dict[SourceId, list[Mention]] = {}
        for start in range(0, len(chosen), _IDS):
            part = chosen[start : start + _IDS]
            rows = sa.select(_mention).where(_mention.c.mention_pk.in_(part))
            for row in mappings(self.connection.execute(rows.order_by(_mention.c.mention_pk))):
                mention = mention_of(row)
                sample.setdefault(mention.source_id, []).append(mention)
        return sample


def _scattered(number: int) -> int:
    return number * _SCATTER % _MODULUS
