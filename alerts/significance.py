"""How unlikely a count is by chance: the tests that `surge` and the simulation both run.

In: what was observed and what is usual, as arrays. Out: which windows fire. Method: alerting.md 3.2
and docs/adr/0029.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from alerts.baseline import SLOTS, Bools, Floats
from config.schema import SurgeRules

# Not even the quietest cluster may fire on what happens by chance in one window of a hundred.
P_CAP = 0.01


@dataclass(frozen=True, slots=True)
class Setting:
    """The figures of one of the two settings: "page" wakes people, "watch" is for the digest."""

    name: str
    alpha: float
    monthly: float
    ratio: float
    ramp: float


def settings_of(rules: SurgeRules) -> tuple[Setting, Setting]:
    """Return the settings, the one that wakes people first."""
    return (
        Setting("page", rules.page_alpha, rules.page_monthly, rules.page_ratio, rules.ramp_page),
        Setting(
            "watch", rules.watch_alpha, rules.watch_monthly, rules.watch_ratio, rules.ramp_watch
        ),
    )


def tail(observed: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return P(X >= observed) for a negative binomial X of this mean and variance.

    Shape: element by element. `observed` need not be whole. The variance must exceed the mean, as
    it does for every `baseline.expect` (kappa is at least 0.15).
    """
    from scipy.special import betainc  # costs 50 ms of start-up

    size = mean**2 / np.maximum(variance - mean, 1e-12)
    share = mean / (size + mean)
    p: Floats = np.where(observed > 0, betainc(np.maximum(observed, 1e-9), size, share), 1.0)
    return p


def exceeds(
    observed: Floats, mean: Floats, variance: Floats, setting: Setting, *, authors: int
) -> Bools:
    """Say which windows fire by people: enough, enough times the usual, too unlikely by chance.

    Shape: element by element, answer is boolean. The tail is computed only where the cheap
    conditions already hold.
    """
    fired: Bools = (observed >= authors) & (observed >= setting.ratio * mean)
    if fired.any():
        fired[fired] = tail(observed[fired], mean[fired], variance[fired]) < setting.alpha
    return fired


def voices_in(times: Floats, level: Floats | float, slot_phi: Floats | float) -> Floats:
    """Return what each author adds to the voices, in [0, 1].

    Shape: `times` (n,) ascending, in hours; `level` (n,) is the usual rate an hour at each. In
    a slot that usually holds s bursts the j-th person (from 0) is a burst of his own with chance
    s / (s + j): the expected number of bursts among n negative binomial posts (Antoniak 1974).
    """
    slots = np.floor(times * SLOTS)
    rank = np.arange(times.size) - np.searchsorted(slots, slots, side="left")
    usual = np.asarray(level) / SLOTS / np.maximum(np.asarray(slot_phi) - 1.0, 1e-6)
    added: Floats = usual / (usual + rank)
    return added


def rises(  # noqa: PLR0917 - what was seen, what is usual, how strict
    observed: Floats,
    heard: Floats,
    mean: Floats,
    variance: Floats,
    looks: Floats,
    setting: Setting,
    *,
    authors: int,
) -> Bools:
    """Say which windows fire by voices that came one after the other.

    Shape: element by element. `heard`, `mean`, `variance` and `looks` (usual voices a month) are in
    voices, `observed` in people. A window can only fire when a voice has just come, so the chance
    of the rest, times how often a voice comes, is what a month of quiet would bring by chance:
    that must stay below the setting's `monthly`. So a quiet cluster is asked less than a busy one.
    """
    fired: Bools = (observed >= authors) & (heard >= setting.ratio * mean) & (heard > 1.0)
    if fired.any():
        chance = tail_after_one(heard[fired], mean[fired], variance[fired])
        fired[fired] = chance < most_by_chance(setting, looks[fired])
    return fired


def most_by_chance(setting: Setting, looks: Floats | float) -> Floats:
    """Return how likely a window may be that fires, `looks` being the usual voices a month."""
    limit: Floats = np.minimum(setting.monthly / np.asarray(looks), P_CAP)
    return limit


def tail_after_one(heard: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the chance of `heard` or more in a window, given that one of them has just come.

    Shape: element by element, `heard` above 1. Where one has come the hidden rate of a negative
    binomial is likely a high one: the rest is negative binomial with one more in its size.
    """
    from scipy.special import betainc  # costs 50 ms of start-up

    size = mean**2 / np.maximum(variance - mean, 1e-12)
    p: Floats = betainc(np.maximum(heard - 1.0, 1e-9), size + 1.0, mean / (size + mean))
    return p


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
