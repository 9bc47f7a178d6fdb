"""How much of what was said could be seen at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.ids import BrandId, SourceId


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCover:
    """Which hours of a range one source was there for (`hours`), which it saw late or never."""

    source_id: SourceId
    name: str
    brands: tuple[BrandId, ...]
    cause: str = ""
    hours: tuple[datetime, ...] = ()
    late: tuple[datetime, ...] = ()
    lost: tuple[datetime, ...] = ()
    last_ok_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How much of a range was seen, per brand and hour (see storage.completeness)."""

    since: datetime
    until: datetime
    brands: tuple[BrandId, ...] = ()
    sources: tuple[SourceCover, ...] = ()

    def share(self, brand_id: BrandId, hour: datetime) -> float | None:
        """Return the share of a brand's sources that saw an hour, None when there were none."""
        there = [one for one in self.sources if brand_id in one.brands and hour in one.hours]
        seen = sum(hour not in one.lost for one in there)
        return seen / len(there) if there else None

    def of_brand(self, brand_id: BrandId) -> float | None:
        """Return the share of a brand's source hours that were seen, None when there were none."""
        there = [one for one in self.sources if brand_id in one.brands and one.hours]
        hours = sum(len(one.hours) for one in there)
        return 1 - sum(len(one.lost) for one in there) / hours if hours else None
