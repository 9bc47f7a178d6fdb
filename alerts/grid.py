"""Evidence laid out in time: dense hourly counts and the places where windows end.

In: the sparse hours and author times of an `Evidence`. Out: arrays on one grid of whole UTC hours
that ends with the hour holding `now`; `surge` and `baseline` compute on these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter

import numpy as np

from alerts import baseline
from alerts.baseline import (
    HISTORY_HOURS,
    OPEN_HOURS,
    RAMP_STEP,
    RAMP_STEPS,
    Baseline,
    BrandFit,
    Floats,
    Ints,
)
from storage.records import Evidence, HourCount, Pulse

LIFT_HOURS = 24.0  # a lift holds for windows that end so near to where it was measured
POLL_SLACK_HOURS = 1  # after an outage posts arrive with the next poll, not with the next minute


class Grid:
    """Whole UTC hours up to the one that holds `now`, and evidence laid out on them."""

    def __init__(self, evidence: Evidence, now: datetime) -> None:
        self.now_s = now.timestamp()
        self.first = int(self.now_s // 3600) + 1 - HISTORY_HOURS
        self.end = self.now_s / 3600 - self.first
        self.hours = self.first + np.arange(HISTORY_HOURS, dtype=np.int64)
        self.blind = np.zeros(HISTORY_HOURS)
        for hour in evidence.blind_hours:
            index = int(self.at(hour))
            if 0 <= index < HISTORY_HOURS:
                self.blind[index] = 1.0

    def at(self, instant: datetime) -> float:
        """Return an instant as hours from the start of the grid."""
        return instant.timestamp() / 3600 - self.first

    def places(self, hours: tuple[HourCount, ...]) -> Ints:
        """Return the grid index of each hour; it may lie outside the grid."""
        seconds = np.array([item.hour.timestamp() for item in hours], dtype=np.float64)
        return (seconds // 3600).astype(np.int64) - self.first

    def counts(self, hours: tuple[HourCount, ...], places: Ints, field: str) -> Floats:
        """Lay one counter out on the grid; what lies outside it is left out."""
        values = np.array(list(map(attrgetter(field), hours)), dtype=np.float64)
        inside = (places >= 0) & (places < HISTORY_HOURS)
        out = np.zeros(HISTORY_HOURS)
        out[places[inside]] = values[inside]
        return out

    def times(
        self,
        authors: tuple[tuple[datetime, str], ...],
        since: float,
        but: frozenset[str] = frozenset(),
    ) -> Floats:
        """Return grid hours of authors' first posts, up to now (a date ahead is not believed)."""
        seconds = np.array(
            [at.timestamp() for at, author in authors if author not in but], dtype=np.float64
        )
        hours = np.sort(seconds / 3600 - self.first)
        return hours[(hours <= self.end) & (hours > since)]

    def ramp_ends(self) -> Floats:
        """Return the last 14 days' six-hourly UTC borders, the latest one not after now."""
        last = (self.first + int(self.end)) // RAMP_STEP * RAMP_STEP - self.first
        return np.arange(last - (RAMP_STEPS - 1) * RAMP_STEP, last + 1, RAMP_STEP, dtype=np.float64)

    def caught_up(self, ends: Floats, width: Floats | float) -> Floats:
        """Return how many hours before each window no source answered, right up to its start.

        What was written then arrives with the first poll afterwards, dated then or not at all; the
        window must expect it, or an outage followed by its flood would look like a surge.
        """
        if not self.blind.any():
            return np.zeros_like(ends)
        starts = (ends - width).tolist()
        return np.array([self._blind_before(start) for start in starts])

    def _blind_before(self, start: float) -> float:
        hour = int(start)
        for near in range(hour, hour - 2 - POLL_SLACK_HOURS, -1):
            if 0 <= near < HISTORY_HOURS and self.blind[near]:
                seen = np.flatnonzero(self.blind[:near] == 0)
                return max(0.0, start - (seen[-1] + 1 if seen.size else 0))
        return 0.0

    def lift(self, pulse: Pulse | None, ends: Floats) -> Floats:
        """Return how many times as much as usual the brand's other talk is at each end, >= 1."""
        if pulse is None or pulse.lift <= 1.0 or pulse.at is None:
            return np.ones_like(ends)
        lifted: Floats = np.where(np.abs(ends - self.at(pulse.at)) <= LIFT_HOURS, pulse.lift, 1.0)
        return lifted

    def instant(self, end: float) -> datetime:
        """Return the instant of a place on the grid."""
        return datetime.fromtimestamp(round((self.first + end) * 3600), UTC)

    def baseline(
        self,
        evidence: Evidence,
        places: Ints,
        opened_at: datetime | None,
        fits: BrandFits | None = None,
    ) -> Baseline:
        """Fit on days that ended at least 24 h ago, so that the fit holds for a whole UTC day.

        `places` are those of the cluster's hours; `fits` what brands were found to be like.
        """
        cluster = self.counts(evidence.hours, places, "authors")
        known_from = self._first(evidence.brand_hours)
        if evidence.brand_first_at is not None and self.at(evidence.brand_first_at) >= 0:
            known_from = min(known_from, int(self.at(evidence.brand_first_at)))
        born = self._first(evidence.hours)
        if evidence.first_at is not None:
            born = min(born, int(max(0.0, self.at(evidence.first_at))))
        cluster_watched = 1.0 - self.blind
        cluster_watched[: max(born, min(known_from, HISTORY_HOURS - 1))] = 0.0
        if opened_at is not None:
            start = int(self.at(opened_at))
            cluster_watched[max(0, start) : max(0, start + OPEN_HOURS)] = 0.0
        upto = (self.first + int(self.end) - 24) // 24 * 24 - self.first
        return baseline.fit(
            cluster,
            (fits or BrandFits()).of(self, evidence, known_from, upto),
            self.hours,
            cluster_watched=cluster_watched,
            upto=upto,
            slot_phi=_slot_phi(evidence.pulse),
            borrowed=(lent.rate, lent.weight) if (lent := evidence.borrowed) else None,
        )

    def _first(self, hours: tuple[HourCount, ...]) -> int:
        """Return the grid index from which `hours` may be taken to be complete."""
        return max(0, int(self.at(hours[0].hour))) if hours else HISTORY_HOURS


class BrandFits:
    """What whole brands were found to be like, while clusters of theirs are judged in a row.

    The last of each brand is kept: it holds for all clusters that are told of the same hours (the
    very same tuple), on the same grid.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[HourCount, ...], tuple[object, ...], BrandFit]] = {}

    def of(self, grid: Grid, evidence: Evidence, known_from: int, upto: int) -> BrandFit:
        """Return what a cluster's brand is like; `known_from` on its hours are complete."""
        hours = evidence.brand_hours
        rest = (grid.first, upto, known_from, evidence.brand_clusters, evidence.blind_hours)
        kept = self._kept.get(evidence.cluster.brand_id)
        if kept is not None and kept[0] is hours and kept[1] == rest:
            return kept[2]
        watched = 1.0 - grid.blind
        watched[:known_from] = 0.0
        found = baseline.fit_brand(
            grid.counts(hours, grid.places(hours), "authors"),
            grid.hours,
            watched=watched,
            clusters=evidence.brand_clusters,
            upto=upto,
        )
        self._kept[evidence.cluster.brand_id] = (hours, rest, found)
        return found


def _slot_phi(pulse: Pulse | None) -> float:
    """Return how bursty the brand is within ten minutes; 1 when nothing is known of it."""
    if pulse is None or not pulse.slots:
        return 1.0
    return float(baseline.dispersion_in_slots(np.array(pulse.slots, dtype=np.float64)))
