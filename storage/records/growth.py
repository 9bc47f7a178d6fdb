"""How fast something grows: what the hours of one cluster add up to, and a line of a list of them.

Figures are of the whole cluster unless a window is named; copies are counted and shown, growth is
of distinct authors, because one person may post fifty times and one text may be sent by a machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.clusters import Cluster
from storage.records.ids import ClusterId


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """Mentions of one cluster (or brand) published within one UTC hour.

    `authors` and `texts` are distinct within the hour. `live` counts distinct authors of
    mentions that may page (sure negative, not history); `watch` adds the unsure ones. `negative`
    counts mentions that are surely negative, history included, `platforms` the public ones they
    stand on; of a brand neither is counted, both are 0.
    """

    hour: datetime
    mentions: int
    authors: int
    texts: int
    live: int
    watch: int
    negative: int = 0
    platforms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What is known of the growth of a cluster at one instant.

    `hours` are the last ones that hold something, oldest first. `copies` are mentions whose text
    was in the cluster before: mentions = texts + copies. `negative` counts mentions that are surely
    negative, `platforms` the public ones. `authors_24h` wrote within the last 24 whole UTC hours
    (this one included), `authors_before_24h` within the 24 before those. `doubling_h` is the time
    in hours within which the distinct authors became twice as many; None: they do not grow, or are
    too few to say (storage.growing).
    """

    cluster_id: ClusterId
    hours: tuple[HourCount, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    mentions: int = 0
    authors: int = 0
    texts: int = 0
    copies: int = 0
    negative: int = 0
    platforms: int = 0
    doubling_h: float | None = None
    authors_24h: int = 0
    authors_before_24h: int = 0

    @property
    def copy_share(self) -> float:
        """The share of mentions that say what was said before, 0 to 1."""
        return self.copies / self.mentions if self.mentions else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthLine:
    """A cluster in a list of what grows; figures as in Growth. `incident_code`: "" for none."""

    cluster: Cluster
    mentions: int = 0
    authors: int = 0
    texts: int = 0
    copies: int = 0
    negative: int = 0
    authors_24h: int = 0
    authors_before_24h: int = 0
    doubling_h: float | None = None
    incident_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How a whole brand speaks just now, apart from the one cluster that is looked at.

    `slots` counts distinct authors of the brand per ten minutes of the 5 days that ended 48 h ago,
    whole hours. `lift` is how many times as much as usual its other clusters brought by `at`, 1.0
    when that is nothing out of the way; `reason` names why ("brand_lift", "industry_wave"), `wave`
    the competitors that rose with it, each with how many times as much as usual.
    """

    slots: tuple[int, ...] = ()
    lift: float = 1.0
    at: datetime | None = None
    reason: str = ""
    wave: tuple[tuple[str, float], ...] = ()
