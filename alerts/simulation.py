"""Streams with known events, run through the shipped detector.

Rates, burstiness, backgrounds and events after alerting.md 3.3. Only the streams are made up: the
baseline, the window tests and the ramp are the functions that `surge.detect` runs, over many
streams at once. In: a random generator. Out: streams, events, and what fired when.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from alerts import baseline
from alerts.baseline import (
    HISTORY_HOURS,
    PULSE_HOURS,
    PULSE_LAG_HOURS,
    RAMP_LAG,
    WINDOWS,
    Baseline,
    Bools,
    Floats,
)
from alerts.significance import exceeds, ramp_path, rises, settings_of
from alerts.surge import DAY_WINDOW, daily_counts
from config.schema import SurgeRules

RATES = (0.05, 0.3, 2.0, 10.0)  # posts an hour
PHIS = (1.0, 2.0)  # Poisson and bursty
EVENTS = ("spike", "step", "viral", "ramp")
SETTINGS = ("page", "watch")

BIN = 6  # bins an hour
DAY = 24 * BIN
DAYS = 30
LEAD = WINDOWS[-1] * BIN  # bins before the first judged day: what its windows look back on
_WARM = HISTORY_HOURS  # hours before the first judged day
_BRAND_RATE, _BRAND_CLUSTERS = 13.0, 20  # the mean of the mix 60/25/12/3 % is 0.65 an hour
ONSET_DAY = 10
_HOURS = {"spike": 3, "step": 24, "viral": 36, "ramp": 360}


@dataclass(frozen=True, slots=True)
class Background:
    """How far the profile the detector learns is off, and how far the level wanders in a week.

    `bursts`: whether bursty people come within the same ten "minutes" or the same "hours".
    """

    name: str
    shift_h: int
    wander: float
    bursts: str = "minutes"


BACKGROUNDS = (
    Background("clean", 0, 0.0),
    Background("mild", 1, 0.10),
    Background("hard", 3, 0.20),
)
# Not in alerting.md: bursts an hour long, which no ten minutes tell from an event.
SLOW_BURSTS = Background("slow_bursts", 0, 0.0, "hours")


@dataclass(frozen=True, slots=True)
class Streams:
    """A batch of streams.

    Shapes: `hourly` (S, hours), `bins` and `means` (S, bins), `brand` (hours,), `slots` (its ten
    minutes). `bins` begin a day before the first judged one; `means` are what they were drawn from.
    """

    rates: Floats
    phi: float
    background: Background
    hourly: Floats
    bins: Floats
    means: Floats
    brand: Floats
    slots: Floats


@dataclass(frozen=True, slots=True)
class Fires:
    """What the detector said at each bin of the judged days, (S, bins) per setting."""

    fired: dict[str, Bools]
    daily: Floats


@dataclass(frozen=True, slots=True)
class Event:
    """Extra posts of one kind: `first` and `last` are bins of the judged days, (S,)."""

    kind: str
    extra: Floats
    first: baseline.Ints
    last: baseline.Ints


# --- making streams ------------------------------------------------------------------------------


def make_streams(
    chance: np.random.Generator, phi: float, background: Background, streams: int
) -> Streams:
    """Draw `streams` streams of each rate, with 49 days before the first judged one."""
    hours = np.arange(_WARM + 24 * DAYS)
    season = _season(hours)
    rates = np.repeat(np.array(RATES), streams)
    level = np.ones((rates.size, hours.size))
    if background.wander:
        steps = chance.normal(0.0, background.wander / sqrt(baseline.WEEK), level.shape)
        walk = np.cumsum(steps, axis=-1)
        level = np.exp(walk - walk[:, _WARM, None])
    means = rates[:, None] * season * level
    first = _WARM - LEAD // BIN
    bin_means = np.repeat(means[:, first:] / BIN, BIN, axis=-1)
    bins = _draw(chance, bin_means, phi, background.bursts)
    hourly = _draw(chance, means, phi, "minutes")  # of whole hours both kinds are the same
    hourly[:, first:] = bins.reshape(rates.size, -1, BIN).sum(-1)
    usual = np.repeat(_BRAND_RATE / BIN * _season(hours - background.shift_h), BIN)
    slots = _draw(chance, usual, phi, background.bursts)
    brand = slots.reshape(-1, BIN).sum(-1)
    return Streams(rates, phi, background, hourly, bins, bin_means, brand, slots)


def make_event(chance: np.random.Generator, streams: Streams, kind: str) -> Event:
    """Draw the extra posts of one event per stream, beginning at any time of the eleventh day.

    spike: ten times the usual on top for 3 h; step: five times as much for 24 h; viral: half a post
    an hour on top, doubling every 4 h for 36 h; ramp: the rate doubles every 5 days for 15 days.
    """
    length = _HOURS[kind] * BIN
    first = ONSET_DAY * DAY + chance.integers(0, DAY, streams.rates.size)
    place = np.arange(DAYS * DAY)
    since = place - first[:, None]
    inside = (since >= 0) & (since < length)
    hours = np.where(inside, since, 0) / BIN
    usual = streams.means[:, LEAD:]
    match kind:
        case "spike":
            extra = 10.0 * usual
        case "step":
            extra = 4.0 * usual
        case "viral":
            extra = 0.5 * 2.0 ** (hours / 4.0) / BIN
        case _:
            extra = usual * (2.0 ** (hours / 120.0) - 1.0)
    drawn = _draw(chance, np.where(inside, extra, 0.0), streams.phi, streams.background.bursts)
    return Event(kind, drawn, first, first + length - 1)


def with_event(streams: Streams, event: Event) -> Streams:
    """Add the posts of an event to its streams."""
    bins = streams.bins.copy()
    bins[:, LEAD:] += event.extra
    hourly = streams.hourly.copy()
    hourly[:, _WARM - LEAD // BIN :] = bins.reshape(bins.shape[0], -1, BIN).sum(-1)
    return replace(streams, hourly=hourly, bins=bins)


def _season(hours: baseline.Ints) -> Floats:
    """Return a lifelike week, mean 1: quiet nights, two peaks a day, less on two days of seven."""
    clock = 2 * np.pi * (hours % 24) / 24
    day = 1.0 - 0.55 * np.cos(clock) - 0.2 * np.cos(2 * clock)
    week = np.where(hours // 24 % 7 >= 5, 0.8, 1.08)
    return np.asarray(day * week)


def _draw(chance: np.random.Generator, means: Floats, phi: float, bursts: str) -> Floats:
    """Draw counts of ten minutes of variance phi times the mean (Poisson for phi = 1).

    Shape: as `means`. In "minutes" each count is negative binomial; in "hours" the sum of an hour
    is, and its posts lie anywhere in it.
    """
    if phi == 1.0:
        return chance.poisson(means).astype(np.float64)
    if bursts == "minutes":
        size = np.maximum(means / (phi - 1.0), 1e-12)
        drawn: Floats = chance.negative_binomial(size, 1.0 / phi).astype(np.float64)
        return drawn
    hourly = means.reshape(*means.shape[:-1], -1, BIN).sum(-1)
    wild = chance.gamma(np.maximum(hourly / (phi - 1.0), 1e-12), phi - 1.0)
    factor = np.where(hourly > 0, wild / np.maximum(hourly, 1e-12), 0.0)
    mixed: Floats = chance.poisson(means * np.repeat(factor, BIN, axis=-1)).astype(np.float64)
    return mixed


# --- running the detector ------------------------------------------------------------------------


def run(streams: Streams, rules: SurgeRules, days: range = range(DAYS)) -> Fires:
    """Run window tests every ten minutes and the ramp every six hours over the given days."""
    shape = (streams.rates.size, DAYS * DAY)
    settings = settings_of(rules)
    fired = {setting.name: np.zeros(shape, dtype=np.bool_) for setting in settings}
    sums = np.cumsum(np.pad(streams.bins, ((0, 0), (1, 0))), axis=-1)
    daily = sums[:, LEAD + 1 :] - sums[:, LEAD + 1 - DAY : -DAY]
    sum_at_start: Floats = np.zeros(streams.rates.size)
    ends = HISTORY_HOURS - 24 + (np.arange(DAY) + 1) / BIN
    for day in days:
        base, hourly = _fit(streams, day)
        bins = slice(day * DAY, (day + 1) * DAY)
        heard = _heard(streams, base, day)
        for window, width in enumerate(WINDOWS):
            usual = baseline.expect(base, ends, window)
            mean, variance, looks = baseline.voices(base, usual, window)
            last = LEAD + np.arange(DAY) + 1
            upto = DAY * day + last
            seen = sums[:, upto] - sums[:, upto - width * BIN]
            said = heard[:, last] - heard[:, last - width * BIN]
            for one in settings:
                authors = rules.min_authors
                found = exceeds(seen, usual.mean, usual.variance, one, authors=authors)
                found |= rises(seen, said, mean, variance, looks, one, authors=authors)
                fired[one.name][:, bins] |= found
        path = _ramp(base, hourly, rules, sum_at_start)
        sum_at_start = path[:, -1]
        for one in settings:
            fired[one.name][:, bins] |= np.repeat(path >= one.ramp, DAY // 4, axis=-1)
    return Fires(fired, daily)


def _fit(streams: Streams, day: int) -> tuple[Baseline, Floats]:
    """Fit as `detect` does at any time of this day: on the 49 days that end with it."""
    grid = slice(24 * (day + 1), 24 * (day + 1) + HISTORY_HOURS)
    hourly = streams.hourly[:, grid]
    brand = streams.brand[None, grid]
    last = grid.stop - PULSE_LAG_HOURS
    hours, upto = np.arange(grid.start, grid.stop), HISTORY_HOURS - 2 * 24
    base = baseline.fit(
        hourly,
        baseline.fit_brand(
            brand, hours, watched=np.ones_like(brand), clusters=_BRAND_CLUSTERS, upto=upto
        ),
        hours,
        cluster_watched=np.ones((1, HISTORY_HOURS)),
        upto=upto,
        slot_phi=baseline.dispersion_in_slots(
            streams.slots[(last - PULSE_HOURS) * BIN : last * BIN]
        ),
    )
    return base, hourly


def _heard(streams: Streams, base: Baseline, day: int) -> Floats:
    """Return running sums of voices over this day and what its windows look back on, (S, bins + 1).

    What `significance.voices_in` adds up author by author, in closed form for a bin.
    """
    from scipy.special import psi  # costs 50 ms of start-up

    bins = streams.bins[:, DAY * day : DAY * (day + 1) + LEAD]
    level = baseline.expect(base, np.array([float(HISTORY_HOURS)]), 0).level
    season = np.repeat(np.diff(base.season_sum)[..., -24 - LEAD // BIN :], BIN, axis=-1)
    usual = np.maximum(level * season / BIN, 1e-9) / np.maximum(base.slot_phi - 1.0, 1e-6)[:, None]
    said: Floats = np.zeros((bins.shape[0], bins.shape[1] + 1))
    some = bins > 0
    voices = np.zeros_like(bins)
    voices[some] = usual[some] * (psi(bins[some] + usual[some]) - psi(usual[some]))
    np.cumsum(voices, axis=-1, out=said[:, 1:])
    return said


def _ramp(base: Baseline, hourly: Floats, rules: SurgeRules, start: Floats) -> Floats:
    ends = HISTORY_HOURS - 24 + np.arange(0.0, 24.0, baseline.RAMP_STEP)
    usual = baseline.expect(base, ends, DAY_WINDOW, lag=RAMP_LAG)
    seen = daily_counts(hourly, ends)
    return ramp_path(seen, usual.mean, usual.variance, cap=rules.ramp_page, start=start)
