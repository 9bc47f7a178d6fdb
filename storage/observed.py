"""Stored mentions by when they were observed, page by page, whatever became of them.

In: a range of instants. Out: mentions, newest first.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import Mention
from storage.rows import mappings, mention_of

_mention = tables.mention


class ObservedQueries:
    """Queries part: everything that was taken in, also what no brand was found in."""

    connection: Connection

    def observed_count(self, since: datetime, until: datetime) -> int:
        """Return how many mentions were observed from `since` on and before `until`."""
        query = sa.select(sa.func.count()).select_from(_mention).where(_within(since, until))
        found: int = self.connection.execute(query).scalar_one()
        return found

    def observed(
        self,
        since: datetime,
        until: datetime,
        *,
        after: Mention | None = None,
        limit: int = 500,
    ) -> list[Mention]:
        """Return one page of mentions observed from `since` on and before `until`, newest first.

        `after` is the last mention of the page before. Pages stay whole while mentions come in:
        what is newer than `until` is on none of them.
        """
        when, number = _mention.c.observed_at, _mention.c.mention_pk
        query = sa.select(_mention).where(_within(since, until))
        if after is not None:
            # the first condition lets the index begin where the page before ended
            older = sa.or_(when < after.observed_at, number < after.mention_id)
            query = query.where(when <= after.observed_at, older)
        query = query.order_by(when.desc(), number.desc()).limit(limit)
        return [mention_of(row) for row in mappings(self.connection.execute(query))]


def _within(since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_mention.c.observed_at >= since, _mention.c.observed_at < until)
