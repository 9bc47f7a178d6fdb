"""Where mentions came from lately: by source and by platform, and when each was last heard of.

In: an instant. Out: counts. Imports and pushes have no state of their own; they are found by what
they brought.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import SourceId

_mention = tables.mention
_count = tables.outcome_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What one source brought of one platform since an instant, and when last."""

    source_id: SourceId
    platform: str
    mentions: int
    last_at: datetime


def read_brought(connection: Connection, since: datetime) -> list[Brought]:
    """Return what was taken in since then, by source and platform as the mentions name it."""
    last_at = sa.func.max(_mention.c.observed_at)
    query = (
        sa.select(_mention.c.source_id, _mention.c.platform, sa.func.count(), last_at)
        .where(_mention.c.observed_at >= since)
        .group_by(_mention.c.source_id, _mention.c.platform)
        .order_by(_mention.c.source_id, _mention.c.platform)
    )
    return [
        Brought(source_id=SourceId(row[0]), platform=row[1], mentions=row[2], last_at=row[3])
        for row in connection.execute(query)
    ]


def read_last_heard(connection: Connection) -> dict[SourceId, datetime]:
    """Return the hour in which each source, import or push last brought anything at all.

    It reads the hourly counters, which outlive the mentions that they count.
    """
    query = sa.select(_count.c.source_id, sa.func.max(_count.c.hour)).group_by(_count.c.source_id)
    return {SourceId(row[0]): row[1] for row in connection.execute(query)}
