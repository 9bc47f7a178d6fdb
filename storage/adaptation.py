"""How the scores of each source are put right, version by version, and what that is learned from.

In: what was estimated for a source. Out: the version at work, any earlier one, the texts to learn
from, and the scores that a brand's threshold is chosen by.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.records import BrandId, Mention, Polarity, SourceAdaptation, SourceId
from storage.rows import mappings, mention_of
from storage.sentiment import is_voice

_adaptation = tables.source_adaptation
_mention = tables.mention
_verdict = tables.verdict
_LOOKED_AT = 4  # mentions of a source looked through per judged one that is wanted


class Adaptations:
    """Transaction part: what was estimated for sources."""

    connection: Connection

    def save_adaptation(self, found: SourceAdaptation) -> None:
        """Put a new version to work; earlier ones are kept for replays."""
        self.connection.execute(
            sa.update(_adaptation)
            .where(_adaptation.c.source_id == found.source_id, _adaptation.c.is_current)
            .values(is_current=False)
        )
        row = {name: getattr(found, name) for name in _FIELDS} | {"is_current": True}
        insert_new(self.connection, _adaptation, [row])

    def confirm_adaptation(self, source_id: SourceId, at: datetime, n: int) -> None:
        """Write down that the version at work was looked at again and is still right."""
        self.connection.execute(
            sa.update(_adaptation)
            .where(_adaptation.c.source_id == source_id, _adaptation.c.is_current)
            .values(at=at, n=n)
        )

    def drop_adaptations(self, before: datetime) -> int:
        """Delete versions that were replaced and not looked at since then; return how many."""
        old = sa.delete(_adaptation).where(
            sa.not_(_adaptation.c.is_current), _adaptation.c.at < before
        )
        return self.connection.execute(old).rowcount


class AdaptationQueries:
    """What is read of the adaptation of sources."""

    connection: Connection

    def adaptations(self) -> list[SourceAdaptation]:
        """Return the versions at work, by source."""
        query = (
            sa.select(_adaptation).where(_adaptation.c.is_current).order_by(_adaptation.c.source_id)
        )
        return [_adaptation_of(row) for row in mappings(self.connection.execute(query))]

    def adaptation(self, source_id: SourceId, version: int) -> SourceAdaptation | None:
        """Return one version, as a verdict names it."""
        query = sa.select(_adaptation).where(
            _adaptation.c.source_id == source_id, _adaptation.c.version == version
        )
        rows = mappings(self.connection.execute(query))
        return _adaptation_of(rows[0]) if rows else None

    def last_adaptation_version(self, source_id: SourceId) -> int:
        """Return the highest version of a source, 0 when there is none."""
        query = sa.select(sa.func.max(_adaptation.c.version)).where(
            _adaptation.c.source_id == source_id
        )
        return int(self.connection.scalar(query) or 0)

    def judged_sources(self, since: datetime) -> list[SourceId]:
        """Return the sources whose mentions were observed since then."""
        query = (
            sa.select(_mention.c.source_id)
            .where(_mention.c.observed_at >= since)
            .distinct()
            .order_by(_mention.c.source_id)
        )
        return [SourceId(source_id) for source_id in self.connection.scalars(query)]

    def count_judged(self, source_id: SourceId, since: datetime, limit: int) -> int:
        """Count the mentions of a source with a verdict, up to `limit`."""
        return int(
            self.connection.scalar(
                sa.select(sa.func.count()).select_from(_judged(source_id, since, limit).subquery())
            )
            or 0
        )

    def judged_mentions(self, source_id: SourceId, since: datetime, limit: int) -> list[Mention]:
        """Return the last mentions of a source that were found to be about a brand, oldest first.

        Noise is left out: nobody's adverts say how a source complains.
        """
        chosen = _judged(source_id, since, limit).subquery()
        query = (
            sa.select(_mention)
            .where(_mention.c.mention_pk.in_(sa.select(chosen.c.mention_pk)))
            .order_by(_mention.c.mention_pk)
        )
        return [mention_of(row) for row in mappings(self.connection.execute(query))]

    def unsure_shares(self, since: datetime) -> dict[SourceId, tuple[int, int]]:
        """Return per source how many verdicts stand since then, and how many are unsure."""
        unsure = sa.case((_verdict.c.polarity == Polarity.UNSURE.value, 1), else_=0)
        query = (
            sa.select(_mention.c.source_id, sa.func.count(), sa.func.sum(unsure))
            .join(_verdict, _verdict.c.mention_pk == _mention.c.mention_pk)
            .where(_mention.c.observed_at >= since, _verdict.c.is_current)
            .group_by(_mention.c.source_id)
        )
        return {
            SourceId(source_id): (int(n), int(unsure_n))
            for source_id, n, unsure_n in self.connection.execute(query)
        }

    def first_spoken_of(self, brand_id: BrandId, since: datetime) -> datetime | None:
        """Return when a brand was first spoken of since then, None when it was not."""
        found: datetime | None = self.connection.scalar(
            _scores(brand_id, since, _mention.c.published_at)
            .order_by(_mention.c.published_at)
            .limit(1)
        )
        return found

    def score_at_rank(self, brand_id: BrandId, since: datetime, rank: int) -> float | None:
        """Return the `rank`-th highest (from 1) probability of negative since then.

        None when there are fewer verdicts.
        """
        found: float | None = self.connection.scalar(
            _scores(brand_id, since, _verdict.c.negative)
            .order_by(_verdict.c.negative.desc())
            .offset(rank - 1)
            .limit(1)
        )
        return found


_FIELDS = ("source_id", "version", "model_version", "at", "n", "share", "shift", "delta")


def _adaptation_of(row: sa.RowMapping) -> SourceAdaptation:
    delta = row["delta"]
    values = {name: row[name] for name in _FIELDS}
    return SourceAdaptation(**values | {"delta": None if delta is None else bytes(delta)})


def _judged(source_id: SourceId, since: datetime, limit: int) -> sa.Select[Any]:
    """Select the last mentions of a source with a verdict that counts."""
    last = (
        sa.select(_mention.c.mention_pk)
        .where(_mention.c.source_id == source_id, _mention.c.observed_at >= since)
        .order_by(_mention.c.mention_pk.desc())
        .limit(_LOOKED_AT * limit)
        .subquery()
    )
    counts = sa.exists().where(
        _verdict.c.mention_pk == last.c.mention_pk,
        _verdict.c.is_current,
        is_voice(_verdict),
    )
    return (
        sa.select(last.c.mention_pk).where(counts).order_by(last.c.mention_pk.desc()).limit(limit)
    )


def _scores(brand_id: BrandId, since: datetime, column: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return (
        sa.select(column)
        .join(_mention, _mention.c.mention_pk == _verdict.c.mention_pk)
        .where(
            _verdict.c.brand_id == brand_id,
            _verdict.c.is_current,
            is_voice(_verdict),
            _mention.c.observed_at >= since,
        )
    )
