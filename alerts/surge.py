"""Is this count unusual? Spikes by predictive tests, slow ramps by a cumulative sum.

In: the `Evidence` of one cluster and the rules. Out: one `Surge` with a named reason, whatever the
answer. Method and defaults: alerting.md 3.2 and docs/adr/0029.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil, log

import numpy as np

from alerts import baseline
from alerts.baseline import RAMP_LAG, WINDOWS, Baseline, Expectation, Floats, Ints
from alerts.grid import BrandFits, Grid
from alerts.significance import (
    Setting,
    exceeds,
    most_by_chance,
    ramp_path,
    rises,
    settings_of,
    tail,
    tail_after_one,
    voices_in,
)
from config.schema import SurgeRules
from storage.records import Evidence, Surge

DAY_WINDOW = WINDOWS.index(24)
RECHECK_HOURS = 48  # decisions.md 4: late posts may complete a window that ended in the last 48 h
_RARE = 1e-5  # from here a quiet answer says what else was missing than being unusual
_FAN = 8  # counts looked at together: a tail costs as much as all that is around it
AUTHOR_DAYS = 7  # Evidence lists authors of so many days


@dataclass(frozen=True, slots=True)
class _Case:
    """One cluster at one instant: what is usual in it, and what it is judged by."""

    evidence: Evidence
    rules: SurgeRules
    grid: Grid
    places: Ints
    base: Baseline


@dataclass(frozen=True, slots=True)
class _Posts:
    """What one setting may count: grid hours of distinct authors' first posts, ascending.

    `heard` are running sums of voices, one longer than `times`. `counter` names the field of
    HourCount that counts the same authors.
    """

    times: Floats
    heard: Floats
    counter: str


@dataclass(frozen=True, slots=True)
class _Test:
    """The window that tells most at one setting: what it held, and what it would need to fire.

    `mean` and `variance` are of people; `voices` are mean and variance of voices, and how many are
    usual in a month.
    """

    setting: Setting
    hours: int
    end: float
    observed: int
    mean: float
    variance: float
    voices: tuple[float, float, float]
    watched_hours: float
    p_value: float
    fired: bool


def detect(
    evidence: Evidence,
    rules: SurgeRules,
    now: datetime,
    *,
    opened_at: datetime | None = None,
    since: datetime | None = None,
    fits: BrandFits | None = None,
) -> Surge:
    """Compare what was observed in the last 1 to 24 hours with what is usual.

    Windows end at `now`, and also where the most authors of the last 48 h stood together: late
    posts still count in the hour they were written. Only authors of sure, fresh mentions can fire
    the page setting, and only with words of their own: who merely repeats another's text is in
    `evidence.copiers`. The watch setting counts unsure ones and copies, too. While the whole brand
    is lifted (`evidence.pulse`), that much more is expected.
    `opened_at` of an incident that is still open: seven days from here on stay out of the baseline,
    so that it does not become its own normal. `since`: authors before it are not counted (a closed
    incident reopens on what came after it). `fits`: where
    clusters of one brand are asked about in a row, what their brand is like is found once.
    """
    grid = Grid(evidence, now)
    places = grid.places(evidence.hours)
    case = _Case(evidence, rules, grid, places, grid.baseline(evidence, places, opened_at, fits))
    cut = float("-inf") if since is None else grid.at(since)
    live = grid.times(evidence.live_authors, cut, evidence.copiers)
    watch = grid.times(evidence.watch_authors, cut)
    if not watch.size and not live.size:
        return _nothing(case)
    page, glance = settings_of(rules)
    for setting, times, counter in ((page, live, "live"), (glance, watch, "watch")):
        posts = _Posts(times, _heard(case, times), counter)
        test = _window_test(case, setting, posts, is_last=setting is glance)
        if test is not None and test.fired:
            return _answer(case, "spike", f"spike_{setting.name}", test)
        ramp = _ramp(case, setting, posts)
        if ramp is not None:
            return ramp
    assert test is not None  # the last setting's tells also why nothing fired
    return _answer(case, "none", _why_quiet(test, rules), test)


def _heard(case: _Case, times: Floats) -> Floats:
    """Return the running sums of voices over authors in time, one longer than `times`."""
    if not times.size:
        return np.zeros(1)
    base = case.base
    level = baseline.expect(base, np.array([case.grid.end]), 0).level[0]
    season = np.diff(base.season_sum)[np.maximum(times, 0.0).astype(np.int64)]
    return np.concatenate([[0.0], np.cumsum(voices_in(times, level * season, base.slot_phi))])


def _window_test(
    case: _Case, setting: Setting, posts: _Posts, *, is_last: bool = True
) -> _Test | None:
    """Test each window where it ends now and where it held the most authors of the last 48 h.

    Returns the one that is least likely among those that fire, else among all; where none fires
    and this is not the last setting, None: nobody asks which it would have been.
    """
    windows, ends, first, last = _windows(posts.times, case.grid)
    observed = (last - first).astype(np.float64)
    heard = posts.heard[last] - posts.heard[first]
    usual = _expect(case, ends, windows)
    mean, variance, looks = baseline.voices(case.base, usual, windows)
    authors = case.rules.min_authors
    fired = exceeds(observed, usual.mean, usual.variance, setting, authors=authors)
    fired |= rises(observed, heard, mean, variance, looks, setting, authors=authors)
    if not is_last and not fired.any():
        return None
    p = np.minimum(tail(observed, usual.mean, usual.variance), tail(heard, mean, variance))
    i = int(np.argmin(np.where(fired, p, p + 1.0)) if fired.any() else np.argmin(p))
    return _Test(
        setting,
        WINDOWS[windows[i]],
        float(ends[i]),
        int(observed[i]),
        float(usual.mean[i]),
        float(usual.variance[i]),
        (float(mean[i]), float(variance[i]), float(looks[i])),
        float(usual.watched_hours[i]),
        float(p[i]),
        bool(fired[i]),
    )


def _windows(times: Floats, grid: Grid) -> tuple[Ints, Floats, Ints, Ints]:
    """Return index of width, end, and the first author inside and the first after it, of each."""
    late = times[times > grid.end - RECHECK_HOURS]
    ends = np.append(late, grid.end)
    upto = np.searchsorted(times, ends, side="right")
    rows = []
    for window, width in enumerate(WINDOWS):
        begin = np.searchsorted(times, ends - width, side="right")
        held = upto - begin
        fullest = len(ends) - 2 - int(np.argmax(held[-2::-1])) if len(ends) > 1 else 0
        rows += [(window, one, begin[one]) for one in {fullest, len(ends) - 1}]
    rows.sort()
    chosen = np.array([one for _, one, _ in rows])
    windows = np.array([window for window, _, _ in rows])
    return windows, ends[chosen], np.array([begin for _, _, begin in rows]), upto[chosen]


def _expect(case: _Case, ends: Floats, windows: Ints | int, lag: int | None = None) -> Expectation:
    grid = case.grid
    widths = np.take(WINDOWS, windows) + np.zeros_like(ends)
    return baseline.expect(
        case.base,
        ends,
        windows,
        lag=lag,
        caught_up=grid.caught_up(ends, widths),
        lift=grid.lift(case.evidence.pulse, ends),
    )


def _within(times: Floats, ends: Floats, width: float) -> Floats:
    """Count the times inside (end - width, end] for each end."""
    upto = np.searchsorted(times, ends, side="right")
    held: Floats = (upto - np.searchsorted(times, ends - width, side="right")).astype(np.float64)
    return held


def _ramp(case: _Case, setting: Setting, posts: _Posts) -> Surge | None:
    """Run the cumulative sum over the last 14 days; None when it stands below the threshold."""
    rules, grid = case.rules, case.grid
    if posts.times.size < rules.min_authors:
        return None
    ends = grid.ramp_ends()
    x = daily_counts(grid.counts(case.evidence.hours, case.places, posts.counter), ends)
    own = ends - 24 >= grid.end - AUTHOR_DAYS * 24
    x[own] = _within(posts.times, ends[own], 24)
    usual = _expect(case, ends, DAY_WINDOW, lag=RAMP_LAG)
    path = ramp_path(x, usual.mean, usual.variance, cap=rules.ramp_page)
    if path[-1] < setting.ramp:
        return None
    mean, variance = float(usual.mean[-1]), float(usual.variance[-1])
    p = float(tail(x[-1:], usual.mean[-1:], usual.variance[-1:])[0])
    last = _Test(
        setting, 24, float(ends[-1]), int(x[-1]), mean, variance, (mean, variance, 1.0),
        float(usual.watched_hours[-1]), p, fired=True,
    )  # fmt: skip
    missing = setting.ramp - (path[-2] if len(path) > 1 else 0.0)
    enough = (mean + 4.0 * missing * variance / mean) / log(2.0)
    return _answer(case, "ramp", f"ramp_{setting.name}", last, threshold=ceil(enough))


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
    if test.p_value >= _RARE:
        return "not_unusual"
    if test.observed < rules.min_authors:
        return "below_min_authors"
    return "below_ratio" if test.observed < rules.watch_ratio * test.mean else "not_unusual"


def _answer(
    case: _Case, kind: str, reason: str, test: _Test, *, threshold: float | None = None
) -> Surge:
    pulse = case.evidence.pulse
    lift = float(case.grid.lift(pulse, np.array([test.end]))[0])
    if kind == "none" and lift > 1.0 and pulse is not None:
        reason = pulse.reason
    if threshold is None:
        threshold = _threshold(test, case.rules)
    return Surge(
        kind=kind,
        setting="" if kind == "none" else test.setting.name,
        window_hours=test.hours,
        observed=test.observed,
        expected=test.mean,
        p_value=test.p_value,
        ratio=test.observed / test.mean,
        threshold=float(max(case.rules.min_authors, threshold)),
        reason=reason,
        baseline_days=test.watched_hours / 24,
        ended_at=case.grid.instant(test.end),
        scope="brand" if case.evidence.is_brand else "cluster",
        lift=lift,
    )


def _threshold(test: _Test, rules: SurgeRules) -> int:
    """Find the smallest count that fires this window when each person is a voice of his own."""
    setting = test.setting
    mean, variance, looks = test.voices
    chance = float(most_by_chance(setting, looks))
    by_people = _least(tail, test.mean, test.variance, setting.alpha)
    by_voices = max(_least(tail_after_one, mean, variance, chance), ceil(setting.ratio * mean))
    return max(rules.min_authors, ceil(setting.ratio * test.mean), min(by_people, by_voices))


def _least(
    chance: Callable[[Floats, Floats, Floats], Floats], mean: float, variance: float, alpha: float
) -> int:
    """Return the smallest count above one that is reached with a chance below `alpha`."""
    least, step = max(2, ceil(mean)), _FAN
    while (found := _rare_block(chance, mean, variance, alpha, least, step)) is None:
        least, step = least + step * _FAN, step * _FAN
    least += step * found
    while step > 1:
        step //= _FAN
        least += step * (_rare_block(chance, mean, variance, alpha, least, step) or 0)
    return least


def _rare_block(  # noqa: PLR0917 - a step of _least
    chance: Callable[[Floats, Floats, Floats], Floats],
    mean: float,
    variance: float,
    alpha: float,
    least: int,
    step: int,
) -> int | None:
    """Return which of the next blocks of `step` counts ends rarer than `alpha`; None: no one.

    The chance falls as counts grow, so a block's last count tells of all.
    """
    ends = (least - 1 + step * np.arange(1, _FAN + 1)).astype(np.float64)
    unlikely = chance(ends, np.array(mean), np.array(variance)) < alpha
    return int(np.argmax(unlikely)) if unlikely.any() else None


def _nothing(case: _Case) -> Surge:
    """Answer for a cluster nobody has written in for a week (or only history has)."""
    _, watch = settings_of(case.rules)
    none = _Posts(np.empty(0), np.zeros(1), "watch")
    test = _window_test(case, watch, none)
    assert test is not None
    return _answer(case, "none", "nothing_recent", test)
