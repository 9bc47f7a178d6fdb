"""Is this count unusual? Spikes by a predictive test, slow ramps by a cumulative sum.

In: the `Evidence` of one cluster and the rules. Out: one `Surge` with a named reason, whatever the
answer. `tail`, `exceeds` and `ramp_path` are the detector; the simulation runs the same three.
Method and defaults: alerting.md 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil, log

import numpy as np

from alerts import baseline
from alerts.baseline import RAMP_LAG, WINDOWS, Baseline, Bools, Floats
from alerts.grid import Grid
from config.schema import SurgeRules
from storage.records import Evidence, Surge

DAY_WINDOW = WINDOWS.index(24)
RECHECK_HOURS = 48  # decisions.md 4: late posts may complete a window that ended in the last 48 h
AUTHOR_DAYS = 7  # Evidence lists authors of so many days


@dataclass(frozen=True, slots=True)
class _Setting:
    """The figures of one of the two settings, with the authors it may count."""

    name: str
    alpha: float
    ratio: float
    ramp: float
    times: Floats  # grid hours of distinct authors' first posts, ascending
    counter: str  # the field of HourCount that counts the same authors


@dataclass(frozen=True, slots=True)
class _Test:
    """One window that was tested. `fired` is None for a ramp, which is not decided by its tail."""

    setting: _Setting
    hours: int
    end: float
    observed: int
    mean: float
    variance: float
    watched_hours: float
    p_value: float
    fired: bool | None = None


# --- the detector ------------------------------------------------------------------------------


def tail(observed: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return P(X >= observed) for a negative binomial X of this mean and variance.

    Shape: element by element. The variance must exceed the mean, as it does for every
    `baseline.expect` (kappa is at least 0.15).
    """
    from scipy.special import betainc  # costs 50 ms of start-up

    size = mean**2 / np.maximum(variance - mean, 1e-12)
    share = mean / (size + mean)
    p: Floats = np.where(observed > 0, betainc(np.maximum(observed, 1e-9), size, share), 1.0)
    return p


def exceeds(
    observed: Floats, mean: Floats, variance: Floats, *, alpha: float, ratio: float, authors: int
) -> Bools:
    """Say which windows fire: enough people, enough times the usual, and too unlikely by chance.

    Shape: element by element, answer is boolean. The tail is computed only where the cheap
    conditions already hold.
    """
    fired: Bools = (observed >= authors) & (observed >= ratio * mean)
    if fired.any():
        fired[fired] = tail(observed[fired], mean[fired], variance[fired]) < alpha
    return fired


def ramp_path(
    observed: Floats, mean: Floats, variance: Floats, *, cap: float, start: Floats | float = 0.0
) -> Floats:
    """Return the cumulative sum after each 6-hour step, for a doubling of the daily count.

    Shape: (..., steps) in and out. The sum stops at `cap` (the page threshold): it then says "still
    rising" no longer than counts stay up, which does for a stateless detector what a reset after
    firing does for one that remembers. Source: Lorden's bound for a log-likelihood-ratio CUSUM;
    the quarter is for overlapping windows (alerting.md 3.2).
    """
    gain = 0.25 * (observed * log(2.0) - mean) * mean / variance
    if gain.ndim == 1:  # one cluster: plain floats are ten times as fast as arrays of one
        level, levels = float(start), []
        for step in gain.tolist():
            level = min(max(level + step, 0.0), cap)
            levels.append(level)
        return np.array(levels)
    path = np.empty_like(gain)
    sums = np.zeros(gain.shape[:-1]) + start
    for column in range(gain.shape[-1]):
        sums = np.minimum(np.maximum(sums + gain[..., column], 0.0), cap)
        path[..., column] = sums
    return path


# --- one cluster ---------------------------------------------------------------------------------


def detect(
    evidence: Evidence,
    rules: SurgeRules,
    now: datetime,
    *,
    opened_at: datetime | None = None,
    since: datetime | None = None,
) -> Surge:
    """Compare what was observed in the last 1, 6 and 24 hours with what is usual.

    Windows end at `now`, and also where the most authors of the last 48 h stood together: late
    posts still count in the hour they were written. Only authors of sure, fresh mentions can fire
    the page setting; the watch setting counts unsure ones too.
    `opened_at` of an incident that is still open: seven days from here on stay out of the baseline,
    so that it does not become its own normal. `since`: authors before it are not counted (a closed
    incident reopens on what came after it).
    """
    grid = Grid(evidence, now)
    places = grid.places(evidence.hours)
    base = grid.baseline(evidence, places, opened_at)
    cut = float("-inf") if since is None else grid.at(since)
    live = grid.times(evidence.live_authors, cut)
    watch = grid.times(evidence.watch_authors, cut)
    settings = (
        _Setting("page", rules.page_alpha, rules.page_ratio, rules.ramp_page, live, "live"),
        _Setting("watch", rules.watch_alpha, rules.watch_ratio, rules.ramp_watch, watch, "watch"),
    )
    if not watch.size and not live.size:
        return _nothing(base, grid, rules)
    tests: list[_Test] = []
    for setting in settings:
        tests = _window_tests(setting, base, grid, rules)
        fired = [test for test in tests if test.fired]
        if fired:
            return _answer("spike", f"spike_{setting.name}", _rarest(fired), rules, grid)
        hourly = grid.counts(evidence.hours, places, setting.counter)
        ramp = _ramp(setting, base, grid, rules, hourly)
        if ramp is not None:
            return ramp
    rarest = _rarest(tests)
    return _answer("none", _why_quiet(rarest, rules), rarest, rules, grid)


def _rarest(tests: list[_Test]) -> _Test:
    return min(tests, key=lambda test: (test.p_value, test.hours))


