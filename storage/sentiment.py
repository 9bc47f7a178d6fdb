"""How people speak of the brands: current verdicts counted by brand, source and hour.

In: a range of publishing times. Out: rows to be summed by day, source or brand; one grouped query.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import hour_start
from storage.records import POSITIVE_FROM, Noise, Opinions, Polarity

_SKEW = timedelta(hours=2)  # a post may be stamped by a clock that runs ahead of its reading


def is_voice(verdict: sa.Table) -> sa.ColumnElement[bool]:
    """Say in SQL which verdicts are no noise."""
    return verdict.c.noise == Noise.NONE.value


def is_positive(verdict: sa.Table) -> sa.ColumnElement[bool]:
    """Say in SQL which verdicts are surely positive."""
    calm = verdict.c.polarity == Polarity.NOT_NEGATIVE.value
    return sa.and_(calm, verdict.c.positive >= POSITIVE_FROM)


def read_opinions(connection: Connection, since: datetime, until: datetime) -> Sequence[Opinions]:
    """Count public mentions published in [since, until), noise apart, oldest first."""
    mention, verdict = tables.mention, tables.verdict
    hour = hour_start(mention.c.published_at)
    voice = is_voice(verdict)
    # A brand that would rather be called too often than too late draws its line low: what counts
    # for the alarm at .24 is no bad word when praise is likelier.
    negative = sa.and_(
        verdict.c.polarity == Polarity.NEGATIVE.value,
        verdict.c.negative >= verdict.c.positive,
    )
    unsure = verdict.c.polarity == Polarity.UNSURE.value
    positive = is_positive(verdict)

    def counted(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.count(sa.case((sa.and_(voice, *conditions), 1)))

    rows = connection.execute(
        sa.select(
            verdict.c.brand_id,
            mention.c.source_id,
            mention.c.platform,
            hour.label("hour"),
            counted().label("n"),
            counted(negative).label("negative"),
            counted(positive).label("positive"),
            counted(unsure).label("unsure"),
            counted(mention.c.rating.is_not(None)).label("rated"),
            (sa.func.count() - counted()).label("noise"),
        )
        .select_from(mention)
        .join(verdict, verdict.c.mention_pk == mention.c.mention_pk)
        .where(
            verdict.c.is_current,
            mention.c.channel != "internal",
            # what was published in the range was not read before it: this column has the index
            mention.c.observed_at >= since - _SKEW,
            mention.c.published_at >= since,
            mention.c.published_at < until,
        )
        .group_by(verdict.c.brand_id, mention.c.source_id, mention.c.platform, hour)
        .order_by(hour, verdict.c.brand_id, mention.c.source_id, mention.c.platform)
    )
    return [Opinions(**row) for row in rows.mappings()]
