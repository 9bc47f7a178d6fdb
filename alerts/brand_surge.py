"""How a whole brand speaks: whether the rise of one cluster is only its share of a general one.

In: hourly counts of a brand, of the cluster looked at, and of the next loudest. Out: a Pulse, by
which detection multiplies what it expects (alerting.md 3.4: a marketing day fires at brand level
only). Constants measured in docs/adr/0029.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from alerts import baseline
from alerts.baseline import WINDOWS
from alerts.grid import Grid
from alerts.significance import tail
from storage.records import Evidence, HourCount, Pulse

# A lift must be as sure as a scientific claim and plain to see; otherwise nobody is excused.
_SURE = 1e-3
_PLAIN = 1.5
_SPANS = (6, 24)  # hours over which a whole brand rises and falls; one hour of it is noise


def pulse_of(
    evidence: Evidence,
    others: tuple[HourCount, ...],
    competitors: Iterable[tuple[str, tuple[HourCount, ...]]],
    at: datetime,
    slots: tuple[int, ...] = (),
) -> Pulse:
    """Measure how many times as much as usual a brand's other clusters brought by `at`.

    `others` are the hours of the brand without the cluster of `evidence` and without the loudest of
    the rest: a crisis is not its own excuse, nor are its pieces each other's. `competitors` are
    names with their brands' hours; they are looked at only when the brand itself is lifted.
    """
    lift = times_usual(evidence, others, at)
    if lift <= 1.0:
        return Pulse(slots=slots)
    rose = ((name, times_usual(evidence, hours, at)) for name, hours in competitors)
    wave = sorted((one for one in rose if one[1] > 1.0), key=lambda one: (-one[1], one[0]))
    reason = "industry_wave" if wave else "brand_lift"
    return Pulse(slots=slots, lift=lift, at=at, reason=reason, wave=tuple(wave))


def times_usual(evidence: Evidence, hours: Sequence[HourCount], at: datetime) -> float:
    """Return how many times as much as usual these hours held by `at`; 1 when that is not plain.

    `evidence` tells which hours nobody saw. The longer and the shorter span are asked, the one that
    rose more counts.
    """
    if not hours:
        return 1.0
    whole = replace(
        evidence,
        hours=tuple(hours),
        brand_hours=tuple(hours),
        brand_clusters=1,
        first_at=hours[0].hour,
        brand_first_at=hours[0].hour,
    )
    grid = Grid(whole, at)
    places = grid.places(whole.hours)
    base = grid.baseline(whole, places, None)
    end = float(int(grid.end) + 1)  # the hours are whole, also the one that is not over
    counts = np.concatenate([[0.0], np.cumsum(grid.counts(whole.hours, places, "watch"))])
    found = 1.0
    for span in _SPANS:
        usual = baseline.expect(
            base,
            np.array([grid.end]),
            WINDOWS.index(span),
            caught_up=grid.caught_up(np.array([grid.end]), float(span)),
        )
        seen = counts[int(end)] - counts[int(end) - span]
        ratio = seen / float(usual.mean[0])
        p = tail(np.array([seen]), usual.mean, usual.variance)[0]
        if ratio >= _PLAIN and p < _SURE:
            found = max(found, ratio)
    return float(round(found, 2))