def _window_tests(setting: _Setting, base: Baseline, grid: Grid, rules: SurgeRules) -> list[_Test]:
    """Test each window where it ends now and where it held the most authors of the last 48 h."""
    tests = []
    for window, width in enumerate(WINDOWS):
        late = setting.times[setting.times > grid.end - RECHECK_HOURS]
        ends = np.append(late, grid.end)
        held = _within(setting.times, ends, width)
        fullest = len(ends) - 2 - int(np.argmax(held[-2::-1])) if len(ends) > 1 else 0
        chosen = np.unique([fullest, len(ends) - 1])
        ends, x = ends[chosen], held[chosen]
        usual = baseline.expect(base, ends, window, caught_up=grid.caught_up(ends, width))
        fired = exceeds(
            x,
            usual.mean,
            usual.variance,
            alpha=setting.alpha,
            ratio=setting.ratio,
            authors=rules.min_authors,
        )
        p = tail(x, usual.mean, usual.variance)
        tests += [
            _Test(
                setting,
                width,
                float(ends[i]),
                int(x[i]),
                float(usual.mean[i]),
                float(usual.variance[i]),
                float(usual.watched_hours[i]),
                float(p[i]),
                bool(fired[i]),
            )
            for i in range(len(ends))
        ]
    return tests


def _within(times: Floats, ends: Floats, width: float) -> Floats:
    """Count the times inside (end - width, end] for each end."""
    upto = np.searchsorted(times, ends, side="right")
    held: Floats = (upto - np.searchsorted(times, ends - width, side="right")).astype(np.float64)
    return held


def _ramp(
    setting: _Setting, base: Baseline, grid: Grid, rules: SurgeRules, hourly: Floats
) -> Surge | None:
    """Run the cumulative sum over the last 14 days; None when it stands below the threshold."""
    if setting.times.size < rules.min_authors:
        return None
    ends = grid.ramp_ends()
    x = daily_counts(hourly, ends)
    own = ends - 24 >= grid.end - AUTHOR_DAYS * 24
    x[own] = _within(setting.times, ends[own], 24)
    usual = baseline.expect(
        base, ends, DAY_WINDOW, lag=RAMP_LAG, caught_up=grid.caught_up(ends, 24)
    )
    path = ramp_path(x, usual.mean, usual.variance, cap=rules.ramp_page)
    if path[-1] < setting.ramp:
        return None
    mean, variance = float(usual.mean[-1]), float(usual.variance[-1])
    p = float(tail(x[-1:], usual.mean[-1:], usual.variance[-1:])[0])
    last = _Test(
        setting, 24, float(ends[-1]), int(x[-1]), mean, variance,
        float(usual.watched_hours[-1]), p,
    )  # fmt: skip
    missing = setting.ramp - (path[-2] if len(path) > 1 else 0.0)
    enough = (mean + 4.0 * missing * variance / mean) / log(2.0)
    return _answer("ramp", f"ramp_{setting.name}", last, rules, grid, threshold=ceil(enough))


def daily_counts(hourly: Floats, ends: Floats) -> Floats:
    """Sum the 24 whole hours before each end; (..., H) and (E,) give (..., E)."""
    sums = np.concatenate([np.zeros((*hourly.shape[:-1], 1)), np.cumsum(hourly, -1)], axis=-1)
    last = ends.astype(np.int64)
    counts: Floats = sums[..., last] - sums[..., np.maximum(last - 24, 0)]
    return counts


def _why_quiet(test: _Test, rules: SurgeRules) -> str:
    """Name the first condition of the watch setting that the rarest window did not meet."""
    if test.observed == 0:
        return "nothing_recent"
    if test.p_value >= rules.watch_alpha:
        return "not_unusual"
    return "below_min_authors" if test.observed < rules.min_authors else "below_ratio"


def _answer(
    kind: str,
    reason: str,
    test: _Test,
    rules: SurgeRules,
    grid: Grid,
    *,
    threshold: float | None = None,
) -> Surge:
    if threshold is None:
        threshold = _threshold(test, rules)
    return Surge(
        kind=kind,
        setting="" if kind == "none" else test.setting.name,
        window_hours=test.hours,
        observed=test.observed,
        expected=test.mean,
        p_value=test.p_value,
        ratio=test.observed / test.mean,
        threshold=float(max(rules.min_authors, threshold)),
        reason=reason,
        baseline_days=test.watched_hours / 24,
        ended_at=grid.instant(test.end),
    )


def _threshold(test: _Test, rules: SurgeRules) -> int:
    """Find the smallest count that fires this window at this setting."""
    least = max(rules.min_authors, ceil(test.setting.ratio * test.mean))
    size = 64
    while True:
        counts = np.arange(least, least + size, dtype=np.float64)
        unlikely = tail(counts, np.array(test.mean), np.array(test.variance)) < test.setting.alpha
        if unlikely.any():
            return least + int(np.argmax(unlikely))
        least, size = least + size, size * 4


def _nothing(base: Baseline, grid: Grid, rules: SurgeRules) -> Surge:
    """Answer for a cluster nobody has written in for a week (or only history has)."""
    usual = baseline.expect(base, np.array([grid.end]), DAY_WINDOW)
    setting = _Setting("watch", rules.watch_alpha, rules.watch_ratio, rules.ramp_watch,
                       np.empty(0), "watch")  # fmt: skip
    test = _Test(setting, 24, grid.end, 0, float(usual.mean[0]), float(usual.variance[0]),
                 float(usual.watched_hours[0]), 1.0)  # fmt: skip
    return _answer("none", "nothing_recent", test, rules, grid)
